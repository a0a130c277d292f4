"""A standard's way into force: duties, opinions, floors, four eyes, and the value in the book with its document."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at, client_of, hire
from django.db import DatabaseError, transaction
from django.urls import reverse
from standardkit import Makers, adopted, drafted, heard, value

from tuodi.audit.models import AuditEntry
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.access import duties_of
from tuodi.org.actions import grant_duty, revoke_duty
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.standards import actions, queries
from tuodi.standards.book import print_of
from tuodi.standards.errors import (
    BelowFloorError,
    OpinionsOpenError,
    ProposalHandsError,
    ProposalInputError,
    ProposalStateError,
)
from tuodi.standards.models import AdoptedValue, Opinion, Proposal
from tuodi.standards.rules import note_simulated
from tuodi.standards.states import ProposalState, Stance
from tuodi.standards.superseded import superseded
from tuodi.verification import rulebook

pytestmark = pytest.mark.django_db
DAY, FROM = date(2017, 8, 20), date(2017, 9, 1)
BASIS = {"consumption_prior_urban": "18000", "consumption_prior_rural": "10000"}


@pytest.fixture(autouse=True)
def _files_again():
    yield
    rulebook.reload()


@pytest.fixture
def makers(make_user) -> Makers:
    return Makers(make_user)


def test_an_adopted_value_wins_over_the_file_and_says_its_document(makers):
    adopted(makers, [value("620")], DAY, FROM)
    book = rulebook.book(fresh=True)
    chain = book.chain("420802")
    before, now = (book.value("dibao.standard", chain, ("urban",), day) for day in (date(2017, 8, 31), FROM))
    assert (before.value, now.value) == (57500, 62000)
    assert book.clause(now.clause).text == "荆民发〔2017〕21号 一"
    assert now.where.file == "标准 TB-4208-2017-01"
    # The county next to it keeps its own.
    assert book.value("dibao.standard", book.chain("420881"), ("urban",), FROM).value == 50000
    (answer,) = rulebook.plan("420802", FROM, Month(2017, 9)).decide(
        {"household": {"area_kind": "urban", "income_year": "10800", "assets_ok": True}, "members": [{}, {}, {}]},
        "dibao",
    )
    assert answer.amount_fen == 62000 * 3 - 90000
    assert "荆民发〔2017〕21号" in answer.explain().text()


def test_the_digest_of_the_book_tells_that_something_was_adopted(makers):
    before = rulebook.book(fresh=True).digest
    adopted(makers, [value("620")], DAY, FROM)
    assert rulebook.book(fresh=True).digest != before


def test_each_step_is_in_the_log(makers):
    proposal = adopted(makers, [value("620")], DAY, FROM)
    with at(makers.drafter, DAY):
        verbs = list(
            AuditEntry.objects.filter(subject_type="proposal", subject_id=str(proposal.pk))
            .order_by("id")
            .values_list("action", flat=True)
        )
    assert [verb for verb in verbs if verb != "standards.answer"] == [
        f"standards.{verb}" for verb in ("draft", "put_values", "consult", "approve", "publish")
    ]
    assert verbs.count("standards.answer") == 4


def test_a_published_value_comes_into_force_on_its_day(makers):
    proposal = adopted(makers, [value("620")], DAY, FROM)
    assert proposal.state == ProposalState.PUBLISHED
    with at(makers.drafter, FROM):
        assert actions.enter_into_force() == 1
        assert Proposal.objects.get(pk=proposal.pk).state == ProposalState.IN_FORCE
        assert actions.enter_into_force() == 0


def test_the_floors_stop_what_lies_below_them(makers):
    # 30 % of 24000 a year is 600 a month.
    basis = {"consumption_prior_urban": "24000"}
    proposal = drafted(makers, [value("599")], DAY, FROM, basis=basis, basis_source="统计公报")
    failing = [one for one in proposal.checks["draft"] if one["result"] == "fail"]
    assert [one["name"] for one in failing] == ["standards.urban_floor_fit"]
    heard(makers, proposal, DAY)
    with at(makers.approver, DAY), pytest.raises(BelowFloorError, match="人均消费支出"):
        actions.approve(
            proposal,
            acting_user=makers.approver,
            book=rulebook.book(),
            unknown_note="其余未公布",
            untried_note="没有花名册",
        )
    fits = drafted(makers, [value("600")], DAY, FROM, basis=basis, basis_source="统计公报")
    assert not [one for one in fits.checks["draft"] if one["result"] == "fail"]


def test_a_floor_that_cannot_be_tested_needs_a_reason(makers):
    proposal = drafted(makers, [value("620")], DAY, FROM)
    heard(makers, proposal, DAY)
    with at(makers.approver, DAY), pytest.raises(ProposalInputError, match="未知项说明"):
        actions.approve(proposal, acting_user=makers.approver, book=rulebook.book())


def test_one_and_three_tenths_of_the_urban_standard(make_user):
    makers = Makers(make_user, "5325", "532502")
    tekun = [
        {"place": "5325", "param": "tekun.basic", "keys": [kind, form], "value": amount, "unit": "", "locator": ""}
        for kind in ("urban", "rural")
        for form in ("centralised", "dispersed")
        for amount in ("832",)
    ]
    day = date(2020, 6, 20)
    good = drafted(makers, [value("640", "5325"), *tekun], day, date(2020, 7, 1))
    low = drafted(makers, [value("641", "5325"), *tekun], day, date(2020, 7, 1))
    results = [
        {one["name"]: one["result"] for one in proposal.checks["draft"]}["standards.tekun_floor_fit"]
        for proposal in (good, low)
    ]
    assert results == ["pass", "fail"]


def test_provincial_guidance_is_a_floor(make_user):
    makers = Makers(make_user, "5325", "532502")
    proposal = drafted(makers, [value("639.99", "5325")], date(2020, 6, 20), date(2020, 7, 1))
    failing = {one["name"] for one in proposal.checks["draft"] if one["result"] == "fail"}
    assert "standards.guidance_urban_fit" in failing


def test_bodies_must_be_asked_and_must_have_answered(makers):
    proposal = drafted(makers, [value("620")], DAY, FROM)
    with at(makers.drafter, DAY), pytest.raises(ProposalInputError, match="还缺财政"):
        actions.consult(proposal, acting_user=makers.drafter, book=rulebook.book(), bodies=makers.bodies()[1:])
    with at(makers.drafter, DAY):
        asked = actions.consult(proposal, acting_user=makers.drafter, book=rulebook.book(), bodies=makers.bodies())
    with at(makers.approver, DAY), pytest.raises(OpinionsOpenError, match="市财政局未答复"):
        actions.approve(
            proposal,
            acting_user=makers.approver,
            book=rulebook.book(),
            unknown_note="待公布",
            untried_note="没有花名册",
        )
    with at(makers.finance, DAY), pytest.raises(ProposalInputError, match="意见内容"):
        actions.answer(asked[0], acting_user=makers.finance, stance=Stance.OBJECT)
    with at(makers.finance, DAY):
        actions.answer(asked[0], acting_user=makers.finance, stance=Stance.OBJECT, text="财力不足")
        actions.answer(asked[1], acting_user=makers.finance, stance=Stance.AGREE)
    with at(makers.drafter, DAY):  # by letter
        actions.answer(asked[2], acting_user=makers.drafter, stance=Stance.AGREE, letter_no="荆价函〔2017〕3号")
    with at(makers.county, DAY):
        assert list(queries.waiting_for(makers.county)) == [asked[3]]
        actions.answer(asked[3], acting_user=makers.county, stance=Stance.AGREE)
    with at(makers.approver, DAY), pytest.raises(OpinionsOpenError, match="未登记采纳情况"):
        actions.approve(
            proposal,
            acting_user=makers.approver,
            book=rulebook.book(),
            unknown_note="待公布",
            untried_note="没有花名册",
        )
    with at(makers.drafter, DAY):
        actions.handle(asked[0], acting_user=makers.drafter, handling="市级增列预算，已说明")
    with at(makers.approver, DAY):
        done = actions.approve(
            proposal,
            acting_user=makers.approver,
            book=rulebook.book(),
            unknown_note="待公布",
            untried_note="没有花名册",
        )
    assert done.state == ProposalState.APPROVED


def test_only_the_right_hands(makers, make_user):
    proposal = drafted(makers, [value("620")], DAY, FROM)
    with at(makers.approver, DAY), pytest.raises(AccessDeniedError):
        actions.put_values(proposal, acting_user=makers.approver, book=rulebook.book(), values=[])
    heard(makers, proposal, DAY)
    with at(makers.drafter, DAY), pytest.raises(AccessDeniedError):
        actions.approve(
            proposal, acting_user=makers.drafter, book=rulebook.book(), unknown_note="待公布", untried_note="没有花名册"
        )
    outsider = hire(make_user, "420881", "standards")
    with at(outsider, DAY), pytest.raises(NotFoundError):
        actions.withdraw(proposal, acting_user=outsider, reason="错")


def test_the_database_holds_four_eyes_and_frozen_values(makers):
    proposal = drafted(makers, [value("620")], DAY, FROM)
    heard(makers, proposal, DAY)
    with at(makers.drafter, DAY):
        with pytest.raises(DatabaseError, match="数值不能修改"), transaction.atomic():
            proposal.values.update(value="999")
        with pytest.raises(DatabaseError, match="four_eyes"), transaction.atomic():
            Proposal.objects.filter(pk=proposal.pk).update(state="approved", approved_by=makers.drafter)
        with pytest.raises(DatabaseError, match="不能由"), transaction.atomic():
            Proposal.objects.filter(pk=proposal.pk).update(state="in_force")
        with pytest.raises(DatabaseError, match="不能修改"), transaction.atomic():
            Opinion.objects.filter(proposal=proposal).update(text="改")


def test_what_was_adopted_cannot_be_changed_by_anybody(makers, as_owner):
    adopted(makers, [value("620")], DAY, FROM)
    with as_owner(), pytest.raises(DatabaseError, match="只可追加"), transaction.atomic():
        AdoptedValue.objects.update(value="1")


def test_who_drafted_has_no_hand_in_the_approval_whatever_his_duty_is_now(makers):
    proposal = drafted(makers, [value("620")], DAY, FROM)
    heard(makers, proposal, DAY)
    with clock.frozen(DAY):
        for duty in duties_of(makers.drafter):
            revoke_duty(acting_user=None, duty=duty)
        grant_duty(acting_user=None, user=makers.drafter, code="standards_approve")
    with at(makers.drafter, DAY), pytest.raises(ProposalHandsError):
        actions.approve(
            proposal, acting_user=makers.drafter, book=rulebook.book(), unknown_note="待公布", untried_note="没有花名册"
        )


def test_whoever_edited_it_once_does_not_approve_it(makers, make_user):
    first = hire(make_user, "4208", "standards")
    proposal = drafted(makers, [value("620")], DAY, FROM)
    for user in (first, makers.drafter):
        with at(user, DAY):
            actions.put_values(
                proposal,
                acting_user=user,
                book=rulebook.book(),
                values=[value("620")],
                basis=BASIS,
                basis_source="公报",
            )
    heard(makers, proposal, DAY)
    with clock.frozen(DAY):
        for duty in duties_of(first):
            revoke_duty(acting_user=None, duty=duty)
        grant_duty(acting_user=None, user=first, code="standards_approve")
    with at(first, DAY):
        with pytest.raises(ProposalHandsError):
            actions.approve(
                proposal, acting_user=first, book=rulebook.book(), unknown_note="待公布", untried_note="没有花名册"
            )
        with pytest.raises(DatabaseError, match="many_eyes"), transaction.atomic():
            Proposal.objects.filter(pk=proposal.pk).update(state="approved", approved_by=first)


def test_a_proposal_that_moved_to_another_year_does_not_lend_its_number(makers):
    with at(makers.drafter, DAY):
        first, second = (
            actions.draft(acting_user=makers.drafter, place="4208", title="提标", effective_on=FROM) for _ in range(2)
        )
        actions.put_values(
            first, acting_user=makers.drafter, book=rulebook.book(), values=[], effective_on=date(2018, 1, 1)
        )
        third = actions.draft(acting_user=makers.drafter, place="4208", title="提标", effective_on=FROM)
    assert [one.no[-2:] for one in (first, second, third)] == ["01", "02", "03"]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([value("六百")], "不是数"),
        ([value("620", unit="元")], "量纲不同"),
        ([value("620", place="420103")], "不在 4208 之内"),
        ([value("620", kind="town")], "可用"),
        ([value("-5")], "不能为负"),
        ([value("620", param="dibao.standrad")], "没有参数"),
        ([value("620"), value("630")], "只能有一个值"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_the_remedy(makers, rows, told):
    with pytest.raises(ProposalInputError, match=told):
        drafted(makers, rows, DAY, FROM)


def test_steps_do_not_skip(makers):
    proposal = drafted(makers, [value("620")], DAY, FROM)
    with at(makers.drafter, DAY), pytest.raises(ProposalStateError):
        actions.publish(
            proposal, acting_user=makers.drafter, book=rulebook.book(), doc_no="x", doc_title="y", published_on=DAY
        )
    heard(makers, proposal, DAY)
    with at(makers.drafter, DAY):
        actions.recall(proposal, acting_user=makers.drafter, reason="财政建议改为 610")
        actions.put_values(proposal, acting_user=makers.drafter, book=rulebook.book(), values=[value("610")])
    heard(makers, proposal, DAY)  # everybody is asked anew
    with at(makers.drafter, DAY):
        assert Opinion.objects.filter(proposal=proposal).count() == 8
        assert actions.withdraw(proposal, acting_user=makers.drafter, reason="暂缓").state == ProposalState.WITHDRAWN


def test_a_yearly_value_is_kept_as_printed_and_used_exactly(makers):
    adopted(makers, [value("4800", "4208", "rural", unit="元/人·年")], DAY, FROM)
    book = rulebook.book(fresh=True)
    found = book.value("dibao.standard", book.chain("4208"), ("rural",), FROM)
    assert (found.printed, found.unit, found.value) == ("4800", "元/人·年", 40000)


def test_a_later_document_supersedes(makers):
    adopted(makers, [value("620")], DAY, FROM)
    adopted(makers, [value("650")], date(2017, 9, 20), date(2017, 10, 1), doc_no="荆民发〔2017〕30号")
    book = rulebook.book(fresh=True)
    found = [
        book.value("dibao.standard", book.chain("420802"), ("urban",), day).value for day in (FROM, date(2017, 10, 1))
    ]
    assert found == [62000, 65000]


def test_a_replaced_proposal_says_by_what_and_from_which_day(makers):
    both = [value("620"), value("560", kind="rural")]
    old = adopted(makers, both, DAY, FROM)
    later = date(2017, 10, 1)
    new = adopted(makers, [value("650")], date(2017, 9, 20), later, doc_no="荆民发〔2017〕30号")
    last = adopted(
        makers, [value("600", kind="rural")], date(2017, 9, 21), date(2017, 11, 1), doc_no="荆民发〔2017〕31号"
    )
    rows = [old, new, last]
    with at(makers.drafter, DAY):
        before, partly, whole = (superseded(rows, day)[old.pk] for day in (date(2017, 9, 30), later, last.effective_on))
        assert set(superseded(rows, last.effective_on)) == {old.pk}
    assert [one.word for one in (before, partly, whole)] == ["", "部分被替代", "被替代"]
    assert [(one.by.pk, one.on, one.parts) for one in whole.by] == [(new.pk, later, 1), (last.pk, last.effective_on, 1)]
    assert whole.since == last.effective_on
    assert whole.of == 2
    with clock.frozen(last.effective_on):
        client = client_of(makers.drafter)
        shown = client.get(reverse("web:proposal", args=[old.pk])).content.decode()
        listed = client.get(reverse("web:proposals")).content.decode()
        held = client.get(reverse("web:proposal", args=[new.pk])).content.decode()
    assert "荆民发〔2017〕31号《" in shown
    assert "被替代" in shown
    assert "由 荆民发〔2017〕30号 替代" in listed
    assert "被替代" not in held


def test_values_nobody_simulated_need_a_reason(makers):
    proposal = drafted(makers, [value("620")], DAY, FROM)
    heard(makers, proposal, DAY)
    with at(makers.approver, DAY):
        with pytest.raises(ProposalInputError, match="现在的数值还没有测算过"):
            actions.approve(proposal, acting_user=makers.approver, book=rulebook.book(), unknown_note="待公布")
        proposal.refresh_from_db()
        note_simulated(proposal.pk, {"print": print_of(proposal), "counts": {}, "amount_fen": 0, "back_fen": 0})
        done = actions.approve(proposal, acting_user=makers.approver, book=rulebook.book(), unknown_note="待公布")
    assert (done.state, done.untried_note) == ("approved", "")
