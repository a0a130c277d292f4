"""`tuodi audit verify|anchor`: checks the audit chains; writes their heads to a file outside the database."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

NEEDS_DATABASE = True


def register(subparsers: Any) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser("audit", help="审计链：校验、锚定")
    parser.add_argument("what", choices=["verify", "anchor"], help="verify 校验；anchor 把链首写到库外文件")
    parser.add_argument("--anchors", type=Path, help="锚定文件（anchor 必填；verify 时与之核对）")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ends with 0 when every chain holds, 1 when one is broken."""
    from tuodi.audit import queries
    from tuodi.org.access import NATION, system_scope

    with system_scope(NATION):
        if args.what == "anchor":
            if args.anchors is None:
                print("请用 --anchors 指定锚定文件。")
                return 2
            print(f"已写入 {queries.write_anchors(args.anchors)} 个链首到 {args.anchors}")
            return 0
        verdict = queries.verify(queries.read_anchors(args.anchors) if args.anchors else None)
    print(verdict)
    return 0 if verdict.ok else 1
