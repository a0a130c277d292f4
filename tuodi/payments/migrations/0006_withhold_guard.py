"""An approved line may be withheld before it is sent, and never moves again: the guard of lines knows the new state."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import rewrite_function

OLD = "when 'ready' then array['sent']"
NEW = "when 'ready' then case run_state when 'approved' then array['sent', 'withheld'] else array['sent'] end"


class Migration(migrations.Migration):
    dependencies = [("payments", "0005_suspended_lines")]
    operations = [rewrite_function("payments_line_guard", OLD, NEW)]
