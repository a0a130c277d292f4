"""An export whose worker is killed in the middle is taken up by the next: one file comes out, and nothing stays in plain."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from asgiref.sync import sync_to_async
from casekit import at, hire
from django.db import connection, connections
from killkit import DAY, worker
from paykit import family
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from tuodi.audit.models import AuditEntry
from tuodi.files.models import StoredFile
from tuodi.kernel.periods import Month
from tuodi.monitoring import export_actions, tasks
from tuodi.monitoring.ledgers import Choices
from tuodi.org.access import system_scope

pytestmark = pytest.mark.django_db(transaction=True)


async def _sweep() -> None:
    """What the periodic job does each minute."""
    await app.tasks["tuodi.sweep_stalled"].func(timestamp=1)
    await sync_to_async(connections.close_all)()


def test_killed_with_the_file_half_made_the_next_worker_makes_one(make_user, settings):
    for _ in range(3):
        family(amount_fen=57_500)
    clerk = hire(make_user, "420802", "accept", "review")
    with at(clerk, DAY):
        row = export_actions.request(
            acting_user=clerk, kind="roster", place="420802",
            choices=Choices("dibao", Month(2017, 9), date(2017, 1, 1), date(2017, 9, 30)),
        )  # fmt: skip
    job = tasks.make_export.defer(export_id=row.pk, user_id=clerk.pk)
    scratch = Path(settings.FILES_DIR) / ".scratch"
    with worker("jobs", at="written") as one:
        one.go()
        one.wait_for("at written")
        with at(clerk, DAY):
            row.refresh_from_db()
        assert (row.state, row.progress_done, row.rows) == ("approved", 3, None)
        assert len(list(scratch.glob("*/*.xlsx"))) == 1
        one.kill()
    assert len(list(scratch.glob("*/*.xlsx"))) == 1  # in plain, as the kill left it
    assert ProcrastinateJob.objects.get(pk=job).status == "doing"

    with connection.cursor() as cursor:  # its heart has not beaten for a while
        cursor.execute("update procrastinate_workers set last_heartbeat = now() - interval '1 hour'")
    # In a thread of its own: browser tests before it may have left a loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(_sweep())).result()
    with worker("jobs") as one:
        one.go()
        one.wait_for("end")
    assert ProcrastinateJob.objects.get(pk=job).status == "succeeded"
    with system_scope("cn"):
        row.refresh_from_db()
        (stored,) = StoredFile.objects.filter(purpose="export")
        assert AuditEntry.objects.filter(action="monitoring.export_make").count() == 1
    assert (row.state, row.rows, row.stored_id) == ("ready", 3, stored.pk)
    assert list(scratch.iterdir()) == []
    with at(clerk, DAY), export_actions.fetch(row, acting_user=clerk) as path:
        assert len(list(openpyxl.load_workbook(path).worksheets[0].iter_rows())) == 1 + 3
