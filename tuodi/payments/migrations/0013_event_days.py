import django.contrib.postgres.indexes
from django.conf import settings
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0012_price_guards'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name='lineevent',
            index=django.contrib.postgres.indexes.BrinIndex(fields=['at'], name='payments_event_at'),
        ),
    ]
