"""`tuodi register list | import FILE… | purge`: sources and their deliveries."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import Any

NEEDS_DATABASE = True


def register(subparsers: Any) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser("register", help="登记数据：来源、导入、销毁")
    verbs = parser.add_subparsers(dest="what", metavar="动作", required=True)
    listed = verbs.add_parser("list", help="列出数据来源和各自的状况")
    listed.add_argument("--place", default="cn", help="区划代码；不写则全部")
    listed.set_defaults(run=_list)
    profiles = verbs.add_parser("profiles", help="列出文件模板")
    profiles.set_defaults(run=_profiles)
    one = verbs.add_parser("import", help="导入一批登记数据")
    one.add_argument("files", type=Path, nargs="+", metavar="文件", help="同一批的一个或几个文件")
    one.add_argument("--source", required=True, help="来源代码，见 tuodi register list")
    one.add_argument("--place", required=True, help="来源的使用范围，如 4208")
    one.add_argument("--batch", required=True, help="批次号")
    one.add_argument("--as-of", dest="as_of", help="数据日期，如 2017-08-31；不写则按文件写明的")
    one.set_defaults(run=_import)
    purge = verbs.add_parser("purge", help="销毁超过保存期限的登记数据")
    purge.set_defaults(run=_purge)


def _profiles(args: argparse.Namespace) -> int:
    from tuodi.exchange.registers import KINDS, register_profiles

    for name, profile in register_profiles().items():
        print(f"{name:20} {KINDS[profile.kind]:10} {profile.label}")
    return 0


def _list(args: argparse.Namespace) -> int:
    from tuodi.org.access import range_of
    from tuodi.verification.models import DataSource
    from tuodi.verification.register_queries import health

    words = {"fresh": "正常", "late": "偏旧", "overdue": "逾期", "failing": "故障", "off": "未启用"}
    found = range_of(args.place)
    rows = DataSource.objects.filter(place_code__gte=found.low, place_code__lt=found.high).order_by(
        "place_code", "code"
    )
    for source in rows:
        how = health(source)
        last = f"{how.ready.batch_no}（{how.ready.as_of}，{how.ready.accepted:,} 行）" if how.ready else "无可用批次"
        print(f"{source.place_code:6} {source.code:18} {words[how.state]} {source.label} {last} {how.why}")
    if not rows:
        print("没有登记数据来源。请在“数据来源”页面添加。")
    return 0


def _import(args: argparse.Namespace) -> int:
    from tuodi.verification import register_actions
    from tuodi.verification.models import DataSource

    for path in args.files:
        if not path.is_file():
            print(f"没有这个文件：{path}")
            return 2
    try:
        as_of = date.fromisoformat(args.as_of) if args.as_of else None
    except ValueError:
        print(f"数据日期“{args.as_of}”不是日期。请写成 2017-08-31。")
        return 2
    source = DataSource.objects.filter(code=args.source, place_code=args.place).first()
    if source is None:
        print(f"{args.place} 没有代码为“{args.source}”的来源。请用 tuodi register list 查看。")
        return 2
    batch = register_actions.import_register(source, args.files, batch_no=args.batch, as_of=as_of, acting_user=None)
    print(f"批次 {batch.batch_no}：{batch.get_state_display()}，数据日期 {batch.as_of}，用时 {batch.seconds} 秒")
    print(
        f"读到 {batch.rows:,} 行 = 采用 {batch.accepted:,} ＋ 重复 {batch.duplicates:,} ＋ 未采用 {batch.rejected:,}；采用的行中待人工 {batch.unkeyed:,}"
    )
    for label, count in batch.reasons.values():
        print(f"  {label}：{count:,}")
    return 0


def _purge(args: argparse.Namespace) -> int:
    from tuodi.verification import register_actions

    print(f"已销毁 {register_actions.purge_expired()} 批。")
    return 0
