"""Whom a resident is in the records of all counties: a caregiver may be known to the county he works in by a row of its own."""

from __future__ import annotations

from django.db import migrations

from tuodi.org.rls import subject_ids


class Migration(migrations.Migration):
    dependencies = [("people", "0005_tellings")]
    operations = [
        # `tuodi_subject_selfs()`: himself alone, and not his family. The same number under another name is a mistyped number.
        subject_ids(
            "self",
            "select (tuodi_subject_persons())[1] where (tuodi_subject_persons())[1] is not null union "
            "select p.id from people_person p join people_person me on me.id_index = p.id_index and me.name = p.name "
            "where me.id = (tuodi_subject_persons())[1]",
        )
    ]
