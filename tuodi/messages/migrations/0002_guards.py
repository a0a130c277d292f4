from django.db import migrations

# The texts of tuodi.org.rls, written out: this room lies below org and may not import it.
INSIDE = "region >= current_setting('app.region', true) and region < current_setting('app.region_hi', true)"
NO_SUBJECT = "(select case when coalesce(current_setting('app.subject', true), '') = '' then true end) is not null"


class Migration(migrations.Migration):
    dependencies = [("outbox", "0001_outbox")]
    operations = [
        migrations.RunSQL(
            f"""
            alter table outbox_message enable row level security;
            -- Anybody may say something (a resident, somebody not signed in); reading is for the range, never for residents.
            create policy tuodi_append on outbox_message for insert to tuodi_app with check (true);
            create policy tuodi_region on outbox_message for all to tuodi_app using ({INSIDE}) with check ({INSIDE});
            create policy tuodi_subject_select on outbox_message as restrictive for select to tuodi_app using ({NO_SUBJECT});
            create policy tuodi_subject_update on outbox_message as restrictive for update to tuodi_app
              using ({NO_SUBJECT}) with check ({NO_SUBJECT});
            create policy tuodi_subject_delete on outbox_message as restrictive for delete to tuodi_app using ({NO_SUBJECT});
            """,
            """
            drop policy tuodi_append on outbox_message;
            drop policy tuodi_region on outbox_message;
            drop policy tuodi_subject_select on outbox_message;
            drop policy tuodi_subject_update on outbox_message;
            drop policy tuodi_subject_delete on outbox_message;
            alter table outbox_message disable row level security;
            """,
        )
    ]
