from django.db import migrations

from tuodi.org.rls import EnableRLS

MODELS = (
    "Person",
    "FormerName",
    "Household",
    "Membership",
    "HouseholdChange",
    "Account",
    "RollEntry",
    "HouseholdFacts",
    "MemberFacts",
)


class Migration(migrations.Migration):
    dependencies = [("people", "0001_initial")]
    operations = [EnableRLS(model) for model in MODELS]
