"""`tuodi worker`: runs background jobs as the runtime role; jobs set their own scope."""

from __future__ import annotations

import argparse
import os
from typing import Any

NEEDS_DATABASE = True
#: Steps of niceness: whoever waits before a page gets the processor before a job that nobody watches.
NICENESS = 10


def register(subparsers: Any) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser("worker", help="运行后台作业")
    parser.add_argument("--once", action="store_true", help="做完已有作业就结束")
    parser.add_argument("--jobs", type=int, default=1, help="同时做几个作业")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Works until interrupted. A killed worker's jobs are taken up again by the sweep (`config.timetable`)."""
    from procrastinate.contrib.django import app

    os.nice(NICENESS)
    with app.replace_connector(app.connector.get_worker_connector()) as worker:
        worker.run_worker(wait=not args.once, concurrency=args.jobs, install_signal_handlers=True)
