"""`tuodi handover import|request|approve|make|list`: earlier payment rows in, the full set out to the discipline body."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

NEEDS_DATABASE = True


def register(subparsers: Any) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser("handover", help="发放明细移交：导入历史数据、申请、审批、生成、列出")
    verbs = parser.add_subparsers(dest="what", metavar="动作", required=True)
    brought = verbs.add_parser("import", help="导入历史月度发放数据（一户、一月、一项目一行）")
    brought.add_argument("file", type=Path, help="xlsx、xls、csv 或 txt")
    brought.add_argument("--place", required=True, help="范围")
    brought.add_argument("--profile", default="generic", help="文件模板，见 sources/payments/")
    brought.add_argument("--sheet", help="工作表名")
    brought.set_defaults(run=_import)
    asked = verbs.add_parser("request", help="申请移交")
    for name, text in (
        ("--place", "范围"), ("--user", "申请人账号"), ("--months", "月份，如 2016-07..2017-04"), ("--receiver", "接收单位"),
        ("--purpose", "用途"), ("--basis", "依据文号"),
    ):  # fmt: skip
        asked.add_argument(name, required=True, help=text)
    asked.add_argument("--programme", action="append", help="项目，可写多次；不写为全部")
    asked.add_argument("--format", choices=("xlsx", "csv"), default="xlsx")
    asked.add_argument("--profile", default="discipline", help="列模板，见 sources/handover/")
    asked.set_defaults(run=_request)
    agreed = verbs.add_parser("approve", help="审批（申请人以外的人）")
    agreed.add_argument("no", help="移交编号")
    agreed.add_argument("--user", required=True, help="审批人账号")
    agreed.set_defaults(run=_approve)
    made = verbs.add_parser("make", help="生成并取出文件（仅申请人）")
    made.add_argument("no", help="移交编号")
    made.add_argument("--user", required=True, help="申请人账号")
    made.add_argument("--out", type=Path, required=True, help="写到哪个文件夹")
    made.set_defaults(run=_make)
    listed = verbs.add_parser("list", help="列出移交")
    listed.add_argument("--place", required=True, help="范围")
    listed.set_defaults(run=_list)


def _user(name: str) -> Any:
    from tuodi.org.models import User

    found = User.objects.select_related("office").filter(username=name).first()
    if found is None:
        raise SystemExit(f"没有账号“{name}”。请核对 --user。")
    return found


def _row(no: str, user: Any) -> Any:
    from tuodi.monitoring.models import HandOver
    from tuodi.org import access

    return access.one(HandOver.objects.all(), user=user, what="数据移交", no=no)


def _import(args: argparse.Namespace) -> int:
    from tuodi.files.store import open_plain
    from tuodi.monitoring.history import import_history
    from tuodi.org.access import system_scope

    if not args.file.is_file():
        print(f"没有这个文件：{args.file}")
        return 2
    with system_scope(args.place):
        kept = import_history(args.file, acting_user=None, place=args.place, profile=args.profile, sheet=args.sheet)
        for one in kept:
            print(f"{one.place_code}：{one.rows} 行（{one.first_month} 至 {one.last_month}），{one.rows_by}")
        print(f"共 {sum(one.rows for one in kept)} 行，未采用 {kept[0].rejected} 行")
        if kept[0].faults is not None:
            lines = open_plain(kept[0].faults).read().decode("utf-8-sig").splitlines()
            print("\n".join(lines[:11]))
    return 0


def _request(args: argparse.Namespace) -> int:
    from tuodi.kernel.periods import Month
    from tuodi.monitoring import handover_actions
    from tuodi.org.access import scope

    user = _user(args.user)
    first, _, last = args.months.partition("..")
    with scope(user):
        row = handover_actions.request(
            acting_user=user, place=args.place, receiver=args.receiver, purpose=args.purpose, basis=args.basis,
            first=Month.parse(first), last=Month.parse(last or first), programmes=args.programme or (), format=args.format,
            profile=args.profile,
        )  # fmt: skip
    print(f"{row.no}：{row.expected} 行，{row.get_state_display()}（免审批 {row.limit_rows} 行）")
    return 0


def _approve(args: argparse.Namespace) -> int:
    from tuodi.monitoring import handover_actions
    from tuodi.org.access import scope

    user = _user(args.user)
    with scope(user):
        row = handover_actions.approve(_row(args.no, user), acting_user=user)
    print(f"{row.no}：{row.get_state_display()}")
    return 0


def _make(args: argparse.Namespace) -> int:
    from tuodi.monitoring import handover_actions
    from tuodi.org.access import scope

    user = _user(args.user)
    with scope(user):
        row = handover_actions.make(_row(args.no, user), acting_user=user)
    if row.state != row.State.READY:
        print(f"{row.no}：{row.get_state_display()}，现有 {row.expected} 行，超过 {row.limit_rows} 行，须审批")
        return 1
    with handover_actions.fetch(row, acting_user=user) as path:
        args.out.mkdir(parents=True, exist_ok=True)
        target = args.out / path.name
        target.touch(mode=0o600)
        shutil.copyfile(path, target)
    print(f"{target}：{row.rows} 行，SHA-256 {row.sha256}，{row.seconds} 秒")
    return 0


def _list(args: argparse.Namespace) -> int:
    from tuodi.monitoring.models import HandOver
    from tuodi.org.access import system_scope

    with system_scope(args.place):
        for row in HandOver.objects.select_related("requested_by", "approved_by").order_by("-id")[:50]:
            print(
                f"{row.no}  {row.get_state_display()}  {row.first_month} 至 {row.last_month}  {row.rows or row.expected} 行  "
                f"{row.receiver}  申请 {row.requested_by.name}  审批 {row.approved_by.name if row.approved_by else '—'}  "
                f"下载 {row.downloads} 次"
            )
    return 0
