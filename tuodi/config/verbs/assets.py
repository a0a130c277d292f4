"""`tuodi assets`: fetch styles, chart library and icons of the workbench once."""

from __future__ import annotations

import argparse
from typing import Any


def register(subparsers: Any) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser("assets", help="取页面资源（样式、图表、图标），只需一次")
    parser.add_argument("--force", action="store_true", help="即使已是最新也重新取")
    parser.add_argument("--if-missing", action="store_true", help="已是最新就什么也不显示")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Hands over to the web room."""
    from tuodi.web import assets

    return assets.main([flag for flag, given in (("--force", args.force), ("--if-missing", args.if_missing)) if given])
