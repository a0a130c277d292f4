"""What happens to the families of a replay in a month: births, deaths, who left, other incomes, other cards, other standards.

Each change is told, looked into and decided as any change is; the run follows by itself.
"""

from __future__ import annotations

from datetime import date

from django.db.models import Count, Q

from tuodi.decisions import care_actions as care
from tuodi.decisions.care_payees import Card, register_payee
from tuodi.decisions.models import CareAgreement
from tuodi.decisions.rosters import end_entries
from tuodi.demo.year import money
from tuodi.demo.year.cast import Replay, as_user
from tuodi.demo.year.roster import card, identity, neighbour
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.monitoring import change_reports, deaths
from tuodi.monitoring.models import ChangeReport, DeathMatter
from tuodi.org.access import system_scope
from tuodi.payments import actions
from tuodi.payments.models import BankItem, PayRun
from tuodi.people import actions as people
from tuodi.people.models import Household, HouseholdFacts, RollEntry
from tuodi.people.secrets import open_id
from tuodi.standards import actions as standards
from tuodi.standards.models import Opinion
from tuodi.standards.states import Body, Stance
from tuodi.verification import rulebook

__all__ = [
    "agreements",
    "changes",
    "died_after_approval",
    "enter_index",
    "mend",
    "raise_standard",
    "reissued",
    "settle_deaths",
]

_BODIES = ((Body.FINANCE, "财政局"), (Body.STATISTICS, "统计局"), (Body.PRICES, "发展和改革局（物价）"))


def _fresh(replay: Replay, *, least: int, most: int = 9) -> list[Household]:
    """Families of the first roster on dibao, of some size, to whom nothing has happened yet; by number."""
    on_roll = RollEntry.objects.filter(
        region__startswith=replay.place, programme="dibao", end_month__isnull=True, start_month__lt=replay.first.yyyymm
    )
    touched = ChangeReport.objects.filter(region__startswith=replay.place).values("household_id")
    mourning = DeathMatter.objects.filter(region__startswith=replay.place).values("household_id")
    return list(
        Household.objects.filter(pk__in=on_roll.values("household_id"), closed_on__isnull=True)
        .exclude(pk__in=touched).exclude(pk__in=mourning)
        .annotate(size=Count("memberships", filter=Q(memberships__until__isnull=True)))
        .filter(size__gte=least, size__lte=most).select_related("head").order_by("no")[:40]
    )  # fmt: skip


def changes(replay: Replay, month: Month) -> str:
    """The month's changes, told on the fourth and decided on the sixth. They count from the next month, a death from the one after it."""
    told, decided = date(month.year, month.month, 4), date(month.year, month.month, 6)
    with system_scope(replay.place):
        # Small rolls run out of families to whom nothing has happened yet; then less happens.
        many = _fresh(replay, least=3)
        few = _fresh(replay, least=1, most=2)[4:]
    late = month >= replay.first + 3
    wanted = [
        ("去世", many, lambda home: _death(replay, home, told, decided, late=late)),
        ("收入超过标准", few, lambda home: _income(replay, home, told, decided, percent=150)),
        ("出生", many, lambda home: _born(replay, home, told, decided)),
        ("成员离户", many, lambda home: _left(replay, home, told, decided)),
        ("收入变化", many, lambda home: _income(replay, home, told, decided, percent=60)),
    ]
    if replay.families >= 1000:
        wanted += [("去世", many, lambda home: _death(replay, home, told, decided, late=False)), wanted[1]]
    if replay.town_confirms:
        wanted += [wanted[1]] * 2  # where an exit is gradual, more of them: the amount is kept for half a year
    done: dict[str, int] = {}
    for what, homes, play in wanted:
        if homes:
            play(homes.pop(0))
            done[what] = done.get(what, 0) + 1
    if replay.key != "y21" and month.month % 3 == 2 and _tekun_death(replay, told, decided):
        done["特困人员去世"] = 1
    return "，".join(f"{what} {n} 件" for what, n in done.items())


def _confirmer(replay: Replay) -> str:
    return "tq" if replay.town_confirms else "qr"


def _decide(replay: Replay, report: ChangeReport, day: date, reasons: str) -> None:
    with as_user(replay, _confirmer(replay), day) as officer:
        change_reports.decide_report(report, reasons=reasons, acting_user=officer)


def _income(replay: Replay, home: Household, told: date, decided: date, *, percent: int) -> None:
    """Another income: so much per cent of what the family may have at the most, in whole yuan."""
    with as_user(replay, "hd", told) as officer:
        persons = home.memberships.filter(until__isnull=True).count()
        area = HouseholdFacts.objects.filter(household=home, valid_to__isnull=True).get().area_kind
        book = rulebook.book()
        row = book.value("dibao.standard", book.chain(replay.place), (area,), decided)
        assert row is not None
        yearly = int(row.value) // 100 * 12 * persons * percent // 100 // 12 * 12 * 100
        report = change_reports.report_change(
            home, kind="income", happened_on=told, text="就业收入变化", income_year_fen=yearly, acting_user=officer
        )
        change_reports.check_report(report, checked="工资条和银行流水相符", acting_user=officer)
    _decide(replay, report, decided, "家庭收入变化，重新核算")


