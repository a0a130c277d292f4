"""`tuodi ledger check`: whether every yuan is where the ledger says (L1 to L8); names each row that breaks a rule."""

from __future__ import annotations

import argparse
from typing import Any

NEEDS_DATABASE = True


def register(subparsers: Any) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser("ledger", help="账务：校验 L1 至 L8")
    parser.add_argument("what", choices=["check"], help="check 逐条校验，列出不符的行")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ends with 0 when all rules hold, 1 when one is broken. What was seen is kept for the next check."""
    from tuodi.org.access import NATION, system_scope
    from tuodi.payments import invariants

    with system_scope(NATION):
        report = invariants.check()
        invariants.keep(report)
    print(report)
    return 0 if report.ok else 1
