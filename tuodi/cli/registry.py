"""Builds the argument parser from the files of a verbs folder.

A verb file exposes `register(subparsers)`, which adds one parser and sets `run` by `parser.set_defaults(run=...)`:
a function that takes the parsed arguments and returns the exit code (or None for 0). Optional module names:

    NEEDS_DATABASE = True     the database is started and Django set up before `run` (default False: pure verbs)
    DATABASE_ROLE = "owner"   connect as the owner (migrations); default "app"
    MIGRATE = True            bring the tables up to date first (demo); `parser.set_defaults(migrate=…)` says it for one use

Imports of Django models belong inside the `run` function, since the file is read before Django is set up.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import re
import sys
from collections.abc import Iterable
from types import ModuleType


def verb_modules(package: str) -> list[ModuleType]:
    """Every verb file of a package, by name. A leading underscore hides helpers."""
    folder = importlib.import_module(package)
    names = sorted(found.name for found in pkgutil.iter_modules(folder.__path__) if not found.name.startswith("_"))
    return [importlib.import_module(f"{package}.{name}") for name in names]


#: What argparse says, in Chinese; the remedy is the line of usage above it.
_SAYINGS = (
    (r"the following arguments are required: (.+)", r"缺少 \1；请补上"),
    (r"argument (.+?): invalid choice: (.+?) \(choose from (.+)\)", r"\1 没有“\2”；可用: \3"),
    (r"argument (.+?): expected (?:one argument|\d+ arguments?|at least one argument)", r"\1 后面要写值"),
    (r"argument (.+?): invalid int value: (.+)", r"\1 应是整数，这里是 \2"),
    (r"unrecognized arguments: (.+)", r"不认识 \1；请删去或核对写法"),
    (r"argument (.+?): not allowed with argument (.+)", r"\1 与 \2 不能同时写；只留一个"),
    (r"ambiguous option: (.+?) could match (.+)", r"\1 不明确；写全，如 \2"),
)


class _ChineseParser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        for pattern, chinese in _SAYINGS:
            if re.fullmatch(pattern, message):
                message = re.sub(pattern, chinese, message)
                break
        self.print_usage(sys.stderr)
        self.exit(2, f"参数有误：{message}\n")


def build_parser(packages: Iterable[str]) -> argparse.ArgumentParser:
    """The whole parser. After parsing, `args.run` is the function and `args.verb_module` its file."""
    parser = _ChineseParser(prog="tuodi", description="托底：社会救助业务平台")
    subparsers = parser.add_subparsers(dest="verb", metavar="命令", required=True, parser_class=_ChineseParser)
    for package in packages:
        for module in verb_modules(package):
            before = set(subparsers.choices)
            module.register(subparsers)
            for name in set(subparsers.choices) - before:
                subparsers.choices[name].set_defaults(verb_module=module)
    return parser
