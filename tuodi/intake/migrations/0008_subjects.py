from django.db import migrations

from tuodi.org.rls import SubjectRows, subject_ids


class Migration(migrations.Migration):
    dependencies = [("intake", "0009_patrols_guards"), ("people", "0004_subjects")]
    operations = [
        subject_ids(
            "application", "select id from intake_application where household_id = any (tuodi_subject_households())"
        ),
        SubjectRows("Application", household="household_id"),
        SubjectRows("ApplicationMember", application="application_id"),
        SubjectRows("Material", application="application_id"),
    ]
