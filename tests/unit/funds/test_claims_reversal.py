"""Entries taken back by two people, and cash of a grant that was taken back: claimed, brought in, written off."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import Office, at, hire
from django.db import DatabaseError, transaction
from fieldkit import jpeg
from fundkit import Treasury, clean
from paykit import family
from reliefkit import relieved

from tuodi.decisions import relief
from tuodi.funds import claims as reads
from tuodi.funds import petty as boxes
from tuodi.funds.actions import claims, papers, petty, reversal
from tuodi.funds.errors import FundHandsError, FundInputError, FundShortError, FundStateError, NotReversibleError
from tuodi.funds.models import CashClaim, FundPaper, LedgerEntry
from tuodi.kernel.periods import Month
from tuodi.org.errors import AccessDeniedError
from tuodi.org.models import Duty

pytestmark = pytest.mark.django_db(transaction=True)
TOWN, VILLAGE = "420802001", "420802001001"
DAY = date(2017, 8, 14)


@pytest.fixture
def treasury(make_user):
    return Treasury(make_user)


def entry_of(treasury, paper: FundPaper) -> LedgerEntry:
    with at(treasury.keep, DAY):
        return LedgerEntry.objects.get(pk=FundPaper.objects.get(pk=paper.pk).entry_id)


def ask(treasury, entry, reason="金额录错") -> FundPaper:
    with at(treasury.keep, DAY):
        return reversal.propose_reversal(entry, acting_user=treasury.keep, reason=reason)


def test_an_entry_is_taken_back_by_two_people_and_its_document_may_come_anew(treasury) -> None:
    wrong = treasury.do("appropriation", 900)
    with pytest.raises(FundInputError, match="冲正理由"):
        ask(treasury, entry_of(treasury, wrong), " ")
    paper = ask(treasury, entry_of(treasury, wrong))
    assert (paper.kind, paper.amount_fen) == ("reversal", 900_00)
    with pytest.raises(FundStateError, match="待审核"):
        ask(treasury, entry_of(treasury, wrong))
    with at(treasury.keep, DAY):
        with pytest.raises(AccessDeniedError):
            papers.decide(paper, acting_user=treasury.keep, approve=True)
        Duty.objects.create(user=treasury.keep, code="fund_review", place_code="420802", since=date(2010, 1, 4))
        with pytest.raises(FundHandsError):
            papers.decide(paper, acting_user=treasury.keep, approve=True)
    treasury.decide(paper, on=DAY, approve=False, note="核对后无误")
    done = treasury.decide(ask(treasury, entry_of(treasury, wrong)), on=DAY)
    with at(treasury.keep, DAY):
        made = LedgerEntry.objects.get(pk=done.entry_id)
        assert (made.reverses_id, made.kind) == (entry_of(treasury, wrong).pk, "appropriation")
        assert FundPaper.objects.get(pk=wrong.pk).state == "reversed"
    assert treasury.held() == {}
    for again in (entry_of(treasury, wrong), made):
        with pytest.raises(NotReversibleError, match="冲正"):
            ask(treasury, again)
    with pytest.raises(NotReversibleError, match="不能再冲正"):
        ask(treasury, made)
    # The right amount under the same document.
    right = treasury.do("appropriation", 90, doc_no=wrong.doc_no)
    assert treasury.held() == {"available": 90_00}
    assert right.state == "approved"
    with at(treasury.keep, DAY), pytest.raises(DatabaseError, match="不能修改"), transaction.atomic():
        FundPaper.objects.filter(pk=right.pk).update(state="reversed", amount_fen=1)
    clean()


def test_a_reversal_leaves_nothing_below_zero_now_and_when_it_is_decided(treasury) -> None:
    came = treasury.do("appropriation", 1000)
    moved = treasury.do("transfer", 400, to_programme="temporary", source="central")
    with pytest.raises(FundShortError, match=r"需 1,000\.00 元，可用 600\.00 元"):
        ask(treasury, entry_of(treasury, came))
    waiting = ask(treasury, entry_of(treasury, moved))
    treasury.float(TOWN, 0)
    treasury.do("advance", 300, programme="temporary", town=TOWN)
    with pytest.raises(FundShortError, match=r"缺口 300\.00 元"):
        treasury.decide(waiting, on=DAY)
    with at(treasury.keep, DAY):
        assert FundPaper.objects.get(pk=waiting.pk).state == "proposed"
        advance = LedgerEntry.objects.get(kind="advance")
    treasury.decide(ask(treasury, advance), on=DAY)
    treasury.decide(waiting, on=DAY)
    assert treasury.held() == {"available": 1000_00}
    clean()


@pytest.fixture
def paid(make_user, treasury):
    """800 yuan handed over to a family whose relief was then withdrawn."""
    office, cashier = Office(VILLAGE, make_user), hire(make_user, TOWN, "petty_cash")
    box = treasury.float(TOWN, 5000)
    row = relieved(office, family(), 800_00, on=DAY)
    with at(cashier, DAY):
        spend = petty.pay_grant(
            box, acting_user=cashier, determination=row.determination, receiver="本人", receipt=jpeg()
        )
    return office, cashier, box, row, spend


def test_cash_of_a_grant_taken_back_is_claimed_brought_in_and_written_off(paid, treasury) -> None:
    office, cashier, box, row, spend = paid
    with at(treasury.keep, DAY):
        assert reads.claimable(box) == []
        with pytest.raises(FundStateError, match="决定仍然有效"):
            claims.open_claim(spend, acting_user=treasury.keep, reason="x")
        with pytest.raises(NotReversibleError, match="现金追回"):
            reversal.propose_reversal(
                LedgerEntry.objects.get(kind="petty_spend"), acting_user=treasury.keep, reason="x"
            )
    with at(office.town_review, DAY):
        relief.withdraw_relief(row, acting_user=office.town_review, reason="火灾不实")
    with at(treasury.keep, date(2017, 8, 20)):
        assert [(one.pk, fen) for one, fen in reads.claimable(box)] == [(spend.pk, 800_00)]
        claim = claims.open_claim(spend, acting_user=treasury.keep, reason="先行救助已撤回")
        with pytest.raises(FundStateError, match="已提出追回"):
            claims.open_claim(spend, acting_user=treasury.keep, reason="x")
        assert reads.claimable(box) == []
    with at(cashier, date(2017, 8, 21)):
        with pytest.raises(FundInputError, match=r"未追回的 800\.00 元"):
            claims.receive(claim, acting_user=cashier, amount_fen=800_01, payer="本人")
        claims.receive(claim, acting_user=cashier, amount_fen=300_00, payer="本人")
        assert boxes.balance(box) == 4500_00
        month = boxes.month_of(box, Month(2017, 8))
        assert (month.spent, month.closing) == (500_00, 4500_00)
        assert [(one.day.day, one.balance) for one in boxes.days(box, Month(2017, 8))][-1] == (21, 4500_00)
    assert treasury.held(programme="temporary") == {"float": 4500_00, "paid": 500_00}
    with at(treasury.keep, DAY), pytest.raises(DatabaseError, match="four_eyes"), transaction.atomic():
        CashClaim.objects.filter(pk=claim.pk).update(
            written_off_fen=1, write_off_reason="x", written_off_by=treasury.keep
        )
    with at(treasury.review, date(2017, 9, 1)):
        done = claims.write_off(claim, acting_user=treasury.review, reason="当事人去世，无遗产")
        assert (done.written_off_fen, reads.left(done)) == (500_00, 0)
    with at(cashier, date(2017, 9, 2)), pytest.raises(FundStateError, match="已结清"):
        claims.receive(claim, acting_user=cashier, amount_fen=1, payer="本人")
    clean()
