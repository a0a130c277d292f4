"""What changes between two signatures is seen by the next one: nothing the first one found hides it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from types import SimpleNamespace

import pytest
from casekit import Office, at, hire
from casekit import family as registered
from decisionkit import granted
from django.db import connection, transaction
from fundkit import Treasury
from packkit import laid_over
from paykit import Staff, family, pay_day, run_month

from tuodi.cases.models import CaseBar, CaseHand
from tuodi.decisions.suspensions import Order, suspend
from tuodi.funds.errors import FundShortError
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.access import NATION, system_scope
from tuodi.payments import actions
from tuodi.payments.errors import CaseHandsError, ChecksFailedError, PlanExceededError
from tuodi.payments.figures import figures_of, reading_of
from tuodi.payments.models import Arrear, Claim, LineDifference, PayLine, PayRun, RunReading, RunSignature
from tuodi.people import actions as people

pytestmark = pytest.mark.django_db(transaction=True)
MAY = Month(2017, 5)
BANDS = """pack: {place: "420802", programme: profile}
instruments:
  测试: {title: 测试, number: "-", issuer: 测试, issued: 2016-01-01, in_force: 2016-01-01, kind: hypothetical}
parameters:
  approve_two_above:
    values:
      - {place: "420802", from: 2016-01-01, value: 1, clause: 测试}
"""
BLOCKS = (
    BANDS
    + """  plan_excess_blocks:
    values:
      - {place: "420802", from: 2016-01-01, value: true, clause: 测试}
"""
)


@pytest.fixture
def bands(monkeypatch, tmp_path) -> Iterator[None]:
    with laid_over(tmp_path, monkeypatch, BANDS):
        yield


@pytest.fixture
def signed(bands, make_user) -> SimpleNamespace:
    """Two families, 550 yuan each; the first of two signatures is given."""
    staff, second = Staff(make_user), hire(make_user, "420802", "pay_approve")
    homes = [family(), family()]
    run = run_month(staff, MAY, upto="approve")
    assert (run.state, run.approvers, run.amount_fen) == ("checked", 2, 1100_00)
    return SimpleNamespace(staff=staff, second=second, homes=homes, run=run)


def sign(one: SimpleNamespace, reason: str = "") -> PayRun:
    with at(one.second, pay_day(MAY)):
        return actions.approve(one.run, acting_user=one.second, reason=reason)


def known(run: PayRun) -> bool:
    """Whether what the check kept is still taken for these lines."""
    with system_scope("420802"):
        return reading_of(run, figures_of(run)) is not None


@pytest.fixture
def unguarded(as_owner) -> Callable[..., object]:
    """Past the triggers that keep lines as they are, as somebody with the owner's hands might be."""

    @contextmanager
    def acting(table: str = "payments_payline") -> Iterator[None]:
        with as_owner(), connection.cursor() as cursor:
            cursor.execute(f"alter table {table} disable trigger user")
            yield
            cursor.execute("set constraints all immediate")  # what waits for the commit would forbid the table's change
            cursor.execute(f"alter table {table} enable trigger user")

    return acting


def test_untouched_the_second_signature_approves_on_what_the_check_kept(signed) -> None:
    assert known(signed.run)
    assert sign(signed).state == "approved"
    with system_scope("420802"):
        assert [one.hands for one in RunSignature.objects.filter(run=signed.run)] == [True, True]


@pytest.mark.parametrize(
    ("change", "label"),
    [
        ({"held": "holder", "status": "held"}, "批次合计等于各行之和"),
        ({"amount_fen": None, "base_fen": None, "held": "unknown", "status": "held"}, "批次合计等于各行之和"),
        ({"persons": 3}, "批次合计等于各行之和"),
        ({"account_cipher": None}, "发放的行都有金额和账户"),
        ({"live": False}, "批次合计等于各行之和"),
        ({"status": "paid"}, "行的状态等于最后一个事件"),
    ],
)
def test_a_changed_line_is_seen(signed, unguarded, change, label) -> None:
    with unguarded():
        PayLine.objects.filter(run=signed.run, household=signed.homes[0]).update(**change)
    with pytest.raises(ChecksFailedError, match=label):
        sign(signed)
    with system_scope("420802"):
        assert RunSignature.objects.filter(run=signed.run).count() == 1


def test_an_account_that_becomes_another_familys_is_seen_though_no_sum_changes(signed, unguarded) -> None:
    with unguarded():
        lines = PayLine.objects.filter(run=signed.run).order_by("id")
        lines.filter(pk=lines[0].pk).update(account_index=bytes(lines[1].account_index))
    assert not known(signed.run)
    with pytest.raises(ChecksFailedError, match="一个账户只收一户"):
        sign(signed)


