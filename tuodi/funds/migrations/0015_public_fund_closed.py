"""Who closed a public fund, and what the database refuses: closing one that is not empty, and new money for a closed one."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

GUARD = """
-- A public fund stays as it was registered; it is closed once, and empty.
create function funds_publicfund_guard() returns trigger language plpgsql security definer
  set search_path = pg_catalog, public, pg_temp as $$
declare is_now public.funds_publicfund; held text;
begin
  if tg_op = 'UPDATE' and old.closed_on is null then
    is_now := new;
    is_now.closed_on := old.closed_on; is_now.closed_by_id := old.closed_by_id;
    if is_now is not distinct from old then
      select string_agg(x.programme || '/' || x.account || ' ' || x.fen || ' 分', '、' order by x.programme, x.account) into held from (
        select programme, account, sum(debit_fen - credit_fen) as fen from public.funds_balance
        where source = 'society:' || old.id
          and account in ('available', 'reserved', 'float', 'transit', 'hospital', 'suspense', 'receivable')
        group by programme, account having sum(debit_fen - credit_fen) <> 0) x;
      if held is null then return new; end if;
      raise exception '公益基金 % 还有余额，不能停用：%', old.name, held using errcode = 'check_violation';
    end if;
  end if;
  raise exception '公益基金 % 不能修改或删除', old.name using errcode = 'check_violation';
end $$;
create trigger funds_publicfund_guard before update or delete on funds_publicfund
  for each row execute function funds_publicfund_guard();

-- A closed public fund is given nothing new. The row is held, so that it is not closed between the look and the booking.
create function funds_paper_open_fund() returns trigger language plpgsql as $$
declare shut date;
begin
  if new.fund_id is not null and new.kind in ('appropriation', 'transfer', 'plan') and new.state in ('proposed', 'approved') then
    select closed_on into shut from funds_publicfund where id = new.fund_id for share;
    if shut is not null then
      raise exception '公益基金已于 % 停用，单据 % 不能使用', shut, new.no using errcode = 'check_violation';
    end if;
  end if;
  return new;
end $$;
create trigger funds_paper_open_fund before insert or update on funds_fundpaper
  for each row execute function funds_paper_open_fund();
revoke all on function funds_publicfund_guard() from public;
"""
BACK = """
drop trigger funds_paper_open_fund on funds_fundpaper;
drop trigger funds_publicfund_guard on funds_publicfund;
drop function funds_paper_open_fund, funds_publicfund_guard;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("funds", "0014_cash_given_again_guards"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="publicfund",
            name="closed_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddConstraint(
            model_name="publicfund",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closed_by__isnull", True), ("closed_on__isnull", True)),
                    models.Q(("closed_by__isnull", False), ("closed_on__isnull", False)),
                    _connector="OR",
                ),
                name="funds_public_closed",
            ),
        ),
        migrations.RunSQL(GUARD, BACK),
    ]
