"""一门受理: who came to the counters or was called about, what the rules said, what became of it; and the calls to 12349."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from tuodi.decisions.assessment import assess
from tuodi.demo.week.cast import DESKS, Desk, acting, families_of, fresh, moment, of, settle, staff
from tuodi.intake import need_actions as needs
from tuodi.intake import ticket_actions as tickets
from tuodi.intake.models import Need, Ticket
from tuodi.people.models import Household

__all__ = ["calls", "roster", "visitors"]

LINE = "12349"
PAPERS = ("居民身份证", "居民户口簿", "家庭经济状况核对授权书")


@dataclass(frozen=True)
class _Visitor:
    """One visit: at which counter, when, what for, and what the officer did with it.

    Attributes:
        number: Of the invented family; 0 = the first free family of the roll there.
        does: `look` nothing yet; `assess` the rules asked; `split` accepted as `into`; `refer` handed to a department;
            `answered` and answered; `closed` ended; `handed` given to the stand-in.
    """

    desk: int
    day: date
    kinds: tuple[str, ...]
    text: str
    does: str
    number: int = 0
    size: int = 1
    income: str = ""
    into: tuple[str, ...] = ()
    refer: str = ""
    missing: bool = False


_D = date
_VISITORS = (
    _Visitor(0, _D(2017, 9, 11), ("living", "medical"), "丈夫住院，家里没有收入来源", "look", 101, 3),
    _Visitor(0, _D(2017, 9, 8), ("living",), "打零工，近三个月没有活", "assess", 102, 2, "5400.00"),
    _Visitor(0, _D(2017, 9, 7), ("sudden", "living"), "摔伤住院，垫付了押金", "split", 103, 2, "3600.00", ("dibao", "temporary"), missing=True),
    _Visitor(0, _D(2017, 9, 4), ("medical",), "透析费用自付部分负担重", "refer", 104, 2, "9600.00", refer="medical"),
    _Visitor(0, _D(2017, 8, 14), ("school",), "孩子上高中，学费没有着落", "refer", 105, 3, "10800.00", refer="education"),
    _Visitor(0, _D(2017, 8, 16), ("work",), "想找份保洁的活", "closed", 106, 1, "12000.00", refer="employment"),
    _Visitor(0, _D(2017, 9, 5), ("housing",), "租的房子漏雨，想申请公租房", "handed", 107, 2, refer="housing"),
    _Visitor(1, _D(2017, 9, 11), ("other",), "问低保和残疾补贴能不能一起拿", "look", 108, 1),
    _Visitor(1, _D(2017, 9, 6), ("living", "school"), "单亲带两个孩子", "split", 109, 3, "4800.00", ("dibao",)),
    _Visitor(1, _D(2017, 8, 29), ("legal",), "被拖欠工资，想打官司", "answered", 110, 2, refer="legal_aid"),
    _Visitor(2, _D(2017, 9, 7), ("medical", "living"), "住院自付两万多元", "assess", 0, 1),
    _Visitor(3, _D(2017, 9, 4), ("living",), "年纪大了，干不动了", "split", 111, 1, "1200.00", ("dibao",)),
    _Visitor(4, _D(2017, 9, 8), ("housing", "living"), "土坯房墙体开裂", "refer", 112, 2, "6000.00", refer="housing"),
    _Visitor(5, _D(2017, 9, 6), ("births", "medical"), "独生子女伤残家庭，来问有什么帮扶", "refer", 113, 2, refer="family_planning"),
    _Visitor(6, _D(2017, 9, 5), ("sudden",), "拖拉机侧翻，肋骨骨折", "split", 114, 2, "7200.00", ("temporary",)),
    _Visitor(7, _D(2017, 9, 11), ("living",), "儿子外出后没有音信", "look", 115, 1),
    _Visitor(8, _D(2017, 8, 30), ("school",), "大学新生路费", "answered", 116, 3, "9000.00", refer="education"),
    _Visitor(9, _D(2017, 9, 7), ("living",), "离异后独自生活", "assess", 117, 1, "2400.00"),
)  # fmt: skip
_LABELS = {
    "medical": "医疗救助", "education": "教育救助", "employment": "就业救助", "housing": "住房救助", "legal_aid": "法律援助",
    "family_planning": "计划生育家庭扶助",
}  # fmt: skip


def visitors() -> str:
    """Families at the counters, each as far as its officer has come."""
    done = [_visit(one, at) for at, one in enumerate(_VISITORS)]
    closed = sum(need.state == Need.State.CLOSED for need in done)
    return f"一门受理：{len({one.desk for one in _VISITORS})} 个窗口登记来访 {len(done)} 件，办结 {closed} 件"


def _visit(one: _Visitor, at: int) -> Need:
    desk = DESKS[one.desk]
    when = moment(one.day, 8 + at % 8, at * 7 % 60)
    home = _home(desk, one, when)
    with acting(desk.accept, when) as clerk:
        second = staff(desk.second) if desk.second else None
        need = needs.open_need(
            acting_user=clerk, household=home, kinds=one.kinds, text=one.text, officer_b=second,
            channel="window" if at % 5 else "phone", place="便民服务中心 3 号窗口",
        )  # fmt: skip
        if one.does == "look":
            return need
        entered: dict[str, Any] = {"household": {"income_year": one.income, "assets_ok": True} if one.income else {}}
        found = assess(home, entered)
        needs.note_assessment(
            need, acting_user=clerk, entered=entered,
            results=[(answer.programme, answer.outcome, answer.fingerprint) for answer in found.answers],
        )  # fmt: skip
        if one.into:
            papers = {name: not (one.missing and name == PAPERS[1]) for name in PAPERS}
            split = needs.split_need(
                need, acting_user=clerk, programmes=one.into, materials=dict.fromkeys(one.into, papers)
            )
            refused = [part.reason for part in split if part.application is None]
            if refused:
                raise RuntimeError(f"演示的受理被拒绝：{refused[0]}")
            needs.tell(need, acting_user=clerk, text="已受理，核对结束后入户，请留意电话", how="face")
        if one.refer:
            needs.refer(need, acting_user=clerk, programme=one.refer, label=_LABELS[one.refer], reason=one.text)
    _follow(one, need, desk)
    return fresh(need)


def _home(desk: Desk, one: _Visitor, when: Any) -> Household:
    if one.number:
        return settle(desk, one.number, one.size, when, area="rural" if desk.town[6] == "1" else "urban")
    known = families_of(desk, "many", 0)
    return known[0] if known else settle(desk, 130 + one.desk, 2, when)


def _follow(one: _Visitor, need: Need, desk: Desk) -> None:
    if one.does in ("answered", "closed"):
        with acting(desk.accept, one.day + timedelta(8)) as clerk:
            referral = need.referrals.get()
            granted = one.does == "closed"
            needs.answer_referral(
                referral, acting_user=clerk, outcome="granted" if granted else "refused",
                answer="已介绍到物业公司上班，月工资 1,500 元" if granted else "不在本年度资助范围，可以申请慈善助学",
            )  # fmt: skip
            needs.tell(need, acting_user=clerk, text="已把部门的答复告诉本人", how="phone")
            if granted:
                needs.close_need(need, acting_user=clerk, outcome="经转介已就业，不再申请救助", how="phone")
    if one.does == "handed":
        with acting(desk.accept, one.day + timedelta(2)) as clerk:
            needs.hand_over(need, acting_user=clerk, to_user=staff(desk.second), reason="外出学习一周")


@dataclass(frozen=True)
class _Call:
    desk: int
    day: date
    topic: str
    text: str
    state: str  # open, assigned, closed
    urgent: bool = False
    caller: str = ""


_CALLS = (
    _Call(0, _D(2017, 9, 11), "help", "邻居老人两天没有开门，请上门看看", "open", True, "尹女士"),
    _Call(0, _D(2017, 9, 11), "progress", "问低保申请到哪一步了", "open", caller="晏先生"),
    _Call(0, _D(2017, 9, 8), "advice", "外地户口能不能在这里申请临时救助", "assigned", caller="佘先生"),
    _Call(0, _D(2017, 9, 6), "help", "被烧伤住院，医药费不够", "assigned", True, "简女士"),
    _Call(0, _D(2017, 9, 4), "complaint", "反映窗口让跑了三趟", "closed", caller="匿名"),
    _Call(0, _D(2017, 8, 30), "advice", "问残疾人单独申请低保的条件", "closed", caller="池女士"),
    _Call(1, _D(2017, 9, 11), "advice", "孩子上大学，问助学的办法", "open", caller="冷先生"),
    _Call(1, _D(2017, 9, 7), "help", "失业半年，付不起房租", "assigned", caller="连女士"),
    _Call(1, _D(2017, 9, 5), "progress", "低保金这个月没有到账", "closed", caller="车先生"),
    _Call(2, _D(2017, 9, 8), "help", "村里一户老人独居，房子漏雨", "open", caller="符支书"),
    _Call(2, _D(2017, 8, 29), "other", "问民政办的上班时间", "closed"),
    _Call(3, _D(2017, 9, 7), "help", "车祸后不能干活", "assigned", caller="闵先生"),
    _Call(4, _D(2017, 9, 6), "advice", "问五保和低保哪个高", "closed", caller="路先生"),
    _Call(5, _D(2017, 9, 11), "help", "家里失火，晚上没有地方住", "open", True, "练女士"),
    _Call(6, _D(2017, 9, 8), "complaint", "反映邻居有车还吃低保", "assigned", caller="匿名"),
    _Call(7, _D(2017, 9, 5), "progress", "临时救助批了没有", "closed", caller="初女士"),
    _Call(8, _D(2017, 9, 7), "help", "母亲瘫痪，没有人照顾", "assigned", caller="阴女士"),
    _Call(9, _D(2017, 9, 8), "advice", "搬到市里住，低保怎么转", "open", caller="桂先生"),
)  # fmt: skip


def calls() -> str:
    """Calls to the line: waiting, given to somebody, called back; some tied to the visit they led to."""
    made = [_call(one, at) for at, one in enumerate(_CALLS)]
    by = {state: sum(row.state == state for row in made) for state in ("open", "assigned", "closed")}
    return f"{LINE} 工单 {len(made)} 张：待派 {by['open']}，已派 {by['assigned']}，已办结 {by['closed']}"


def _call(one: _Call, at: int) -> Ticket:
    desk = DESKS[one.desk]
    when = moment(one.day, 8 + at % 9, at * 11 % 60)
    with acting(desk.accept, when) as clerk:
        row = tickets.take_ticket(
            acting_user=clerk, line=LINE, area=desk.village, topic=one.topic, text=one.text, caller_name=one.caller,
            caller_phone=f"1370000{at:04d}" if one.caller else "", urgent=one.urgent, called_at=when,
        )  # fmt: skip
        if one.state == "open":
            return row
        row = tickets.assign_ticket(
            row, acting_user=clerk, to_user=staff(desk.second) if desk.second and at % 2 else clerk
        )
        if one.topic == "help":
            need = Need.objects.filter(region__startswith=desk.town).order_by("id").first()
            if need is not None:
                tickets.link_ticket(row, acting_user=clerk, need=need)
    if one.state == "closed":
        with acting(desk.accept, when + timedelta(days=1)) as clerk:
            said = of(("已当面解释政策，来电人满意", "已补发，来电人确认收到", "已核实并向来电人道歉"), at)
            row = tickets.call_back(row, acting_user=clerk, result=said)
    return row


def roster() -> str:
    """Who answers the line in the family's street, two weeks."""
    desk = DESKS[0]
    first = _D(2017, 9, 4)
    with acting(desk.accept, first) as clerk:
        pair = (clerk, staff(desk.second))
        days = [first + timedelta(at) for at in range(14) if at % 7 < 5]
        for at, day in enumerate(days):
            tickets.set_turn(acting_user=clerk, place=desk.town, line=LINE, day=day, user=of(pair, at))
    return f"{LINE} 值班表排到 {days[-1]}"
