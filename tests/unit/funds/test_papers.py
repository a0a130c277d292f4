"""Papers: proposed by one, decided by another; money only where it may go; plans, floors, idle money, the settled year."""

from __future__ import annotations

import threading
from datetime import date

import pytest
from casekit import at
from django.db import IntegrityError, connection, transaction
from fundkit import EARLY, Treasury, clean
from paykit import LATER, Staff, family, run_month

from tuodi.funds import queries
from tuodi.funds.actions import papers
from tuodi.funds.actions.year import settle_year
from tuodi.funds.errors import FundHandsError, FundInputError, FundShortError, FundStateError, PurposeError
from tuodi.funds.models import FundPaper
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.access import scope
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.org.models import Duty

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def treasury(make_user):
    return Treasury(make_user)


def test_one_proposes_another_decides_in_action_and_database(make_user, treasury) -> None:
    paper = treasury.propose("appropriation", 100)
    with at(treasury.keep, EARLY), pytest.raises(AccessDeniedError):
        papers.decide(paper, acting_user=treasury.keep, approve=True)
    with at(treasury.keep, EARLY):
        Duty.objects.create(user=treasury.keep, code="fund_review", place_code="420802", since=date(2010, 1, 4))
        with pytest.raises(FundHandsError):
            papers.decide(paper, acting_user=treasury.keep, approve=True)
        with pytest.raises(IntegrityError, match="four_eyes"), transaction.atomic():
            FundPaper.objects.filter(pk=paper.pk).update(
                state="approved", decided_by=treasury.keep, decided_at=clock.now()
            )
    with pytest.raises(FundInputError, match="审核意见"):
        treasury.decide(paper, approve=False)
    assert treasury.decide(paper).entry_id
    with pytest.raises(FundStateError, match="已同意"):
        treasury.decide(paper)
    with pytest.raises(FundInputError, match="已登记为"):
        treasury.propose("appropriation", 100)
    stranger = Treasury(make_user, "420804")
    with at(stranger.review, EARLY), pytest.raises(NotFoundError):
        papers.decide(paper, acting_user=stranger.review, approve=True)
    clean()


def test_a_pool_is_shared_out_by_transfers_and_never_below_zero_with_threads(treasury) -> None:
    treasury.do("appropriation", 1000, programme="pool")
    rows = [
        treasury.propose("transfer", 300, programme="pool", to_programme="dibao", source="central", reason=f"调剂{n}")
        for n in range(8)
    ]
    gate, answers = threading.Barrier(8), []

    def click(row) -> None:
        try:
            gate.wait()
            with clock.frozen(EARLY), scope(treasury.review):
                papers.decide(row, acting_user=treasury.review, approve=True)
            answers.append("done")
        except FundShortError as error:
            answers.append(str(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=click, args=(row,)) for row in rows]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert answers.count("done") == 3
    assert all("统筹池（未分项）（中央）需 300.00 元，可用 100.00 元" in one for one in answers if one != "done")
    assert treasury.held(programme="pool") == {"available": 100_00}
    assert treasury.held() == {"available": 900_00}
    clean()


def test_a_public_fund_pays_what_it_is_given_for(treasury) -> None:
    with at(treasury.keep, EARLY):
        fund = papers.open_fund(
            acting_user=treasury.keep, county="420802", name="爱心基金", owner="区慈善会", purposes=["temporary"]
        )
    with pytest.raises(PurposeError, match="爱心基金限定用于临时救助，不能用于城乡低保"):
        treasury.propose("appropriation", 50, fund=fund)
    treasury.do("appropriation", 50, programme="temporary", fund=fund)
    with pytest.raises(PurposeError):
        treasury.propose("transfer", 50, programme="temporary", to_programme="dibao", fund=fund)
    assert treasury.held(programme="temporary", source=fund.source) == {"available": 50_00}


