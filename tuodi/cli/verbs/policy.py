"""`tuodi policy check|diff|show`: the packs checked with every fault at once; two sets of packs compared."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any


def register(subparsers: Any) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser("policy", help="政策包：校验（check）、比较（diff）")
    parts = parser.add_subparsers(dest="what", required=True, metavar="check|diff")
    check = parts.add_parser("check", help="校验政策包，一次列出全部问题")
    check.add_argument("dirs", nargs="*", type=Path, help="政策包文件夹；不写就是随产品的 policies")
    check.add_argument("--only", action="store_true", help="只读所列文件夹，不叠加随产品的 policies")
    check.add_argument("--cases", action="append", type=Path, default=[], help="另外的算例文件")
    check.add_argument("--clues", metavar="地区", help="列出一个地区今天的线索规则")
    check.set_defaults(run=run_check)
    diff = parts.add_parser("diff", help="比较两套政策包：值、规则、起止")
    diff.add_argument("old", type=Path)
    diff.add_argument("new", type=Path)
    diff.set_defaults(run=run_diff)


def run_check(args: argparse.Namespace) -> int:
    """Ends with 0 when the packs are good, 1 with every fault otherwise."""
    from tuodi.policy import counter
    from tuodi.policy.load import default_dir, read_book
    from tuodi.policy.procedure import faults_in
    from tuodi.rules.cases import run_cases
    from tuodi.rules.check import check_book

    began = time.perf_counter()
    dirs = list(args.dirs)
    shipped = default_dir()
    if not args.only and not any(d.resolve() == shipped for d in dirs):
        dirs.insert(0, shipped)
    if _unusable([*dirs, *args.cases]):
        return 1
    book, faults = read_book([*dirs, *args.cases])
    faults += check_book(book) + faults_in([*dirs, *args.cases]) + counter.faults_in([*dirs, *args.cases])
    errors = sorted({f for f in faults if f.severity == "error"})
    if not errors:
        errors = run_cases(book)
    warnings = [*book.warnings, *(f for f in faults if f.severity == "warning")]
    for fault in sorted({*errors, *warnings}):
        print(fault)
    if args.clues and not errors:
        _show_clues(book, args.clues)
    values = sum(map(len, book.draft.values.values()))
    print(
        f"{len(book.params)} 个参数、{values} 个带日期的值、{len(book.rules)} 条规则、{len(book.draft.clues)} 条线索规则、{len(book.programmes)} 个项目、{len(book.cases)} 个算例；"
        f"错误 {len(errors)}，提醒 {len(warnings)}；{time.perf_counter() - began:.2f} 秒"
    )
    return 1 if errors else 0


def _show_clues(book: Any, place: str) -> None:
    """One line a clue rule in force: code, label, severity by programme, what a confirmation does, limit, clause."""
    from tuodi.kernel import clock

    for rule in book.clue_rules(book.trim_place(place), clock.today()):
        grid = "、".join(f"{name} {value}" for name, value in rule.severity.items())
        does = rule.on_confirmed or "按级别"
        print(
            f"{rule.code}　{rule.label}　{grid}　查实后 {does}　{rule.deadline.text}　{book.clause(rule.clause).text}"
        )


def _unusable(paths: list[Path]) -> bool:
    """Says which paths hold nothing to read; a check of nothing must not look like a good pack."""
    from tuodi.policy.loader import policy_files

    wrong = {
        path: "没有这个文件夹或文件；请核对路径" if not path.exists() else "里面没有 YAML 文件（*.yaml）；请核对路径"
        for path in paths
        if not policy_files([path])
    }
    for path, why in wrong.items():
        print(f"{path}: {why}", file=sys.stderr)
    return bool(wrong)


def run_diff(args: argparse.Namespace) -> int:
    """Prints what differs; ends with 0 when nothing does, 1 otherwise, 2 when a set cannot be read."""
    from tuodi.policy.load import read_book
    from tuodi.rules.diff import diff_books

    if _unusable([args.old, args.new]):
        return 2
    books = []
    for path in (args.old, args.new):
        book, faults = read_book([path])
        if faults:
            print("\n".join(map(str, faults)), file=sys.stderr)
            return 2
        books.append(book)
    lines = diff_books(*books)
    print("\n".join(lines) if lines else "两套政策包内容相同")
    return 1 if lines else 0
