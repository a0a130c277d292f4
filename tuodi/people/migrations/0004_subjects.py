from django.db import migrations

from tuodi.org.rls import SUBJECT_FUNCTIONS, CloseToSubjects, EnableRLS, SubjectRows


class Migration(migrations.Migration):
    dependencies = [("people", "0003_residents"), ("audit", "0002_chain"), ("files", "0002_rls"), ("outbox", "0002_guards")]
    operations = [
        migrations.RunSQL(
            SUBJECT_FUNCTIONS, "drop function tuodi_subject_persons(); drop function tuodi_subject_households()"
        ),
        EnableRLS("ResidentAccount"),
        EnableRLS("SignInTry"),
        CloseToSubjects(),
        SubjectRows("Person", person="id"),
        SubjectRows("FormerName", person="person_id"),
        SubjectRows("Household", household="id"),
        SubjectRows("Membership", household="household_id", person="person_id"),
        SubjectRows("HouseholdChange", household="household_id"),
        SubjectRows("Account", person="person_id"),
        SubjectRows("RollEntry", household="household_id", person="person_id"),
        SubjectRows("HouseholdFacts", household="household_id"),
        SubjectRows("MemberFacts", household="household_id"),
    ]
