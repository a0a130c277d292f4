"""`tuodi demo`: the whole story on a synthetic 荆门, then the workbench. A second run repeats nothing."""

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
    parser = subparsers.add_parser("demo", help="演示：合成的荆门花名册，一个家庭，一个月的发放，然后打开工作台")
    parser.add_argument("--no-serve", dest="serve", action="store_false", help="讲完就结束，不打开工作台")
    parser.add_argument("--port", type=int, default=8765, help="工作台端口（默认 8765）")
    parser.set_defaults(run=run, prepare=prepare)


def prepare() -> None:
    """Before Django is set up: this is a demo site."""
    os.environ["TUODI_DEMO"] = "1"


def run(args: argparse.Namespace) -> int:
    """Tells the story; ends with 0, or serves until interrupted."""
    from tuodi.demo.story import TODAY, tell_story

    began = time.perf_counter()

    def tell(text: str = "") -> None:
        print(text, flush=True)

    state = Path(os.environ.get("TUODI_VAR") or "var") / "demo"
    tell_story(state, tell)
    tell(f"用时 {time.perf_counter() - began:.0f} 秒。")
    if not args.serve:
        return 0
    from tuodi.config.verbs import serve

    os.environ["TUODI_DEMO_TODAY"] = TODAY.isoformat()
    return serve.run(argparse.Namespace(host="127.0.0.1", port=args.port, workers=1, worker=True))
