"""Cash of a grant that was refused, claimed, partly brought back, and given again on appeal: less claimed, the rest paid once."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import Office, at, client_of, hire
from django.db import DatabaseError, transaction
from django.urls import reverse
from fieldkit import jpeg
from fundkit import Treasury, clean
from paykit import Staff, family, run_month
from reliefkit import completed, relieved

from tuodi.decisions import actions as decisions
from tuodi.decisions import appeals, grants
from tuodi.decisions.models import Determination, GrantStage
from tuodi.funds import claims as reads
from tuodi.funds.actions import claims, petty
from tuodi.funds.errors import FundHandsError, FundInputError, FundStateError
from tuodi.funds.models import CashFollow
from tuodi.kernel.periods import Month
from tuodi.org.access import system_scope
from tuodi.org.models import Duty
from tuodi.payments import actions as payments
from tuodi.payments.errors import ChecksFailedError
from tuodi.payments.models import PayLine, PayRun

pytestmark = pytest.mark.django_db(transaction=True)
TOWN, VILLAGE = "420802001", "420802001001"
DAY = date(2017, 8, 14)


@pytest.fixture
def treasury(make_user):
    return Treasury(make_user)


@pytest.fixture
def story(make_user, treasury):
    """800 handed over, refused, claimed, 300 brought back; the level above grants it after all, for September."""
    office, cashier = Office(VILLAGE, make_user), hire(make_user, TOWN, "petty_cash")
    treasury.do("appropriation", 20_000, programme="temporary")
    box = treasury.float(TOWN, 5000)
    home = family()
    row = relieved(office, home, 800_00, on=DAY)
    with at(cashier, DAY):
        spend = petty.pay_grant(
            box, acting_user=cashier, determination=row.determination, receiver="本人", receipt=jpeg()
        )
    completed(office, home, row, DAY)
    with at(office.county_confirm, DAY):
        (refused,) = decisions.refuse(row.case, acting_user=office.county_confirm, reasons="并无火灾")
    with at(treasury.keep, DAY):
        claim = claims.open_claim(spend, acting_user=treasury.keep, reason="不予确认")
    with at(cashier, DAY):
        claims.receive(claim, acting_user=cashier, amount_fen=300_00, payer="本人")
    above = hire(make_user, "4208", "appeal")
    with at(above, date(2017, 8, 20)):
        again = appeals.change(refused, acting_user=above, matter_no="FY1", reasons="有消防证明")
    return box, home, spend, claim, again


def test_what_the_family_holds_is_kept_and_the_rest_is_paid_once(make_user, treasury, story) -> None:
    box, home, spend, claim, again = story
    granted, day = again.amount_fen, date(2017, 8, 21)
    staff = Staff(make_user)
    with at(treasury.keep, day):
        assert [(one.amount_fen, one.in_cash) for one in GrantStage.objects.filter(ended_at__isnull=True)] == [
            (granted, False)
        ]
        assert again.end_month == again.start_month
        found = reads.given_again(spend)
        kept = min(500_00, granted)
        assert (found.held_fen, found.kept_fen, found.reduced_fen, found.rest_fen) == (
            500_00,
            kept,
            kept,
            granted - kept,
        )
        assert [one.spend.pk for one in reads.to_follow(box)] == [spend.pk]
    # Until it is put right no run pays it: the family would have it twice.
    run = run_month(staff, Month(2017, 9), upto="calculate")
    with at(staff.check, date(2017, 9, 2)), pytest.raises(ChecksFailedError, match="核抵"):
        payments.check(run, acting_user=staff.check)
    with at(treasury.keep, day):
        assert "提出更正" in client_of(treasury.keep).get(reverse("web:petty-float", args=[box.pk])).content.decode()
        follow = claims.propose_follow(spend, acting_user=treasury.keep, reason="复议决定给予救助")
        with pytest.raises(FundStateError, match="已提出更正"):
            claims.propose_follow(spend, acting_user=treasury.keep, reason="x")
        Duty.objects.create(user=treasury.keep, code="fund_review", place_code="420802", since=date(2010, 1, 4))
        with pytest.raises(FundHandsError):
            claims.decide_follow(follow, acting_user=treasury.keep, agreed=True)
        with pytest.raises(DatabaseError, match="four_eyes"), transaction.atomic():
            CashFollow.objects.filter(pk=follow.pk).update(
                state="refused", decided_by=treasury.keep, decided_at=follow.proposed_at
            )
    with at(treasury.review, day):
        assert "同意更正" in client_of(treasury.review).get(reverse("web:petty-float", args=[box.pk])).content.decode()
        follow = claims.decide_follow(follow, acting_user=treasury.review, agreed=True)
        assert (follow.state, follow.reduced_fen, follow.back_fen) == ("approved", kept, min(300_00, granted - kept))
        assert (reads.left(claim), reads.reduced(claim)) == (500_00 - kept, kept)
        assert reads.to_follow(box) == []
        assert reads.claimable(box) == []
    with at(staff.prepare, date(2017, 9, 2)):
        payments.calculate(run, acting_user=staff.prepare)
    with at(staff.check, date(2017, 9, 2)):
        payments.check(PayRun.objects.get(pk=run.pk), acting_user=staff.check)
        line = PayLine.objects.filter(run=run, household=home, programme="temporary", live=True).first()
        # What it brought back is the grant's once more, and the whole is what was granted.
        assert (line.amount_fen if line else 0) == granted - kept
        assert kept + (line.amount_fen if line else 0) == granted
    with at(treasury.keep, day):
        assert [one for one in Determination.objects.filter(pk=again.pk) if grants.stages_of(one)]
    clean()
    # Taken back a second time: what the family holds is claimed again.
    with at(treasury.keep, date(2017, 9, 3)), system_scope("4208"):
        grants.end_stages(again, reason="再次撤销")
        assert reads.left(claim) == 500_00


def test_what_a_run_has_paid_leaves_the_claim_as_it_is(make_user, treasury, story) -> None:
    box, _, spend, claim, _again = story
    with at(treasury.keep, date(2017, 8, 21)):
        follow = claims.propose_follow(spend, acting_user=treasury.keep, reason="复议决定给予救助")
    with at(treasury.review, date(2017, 8, 21)):
        with pytest.raises(FundInputError, match="写明"):
            claims.decide_follow(follow, acting_user=treasury.review, agreed=False)
        done = claims.decide_follow(follow, acting_user=treasury.review, agreed=False, opinion="先查明")
        assert (done.state, reads.left(claim)) == ("refused", 500_00)
        with pytest.raises(FundStateError, match="不同意"):
            claims.decide_follow(follow, acting_user=treasury.review, agreed=True)
        with pytest.raises(DatabaseError, match="不能修改"), transaction.atomic():
            CashFollow.objects.filter(pk=follow.pk).update(kept_fen=1)
    assert [one.spend.pk for one in _listed(treasury, box)] == [spend.pk]


def _listed(treasury, box):
    with at(treasury.keep, date(2017, 8, 21)):
        return reads.to_follow(box)
