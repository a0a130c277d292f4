"""Row-level security; append-only ledger; sums kept by a trigger; balance and seal of each entry at commit."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import APP_ROLE, AppendOnly, EnableRLS

PROTECTED = (
    "LedgerEntry", "Posting", "EntrySeal", "Balance", "FundBook", "PublicFund", "FundPaper", "Population", "YearEnd",
    "Float", "PettySpend", "FloatCount",
)  # fmt: skip
FIXED = ("LedgerEntry", "Posting", "EntrySeal", "LedgerCheck", "YearEnd", "FloatCount")

FUNCTIONS = f"""
-- What is sealed of an entry: all its fields and all its postings. Read by the seal and by the check alike.
create function funds_entry_text(subject bigint) returns text language sql stable as $$
  select json_build_array(e.id, e.region, e.kind, e.origin, e.origin_id, e.run_id, e.reverses_id, to_char(e.day, 'YYYY-MM-DD'),
      to_char(e.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), e.by_id, e.memo)::text || chr(10) ||
    coalesce((select string_agg(json_build_array(p.id, p.region, p.account, p.programme, p.source, p.debit_fen, p.credit_fen)::text,
      chr(10) order by p.id) from public.funds_posting p where p.entry_id = e.id), '')
  from public.funds_ledgerentry e where e.id = subject
$$;

-- At commit: debits equal credits, as a whole and within each sub-account; then the entry is sealed into its county's chain.
create function funds_seal() returns trigger language plpgsql security definer
  set search_path = pg_catalog, public, pg_temp as $$
declare debit numeric; credit numeric; sides int; uneven text; link text; head record;
begin
  select coalesce(sum(debit_fen), 0), coalesce(sum(credit_fen), 0), count(*) into debit, credit, sides
    from public.funds_posting where entry_id = new.id;
  if debit <> credit or sides < 2 then
    raise exception '凭证 % 借贷不平：借 % 分，贷 % 分，% 条分录', new.id, debit, credit, sides using errcode = 'check_violation';
  end if;
  select string_agg(x.sub, '、') into uneven from (
    select substr(region, 1, 6) || '/' || programme || '/' || source as sub from public.funds_posting where entry_id = new.id
    group by substr(region, 1, 6), programme, source having sum(debit_fen) <> sum(credit_fen)) x;
  if uneven is not null then
    raise exception '凭证 % 在子账户 % 借贷不平', new.id, uneven using errcode = 'check_violation';
  end if;
  link := substr(new.region, 1, 6);
  perform pg_advisory_xact_lock(hashtextextended('tuodi.funds.seal:' || link, 0));
  select s.seq, s.hash into head from public.funds_entryseal s where s.chain = link order by s.seq desc limit 1;
  insert into public.funds_entryseal (entry_id, region, chain, seq, prev_hash, hash)
    values (new.id, new.region, link, coalesce(head.seq, 0) + 1, coalesce(head.hash, repeat('0', 64)),
      encode(sha256(convert_to(coalesce(head.hash, repeat('0', 64)) || chr(10) || public.funds_entry_text(new.id), 'UTF8')), 'hex'));
  return null;
end $$;
create constraint trigger funds_seal after insert on funds_ledgerentry
  deferrable initially deferred for each row execute function funds_seal();

-- Keeps the sums; nothing is added to an entry that is sealed. Locks are taken in the order of the key.
create function funds_sum() returns trigger language plpgsql security definer
  set search_path = pg_catalog, public, pg_temp as $$
declare sealed bigint;
begin
  select f.entry_id into sealed from fresh f join public.funds_entryseal s on s.entry_id = f.entry_id limit 1;
  if sealed is not null then
    raise exception '凭证 % 已封签，不能再加分录', sealed using errcode = 'insufficient_privilege';
  end if;
  insert into public.funds_balance as b (region, programme, source, account, run_id, debit_fen, credit_fen)
    select f.region, f.programme, f.source, f.account, {{run}}, 0, 0 from fresh f join public.funds_ledgerentry e on e.id = f.entry_id
    group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5 on conflict do nothing;
  perform 1 from public.funds_balance b where exists (
    select 1 from fresh f join public.funds_ledgerentry e on e.id = f.entry_id where b.region = f.region and b.programme = f.programme
    and b.source = f.source and b.account = f.account and b.run_id = {{run}})
    order by b.region, b.programme, b.source, b.account, b.run_id for update;
  update public.funds_balance b set debit_fen = b.debit_fen + x.dr, credit_fen = b.credit_fen + x.cr,
      moved_on = greatest(b.moved_on, x.day)
    from (select f.region, f.programme, f.source, f.account, {{run}} as run_id, sum(f.debit_fen)::bigint dr,
      sum(f.credit_fen)::bigint cr, max(e.day) as day from fresh f join public.funds_ledgerentry e on e.id = f.entry_id
      group by 1, 2, 3, 4, 5) x
    where b.region = x.region and b.programme = x.programme and b.source = x.source and b.account = x.account and b.run_id = x.run_id;
  return null;
end $$;
create trigger funds_sum after insert on funds_posting referencing new table as fresh
  for each statement execute function funds_sum();

-- A paper that is decided stays as it is; one that waits takes its decision and nothing else.
create function funds_paper_guard() returns trigger language plpgsql as $$
declare is_now funds_fundpaper;
begin
  if tg_op = 'UPDATE' and old.state = 'proposed' then
    is_now := new;
    is_now.state := old.state; is_now.decided_at := old.decided_at; is_now.decided_by_id := old.decided_by_id;
    is_now.decision_note := old.decision_note; is_now.entry_id := old.entry_id;
    if is_now is not distinct from old then return new; end if;
  end if;
  raise exception '资金单据 % 不能修改或删除，请另提一张', old.no using errcode = 'check_violation';
end $$;
create trigger funds_paper_guard before update or delete on funds_fundpaper
  for each row execute function funds_paper_guard();

-- A spend takes the number of its entry once; all else stands.
create function funds_spend_guard() returns trigger language plpgsql as $$
declare is_now funds_pettyspend;
begin
  if tg_op = 'UPDATE' and old.entry_id is null then
    is_now := new; is_now.entry_id := null;
    if is_now is not distinct from old then return new; end if;
  end if;
  raise exception '备用金支出 % 不能修改或删除', old.no using errcode = 'check_violation';
end $$;
create trigger funds_spend_guard before update or delete on funds_pettyspend
  for each row execute function funds_spend_guard();

revoke all on function funds_seal(), funds_sum() from public;
revoke insert, update, delete, truncate on funds_entryseal, funds_balance from {APP_ROLE};
""".replace("{run}", "case when f.account in ('reserved', 'transit', 'suspense', 'payable', 'receivable', 'expense') then coalesce(e.run_id, 0) else 0 end")

BACK = """
drop trigger funds_seal on funds_ledgerentry;
drop trigger funds_sum on funds_posting;
drop trigger funds_paper_guard on funds_fundpaper;
drop trigger funds_spend_guard on funds_pettyspend;
drop function funds_seal, funds_sum, funds_paper_guard, funds_spend_guard;
drop function funds_entry_text(bigint);
"""


class Migration(migrations.Migration):
    dependencies = [("funds", "0001_ledger")]
    operations = [
        *(EnableRLS(model) for model in PROTECTED),
        *(AppendOnly(model) for model in FIXED),
        migrations.RunSQL(FUNCTIONS, BACK),
    ]