def test_two_lines_that_change_places_in_the_sums_are_seen(signed, unguarded) -> None:
    """One family's determination stands in the other's line: nothing adds up differently, and nothing kept is taken."""
    with unguarded():
        PayLine.objects.filter(run=signed.run, household=signed.homes[0]).update(determination_id=10**9)
    assert not known(signed.run)
    assert sign(signed).state == "approved"  # no check forbids it; its hands are looked for anew
    with system_scope("420802"):
        assert not RunSignature.objects.get(run=signed.run, user=signed.second).hands


def test_a_row_written_anew_as_it_was_is_looked_at_again(signed, unguarded) -> None:
    with unguarded(), connection.cursor() as cursor:
        cursor.execute("update payments_payline set status = status where run_id = %s", [signed.run.pk])
    assert not known(signed.run)
    assert sign(signed).state == "approved"


def test_a_second_line_for_the_same_unit_is_seen(signed, unguarded) -> None:
    with unguarded(), connection.cursor() as cursor:
        cursor.execute("select pg_get_indexdef('payments_line_live_once'::regclass)")
        (made,) = cursor.fetchone()
        cursor.execute("drop index payments_line_live_once")
        line = PayLine.objects.filter(run=signed.run).order_by("id").first()
        line.pk, line.key, line.amount_fen, line.base_fen, line.persons = None, line.key + "-2", 0, 0, 0
        line.status, line.account_cipher = "nothing", None
        line.save()
    try:
        with pytest.raises(ChecksFailedError, match="同一对象同月同项目只有一行（重复 1）"):
            sign(signed)
    finally:
        with unguarded(), connection.cursor() as cursor:
            PayLine.objects.filter(key=line.key).delete()
            cursor.execute("set constraints all immediate")
            cursor.execute(made)


def test_a_difference_or_a_correction_more_is_seen(signed, unguarded) -> None:
    with unguarded("payments_linedifference"):
        LineDifference.objects.create(
            run=signed.run, region=signed.run.region, household=signed.homes[0], programme="dibao", cause="other",
            amount_fen=1, households=0, persons=0,
        )  # fmt: skip
    with pytest.raises(ChecksFailedError, match="差异解释到"):
        sign(signed)


def test_what_an_approved_run_of_last_month_granted_is_asked_again(bands, make_user, unguarded) -> None:
    staff, second = Staff(make_user), hire(make_user, "420802", "pay_approve")
    family()
    before = run_month(staff, MAY, upto="approve")
    with at(second, pay_day(MAY)):
        before = actions.approve(before, acting_user=second)
    run = run_month(staff, MAY.next(), upto="approve")
    with unguarded("payments_payrun"):
        PayRun.objects.filter(pk=before.pk).update(amount_fen=549_00)
    with at(second, pay_day(MAY.next())), pytest.raises(ChecksFailedError, match="差异解释到"):
        actions.approve(run, acting_user=second)


def test_a_family_suspended_meanwhile_is_seen(signed, make_user) -> None:
    county = hire(make_user, "420802", "clue_decide")
    with at(county, pay_day(MAY)):
        suspend(Order(signed.homes[0], "dibao", "XS-1", "名下有车（57-14）", from_month=MAY), acting_user=county)
    with pytest.raises(ChecksFailedError, match="停保未暂缓 1 行"):
        sign(signed)


def test_cash_given_back_meanwhile_is_seen(signed, unguarded) -> None:
    """The run keeps 10.00 back of a claim that has been paid since."""
    home = signed.homes[0]
    with unguarded():
        PayLine.objects.filter(run=signed.run, household=home).update(offset_fen=-10_00, back_pay_fen=10_00)
    with unguarded("payments_arrear"):
        Arrear.objects.create(
            run=signed.run, region=signed.run.region, household=home, programme="dibao", for_month=201704, due_fen=540_00, granted_fen=550_00,
            amount_fen=-10_00, cause="income",
        )  # fmt: skip
    with system_scope("420802"):
        claim = Claim.objects.create(
            region=signed.run.region, household=home, programme="dibao", found_fen=10_00, cash_fen=10_00, opened_at=clock.now(),
        )  # fmt: skip
    with pytest.raises(ChecksFailedError, match="计算后有归还或核销"):
        sign(signed)
    with system_scope("420802"):
        Claim.objects.filter(pk=claim.pk).update(cash_fen=0)
    assert sign(signed).state == "approved"


def test_money_handed_back_meanwhile_is_missed_at_the_last_signature(bands, make_user) -> None:
    treasury, staff, second = Treasury(make_user), Staff(make_user), hire(make_user, "420802", "pay_approve")
    treasury.do("appropriation", 600)
    family()
    run = run_month(staff, MAY, upto="approve")
    treasury.do("hand_back", 100, on=pay_day(MAY))
    one = SimpleNamespace(run=run, second=second)
    with pytest.raises(FundShortError):
        sign(one)
    with system_scope("420802"):
        assert RunSignature.objects.filter(run=run).count() == 1


