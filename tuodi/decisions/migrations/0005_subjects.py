from django.db import migrations

from tuodi.org.rls import SubjectRows


class Migration(migrations.Migration):
    dependencies = [("decisions", "0004_suspension_guards"), ("people", "0004_subjects")]
    operations = [
        SubjectRows("Determination", household="household_id"),
        SubjectRows("Suspension", household="household_id"),
    ]
