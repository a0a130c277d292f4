from django.db import migrations

from tuodi.audit.chain import trigger_sql

INSIDE = "region >= current_setting('app.region', true) and region < current_setting('app.region_hi', true)"

FORWARD = (
    trigger_sql()
    + f"""
create trigger audit_append before insert on audit_auditentry for each row execute function audit_append();
create trigger audit_guard before update or delete on audit_auditentry for each row execute function audit_guard();
create trigger audit_guard_all before truncate on audit_auditentry for each statement execute function audit_guard();
create trigger audit_guard before update or delete on audit_audithead for each row execute function audit_guard_head();
create trigger audit_guard_all before truncate on audit_audithead for each statement execute function audit_guard();
revoke update, delete, truncate on audit_auditentry from tuodi_app;
revoke insert, update, delete, truncate on audit_audithead from tuodi_app;
revoke delete, truncate on audit_idempotentrequest from tuodi_app;

-- Anybody may append (the log must never refuse a record), but read only his own range.
alter table audit_auditentry enable row level security;
create policy tuodi_region on audit_auditentry for select to tuodi_app using ({INSIDE});
create policy tuodi_append on audit_auditentry for insert to tuodi_app with check (true);
"""
)

BACKWARD = """
drop policy tuodi_region on audit_auditentry;
drop policy tuodi_append on audit_auditentry;
alter table audit_auditentry disable row level security;
drop trigger audit_append on audit_auditentry;
drop trigger audit_guard on audit_auditentry;
drop trigger audit_guard_all on audit_auditentry;
drop trigger audit_guard on audit_audithead;
drop trigger audit_guard_all on audit_audithead;
drop function audit_append(), audit_guard(), audit_guard_head();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
