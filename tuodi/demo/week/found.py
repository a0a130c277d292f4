"""主动发现: the list at risk, the month's patrols, what was found on them, and what the township made of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from tuodi.decisions import relief
from tuodi.demo.staff import grid_worker
from tuodi.demo.week.cast import DESKS, Desk, acting, families_of, moment, of, paper, persons_of, settle
from tuodi.intake import at_risk_actions as risks
from tuodi.intake import discovery_actions as finds
from tuodi.intake.models import Discovery, PatrolTask
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.access import system_scope
from tuodi.people.models import Person

__all__ = ["at_risk", "discoveries", "patrols"]

_D = date
_CLASSES = ("living_alone", "severe_disability", "serious_illness", "jobless", "child_in_need")
_NOTES = ("子女在外，独居", "一级肢体残疾，家人照料", "肾病透析", "企业停产后没有收入", "父母外出，随祖母生活")


def at_risk() -> str:
    """Persons who are looked in on: of each counter some of the roll, and some of no roll."""
    count = 0
    for at, desk in enumerate(DESKS):
        with acting(desk.review, moment(_D(2017, 8, 1), 9, at)) as officer:
            for nth, (person, risk) in enumerate(_persons(desk, at)):
                risks.list_person(
                    acting_user=officer, person=person, risk_class=risk, source="2017 年 8 月入户排查",
                    note=of(_NOTES, at + nth), grid=f"第 {nth % 3 + 1} 网格",
                )  # fmt: skip
                count += 1
    return f"急难对象名单 {count} 人，分布在 {len(DESKS)} 个乡镇（街道）"


def _persons(desk: Desk, at: int) -> Sequence[tuple[Person, str]]:
    tekun = [(person, "dispersed_tekun") for _home, person in persons_of(desk)[2:4]]
    roll = [(home.head, of(_CLASSES, at + nth)) for nth, home in enumerate(families_of(desk, "one", 4, 4))]
    new = settle(desk, 401 + at, 1, moment(_D(2017, 7, 31), 10), area="rural")
    return [*tekun, *roll, (new.head, "living_alone")]


def patrols() -> str:
    """August's patrols and September's: done, nothing to report, not done in time, somebody gone."""
    done = planned = 0
    for month in (Month(2017, 8), Month(2017, 9)):
        with clock.frozen(moment(month.first_day, 0, 10)), system_scope("4208"):
            planned += finds.plan_patrols(acting_user=None, place="", month=month)
    for desk in DESKS:
        for month in (201708, 201709):
            tasks = _tasks(desk, month)
            share = len(tasks) - 2 if month == 201708 else len(tasks) // 2
            done += sum(_patrol(desk, task, at) for at, task in enumerate(tasks[:share]))
    return f"8、9 月巡查任务 {planned} 项，已巡查 {done} 项"


def _tasks(desk: Desk, month: int) -> list[PatrolTask]:
    with system_scope(desk.county):
        return list(PatrolTask.objects.filter(month=month, region__startswith=desk.town).order_by("person_id"))


def _patrol(desk: Desk, task: PatrolTask, at: int) -> bool:
    first = Month.parse(str(task.month)).first_day
    day = first + timedelta((3 + at * 4) % 27 if task.month == 201708 else 3 + at % 7)
    who = grid_worker(desk.village) if task.region == desk.village else desk.visit
    with acting(who, moment(day, 15, at * 7 % 60)) as officer:
        if task.month == 201709 and at == 2 and desk is DESKS[0]:
            finds.drop_patrol(task, acting_user=officer, reason="已接到女儿家居住，不在本地")
            return False
        finds.do_patrol(
            task, acting_user=officer, note=of(("精神尚可，粮油够用", "按时服药，室内整洁", "灶台漏烟，已告知村里修"), at),
            photo=paper(at + 20, width=240, height=180) if at % 3 == 0 else None,
            latitude="31.0" + str(350 + at), longitude="112.1" + str(990 + at),
        )  # fmt: skip
    return True


_FOUND: tuple[tuple[int, date, str, str, bool, str], ...] = (
    (0, _D(2017, 9, 11), "no_carer", "老伴去世后不会做饭，两天没有吃热饭", True, "open"),
    (0, _D(2017, 9, 8), "medical_cost", "检查出肿瘤，舍不得住院", False, "open"),
    (1, _D(2017, 9, 10), "sudden_illness", "中风卧床，没有人送医", True, "open"),
    (2, _D(2017, 9, 7), "disaster", "雨后土墙开裂，有倒塌危险", True, "relief"),
    (0, _D(2017, 9, 5), "long_hardship", "靠捡废品生活，没有申请过救助", False, "case"),
    (7, _D(2017, 9, 4), "jobless_uninsured", "夫妻双双失业，孩子上学", False, "case"),
    (3, _D(2017, 9, 6), "long_hardship", "独自带孙子，子女失联", False, "case"),
    (5, _D(2017, 9, 5), "other_hardship", "想要一辆轮椅", False, "no_need"),
    (8, _D(2017, 8, 29), "education_cost", "担心孩子学费，已有助学贷款", False, "no_need"),
    (6, _D(2017, 9, 9), "no_carer", "八十岁独居，眼睛看不见", False, "open"),
)


def discoveries() -> tuple[str, dict[str, Any]]:
    """What grid workers reported, on patrol or by chance, and what became of it."""
    kept = {"urgent": 0, "case": 0, "no_need": 0}
    for at, (number, day, event, story, urgent, answer) in enumerate(_FOUND):
        row = _report(DESKS[number], at, day, event, story, urgent)
        kept["urgent"] += urgent and answer == "open"
        if answer in kept:
            kept[answer] += 1
        _answer(DESKS[number], row, day, answer)
    return (
        f"主动发现 {len(_FOUND)} 件：急难待处理 {kept['urgent']}，代为申请 {kept['case']}，无需救助 {kept['no_need']}",
        {},
    )


def _report(desk: Desk, at: int, day: date, event: str, story: str, urgent: bool) -> Discovery:
    when = moment(day, 16, at * 5)
    home = settle(desk, 421 + at, 1 + at % 2, when, area="rural" if desk.town[6] == "1" else "urban")
    with acting(desk.visit, when) as officer:
        return finds.report_discovery(
            acting_user=officer, region=home.region, event_type=event, story=story, person=home.head, household=home,
            urgent=urgent, place_note=home.address, photo=paper(at + 40, width=320, height=240),
        )  # fmt: skip


def _answer(desk: Desk, row: Discovery, day: date, answer: str) -> None:
    then = moment(day + timedelta(1), 9, 30)
    with acting(desk.accept, then) as clerk:
        if answer == "case":
            finds.convert_discovery(row, acting_user=clerk, programme="dibao", reason=row.story)
        elif answer == "no_need":
            finds.dismiss_discovery(row, acting_user=clerk, reason="已有其他帮扶，本人表示不需要")
        elif answer == "relief":
            relief.respond(relief.take_discovery(row, acting_user=clerk), acting_user=clerk)
