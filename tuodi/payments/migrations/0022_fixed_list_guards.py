"""Row-level security for lists of fixed amounts; who stands on one reads his own entry, and its terms never change."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import EnableRLS, SubjectRows

GUARD = """
create function payments_fixed_guard() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception '固定金额名单不能删除' using errcode = 'check_violation';
  end if;
  if to_jsonb(new) - array['end_month', 'end_reason', 'active', 'account_id']
     is distinct from to_jsonb(old) - array['end_month', 'end_reason', 'active', 'account_id'] then
    raise exception '名单核定的内容不能修改，请终止后另报' using errcode = 'check_violation';
  end if;
  if (old.active and not new.active) or (old.active and new.account_id is distinct from old.account_id) then
    raise exception '已生效的名单不能撤回，请登记终止月份' using errcode = 'check_violation';
  end if;
  if new.active and not old.active and not exists (
      select 1 from payments_fixedlist l where l.id = new.list_id and l.state = 'approved') then
    raise exception '名单没有审核，不能生效' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger payments_fixed_guard before update or delete on payments_fixedentry
  for each row execute function payments_fixed_guard();
"""
BACK = """
drop trigger if exists payments_fixed_guard on payments_fixedentry;
drop function if exists payments_fixed_guard;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0021_fixed_lists"), ("people", "0004_subjects")]
    operations = [
        EnableRLS("FixedList"),
        EnableRLS("FixedEntry"),
        SubjectRows("FixedEntry", household="household_id"),
        migrations.RunSQL(GUARD, BACK),
    ]
