"""What families were paid too much: kept back under a cap, by agreement, in cash, or given up; the books agree at every step."""

from __future__ import annotations

from datetime import date

import cluekit
import pytest
from casekit import at, client_of, hire
from django.db import DatabaseError, transaction
from paykit import Staff, balanced, family, line, run_month

from tuodi.kernel.periods import Month
from tuodi.monitoring import clue_actions as ledger
from tuodi.org.access import NATION, system_scope
from tuodi.org.errors import AccessDeniedError
from tuodi.payments import actions, claims, invariants
from tuodi.payments.errors import ChecksFailedError, ClaimError, FourEyesError, StateError
from tuodi.payments.models import Claim, ClaimReceipt, LedgerEntry
from tuodi.people import actions as people
from tuodi.verification import rulebook

pytestmark = pytest.mark.django_db(transaction=True)
APRIL, MAY, JUNE, JULY = Month(2017, 4), Month(2017, 5), Month(2017, 6), Month(2017, 7)
PAPER = b"%PDF-1.4 test"


@pytest.fixture
def staff(make_user) -> Staff:
    return Staff(make_user)


def overpaid(staff: Staff):
    """Died on 18 March, told on 25 May: 575.00 too much in April and in May, 1150.00 in all; 175.00 a month is due."""
    home = family(income=400)
    for month in (APRIL, MAY):
        run_month(staff, month)
    with at(staff.check, date(2017, 5, 25)):
        dead = home.memberships.order_by("id").last().person
        people.record_death(acting_user=None, person=dead, died_on=date(2017, 3, 18))
    return home


def claim(home) -> Claim:
    with system_scope(NATION):
        return Claim.objects.select_related("household__head", "person").get(household=home)


def sound() -> None:
    with system_scope(NATION):
        report = invariants.check()
    assert report.ok, str(report)


def sums(one: Claim) -> tuple[int, int, int, int, str]:
    return one.found_fen, one.kept_fen, one.cash_fen, one.written_fen, one.state


def test_a_run_opens_the_claim_and_keeps_back_half(staff) -> None:
    home = overpaid(staff)
    june = run_month(staff, JUNE)
    assert line(staff, june, home).offset_fen == -87_50
    one = claim(home)
    assert sums(one) == (1150_00, 87_50, 0, 0, "open")
    with at(staff.check, date(2017, 6, 5)):
        assert [(str(row.for_month), row.over_fen, row.cause, str(row.found_in)) for row in claims.origins(one)] == [
            ("2017-04", 575_00, "死亡减员", "2017-06"), ("2017-05", 575_00, "死亡减员", "2017-06"),
        ]  # fmt: skip
        assert [(str(row.month), row.gross_fen, row.kept_fen, row.paid_fen) for row in claims.kept_by(one)] == [
            ("2017-06", 175_00, 87_50, 87_50)
        ]
    sound()


def test_what_was_agreed_is_kept_back_from_its_month_on_and_never_above_the_share(staff) -> None:
    home = overpaid(staff)
    run_month(staff, JUNE)
    with at(staff.check, date(2017, 6, 5)):
        with pytest.raises(ClaimError, match="协议：请上传"):
            actions.agree(
                claim(home), acting_user=staff.check, monthly_fen=50_00, from_month=JULY, signed_on=date(2017, 6, 5), paper=b"",
            )  # fmt: skip
        actions.agree(
            claim(home), acting_user=staff.check, monthly_fen=50_00, from_month=Month(2017, 8), signed_on=date(2017, 6, 5), paper=PAPER,
        )  # fmt: skip
    kept = [line(staff, run_month(staff, month), home).offset_fen for month in (JULY, Month(2017, 8))]
    assert kept == [0, -50_00]
    with at(staff.check, date(2017, 8, 5)):
        actions.agree(
            claim(home), acting_user=staff.check, monthly_fen=150_00, from_month=Month(2017, 9), signed_on=date(2017, 8, 5), paper=PAPER,
        )  # fmt: skip
        assert claim(home).agreements.filter(ended_at__isnull=True).count() == 1
    assert line(staff, run_month(staff, Month(2017, 9)), home).offset_fen == -87_50
    sound()


