"""`tuodi sweep run|list|show`: compares a place's roll with the register batches there are, and says what came of it.

`tuodi sweep --demo jingmen` tells the whole sweep of the demo on a synthetic 荆门, from files to close-out.
"""

from __future__ import annotations

import argparse
import os
import time
from datetime import date
from pathlib import Path
from typing import Any

NEEDS_DATABASE = True


def register(subparsers: Any) -> None:
    """Adds the verb; each action is a function of its own below."""
    parser = subparsers.add_parser("sweep", help="大数据比对：发起、列出、查看")
    parser.add_argument("--demo", choices=["jingmen"], help="演示：荆门 2016-07 至 2017-04 的比对，从登记文件到销号")
    parser.add_argument("--full", action="store_true", help="登记做足 520 万行（默认十分之一，线索和发放明细不变）")
    parser.add_argument("--scale", type=float, help="登记规模，0.01 至 1")
    parser.set_defaults(run=_demo, prepare=_demo_site, migrate=True)
    verbs = parser.add_subparsers(dest="what", metavar="动作")
    run = verbs.add_parser("run", help="用范围内各来源最新的批次比对在册人员，生成线索")
    run.add_argument("--place", required=True, help="范围，如 4208、420802")
    run.add_argument("--user", help="以哪个账号发起；不写为系统发起")
    run.add_argument("--as-of", type=date.fromisoformat, help="比对日期，如 2017-05-31；不写为今天")
    run.add_argument("--months", help="比对历史发放数据，如 2016-07..2017-04；不写则比对当天在册")
    run.add_argument("--programme", action="append", help="项目，可写多次；不写为全部")
    run.set_defaults(run=_run, prepare=None, migrate=False)
    listed = verbs.add_parser("list", help="列出比对")
    listed.add_argument("--place", required=True, help="范围")
    listed.set_defaults(run=_list, prepare=None, migrate=False)
    show = verbs.add_parser("show", help="一次比对的漏斗、规则和来源")
    show.add_argument("no", help="比对编号，如 BD-4208-2017-0001")
    show.set_defaults(run=_show, prepare=None, migrate=False)


def _demo_site() -> None:
    os.environ["TUODI_DEMO"] = "1"


def _demo(args: argparse.Namespace) -> int:
    if args.demo is None:
        print("请写动作：run、list、show，或 --demo jingmen。")
        return 2
    scale = 1.0 if args.full else args.scale
    if scale is not None and not 0.01 <= scale <= 1:
        print(f"--scale 是 {scale}，应在 0.01 至 1 之间。")
        return 2
    from tuodi.demo.story import tell_only_sweep

    began = time.perf_counter()
    tell_only_sweep(
        Path(os.environ.get("TUODI_VAR") or "var") / "demo", lambda text: print(text, flush=True), scale=scale
    )
    print(f"用时 {time.perf_counter() - began:.0f} 秒。")
    return 0


def _months(text: str | None) -> Any:
    from tuodi.kernel.periods import Month

    if not text:
        return None
    first, _, last = text.partition("..")
    return Month.parse(first), Month.parse(last or first)


def _run(args: argparse.Namespace) -> int:
    from tuodi.monitoring import sweep_actions
    from tuodi.org.access import scope, system_scope
    from tuodi.org.models import User

    user = None
    if args.user:
        user = User.objects.select_related("office").filter(username=args.user).first()
        if user is None:
            print(f"没有账号“{args.user}”。请核对 --user。")
            return 2
    with scope(user) if user else system_scope(args.place):
        run = sweep_actions.open_sweep(
            args.place, acting_user=user, as_of=args.as_of, months=_months(args.months), programmes=args.programme or ()
        )
    print(f"比对 {run.no}，{run.as_of}")
    done = sweep_actions.run_sweep(run, acting_user=user, tell=lambda phase, n: print(f"  {phase} {n}%", flush=True))
    return _told(done.no, args.place)


def _list(args: argparse.Namespace) -> int:
    from tuodi.monitoring.models import SweepRun
    from tuodi.org.access import system_scope

    with system_scope(args.place):
        for run in SweepRun.objects.order_by("-id")[:50]:
            print(
                f"{run.no}  {run.as_of}  {run.get_trigger_display()}  {run.get_state_display()}  人数 {run.persons}  "
                f"登记 {run.register_rows}  命中 {run.hits}  线索 {run.raised}  已有结论 {run.known}"
            )
    return 0


def _show(args: argparse.Namespace) -> int:
    from tuodi.org.access import NATION

    return _told(args.no, NATION)


def _told(no: str, place: str) -> int:
    from tuodi.monitoring import sweep_reports
    from tuodi.monitoring.models import SweepRun
    from tuodi.org.access import system_scope

    with system_scope(place):
        run = SweepRun.objects.filter(no=no).first()
        if run is None:
            print(f"没有比对 {no}。用 tuodi sweep list --place … 查看编号。")
            return 1
        found = sweep_reports.report(run)
        given = [row.given for row in sweep_reports.sources_of(run) if row.given]
        rows = "、".join(f"{key} {n}" for key, n in run.rows.items())
        print(
            f"{run.no}：{run.get_state_display()}{'，' + run.error if run.error else ''}；数据 {rows or '无'}；{run.persons} 人"
        )
        print(f"无授权 {run.unconsented} 人，无可用号码 {run.unkeyed} 人（未比对，另列清单）")
        matched, doubtful = sum(one.matched for one in given), sum(one.name_conflicts for one in given)
        print(f"登记 {run.register_rows} 行 → 号码相符 {matched} → 规则命中 {run.hits} → 线索 {run.raised}")
        print(f"姓名不符 {doubtful}，已申报 {run.declared}，已有结论且未变 {run.known}")
        whole = found.all
        print(f"查实 {whole.confirmed} ＋ 查否 {whole.refuted} ＋ 未结 {whole.open} ＝ {whole.total}")
        for one in given:
            print(
                f"  {one.kind:18} {one.batch.source.label}：{one.rows} 行，相符 {one.matched}，命中 {one.hits}，"
                f"已申报 {one.declared}，已有 {one.known}，线索 {one.raised}"
            )
        for row in sorted(found.rules, key=lambda row: (-row.total, row.code)):
            print(f"  {row.code:18} {row.severity} 线索 {row.total}，查实 {row.confirmed}，查否 {row.refuted}")
        if run.timings:
            print("用时：" + "、".join(f"{name} {seconds} 秒" for name, seconds in run.timings.items()))
    return 0 if run.state != SweepRun.State.FAILED else 1
