from django.db import migrations

from tuodi.org.rls import SubjectRows


class Migration(migrations.Migration):
    dependencies = [("verification", "0022_self_care"), ("people", "0004_subjects")]
    operations = [
        SubjectRows("FactSet", household="household_id"),
        SubjectRows("Consent", person="person_id"),
    ]
