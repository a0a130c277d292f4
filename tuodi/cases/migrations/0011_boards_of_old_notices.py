"""What a notice shows never changes once it is posted; notices of before get their boards and the day they came down."""

from __future__ import annotations

import secrets

from django.db import migrations

from tuodi.kernel import clock

GUARD = """
create or replace function cases_notice_guard() returns trigger language plpgsql as $$
begin
  if new.content <> old.content or new.posted_on <> old.posted_on or new.days <> old.days or new.no <> old.no
     or new.case_id <> old.case_id or new.stage <> old.stage then
    raise exception '已张贴的公示不能修改' using errcode = 'check_violation';
  end if;
  if old.taken_down_on is not null and new.taken_down_on is null then
    raise exception '已撤下的公示不能重新挂出' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger cases_notice_guard before update on cases_notice for each row execute function cases_notice_guard();
"""
BACK = "drop trigger if exists cases_notice_guard on cases_notice; drop function if exists cases_notice_guard;"
DOWN = (
    "update cases_notice set taken_down_on = (closed_at at time zone 'Asia/Shanghai')::date where closed_at is not null"
)


def boards(apps, schema_editor):
    """One board for each village that ever had a notice."""
    model = apps.get_model("cases", "NoticeBoard")
    regions = apps.get_model("cases", "Notice").objects.order_by("region").values_list("region", flat=True).distinct()
    model.objects.bulk_create(
        model(place_code=region, token=secrets.token_urlsafe(18), opened_at=clock.now()) for region in regions
    )


class Migration(migrations.Migration):
    dependencies = [("cases", "0010_public_boards")]
    operations = [
        migrations.RunSQL(DOWN, migrations.RunSQL.noop),
        migrations.RunPython(boards, migrations.RunPython.noop),
        migrations.RunSQL(GUARD, BACK),
    ]