def test_a_plan_used_up_meanwhile_is_seen(bands, make_user) -> None:
    """550 of each programme were planned; another run of the month takes part of it between the signatures."""
    treasury, staff, second = Treasury(make_user), Staff(make_user), hire(make_user, "420802", "pay_approve")
    treasury.do("appropriation", 5000)
    family()
    run = run_month(staff, MAY, upto="approve")
    treasury.do("plan", 500, month=MAY)
    one = SimpleNamespace(run=run, second=second)
    with pytest.raises(PlanExceededError):
        sign(one)
    treasury.do("plan", 50, month=MAY)
    assert sign(one).state == "approved"


def test_a_pack_that_changes_meanwhile_holds_for_the_next_signature(bands, monkeypatch, tmp_path, make_user) -> None:
    treasury, staff, second = Treasury(make_user), Staff(make_user), hire(make_user, "420802", "pay_approve")
    treasury.do("appropriation", 5000)
    family()
    run = run_month(staff, MAY, upto="approve")
    with laid_over(tmp_path, monkeypatch, BLOCKS), pytest.raises(PlanExceededError, match="请先提出用款计划"):
        sign(SimpleNamespace(run=run, second=second), "很急，先发了再说")


# ---- hands

VILLAGE, AUTUMN = "420802001001", Month(2021, 10)


def paid_case(office: Office):
    household = registered(VILLAGE)
    row = granted(office, household)
    with system_scope("420802"):
        people.add_account(
            acting_user=None, person=household.head, number=f"62170000000000{row.pk:05d}", holder=household.head.name,
            since=date(2021, 1, 1), bank_code="农商行",
        )  # fmt: skip
    return row


def test_a_later_month_takes_the_hands_of_what_is_new_and_refuses_over_everything(bands, make_user) -> None:
    office, staff = Office(VILLAGE, make_user), Staff(make_user)
    second = hire(make_user, "420802", "pay_approve")
    old = paid_case(office)
    first = run_month(staff, AUTUMN, upto="approve")
    with at(second, pay_day(AUTUMN)):
        assert actions.approve(first, acting_user=second).state == "approved"
    new = paid_case(office)
    run = run_month(staff, AUTUMN.next(), upto="check")
    with system_scope(NATION):
        kept = RunReading.objects.get(run=run)
        assert (kept.before_id, kept.fresh) == (first.pk, [new.pk])
        # Barred from a case that was in the last run already, and is not among what is new.
        CaseBar.objects.create(case=old.case, region=old.case.region, user=second, reason="kin")
    with at(second, pay_day(AUTUMN.next())), pytest.raises(CaseHandsError, match=old.case.no):
        actions.approve(run, acting_user=second)
    with at(staff.approve, pay_day(AUTUMN.next())):
        actions.approve(run, acting_user=staff.approve)
    with system_scope(NATION):
        hands = CaseHand.objects.filter(user=staff.approve).order_by("id")
        assert [(one.case_id, one.hand) for one in hands] == [(old.case_id, "pay"), (new.case_id, "pay")]
        assert [one.hands for one in RunSignature.objects.filter(user=staff.approve)] == [True, True]
        assert not CaseHand.objects.filter(case=new.case, user=second).exists()


def test_who_did_not_sign_the_last_run_takes_the_hands_of_all(make_user) -> None:
    office, staff = Office(VILLAGE, make_user), Staff(make_user)
    rows = [paid_case(office)]
    run_month(staff, AUTUMN, upto="approve")
    rows.append(paid_case(office))
    run = run_month(staff, AUTUMN.next(), upto="check")
    other = hire(make_user, "420802", "pay_approve")
    with at(other, pay_day(AUTUMN.next())):
        actions.approve(run, acting_user=other)
    with system_scope(NATION):
        taken = set(CaseHand.objects.filter(user=other, hand="pay").values_list("case_id", flat=True))
    assert taken == {row.case_id for row in rows}


def test_a_hand_taken_between_two_signatures_is_seen(bands, make_user) -> None:
    office, staff = Office(VILLAGE, make_user), Staff(make_user)
    row = paid_case(office)
    second = hire(make_user, "420802", "pay_approve")
    run = run_month(staff, AUTUMN, upto="approve")
    assert run.state == "checked"
    with system_scope(NATION), transaction.atomic():
        CaseHand.objects.create(case=row.case, region=row.case.region, user=second, hand="accept")
    with at(second, pay_day(AUTUMN)), pytest.raises(CaseHandsError, match=row.case.no):
        actions.approve(run, acting_user=second)
    with system_scope(NATION):
        assert [one.hand for one in CaseHand.objects.filter(user=second)] == ["accept"]
