"""Who must not be paid after all although his line is approved: what happened between calculation and the file.

A line that is held back keeps its amount, account and the facts it was computed from; the next run decides about the month.
"""

from __future__ import annotations

from django.db import connection

from tuodi.payments.models import PayRun
from tuodi.payments.states import ROLL_PROGRAMMES

__all__ = ["REASONS", "SUSPENDED", "stopped_lines"]

#: Reason -> what is said, the gravest first: a line with several counts under the first.
REASONS = {
    "suspended": "停保",
    "death": "成员死亡",
    "exit": "已停发退出",
    "agreement": "照料服务协议已解除",
    "moved": "已迁往其他县",
    "account": "收款账户已变更",
    "precheck": "账户预校验不符",
}

#: A suspension `s` stops a line {row}: its unit's own, or that of a person whom the line's caregiver looks after.
SUSPENDED = """s.household_id = {row}.household_id and s.lifted_at is null and s.from_month <= {row}.month and (
    (s.programme = {row}.programme and s.person_id is not distinct from {row}.person_id) or ({row}.programme = 'care' and s.programme = 'tekun'
      and exists (select 1 from decisions_careagreement g join decisions_carepayee p on p.agreement_id = g.id
        where g.household_id = s.household_id and g.person_id = s.person_id and p.person_id = {row}.person_id
        and g.since < to_date({row}.month::text, 'YYYYMM') + interval '1 month' and g.until >= to_date({row}.month::text, 'YYYYMM'))))"""
#: Person `p` died lately, and it was told after the calculation.
_DIED = """p.died_on is not null and p.died_on >= to_date(r.month::text, 'YYYYMM') - interval '1 year'
    and exists (select 1 from audit_auditentry a where a.action = 'people.record_death' and a.subject_type = 'person'
      and a.subject_id = p.id::text and a.at > %(since)s)"""
#: The end of an agreement was told after the calculation.
_ENDED = """exists (select 1 from audit_auditentry u where u.action = 'decisions.end_agreement' and u.subject_type = 'careagreement'
    and u.subject_id = {agreement}::text and u.at > %(since)s)"""
_QUERY = f"""
with ready as (
  select l.id, l.household_id, l.person_id, l.programme, l.month, l.roll_id, l.account_id, l.region, l.agreement_id, l.care_fen, l.base_fen,
    to_date(l.month::text, 'YYYYMM') first
  from payments_payline l where l.run_id = %(run)s and l.live and l.held = '' and l.status = 'ready'
), agreed as (
  -- the agreements a line's payee is paid by: a caregiver may have several in one household
  select r.id line_id, r.first, g.id, g.person_id ward_id, g.ended_on from ready r join decisions_carepayee p on p.person_id = r.person_id
    join decisions_careagreement g on g.id = p.agreement_id and g.household_id = r.household_id where r.programme = 'care'
  union
  select r.id, r.first, g.id, g.person_id, g.ended_on from ready r join decisions_careagreement g on g.id = r.agreement_id
)
select id, reason from (
  select r.id, 'suspended' reason, 1 rank from ready r where exists (
    select 1 from decisions_suspension s where {SUSPENDED.format(row="r")})
  union all
  select r.id, 'death', 2 from ready r where exists (
    select 1 from people_membership m join people_person p on p.id = m.person_id
    where m.household_id = r.household_id and (r.person_id is null or p.id = r.person_id) and {_DIED})
  union all
  -- of who is looked after, and of who looks after him
  select r.id, 'death', 2 from ready r where r.programme = 'care' and exists (
    select 1 from people_person p where (p.id = r.person_id or p.id in (select a.ward_id from agreed a where a.line_id = r.id)) and {_DIED})
  union all
  select r.id, 'exit', 3 from ready r join people_rollentry e on e.id = r.roll_id
    where e.end_month is not null and e.end_month < r.month
  union all
  -- of a caregiver's line what is agreed for those whose roll still covers the month, by the payees the calculation knew, does not reach
  -- what was calculated: of several people looked after one has left the roll. How an agreement ended is another reason.
  select r.id, 'exit', 3 from ready r where r.programme = 'care' and r.care_fen > 0 and r.care_fen > (
    select coalesce(sum(g.subsidy_fen), 0) from decisions_careagreement g
    where g.household_id = r.household_id and g.caregiver <> '' and g.since <= r.first and g.until >= r.first
      and exists (select 1 from decisions_carepayee p where p.agreement_id = g.id and p.person_id = r.person_id and not exists (
        select 1 from decisions_carepayee q where q.agreement_id = g.id and q.id > p.id and q.person_id <> p.person_id and q.made_at <= %(since)s))
      and (g.ended_on is null or g.ended_on > r.first or {_ENDED.format(agreement="g.id")})
      and exists (select 1 from people_rollentry e where e.household_id = g.household_id and e.person_id = g.person_id
        and e.programme = 'tekun' and e.form <> 'centralised' and e.start_month <= r.month and (e.end_month is null or e.end_month >= r.month)))
  union all
  select r.id, 'exit', 3 from ready r where r.programme <> all(%(roll)s) and r.programme <> 'care' and r.base_fen > 0 and not exists (
    select 1 from payments_fixedentry e where e.active and e.household_id = r.household_id and e.person_id = r.person_id
      and e.programme = r.programme and e.start_month <= r.month and (e.end_month is null or e.end_month >= r.month))
  union all
  select a.line_id, 'agreement', 4 from agreed a where a.ended_on < a.first + interval '1 month' and {_ENDED.format(agreement="a.id")}
  union all
  -- a household that went beyond the range of who asks is not seen at all
  select r.id, 'moved', 5 from ready r left join people_household h on h.id = r.household_id
    where h.id is null or substr(h.region, 1, 6) <> substr(r.region, 1, 6)
  union all
  select r.id, 'account', 6 from ready r join people_account a on a.id = r.account_id where a.until is not null
  union all
  select r.id, 'precheck', 7 from ready r join lateral (
    select c.ok, c.code from payments_accountcheck c where c.account_id = r.account_id order by c.id desc limit 1) c on not c.ok
) found order by id, rank
"""


def stopped_lines(run: PayRun) -> dict[int, str]:
    """Line -> reason, for lines of a run that were approved and must not leave."""
    found: dict[int, str] = {}
    with connection.cursor() as cursor:
        # A death told before the calculation is in the amount; one told after it is not.
        cursor.execute(_QUERY, {"run": run.pk, "since": run.calculated_at, "roll": list(ROLL_PROGRAMMES)})
        for line, reason in cursor.fetchall():
            found.setdefault(line, reason)
    return found
