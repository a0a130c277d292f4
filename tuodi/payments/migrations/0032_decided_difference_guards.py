"""Guards of decisions about corrected indices and of overpayments people determined; what is still owed by the former."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import AppendOnly, EnableRLS, SubjectRows

FORWARD = """
create function payments_decided_guard() returns trigger language plpgsql as $$
declare
  free text[];
  said text;
begin
  if tg_op = 'DELETE' then
    raise exception '% 的记录不能删除', tg_table_name using errcode = 'insufficient_privilege';
  end if;
  if tg_table_name = 'payments_pricecorrection' then
    if to_jsonb(new) - array['live', 'counts'] is distinct from to_jsonb(old) - array['live', 'counts'] or (new.live and not old.live) then
      raise exception '更正份额不能修改' using errcode = 'check_violation';
    end if;
    select state into said from payments_pricedecision where id = new.decision_id;
    if new.counts and not old.counts and said is distinct from 'approved' then
      raise exception '没有审批的更正不能生效' using errcode = 'check_violation';
    end if;
    if old.counts and not new.counts and said is distinct from 'revoked' then
      raise exception '已生效的更正只能由另一人撤销' using errcode = 'check_violation';
    end if;
    return new;
  end if;
  free := array['state', 'decided_at', 'decided_by_id', 'opinion', 'revoke_reason', 'revoke_asked_at', 'revoke_asked_by_id', 'revoked_at',
    'revoked_by_id', 'claim_id'];
  if to_jsonb(new) - free is distinct from to_jsonb(old) - free then
    raise exception '已提出的内容不能修改' using errcode = 'check_violation';
  end if;
  if old.state <> 'proposed' and (new.decided_at, new.decided_by_id, new.opinion) is distinct from (old.decided_at, old.decided_by_id, old.opinion) then
    raise exception '决定不能修改' using errcode = 'check_violation';
  end if;
  if new.state <> old.state and not ((old.state, new.state) in (('proposed', 'approved'), ('proposed', 'refused'), ('approved', 'revoking'),
      ('revoking', 'approved'), ('revoking', 'revoked'))) then
    raise exception '% 不能变为 %', old.state, new.state using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger payments_decided_guard before update or delete on payments_pricedecision for each row execute function payments_decided_guard();
create trigger payments_decided_guard before update or delete on payments_pricecorrection for each row execute function payments_decided_guard();
create trigger payments_decided_guard before update or delete on payments_claimfinding for each row execute function payments_decided_guard();

-- Of each unit and index month: what was decided, what approved runs have booked of it, and whether the subsidy itself was ever granted.
-- A withheld line took its correction along; a unit that was held when the subsidy was paid waits until it has been paid back.
create function payments_price_owed() returns table (household_id bigint, person_id bigint, programme text, index_month integer, region text,
  before_fen bigint, decided_fen bigint, booked_fen bigint, decision_id bigint, granted boolean)
language sql stable
begin atomic
  select d.household_id, d.person_id, d.programme, d.index_month, d.region, d.before_fen, d.decided_fen, coalesce(b.fen, 0)::bigint,
    d.decision_id, exists (select 1 from public.payments_payline l where l.run_id = d.run_id and l.household_id = d.household_id
      and l.programme = d.programme and l.person_id is not distinct from d.person_id and l.live and l.held = '' and l.status <> 'withheld')
    or exists (select 1 from public.payments_arrear a join public.payments_runs() r on r.id = a.run_id join public.payments_runs() p on p.id = d.run_id
      where a.household_id = d.household_id and a.programme = d.programme and a.person_id is not distinct from d.person_id
      and a.for_month = p.month and a.amount_fen > 0 and a.cause <> 'price_back' and r.state in ('approved', 'sent', 'settled', 'closed')
      and not exists (select 1 from public.payments_payline w where w.status = 'withheld' and w.run_id = a.run_id
        and w.household_id = a.household_id and w.programme = a.programme and w.person_id is not distinct from a.person_id))
  from (select c.household_id, case when c.own then c.person_id end as person_id, c.programme::text, c.index_month, min(c.region)::text as region,
      coalesce(sum(c.before_fen) filter (where c.seq = 1), 0)::bigint as before_fen, sum(c.after_fen - c.before_fen)::bigint as decided_fen,
      max(c.decision_id) as decision_id, max(c.run_id) as run_id
    from public.payments_pricecorrection c where c.counts and c.programme <> '' group by 1, 2, 3, 4) d
  left join lateral (select sum(a.amount_fen) as fen from public.payments_arrear a join public.payments_runs() r on r.id = a.run_id
    where a.household_id = d.household_id and a.programme = d.programme and a.person_id is not distinct from d.person_id
    and a.for_month = d.index_month and a.cause = 'price_back' and r.state in ('approved', 'sent', 'settled', 'closed')
    and not exists (select 1 from public.payments_payline w where w.status = 'withheld' and w.run_id = a.run_id
      and w.household_id = a.household_id and w.programme = a.programme and w.person_id is not distinct from a.person_id)) b on true;
end;

-- Whatever was calculated when: a run is approved only with corrections of subsidies that are owed as they stand.
create function payments_price_once() returns trigger language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  if new.state = 'approved' and old.state = 'checked' and exists (select 1 from payments_arrear where run_id = new.id and cause = 'price_back')
     and exists (select 1 from payments_arrear a left join payments_price_owed() o on o.household_id = a.household_id and o.programme = a.programme
       and o.person_id is not distinct from a.person_id and o.index_month = a.for_month
       where a.run_id = new.id and a.cause = 'price_back' and a.amount_fen is distinct from o.decided_fen - o.booked_fen) then
    raise exception '批次 % 的价格补贴更正与现在的决定不符，请重新计算', new.no using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger payments_price_once before update on payments_payrun for each row execute function payments_price_once();
revoke all on function payments_price_once() from public;

-- What an approved run holds of a grant that is given again is never told to be in the family's hands in cash as well.
create trigger payments_cash_guard after update on funds_cashfollow for each row when (new.state = 'approved')
  execute function payments_cash_guard();
"""
BACK = """
drop trigger payments_cash_guard on funds_cashfollow;
drop trigger payments_price_once on payments_payrun;
drop function payments_price_once;
drop function payments_price_owed;
drop trigger payments_decided_guard on payments_pricedecision;
drop trigger payments_decided_guard on payments_pricecorrection;
drop trigger payments_decided_guard on payments_claimfinding;
drop function payments_decided_guard;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0031_decided_differences"), ("people", "0004_subjects"), ("funds", "0014_cash_given_again_guards")]
    operations = [
        EnableRLS("PriceDecision"),
        EnableRLS("PriceCorrection"),
        EnableRLS("ClaimFinding"),
        EnableRLS("ClaimMonth"),
        AppendOnly("ClaimMonth"),
        SubjectRows("PriceCorrection", household="household_id"),
        migrations.RunSQL(FORWARD, BACK),
    ]
