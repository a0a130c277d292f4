"""Row-level security and the guards of money: closed months, state tables, append-only ledger, balance at commit."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import AppendOnly, EnableRLS

MODELS = (
    "PayRun",
    "PayLine",
    "LineEvent",
    "LineDifference",
    "Arrear",
    "LedgerEntry",
    "Posting",
    "BankBatch",
    "BankItem",
    "BankReturn",
)

# Functions that must see every row whatever the scope (a check at commit runs after the scope ended) are SECURITY
# DEFINER: the owner of the tables is not held by the place policy.
FUNCTIONS = """
create function payments_run_guard() returns trigger language plpgsql as $$
declare allowed text[];
begin
  if tg_op = 'DELETE' then
    raise exception '发放批次不能删除，可以撤销' using errcode = 'insufficient_privilege';
  end if;
  if old.state in ('closed', 'cancelled') then
    raise exception '批次 % 已关账或撤销，不能修改；更正列入下月', old.no using errcode = 'check_violation';
  end if;
  if new.place <> old.place or new.month <> old.month or new.programmes <> old.programmes or new.no <> old.no
     or new.region <> old.region or new.opened_by_id is distinct from old.opened_by_id then
    raise exception '批次的范围、月份、项目和开账人不能修改' using errcode = 'check_violation';
  end if;
  if old.state in ('approved', 'sent', 'settled') and (
     new.amount_fen <> old.amount_fen or new.lines <> old.lines or new.persons <> old.persons
     or new.inputs_id is distinct from old.inputs_id or new.results_id is distinct from old.results_id
     or new.calculated_by_id is distinct from old.calculated_by_id
     or new.approved_by_id is distinct from old.approved_by_id or new.rules <> old.rules) then
    raise exception '批次 % 已审批，金额和依据不能修改；更正列入下月', old.no using errcode = 'check_violation';
  end if;
  if new.state <> old.state then
    allowed := case old.state
      when 'open' then array['calculated', 'cancelled']
      when 'calculated' then array['open', 'checked', 'cancelled']
      when 'checked' then array['open', 'approved', 'cancelled']
      when 'approved' then array['sent']
      when 'sent' then array['settled']
      when 'settled' then array['closed']
      else array[]::text[] end;
    if not new.state = any(allowed) then
      raise exception '批次 % 不能由 % 变为 %', old.no, old.state, new.state using errcode = 'check_violation';
    end if;
  end if;
  return new;
end $$;
create trigger payments_run_guard before update or delete on payments_payrun
  for each row execute function payments_run_guard();

create function payments_line_guard() returns trigger language plpgsql security definer
  set search_path = pg_catalog, public, pg_temp as $$
declare run_state text; run_no text; was payments_payline; is_now payments_payline; allowed text[];
begin
  if tg_op = 'INSERT' then
    select state, no into run_state, run_no from payments_payrun where id = new.run_id;
    if run_state <> 'open' then
      raise exception '批次 % 不在编制中，不能增加行', run_no using errcode = 'check_violation';
    end if;
    return new;
  end if;
  select state, no into run_state, run_no from payments_payrun where id = old.run_id;
  if tg_op = 'DELETE' then
    if run_state <> 'open' then
      raise exception '批次 % 不在编制中，不能删除行', run_no using errcode = 'check_violation';
    end if;
    return old;
  end if;
  if run_state = 'open' then
    return new;
  end if;
  was := old; is_now := new;
  if run_state = 'cancelled' then
    if new.live then raise exception '撤销的批次不能恢复' using errcode = 'check_violation'; end if;
    is_now.live := was.live;
  end if;
  if new.status <> old.status then
    -- A closed month knows one thing more: money the bank sends back later, and its second way out.
    allowed := case old.status
      when 'ready' then array['sent']
      when 'sent' then array['paid', 'failed', 'unknown']
      when 'unknown' then array['paid', 'failed']
      when 'paid' then array['returned']
      when 'failed' then array['sent']
      when 'returned' then array['sent']
      else array[]::text[] end;
    if run_state not in ('approved', 'sent', 'settled', 'closed') or not new.status = any(allowed)
       or (run_state = 'closed' and old.status = 'ready') then
      raise exception '行 % 不能由 % 变为 %', old.key, old.status, new.status using errcode = 'check_violation';
    end if;
    is_now.status := was.status;
  end if;
  if is_now is distinct from was then
    raise exception '批次 % 已编制完成，行 % 的金额和账户不能修改；更正列入下月', run_no, old.key using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger payments_line_guard before insert or update or delete on payments_payline
  for each row execute function payments_line_guard();

