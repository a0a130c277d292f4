"""Money a clue recovers that no run found overpaid: a claim by two persons, in the ledger, taken back by an entry of its own."""

from __future__ import annotations

from datetime import date

import cluekit
import pytest
from casekit import at, client_of
from django.db import DatabaseError, transaction
from django.urls import reverse
from paykit import Staff, family, line, run_month

from tuodi.funds.models import LedgerEntry
from tuodi.kernel.periods import Month
from tuodi.monitoring import clue_actions, clue_claims
from tuodi.monitoring.errors import ClueHandsError, ClueInputError
from tuodi.org.access import system_scope
from tuodi.org.errors import AccessDeniedError
from tuodi.org.models import Duty
from tuodi.payments import actions
from tuodi.payments.actions.claims import receive
from tuodi.payments.claims import claim_of, claimable_months
from tuodi.payments.errors import ClaimError, FourEyesError
from tuodi.payments.invariants import check
from tuodi.payments.models import Arrear, Claim, ClaimFinding
from tuodi.people.facts import put_facts

pytestmark = pytest.mark.django_db(transaction=True)
DAY = cluekit.FOUND
FIRST, LAST = Month(2017, 7), Month(2017, 8)


def clean() -> None:
    with system_scope("cn"):
        found = check()
        assert found.ok, str(found)


@pytest.fixture
def staff(make_user):
    return Staff(make_user)


@pytest.fixture
def story(staff, make_user):
    """A family paid 550.00 a month in July and August, and a confirmed clue that asks 700.00 back."""
    home = family()
    for month in (FIRST, LAST):
        run_month(staff, month)
    hands = cluekit.Hands(make_user)
    one = cluekit.taken_to(hands, cluekit.clue(home), "suspended")
    with at(hands.county, DAY):
        one = clue_actions.handle(
            one, action="recover", text="隐瞒车辆", to_recover_fen=700_00, acting_user=hands.county
        )
    return home, hands, one


def propose(hands, one, fen=700_00, first=FIRST, last=LAST, **more):
    with at(hands.county, DAY):
        return clue_claims.propose_claim(
            one,
            acting_user=hands.county,
            amount_fen=fen,
            first=first,
            last=last,
            reason="隐瞒车辆，两个月不应享受",
            **more,
        )


