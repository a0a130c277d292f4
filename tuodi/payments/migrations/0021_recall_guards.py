"""Guards of requests to give payments back: what left cannot be altered, words go one way; a recalled line may be stopped.

Accounts of one place and format pay different programmes: which one pays what may never be in doubt.
"""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import AppendOnly, EnableRLS, rewrite_function

#: Old text, new text of the guard of lines (migration 0019): a failed or returned payment may be stopped for good.
OLD = "else array['sent'] end"
NEW = "else array['sent', 'withheld'] end"

FUNCTIONS = """
create or replace function payments_message_guard() returns trigger language plpgsql as $$
declare allowed text[];
begin
  if tg_op = 'DELETE' then
    raise exception '银行报文不能删除' using errcode = 'insufficient_privilege';
  end if;
  if new.no <> old.no or new.batch_id is distinct from old.batch_id or new.recall_id is distinct from old.recall_id
     or new.inquiry_id is distinct from old.inquiry_id or new.link_id <> old.link_id or new.sha256 <> old.sha256
     or new.region <> old.region or new.made_by_id <> old.made_by_id
     or (old.state <> 'created' and (new.signature <> old.signature or new.key_id <> old.key_id)) then
    raise exception '银行报文 % 的编号、内容和签名不能修改', old.no using errcode = 'check_violation';
  end if;
  if new.state <> old.state then
    allowed := case old.state
      when 'created' then array['signed']
      when 'signed' then array['sent']
      when 'sent' then array['acknowledged', 'refused']
      else array[]::text[] end;
    if not new.state = any(allowed) then
      raise exception '银行报文 % 不能由 % 变为 %', old.no, old.state, new.state using errcode = 'check_violation';
    end if;
  end if;
  return new;
end $$;

create function payments_recall_guard() returns trigger language plpgsql as $$
declare is_now payments_bankrecall; allowed text[];
begin
  if tg_op = 'DELETE' then
    raise exception '撤销请求不能删除' using errcode = 'insufficient_privilege';
  end if;
  is_now := new;
  is_now.state := old.state; is_now.closed_at := old.closed_at; is_now.note := old.note;
  if old.state = 'proposed' then
    is_now.decided_at := old.decided_at; is_now.decided_by_id := old.decided_by_id; is_now.file_id := old.file_id;
    is_now.file_name := old.file_name; is_now.sha256 := old.sha256;
  end if;
  if is_now is distinct from old then
    raise exception '撤销请求 % 不能修改', old.no using errcode = 'check_violation';
  end if;
  if new.state <> old.state then
    allowed := case old.state
      when 'proposed' then array['asked', 'withdrawn']
      when 'asked' then array['answered', 'given_up']
      when 'given_up' then array['answered']
      else array[]::text[] end;
    if not new.state = any(allowed) then
      raise exception '撤销请求 % 不能由 % 变为 %', old.no, old.state, new.state using errcode = 'check_violation';
    end if;
  end if;
  return new;
end $$;
create trigger payments_recall_guard before update or delete on payments_bankrecall
  for each row execute function payments_recall_guard();

create function payments_recall_line_guard() returns trigger language plpgsql as $$
declare is_now payments_recallline; allowed text[];
begin
  if tg_op = 'DELETE' then
    raise exception '撤销明细不能删除' using errcode = 'insufficient_privilege';
  end if;
  is_now := new; is_now.word := old.word; is_now.code := old.code; is_now.message := old.message; is_now.at := old.at;
  if is_now is distinct from old then
    raise exception '撤销明细只能记银行答复' using errcode = 'check_violation';
  end if;
  if new.word <> old.word then
    allowed := case old.word
      when 'asked' then array['cancelled', 'returning', 'back', 'refused', 'otherwise', 'dropped']
      when 'returning' then array['back', 'refused']
      when 'refused' then array['cancelled', 'returning', 'back']
      when 'dropped' then array['asked']
      else array[]::text[] end;
    if not new.word = any(allowed) then
      raise exception '撤销明细不能由 % 变为 %', old.word, new.word using errcode = 'check_violation';
    end if;
  end if;
  return new;
end $$;
create trigger payments_recall_line_guard before update or delete on payments_recallline
  for each row execute function payments_recall_line_guard();

-- One programme of a place is paid from one account a format; an account that names none pays what no other names.
create function payments_link_overlap() returns trigger language plpgsql security definer
  set search_path = pg_catalog, public, pg_temp as $$
begin
  if new.is_active and exists (
    select 1 from payments_banklink o where o.id <> new.id and o.is_active and o.place = new.place and o.profile = new.profile
      and (o.programmes && new.programmes or (cardinality(o.programmes) = 0 and cardinality(new.programmes) = 0))) then
    raise exception '% 的同一格式已有账户付这些项目', new.place using errcode = 'check_violation';
  end if;
  return null;
end $$;
revoke all on function payments_link_overlap() from public;
create trigger payments_link_overlap after insert or update on payments_banklink
  for each row execute function payments_link_overlap();
"""

BACK = """
drop trigger payments_recall_guard on payments_bankrecall;
drop trigger payments_recall_line_guard on payments_recallline;
drop trigger payments_link_overlap on payments_banklink;
drop function payments_recall_guard, payments_recall_line_guard, payments_link_overlap;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0020_recalls")]
    operations = [
        *(EnableRLS(model) for model in ("BankRecall", "RecallLine", "AccountInquiry")),
        AppendOnly("AccountInquiry"),
        rewrite_function("payments_line_guard", OLD, NEW),
        migrations.RunSQL(FUNCTIONS, BACK),
    ]
