"""A rule is adopted: drafted, mended by what the compiler says, heard, simulated, approved by another, published, paid by its days.

August is paid and September is paid by the present rule; in October the new deduction is published as from 1 September. October is
paid by the new rule, September's difference is paid back line by line, August stays as it is.
"""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at
from django.db import DatabaseError, transaction
from paykit import LATER, Staff, balanced, family, line, run_month
from rulekit import MEDICAL
from standardkit import BODIES, Makers

from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.access import system_scope
from tuodi.org.errors import AccessDeniedError
from tuodi.payments import actions as payments
from tuodi.payments.models import Arrear, LineDifference, Simulation
from tuodi.standards import actions
from tuodi.standards.errors import ProposalInputError, RulesFaultyError
from tuodi.standards.models import AdoptedRules, Opinion, RulesDraft
from tuodi.standards.states import ProposalState, Stance
from tuodi.verification import rulebook

AUGUST, SEPTEMBER, OCTOBER = Month(2017, 8), Month(2017, 9), Month(2017, 10)
DRAFTED, PUBLISHED, FROM = date(2017, 10, 3), date(2017, 10, 9), date(2017, 9, 1)


@pytest.fixture(autouse=True)
def _files_again():
    yield
    rulebook.reload()


@pytest.mark.django_db(transaction=True)
def test_a_rule_is_adopted_and_paid_from_its_day(make_user):
    staff, makers = Staff(make_user), Makers(make_user, "420802", "420802001")
    ill = family(income=900, cost_medical="1200.00")  # 575 × 2 − 900 = 250, by the new rule 350
    well = family(income=900, names=("高某", "高二"))
    past = {month: run_month(staff, month) for month in (AUGUST, SEPTEMBER)}
    assert [line(staff, run, ill).amount_fen for run in past.values()] == [250_00, 250_00]
    old_print = line(staff, past[AUGUST], ill).fingerprint

    # Drafted with a slip of the pen: kept, with line and remedy; it cannot be sent out.
    drafter, approver = makers.drafter, makers.approver
    with at(drafter, DRAFTED):
        proposal = actions.draft(acting_user=drafter, place="420802", title="医疗支出抵扣办法", effective_on=FROM)
        actions.put_values(
            proposal, acting_user=drafter, book=rulebook.book(), values=[], rules_text=MEDICAL.replace('"cost_medical"', '"cost_medcal"'),
        )  # fmt: skip
        proposal.refresh_from_db()
        (fault,) = proposal.rules_review["faults"]
        assert (fault["line"], "是否想写“cost_medical”" in fault["message"]) == (3, True)
        with pytest.raises(RulesFaultyError, match="第 3 行"):
            actions.consult(proposal, acting_user=drafter, book=rulebook.book(), bodies=BODIES)
        actions.put_values(proposal, acting_user=drafter, book=rulebook.book(), values=[], rules_text=MEDICAL)
        proposal.refresh_from_db()
        assert proposal.rules_review["faults"] == []
        assert [one.version for one in RulesDraft.objects.filter(proposal=proposal).order_by("id")] == [1, 2]
        _heard(makers, proposal, drafter)

    # Approved by another person, and only after what it does has been looked at.
    with at(drafter, DRAFTED), pytest.raises(AccessDeniedError):
        _approve_as(drafter, proposal)
    with at(drafter, DRAFTED), pytest.raises(DatabaseError, match="没有经另一人批准"), transaction.atomic():
        AdoptedRules.objects.create(
            proposal=proposal, place="420802", start=FROM, text=MEDICAL, digest="", doc_no="东民发〔2017〕9号", doc_title="通知",
            issued_on=DRAFTED, adopted_at=clock.now(),
        )  # fmt: skip
    with at(approver, DRAFTED), pytest.raises(ProposalInputError, match="还没有测算"):
        _approve_as(approver, proposal)
    with at(drafter, DRAFTED):
        asked = payments.ask_simulation(past[SEPTEMBER], acting_user=drafter, proposals=[proposal])
    payments.do_simulation(asked, acting_user=drafter)
    proposal.refresh_from_db()
    assert proposal.simulated["counts"]["gain"] == 1
    assert (proposal.simulated["amount_fen"], proposal.simulated["counts"]["lose"]) == (100_00, 0)
    with system_scope("420802"):
        assert Simulation.objects.get(pk=asked.pk).state == "done"
    with at(approver, DRAFTED):
        _approve_as(approver, proposal)

    # Until it is published nothing has changed.
    assert rulebook.book(fresh=True).rule_texts(rulebook.book().chain("420802"), FROM)["dibao.deduction"].place == "cn"
    with at(drafter, PUBLISHED):
        proposal = actions.publish(
            proposal, acting_user=drafter, book=rulebook.book(), doc_no="东民发〔2017〕9号", doc_title="关于医疗支出抵扣的通知", published_on=PUBLISHED
        )  # fmt: skip
    assert proposal.state == ProposalState.IN_FORCE
    assert AdoptedRules.objects.get().text == MEDICAL.strip()

    # Adoption makes a draft run; it pays by the new rule and pays September back, and nobody's August.
    with at(staff.prepare, PUBLISHED):
        opened = payments.open_adoption(proposal, acting_user=staff.prepare, place="420802", month=OCTOBER)
        assert opened.state == "open"
    run = run_month(staff, OCTOBER)
    assert run.pk == opened.pk
    got = line(staff, run, ill)
    assert (got.base_fen, got.back_pay_fen, got.amount_fen) == (350_00, 100_00, 450_00)
    assert line(staff, run, well).amount_fen == 250_00
    assert got.fingerprint != old_print
    with at(staff.check, LATER):
        account = [
            (one.household_id, one.for_month, one.amount_fen, one.cause) for one in Arrear.objects.filter(run=run)
        ]
        causes = set(LineDifference.objects.filter(run=run).values_list("household_id", "cause", "amount_fen"))
    assert account == [(ill.pk, 201709, 100_00, "rules_back")]
    assert causes == {(ill.pk, "rules", 100_00), (ill.pk, "rules_back", 100_00)}
    balanced(staff, run)

    # The months before: the lines as they were, and what the rules say of August today is what they said then.
    for month in (AUGUST, SEPTEMBER):
        assert line(staff, past[month], ill).amount_fen == 250_00
    plan = rulebook.plan("420802", AUGUST.first_day, AUGUST)
    home = {
        "household": {"area_kind": "urban", "income_year": "10800", "cost_medical": "1200", "assets_ok": True},
        "members": [{}, {}],
    }
    assert plan.decide(home, "dibao")[0].amount_fen == 250_00
    assert plan.texts["dibao.deduction"].place == "cn"
    now = rulebook.plan("420802", OCTOBER.first_day, OCTOBER).decide(home, "dibao")[0]
    assert now.amount_fen == 350_00
    assert "东民发〔2017〕9号 二" in now.explain().text()
    # November: nothing is left to pay back.
    november = run_month(staff, Month(2017, 11), upto="calculate")
    assert line(staff, november, ill).amount_fen == 350_00


def _heard(makers, proposal, user):
    asked = actions.consult(proposal, acting_user=user, book=rulebook.book(), bodies=BODIES)
    for one in asked:
        with at(makers.finance, DRAFTED):
            actions.answer(Opinion.objects.get(pk=one.pk), acting_user=makers.finance, stance=Stance.AGREE)


def _approve_as(user, proposal):
    return actions.approve(proposal, acting_user=user, book=rulebook.book(), unknown_note="与底线无关")
