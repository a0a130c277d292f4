"""An index of the few lines that keep something back, which are asked for over all months."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0016_insert_guards'),
        ('people', '0005_tellings'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='payline',
            index=models.Index(condition=models.Q(('offset_fen__lt', 0)), fields=['household'], name='payments_line_offset'),
        ),
    ]