-- Differences and corrections of earlier months are part of the run: as frozen as its lines.
create function payments_draft_guard() returns trigger language plpgsql security definer
  set search_path = pg_catalog, public, pg_temp as $$
declare run_state text; subject bigint;
begin
  subject := case when tg_op = 'DELETE' then old.run_id else new.run_id end;
  select state into run_state from payments_payrun where id = subject;
  if run_state <> 'open' or tg_op = 'UPDATE' then
    raise exception '批次已编制完成，% 不能修改', tg_table_name using errcode = 'check_violation';
  end if;
  return case when tg_op = 'DELETE' then old else new end;
end $$;
create trigger payments_draft_guard before insert or update or delete on payments_linedifference
  for each row execute function payments_draft_guard();
create trigger payments_draft_guard before insert or update or delete on payments_arrear
  for each row execute function payments_draft_guard();

create function payments_item_guard() returns trigger language plpgsql as $$
declare is_now payments_bankitem;
begin
  if tg_op = 'DELETE' then
    raise exception '银行明细不能删除' using errcode = 'insufficient_privilege';
  end if;
  is_now := new; is_now.status := old.status;
  if is_now is distinct from old then
    raise exception '银行明细只能更新结果' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger payments_item_guard before update or delete on payments_bankitem
  for each row execute function payments_item_guard();

create function payments_batch_guard() returns trigger language plpgsql as $$
declare is_now payments_bankbatch;
begin
  if tg_op = 'DELETE' then
    raise exception '银行批次不能删除' using errcode = 'insufficient_privilege';
  end if;
  is_now := new; is_now.state := old.state;
  if is_now is distinct from old then
    raise exception '银行批次只能更新状态' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger payments_batch_guard before update or delete on payments_bankbatch
  for each row execute function payments_batch_guard();

-- At commit: debits equal credits, and no entry without postings.
create function payments_balance() returns trigger language plpgsql security definer
  set search_path = pg_catalog, public, pg_temp as $$
declare subject bigint; debit numeric; credit numeric; sides int;
begin
  if tg_table_name = 'payments_posting' then
    subject := new.entry_id;
  else
    subject := new.id;
  end if;
  select coalesce(sum(debit_fen), 0), coalesce(sum(credit_fen), 0), count(*) into debit, credit, sides
    from payments_posting where entry_id = subject;
  if debit <> credit or sides < 2 then
    raise exception '凭证 % 借贷不平：借 % 分，贷 % 分，% 条分录', subject, debit, credit, sides using errcode = 'check_violation';
  end if;
  return null;
end $$;
create constraint trigger payments_balance_posting after insert on payments_posting
  deferrable initially deferred for each row execute function payments_balance();
create constraint trigger payments_balance_entry after insert on payments_ledgerentry
  deferrable initially deferred for each row execute function payments_balance();

-- A batch is the sum of its lines, checked at commit.
create function payments_batch_total() returns trigger language plpgsql security definer
  set search_path = pg_catalog, public, pg_temp as $$
declare total numeric; n int;
begin
  select coalesce(sum(amount_fen), 0), count(*) into total, n from payments_bankitem where batch_id = new.id;
  if total <> new.amount_fen or n <> new.lines then
    raise exception '银行批次 % 的合计与明细不符', new.no using errcode = 'check_violation';
  end if;
  return null;
end $$;
create constraint trigger payments_batch_total after insert on payments_bankbatch
  deferrable initially deferred for each row execute function payments_batch_total();

revoke all on function payments_line_guard(), payments_draft_guard(), payments_balance(), payments_batch_total() from public;
"""

BACK = """
drop trigger payments_run_guard on payments_payrun;
drop trigger payments_line_guard on payments_payline;
drop trigger payments_draft_guard on payments_linedifference;
drop trigger payments_draft_guard on payments_arrear;
drop trigger payments_item_guard on payments_bankitem;
drop trigger payments_batch_guard on payments_bankbatch;
drop trigger payments_balance_posting on payments_posting;
drop trigger payments_balance_entry on payments_ledgerentry;
drop trigger payments_batch_total on payments_bankbatch;
drop function payments_run_guard, payments_line_guard, payments_draft_guard, payments_item_guard, payments_batch_guard,
  payments_balance, payments_batch_total;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial")]
    operations = [
        *(EnableRLS(model) for model in MODELS),
        AppendOnly("LineEvent"),
        AppendOnly("LedgerEntry"),
        AppendOnly("Posting"),
        AppendOnly("BankReturn"),
        migrations.RunSQL(FUNCTIONS, BACK),
    ]
