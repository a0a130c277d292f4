"""A frozen line or bank item may have its account enciphered anew, under a newer key, and nothing else."""

from __future__ import annotations

from typing import Any

from django.db import migrations

# A ciphertext begins with its version and the key's number and is as long as its text asks: one of another length, or of
# the same or an older key, is no re-encryption.
MADE = r"""
create function payments_newer_key(was bytea, is_now bytea) returns boolean language sql immutable as $$
  select was is not null and is_now is not null and length(was) = length(is_now)
    and substring(was from 1 for 1) = '\x01'::bytea and substring(is_now from 1 for 1) = '\x01'::bytea
    and substring(is_now from 2 for 2) > substring(was from 2 for 2)
$$;
"""
KEPT = """  if payments_newer_key(old.account_cipher, new.account_cipher) then
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
        migrations.RunSQL(MADE, "drop function payments_newer_key(bytea, bytea)"),
        migrations.RunPython(
            _swap("payments_line_guard", LINE, LINE + KEPT), _swap("payments_line_guard", LINE + KEPT, LINE)
        ),
        migrations.RunPython(
            _swap("payments_item_guard", ITEM, ITEM + KEPT), _swap("payments_item_guard", ITEM + KEPT, ITEM)
        ),
    ]