def test_cash_is_booked_once_and_no_month_keeps_it_back_again(staff, make_user) -> None:
    home = overpaid(staff)
    june = run_month(staff, JUNE)
    july = run_month(staff, JULY, upto="check")
    with at(staff.check, date(2017, 7, 3)):
        given = {"acting_user": staff.check, "receipt_no": "S1", "received_on": date(2017, 7, 3), "payer": "向桂英"}
        with pytest.raises(ClaimError, match=r"超过尚未追回的 1,062\.50 元"):
            actions.receive(claim(home), amount_fen=1062_51, **given)
        actions.receive(claim(home), amount_fen=1000_00, **given)
        with pytest.raises(ClaimError, match="收据 S1 已登记过"):
            actions.receive(claim(home), amount_fen=10_00, **given)
    assert sums(claim(home)) == (1150_00, 87_50, 1000_00, 0, "open")
    # The draft of July keeps back 87.50, which is more than the 62.50 that are left now.
    with at(staff.approve, date(2017, 7, 3)), pytest.raises(ChecksFailedError, match="抵扣不超过应追回"):
        actions.approve(july, acting_user=staff.approve)
    july = run_month(staff, JULY, upto="calculate")
    july = run_month(staff, JULY)
    assert line(staff, july, home).offset_fen == -62_50
    one = claim(home)
    assert sums(one) == (1150_00, 150_00, 1000_00, 0, "settled")
    with at(staff.check, date(2017, 7, 5)), pytest.raises(ClaimError, match="已结清"):
        actions.receive(one, amount_fen=1, **{**given, "receipt_no": "S2"})
    balanced(staff, june)
    sound()
    # From the booking of the receipt down to the family: by name for who pays, masked and without a way on for finance.
    with system_scope(NATION):
        entry = LedgerEntry.objects.get(origin="receipt")
    seen = client_of(staff.check).get(f"/funds/entries/{entry.pk}/").content.decode()
    assert f"/families/{home.pk}/" in seen
    assert f"向桂英（{home.no}）" in seen
    assert "多发 1,150.00 元，未追回 0.00 元" in seen
    other = client_of(hire(make_user, "420802", "fund_review")).get(f"/funds/entries/{entry.pk}/").content.decode()
    assert "未追回 0.00 元" in other
    assert "向桂英（" not in other
    assert f"/families/{home.pk}/" not in other


def test_a_write_off_takes_two_and_above_the_limit_finance(staff, make_user, monkeypatch, tmp_path) -> None:
    (tmp_path / "limit.yaml").write_text(LIMIT, encoding="utf-8")
    monkeypatch.setenv("TUODI_POLICIES", str(tmp_path))
    rulebook.reload()
    home = overpaid(staff)
    run_month(staff, JUNE)
    both = hire(make_user, "420802", "pay_check")
    finance = hire(make_user, "420802", "fund_review")
    with at(staff.check, date(2017, 6, 5)):
        row = actions.propose_write_off(
            claim(home), acting_user=staff.check, amount_fen=1062_50, reason="hardship", text="重病，无劳动能力"
        )
        with pytest.raises(ClaimError, match="已有待审批的核销"):
            actions.propose_write_off(claim(home), acting_user=both, amount_fen=1, reason="hardship", text="再提一次")
    with at(staff.approve, date(2017, 6, 6)), pytest.raises(AccessDeniedError, match="财政审核"):
        actions.decide_write_off(row, acting_user=staff.approve, agreed=True)
    with at(finance, date(2017, 6, 6)):
        with pytest.raises(ClaimError, match="请写明意见"):
            actions.decide_write_off(row, acting_user=finance, agreed=False)
        actions.decide_write_off(row, acting_user=finance, agreed=True)
        with pytest.raises(StateError):
            actions.decide_write_off(row, acting_user=finance, agreed=True)
    assert sums(claim(home)) == (1150_00, 87_50, 0, 1062_50, "settled")
    assert line(staff, run_month(staff, JULY), home).offset_fen == 0
    sound()
    monkeypatch.delenv("TUODI_POLICIES")
    rulebook.reload()


LIMIT = """pack: {place: "420802", programme: profile}
instruments:
  测试: {title: 测试, number: "-", issuer: 测试, issued: 2016-01-01, in_force: 2016-01-01, kind: hypothetical}
parameters:
  claim_write_off_limit:
    values:
      - {place: "420802", from: 2016-01-01, value: 1000, clause: 测试}
"""


def test_the_database_holds_four_eyes_over_write_offs_and_receipts_for_good(staff, as_owner) -> None:
    home = overpaid(staff)
    run_month(staff, JUNE)
    with at(staff.check, date(2017, 6, 5)):
        row = actions.propose_write_off(
            claim(home), acting_user=staff.check, amount_fen=1_00, reason="other", text="测试核销"
        )
        actions.receive(
            claim(home),
            acting_user=staff.check,
            amount_fen=1_00,
            receipt_no="S1",
            received_on=date(2017, 6, 5),
            payer="向桂英",
        )
    with as_owner(), pytest.raises(DatabaseError, match="只可追加"), transaction.atomic():
        ClaimReceipt.objects.update(amount_fen=2_00)
    with as_owner(), pytest.raises(DatabaseError, match="payments_write_off_four_eyes"), transaction.atomic():
        type(row).objects.update(state="approved", decided_by=staff.check, decided_at=row.proposed_at)
    with as_owner(), pytest.raises(DatabaseError, match="只能由另一人决定一次"), transaction.atomic():
        type(row).objects.update(amount_fen=5_00)


