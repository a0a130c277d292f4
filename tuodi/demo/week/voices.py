"""What families say: ratings, complaints, appeals; and who looked at whose data. Each dealt with by somebody it is not about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from tuodi.cases.models import Case
from tuodi.decisions.models import Determination, Revocation
from tuodi.demo.family import HEAD
from tuodi.demo.week.casework import Application, travel, weekday
from tuodi.demo.week.cast import DESKS, PLACE, Desk, account_of, acting, key, moment, of, remembered, staff
from tuodi.kernel import clock
from tuodi.org.access import system_scope
from tuodi.oversight import appeal_actions as appeals
from tuodi.oversight import complaint_actions as complaints
from tuodi.oversight import rating_actions as ratings
from tuodi.oversight.models import Appeal, Complaint, Rating
from tuodi.people import actions as people
from tuodi.people.models import Person, ResidentAccount
from tuodi.policy.procedure import Does

__all__ = ["appeals_filed", "complaints_made", "rated", "residents"]

_D = date


def _case(number: int) -> Case | None:
    for scene in ("in_every_step", "refusals", "objections"):
        pk = (remembered(scene, "cases") or {}).get(str(number))
        if pk is not None:
            with system_scope(PLACE):
                return Case.objects.select_related("applicant", "household").get(pk=pk)
    return None


def _holder(number: int, day: date) -> tuple[Desk, Case, ResidentAccount] | None:
    case = _case(number)
    if case is None:
        return None
    desk = next(one for one in DESKS if case.region.startswith(one.town))
    return desk, case, account_of(desk, case.applicant, moment(day, 16, number % 60))


def residents() -> tuple[str, dict[str, Any]]:
    """The demo's family and some applicants sign in with a phone; an officer opened one's number, which the family sees."""
    with system_scope(DESKS[0].county):
        head = Person.objects.filter(name=HEAD, is_demo=True).order_by("pk").first()
    if head is not None:
        account_of(DESKS[0], head, moment(_D(2017, 8, 2), 10))
        with acting("dongbao-hd", moment(_D(2017, 9, 5), 15, 20)) as officer:
            people.reveal_id(acting_user=officer, person=head, reason="发放前核对证件号码和账户户名")
    made = [one for number in (14, 15, 18, 21, 24) if (one := _holder(number, _D(2017, 9, 4))) is not None]
    return f"居民账号：{HEAD}等 {len(made) + (head is not None)} 人登记了手机号", {}


#: Number of the case, what was rated, grade, words, how far a bad one has come.
_RATED: tuple[tuple[int, str, int, str, str], ...] = (
    (28, "accept", 5, "一次就办好了", ""), (28, "visit", 5, "上门很和气", ""), (28, "decision", 4, "", ""),
    (29, "accept", 4, "", ""), (29, "decision", 5, "每月能按时买药了", ""), (21, "accept", 3, "", ""), (21, "visit", 4, "", ""),
    (24, "accept", 5, "", ""), (24, "visit", 2, "来得太晚，等了两天", "verify"), (18, "accept", 1, "让我跑了三趟补材料", "mend"),
    (14, "accept", 2, "说话听不懂", "called"), (15, "accept", 4, "", ""), (27, "accept", 5, "", ""), (27, "visit", 5, "", ""),
    (27, "decision", 4, "", ""), (22, "accept", 1, "态度不好", ""), (30, "accept", 4, "", ""), (30, "visit", 5, "", ""), (30, "decision", 3, "", ""),
 (25, "accept", 2, "等号等了一上午", "unfounded"),
)  # fmt: skip


def rated() -> str:
    """Ratings of the steps that have happened; each bad one verified, mended, called back, or waiting for it."""
    made = [row for at, one in enumerate(_RATED) if (row := _rate(at, *one)) is not None]
    bad = sum(row.grade <= 2 for row in made)
    return f"好差评 {len(made)} 条，差评 {bad} 条在核实、整改、回访"


def _rate(at: int, number: int, stage: str, grade: int, text: str, ends: str) -> Rating | None:
    found = _holder(number, _D(2017, 9, 4))
    if found is None:
        return None
    desk, case, account = found
    with clock.frozen(moment(_D(2017, 9, 5), 19, at * 2)), system_scope(case.region):
        row = ratings.rate(
            account=account, region=case.region, matter_no=case.no, stage=stage, grade=grade, text=text, case=case,
            tags=of((["态度", "效率"], ["说得清楚"], ["少跑路", "公道"]), at),
        )  # fmt: skip
    if not ends:
        return row
    with acting(f"{desk.tag}-ts", moment(_D(2017, 9, 7), 10, at)) as officer:
        true = ends != "unfounded"
        said = "调阅排号和来访记录，情况属实" if true else "当日系统升级，窗口已说明，与经办人无关"
        row = ratings.verify(row, acting_user=officer, true=true, finding=said)
        if ends in ("mend", "called"):
            row = ratings.mend(row, acting_user=officer, what="已要求窗口一次性告知，补发材料清单")
        if ends == "called":
            row = ratings.call_back(row, acting_user=officer, note="电话回访，本人表示满意")
    return row


@dataclass(frozen=True)
class _Complaint:
    """One complaint; `number` 0 = a caller without an account. `does`: open, answered, content, not_content, escalated."""

    desk: int
    number: int
    about: str
    text: str
    day: date
    does: str
    channel: str = "online"
    answer: str = ""


_COMPLAINTS = (
    _Complaint(0, 18, "attitude", "8 月 30 日上午 3 号窗口让我跑了三趟", _D(2017, 8, 31), "content", answer="经查属实，已批评教育经办人并当面道歉，今后一次性告知。"),
    _Complaint(0, 4, "delay", "受理半个月了，没有人上门调查", _D(2017, 9, 7), "open"),
    _Complaint(0, 0, "favour", "某村干部的亲戚开着车还吃低保", _D(2017, 9, 4), "open", "phone"),
    _Complaint(0, 0, "report", "举报南门社区一户长期在外经商", _D(2017, 8, 8), "overdue", "letter"),
    _Complaint(0, 15, "other", "公示栏太高，老人看不见", _D(2017, 9, 6), "answered", answer="已把公示栏调低，并在社区服务站另张贴一份。"),
    _Complaint(1, 22, "attitude", "大厅工作人员让我自己上网查", _D(2017, 9, 1), "not_content", answer="已核实，工作人员当时在接待其他群众，已作解释。"),
    _Complaint(1, 0, "money", "听说办低保要交材料费", _D(2017, 9, 8), "open", "window"),
    _Complaint(5, 0, "not_taken", "窗口说系统坏了，不收材料", _D(2017, 9, 5), "open", "phone"),
    _Complaint(7, 25, "delay", "公示结束一周了还没有结果", _D(2017, 9, 8), "open"),
    _Complaint(7, 0, "favour", "评议会没有通知全部代表", _D(2017, 8, 28), "escalated", "phone"),
    _Complaint(6, 0, "data", "家里情况被人在群里说", _D(2017, 9, 6), "open", "letter"),
)  # fmt: skip


def complaints_made() -> str:
    """Complaints from phones, calls, letters; answered, contented with or not, gone up a level, overdue."""
    for at, one in enumerate(_COMPLAINTS):
        _complain(one, at)
    with clock.frozen(moment(_D(2017, 9, 11), 0, 50)), system_scope(PLACE):
        up = complaints.escalate_overdue()
    return f"投诉举报 {len(_COMPLAINTS)} 件，逾期自动上转 {up} 件"


def _complain(one: _Complaint, at: int) -> Complaint:
    desk, when = DESKS[one.desk], moment(one.day, 20 if one.number else 10, at)
    found = _holder(one.number, one.day) if one.number else None
    about = {"about": one.about, "text": one.text, "client_key": key(f"complaint/{at}")}
    office = staff(desk.accept).office
    if found is not None:
        with clock.frozen(when), system_scope(found[1].region):
            row = complaints.complain(
                region=found[1].region, account=found[2], office=office, case_no=found[1].no, from_name=found[2].person.name,
                **about,
            )  # fmt: skip
    else:
        with acting(desk.accept if at % 2 else f"{desk.tag}-ts", when) as clerk:
            row = complaints.complain(
                region=desk.village, acting_user=clerk, channel=one.channel if one.channel != "online" else "window",
                office=office, **about,
            )  # fmt: skip
    with acting(f"{desk.tag}-ts", moment(one.day + timedelta(4), 9, at)) as officer:
        if one.does in ("answered", "content", "not_content"):
            row = complaints.answer(row, acting_user=officer, text=one.answer)
        if one.does == "escalated":
            row = complaints.escalate(row, acting_user=officer, reason="涉及村委会换届，请市里一并核查")
    if one.does in ("content", "not_content") and found is not None:
        with clock.frozen(moment(one.day + timedelta(6), 19, at)), system_scope(found[1].region):
            row = complaints.reply(row, account=found[2], content=one.does == "content", text="")
    return row


#: Number of the refused case, day, claim, grounds, how far.
_APPEALS: tuple[tuple[int, date, str, str], ...] = (
    (41, _D(2017, 8, 14), "申报期内已被辞退，收入按全年算错了，有解除合同证明", "won"),
    (42, _D(2017, 8, 25), "儿子已分家多年，收入不应算进来", "accepted"),
    (43, _D(2017, 9, 8), "医药费没有扣除", "filed"),
    (44, _D(2017, 9, 4), "亲戚的资助不是固定收入", "upheld"),
)


def appeals_filed() -> tuple[str, dict[str, Any]]:
    """Appeals of refused families: one won, which has its case done again; one running, one waiting, one lost."""
    states = []
    for at, (number, day, grounds, ends) in enumerate(_APPEALS):
        row = _appeal(at, number, day, grounds, ends)
        if row is not None:
            states.append(row.state)
    return f"行政复议（申诉）{len(states)} 件：一件撤销原决定、责令重新作出，案件已重新办理", {}


def _appeal(at: int, number: int, day: date, grounds: str, ends: str) -> Appeal | None:
    found = _holder(number, day)
    if found is None:
        return None
    desk, case, account = found
    with system_scope(PLACE):
        decided = Determination.objects.select_related("household", "case", "decided_by").filter(case=case).latest("pk")
    with clock.frozen(moment(day, 20, at)), system_scope(case.region):
        row = appeals.file_appeal(
            decided, account=account, client_key=key(f"appeal/{number}"), claim="撤销不予批准的决定，重新认定", grounds=grounds,
            known_on=max(decided.decided_on, day - timedelta(3)),
        )  # fmt: skip
    if ends == "filed":
        return row
    above = f"{desk.tag}-ts" if desk.county == "420804" else "shi-fy"
    with acting(above, moment(weekday(day + timedelta(2)), 10, at)) as officer:
        row = appeals.accept(row, acting_user=officer)
    if ends == "accepted":
        return row
    with acting(above, moment(weekday(day + timedelta(5)), 10, at)) as officer:
        row = appeals.decide(
            row, acting_user=officer, outcome="revoked" if ends == "won" else "upheld",
            reasons="申请人在申报期内已失业，原决定按上年全年工资计算，事实不清。撤销原决定，从入户调查起重新办理。"
            if ends == "won" else "每月资助有转账记录，原决定认定事实清楚、依据正确，予以维持。",
            since=Does.VISIT,
        )  # fmt: skip
    if ends == "won":
        with system_scope(PLACE):
            again = (
                Revocation.objects.select_related("case__household", "case__applicant").get(determination=decided).case
            )
        if again is not None:
            travel(again, Application(DESKS.index(desk), number, 2, day + timedelta(6), "notice_approval+", 3600))
    return row
