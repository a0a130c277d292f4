"""`tuodi decide`: one family from a JSON file, decided by the rules of a place on a date, with every value explained."""

from __future__ import annotations

import argparse
import json
import re
import sys
from datetime import date
from pathlib import Path
from typing import Any

#: Digits of a whole number that JSON may hold as one; more is no amount anyone means.
MOST_DIGITS = 30
#: The last decision date that has a month after it.
LAST_DAY = date(9999, 11, 30)


class _BadJsonError(Exception):
    """What the JSON grammar allows and a family file does not."""


def register(subparsers: Any) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser("decide", help="按某地某日的政策，判定一户（JSON 文件）")
    parser.add_argument("file", nargs="?", help="家庭 JSON 文件；- 为标准输入；格式见 docs/schema/family.json")
    parser.add_argument("--place", help="地区代码，如 420802、4208Z1；文件里写了 place 可省")
    parser.add_argument("--on", help="决定日期，如 2017-05-10；文件里写了 on 可省")
    parser.add_argument("--month", help="发放月份，如 2017-06；不写就是决定的次月")
    parser.add_argument("--programme", help="只判一个项目，如 dibao")
    parser.add_argument("--policies", type=Path, action="append", default=[], help="叠加的政策包文件夹，可写多次")
    parser.add_argument("--format", choices=("json", "text"), default="json")
    parser.add_argument("--schema", action="store_true", help="打印家庭文件的 JSON Schema")
    parser.set_defaults(run=run)


def _read(name: str) -> Any:
    """The file's JSON. Raises ValueError with the whole sentence for whatever cannot be read."""
    try:
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        text = raw.decode("utf-8-sig")
    except IsADirectoryError:
        raise ValueError(f"{name}: 这是文件夹；请写其中一个 JSON 文件") from None
    except FileNotFoundError:
        raise ValueError(f"{name}: 没有这个文件；请核对路径") from None
    except UnicodeDecodeError:
        raise ValueError(f"{name}: 不是 UTF-8 编码；请另存为 UTF-8") from None
    except OSError:
        raise ValueError(f"{name}: 读不了；请核对路径和读取权限") from None
    if not text.strip():
        raise ValueError(f"{name}: 文件是空的；样例见 docs/examples/")

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for key, value in items:
            if key in seen:
                raise _BadJsonError(f"“{key}”写了两次；只留一个")
            seen[key] = value
        return seen

    def whole(digits: str) -> Any:
        return int(digits) if len(digits) <= MOST_DIGITS else digits  # as text: the fact's reader names it

    try:
        body = json.loads(text, parse_float=str, parse_int=whole, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{name}:{error.lineno}: JSON 写法有误（第 {error.colno} 个字附近）；检查逗号、引号和括号"
        ) from None
    except RecursionError:
        raise ValueError(f"{name}: 括号套得太深；家庭文件最多几层，请核对") from None
    except _BadJsonError as error:
        raise ValueError(f"{name}: {error}") from None
    if re.search(r"[\ud800-\udfff]", json.dumps(body, ensure_ascii=False)):
        raise ValueError(f"{name}: 有不成对的 \\ud… 代码，不是文字；请改写成汉字")
    if not isinstance(body, dict):
        raise ValueError(f"{name}: 文件应是一个 JSON 对象（{{…}}）；样例见 docs/examples/")
    return body


def run(args: argparse.Namespace) -> int:
    """0 when decided (whatever the answer), 1 when the input or the packs have faults; all faults are listed."""
    from tuodi.kernel.periods import Month, PeriodError
    from tuodi.policy.faults import PolicyErrors
    from tuodi.rules import FamilyErrors, load_book, plan_for, schema
    from tuodi.rules.library import cache_dir

    if args.file is None and not args.schema:
        print("请写家庭 JSON 文件，或用 - 从标准输入读；样例见 docs/examples/", file=sys.stderr)
        return 2
    faults: list[str] = []
    try:
        family = {} if args.schema else _read(args.file)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    place, on, month = args.place or family.get("place"), args.on or family.get("on"), args.month or family.get("month")
    programme = args.programme or family.get("programme") or None
    if programme is not None and not isinstance(programme, str):
        faults.append('programme: 应是项目代码，写在引号里，如 "dibao"')
        programme = None
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
        except PeriodError as error:
            faults.append(f"--month: {error}")
    if day > LAST_DAY:
        faults.append(f"--on: 日期“{on}”太晚，没有次月；请核对")
        day = LAST_DAY
    try:
        book = load_book(overlays=args.policies, cache=cache_dir())
    except PolicyErrors as error:
        print("\n".join([*faults, *map(str, error.faults)]), file=sys.stderr)
        return 1
    if place and not book.known_place(str(place)):
        faults.append(f"--place: 没有地区“{place}”；写 6 位区划代码（如 420802）或标准区域代码（如 4208Z1）")
    if args.schema:
        if place and any("--place" in f for f in faults):
            print(faults[-1], file=sys.stderr)
            return 1
        print(json.dumps(schema(book, str(place or "cn")), ensure_ascii=False, indent=1))
        return 0
    results = []
    try:
        plan = (
            plan_for(book, book.trim_place(str(place)), day, paid)
            if place and not any("--place" in f for f in faults)
            else plan_for(book, "cn", day, paid)
        )
        results = plan.decide(family, programme)
    except FamilyErrors as error:
        faults += [str(f) for f in error.faults]
    except PolicyErrors as error:  # the packs are checked: only a supposed value can break a rule
        faults += [f"assume: 按假设的值不能计算；请核对假设的数。{f}" for f in error.faults]
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
