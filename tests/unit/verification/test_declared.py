"""Declared answers of an application from a phone: into the draft, beside what is held, against what registers say."""

from __future__ import annotations

from datetime import date

import pytest
from applykit import filled, new_member, sent, signed
from casekit import at, hire
from oversightkit import resident

from tuodi.audit.models import AuditEntry
from tuodi.exchange.gateway import Answer, Query, Status, Subject, Target
from tuodi.exchange.wire import Signature
from tuodi.intake import online_actions as phone
from tuodi.intake import online_forms
from tuodi.intake.online_actions import Holder
from tuodi.intake.online_content import Content
from tuodi.kernel import clock
from tuodi.org.access import system_scope
from tuodi.people.facts import put_facts
from tuodi.verification import live, request_actions
from tuodi.verification.actions import enter_facts, freeze
from tuodi.verification.declared_actions import adopt_declared, beside_of, carry_declared, online_of
from tuodi.verification.declaring import answers_of, rest_of
from tuodi.verification.errors import DeclaredWaitingError
from tuodi.verification.models import CheckAnswer, DataSource
from tuodi.verification.online_accept import accept_online
from tuodi.verification.queries import draft_of
from tuodi.verification.rulebook import book

DAY = date(2021, 9, 13)
FORM = online_forms.form_for("420802001001", DAY)


@pytest.fixture
def me(household):
    with clock.frozen(DAY):
        yield Holder(account=resident(household.head))


def stated(**answers):
    content = Content(answers=answers, members=[{"person": 7, "name": "欧阳建", "relation": "self"}])
    return {one.fact: one.value for one in answers_of(content, FORM, {0: 7})}


@pytest.mark.parametrize(
    ("answers", "income"),
    [
        ({"work": "yes", "work_income": "900.00", "other_income": "0.00"}, "10800.00"),
        ({"work": "yes", "work_income": "0.01", "other_income": "99.99"}, "1200.00"),  # 0.12 + 1199.88
        ({"work": "no", "other_income": "0.00"}, "0.00"),  # said so: nobody works, nothing else comes in
        ({"work": "no", "other_income": "50.00"}, "600.00"),
        ({"work": "sometimes", "other_income": "50.00"}, None),  # left blank: unknown, not zero
        ({"work": "no"}, None),  # the other half was never answered
        ({"other_income": "0.00"}, None),  # nor was whether anybody works
    ],
)
def test_an_income_is_the_sum_of_its_answers_and_a_blank_is_never_zero(answers, income):
    assert stated(**answers)["income_year"] == income


def test_what_was_not_asked_states_nothing():
    assert stated(kin="no") == {}


def test_a_ticked_box_states_a_fact_an_empty_one_nothing_and_none_states_all():
    def of(*state):
        content = Content(members=[{"person": 7, "name": "甲", "state": list(state)}])
        return {one.fact: one.value for one in answers_of(content, FORM, {0: 7})}

    assert of("ill") == {"seriously_ill": True}
    assert of("away", "works") == {"employed": True, "lives_together": False}
    assert of("school", "disabled") == {}
    assert of("none") == {"seriously_ill": False, "employed": False, "lives_together": True}
    assert of() == {}


def test_every_answer_of_the_form_is_a_fact_or_says_where_it_goes(db):
    """A form that names a fact nobody declared, or at the wrong level, would lose an answer without a word."""
    known = {(fact.level, fact.name): fact for fact in book().draft.facts}
    for page in FORM.pages:
        for one in page.fields:
            level = "members" if page.per else "household"
            if one.fact:
                assert known["household", one.fact].type == "money"
            for fact in (name for stated in one.facts.values() for name in stated):
                assert (level, fact) in known, (one.id, fact)
    content = Content(
        answers={
            "reason": ["illness"],
            "assets": ["none"],
            "kin": "no",
            "other_income": "1.00",
            "phone": "13900005678",
        },
        members=[{"person": 7, "name": "甲", "state": ["school", "ill"]}],
    )
    rest = {(one.label, one.said): (one.use, one.kinds) for one in rest_of(content, FORM)}
    assert rest["困难原因", "生病花钱多"][0] == "办件的申请事由"
    assert rest["现在的情况", "在上学"] == ("", ())  # ill is a fact; at school is for the officer
    assert rest["家庭财产", "都没有"] == ("", ("vehicle", "estate", "bank_deposit", "business"))
    assert rest["联系电话", "139****5678"][0] == "联系申请人"
    assert ("其他收入合计", "1.00 元／月") not in rest


def accepted(office, online, **more):
    with at(office.town_accept, DAY):
        return accept_online(online, acting_user=office.town_accept, **more).application.case


def lines(office, case):
    with at(office.town_accept, DAY):
        found, rest = beside_of(case, online_of(case), draft_of(case))
        return {(one.who, one.answer.fact): one for one in found}, rest


