"""A frozen line or bank item may have its account enciphered anew, under a newer key, and nothing else."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from tuodi.org.rls import NEWER_KEY

KEPT = """  if tuodi_newer_key(old.account_cipher, new.account_cipher) then
    is_now.account_cipher := old.account_cipher;
  end if;
"""
LINE = "  was := old; is_now := new;\n"
ITEM = "  is_now := new; is_now.status := old.status;\n"


def _swap(function: str, before: str, after: str) -> Any:
    def run(apps: Any, schema_editor: Any) -> None:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(f"select pg_get_functiondef('{function}'::regproc)")
            (text,) = cursor.fetchone()
        if text.count(before) != 1:
            raise RuntimeError(f"{function} is not as the migrations before wrote it")
        # params=None: the percent signs are plpgsql's, not placeholders.
        schema_editor.execute(text.replace(before, after), params=None)

    return run


class Migration(migrations.Migration):
    dependencies = [("payments", "0006_withhold_guard")]
    operations = [
        migrations.RunSQL(NEWER_KEY, migrations.RunSQL.noop),
        migrations.RunPython(
            _swap("payments_line_guard", LINE, LINE + KEPT), _swap("payments_line_guard", LINE + KEPT, LINE)
        ),
        migrations.RunPython(
            _swap("payments_item_guard", ITEM, ITEM + KEPT), _swap("payments_item_guard", ITEM + KEPT, ITEM)
        ),
    ]
