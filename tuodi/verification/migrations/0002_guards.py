"""Row-level security, and one-way freezing held by the database."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import EnableRLS

GUARD = """
create or replace function verification_factset_guard() returns trigger language plpgsql as $$
begin
  if old.frozen_at is not null then
    raise exception '事实表已定稿，不能修改或删除' using errcode = 'check_violation';
  end if;
  if tg_op = 'DELETE' then
    return old;
  end if;
  return new;
end $$;
create trigger verification_factset_guard before update or delete on verification_factset
  for each row execute function verification_factset_guard();
"""
BACK = """
drop trigger if exists verification_factset_guard on verification_factset;
drop function if exists verification_factset_guard;
"""


class Migration(migrations.Migration):
    dependencies = [("verification", "0001_factset"), ("cases", "0002_guards")]
    operations = [EnableRLS("FactSet"), migrations.RunSQL(GUARD, BACK)]
