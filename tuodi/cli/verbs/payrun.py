"""`tuodi payrun`: one place's month, step by step, or what it came to; and one family's line explained."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

NEEDS_DATABASE = True
STEPS = ("open", "calculate", "check", "approve", "send", "settle", "close")


def register(subparsers: Any) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser("payrun", help="月度发放：办一步，或查看合计、差异、卡点；加 --household 看一户")
    parser.add_argument("--place", help="范围，如 4208、420802；看一户时不用写")
    parser.add_argument("--month", required=True, help="月份，如 2017-06")
    parser.add_argument("--step", choices=[*STEPS, "return"], help="办哪一步；不写就只看")
    parser.add_argument("--user", help="以哪个账号办理（办一步时必须写）")
    parser.add_argument("--programme", action="append", help="项目，可写多次；默认 dibao、tekun 和 temporary")
    parser.add_argument("--profile", default="generic-csv", help="银行文件格式，见 sources/banks/")
    parser.add_argument("--out", type=Path, help="send：代发文件写到哪个文件夹")
    parser.add_argument("--file", type=Path, help="return：回盘文件")
    parser.add_argument("--household", help="家庭编号：看这一户当月的一行和与上月的变化")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ends with 0, or 1 where a file was refused or nothing is there; other refusals are errors in Chinese."""
    from tuodi.kernel.periods import Month

    month = Month.parse(args.month)
    if args.household:
        return _household(args, month)
    if not args.place:
        print("请写 --place（范围）或 --household（家庭编号）。")
        return 2
    if args.step:
        return _step(args, month)
    return _show(args, month)


def _step(args: argparse.Namespace, month: Any) -> int:
    from tuodi.org.access import scope
    from tuodi.org.models import User
    from tuodi.payments import actions, queries
    from tuodi.payments.actions.run import PAYABLE_PROGRAMMES
    from tuodi.payments.errors import NoRunError

    user = User.objects.select_related("office").filter(username=args.user or "").first()
    if user is None:
        print(f"没有账号“{args.user or ''}”。办理时请用 --user 写明经办人账号。")
        return 2
    programmes = args.programme or list(PAYABLE_PROGRAMMES)
    if args.step == "open":
        with scope(user):
            found = actions.open_run(acting_user=user, place=args.place, month=month, programmes=programmes)
        print(f"{found.no}：{found.get_state_display()}")
        return 0
    with scope(user):
        found = queries.find_run(args.place, month, args.programme)
        if found is None:
            raise NoRunError(args.place, str(month))
    if args.step == "calculate":  # no scope around it: each county is committed by itself
        found = actions.calculate(
            found,
            acting_user=user,
            tell=lambda what, done, total: print(f"  {what} {done or ''}{f'/{total}' if total else ''}", flush=True),
        )
        return _show(args, month)
    if args.step == "send":
        with scope(user):
            made = actions.make_bank_files(found, acting_user=user, profile=args.profile)
        for batch in made:
            print(f"{batch.file_name}：{batch.lines} 笔，校验值 {batch.sha256[:16]}")
            if args.out:  # no scope around it: what leaves is noted step by step
                args.out.mkdir(parents=True, exist_ok=True)
                _, body = actions.hand_out(batch.pk, acting_user=user)
                target = args.out / batch.file_name
                target.touch(mode=0o600)
                target.write_bytes(body)
        return 0
    with scope(user):
        if args.step == "return":
            if args.file is None:
                print("请用 --file 写明回盘文件。")
                return 2
            got = actions.import_return(
                found, acting_user=user, data=args.file.read_bytes(), name=args.file.name, profile=args.profile
            )
            print(
                f"{got.get_state_display()}：成功 {got.paid_lines} 笔，失败 {got.failed_lines} 笔，未知 {got.unknown_lines} 笔，退票 {got.returned_lines} 笔"
            )
            for fault in got.faults:
                print(f"  {fault}")
            return 1 if got.faults else 0
        found = getattr(actions, args.step)(found, acting_user=user)
        print(f"{found.no}：{found.get_state_display()}")
    return 0


