"""`tuodi demo-data --out DIR`: writes the synthetic roll: truth tables, offices' rosters, manifest, corrections."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def register(subparsers: Any) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser("demo-data", help="生成荆门规模的演示数据（合成人员）和各地报送的花名册")
    parser.add_argument("--out", type=Path, required=True, help="写到哪个目录")
    parser.add_argument("--seed", type=int, default=2017, help="随机种子（默认 2017）；同一种子内容相同")
    parser.add_argument("--month", default="2017-08", help="花名册的月份（默认 2017-08）")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Writes the files and says where they lie."""
    from tuodi.demo.generator import generate
    from tuodi.kernel.periods import Month

    made = generate(args.out, seed=args.seed, month=Month.parse(args.month), tell=print)
    print(f"真值表：{made.truth}\n花名册：{len(made.rosters)} 份，{made.rosters[0].parent}\n更正表：{made.corrections}")
    print(f"植入的异常：{made.manifest}\n统计：{made.summary}")
    return 0
