"""Jobs live in the same transaction as the data they concern; a dead worker's job comes back."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections, transaction
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_job_of_a_rolled_back_transaction_never_was() -> None:
    before = ProcrastinateJob.objects.count()  # committed by tests of other rooms: the table is not flushed
    with transaction.atomic():
        app.configure_task("tuodi.sweep_stalled").defer(timestamp=1)
        assert ProcrastinateJob.objects.count() == before + 1
        transaction.set_rollback(True)
    assert ProcrastinateJob.objects.count() == before


def test_the_sweep_gives_back_the_job_of_a_worker_that_is_gone() -> None:
    job = app.configure_task("builtin:procrastinate.builtin_tasks.remove_old_jobs").defer(max_hours=1)
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into procrastinate_workers (last_heartbeat) values (now() - interval '1 hour') returning id"
        )
        worker = cursor.fetchone()[0]
        cursor.execute("update procrastinate_jobs set status = 'doing', worker_id = %s where id = %s", [worker, job])

    async def sweep() -> None:
        await app.tasks["tuodi.sweep_stalled"].func(timestamp=1)
        await sync_to_async(connections.close_all)()  # the connection of the thread that did the database's part

    # In a thread of its own: browser tests before it may have left a loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(sweep())).result()
    assert ProcrastinateJob.objects.get(pk=job).status == "todo"