def test_plans_show_paid_and_unused(make_user, treasury) -> None:
    staff = Staff(make_user)
    family()
    treasury.do("appropriation", 1000)
    treasury.do("plan", 600, month=Month(2017, 5))
    run_month(staff, Month(2017, 5))
    with at(treasury.keep, LATER):
        (plan,) = queries.plans("420802", Month(2017, 5))
    assert (plan.planned, plan.paid, plan.unused) == (600_00, 550_00, 50_00)


def test_matching_floor_by_residents_with_gap(make_user) -> None:
    # 乌海 2014: at least 12 yuan a resident for medical relief, 2 for temporary relief (pack values).
    treasury = Treasury(make_user, "150302")
    day = date(2016, 3, 1)
    with at(treasury.keep, day):
        before = queries.matching("150302", 2016)
        papers.enter_population(
            acting_user=treasury.keep, county="150302", year=2016, residents=100_000, basis="统计公报"
        )
    assert [one.gap for one in before] == [None, None]
    treasury.do("appropriation", 1_150_000, programme="medical", source="county", on=day)
    treasury.do("appropriation", 300_000, programme="medical", source="central", on=day)  # not the city's or county's
    treasury.do("appropriation", 200_000, programme="temporary", source="prefecture", on=day)
    with at(treasury.keep, day):
        medical, temporary = queries.matching("150302", 2016)
    assert (medical.required, medical.appropriated, medical.gap) == (1_200_000_00, 1_150_000_00, 50_000_00)
    assert (temporary.required, temporary.gap) == (200_000_00, 0)


def test_idle_money_counts_days_and_is_late_after_the_limit_of_the_place(treasury, monkeypatch) -> None:
    treasury.do("appropriation", 100)
    with at(treasury.keep, date(2016, 4, 4)):
        (one,) = queries.idle(queries.standing("420802"))
        assert (one.days, one.limit, one.late) == (90, 90, False)  # 90 days where the place sets nothing
        monkeypatch.setattr(queries, "profile_value", lambda name, place, on: None)
        (one,) = queries.idle(queries.standing("420802"))
        assert (one.limit, one.late) == (None, False)
    with at(treasury.keep, date(2016, 4, 5)):
        monkeypatch.setattr(queries, "profile_value", lambda name, place, on: 60 if name == "idle_money_days" else None)
        (one,) = queries.idle(queries.standing("420802"))
        assert one.late


def test_a_year_is_settled_once_what_is_left_is_handed_back_or_carried(make_user, treasury) -> None:
    staff = Staff(make_user)
    family()
    treasury.do("appropriation", 600, on=date(2017, 1, 10))
    treasury.do("appropriation", 300, source="county", on=date(2017, 1, 10))
    run_month(staff, Month(2017, 5))
    january = date(2018, 1, 8)
    with at(treasury.review, date(2017, 12, 31)), pytest.raises(FundInputError, match="还没有结束"):
        settle_year(acting_user=treasury.review, county="420802", year=2017)
    treasury.do("hand_back", 50, year=2017, on=january)
    with at(treasury.review, january), pytest.raises(FundInputError, match=r"城乡低保（县级） 300\.00 元"):
        settle_year(acting_user=treasury.review, county="420802", year=2017)
    treasury.do("carry", 300, year=2017, source="county", on=january)
    with at(treasury.review, january):
        row = settle_year(acting_user=treasury.review, county="420802", year=2017)
        with pytest.raises(FundStateError, match="已结算"):
            settle_year(acting_user=treasury.review, county="420802", year=2017)
    figures = {(one["programme"], one["source"]): one for one in row.figures}
    central = figures["dibao", "central"]
    assert (central["appropriated"], central["paid"], central["available"], central["left"]) == (
        600_00,
        550_00,
        50_00,
        0,
    )
    assert figures["dibao", "county"]["left"] == 300_00
    with at(treasury.keep, january):
        assert all(one.off == 0 for one in queries.year_figures("420802", 2017))
    clean()
