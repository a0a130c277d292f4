"""A frozen line or bank item may have its account enciphered anew, under a newer key, and nothing else."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import NEWER_KEY, rewrite_function

KEPT = """  if tuodi_newer_key(old.account_cipher, new.account_cipher) then
    is_now.account_cipher := old.account_cipher;
  end if;
"""
LINE = "  was := old; is_now := new;\n"
ITEM = "  is_now := new; is_now.status := old.status;\n"


class Migration(migrations.Migration):
    dependencies = [("payments", "0006_withhold_guard")]
    operations = [
        migrations.RunSQL(NEWER_KEY, migrations.RunSQL.noop),
        rewrite_function("payments_line_guard", LINE, LINE + KEPT),
        rewrite_function("payments_item_guard", ITEM, ITEM + KEPT),
    ]
