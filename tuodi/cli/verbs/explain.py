"""`tuodi explain`: what a family on the roll is due in a month, from which facts and clauses, and what changed since the month before."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

NEEDS_DATABASE = True


def register(subparsers: Any) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser("explain", help="一户某月应得多少、为什么，与上月比有什么变化")
    parser.add_argument("household", help="家庭编号（如 420802-00000001）")
    parser.add_argument("--month", required=True, help="月份，如 2017-07")
    parser.add_argument("--programme", default="dibao", help="项目，默认 dibao")
    parser.add_argument("--person", type=int, help="按人认定的项目（特困）：人员编号")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="输出格式")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ends with 0, or 1 when there is no such family or nothing is in force. The look is written into the audit log."""
    from tuodi.audit.actions import record
    from tuodi.decisions.queries import what_changed
    from tuodi.kernel.errors import TuodiError
    from tuodi.kernel.periods import Month
    from tuodi.org.access import NATION, system_scope
    from tuodi.people.models import Household, Person

    with system_scope(NATION):
        household = Household.objects.filter(no=args.household.strip().upper()).first()
        if household is None:
            print(f"没有家庭 {args.household}。请核对家庭编号。", file=sys.stderr)
            return 1
        person = Person.objects.filter(pk=args.person).first() if args.person else None
        try:
            found = what_changed(household, Month.parse(args.month), args.programme, person=person)
        except TuodiError as error:
            print(error, file=sys.stderr)
            return 1
        record(
            "decisions.explain",
            actor=None,
            subject_type="household",
            subject_id=household.pk,
            region=household.region,
            after={"month": str(found.month), "programme": args.programme},
        )
    print(_json(found) if args.format == "json" else _text(found), end="")
    return 0


def _json(found: Any) -> str:
    body = {
        "household": found.household_no,
        "programme": found.programme,
        "month": str(found.month),
        "amount_fen": found.after_fen,
        "amount_fen_before": found.before_fen,
        "difference_fen": found.difference_fen,
        "cause": found.cause,
        "changes": [
            {"id": c.id, "label": c.label, "before": c.before, "after": c.after, "unit": c.unit, "cause": c.leaf}
            for c in found.changes
        ],
        "explanation": found.after,
    }
    return json.dumps(body, ensure_ascii=False, indent=1) + "\n"


def _text(found: Any) -> str:
    from tuodi.kernel.money import format_yuan

    def yuan(fen: int | None) -> str:
        return "—" if fen is None else f"{format_yuan(fen)} 元"

    lines = [f"家庭 {found.household_no}，{found.month}：{yuan(found.after_fen)}（上月 {yuan(found.before_fen)}）"]
    if found.changes:
        lines.append("与上月比：")
        for change in found.changes:
            mark = "原因" if change.leaf else "随之"
            lines.append(
                f"  {mark}：{change.label} {change.before or '无'} → {change.after or '无'} {change.unit}".rstrip()
            )
    else:
        lines.append("与上月比没有变化。")
    lines.append(found.text)
    return "\n".join(lines) + "\n"
