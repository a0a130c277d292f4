"""Claims and signatures: place range, append-only receipts, four eyes over the approval of a run; claims of runs booked before."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import AppendOnly, EnableRLS

MODELS = ("Claim", "ClaimAgreement", "ClaimReceipt", "ClaimWriteOff", "RunSignature")

FUNCTIONS = """
create function payments_claim_guard() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception '% 的记录不能删除', tg_table_name using errcode = 'insufficient_privilege';
  end if;
  if tg_table_name = 'payments_claim' then
    if (new.region, new.household_id, new.programme, new.opened_at) <> (old.region, old.household_id, old.programme, old.opened_at)
       or new.person_id is distinct from old.person_id then
      raise exception '追回事项的对象不能修改' using errcode = 'check_violation';
    end if;
  elsif tg_table_name = 'payments_claimagreement' then
    if old.ended_at is not null or (new.claim_id, new.region, new.monthly_fen, new.from_month, new.in_cash, new.signed_on, new.paper_id,
       new.made_at, new.made_by_id) <> (old.claim_id, old.region, old.monthly_fen, old.from_month, old.in_cash, old.signed_on, old.paper_id,
       old.made_at, old.made_by_id) then
      raise exception '协议只能终止，不能修改' using errcode = 'check_violation';
    end if;
  elsif old.state <> 'proposed' or (new.claim_id, new.region, new.amount_fen, new.reason, new.text, new.proposed_at, new.proposed_by_id)
       <> (old.claim_id, old.region, old.amount_fen, old.reason, old.text, old.proposed_at, old.proposed_by_id)
       or new.paper_id is distinct from old.paper_id then
    raise exception '核销已提出，只能由另一人决定一次' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger payments_claim_guard before update or delete on payments_claim for each row execute function payments_claim_guard();
create trigger payments_claim_guard before update or delete on payments_claimagreement
  for each row execute function payments_claim_guard();
create trigger payments_claim_guard before update or delete on payments_claimwriteoff
  for each row execute function payments_claim_guard();

-- Nobody who opened, computed or checked a run signs for it, nobody signs twice (unique), and a signature only ever turns void.
create function payments_signature_guard() returns trigger language plpgsql security definer
  set search_path = pg_catalog, public, pg_temp as $$
declare run payments_payrun;
begin
  if tg_op = 'DELETE' then
    raise exception '签字不能删除' using errcode = 'insufficient_privilege';
  end if;
  if tg_op = 'UPDATE' then
    if old.voided_at is not null or new.voided_at is null or (new.run_id, new.region, new.user_id, new.at, new.amount_fen)
       <> (old.run_id, old.region, old.user_id, old.at, old.amount_fen) then
      raise exception '签字不能修改' using errcode = 'check_violation';
    end if;
    return new;
  end if;
  select * into run from payments_payrun where id = new.run_id;
  if run.state <> 'checked' or new.voided_at is not null then
    raise exception '批次 % 不在待审批状态，不能签字', run.no using errcode = 'check_violation';
  end if;
  if new.user_id in (run.opened_by_id, run.calculated_by_id, run.checked_by_id) then
    raise exception '批次 % 的编制人和校验人不能审批签字', run.no using errcode = 'check_violation';
  end if;
  if new.amount_fen <> run.amount_fen then
    raise exception '批次 % 的签字金额与应发不符', run.no using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger payments_signature_guard before insert or update or delete on payments_runsignature
  for each row execute function payments_signature_guard();

-- Approval asks for as many live signatures as the run was said to need when it was checked; back to a draft, none is live.
create function payments_signed_guard() returns trigger language plpgsql security definer
  set search_path = pg_catalog, public, pg_temp as $$
declare signed int;
begin
  select count(*) into signed from payments_runsignature where run_id = new.id and voided_at is null;
  if new.approvers <> old.approvers and not (old.state = 'calculated' and new.state = 'checked') then
    raise exception '批次 % 的签字人数在校验时确定', old.no using errcode = 'check_violation';
  end if;
  if new.state <> old.state then
    if new.state = 'approved' and (signed < new.approvers or not exists (
        select 1 from payments_runsignature where run_id = new.id and voided_at is null and user_id = new.approved_by_id)) then
      raise exception '批次 % 需要 % 人签字，现有 % 人', old.no, new.approvers, signed using errcode = 'check_violation';
    end if;
    if new.state in ('open', 'calculated', 'cancelled') and signed > 0 then
      raise exception '批次 % 重新计算或撤销前，已有的签字应先作废', old.no using errcode = 'check_violation';
    end if;
  end if;
  return new;
end $$;
create trigger payments_signed_guard before update on payments_payrun for each row execute function payments_signed_guard();
revoke all on function payments_signature_guard(), payments_signed_guard() from public;
"""
BACK = """
drop trigger payments_claim_guard on payments_claim;
drop trigger payments_claim_guard on payments_claimagreement;
drop trigger payments_claim_guard on payments_claimwriteoff;
drop trigger payments_signature_guard on payments_runsignature;
drop trigger payments_signed_guard on payments_payrun;
drop function payments_claim_guard, payments_signature_guard, payments_signed_guard;
"""

#: What runs approved before this migration found overpaid, and what their lines kept back of it.
CLAIMS = """
with found as (
  select a.household_id, a.programme, a.person_id, min(a.region) region, -sum(a.amount_fen) fen, min(r.approved_at) at
  from payments_arrear a join payments_payrun r on r.id = a.run_id
  where a.amount_fen < 0 and r.state in ('approved', 'sent', 'settled', 'closed') and not exists (
    select 1 from payments_payline w where w.status = 'withheld' and w.run_id = a.run_id and w.household_id = a.household_id
    and w.programme = a.programme and w.person_id is not distinct from a.person_id)
  group by 1, 2, 3
), sums as (
  select f.*, coalesce((select -sum(l.offset_fen) from payments_payline l join payments_payrun r on r.id = l.run_id
    where l.household_id = f.household_id and l.programme = f.programme and l.person_id is not distinct from f.person_id
    and l.offset_fen < 0 and l.live and l.held = '' and l.status <> 'withheld' and r.state in ('approved', 'sent', 'settled', 'closed')), 0) kept
  from found f
)
insert into payments_claim (region, household_id, person_id, programme, state, manner, manner_reason, found_fen, kept_fen, cash_fen,
  written_fen, opened_at, settled_at)
select region, household_id, person_id, programme, case when kept >= fen then 'settled' else 'open' end, 'capped', '', fen, kept, 0, 0,
  at, case when kept >= fen then now() end from sums
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0013_claims_signatures")]
    operations = [
        *(EnableRLS(model) for model in MODELS),
        AppendOnly("ClaimReceipt"),
        migrations.RunSQL(FUNCTIONS, BACK),
        migrations.RunSQL(CLAIMS, migrations.RunSQL.noop),
    ]
