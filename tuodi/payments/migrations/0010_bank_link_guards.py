"""Row-level security and guards of the line to a bank: what left cannot be altered, moves go one way, people decide in twos."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import AppendOnly, EnableRLS

MODELS = (
    "BankLink",
    "BankMessage",
    "BankAttempt",
    "BankStatement",
    "StatementLine",
    "BankDecision",
    "AccountCheck",
)

FUNCTIONS = """
create function payments_message_guard() returns trigger language plpgsql as $$
declare allowed text[];
begin
  if tg_op = 'DELETE' then
    raise exception '银行报文不能删除' using errcode = 'insufficient_privilege';
  end if;
  if new.no <> old.no or new.batch_id <> old.batch_id or new.link_id <> old.link_id or new.sha256 <> old.sha256
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
create trigger payments_message_guard before update or delete on payments_bankmessage
  for each row execute function payments_message_guard();

create function payments_statement_line_guard() returns trigger language plpgsql as $$
declare is_now payments_statementline;
begin
  if tg_op = 'DELETE' then
    raise exception '对账明细不能删除' using errcode = 'insufficient_privilege';
  end if;
  is_now := new; is_now.verdict := old.verdict; is_now.item_id := old.item_id;
  if is_now is distinct from old then
    raise exception '对账明细只能更新核对结果' using errcode = 'check_violation';
  end if;
  if old.verdict in ('matched', 'settled') then
    raise exception '已核对相符的对账明细不能修改' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger payments_statement_line_guard before update or delete on payments_statementline
  for each row execute function payments_statement_line_guard();

create function payments_decision_guard() returns trigger language plpgsql as $$
declare is_now payments_bankdecision;
begin
  if tg_op = 'DELETE' then
    raise exception '人工认定不能删除' using errcode = 'insufficient_privilege';
  end if;
  is_now := new; is_now.state := old.state; is_now.closed_at := old.closed_at; is_now.closed_by_id := old.closed_by_id;
  if is_now is distinct from old or old.state <> 'proposed' then
    raise exception '人工认定不能修改' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger payments_decision_guard before update or delete on payments_bankdecision
  for each row execute function payments_decision_guard();

create function payments_link_guard() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception '银行直联不能删除，可以停用' using errcode = 'insufficient_privilege';
  end if;
  if new.sent_no < old.sent_no then
    raise exception '已送序号不能倒退' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger payments_link_guard before update or delete on payments_banklink
  for each row execute function payments_link_guard();
"""

BACK = """
drop trigger payments_message_guard on payments_bankmessage;
drop trigger payments_statement_line_guard on payments_statementline;
drop trigger payments_decision_guard on payments_bankdecision;
drop trigger payments_link_guard on payments_banklink;
drop function payments_message_guard, payments_statement_line_guard, payments_decision_guard, payments_link_guard;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0009_bank_links")]
    operations = [
        *(EnableRLS(model) for model in MODELS),
        AppendOnly("BankAttempt"),
        AppendOnly("BankStatement"),
        AppendOnly("AccountCheck"),
        migrations.RunSQL(FUNCTIONS, BACK),
    ]
