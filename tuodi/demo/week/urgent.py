"""救急难: emergencies reported, answered, relieved first, their papers owed, late, made up, approved, withdrawn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from tuodi.decisions import actions as decisions
from tuodi.decisions import relief
from tuodi.decisions.models import Relief
from tuodi.demo.week.cast import DESKS, acting, families_of, moment, open_account, paper, settle, strokes
from tuodi.kernel import clock
from tuodi.org.access import system_scope

__all__ = ["alarms", "emergencies"]

_D = date


@dataclass(frozen=True)
class _Emergency:
    """One report.

    Attributes:
        number: Of the invented family; 0 = one of the roll.
        does: `reported`, `responded`, `relieved`, `completed`, `confirmed`, `withdrawn`, `closed`, `full`.
        after: Hours from the report to the relief.
    """

    desk: int
    number: int
    cause: str
    story: str
    day: date
    hour: int
    does: str
    yuan: int = 0
    after: int = 5


_EMERGENCIES = (
    _Emergency(0, 301, "fire", "厨房起火，被褥粮食烧毁，当晚无处住宿", _D(2017, 9, 11), 7, "reported"),
    _Emergency(5, 302, "traffic", "骑电动车被撞，对方逃逸，住院押金没有着落", _D(2017, 9, 9), 16, "reported"),
    _Emergency(0, 303, "sudden_illness", "突发脑出血，手术费缺口大", _D(2017, 9, 10), 20, "responded"),
    _Emergency(3, 304, "other_accident", "高处坠落，肋骨骨折", _D(2017, 9, 8), 11, "responded"),
    _Emergency(0, 305, "fire", "电线短路起火，房屋过火", _D(2017, 8, 24), 21, "relieved", 1500),
    _Emergency(2, 0, "disaster", "暴雨冲毁院墙，厨房倒塌", _D(2017, 8, 22), 6, "relieved", 1200),
    _Emergency(0, 306, "sudden_illness", "急性心梗抢救", _D(2017, 9, 6), 14, "relieved", 2000),
    _Emergency(7, 307, "traffic", "一家三口车祸，两人住院", _D(2017, 9, 5), 9, "relieved", 3000),
    _Emergency(1, 308, "fire", "出租屋火灾，衣物粮食尽毁", _D(2017, 9, 4), 5, "completed", 1000),
    _Emergency(6, 309, "disaster", "龙卷风掀掉屋顶", _D(2017, 8, 30), 17, "completed", 1800),
    _Emergency(0, 310, "other_accident", "煤气中毒，母子住院", _D(2017, 8, 28), 8, "confirmed", 1600),
    _Emergency(8, 311, "sudden_illness", "孩子急性白血病，转院治疗", _D(2017, 8, 25), 10, "confirmed", 5000),
    _Emergency(4, 312, "fire", "柴房失火，家禽烧死", _D(2017, 8, 29), 19, "withdrawn", 800),
    _Emergency(9, 313, "other_hardship", "钱包被偷，没有路费回家", _D(2017, 9, 1), 15, "closed"),
    _Emergency(0, 314, "sudden_illness", "肾衰竭透析，金额较大", _D(2017, 9, 4), 10, "full", 8000),
)


def emergencies() -> tuple[str, dict[str, Any]]:
    """Families in sudden need, each as far as its township has come."""
    kept = {}
    for at, one in enumerate(_EMERGENCIES):
        row = _emergency(one, at)
        kept[str(one.number)] = row.pk
    by = {does: sum(one.does == does for one in _EMERGENCIES) for does in ("relieved", "completed", "confirmed")}
    return (
        f"救急难 {len(_EMERGENCIES)} 件：已先行救助待补手续 {by['relieved']}，待审批 {by['completed']}，已审批、下月发放 {by['confirmed']}",
        {"reliefs": kept},
    )


def _emergency(one: _Emergency, at: int) -> Relief:
    desk = DESKS[one.desk]
    told = moment(one.day, one.hour, at * 9 % 60)
    known = families_of(desk, "many", 1) if not one.number else []
    home = known[0] if known else settle(desk, one.number or 320, 1 + at % 3, told)
    with acting(desk.accept, told) as clerk:
        row = relief.report_emergency(
            acting_user=clerk, household=home, cause=one.cause, story=one.story,
            source=(Relief.Source.COUNTER, Relief.Source.SPOT)[at % 2],
        )  # fmt: skip
    if one.does == "reported":
        return row
    if one.does == "closed":
        with acting(desk.accept, told + timedelta(hours=2)) as clerk:
            return relief.close_report(row, acting_user=clerk, reason="已联系救助管理站，购票返乡，不需要临时救助")
    with acting(desk.accept, told + timedelta(hours=1)) as clerk:
        row = relief.respond(row, acting_user=clerk)
    if one.does == "responded":
        return row
    with acting(desk.accept, told + timedelta(hours=one.after)) as clerk:
        if one.number:
            open_account(clerk, home.head, one.number)
        row = relief.relieve_first(
            row, acting_user=clerk, amount_fen=one.yuan * 100, agreed_by="分管副镇长", photo=paper(at + 3),
            place_note="现场", latitude="31.0354", longitude="112.1993",
        )  # fmt: skip
    later = told.date() + timedelta(3)
    if one.does in ("completed", "confirmed"):
        with acting(desk.accept, moment(later, 10)) as clerk:
            drawn = [
                {"role": "investigator", "user": clerk.pk, "name": clerk.name, "strokes": strokes(at)},
                {"role": "respondent", "name": home.head.name, "strokes": strokes(at + 7)},
            ]
            row = relief.complete_papers(
                row, acting_user=clerk, reason=f"{one.story}，情况紧急，经负责人同意先行救助", signatures=drawn
            )
    if one.does == "confirmed":
        with acting(f"{desk.tag}-qr", moment(later + timedelta(2), 11)) as officer:
            decisions.confirm(row.case, acting_user=officer, opinion="情况属实，同意", duplicates_seen=True)
    if one.does in ("withdrawn", "full"):
        with acting(desk.review, moment(later, 9)) as officer:
            if one.does == "full":
                relief.to_full_procedure(row, acting_user=officer, reason="金额较大，补做核对和入户")
            else:
                relief.withdraw_relief(row, acting_user=officer, reason="查明保险公司已全额赔付，未发放")
    return row


def alarms() -> str:
    """The night job: relief whose papers are overdue is marked."""
    with clock.frozen(moment(_D(2017, 9, 11), 0, 40)), system_scope("4208"):
        late = relief.alarm_overdue()
    return f"先行救助手续逾期报警 {late} 件"
