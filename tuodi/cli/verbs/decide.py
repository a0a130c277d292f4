"""`tuodi decide`: one family from a JSON file, decided by the rules of a place on a date, with every value explained."""

from __future__ import annotations

import argparse
import json
import re
import sys
from datetime import date
from pathlib import Path
from typing import Any


def register(subparsers: Any) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser("decide", help="按某地某日的政策，判定一户（JSON 文件）")
    parser.add_argument("file", help="家庭 JSON 文件；- 为标准输入；格式见 docs/schema/family.json")
    parser.add_argument("--place", help="地区代码，如 420802、4208Z1；文件里写了 place 可省")
    parser.add_argument("--on", help="决定日期，如 2017-05-10；文件里写了 on 可省")
    parser.add_argument("--month", help="发放月份，如 2017-06；不写就是决定的次月")
    parser.add_argument("--programme", help="只判一个项目，如 dibao")
    parser.add_argument("--policies", type=Path, action="append", default=[], help="叠加的政策包文件夹，可写多次")
    parser.add_argument("--format", choices=("json", "text"), default="json")
    parser.add_argument("--schema", action="store_true", help="打印家庭文件的 JSON Schema")
    parser.set_defaults(run=run)


def _read(name: str) -> Any:
    text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8-sig")

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for key, value in items:
            if key in seen:
                raise ValueError(f"“{key}”写了两次；只留一个")
            seen[key] = value
        return seen

    return json.loads(text, parse_float=str, object_pairs_hook=pairs)


def run(args: argparse.Namespace) -> int:
    """0 when decided (whatever the answer), 1 when the input or the packs have faults; all faults are listed."""
    from tuodi.kernel.periods import Month
    from tuodi.policy.faults import PolicyErrors
    from tuodi.rules import FamilyErrors, load_book, plan_for, schema
    from tuodi.rules.library import cache_dir

    faults: list[str] = []
    family: Any = {}
    try:
        family = _read(args.file)
    except OSError as error:
        faults.append(f"{args.file}: 读不了（{error.strerror}）；请核对路径")
    except UnicodeDecodeError:
        faults.append(f"{args.file}: 不是 UTF-8 编码；请另存为 UTF-8")
    except json.JSONDecodeError as error:
        faults.append(f"{args.file}:{error.lineno}: JSON 写法有误（第 {error.colno} 个字附近）；检查逗号、引号和括号")
    except ValueError as error:
        faults.append(f"{args.file}: {error}")
    if not faults and not isinstance(family, dict):
        faults.append("（顶层）: 文件应是一个 JSON 对象")
    head = family if isinstance(family, dict) else {}
    place, on, month = args.place or head.get("place"), args.on or head.get("on"), args.month or head.get("month")
    if not place:
        faults.append("--place: 没有地区；用 --place 或在文件里写 place")
    day = date(2000, 1, 1)
    if not on:
        faults.append("--on: 没有决定日期；用 --on 2017-05-10 或在文件里写 on")
    else:
        try:
            day = date.fromisoformat(str(on)) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(on)) else _bad()
        except ValueError:
            faults.append(f"--on: 日期“{on}”不对；写成 年-月-日，如 2017-05-10")
    paid: Month | None = None
    if month:
        try:
            paid = Month.parse(str(month))
        except ValueError as error:
            faults.append(f"--month: {error}")
        except Exception as error:
            faults.append(f"--month: {error}")
    try:
        book = load_book(overlays=args.policies, cache=cache_dir())
    except PolicyErrors as error:
        print("\n".join([*faults, *map(str, error.faults)]), file=sys.stderr)
        return 1
    if place and not book.known_place(str(place)):
        faults.append(f"--place: 没有地区“{place}”；写 6 位区划代码（如 420802）或标准区域代码（如 4208Z1）")
    if args.schema:
        print(json.dumps(schema(book, str(place or "cn")), ensure_ascii=False, indent=1))
        return 0
    results = []
    try:
        plan = (
            plan_for(book, book.trim_place(str(place)), day, paid)
            if place and not any("--place" in f for f in faults)
            else plan_for(book, "cn", day, paid)
        )
        results = plan.decide(family, args.programme or head.get("programme"))
    except FamilyErrors as error:
        faults += [str(f) for f in error.faults]
    if faults:
        print("\n".join(dict.fromkeys(faults)), file=sys.stderr)
        return 1
    if args.format == "json":
        print(json.dumps([_json(r) for r in results], ensure_ascii=False, indent=1))
    else:
        for result in sorted(results, key=lambda r: ("pass", "unknown", "fail").index(r.outcome)):
            print(_text(result))
    return 0


def _bad() -> date:
    raise ValueError


def _json(result: Any) -> dict[str, Any]:
    from tuodi.kernel.money import format_yuan

    return {
        "programme": result.programme, "label": result.label, "unit": result.unit, "outcome": result.outcome,
        "amount": None if result.amount_fen is None else format_yuan(result.amount_fen, sep=False),
        "amount_fen": result.amount_fen, "period": result.period, "missing": list(result.missing), "fingerprint": result.fingerprint,
        "start_month": str(result.start_month) if result.start_month else None,
        "rows": [
            {
                "row": r.row, "name": r.name, "outcome": r.outcome, "amount_fen": r.amount_fen, "components": r.components,
                "start_month": str(r.start_month) if r.start_month else None, "missing": list(r.missing),
                "tests": [t.__dict__ for t in r.tests],
            }
            for r in result.rows
        ],
        "explanation": result.explain().to_json(),
    }  # fmt: skip


_WORD = {"pass": "符合", "fail": "不符合", "unknown": "未知"}
_PER = {"month": "每月", "once": "一次", "year": "每年"}


def _text(result: Any) -> str:
    from tuodi.kernel.money import format_yuan

    head = f"【{result.label}】{_WORD[result.outcome]}"
    if result.outcome == "pass" and result.amount_fen is not None:
        head += f"，{_PER[result.period]} {format_yuan(result.amount_fen)} 元"
        if result.start_month:
            head += f"，自 {result.start_month} 起"
    lines = [head]
    for row in result.rows:
        who = f"{row.name or f'第{row.row + 1}人'}：" if row.row is not None else ""
        reasons = [t.reason for t in row.tests if t.result == "fail"]
        if reasons:
            lines.append(f"  {who}不符合：{'；'.join(reasons)}")
        elif row.row is not None:
            amount = f"，{format_yuan(row.amount_fen)} 元" if row.amount_fen and row.outcome == "pass" else ""
            lines.append(f"  {who}{_WORD[row.outcome]}{amount}")
    if result.missing:
        lines.append(f"  还需要：{'、'.join(result.missing)}")
    body = result.explain().text()
    if body:
        lines.append("\n".join("  " + line for line in body.splitlines()))
    return "\n".join(lines) + "\n"