def _born(replay: Replay, home: Household, told: date, decided: date) -> None:
    with as_user(replay, "hd", told) as officer:
        born = date(told.year, told.month, 1)
        report = change_reports.report_change(home, kind="born", happened_on=born, text="新生儿", acting_user=officer)
        baby = change_reports.Newcomer(name=f"{home.head.name[0]}新生", relation="child", birth=born, sex="F")
        change_reports.check_report(report, checked="出生医学证明", newcomer=baby, acting_user=officer)
    _decide(replay, report, decided, "新生儿计入家庭成员")


def _left(replay: Replay, home: Household, told: date, decided: date) -> None:
    with as_user(replay, "hd", told) as officer:
        leaver = home.memberships.filter(until__isnull=True).order_by("id").last()
        assert leaver is not None
        report = change_reports.report_change(
            home,
            kind="left",
            happened_on=date(told.year, told.month, 2),
            text="分户另过",
            person=leaver.person,
            acting_user=officer,
        )
        change_reports.check_report(report, checked="户口已分立", acting_user=officer)
    _decide(replay, report, decided, "成员离户，重新核算")


def _settle(replay: Replay, matter: DeathMatter, told: date, decided: date) -> None:
    with as_user(replay, "hd", told) as officer:
        deaths.propose(matter, acting_user=officer)
    with as_user(replay, _confirmer(replay), decided) as officer:
        deaths.settle(matter, reasons="火化证明和户口注销", acting_user=officer)


def _death(replay: Replay, home: Household, told: date, decided: date, *, late: bool) -> None:
    """A member died last month; or, told late, two months before: what was paid since is kept back from later months."""
    month = Month.of(told) - (3 if late else 1)
    with as_user(replay, "hd", told) as officer:
        dead = home.memberships.filter(until__isnull=True).order_by("id").last()
        assert dead is not None
        (matter,) = deaths.record_death(
            dead.person, died_on=date(month.year, month.month, 20), source="family", acting_user=officer
        )
    _settle(replay, matter, told, decided)


def _tekun_death(replay: Replay, told: date, decided: date) -> bool:
    """A tekun person died: the office's list ends the entry, for before 2021-07 no procedure for tekun is in the packs."""
    with system_scope(replay.place):
        rows = RollEntry.objects.filter(
            region__startswith=replay.place,
            programme="tekun",
            end_month__isnull=True,
            start_month__lt=replay.first.yyyymm,
        )
        entry = rows.select_related("person").order_by("-id").first()
    if entry is None or entry.person is None:
        return False
    with as_user(replay, "hd", told) as officer:
        people.record_death(acting_user=officer, person=entry.person, died_on=date(told.year, told.month, 1))
    with as_user(replay, "dr", decided) as clerk:
        end_entries({entry.household_id: (Month.of(told).yyyymm, "死亡")}, place=replay.place, acting_user=clerk)
    return True


def died_after_approval(replay: Replay, run: PayRun, day: date) -> str:
    """Somebody dies after the run was approved and before its file is made: the file leaves his family's line out."""
    with system_scope(replay.place):
        home = _fresh(replay, least=2)[-1]
    with as_user(replay, "hd", day) as officer:
        dead = home.memberships.filter(until__isnull=True).order_by("id").last()
        assert dead is not None
        deaths.record_death(dead.person, died_on=day, source="family", acting_user=officer)
    return f"审批后成员去世，{home.no} 发前扣留"


def settle_deaths(replay: Replay, day: date) -> str:
    """Deaths that were only written down are decided."""
    with system_scope(replay.place):
        left = list(DeathMatter.objects.filter(region__startswith=replay.place).exclude(state="settled").order_by("id"))
    for matter in left:
        _settle(replay, matter, day, day)
    return ""


