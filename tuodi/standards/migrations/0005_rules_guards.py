"""Guards of adopted rules: versions are kept, and what enters the book is what another person approved and was published."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import AppendOnly

#: Rules drafted before versions were kept are their first version.
FILL = """
insert into standards_rulesdraft (proposal_id, version, text, digest, saved_at, saved_by_id)
  select id, 1, rules_text, encode(sha256(convert_to(rules_text, 'UTF8')), 'hex'), created_at, edited_by_id
  from standards_proposal where rules_text <> '';
update standards_proposal set rules_version = 1 where rules_text <> '';
"""

FUNCTIONS = """
create function standards_rules_frozen() returns trigger language plpgsql as $$
begin
  if old.state <> 'draft' and new.rules_version <> old.rules_version then
    raise exception '方案 % 已送出征求意见，规则不能修改；请先退回草案', old.no using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger standards_rules_frozen before update on standards_proposal
  for each row execute function standards_rules_frozen();

create function standards_rulesdraft_guard() returns trigger language plpgsql as $$
declare found text;
begin
  select state into found from standards_proposal where id = new.proposal_id;
  if found <> 'draft' then
    raise exception '方案已送出征求意见，规则不能修改；请先退回草案' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger standards_rulesdraft_guard before insert on standards_rulesdraft
  for each row execute function standards_rulesdraft_guard();

create function standards_adopted_guard() returns trigger language plpgsql as $$
declare found standards_proposal;
begin
  select * into found from standards_proposal where id = new.proposal_id;
  if found.state not in ('published', 'in_force') or found.approved_by_id is null
     or found.hands @> to_jsonb(found.approved_by_id) then
    raise exception '方案 % 没有经另一人批准并公布，不能执行', found.no using errcode = 'check_violation';
  end if;
  if new.start <> found.effective_on or new.doc_no <> found.doc_no or new.issued_on <> found.published_on
     or new.hypothetical <> found.hypothetical then
    raise exception '执行日、文号、公布日应与方案 % 一致', found.no using errcode = 'check_violation';
  end if;
  if tg_table_name = 'standards_adoptedrules' then
    if to_jsonb(new) ->> 'text' <> found.rules_text or new.place <> found.place
       or to_jsonb(new) ->> 'digest' <> encode(sha256(convert_to(found.rules_text, 'UTF8')), 'hex') then
      raise exception '规则文本与批准的方案 % 不一致', found.no using errcode = 'check_violation';
    end if;
  elsif not exists (
    select 1 from standards_proposalvalue v where v.proposal_id = found.id and v.place = new.place
      and v.param = to_jsonb(new) ->> 'param' and v.keys = to_jsonb(new) -> 'keys' and v.value = to_jsonb(new) ->> 'value'
      and v.unit = to_jsonb(new) ->> 'unit'
  ) then
    raise exception '数值与批准的方案 % 不一致', found.no using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger standards_adopted_guard before insert on standards_adoptedrules
  for each row execute function standards_adopted_guard();
create trigger standards_adopted_guard before insert on standards_adoptedvalue
  for each row execute function standards_adopted_guard();
"""

BACK = """
drop trigger standards_adopted_guard on standards_adoptedvalue;
drop trigger standards_adopted_guard on standards_adoptedrules;
drop function standards_adopted_guard();
drop trigger standards_rulesdraft_guard on standards_rulesdraft;
drop function standards_rulesdraft_guard();
drop trigger standards_rules_frozen on standards_proposal;
drop function standards_rules_frozen();
"""


class Migration(migrations.Migration):
    dependencies = [("standards", "0004_adopted_rules")]
    operations = [
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RunSQL(FUNCTIONS, BACK),
        AppendOnly("RulesDraft"),
        AppendOnly("AdoptedRules"),
    ]
