from django.db import migrations

from tuodi.org.rls import SubjectRows, subject_ids


class Migration(migrations.Migration):
    dependencies = [("cases", "0003_several_emergencies"), ("people", "0004_subjects")]
    operations = [
        subject_ids("case", "select id from cases_case where household_id = any (tuodi_subject_households())"),
        SubjectRows("Case", household="household_id"),
        SubjectRows("Step", case="case_id"),
        SubjectRows("Notice", case="case_id"),
    ]
