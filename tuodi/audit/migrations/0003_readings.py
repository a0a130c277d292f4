from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_chain")]
    operations = [
        # Who looked at one family or person: found among millions of rows by the ids a page showed.
        migrations.AddIndex(
            model_name="auditentry",
            index=GinIndex(
                OpClass(models.F("after"), name="jsonb_path_ops"),
                name="audit_entry_shown",
                condition=models.Q(action__in=("web.view", "web.list")),
            ),
        ),
        # How many pages one member of staff was shown within the hour.
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(
                fields=["actor_id", "recorded_at"],
                name="audit_entry_reads",
                condition=models.Q(action__in=("web.view", "web.list")),
            ),
        ),
    ]
