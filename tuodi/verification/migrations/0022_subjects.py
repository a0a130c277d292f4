from django.db import migrations

from tuodi.org.rls import SubjectRows


class Migration(migrations.Migration):
    dependencies = [("verification", "0021_visits_guards"), ("people", "0004_subjects")]
    operations = [
        SubjectRows("FactSet", household="household_id"),
        SubjectRows("Consent", person="person_id"),
    ]
