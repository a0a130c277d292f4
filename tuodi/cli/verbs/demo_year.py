"""`tuodi demo-year`: a year of 荆门 and half-years of 宽城 and 云南 replayed month by month, with books that balance."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

NEEDS_DATABASE = True
MIGRATE = True


def register(subparsers: Any) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser("demo-year", help="演示：荆门 2017 年逐月重放，宽城、云南各半年，到年终结算")
    parser.add_argument("--families", type=int, help="每处在册户数（默认荆门 1,500，其余 200）")
    parser.add_argument("--only", choices=["y17", "y21", "y20"], help="只重放一处")
    parser.set_defaults(run=run, prepare=prepare)


def prepare() -> None:
    """Before Django is set up: this is a demo site."""
    os.environ["TUODI_DEMO"] = "1"


def run(args: argparse.Namespace) -> int:
    """Tells the chapter; ends with 0."""
    from tuodi.demo.year.cast import REPLAYS
    from tuodi.demo.year.play import scaled, tell_year

    began = time.perf_counter()
    chosen = [one for one in REPLAYS if args.only in (None, one.key)]
    if args.families:
        chosen = [scaled(one, args.families) for one in chosen]
    state = Path(os.environ.get("TUODI_VAR") or "var") / "demo"
    tell_year(state, lambda text: print(text, flush=True), replays=chosen)
    print(f"用时 {time.perf_counter() - began:.0f} 秒。")
    return 0
