"""荆门's sweep: 444,646 payment rows of ten months against the registers of eleven departments, from files to close-out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
from django.db import transaction

from tuodi.demo import registers, rolls
from tuodi.demo.checking import PLACE, bring_consents, bring_registers, set_up_sources
from tuodi.demo.clue_work import Recall, recall_of, work_off
from tuodi.demo.past import FIRST, LAST, bring_past
from tuodi.demo.registers import Registers, read_truth
from tuodi.demo.staff import PROVIDER, clue_officer, user
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.monitoring import clue_actions, handover_actions, sweep_reports, thirdparty_actions
from tuodi.monitoring.models import Clue, HandOver, SweepRun, ThirdPartyContract, ThirdPartyTask
from tuodi.monitoring.sweep_actions import open_sweep, run_sweep
from tuodi.monitoring.thirdparty_bulk import Visit, report_many
from tuodi.monitoring.thirdparty_queries import third_party_report
from tuodi.org.access import scope, system_scope
from tuodi.org.models import Office
from tuodi.people.models import RollEntry
from tuodi.verification.models import RegisterBatch
from tuodi.verification.register_imports import import_register

__all__ = ["FULL", "SMALL", "tell_sweep"]

#: Share of the strangers' rows: all 5,200,000, or those that make the story quick. Clues and payment rows stay exact.
FULL, SMALL = 1.0, 0.1
SWEPT, HANDED_OVER, ARRIVED = date(2017, 5, 3), date(2017, 5, 26), date(2017, 9, 4)
_RULES = {"BUSINESS": "工商登记", "VEHICLE": "有车", "HOUSE": "有房", "FISCAL_KIN": "财政供养人员家属"}
_VISITS = {"urban": 1774, "rural": 1368}
_NOT_ELIGIBLE = 284
_COUNTY = "420804"

Tell = Callable[[str], None]


def tell_sweep(state: Path, tell: Tell, *, scale: float = SMALL, asked: bool = False) -> SweepRun:
    """Everything about the sweep, in order; what was told before is found again. The rosters have been brought in.

    Args:
        state: The demo's folder.
        scale: Share of the strangers' rows of the registers, where they are not there yet.
        asked: Say so where they are there in another size.
    """
    data = state / "data"
    made = _files(data, scale, asked, tell)
    paid = read_truth(made.truth).filter(pl.col("verdict") == "confirmed")
    known = bring_past(data, made, set(paid["household_no"]), tell)
    sources = set_up_sources(tell)
    with system_scope(PLACE):
        run = SweepRun.objects.filter(trigger="manual", first_month=FIRST.yyyymm, state="done").order_by("pk").first()
    if run is None:
        batches = bring_registers(made, sources, tell)
        bring_consents(data, made, known, tell)
        run = _swept(batches, tell)
    recall = recall_of(run, made, known)
    work_off(run, made, known, tell)
    _table(run, recall, made, tell)
    _hand_over(tell)
    _third_party(tell)
    _arrival(made, sources, tell)
    return run


def _files(data: Path, scale: float, asked: bool, tell: Tell) -> Registers:
    folder = data / "登记"
    done = folder / "完成"
    if done.exists():
        there = float(done.read_text() or SMALL)
        if asked and there != scale:
            tell(f"  登记已按 {there:g} 的规模生成并比对；要 {scale:g} 的规模，请另设 TUODI_VAR 目录再运行")
        return registers.find(folder)
    rolls.make_files(data, lambda text: None)
    made = registers.generate(data, folder, scale=scale, tell=lambda text: tell(f"    {text}"))
    done.write_text(f"{scale:g}")
    return made


def _swept(batches: list[RegisterBatch], tell: Tell) -> SweepRun:
    clerk = user("shi-bd")
    with clock.frozen(SWEPT):
        with scope(clerk):
            waiting = SweepRun.objects.filter(
                first_month=FIRST.yyyymm, state__in=("open", "matching", "judging", "raising")
            )
            run = waiting.first() or open_sweep(PLACE, acting_user=clerk, batches=batches, months=(FIRST, LAST))
        run = run_sweep(run)
    times = {"roll": "名册", "matching": "比对", "judging": "判断", "raising": "生成线索"}
    told = "，".join(f"{times[name]} {seconds:.1f}" for name, seconds in run.timings.items() if name in times)
    tell(f"  {SWEPT}  比对 {run.no}：{told} 秒，合计 {run.timings['all']:.1f} 秒")
    return run


def _rate(part: int, whole: int) -> str:
    return f"{part * 100 / whole:.1f} %" if whole else "—"


def _table(run: SweepRun, recall: Recall, made: Registers, tell: Tell) -> None:
    names = {"dibao/urban": "城市低保", "dibao/rural": "农村低保", "tekun/rural": "农村五保"}
    with system_scope(PLACE):
        run.refresh_from_db()
        report = sweep_reports.report(run)
        given = [row.given for row in sweep_reports.sources_of(run) if row.given]
        doubts = sum(found for found, _ in sweep_reports.findings_of(run).values())
        stopped = Clue.objects.filter(run=run, verdict="confirmed", state="closed").count()
    total, confirmed, refuted, left = report.all.total, report.all.confirmed, report.all.refuted, report.all.open
    rows = "，".join(f"{names[key]} {run.rows[key]:,}" for key in ("dibao/urban", "dibao/rural", "tekun/rural"))
    tell(f"  发放明细：{rows}，合计 {sum(run.rows.values()):,} 行，{run.persons:,} 人")
    tell(
        f"  未授权 {run.unconsented:,} 人、无法比对 {run.unkeyed:,} 人只列出；姓名或校验码不符 {doubts:,} 条待人工核对"
    )
    tell(f"  {'登记':<12}{'行数':>10}{'号码相符':>8}{'姓名不符':>7}{'命中':>7}{'已申报':>6}{'线索':>7}{'秒':>7}")
    for one in sorted(given, key=lambda one: -one.rows):
        tell(
            f"    {one.batch.source.label:<10}{one.rows:>12,}{one.matched:>10,}{one.name_conflicts:>9,}{one.hits:>9,}"
            f"{one.declared:>8,}{one.raised:>9,}{one.seconds:>8.2f}"
        )
    tell(f"    合计{run.register_rows:>20,} 行，命中 {run.hits:,}，线索 {run.raised:,}")
    tell("  规则：线索、查实、查否、查实率")
    merged: dict[str, list[int]] = {}
    for row in report.rules:
        sums = merged.setdefault(row.code, [0, 0, 0])
        for at, n in enumerate((row.total, row.confirmed, row.refuted)):
            sums[at] += n
    for code, (found, good, bad) in sorted(merged.items(), key=lambda item: -item[1][0]):
        tell(f"    {_RULES.get(code, code)}：{found:,}，{good:,}，{bad:,}，{_rate(good, found)}")
    tell(
        f"  查全率 {_rate(recall.found, recall.planted)}（埋设 {recall.planted:,}，找到 {recall.found:,}，漏 {recall.missed:,}，多 {recall.strange:,}）；"
        f"查实率 {_rate(confirmed, total)}（{confirmed:,} / {total:,}）"
    )
    tell(
        f"  平衡：查实 {confirmed:,} ＋ 查否 {refuted:,} ＋ 未结 {left:,} ＝ {confirmed + refuted + left:,}，线索 {total:,}"
    )
    tell(f"  查实的 {confirmed:,} 条先停保、再处理，已整改到位 {stopped:,} 条")
    saved = read_truth(made.truth).filter(pl.col("clue") > 0, pl.col("tunable")).unique("clue").height
    if total == recall.planted:
        tell(
            f"  若先用更新的登记剔除已注销、已拆迁、已离职等情形再派发，可少查 {saved:,} 条（{_rate(saved, total)}），查实率升到 {_rate(confirmed, total - saved)}"
        )


def _hand_over(tell: Tell) -> None:
    clerk, second = user("shi-yj"), user("shi-ys")
    with clock.frozen(HANDED_OVER):
        with scope(clerk):
            row = HandOver.objects.filter(place_code=PLACE).order_by("pk").first() or handover_actions.request(
                acting_user=clerk, place=PLACE, receiver="中共荆门市纪律检查委员会", purpose="大数据比对源数据移交",
                basis="荆纪函〔2017〕12号", first=FIRST, last=LAST, format="csv",
            )  # fmt: skip
        if row.state == HandOver.State.WAITING:
            with scope(second):
                row = handover_actions.approve(row, acting_user=second)
        if row.state == HandOver.State.APPROVED:
            with scope(clerk):
                row = handover_actions.make(row, acting_user=clerk)
    tell(
        f"  {HANDED_OVER}  移交 {row.no} 给{row.receiver}：{row.rows:,} 行，{row.seconds or 0:.1f} 秒，"
        f"{clerk.name}申请、{second.name}审批，SHA-256 {row.sha256[:16]}…"
    )


def _third_party(tell: Tell) -> None:
    officer = user("duodao-xs")
    visitors = [user(f"lantian-{at}") for at in (1, 2, 3)]
    with system_scope(_COUNTY):
        contract = ThirdPartyContract.objects.filter(place_code=_COUNTY).first()
    if contract is None:
        with transaction.atomic():
            contract = _visited(officer, visitors)
    with system_scope(_COUNTY):
        told = third_party_report(contract)
    tell(
        f"  掇刀区第三方核查（{PROVIDER}，4 月 20 日至 6 月 2 日）：入户 {told.visits:,} 户次（农村 {told.rural:,}，城市 {told.urban:,}），"
        f"不符合条件 {told.not_eligible:,}，占 {float(told.hit_rate or 0) * 100:.2f} %"
    )


def _visited(officer: object, visitors: list[object]) -> ThirdPartyContract:
    first, last = date(2017, 4, 20), date(2017, 6, 2)
    with clock.frozen(first), scope(officer):  # type: ignore[arg-type]
        contract = thirdparty_actions.make_contract(
            acting_user=officer, place=_COUNTY, provider=Office.objects.get(name=PROVIDER), first_day=first, last_day=last,
            scope="全区城乡低保家庭入户核查", services=["入户核查", "政策宣传", "心理疏导"],
        )  # type: ignore[arg-type]  # fmt: skip
        month = Month.of(first).yyyymm
        for category, wanted in _VISITS.items():
            entries = RollEntry.objects.filter(
                programme="dibao", category=category, region__startswith=_COUNTY, start_month__lte=month
            ).order_by("pk")
            homes = [
                e.household for e in entries.select_related("household") if e.end_month is None or e.end_month >= month
            ]
            for turn in range(1, 9):
                part = homes[:wanted]
                if part:
                    wanted -= thirdparty_actions.assign(
                        contract,
                        acting_user=officer,
                        households=part,
                        round=turn,
                        visitors=visitors,  # type: ignore[arg-type]
                    )
    by_visitor = {v.pk: v for v in visitors}  # type: ignore[attr-defined]
    with system_scope(_COUNTY):
        tasks = list(
            ThirdPartyTask.objects.filter(contract=contract)
            .order_by("round", "region", "pk")
            .values_list("pk", "visitor_id")
        )
    step = len(tasks) / _NOT_ELIGIBLE
    bad = {int(at * step) for at in range(_NOT_ELIGIBLE)}
    end = datetime(2017, 6, 2, 16, 0, tzinfo=clock.BEIJING)
    lists: dict[int, list[Visit]] = {}
    for at, (task, visitor) in enumerate(tasks):
        when = datetime(2017, 4, 20, 9, 0, tzinfo=clock.BEIJING) + timedelta(minutes=20 * (at % 3100))
        why = "收入或财产不符合规定，建议复核" if at in bad else ""
        lists.setdefault(visitor, []).append(Visit(task, "not" if at in bad else "eligible", when, why, "户主"))
    for visitor, visits in lists.items():
        with clock.frozen(end):
            report_many(contract, visits, acting_user=by_visitor[visitor])
    return contract


def _arrival(made: Registers, sources: dict[str, object], tell: Tell) -> None:
    clerk = user("shi-bd")
    with system_scope(PLACE):
        done = SweepRun.objects.filter(trigger="arrival", state="done").order_by("pk").first()
    if done is None:
        with clock.frozen(ARRIVED):
            with scope(clerk):
                batch = import_register(
                    sources["vehicle"],
                    [made.arrival],
                    batch_no="vehicle-2017-2",
                    as_of=registers.ARRIVED,
                    acting_user=clerk,  # type: ignore[arg-type]
                )
                waiting = SweepRun.objects.filter(trigger="arrival").exclude(state__in=("done", "failed")).first()
                run = waiting or open_sweep(PLACE, acting_user=clerk, batches=[batch], trigger=SweepRun.Trigger.ARRIVAL)
            done = run_sweep(run)
            _first_steps(done)
    with system_scope(PLACE):
        clues = list(Clue.objects.filter(run=done).order_by("pk"))
        left = sum(clue.verdict == "" for clue in clues)
    tell(
        f"  {ARRIVED}  新到机动车登记（数据日 {registers.ARRIVED}）即时比对 {done.no}：{done.register_rows:,} 行，预警 {len(clues)} 条推送到县，未结 {left} 条留在工作台"
    )


def _first_steps(run: SweepRun) -> None:
    """One warning is assigned and begun, the others wait to be signed for."""
    officer = user("dongbao-hc")
    with scope(officer):
        clue = Clue.objects.filter(run=run, region__startswith="420802001").order_by("pk").first()
        if clue is not None and clue.state == "generated":
            helper = user(clue_officer(clue.region))
            clue_actions.assign(clue, responsible=helper, acting_user=officer)
