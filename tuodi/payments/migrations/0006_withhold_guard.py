"""An approved line may be withheld before it is sent, and never moves again: the guard of lines knows the new state."""

from __future__ import annotations

from typing import Any

from django.db import migrations

OLD = "when 'ready' then array['sent']"
NEW = "when 'ready' then case run_state when 'approved' then array['sent', 'withheld'] else array['sent'] end"


def _swap(before: str, after: str) -> Any:
    def run(apps: Any, schema_editor: Any) -> None:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("select pg_get_functiondef('payments_line_guard'::regproc)")
            (text,) = cursor.fetchone()
            if text.count(before) != 1:
                raise RuntimeError("payments_line_guard is not as migration 0002 wrote it")
        # params=None: the percent signs are plpgsql's, not placeholders.
        schema_editor.execute(text.replace(before, after), params=None)

    return run


class Migration(migrations.Migration):
    dependencies = [("payments", "0005_suspended_lines")]
    operations = [migrations.RunPython(_swap(OLD, NEW), _swap(NEW, OLD))]
