from django.db import migrations

from tuodi.org.rls import AppendOnly, EnableRLS, SubjectRows


class Migration(migrations.Migration):
    dependencies = [("payments", "0011_price_linkage"), ("people", "0004_subjects")]
    operations = [
        AppendOnly("PriceIndex"),
        EnableRLS("PriceMember"),
        EnableRLS("PriceShare"),
        SubjectRows("PriceShare", household="household_id"),
    ]
