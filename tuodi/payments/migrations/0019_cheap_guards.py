"""What a status costs: guards that look a run up only where its state decides, and updates that touch no index.

A line that was sent belongs to a run that was approved, and such a run never goes back: what the bank says of a sent line is held by the
line alone. An item is in an index by what its status means (`holds`, `asks`), not by its status, so `sent` to `paid` stays on its page.
"""

from __future__ import annotations

from django.db import migrations, models

from tuodi.org.rls import rewrite_function

FORWARD = """
-- Bound when they are made, so no search path of a caller reaches into them; a county sees its lines and not the run of its prefecture.
create function payments_run_state(wanted bigint) returns text language sql stable security definer
  begin atomic select state::text from public.payments_payrun where id = wanted; end;
create function payments_run_no(wanted bigint) returns text language sql stable security definer
  begin atomic select no::text from public.payments_payrun where id = wanted; end;
revoke all on function payments_run_state(bigint), payments_run_no(bigint) from public;
grant execute on function payments_run_state(bigint), payments_run_no(bigint) to tuodi_app;

drop trigger payments_line_guard on payments_payline;
drop function payments_line_guard();
create function payments_line_guard() returns trigger language plpgsql as $$
declare run_state text; was public.payments_payline; is_now public.payments_payline; allowed text[];
begin
  if tg_op = 'DELETE' then
    if public.payments_run_state(old.run_id) <> 'open' then
      raise exception '批次 % 不在编制中，不能删除行', public.payments_run_no(old.run_id) using errcode = 'check_violation';
    end if;
    return old;
  end if;
  was := old; is_now := new;
  if public.tuodi_newer_key(old.account_cipher, new.account_cipher) then
    is_now.account_cipher := old.account_cipher;
  end if;
  if new.status <> old.status and old.status in ('sent', 'unknown', 'paid', 'failed', 'returned') then
    -- Only a run that was approved has such lines, and it never goes back.
    allowed := case old.status
      when 'sent' then array['paid', 'failed', 'unknown']
      when 'unknown' then array['paid', 'failed']
      when 'paid' then array['returned']
      else array['sent'] end;
    if not new.status = any(allowed) then
      raise exception '行 % 不能由 % 变为 %', old.key, old.status, new.status using errcode = 'check_violation';
    end if;
    is_now.status := was.status;
  elsif is_now is distinct from was then
    run_state := public.payments_run_state(old.run_id);
    if run_state = 'open' and new.status in ('ready', 'held', 'nothing') then
      return new;
    end if;
    if run_state = 'cancelled' then
      if new.live then raise exception '撤销的批次不能恢复' using errcode = 'check_violation'; end if;
      is_now.live := was.live;
    end if;
    if new.status <> old.status then
      -- A closed month knows one thing more: money the bank sends back later, and its second way out.
      allowed := case when old.status <> 'ready' then array[]::text[]
        when run_state = 'approved' then array['sent', 'withheld']
        when run_state in ('sent', 'settled') then array['sent']
        else array[]::text[] end;
      if not new.status = any(allowed) then
        raise exception '行 % 不能由 % 变为 %', old.key, old.status, new.status using errcode = 'check_violation';
      end if;
      is_now.status := was.status;
    end if;
  end if;
  if is_now is distinct from was then
    raise exception '批次 % 已编制完成，行 % 的金额和账户不能修改；更正列入下月', public.payments_run_no(old.run_id), old.key
      using errcode = 'check_violation';
  end if;
  return new;
end $$;
revoke all on function payments_line_guard() from public;
create trigger payments_line_guard before update or delete on payments_payline
  for each row execute function payments_line_guard();

-- The guard of lines rests on it: nothing is sent before it was approved.
create function payments_fresh_line_guard() returns trigger language plpgsql as $$
declare what text;
begin
  select key into what from fresh where status not in ('ready', 'held', 'nothing') limit 1;
  if what is not null then
    raise exception '新增的行 % 只能是待发、暂缓或无应发', what using errcode = 'check_violation';
  end if;
  return null;
end $$;
revoke all on function payments_fresh_line_guard() from public;
create trigger payments_fresh_line_guard after insert on payments_payline referencing new table as fresh
  for each statement execute function payments_fresh_line_guard();
"""

BACK = """
drop trigger payments_fresh_line_guard on payments_payline;
drop function payments_fresh_line_guard();
drop trigger payments_line_guard on payments_payline;
drop function payments_line_guard();
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
  if tuodi_newer_key(old.account_cipher, new.account_cipher) then
    is_now.account_cipher := old.account_cipher;
  end if;
  if run_state = 'cancelled' then
    if new.live then raise exception '撤销的批次不能恢复' using errcode = 'check_violation'; end if;
    is_now.live := was.live;
  end if;
  if new.status <> old.status then
    -- A closed month knows one thing more: money the bank sends back later, and its second way out.
    allowed := case old.status
      when 'ready' then case run_state when 'approved' then array['sent', 'withheld'] else array['sent'] end
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
revoke all on function payments_line_guard() from public;
create trigger payments_line_guard before update or delete on payments_payline
  for each row execute function payments_line_guard();
drop function payments_run_state(bigint);
drop function payments_run_no(bigint);
"""

#: What is computed is not yet there when the guard compares.
ITEM = "  is_now := new; is_now.status := old.status;\n"
ITEM_NOW = "  is_now := new; is_now.status := old.status; is_now.holds := old.holds; is_now.asks := old.asks;\n"


class Migration(migrations.Migration):
    dependencies = [("payments", "0018_price_lists")]
    operations = [
        migrations.RunSQL(FORWARD, BACK),
        migrations.RemoveConstraint("bankitem", "payments_item_one_open"),
        migrations.RemoveIndex("bankitem", "payments_item_open"),
        migrations.AddField(
            "bankitem",
            "holds",
            models.GeneratedField(
                expression=models.Q(status__in=["sent", "unknown", "paid"]),
                output_field=models.BooleanField(),
                db_persist=True,
            ),
        ),
        migrations.AddField(
            "bankitem",
            "asks",
            models.GeneratedField(
                expression=models.Q(status__in=["unknown", "failed", "returned"]),
                output_field=models.BooleanField(),
                db_persist=True,
            ),
        ),
        rewrite_function("payments_item_guard", ITEM, ITEM_NOW),
        migrations.AddConstraint(
            "bankitem",
            models.UniqueConstraint("line", condition=models.Q(holds=True), name="payments_item_one_open"),
        ),
        migrations.AddIndex(
            "bankitem", models.Index(fields=["batch"], condition=models.Q(asks=True), name="payments_item_asks")
        ),
        # Room for the two changes every line and item goes through, with those before the last swept from its page.
        *(
            migrations.RunSQL(f"alter table {table} set (fillfactor = 45)", f"alter table {table} set (fillfactor = 70)")
            for table in ("payments_payline", "payments_bankitem")
        ),
    ]
