"""Everybody who had a hand in a proposal is kept, and none of them approves it."""

from django.db import migrations, models

FILL = """
update standards_proposal set hands = (
  case when created_by_id = edited_by_id then jsonb_build_array(created_by_id)
       else jsonb_build_array(created_by_id, edited_by_id) end
)
"""
GUARD = """
alter table standards_proposal add constraint standards_proposal_many_eyes
  check (approved_by_id is null or not hands @> to_jsonb(approved_by_id))
"""


class Migration(migrations.Migration):
    dependencies = [("standards", "0002_guards")]

    operations = [
        migrations.AddField("proposal", "hands", models.JSONField(default=list, verbose_name="起草和修改人")),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RunSQL(GUARD, "alter table standards_proposal drop constraint standards_proposal_many_eyes"),
    ]