def mend(replay: Replay, run: PayRun, day: date, *, leave: int = 0) -> int:
    """Other cards for families whose money failed or came back, and the lines sent anew. Returns how many families.

    Args:
        leave: so many families have not brought a new card by the end of the month.
    """
    with system_scope(replay.place):
        rows = run.pay_lines.filter(live=True, status__in=["failed", "returned"]).order_by("key")
        lines = list(rows.select_related("household__head", "person"))
    lines = lines[: max(len(lines) - leave, 0)]
    for line in lines:
        with as_user(replay, "hd", day) as officer:
            home = line.household
            if line.programme == "care":
                assert line.person is not None
                new = card(replay, 10**7 + line.person.pk, 50 + line.person.accounts.count())
                agreement = CareAgreement.objects.get(pk=line.agreement_id)
                register_payee(agreement, Card(open_id(line.person), new, line.bank_code), acting_user=officer)
                continue
            payee = line.person or home.head
            turn = payee.accounts.count()
            report = change_reports.report_change(
                home, kind="account", happened_on=day, text="换卡", person=payee, acting_user=officer
            )
            change_reports.close_without_effect(
                report, answer="已核对新卡", acting_user=officer,
                account=(card(replay, 10**7 + home.pk, turn), payee.name, line.bank_code or "HBNX"),
            )  # fmt: skip
    if lines:
        with as_user(replay, "yh", day) as sender:
            actions.reissue(run, acting_user=sender, lines=[line.pk for line in lines])
    return len(lines)


def reissued(run: PayRun) -> int:
    """Payments of a run sent anew."""
    return BankItem.objects.filter(batch__run=run, orig__isnull=False).count()


def raise_standard(
    replay: Replay, *, title: str, effective: date, published: date, values: list[dict[str, object]], doc_no: str, doc_title: str,
    hypothetical: bool = False,
) -> str:  # fmt: skip
    """A standard from draft to publication: bodies heard, approved by another than its drafter, published with its number."""
    day = date(published.year, published.month, 1)
    book = rulebook.book(fresh=True)
    with as_user(replay, "bzn", day) as drafter:
        proposal = standards.draft(
            acting_user=drafter, place=replay.place, title=title, effective_on=effective, hypothetical=hypothetical
        )
        rows = [{"place": replay.place, "unit": "", **one} for one in values]
        standards.put_values(proposal, acting_user=drafter, book=book, values=rows)
        bodies = [{"body": body, "name": f"区{name}"} for body, name in _BODIES]
        asked = standards.consult(proposal, acting_user=drafter, book=book, bodies=bodies)
    with as_user(replay, "bzh", day) as officer:
        for one in asked:
            standards.answer(Opinion.objects.get(pk=one.pk), acting_user=officer, stance=Stance.AGREE)
    with as_user(replay, "bzp", day) as approver:
        standards.approve(
            proposal,
            acting_user=approver,
            book=book,
            unknown_note="上年度人均消费支出没有公布到本区",
            untried_note="重放的批次逐月开立，提标前没有可测算的快照",
        )
    with as_user(replay, "bzn", published) as drafter:
        standards.publish(
            proposal, acting_user=drafter, book=book, doc_no=doc_no, doc_title=doc_title, published_on=published
        )
    shown = "、".join(f"{one['value']}{one.get('unit') or ' 元/人·月'}" for one in values)
    return f"提标 {proposal.no}：{title}（{shown}），{published} 公布，自 {effective} 起执行"


def enter_index(replay: Replay, month: Month, cpi: str, food: str) -> str:
    """A month's price index, invented, entered in the month after it."""
    after = month.next()
    with as_user(replay, "bzn", date(after.year, after.month, 10)) as officer:
        actions.enter_index(
            acting_user=officer, place=replay.place, month=month, cpi=cpi, food=food, source="假设的指数，只供演示",
            published_on=date(after.year, after.month, 10), hypothetical=True,
        )  # fmt: skip
    return f"{month} 居民消费价格涨幅 {cpi} %、食品 {food} %（假设）"


def agreements(replay: Replay, month: Month) -> str:
    """Each tekun person's agreement: a facility, or a neighbour who is paid by what the person cannot do himself, into his own card."""
    day, made, paid = date(month.year, month.month, 2), 0, 0
    subsidy = {"able": 100_00, "partial_loss": 200_00, "complete_loss": 400_00}
    with as_user(replay, "hd", day) as officer:
        rows = RollEntry.objects.filter(region__startswith=replay.place, programme="tekun", end_month__isnull=True)
        for number, entry in enumerate(rows.select_related("person", "household").order_by("id"), 1):
            assert entry.person is not None
            central = entry.form == "centralised"
            terms = care.Terms(
                form=entry.form, party="街道养老服务中心" if central else neighbour(number), relation="" if central else "邻居",
                services="一日三餐、洗衣打扫、看病陪同", frequency="每日", since=month.first_day, until=date(month.year, 12, 31), signed_on=day,
                subsidy_fen=None if central else subsidy[entry.self_care],
            )  # fmt: skip
            agreement = care.make_agreement(entry.person, entry.household, terms, acting_user=officer)
            if not central:
                shown = Card(identity(replay, number, 5, 1975), card(replay, number, 90), "HBNX")
                register_payee(agreement, shown, acting_user=officer)
            made += 1
            paid += terms.subsidy_fen or 0
    given = money.appropriate_care(replay, month, paid)
    return (
        f"供养服务协议 {made} 份，照料服务人补贴每月 {format_yuan(paid)} 元（数额假设），指标 {format_yuan(given)} 元"
    )