def test_a_clue_becomes_a_claim_by_two_persons_and_is_kept_back(staff, story) -> None:
    home, hands, one = story
    with pytest.raises(ClueInputError, match=r"700\.00 元"):
        propose(hands, one, 700_01)
    with pytest.raises(ClaimError, match="没有发放记录"):
        propose(hands, one, first=Month(2016, 1), last=Month(2016, 2))
    with pytest.raises(ClaimError, match=r"已发而尚未追回"):
        propose(hands, one, 700_00, last=FIRST)
    with at(staff.check, DAY), pytest.raises(AccessDeniedError):
        clue_claims.propose_claim(one, acting_user=staff.check, amount_fen=1, first=FIRST, last=LAST, reason="不应享受")
    row = propose(hands, one)
    with pytest.raises(ClaimError, match="不会重复立案"):
        propose(hands, one, 1_00)
    with at(hands.county, DAY):
        months = list(row.months.order_by("for_month").values_list("for_month", "amount_fen"))
        paid = claimable_months(home.pk, "dibao", None, FIRST, LAST)
        # The first month as far as it was paid, the rest on the next.
        first = paid[FIRST].paid_fen
        assert months == [(201707, first), (201708, 700_00 - first)]
        assert claim_of(home.pk, "dibao", None) is None
        Duty.objects.create(user=hands.county, code="pay_approve", place_code="420802", since=date(2010, 1, 4))
        with pytest.raises(ClueHandsError):
            clue_claims.decide_claim(row, acting_user=hands.county, agreed=True)
        with pytest.raises(FourEyesError):
            actions.decide_finding(row, acting_user=hands.county, agreed=True)
        with pytest.raises(DatabaseError, match="four_eyes"), transaction.atomic():
            ClaimFinding.objects.filter(pk=row.pk).update(
                state="refused", decided_by=hands.county, decided_at=row.proposed_at
            )
    with at(staff.approve, DAY):
        client = client_of(staff.approve)
        assert "待审批" in client.get(reverse("web:findings")).content.decode()
        page = client.get(reverse("web:finding", args=[row.pk])).content.decode()
        assert "同意立追回" in page
        client.post(reverse("web:finding-do", args=[row.pk]), {"do": "decide", "answer": "agree"})
        claim = Claim.objects.get(household=home)
        assert (claim.found_fen, claim.left_fen, claim.state) == (700_00, 700_00, "open")
        assert one.no in client.get(reverse("web:claim", args=[claim.pk])).content.decode()
        entry = LedgerEntry.objects.get(origin="finding", origin_id=row.pk)
        sides = {p.account: p.debit_fen - p.credit_fen for p in entry.postings.all()}
        assert (entry.kind, sides) == ("found", {"receivable": 700_00, "expense": -700_00})
    with at(hands.county, DAY):
        shown = client_of(hands.county).get(reverse("web:clue", args=[one.no])).content.decode()
        assert claim.no in shown
        assert "立追回事项" not in shown
    clean()
    september = run_month(staff, Month(2017, 9), upto="approve")
    got = line(staff, september, home)
    # The usual share of the month; looking back at July and August pays nothing of it out again.
    assert (got.back_pay_fen, got.offset_fen) == (0, -(got.amount_fen - got.offset_fen) // 2)
    with at(staff.check, date(2017, 9, 3)):
        assert not Arrear.objects.filter(run=september).exists()
    clean()


def test_a_run_that_finds_the_month_overpaid_asks_for_the_rest_alone(staff, story) -> None:
    home, hands, one = story
    row = propose(hands, one, 300_00, last=FIRST)
    with at(staff.approve, DAY):
        clue_claims.decide_claim(row, acting_user=staff.approve, agreed=True)
    with at(staff.prepare, DAY), system_scope("420802"):
        # From July on they had so much that nothing was due.
        put_facts(
            home,
            {"household": {"area_kind": "urban", "assets_ok": True, "income_year": "12000.00"}, "members": []},
            date(2017, 7, 1),
        )
        paid = claimable_months(home.pk, "dibao", None, FIRST, LAST)
    september = run_month(staff, Month(2017, 9), upto="approve")
    with at(staff.check, date(2017, 9, 3)):
        found = {a.for_month: -a.amount_fen for a in Arrear.objects.filter(run=september)}
        due = line(staff, september, home).base_fen
        each = paid[FIRST].paid_fen - due
        assert found == {201707: each - 300_00, 201708: each}
        assert claim_of(home.pk, "dibao", None).found_fen == 2 * each
    clean()
    october = run_month(staff, Month(2017, 10), upto="approve")
    with at(staff.check, date(2017, 10, 3)):
        assert not Arrear.objects.filter(run=october).exists()


def test_it_is_taken_back_by_an_entry_of_its_own_while_nothing_came_back(staff, story) -> None:
    _home, hands, one = story
    row = propose(hands, one)
    with at(staff.approve, DAY):
        with pytest.raises(ClaimError, match="写明意见"):
            actions.decide_finding(row, acting_user=staff.approve, agreed=False)
        actions.decide_finding(row, acting_user=staff.approve, agreed=False, opinion="证据不足")
    row = propose(hands, one)  # a refused one may be proposed anew
    with at(staff.approve, DAY):
        row = clue_claims.decide_claim(row, acting_user=staff.approve, agreed=True)
    with at(staff.check, DAY):
        row = actions.ask_revoke_finding(row, acting_user=staff.check, reason="线索改判")
        receive(row.claim, acting_user=staff.check, amount_fen=1_00, receipt_no="S9", received_on=DAY, payer="本人")
    with at(staff.approve, DAY):
        with pytest.raises(ClaimError, match="不能撤销"):
            actions.decide_revoke_finding(row, acting_user=staff.approve, agreed=True)
        row = actions.decide_revoke_finding(row, acting_user=staff.approve, agreed=False)
        assert row.state == "approved"
    clean()


def test_a_finding_nothing_of_which_came_back_is_reversed(staff, story) -> None:
    home, hands, one = story
    row = propose(hands, one)
    with at(staff.approve, DAY):
        row = clue_claims.decide_claim(row, acting_user=staff.approve, agreed=True)
    with at(staff.check, DAY):
        row = actions.ask_revoke_finding(row, acting_user=staff.check, reason="线索改判")
    with at(staff.approve, DAY):
        row = actions.decide_revoke_finding(row, acting_user=staff.approve, agreed=True)
        claim = claim_of(home.pk, "dibao", None)
        assert (row.state, claim.found_fen, claim.state) == ("revoked", 0, "settled")
        entry = LedgerEntry.objects.get(origin="finding", origin_id=row.pk, reverses__isnull=True)
        assert LedgerEntry.objects.filter(reverses=entry).count() == 1
    clean()
