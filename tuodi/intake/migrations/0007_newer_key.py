"""An application stays as it was accepted; only the agent's number may be enciphered anew, under a newer key."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import APP_ROLE, NEWER_KEY

GUARD = """
create function intake_application_guard() returns trigger language plpgsql as $$
declare is_now intake_application;
begin
  if tg_op = 'UPDATE' and tuodi_newer_key(old.agent_id_cipher, new.agent_id_cipher) then
    is_now := new;
    is_now.agent_id_cipher := old.agent_id_cipher;
    is_now.agent_id_index := old.agent_id_index;
    if is_now is not distinct from old then
      return new;
    end if;
  end if;
  raise exception '表 intake_application 只可追加：不能修改或删除记录' using errcode = 'insufficient_privilege';
end $$;
drop trigger tuodi_append_only on intake_application;
create trigger intake_application_guard before update or delete on intake_application
  for each row execute function intake_application_guard();
"""
BACK = f"""
revoke update (agent_id_cipher, agent_id_index) on intake_application from {APP_ROLE};
drop trigger intake_application_guard on intake_application;
drop function intake_application_guard();
create trigger tuodi_append_only before update or delete on intake_application
  for each row execute function tuodi_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("intake", "0006_roster_problem")]
    operations = [
        migrations.RunSQL(NEWER_KEY, migrations.RunSQL.noop),
        migrations.RunSQL(GUARD, BACK),
        migrations.RunSQL(
            f"grant update (agent_id_cipher, agent_id_index) on intake_application to {APP_ROLE}",
            migrations.RunSQL.noop,
        ),
    ]
