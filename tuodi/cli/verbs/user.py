"""`tuodi user add|password|disable|list`: accounts of staff, for the first manager and for emergencies."""

from __future__ import annotations

import argparse
from typing import Any

NEEDS_DATABASE = True


def register(subparsers: Any) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser("user", help="人员账号：新增、重置密码、停用、列出")
    parser.add_argument("what", choices=["add", "password", "disable", "list"])
    parser.add_argument("username", nargs="?", help="账号")
    parser.add_argument("--name", help="姓名（add）")
    parser.add_argument("--office", help="机构名称（add；没有就新建）")
    parser.add_argument("--place", help="机构管辖地代码，例如 420802（add）")
    parser.add_argument("--duty", action="append", default=[], help="职责代码，可多次（add），例如 sysadmin")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """New passwords are random and shown once; they must be changed at the first sign-in."""
    from tuodi.org import access, actions
    from tuodi.org.errors import NotFoundError
    from tuodi.org.models import DutyCode, Office, User

    if args.what == "list":
        for user in User.objects.select_related("office").order_by("username"):
            duties = "、".join(str(duty) for duty in access.duties_of(user))
            print(f"{user.username}\t{user.name}\t{user.office}\t{'' if user.is_active else '已停用 '}{duties}")
        return 0
    if not args.username:
        print("请写明账号。")
        return 2
    password = actions.make_password()
    if args.what == "add":
        if not (args.name and args.office and args.place):
            print("请写明 --name、--office 和 --place。")
            return 2
        if wrong := [code for code in args.duty if code not in DutyCode.values]:
            print(f"没有职责“{'、'.join(wrong)}”；可用: {'、'.join(DutyCode.values)}")
            return 2
        if User.objects.filter(username=args.username.lower()).exists():
            print(f"账号 {args.username} 已存在。")
            return 1
        with access.system_scope(args.place):
            office = Office.objects.filter(name=args.office, place_code=args.place).first() or actions.add_office(
                acting_user=None, name=args.office, place_code=args.place
            )
            user = actions.add_user(
                acting_user=None, username=args.username, name=args.name, office=office, password=password
            )
            for duty in args.duty:
                actions.grant_duty(acting_user=None, user=user, code=duty)
        print(f"账号 {user.username} 已建立，初始密码（只显示这一次）：{password}")
        return 0
    found = User.objects.filter(username=args.username.lower()).first()
    if found is None:
        raise NotFoundError("账号")
    if args.what == "disable":
        actions.disable_user(acting_user=None, user=found)
        print(f"账号 {found.username} 已停用。")
    else:
        actions.set_password(acting_user=None, user=found, password=password)
        print(f"账号 {found.username} 的新密码（只显示这一次）：{password}")
    return 0
