"""How many people approve a run goes by its total; nobody signs twice, nobody who made or checked it signs, and a new calculation voids."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from casekit import at, hire
from django.db import DatabaseError, transaction
from packkit import laid_over
from paykit import Staff, family, pay_day, run_month

from tuodi.audit.models import AuditEntry
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.access import NATION, system_scope
from tuodi.payments import actions, signatures
from tuodi.payments.errors import FourEyesError
from tuodi.payments.models import LedgerEntry, PayRun, RunSignature

pytestmark = pytest.mark.django_db(transaction=True)
MAY = Month(2017, 5)
BANDS = """pack: {place: "420802", programme: profile}
instruments:
  测试: {title: 测试, number: "-", issuer: 测试, issued: 2016-01-01, in_force: 2016-01-01, kind: hypothetical}
parameters:
  approve_two_above:
    values:
      - {place: "420802", from: 2016-01-01, value: 500, clause: 测试}
  approve_three_above:
    values:
      - {place: "420802", from: 2016-01-01, value: 550, clause: 测试}
"""


@pytest.fixture
def bands(monkeypatch, tmp_path) -> Iterator[None]:
    with laid_over(tmp_path, monkeypatch, BANDS):
        yield


def kinds(run: PayRun) -> list[str]:
    with system_scope(NATION):
        return list(LedgerEntry.objects.filter(run_id=run.pk).order_by("id").values_list("kind", flat=True))


def test_above_the_first_band_two_sign_and_money_is_booked_at_the_last(bands, make_user) -> None:
    """550.00 in all: above 500, not above 550."""
    staff, day = Staff(make_user), pay_day(MAY)
    second = hire(make_user, "420802", "pay_approve")
    family(income=600)
    run = run_month(staff, MAY, upto="check")
    assert (run.amount_fen, run.approvers) == (550_00, 2)
    with at(staff.approve, day):
        run = actions.approve(run, acting_user=staff.approve)
        assert run.state == "checked"
        with pytest.raises(FourEyesError, match="由您签字"):
            actions.approve(run, acting_user=staff.approve)
    assert kinds(run) == []
    with at(second, day):
        run = actions.approve(run, acting_user=second)
    assert (run.state, run.approved_by_id) == ("approved", second.pk)
    assert kinds(run) == ["grant"]
    with system_scope(NATION):
        assert [one.user_id for one in signatures.signed(run)] == [staff.approve.pk, second.pk]
        rows = AuditEntry.objects.filter(action="payments.sign", subject_id=str(run.pk)).order_by("id")
        assert [(one.actor_id, one.after["number"], one.after["of"]) for one in rows] == [
            (staff.approve.pk, 1, 2),
            (second.pk, 2, 2),
        ]


def test_a_new_calculation_voids_what_was_signed(bands, make_user) -> None:
    staff, day = Staff(make_user), pay_day(MAY)
    family(income=600)
    run = run_month(staff, MAY, upto="check")
    with at(staff.approve, day):
        actions.approve(run, acting_user=staff.approve)
    family(income=600)
    run = run_month(staff, MAY, upto="check")
    # 1100.00 now: above both bands.
    assert (run.amount_fen, run.approvers) == (1100_00, 3)
    with at(staff.approve, day):
        assert list(signatures.signed(run)) == []
        actions.approve(run, acting_user=staff.approve)  # his former signature does not keep him from this one
        assert [one.amount_fen for one in RunSignature.objects.filter(run=run).order_by("id")] == [550_00, 1100_00]


def test_without_bands_one_signature_approves(make_user) -> None:
    staff = Staff(make_user)
    family(income=600)
    run = run_month(staff, MAY, upto="approve")
    assert (run.approvers, run.state) == (1, "approved")


def test_the_database_holds_who_signs_and_how_many(bands, make_user, as_owner) -> None:
    staff = Staff(make_user)
    family(income=600)
    run = run_month(staff, MAY, upto="check")

    def refused(text: str, deed) -> None:
        with as_owner(), pytest.raises(DatabaseError, match=text), transaction.atomic():
            deed()

    def sign(user, fen: int = 550_00) -> None:
        RunSignature.objects.create(run=run, region=run.region, user=user, at=clock.now(), amount_fen=fen)

    for user in (staff.prepare, staff.check):
        refused("编制人和校验人不能审批签字", lambda user=user: sign(user))
    refused("签字金额与应发不符", lambda: sign(staff.approve, 1))
    with at(staff.approve, pay_day(MAY)):
        actions.approve(run, acting_user=staff.approve)
    refused("payments_signature_once", lambda: sign(staff.approve))
    done = {"state": "approved", "approved_by": staff.approve, "approved_at": clock.now()}
    refused("需要 2 人签字，现有 1 人", lambda: PayRun.objects.filter(pk=run.pk).update(**done))
    refused("签字人数在校验时确定", lambda: PayRun.objects.filter(pk=run.pk).update(approvers=1))
    refused("签字应先作废", lambda: PayRun.objects.filter(pk=run.pk).update(state="open"))
    refused("签字不能删除", lambda: RunSignature.objects.filter(run=run).delete())
    refused("签字不能修改", lambda: RunSignature.objects.filter(run=run).update(amount_fen=1))
