"""Row-level security of files carried by hand: what left is only ever added, a release is decided once and otherwise stays."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import AppendOnly, EnableRLS

FORWARD = """
create function payments_handout_release_guard() returns trigger language plpgsql as $$
declare is_now payments_handoutrelease;
begin
  if tg_op = 'DELETE' then
    raise exception '恢复人工送取的记录不能删除' using errcode = 'insufficient_privilege';
  end if;
  is_now := new; is_now.state := old.state; is_now.closed_at := old.closed_at; is_now.closed_by_id := old.closed_by_id;
  if is_now is distinct from old or old.state <> 'proposed' then
    raise exception '恢复人工送取的记录不能修改' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger payments_handout_release_guard before update or delete on payments_handoutrelease
  for each row execute function payments_handout_release_guard();
"""
BACK = "drop trigger payments_handout_release_guard on payments_handoutrelease; drop function payments_handout_release_guard;"


class Migration(migrations.Migration):
    dependencies = [("payments", "0033_files_carried_by_hand")]
    operations = [
        EnableRLS("Handout"),
        EnableRLS("HandoutRelease"),
        AppendOnly("Handout"),
        migrations.RunSQL(FORWARD, BACK),
    ]