def _show(args: argparse.Namespace, month: Any) -> int:
    from dataclasses import asdict

    from tuodi.kernel.money import format_yuan
    from tuodi.org.access import NATION, system_scope
    from tuodi.payments import queries
    from tuodi.payments.errors import NoRunError

    with system_scope(NATION):
        found = queries.find_run(args.place, month, args.programme)
        if found is None:
            raise NoRunError(args.place, str(month))
        head = queries.summary(found)
        parts = {
            "towns": queries.by_town(found, digits=6),
            "components": queries.by_component(found),
            "differences": queries.difference_tree(found),
            "blockers": queries.blockers(found),
            "banks": queries.bank_totals(found),
        }
        statuses = queries.status_totals(found)
    if args.format == "json":
        body = {
            "no": found.no,
            "state": found.state,
            "summary": asdict(head),
            "statuses": statuses,
            "checks": found.checks,
        }
        body |= {name: [asdict(one) for one in rows] for name, rows in parts.items()}
        print(json.dumps(body, ensure_ascii=False, indent=1))
        return 0
    print(f"{found.no} {month.label}：{found.get_state_display()}")
    print(
        f"  {head.households:,} 户 {head.persons:,} 人，应发 {format_yuan(head.amount_fen)} 元（其中补发 {format_yuan(head.back_pay_fen)}，抵扣 {format_yuan(head.offset_fen)}）"
    )
    print(f"  较上月 {format_yuan(head.difference_fen)} 元，{head.causes} 项原因")
    for row in parts["differences"]:
        print(
            f"    {row.label}：{row.households:,} 户 {row.persons:+,} 人 {format_yuan(row.amount_fen)} 元{'（一次性）' if row.one_off else ''}"
        )
    for row in parts["towns"]:
        print(f"  {row.name}：{row.households:,} 户 {format_yuan(row.amount_fen)} 元")
    for row in parts["blockers"]:
        print(
            f"  {'拦住' if row.severity == 'block' else '未知' if row.severity == 'unknown' else '提醒'} {row.label} {row.count:,} 行：{row.detail}"
        )
    for one in found.checks:
        print(f"  校验 {one['label']}：{'通过' if one['ok'] else '不通过'}（{one['detail']}）")
    return 0


def _household(args: argparse.Namespace, month: Any) -> int:
    from tuodi.audit.actions import record
    from tuodi.kernel.money import format_yuan
    from tuodi.org.access import NATION, system_scope
    from tuodi.payments.explain import explain_line
    from tuodi.people.models import Household

    with system_scope(NATION):
        household = Household.objects.filter(no=args.household.strip().upper()).first()
        if household is None:
            print(f"没有家庭 {args.household}。请核对家庭编号。")
            return 1
        found = explain_line(household, month, programme=(args.programme or [None])[0])
        record(
            "payments.explain", actor=None, subject_type="household", subject_id=household.pk, region=household.region,
            after={"month": str(month), "line": found.line.key},
        )  # fmt: skip
    line = found.line
    if args.format == "json":
        print(
            json.dumps(
                {
                    "household": household.no, "month": str(month), "run": line.run.no, "line": line.key, "status": line.status,
                    "basis": line.basis, "held": line.held, "held_note": line.held_note, "amount_fen": line.amount_fen,
                    "before_fen": found.before_fen, "parts": dict(found.parts), "same": found.same,
                    "differences": [{"cause": c, "label": text, "amount_fen": fen, "note": note} for c, text, fen, note in found.differences],
                    "corrections": [
                        {"month": one.for_month, "due_fen": one.due_fen, "granted_fen": one.granted_fen, "amount_fen": one.amount_fen, "cause": one.cause}
                        for one in found.corrections
                    ],
                    "changes": [{"id": c.id, "label": c.label, "before": c.before, "after": c.after, "unit": c.unit, "cause": c.leaf} for c in found.changes],
                    "explanation": found.explanation,
                },
                ensure_ascii=False,
                indent=1,
            )
        )  # fmt: skip
        return 0
    amount = "未知" if line.amount_fen is None else f"{format_yuan(line.amount_fen)} 元"
    before = "无" if found.before_fen is None else f"{format_yuan(found.before_fen)} 元"
    print(
        f"{household.no} {month.label} {line.get_programme_display()}：{amount}（上月 {before}），{found.status}，{found.basis}"
    )
    if line.held:
        print(f"  暂缓：{found.held}。{line.held_note}")
    for label, fen in found.parts:
        print(f"  {label} {format_yuan(fen)} 元")
    for one in found.corrections:
        print(f"    {one.note}，差 {format_yuan(one.amount_fen)} 元（{one.get_cause_display()}）")
    if found.differences:
        print("与上月比：")
        for _, label, fen, note in found.differences:
            print(f"  {label} {format_yuan(fen)} 元{f'（{note}）' if note else ''}")
    for change in found.changes:
        print(
            f"  {'原因' if change.leaf else '随之'}：{change.label} {change.before or '无'} → {change.after or '无'} {change.unit}".rstrip()
        )
    if not found.same:
        print("  注意：事实在计算之后有变动，差额由下月更正。")
    print(found.text)
    return 0
