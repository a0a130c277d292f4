"""`tuodi backup make|check|restore`: the database, the stored files and a sealed list, as one encrypted folder."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any


def register(subparsers: Any) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser("backup", help="备份与恢复：数据库和文件，加密存放（docs/howto/backups.md）")
    parser.add_argument("what", choices=["make", "check", "restore"], help="make 备份；check 核对一份；restore 恢复")
    parser.add_argument("folder", type=Path, help="make：存放备份的目录；check、restore：某一份备份的目录")
    parser.add_argument("--replace", action="store_true", help="restore：现有数据库改名留着，换上备份")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Makes, checks or brings back a backup; each is in the audit log of the database it leaves in use."""
    import django

    from tuodi.config import backup, postgres

    postgres.ensure_running()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tuodi.config.settings")
    os.environ.setdefault("TUODI_DB_ROLE", "app")
    django.setup()  # the keys of the site, and where stored files lie; nothing connects yet
    from django.conf import settings

    folder = args.folder.expanduser().resolve()
    files = Path(settings.FILES_DIR)
    if args.what == "check":
        backup.check(folder)
        return 0
    if args.what == "make":
        made = backup.make(folder, files=files)
        _note("backup", {"name": made.name})
        return 0
    what = backup.restore(folder, files=files, replace=args.replace)
    _note("restore", {"name": what["name"], "made_at": what["made_at"], "before": what["before"]})
    print(
        f"已恢复到 {what['made_at']} 的备份。"
        + (f"原数据库改名为 {what['before']}，确认无误后可由管理员删除。" if what["before"] else "")
    )
    return 0


def _note(deed: str, after: dict[str, Any]) -> None:
    from django.db import transaction

    from tuodi.audit.actions import record
    from tuodi.org import access

    with transaction.atomic(), access.system_scope(access.NATION):
        record(
            f"config.{deed}",
            actor=None,
            subject_type="database",
            subject_id=after["name"],
            region="0" * 12,
            after=after,
        )
