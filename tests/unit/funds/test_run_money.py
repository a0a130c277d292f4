"""A run in a county that keeps a fund book: reserved at approval, drawn in order, back through suspense, refused with the gap."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at
from fundkit import Treasury, clean
from paykit import LATER, Staff, balanced, family, run_month

from tuodi.funds import ledger, queries
from tuodi.funds.actions import papers
from tuodi.funds.errors import FundShortError, FundStateError
from tuodi.funds.models import LedgerEntry
from tuodi.kernel.periods import Month
from tuodi.payments import actions
from tuodi.payments.models import PayRun
from tuodi.people import actions as people

pytestmark = pytest.mark.django_db(transaction=True)
MAY, JUNE = Month(2017, 5), Month(2017, 6)


def test_a_county_without_a_fund_book_pays_as_before(make_user) -> None:
    staff = Staff(make_user)
    family()
    run = run_month(staff, MAY)
    balanced(staff, run)
    clean()


def test_each_step_moves_the_money_on_and_sources_are_drawn_in_order(make_user) -> None:
    staff, treasury = Staff(make_user), Treasury(make_user)
    family()  # 550.00 a month
    treasury.do("appropriation", 500)
    treasury.do("appropriation", 600, source="county")
    run = run_month(staff, MAY, upto="approve")
    assert treasury.held() == {"reserved": 500_00}
    assert treasury.held(source="county") == {"available": 550_00, "reserved": 50_00}
    run_month_on(staff, run)
    assert treasury.held() == {"paid": 500_00}
    assert treasury.held(source="county") == {"available": 550_00, "paid": 50_00}
    balanced(staff, run)
    clean()


def run_month_on(staff: Staff, run: PayRun, *, failing: float = 0.0) -> None:
    from simulators.bank import answer_file
    from tuodi.files.store import open_plain

    day = date(2017, 5, 3)
    with at(staff.check, day):
        batches = actions.make_bank_files(run, acting_user=staff.check)
        for batch in batches:
            answer = answer_file(open_plain(batch.file).read(), posted=day, failing=failing)
            assert actions.import_return(run, acting_user=staff.check, data=answer, name="回盘.csv").faults == []


def test_approval_is_refused_with_sub_account_and_gap_and_nothing_moves(make_user) -> None:
    staff, treasury = Staff(make_user), Treasury(make_user)
    family()
    treasury.do("appropriation", 549)
    run = run_month(staff, MAY, upto="check")
    with (
        at(staff.approve, date(2017, 5, 2)),
        pytest.raises(FundShortError, match=r"城乡低保.*549\.00 元，缺口 1\.00 元"),
    ):
        actions.approve(run, acting_user=staff.approve)
    assert treasury.held() == {"available": 549_00}
    treasury.do("appropriation", 1, source="county")
    with at(staff.approve, date(2017, 5, 2)):
        assert actions.approve(run, acting_user=staff.approve).state == "approved"
    clean()


def test_failed_money_waits_in_suspense_is_paid_anew_or_made_available(make_user) -> None:
    staff, treasury = Staff(make_user), Treasury(make_user)
    home = family()
    treasury.do("appropriation", 2000)
    run = run_month(staff, MAY, upto="approve")
    run_month_on(staff, run, failing=1.0)
    assert treasury.held() == {"available": 1450_00, "suspense": 550_00}
    with at(treasury.keep, LATER):
        papers.release_suspense(acting_user=treasury.keep, county="420802", run_id=run.pk)
        with pytest.raises(FundStateError, match="没有余额"):
            papers.release_suspense(acting_user=treasury.keep, county="420802", run_id=run.pk)
    assert treasury.held() == {"available": 2000_00}
    with at(staff.check, LATER):
        people.add_account(
            acting_user=None,
            person=home.head,
            number="6217000088800000017",
            holder="向桂英",
            since=LATER,
            bank_code="农商行",
        )
        (batch,) = actions.reissue(run, acting_user=staff.check)
        assert batch.amount_fen == 550_00
    assert treasury.held() == {"available": 1450_00, "transit": 550_00}
    balanced(staff, run)
    clean()


def test_a_run_of_several_counties_books_each_county_where_its_own_officers_read_it(make_user) -> None:
    whole, one, other = Staff(make_user, place="4208"), Treasury(make_user), Treasury(make_user, "420804")
    family()
    family(village="420804001001")
    one.do("appropriation", 1000)
    other.do("appropriation", 1000)
    run = run_month(whole, MAY, place="4208", upto="approve")
    for treasury in (one, other):
        with at(treasury.keep, LATER):
            entry = LedgerEntry.objects.get(run_id=run.pk)
            assert {side.region[:6] for side in entry.postings.all()} == {treasury.county}
            assert all(figure.off == 0 for figure in queries.year_figures(treasury.county, 2017))
            assert treasury.held()["reserved"] > 0
    clean()


def test_an_entry_is_reversed_once(make_user) -> None:
    treasury = Treasury(make_user)
    paper = treasury.do("appropriation", 100)
    with at(treasury.keep, LATER):
        entry = LedgerEntry.objects.get(pk=paper.entry_id)
        back = ledger.reverse(entry, user=treasury.keep, memo="误记冲销")
        for one in (entry, back):
            with pytest.raises(FundStateError):
                ledger.reverse(one, user=treasury.keep, memo="再冲")
    assert treasury.held() == {}
    clean()
