"""Guards of proposals: moves by the table, values frozen outside a draft, answers kept, what was adopted never changed."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import AppendOnly

FUNCTIONS = """
create function standards_proposal_guard() returns trigger language plpgsql as $$
declare allowed text[];
begin
  if tg_op = 'DELETE' then
    raise exception '调标方案不能删除，可以撤回' using errcode = 'insufficient_privilege';
  end if;
  if new.no <> old.no or new.place <> old.place or new.created_by_id <> old.created_by_id then
    raise exception '调标方案的编号、范围和起草人不能修改' using errcode = 'check_violation';
  end if;
  if old.state <> 'draft' and (new.effective_on <> old.effective_on or new.basis <> old.basis
     or new.rules_text <> old.rules_text or new.edited_by_id <> old.edited_by_id or new.hypothetical <> old.hypothetical) then
    raise exception '方案 % 已送出征求意见，内容不能修改；请先退回草案', old.no using errcode = 'check_violation';
  end if;
  if old.state in ('published', 'in_force') and (new.doc_no <> old.doc_no or new.published_on <> old.published_on
     or new.approved_by_id is distinct from old.approved_by_id) then
    raise exception '方案 % 已公布，不能修改', old.no using errcode = 'check_violation';
  end if;
  if new.state <> old.state then
    allowed := case old.state
      when 'draft' then array['consulted', 'withdrawn']
      when 'consulted' then array['draft', 'approved', 'withdrawn']
      when 'approved' then array['published', 'withdrawn']
      when 'published' then array['in_force']
      else array[]::text[] end;
    if not new.state = any(allowed) then
      raise exception '调标方案 % 不能由 % 变为 %', old.no, old.state, new.state using errcode = 'check_violation';
    end if;
  end if;
  return new;
end $$;
create trigger standards_proposal_guard before update or delete on standards_proposal
  for each row execute function standards_proposal_guard();

create function standards_value_guard() returns trigger language plpgsql as $$
declare found text;
begin
  select state into found from standards_proposal
    where id = case when tg_op = 'DELETE' then old.proposal_id else new.proposal_id end;
  if found <> 'draft' then
    raise exception '方案已送出征求意见，数值不能修改；请先退回草案' using errcode = 'check_violation';
  end if;
  return case when tg_op = 'DELETE' then old else new end;
end $$;
create trigger standards_value_guard before insert or update or delete on standards_proposalvalue
  for each row execute function standards_value_guard();

create function standards_opinion_guard() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception '意见不能删除' using errcode = 'insufficient_privilege';
  end if;
  if old.stance <> '' and (new.stance <> old.stance or new.text <> old.text or new.letter_no <> old.letter_no
     or new.answered_by_id is distinct from old.answered_by_id) then
    raise exception '意见已经答复，不能修改' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger standards_opinion_guard before update or delete on standards_opinion
  for each row execute function standards_opinion_guard();
"""

BACK = """
drop trigger standards_opinion_guard on standards_opinion;
drop function standards_opinion_guard();
drop trigger standards_value_guard on standards_proposalvalue;
drop function standards_value_guard();
drop trigger standards_proposal_guard on standards_proposal;
drop function standards_proposal_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("standards", "0001_initial")]
    operations = [migrations.RunSQL(FUNCTIONS, BACK), AppendOnly("AdoptedValue")]