def test_fraud_and_an_estate_have_their_own_manner(staff) -> None:
    home = overpaid(staff)
    run_month(staff, JUNE)
    with at(staff.check, date(2017, 6, 5)), pytest.raises(AccessDeniedError, match="发放审批"):
        actions.set_manner(claim(home), acting_user=staff.check, manner="fraud", reason="伪造收入证明")
    with at(staff.approve, date(2017, 6, 5)):
        actions.set_manner(claim(home), acting_user=staff.approve, manner="fraud", reason="伪造收入证明")
    july = run_month(staff, JULY)
    got = line(staff, july, home)
    assert (got.offset_fen, got.amount_fen, got.status) == (-175_00, 0, "nothing")
    with at(staff.check, date(2017, 7, 5)):
        actions.set_manner(claim(home), acting_user=staff.check, manner="stopped", reason="向遗产管理人追偿")
    assert line(staff, run_month(staff, Month(2017, 8)), home).offset_fen == 0
    assert sums(claim(home)) == (1150_00, 262_50, 0, 0, "open")
    sound()


def test_a_line_withheld_before_it_is_sent_takes_its_correction_and_its_offset_along(staff) -> None:
    home = overpaid(staff)
    june = run_month(staff, JUNE, upto="approve")
    with at(staff.check, date(2017, 6, 2)):
        actions.hold_back(june, acting_user=staff.check, keys=[june.pay_lines.get().key], reason="账户冻结")
    assert sums(claim(home)) == (0, 0, 0, 0, "settled")
    sound()
    with at(staff.check, date(2017, 6, 2)):
        june = actions.make_bank_files(june, acting_user=staff.check)
    july = run_month(staff, JULY, upto="approve")
    got = line(staff, july, home)
    # Told anew, and June, which was not paid, is paid back: half of 175.00 + 175.00 is kept back.
    assert (got.back_pay_fen, got.offset_fen) == (175_00, -175_00)
    assert sums(claim(home)) == (1150_00, 175_00, 0, 0, "open")
    sound()


def test_an_overpayment_that_was_none_clears_the_claim_and_gives_back_what_had_come_in(staff) -> None:
    """87.50 kept back in June, 100.00 brought in cash; then the death turns out a mistake, while the claim stands stopped."""
    home = overpaid(staff)
    run_month(staff, JUNE)
    with at(staff.check, date(2017, 6, 5)):
        actions.receive(
            claim(home),
            acting_user=staff.check,
            amount_fen=100_00,
            receipt_no="S1",
            received_on=date(2017, 6, 5),
            payer="向桂英",
        )
        actions.set_manner(claim(home), acting_user=staff.check, manner="stopped", reason="本人称没有死亡")
        type(home.head).objects.filter(died_on__isnull=False).update(died_on=None)
        home.memberships.filter(leave_reason="death").update(until=None, leave_reason="")
    july = run_month(staff, JULY)
    got = line(staff, july, home)
    # April and May 575.00 each and June 575.00 come back; 962.50 were still owed and are cleared.
    assert (got.base_fen, got.back_pay_fen, got.offset_fen) == (750_00, 1725_00, -962_50)
    assert sums(claim(home)) == (1150_00, 1050_00, 100_00, 0, "settled")
    sound()


def test_cash_noted_with_a_clue_is_not_kept_back_once_more(staff, make_user) -> None:
    home = overpaid(staff)
    run_month(staff, JUNE)
    hands = cluekit.Hands(make_user)
    one = cluekit.taken_to(hands, cluekit.clue(home), "suspended")
    with at(hands.county, cluekit.FOUND):
        one = ledger.handle(one, action="recover", text="追回", to_recover_fen=1500_00, acting_user=hands.county)
        one = ledger.record_recovery(one, amount_fen=1000_00, receipt="S1", acting_user=hands.county)
        assert sums(claim(home)) == (1150_00, 87_50, 1000_00, 0, "open")
        one = ledger.record_recovery(one, amount_fen=500_00, receipt="S2", acting_user=hands.county)
    # What the clue asks for beyond what runs found overpaid stays with the clue alone.
    assert one.recovered_fen == 1500_00
    assert sums(claim(home)) == (1150_00, 87_50, 1062_50, 0, "settled")
    sound()


def test_who_proposed_does_not_decide(staff, make_user) -> None:
    home = overpaid(staff)
    run_month(staff, JUNE)
    with at(staff.check, date(2017, 6, 5)):
        row = actions.propose_write_off(
            claim(home), acting_user=staff.check, amount_fen=1_00, reason="other", text="测试核销"
        )
    # Duties apart forbid one person both; somebody who changed duty is stopped by the deed itself.
    from tuodi.org.models import Duty

    with at(staff.check, date(2017, 6, 5)):
        Duty.objects.filter(user=staff.check, code="pay_check").update(code="pay_approve")
    with at(staff.check, date(2017, 6, 6)), pytest.raises(FourEyesError, match="由您提出"):
        actions.decide_write_off(row, acting_user=staff.check, agreed=True)
