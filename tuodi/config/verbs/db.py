"""`tuodi db start|stop|status|url`: the private PostgreSQL server; `tuodi db prepare`: roles on a given one."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

import psycopg

from tuodi.config import pgbinaries, postgres


def register(subparsers: Any) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser("db", help="数据库服务：启动、停止、状态、地址")
    parser.add_argument("what", choices=["start", "stop", "status", "url", "prepare"], help="做什么")
    parser.add_argument("--role", choices=["owner", "app"], default="app", help="url：以哪个角色连接")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Handles the server; `status` ends with 3 where it does not run."""
    if args.what == "prepare":
        return _prepare()
    if os.environ.get("DATABASE_URL"):
        print("数据库由 DATABASE_URL 指定，不归本程序启停。")
        return 0
    if args.what == "stop":
        print("数据库服务已停止。" if postgres.stop() else "数据库服务没有在运行。")
        return 0
    if args.what == "status":
        place = postgres.layout()
        pid = postgres.postmaster_pid(place)
        print(f"{'运行中，进程 ' + str(pid) if pid else '未运行'}；PostgreSQL {place.major}，数据 {place.data}")
        return 0 if pid else 3
    place = postgres.ensure_running() or postgres.layout()
    if args.what == "url":
        role = postgres.OWNER_ROLE if args.role == "owner" else postgres.APP_ROLE
        print(f"postgresql:///{postgres.DATABASE}?host={place.socket}&user={role}")
    else:
        origin = next((found.origin for found in pgbinaries.candidates() if str(found.folder) == place.folder), "wheel")
        print(f"数据库服务已启动：PostgreSQL {place.major}（{origin}），数据 {place.data}")
    return 0


def _prepare() -> int:
    url = os.environ.get("DATABASE_OWNER_URL") or os.environ.get("DATABASE_URL")
    if not url:
        print("没有设置 DATABASE_URL；私有数据库服务会自动准备，无须此步。")
        return 0
    try:
        done = postgres.prepare_given(url)
    except psycopg.Error as error:
        print(
            f"不能在该服务器上准备角色：{str(error).strip()}\n请由数据库管理员执行：\n{postgres.GIVEN_SQL}",
            file=sys.stderr,
        )
        return 1
    print("数据库已准备好。" if not done else "已建立角色：" + "、".join(done))
    return 0
