from django.db import migrations

# The text of tuodi.org.rls.enable_sql, written out: this room lies below org and may not import it.
INSIDE = "region >= current_setting('app.region', true) and region < current_setting('app.region_hi', true)"


class Migration(migrations.Migration):
    dependencies = [("files", "0001_initial")]
    operations = [
        migrations.RunSQL(
            f"""
            alter table files_storedfile enable row level security;
            create policy tuodi_region on files_storedfile for all to tuodi_app
              using ({INSIDE}) with check ({INSIDE});
            """,
            """
            drop policy tuodi_region on files_storedfile;
            alter table files_storedfile disable row level security;
            """,
        )
    ]
