"""`tuodi roster import FILE --profile P [--sheet S] [--apply]`: previews a roster, and writes it when told to."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

NEEDS_DATABASE = True


def register(subparsers: Any) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser("roster", help="花名册：核对、导入")
    verbs = parser.add_subparsers(dest="what", metavar="动作", required=True)
    one = verbs.add_parser("import", help="核对一份花名册；加 --apply 才写入")
    one.add_argument("file", type=Path, help="xlsx、xls、csv 或 txt")
    one.add_argument("--profile", required=True, help="模板名，见 tuodi roster profiles")
    one.add_argument("--sheet", help="工作表名（工作簿有多张时必填）")
    one.add_argument("--place", default="", help="区县代码；不写则从标题或文件名认出")
    one.add_argument("--month", help="名册月份，如 2017-08；不写则从标题认出")
    one.add_argument("--apply", action="store_true", help="确认并写入新增家庭")
    one.add_argument("--errors", type=Path, help="把待更正清单写到这个文件（.csv 或 .xlsx）")
    one.add_argument("--demo", action="store_true", help="写入的人员标为演示")
    one.set_defaults(run=_import)
    listed = verbs.add_parser("profiles", help="列出模板")
    listed.set_defaults(run=_profiles)


def _profiles(args: argparse.Namespace) -> int:
    from tuodi.exchange.profiles import profile_names

    for name, label in profile_names().items():
        print(f"{name:20} {label}")
    return 0


def _import(args: argparse.Namespace) -> int:
    from tuodi.exchange.profiles import load_profile
    from tuodi.intake import roster_actions, roster_queries
    from tuodi.intake.models import Verdict
    from tuodi.kernel.money import format_yuan
    from tuodi.kernel.periods import Month
    from tuodi.org.access import system_scope

    if not args.file.is_file():
        print(f"没有这个文件：{args.file}")
        return 2
    place = args.place or load_profile(args.profile).place
    with system_scope(place):
        staged = roster_actions.stage(
            args.file,
            profile=args.profile,
            acting_user=None,
            place=args.place,
            sheet=args.sheet,
            month=Month.parse(args.month) if args.month else None,
            is_demo=args.demo,
        )
    done = roster_actions.preview(staged.pk, place=place)
    print(f"导入编号 {done.pk}：{done.file_name}，{done.month}，{done.get_state_display()}")
    if done.repeats_id:
        print(f"内容与导入编号 {done.repeats_id} 相同。")
    skipped = {"totals": "合计行", "blank": "空行", "headers": "重复表头", "notes": "说明行"}
    print(
        "跳过："
        + ("、".join(f"{label} {done.skipped[key]}" for key, label in skipped.items() if done.skipped.get(key)) or "无")
    )
    for title, counts in (("家庭", done.counts["families"]), ("行", done.counts["rows"])):
        print(f"{title}：" + "、".join(f"{Verdict(key).label} {count}" for key, count in sorted(counts.items())))
    print(
        f"可用家庭月金额合计 {format_yuan(done.counts['amount_fen'])} 元；在册而名册未列 {done.counts['absent']} 户（不作退出）"
    )
    if args.errors:
        with system_scope(place):
            if args.errors.suffix == ".xlsx":
                args.errors.write_bytes(roster_queries.error_workbook(done))
            else:
                args.errors.write_text("".join(roster_queries.error_sheet(done)), encoding="utf-8", newline="")
        print(f"待更正清单：{args.errors}")
    if not args.apply:
        print("以上只是核对，没有写入。确认无误后加 --apply。")
        return 0
    with system_scope(place):
        roster_actions.confirm(done.pk, acting_user=None)
    done = roster_actions.apply(done.pk, place=place)
    print(f"已写入 {done.progress_done} 户。")
    return 0
