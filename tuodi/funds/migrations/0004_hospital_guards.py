"""Row-level security of hospitals and claims; what is frozen of them; a hospital's advance is never below zero, of no source."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import AppendOnly, EnableRLS

PROTECTED = ("HospitalAgreement", "BillBatch", "HospitalClearing", "HospitalBill", "CashClaim", "CashReturn")
FIXED = ("CashReturn",)

PAPER_GUARD = """
create or replace function funds_paper_guard() returns trigger language plpgsql as $$
declare is_now funds_fundpaper;
begin
  if tg_op = 'UPDATE' and old.state = 'proposed' then
    is_now := new;
    is_now.state := old.state; is_now.decided_at := old.decided_at; is_now.decided_by_id := old.decided_by_id;
    is_now.decision_note := old.decision_note; is_now.entry_id := old.entry_id;
    if is_now is not distinct from old then return new; end if;
  end if;
  {more}
  raise exception '资金单据 % 不能修改或删除，请另提一张', old.no using errcode = 'check_violation';
end $$;
"""
REVERSED = """if tg_op = 'UPDATE' and old.state = 'approved' and new.state = 'reversed' then
    is_now := new; is_now.state := old.state;
    if is_now is not distinct from old then return new; end if;
  end if;"""

#: table -> (function, states in which nothing may change any more, columns that may change before, what to say)
GUARDED = (
    ("hospitalagreement", "old.state in ('refused', 'ended')",
     ("state", "decided_at", "decided_by_id", "decision_note", "ended_at", "ended_by_id", "end_reason"), "协议", "no"),
    ("billbatch", "old.withdrawn_at is not null", ("withdrawn_at", "withdrawn_by_id", "withdraw_reason"), "单据批次", "no"),
    ("hospitalclearing", "old.state <> 'proposed'",
     ("state", "decided_at", "decided_by_id", "decision_note", "entry_id", "advance_fen", "paid_fen"), "清算", "no"),
    ("hospitalbill", "old.state in ('cleared', 'withdrawn')",
     ("person_id", "household_id", "verdict", "basis", "used_fen", "computed_fen", "missing", "clauses", "checked_at", "state",
      "accepted_fen", "reason", "decided_at", "decided_by_id", "confirmed_by_id", "clearing_id"), "单据", "bill_no"),
    ("cashclaim", "old.written_off_by_id is not null",
     ("written_off_fen", "written_off_at", "written_off_by_id", "write_off_reason"), "现金追回", "id"),
)  # fmt: skip


def guard(table: str, closed: str, free: tuple[str, ...], what: str, name: str) -> str:
    """A trigger that lets some columns change while a row is open, and nothing else ever."""
    keep = " ".join(f"is_now.{column} := old.{column};" for column in free)
    return f"""
create function funds_{table}_guard() returns trigger language plpgsql as $$
declare is_now funds_{table};
begin
  if tg_op = 'UPDATE' and not ({closed}) then
    is_now := new; {keep}
    if is_now is not distinct from old then return new; end if;
  end if;
  raise exception '{what} % 不能修改或删除', old.{name} using errcode = 'check_violation';
end $$;
create trigger funds_{table}_guard before update or delete on funds_{table} for each row execute function funds_{table}_guard();
"""


HOSPITAL = """
-- What moves an advance names the hospital, and no hospital gives back or clears more of a source than it holds.
create function funds_hospital_held() returns trigger language plpgsql security definer
  set search_path = pg_catalog, public, pg_temp as $$
declare holder record; held numeric;
begin
  select origin, origin_id into holder from public.funds_ledgerentry where id = new.entry_id;
  if holder.origin <> 'hospital' or not exists (select 1 from public.funds_hospitalagreement a
      where a.id = holder.origin_id and a.region = new.region) then
    raise exception '凭证 % 动用医院预付款，没有写明医院', new.entry_id using errcode = 'check_violation';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('tuodi.funds.hospital:' || holder.origin_id, 0));
  select sum(p.debit_fen - p.credit_fen) into held from public.funds_posting p
    join public.funds_ledgerentry e on e.id = p.entry_id where e.origin = 'hospital' and e.origin_id = holder.origin_id
    and p.account = 'hospital' and p.programme = new.programme and p.source = new.source;
  if held < 0 then
    raise exception '医院 % 的预付款低于零：% 分', holder.origin_id, held using errcode = 'check_violation';
  end if;
  return null;
end $$;
create constraint trigger funds_hospital_held after insert on funds_posting deferrable initially deferred
  for each row when (new.account = 'hospital') execute function funds_hospital_held();
revoke all on function funds_hospital_held() from public;
"""
BACK = "".join(
    f"drop trigger funds_{table}_guard on funds_{table}; drop function funds_{table}_guard;" for table, *_ in GUARDED
)


class Migration(migrations.Migration):
    dependencies = [("funds", "0003_hospitals_reversals_claims")]
    operations = [
        *(EnableRLS(model) for model in PROTECTED),
        *(AppendOnly(model) for model in FIXED),
        migrations.RunSQL(PAPER_GUARD.replace("{more}", REVERSED), PAPER_GUARD.replace("{more}", "")),
        migrations.RunSQL("".join(guard(*one) for one in GUARDED), BACK),
        migrations.RunSQL(
            HOSPITAL, "drop trigger funds_hospital_held on funds_posting; drop function funds_hospital_held;"
        ),
    ]
