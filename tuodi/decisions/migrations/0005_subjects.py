from django.db import migrations

from tuodi.org.rls import SubjectRows


class Migration(migrations.Migration):
    dependencies = [("decisions", "0006_roll_notice_guards"), ("people", "0004_subjects")]
    operations = [
        SubjectRows("Determination", household="household_id"),
        SubjectRows("Suspension", household="household_id"),
    ]
