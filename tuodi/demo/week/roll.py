"""动态管理: re-reviews, reported changes, jobs refused, deaths, classes, notices. On families of the roll, each decided by two."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from tuodi.decisions import notices
from tuodi.decisions.models import RollNotice
from tuodi.demo.week.cast import DESKS, PLACE, TODAY, Desk, account_of, acting, families_of, moment, of, staff
from tuodi.kernel import clock
from tuodi.kernel.identity import make_id
from tuodi.kernel.luhn import luhn_digit
from tuodi.kernel.money import format_yuan
from tuodi.monitoring import change_reports, deaths, job_offers, layers, periodic, review_lists
from tuodi.monitoring.change_reports import Newcomer
from tuodi.monitoring.models import ChangeReport, HouseholdClass, JobOffer, PeriodicReview, RefusalProposal, ReviewPlan
from tuodi.org.access import subject_scope, system_scope
from tuodi.people.models import Household, Person
from tuodi.people.queries import members_on
from tuodi.people.residents import subject_of

__all__ = ["changes", "classes", "deaths_told", "delivered", "jobs", "reviews"]

_D = date
#: Counters whose towns keep plans of re-review.
_REVIEWED = (0, 1, 2, 7)
_KEEP = ("入户核实，收入、人口与登记一致", "村里反映情况没有变化，票据齐全", "电话和入户各一次，情况属实")


def reviews() -> str:
    """Plans and tasks of some villages of four towns; given out, looked into, sent back, confirmed; families that get more, less, nothing."""
    with clock.frozen(moment(_D(2017, 9, 1), 0, 30)):
        made, due = _planned()
    done = sum(_reviewed(DESKS[at], nth) for nth, at in enumerate(_REVIEWED))
    with clock.frozen(moment(TODAY, 0, 30)):  # the night's job: families granted since, looked at again in a month
        more, later = _planned()
    made, due = made + more, due + later
    return f"定期核查：{len(_REVIEWED)} 个乡镇（街道）{made:,} 户有计划，到期 {due} 户，已办结 {done} 户"


def _planned() -> tuple[int, int]:
    made = due = 0
    for at in _REVIEWED:
        for village in DESKS[at].villages:
            with system_scope(village):
                made += review_lists.plan_units()[0]
                due += review_lists.open_due(village)
    return made, due


def _reviewed(desk: Desk, nth: int) -> int:
    with system_scope(desk.county):
        rows = list(
            PeriodicReview.objects.filter(region__startswith=desk.town, programme="dibao", state="due")
            .filter(household__facts__income_year_fen__gt=0).select_related("household").order_by("due_on", "household__no")
            .distinct()[: 24 if nth == 0 else 10]
        )  # fmt: skip
    give = [row.pk for row in rows[: len(rows) * 3 // 4]]
    with acting(desk.review, _D(2017, 9, 1)) as officer:
        periodic.assign_many(give[::2], to=officer, acting_user=officer)
        periodic.assign_many(give[1::2], to=staff(desk.visit), acting_user=officer)
        for row in rows[2:4]:
            periodic.plan_review_visit(row, assigned=[officer, staff(desk.visit)], acting_user=officer)
    seen = rows[4 : len(give)]
    for at, row in enumerate(seen):
        who = desk.review if give.index(row.pk) % 2 == 0 else desk.visit
        with acting(who, moment(_D(2017, 9, 4 + at % 5), 10, at)) as officer:
            facts = _found(row.household, at)
            said = "收入有变化，见流水" if facts else of(_KEEP, at)
            periodic.record_finding(row, found=said, facts=facts, acting_user=officer)
    return _confirmed(desk, seen)


def _found(home: Household, at: int) -> dict[str, Any] | None:
    """What is new: every third family earns less or more than it did, one of them far more."""
    if at % 3:
        return None
    factor = (70, 140, 400)[at // 3 % 3]
    with system_scope(PLACE):
        known = home.facts.filter(income_year_fen__gt=0).order_by("-valid_from").first()
    income = (known.income_year_fen if known else 240_000) * factor // 100
    return {"income_year": format_yuan(income // 100 * 100, sep=False), "assets_ok": True}


def _confirmed(desk: Desk, seen: list[PeriodicReview]) -> int:
    changed = [row for at, row in enumerate(seen) if at % 3 == 0]
    same = [row for at, row in enumerate(seen) if at % 3]
    with acting(desk.confirm, moment(_D(2017, 9, 11), 9, 20)) as officer:
        for row in changed[:3]:
            periodic.close_review(row, reasons="流水和入户情况相符，重新核算", acting_user=officer)
        lines = periodic.close_many(
            [row.pk for row in same[:-1]], reasons="情况没有变化，继续保障", acting_user=officer
        )
        if same:
            periodic.return_review(same[-1], reason="没有写明核实的方式，请补充", acting_user=officer)
    if desk is DESKS[0]:
        with system_scope(desk.county):
            plan = ReviewPlan.objects.filter(region__startswith=desk.town, grade="B").order_by("household__no").first()
        with acting(desk.review, _D(2017, 9, 5)) as officer:
            if plan is not None:
                periodic.set_grade(plan, grade="C", reason="户主已能务工，收入不固定", acting_user=officer)
    return len(changed[:3]) + sum(not line.why for line in lines)


@dataclass(frozen=True)
class _Change:
    """One report; `does`: told, checked, decided, closed, withdrawn."""

    desk: int
    at: int
    kind: str
    happened: date
    text: str
    does: str
    factor: int = 0
    source: str = "counter"
    pool: str = "many"


_CHANGES = (
    _Change(0, 3, "income", _D(2017, 9, 1), "儿子到超市上班，每月工资 1,600 元", "told", 160),
    _Change(0, 4, "income", _D(2017, 5, 10), "去年底起在物业做保洁，一直没有报告", "checked", 150),
    _Change(0, 5, "income", _D(2017, 8, 21), "临时工到期，没有新活", "decided", 60),
    _Change(0, 6, "born", _D(2017, 8, 16), "添一子", "decided"),
    _Change(0, 7, "address", _D(2017, 9, 2), "搬到同社区亲戚家住", "closed"),
    _Change(0, 1, "account", _D(2017, 9, 5), "银行卡丢失换卡", "closed", pool="one"),
    _Change(0, 2, "other", _D(2017, 9, 7), "换了手机号", "withdrawn", pool="one"),
    _Change(1, 3, "income", _D(2017, 8, 28), "女儿就业，家庭收入增加", "decided", 420),
    _Change(1, 4, "left", _D(2017, 9, 3), "女儿出嫁，户口已迁出", "checked"),
    _Change(2, 3, "income", _D(2017, 9, 4), "土地流转，每年多收 1,200 元", "told", 120, "village"),
    _Change(3, 3, "assets", _D(2017, 9, 1), "买了一辆二手面包车", "told", source="found"),
    _Change(5, 3, "income", _D(2017, 8, 30), "停了一份零工", "checked", 50),
    _Change(6, 3, "joined", _D(2017, 9, 6), "母亲从外县接来同住", "told"),
    _Change(7, 3, "income", _D(2017, 8, 25), "到砖厂打工，收入增加", "decided", 150),
    _Change(8, 3, "income", _D(2017, 9, 5), "养鸡亏本", "told", 40, "village"),
)  # fmt: skip


def changes() -> str:
    """Changes families, villages and officers told of: in time and late, decided and not."""
    made = [row for row in (_change(one, at) for at, one in enumerate(_CHANGES)) if row is not None]
    _from_phone()
    late = sum(row.late for row in made)
    return f"家庭情况变化报告 {len(made) + 1} 件（超过报告期限 {late} 件，一件由居民手机申报）"


def _change(one: _Change, at: int) -> ChangeReport | None:
    desk = DESKS[one.desk]
    found = families_of(desk, one.pool, one.at)
    if not found:
        return None
    home, told = found[0], moment(max(one.happened, _D(2017, 8, 28)) + timedelta(1), 9, at)
    with acting(desk.accept, told) as clerk:
        members = members_on(home, told.date())
        person = members[-1].person if one.kind == "left" else None
        row = change_reports.report_change(
            home, kind=one.kind, happened_on=one.happened, text=one.text, acting_user=clerk, source=one.source,
            person=person, income_year_fen=_income(home, one.factor) if one.kind == "income" else None,
        )  # fmt: skip
        if row.late:
            change_reports.admonish(row, acting_user=clerk)
    if one.does in ("closed", "withdrawn"):
        with acting(desk.review, told + timedelta(days=1)) as officer:
            if one.does == "withdrawn":
                return change_reports.withdraw_report(row, answer="登记错了人，已另登记", acting_user=officer)
            card = f"62170020{at:010d}"
            return change_reports.close_without_effect(
                row, answer="已更正登记", acting_user=officer, address="5 组 12 号" if one.kind == "address" else "",
                account=(card + str(luhn_digit(card)), home.head.name, "建设银行") if one.kind == "account" else None,
            )  # fmt: skip
    if one.does == "told":
        return row
    with acting(desk.review, told + timedelta(days=2)) as officer:
        baby = Newcomer(f"{home.head.name[:1]}小宝", "child", make_id("420899", one.happened, 401 + at))
        row = change_reports.check_report(
            row, checked="已入户并看过流水（证件）", acting_user=officer, facts={"assets_ok": True},
            newcomer=baby if one.kind == "born" else None,
        )  # fmt: skip
    if one.does == "decided":
        with acting(desk.confirm, told + timedelta(days=4)) as officer:
            change_reports.decide_report(row, reasons="情况属实，按规定重新核算", acting_user=officer)
    return row


def _income(home: Household, factor: int) -> int:
    known = home.facts.filter(income_year_fen__gt=0).order_by("-valid_from").first()
    return (known.income_year_fen if known else 240_000) * factor // 100 // 100 * 100


def _from_phone() -> None:
    found = families_of(DESKS[0], "many", 8)
    if not found:
        return
    account = account_of(DESKS[0], found[0].head, moment(_D(2017, 8, 29)))
    with clock.frozen(moment(_D(2017, 9, 10), 20, 40)), subject_scope(subject_of(account)):
        change_reports.report_change(
            found[0], kind="income", happened_on=_D(2017, 9, 1), text="我在小区门口摆摊，每月多挣四百元左右", acting_user=None,
            income_year_fen=1_080_000,
        )  # fmt: skip


def jobs() -> str:
    """Jobs offered: waiting, taken, refused for good reasons and bad; one share proposed to be cut, one cut."""
    offers = 0
    for at, (number, slot, days, ends) in enumerate(
        (
            (0, 9, (28,), "open"), (1, 5, (29,), "accepted"), (2, 4, (30,), "unjudged"), (5, 4, (22,), "good"),
            (0, 10, (7, 15, 23), "proposed"), (7, 4, (8, 16, 24), "confirmed"), (8, 4, (21, 29), "bad"),
        )
    ):  # fmt: skip
        desk = DESKS[number]
        found = families_of(desk, "many", slot)
        if found:
            offers += _offers(desk, found[0], days, ends, at)
    with system_scope(PLACE):
        proposed = RefusalProposal.objects.count()
    return f"介绍工作 {offers} 次；连续三次无正当理由拒绝、拟减发 {proposed} 人"


def _offers(desk: Desk, home: Household, days: tuple[int, ...], ends: str, at: int) -> int:
    row: JobOffer | None = None
    for nth, number in enumerate(days):
        day = _D(2017, 8, number)
        with acting(desk.review, moment(day, 11)) as officer:
            person: Person = home.head
            row = job_offers.record_offer(
                home, person, office="人力资源和社会保障所", offered_on=day, job=of(("保洁员", "门卫", "超市理货"), at + nth),
                suitable="身体健康，有劳动能力，离家近", acting_user=officer,
            )  # fmt: skip
        if ends == "open":
            continue
        with acting(desk.review, moment(day + timedelta(3), 16)) as officer:
            taken = ends == "accepted"
            job_offers.answer_offer(
                row, accepted=taken, on=day + timedelta(3), said="" if taken else of(("嫌累", "工资低", "要照顾孙子"), nth),
                acting_user=officer,
            )  # fmt: skip
            if ends not in ("accepted", "unjudged"):
                job_offers.judge_refusal(row, good=ends == "good", acting_user=officer)
    if ends == "confirmed" and row is not None:
        with system_scope(PLACE):
            proposal = (
                RefusalProposal.objects.select_related("household", "fact_set", "offer").filter(offer=row).first()
            )
        if proposal is not None:
            with acting(desk.confirm, moment(_D(2017, 9, 4))) as officer:
                job_offers.confirm_refusal(proposal, reasons="经核实无正当理由", acting_user=officer)
    return len(days)


_DEATHS = (
    # desk, pool, slot, died, told, source, how far
    (0, "many", 11, _D(2017, 8, 28), _D(2017, 9, 4), "family", "open"),
    (0, "one", 3, _D(2017, 8, 30), _D(2017, 9, 6), "village", "settled"),
    (1, "many", 6, _D(2017, 5, 20), _D(2017, 9, 1), "register", "open"),
    (2, "many", 5, _D(2017, 5, 26), _D(2017, 8, 29), "register", "settled"),
    (3, "many", 4, _D(2017, 8, 11), _D(2017, 8, 30), "village", "proposed"),
    (5, "many", 5, _D(2017, 8, 19), _D(2017, 8, 28), "family", "settled"),
    (6, "one", 1, _D(2017, 6, 2), _D(2017, 8, 31), "village", "open"),
    (7, "many", 5, _D(2017, 7, 30), _D(2017, 8, 28), "family", "proposed"),
    (9, "one", 2, _D(2017, 9, 2), _D(2017, 9, 7), "village", "open"),
)


def deaths_told() -> str:
    """Deaths told in time and late; some settled, with what was paid too much."""
    made = [row for at, one in enumerate(_DEATHS) for row in _death(at, *one)]
    late = sum(row.due_on < _D(2017, 9, 11) for row in made)
    return f"死亡减员 {len(made)} 件，其中超过办理期限 {late} 件"


def _death(at: int, number: int, pool: str, slot: int, died: date, told: date, source: str, ends: str) -> list[Any]:
    desk = DESKS[number]
    found = families_of(desk, pool, slot)
    if not found:
        return []
    with acting(desk.review, moment(told, 9, at)) as officer:
        members = members_on(found[0], died)
        oldest = min(members, key=lambda one: (one.person.birth or died, one.pk))
        made = deaths.record_death(oldest.person, died_on=died, source=source, acting_user=officer)
    for row in made:
        if ends == "open":
            continue
        with acting(desk.review, moment(told + timedelta(2), 9, at)) as officer:
            deaths.propose(row, acting_user=officer, facts={"assets_ok": True})
        if ends == "settled":
            with acting(desk.confirm, moment(told + timedelta(5), 9, at)) as officer:
                deaths.settle(row, reasons="户籍已注销，其余成员重新核算", acting_user=officer)
    return made


def classes() -> str:
    """五类三层: what the roll says of every household, confirmed in four towns; of one an officer says another."""
    with clock.frozen(moment(_D(2017, 9, 1), 1)), system_scope(PLACE):
        proposed, _ended = layers.propose_all()
    confirmed = 0
    for at in _REVIEWED:
        desk = DESKS[at]
        with acting(desk.confirm if at != 1 else "duodao-qr", moment(_D(2017, 9, 8), 10, at)) as officer:
            rows = HouseholdClass.objects.filter(region__startswith=desk.town, state="proposed").order_by("id")
            lines = layers.confirm_many(rows.values_list("pk", flat=True), acting_user=officer)
            confirmed += sum(not line.why for line in lines)
    found = families_of(DESKS[0], "one", 5)
    if found:
        with acting("dongbao-qr", moment(_D(2017, 9, 11), 10)) as officer:
            layers.set_class(found[0], kind="expense", reason="医疗支出大，按支出型困难家庭帮扶", acting_user=officer)
    return f"五类三层：按名册拟定 {proposed:,} 户，四个乡镇（街道）已确认 {confirmed:,} 户"


def delivered() -> str:
    """Notices: those of the sweep reached their families in May; of August's and September's some did, some not yet."""
    with system_scope(PLACE):
        every = RollNotice.objects.select_related("household__head").order_by("made_on", "no")
        swept = [
            row
            for row in every.filter(made_on__lt=_D(2017, 6, 1), delivered_on=None)
            if any(row.region.startswith(desk.town) for desk in DESKS)
        ]
        rows = list(every.filter(made_on__gte=_D(2017, 8, 1)))
    for desk in DESKS:
        with acting(desk.review, moment(_D(2017, 5, 24), 16)) as officer:
            for row in (one for one in swept if one.region.startswith(desk.town)):
                notices.deliver(
                    row, acting_user=officer, on=max(row.made_on, _D(2017, 5, 23)), how="hand",
                    received_by=row.household.head.name,
                )  # fmt: skip
    told = 0
    for at, row in enumerate(rows):
        desk = next((one for one in DESKS if row.region.startswith(one.town)), None)
        if desk is None or at % 3 == 2:
            continue
        day = min(row.made_on + timedelta(2 + at % 3), _D(2017, 9, 11))
        with acting(desk.review, moment(day, 17)) as officer:
            how = of(("hand", "post", "hand"), at)
            notices.deliver(
                row, acting_user=officer, on=day, how=how, received_by=row.household.head.name if how == "hand" else ""
            )
        told += 1
    return f"增减停告知书 {len(swept) + len(rows)} 份，已送达 {len(swept) + told} 份"
