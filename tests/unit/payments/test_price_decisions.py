"""The difference of a corrected price index, decided: paid back, got back or left; by two people, once, to the fen."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at, client_of, hire
from django.db import DatabaseError, transaction
from django.urls import reverse
from fieldkit import jpeg
from paykit import Staff, balanced, family, indexed, line, run_month

from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.access import duties_of, system_scope
from tuodi.org.errors import AccessDeniedError
from tuodi.payments import actions, price_corrections
from tuodi.payments.claims import claim_of, origins
from tuodi.payments.errors import ChecksFailedError, CorrectionError, FourEyesError
from tuodi.payments.history import history
from tuodi.payments.invariants import check
from tuodi.payments.models import Arrear, LineDifference, PayRun, PriceCorrection, PriceDecision
from tuodi.people.models import RollEntry
from tuodi.verification import rulebook
from tuodi.web.components.waiting import counts

pytestmark = pytest.mark.django_db(transaction=True)
JULY = Month(2017, 7)
DAY = date(2017, 8, 20)


@pytest.fixture
def staff(make_user):
    return Staff(make_user)


def clean() -> None:
    with system_scope("cn"):
        assert check().counts == dict.fromkeys(check().counts, 0), str(check())


def propose(staff, run, index, kind="pay", *, short=True, on=DAY, **more):
    with at(staff.check, on):
        given = {"reason": "统计局更正公报", "document": "荆统函〔2017〕9号", "paper": jpeg(), **more}
        return actions.propose_price(run, index, acting_user=staff.check, kind=kind, short=short, **given)


def decide(staff, row, *, agreed=True, on=DAY, **more):
    with at(staff.approve, on):
        return actions.decide_price(row, acting_user=staff.approve, agreed=agreed, **more)


def paid(staff, make_user, *homes, cpi="3.6"):
    """July's subsidy paid with August's run: 575 yuan × 3.6 % = 20.70 a head."""
    run_month(staff, Month(2017, 7), upto="approve")
    indexed(make_user, "4208", JULY, cpi, "1.0")
    run = run_month(staff, Month(2017, 8))
    for home in homes:
        assert line(staff, run, home).price_fen == 2 * 20_70
    return run


def test_a_shortfall_is_paid_once_by_the_next_run_also_to_who_left_the_roll(staff, make_user) -> None:
    home, gone = family(), family(names=("周安", "周宁"))
    run = paid(staff, make_user, home, gone)
    with at(staff.prepare, DAY), system_scope("4208"):
        RollEntry.objects.filter(household=gone).update(end_month=201708)
    higher = indexed(make_user, "4208", JULY, "4.6", "1.0", on=date(2017, 8, 18))
    with pytest.raises(CorrectionError, match="请选择办法"):
        propose(staff, run, higher, "claim")
    with pytest.raises(CorrectionError, match="没有多发的人"):
        propose(staff, run, higher, "claim", short=False)
    with pytest.raises(CorrectionError, match="依据文件"):
        propose(staff, run, higher, paper=b"")
    row = propose(staff, run, higher)
    # 26.45 - 20.70 a head, four heads.
    assert (row.persons, row.households, row.amount_fen, row.outside_fen) == (4, 2, 4 * 5_75, 0)
    with pytest.raises(CorrectionError, match="待审批"):
        propose(staff, run, higher)
    with at(staff.check, DAY), pytest.raises(AccessDeniedError):
        actions.decide_price(row, acting_user=staff.check, agreed=True)
    with at(staff.check, DAY):
        for deed, told in (
            (lambda: PriceCorrection.objects.filter(decision=row).update(counts=True), "没有审批"),
            (lambda: PriceCorrection.objects.filter(decision=row).update(after_fen=99_00), "不能修改"),
            (lambda: PriceDecision.objects.filter(pk=row.pk).update(amount_fen=1), "不能修改"),
            (
                lambda: PriceDecision.objects.filter(pk=row.pk).update(
                    state="approved", decided_by=staff.check, decided_at=clock.now()
                ),
                "four_eyes",
            ),
        ):
            with pytest.raises(DatabaseError, match=told), transaction.atomic():
                deed()
    with at(staff.approve, DAY):
        assert counts(staff.approve, duties_of(staff.approve))["web:prices"] == 1
        client = client_of(staff.approve)
        assert "同意补发" in client.get(reverse("web:price-decision", args=[row.pk])).content.decode()
        client.post(reverse("web:price-decision-do", args=[row.pk]), {"do": "decide", "answer": "agree"})
        assert counts(staff.approve, duties_of(staff.approve)).get("web:prices", 0) == 0
    with at(staff.check, DAY):
        assert price_corrections.booked_of(row).done == 0
        page = (
            client_of(staff.check).get(reverse("web:price-round", args=[higher.pk]), {"compare": "1"}).content.decode()
        )
        assert row.no in page
        assert "没有差额" in page
    september = run_month(staff, Month(2017, 9), upto="approve")
    balanced(staff, september)
    now, last = line(staff, september, home), line(staff, september, gone)
    assert (now.back_pay_fen, last.back_pay_fen, last.amount_fen) == (2 * 5_75, 2 * 5_75, 2 * 5_75)
    with at(staff.check, date(2017, 9, 3)):
        found = Arrear.objects.get(run=september, household=home)
        assert (found.for_month, found.cause, found.due_fen, found.granted_fen) == (
            201707,
            "price_back",
            2 * 26_45,
            2 * 20_70,
        )
        assert row.no in found.note
        assert "2017 年 7 月价格临时补贴" in found.note
        assert "〔" in found.note
        told = LineDifference.objects.get(run=september, household=home, cause="price_back")
        assert (told.amount_fen, told.note) == (2 * 5_75, "补 7 月价格补贴")
        assert history(home)[0].corrections == [found]
        done = price_corrections.booked_of(row)
        assert (done.units, done.done, done.done_fen, done.runs) == (2, 2, 4 * 5_75, (september.no,))
        (after,) = price_corrections.difference(price_corrections.carried_otherwise(higher)[0], JULY, rulebook.book())
        assert (after.fen, after.delta_fen, after.more) == (4 * 26_45, 0, 0)
    with pytest.raises(CorrectionError, match="没有少发的人"):
        propose(staff, run, higher, on=date(2017, 9, 3))
    with at(staff.check, date(2017, 9, 3)), pytest.raises(CorrectionError, match="不能撤销"):
        actions.ask_revoke_price(row, acting_user=staff.check, reason="金额有误")
    # Looking back at July again finds nothing to pay, and a second correction asks for the rest alone.
    october = run_month(staff, Month(2017, 10), upto="approve")
    assert line(staff, october, home).back_pay_fen == 0
    clean()


def test_an_excess_becomes_a_claim_under_the_cap_and_a_later_correction_clears_it_first(staff, make_user) -> None:
    home = family()
    run = paid(staff, make_user, home)
    lower = indexed(make_user, "4208", JULY, "1.0", "1.0", on=date(2017, 8, 18))
    row = propose(staff, run, lower, "claim", short=False)
    decide(staff, row)
    september = run_month(staff, Month(2017, 9), upto="approve")
    with at(staff.check, date(2017, 9, 3)):
        claim = claim_of(home.pk, "dibao", None)
        assert claim is not None
        # One line of 1,150 less income: half of it covers 41.40 whole.
        assert (claim.found_fen, claim.kept_fen, claim.state) == (2 * 20_70, 2 * 20_70, "settled")
        (origin,) = origins(claim)
        assert (origin.for_month, origin.over_fen, origin.cause, row.no in origin.note) == (
            JULY,
            2 * 20_70,
            "价格补贴更正",
            True,
        )
    assert line(staff, september, home).offset_fen == -2 * 20_70
    clean()
    # The office of statistics goes back to its first figure: what was kept is paid out once.
    first = indexed(make_user, "4208", JULY, "3.6", "1.0", on=date(2017, 9, 5))
    later = date(2017, 9, 6)
    decide(staff, propose(staff, run, first, on=later), on=later)
    october = run_month(staff, Month(2017, 10), upto="approve")
    now = line(staff, october, home)
    # Told overpaid and right after all: the claim is settled, so all of it is the family's.
    assert (now.back_pay_fen, now.offset_fen) == (2 * 20_70, 0)
    with at(staff.check, date(2017, 10, 3)):
        assert price_corrections.carried_otherwise(first) == []
    with pytest.raises(CorrectionError, match="就是按现在的指数发放"):
        propose(staff, run, first, on=date(2017, 10, 3))
    clean()


def test_it_is_left_with_a_reason_refused_or_taken_back_before_it_is_booked(staff, make_user) -> None:
    home = family()
    run = paid(staff, make_user, home)
    higher = indexed(make_user, "4208", JULY, "4.6", "1.0", on=date(2017, 8, 18))
    with pytest.raises(CorrectionError, match="写明意见"):
        decide(staff, propose(staff, run, higher), agreed=False)
    with at(staff.check, DAY):
        row = price_corrections.decisions_of(run, JULY)[0]
    decide(staff, row, agreed=False, opinion="金额过小")
    left = propose(staff, run, higher, "leave")
    decide(staff, left)
    with pytest.raises(CorrectionError, match="已决定不作调整"):
        propose(staff, run, higher)
    with at(staff.check, DAY):
        actions.ask_revoke_price(left, acting_user=staff.check, reason="改为补发")
    with at(staff.approve, DAY):
        actions.decide_revoke_price(left, acting_user=staff.approve, agreed=True)
    row = propose(staff, run, higher)
    decide(staff, row)
    september = run_month(staff, Month(2017, 9), upto="check")
    assert line(staff, september, home).back_pay_fen == 2 * 5_75
    with at(staff.check, date(2017, 9, 2)):
        actions.ask_revoke_price(row, acting_user=staff.check, reason="应由省里统一")
    with at(staff.approve, date(2017, 9, 2)):
        actions.decide_revoke_price(row, acting_user=staff.approve, agreed=True)
        # What was calculated with it is not approved; past the action the database says so.
        with pytest.raises(ChecksFailedError, match="价格补贴更正"):
            actions.approve(september, acting_user=staff.approve)
    with at(staff.prepare, date(2017, 9, 2)):
        actions.calculate(september, acting_user=staff.prepare)
    with at(staff.check, date(2017, 9, 2)):
        actions.check(PayRun.objects.get(pk=september.pk), acting_user=staff.check)
    with at(staff.approve, date(2017, 9, 2)):
        actions.approve(PayRun.objects.get(pk=september.pk), acting_user=staff.approve)
    assert line(staff, september, home).back_pay_fen == 0
    clean()


def test_who_was_held_waits_until_the_subsidy_itself_is_paid(staff, make_user) -> None:
    home = family(account=None)
    run_month(staff, Month(2017, 7), upto="approve")
    indexed(make_user, "4208", JULY, "3.6", "1.0")
    run = run_month(staff, Month(2017, 8))
    assert line(staff, run, home).held == "no_account"
    lower = indexed(make_user, "4208", JULY, "1.0", "1.0", on=date(2017, 8, 18))
    row = propose(staff, run, lower, "claim", short=False)
    decide(staff, row)
    with at(staff.check, DAY):
        assert price_corrections.booked_of(row).waiting == 1
    run_month(staff, Month(2017, 9), upto="approve")
    with at(staff.check, date(2017, 9, 3)):
        assert claim_of(home.pk, "dibao", None) is None
    clean()
    enters = hire(make_user, "4208", "standards", "pay_approve")
    wrong = None
    with at(enters, date(2017, 9, 5)):
        wrong = actions.enter_index(
            acting_user=enters,
            place="4208",
            month=JULY,
            cpi="5.0",
            food="1.0",
            source="公报",
            published_on=date(2017, 9, 5),
        )
    later = date(2017, 9, 6)
    row = propose(staff, run, wrong, on=later)
    with at(enters, later), pytest.raises(FourEyesError, match="登记指数"):
        actions.decide_price(row, acting_user=enters, agreed=True)