def test_acceptance_opens_a_draft_with_the_answers_and_an_officer_adopts_them(me, office, household):
    case = accepted(office, sent(me))
    with at(office.town_accept, DAY):
        draft = draft_of(case)
        assert draft.facts["household"]["income_year"] == "10800.00"
        assert draft.facts["household"]["cost_medical"] == "12000.00"
        assert draft.provenance["household.income_year"]["source"] == "declared"
        assert draft.facts["members"][0]["employed"] is False
        with pytest.raises(DeclaredWaitingError, match="核定的家庭年收入"):
            freeze(draft, acting_user=office.town_accept)
    found, _ = lines(office, case)
    assert {one.state for one in found.values()} == {"open"}
    with at(office.town_accept, DAY):
        keys = [one.answer.key for one in found.values()]
        assert adopt_declared(
            draft, online_of(case), acting_user=office.town_accept, take=keys[1:], leave=keys[:1]
        ) == (len(keys) - 1, 1)
        draft.refresh_from_db()
        assert "income_year" not in draft.facts["household"]  # set aside: unknown again, not zero
        assert draft.provenance["household.income_year"]["aside"]["value"] == "10800.00"
        assert draft.provenance["household.cost_medical"]["source"] == "entered"
        assert draft.provenance["household.cost_medical"]["officer"] == office.town_accept.name
        carry_declared(online_of(case), acting_user=office.town_accept)  # again: nothing comes back
        assert freeze(draft_of(case), acting_user=office.town_accept).is_frozen
        row = AuditEntry.objects.filter(action="verification.adopt_declared").get()
        assert row.after["left"] == ["income_year"]
    found, _ = lines(office, case)
    assert found == {}  # the draft is closed


def test_a_known_value_is_never_overwritten_and_both_stand_side_by_side(me, office, household):
    with system_scope("420802"):
        known = {"household": {"income_year": "9000.00", "cost_medical": "12000.00"}, "members": []}
        put_facts(household, known, date(2021, 1, 1))
    case = accepted(office, sent(me))
    found, _ = lines(office, case)
    income, medical = found["", "income_year"], found["", "cost_medical"]
    assert (income.state, income.held, income.answer.value) == ("conflict", "9000.00", "10800.00")
    assert income.origin["source"] == "prior"
    assert medical.state == "same"
    with at(office.town_accept, DAY):
        draft = draft_of(case)
        with pytest.raises(DeclaredWaitingError):
            freeze(draft, acting_user=office.town_accept)
        adopt_declared(draft, online_of(case), acting_user=office.town_accept, take=[], leave=[income.answer.key])
        draft.refresh_from_db()
        assert draft.facts["household"]["income_year"] == "9000.00"
        enter_facts(draft, acting_user=office.town_accept, household={"income_year": "9600.00"}, source="visit")
    assert lines(office, case)[0]["", "income_year"].state == "other"


def test_a_sum_the_rules_cannot_hold_is_shown_with_its_fault_and_stops_nothing(me, office, household):
    online = filled(me, other={"other_income": "999999"}, work={"work": "no"})
    signed(online, me)
    case = accepted(office, phone.send(online.uid, by=me))
    found, _ = lines(office, case)
    assert found["", "income_year"].state == "refused"
    assert found["", "income_year"].fault
    assert found["", "cost_medical"].state == "open"


def test_who_was_registered_at_acceptance_is_found_by_his_number(me, office, household):
    online = sent(me, members=[new_member("欧阳老太", "parent", date(1938, 2, 3))])
    found, _ = lines(office, accepted(office, online))
    assert found["欧阳老太", "employed"].answer.value is False


def test_what_a_register_knows_against_the_answers_is_marked(me, office, household, make_user, settings):
    settings.GATEWAY_URL = "https://gateway.invalid"
    case = accepted(office, sent(me))
    for kind in ("vehicle", "social_insurance", "housing_fund"):
        DataSource.objects.create(
            code=f"jm_{kind}", kind=kind, place_code="4208", label=kind, department="测试部门", state="live",
            mode="real_time", service=kind,
        )  # fmt: skip
    verifier = hire(make_user, "420802", "verify")
    rows = {
        "vehicle": {"号牌号码": "鄂H1", "车辆类型": "轿车", "机动车状态": "正常"},
        "social_insurance": {"待遇类别": "职工", "月养老金": "1200", "待遇状态": "正常"},
    }
    with at(verifier, DAY):
        request = request_actions.open_request(acting_user=verifier, household=household, case=case)
        for row in CheckAnswer.objects.filter(request=request).select_related("source"):
            found = rows.get(row.source.kind) if row.person_id == household.head_id else None
            query = Query(str(row.pk), Target(str(row.source_id), "x", None), Subject("p", "0", "甲"), "")
            live.take_answer(
                row.pk,
                Answer(
                    query, Status.FOUND if found else Status.NOT_FOUND, as_of=date(2021, 9, 10), rows=(found,) if found else (),
                    attempts=1, signature=Signature.OK, raw=b"{}", media_type="application/json", asked_at=clock.now(),
                    answered_at=clock.now(),
                ),
            )  # fmt: skip
        request.refresh_from_db()
        request_actions.make_report(request, acting_user=verifier)
    found, rest = lines(office, case)
    income = found["", "income_year"]
    assert income.against  # 14,400 of pension a year against 10,800 declared
    assert "14,400.00" in income.found[0]
    assert not found["", "cost_medical"].against
    assets = next(against for one, against in rest if one.label == "家庭财产")
    assert len(assets) == 1
    assert "鄂H1" in assets[0]
    assert next(against for one, against in rest if one.label == "困难原因") == []
