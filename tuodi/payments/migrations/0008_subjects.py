from django.db import migrations

from tuodi.org.rls import SubjectRows


class Migration(migrations.Migration):
    dependencies = [("payments", "0008_relief_cause"), ("people", "0004_subjects")]
    operations = [
        SubjectRows("PayLine", household="household_id"),
        SubjectRows("LineDifference", household="household_id"),
    ]
