"""`tuodi django …`: Django's own commands, for developers (`makemigrations`, `shell`, `check`)."""

from __future__ import annotations

import argparse
from typing import Any

NEEDS_DATABASE = True
DATABASE_ROLE = "owner"


def register(subparsers: Any) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser("django", help="Django 管理命令（开发用，以属主身份）")
    parser.add_argument("words", nargs=argparse.REMAINDER, help="命令及参数")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Hands the words to Django."""
    from django.core.management import execute_from_command_line

    execute_from_command_line(["tuodi django", *args.words])
