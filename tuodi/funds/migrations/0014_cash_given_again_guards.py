"""Cash of a grant that is given again: place range, and a decision that is taken once."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import EnableRLS

GUARD = """
create function funds_cashfollow_guard() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and old.state = 'proposed'
     and to_jsonb(new) - array['state', 'decided_at', 'decided_by_id', 'opinion']
       = to_jsonb(old) - array['state', 'decided_at', 'decided_by_id', 'opinion'] then
    return new;
  end if;
  raise exception '现金追回更正 % 不能修改或删除', old.id using errcode = 'check_violation';
end $$;
create trigger funds_cashfollow_guard before update or delete on funds_cashfollow for each row execute function funds_cashfollow_guard();
"""
BACK = "drop trigger funds_cashfollow_guard on funds_cashfollow; drop function funds_cashfollow_guard;"


class Migration(migrations.Migration):
    dependencies = [("funds", "0013_cash_given_again")]
    operations = [EnableRLS("CashFollow"), migrations.RunSQL(GUARD, BACK)]
