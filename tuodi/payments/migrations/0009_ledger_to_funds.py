"""The ledger moves to the room `funds`: its rows are taken over with their numbers, sealed, and the old tables go."""

from __future__ import annotations

from django.db import migrations

# The fund account becomes the available money of a county without a fund book (source empty).
COPY = """
insert into funds_ledgerentry (id, region, kind, origin, origin_id, run_id, reverses_id, day, at, by_id, memo)
  select id, region, kind, case when returned_id is not null then 'return' when batch_id is not null then 'batch' else 'run' end,
    coalesce(returned_id, batch_id, run_id), run_id, null, (at at time zone 'Asia/Shanghai')::date, at, by_id, memo
  from payments_ledgerentry order by id;
insert into funds_posting (id, entry_id, region, account, programme, source, debit_fen, credit_fen)
  select id, entry_id, region, case account when 'fund' then 'available' else account end, programme, '', debit_fen, credit_fen
  from payments_posting order by id;
select setval(pg_get_serial_sequence('funds_ledgerentry', 'id'), greatest((select max(id) from funds_ledgerentry), 1),
  exists (select 1 from funds_ledgerentry));
select setval(pg_get_serial_sequence('funds_posting', 'id'), greatest((select max(id) from funds_posting), 1),
  exists (select 1 from funds_posting));
set constraints all immediate;
set constraints all deferred;
drop trigger payments_balance_posting on payments_posting;
drop trigger payments_balance_entry on payments_ledgerentry;
drop function payments_balance();
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0008_relief_cause"), ("payments", "0008_subjects"), ("funds", "0002_guards")]
    operations = [
        migrations.RunSQL(COPY, migrations.RunSQL.noop),
        migrations.DeleteModel("Posting"),
        migrations.DeleteModel("LedgerEntry"),
    ]
