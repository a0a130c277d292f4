from django.db import migrations

from tuodi.org.rls import EnableRLS


class Migration(migrations.Migration):
    dependencies = [("payments", "0009_simulation")]
    operations = [EnableRLS("Simulation")]
