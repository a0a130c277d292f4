"""From consent to determination: a family is asked about at real departments, one of them late, one of them wrong.

荆门 东宝区, May 2017. The gateway is a process of its own; people and registers are synthetic.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from casekit import Office, at, family
from gatewaykit import Gateway, gateway, registers, sources

from tuodi.cases import actions as cases
from tuodi.cases.queries import open_step
from tuodi.crypto.sm2 import KeyPair
from tuodi.decisions import actions as decisions
from tuodi.decisions.decide import ask
from tuodi.exchange.gateway import Link
from tuodi.files.store import open_plain
from tuodi.intake.application_actions import accept_application
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.models import DutyCode
from tuodi.people import secrets
from tuodi.people.queries import members_on
from tuodi.verification import live, request_actions
from tuodi.verification.actions import enter_facts, freeze, start_fact_set
from tuodi.verification.check_errors import NobodyToCheckError, OpenConflictsError, ReportNeededError
from tuodi.verification.consent_actions import record_consent
from tuodi.verification.models import CheckAnswer, CheckRequest
from tuodi.verification.queries import as_family

pytestmark = pytest.mark.django_db

PLACE = "420802"
CHECKED, LATER = date(2017, 5, 12), date(2017, 5, 15)


@dataclass
class World:
    """The family, its case, the officers, the departments."""

    office: Office
    verifier: Any
    household: Any
    case: Any
    people: list[Any]
    departments: Gateway

    def act(self, day: date) -> Any:
        return at(self.verifier, day)

    def link(self) -> Link:
        return Link(self.departments.url, self.departments.pair, clock.now, backoff=0.01, poll=0.05)

    def consent(self, person: Any, day: date, **more: Any) -> Any:
        with self.act(day):
            return record_consent(
                acting_user=self.verifier,
                household=self.household,
                person=person,
                paper_ref="东宝 2017-05 第 1 盒",
                **more,
            )

    def send(self, request: CheckRequest, day: date, **more: Any) -> CheckRequest:
        self.departments.at(f"{day}T09:00")
        with clock.frozen(day):
            live.send(request.pk, place=PLACE, way=self.link(), **more)
        with self.act(day):
            request.refresh_from_db()
            return request


@pytest.fixture
def world(make_user: Any, tmp_path: Any, settings: Any) -> Iterator[World]:
    office = Office("420802001001", make_user)
    household = family("420802001001")
    with at(office.town_accept, date(2017, 5, 10)):
        case = accept_application(
            acting_user=office.town_accept, household=household, programme="dibao", materials={"身份证": True}
        ).case
        people = [one.person for one in members_on(household, date(2017, 5, 10))]
        head = secrets.open_id(people[0])
    with clock.frozen(date(2010, 1, 4)):
        verifier = make_user(PLACE, DutyCode.VERIFY, DutyCode.REVIEW)
    pension = [
        {
            "身份证号": head,
            "姓名": people[0].name,
            "待遇类别": "城镇职工养老保险",
            "月养老金": "1,200.00",
            "待遇状态": "正常",
        }
    ]
    folder = registers(tmp_path / "registers", vehicle=[], social_insurance=pension, prison=[], disability=[])
    pair = KeyPair.generate()
    settings.GATEWAY_URL = "https://gateway.invalid"
    with gateway(data=folder, clock=f"{CHECKED}T09:00", pair=pair) as departments:
        sources(departments, PLACE, "vehicle", "social_insurance", "prison", "disability")
        yield World(office, verifier, household, case, people, departments)


def test_no_consent_no_request(world: World) -> None:
    with world.act(CHECKED), pytest.raises(NobodyToCheckError, match="欧阳建、单晓月、欧阳春"):
        request_actions.open_request(acting_user=world.verifier, household=world.household, case=world.case)
    with world.act(CHECKED):
        assert CheckRequest.objects.count() == 0
    assert [world.departments.asked(name) for name in ("vehicle", "social_insurance", "prison", "disability")] == [
        0,
        0,
        0,
        0,
    ]


def test_from_consent_to_determination_with_a_late_answer(world: World) -> None:
    head, spouse, child = world.people
    world.consent(head, date(2017, 5, 11))
    world.consent(spouse, date(2017, 5, 11))

    # The child's guardian has not signed: the child is listed, not asked about.
    with world.act(CHECKED):
        request = request_actions.open_request(
            acting_user=world.verifier, household=world.household, case=world.case, purpose="application"
        )
        assert request.no == "420802-HD-20170512-0001"
        assert request.left_out == [{"name": child.name, "role": "member", "why": "没有有效的核对授权"}]
        assert request.answers.count() == 8

    # The traffic police are slow (a ticket), the prison register stumbles once, the disability register answers for another.
    world.departments.set("vehicle", polls=500)
    world.departments.set("prison", faults=["500", "500"], format="xml")
    world.departments.set("disability", faults=["wrong_person", "wrong_person"])
    request = world.send(request, CHECKED, patience=5.0)
    with world.act(CHECKED):
        found = {(row.source.code, row.person_id): row for row in request.answers.select_related("source")}
        pension = found["social_insurance", head.pk]
        assert (pension.status, pension.signature) == ("found", "ok")
        assert pension.rows[0]["values"]["monthly_pension_fen"] == 120_000
        assert found["social_insurance", spouse.pk].status == "not_found"
        assert {found["prison", one.pk].status for one in (head, spouse)} == {"not_found"}
        vehicle = found["vehicle", head.pk]
        assert (vehicle.status, vehicle.reason) == ("timeout", "pending")
        assert vehicle.ticket
        wrong = found["disability", head.pk]
        assert (wrong.status, wrong.reason, wrong.rows) == ("error", "wrong_person", [])
        # What was refused is kept as evidence, encrypted, and readable.
        assert b"NOT_FOUND" in open_plain(wrong.raw).read()
        assert request.state == "partly"

    # A report names what is missing; 信息核对 is not completed on it without words.
    with world.act(CHECKED):
        report = request_actions.make_report(request, acting_user=world.verifier)
        assert report.complete is False
        assert sorted(report.missing) == sorted(
            f"{source} · {one.name}" for source in ("机动车登记", "残疾人证") for one in (head, spouse)
        )
        assert open_plain(report.file).read().startswith(b"%PDF")
        with pytest.raises(ReportNeededError, match="机动车登记"):
            request_actions.complete_check(open_step(world.case, "check"), acting_user=world.verifier)
        step = request_actions.complete_check(
            open_step(world.case, "check"), acting_user=world.verifier, opinion="车辆答复到达后补核"
        )
        assert step.data["report"] == report.no
        assert step.data["missing"] == report.missing

    # The family declared 10,800 a year in all and that its assets are within the limit.
    o = world.office
    with at(o.town_review, CHECKED):
        draft = start_fact_set(acting_user=o.town_review, household=world.household, case=world.case)
        enter_facts(draft, acting_user=o.town_review, household={"income_year": "10800.00", "assets_ok": True})
    with world.act(CHECKED):
        again = request_actions.content_of(
            request, no="x", day=CHECKED, office="", made_by=""
        )  # what a report would say now that facts are declared
        (line,) = [item for item in again["items"] if item["income"] == "pension"]
        assert (line["mark"], line["found"]) == ("differ", "14,400.00 元/年")

    # The ticket is fetched three days later: the request opens again and the next report holds the answer.
    world.departments.set("vehicle", polls=0)
    for service in ("prison", "disability"):
        world.departments.set(service, faults=[])
    with clock.frozen(LATER):
        world.departments.at(f"{LATER}T09:00")
        assert live.fetch_late(PLACE, way=world.link()) == 4  # two cars, and two certificates asked about anew
    with world.act(LATER):
        request.refresh_from_db()
        assert request.state == "complete"
        late = CheckAnswer.objects.get(request=request, source__code="vehicle", person=head)
        assert (late.status, late.late) == ("not_found", True)
        second = request_actions.make_report(request, acting_user=world.verifier)
        assert (second.version, second.complete) == (2, True)
        with pytest.raises(OpenConflictsError, match="养老待遇 · 欧阳建"):
            request_actions.apply_report(second, draft, acting_user=world.verifier)
        key = next(item["key"] for item in second.content["items"] if item["income"] == "pension")
        changed = request_actions.apply_report(second, draft, acting_user=world.verifier, choices={key: "register"})
        assert changed == ["欧阳建 · 离退休金、养老金"]
        draft.refresh_from_db()
        assert draft.facts["members"][0]["incomes"] == [{"income_kind": "pension", "income_amount": "14400.00"}]
        origin = draft.provenance["members[0].incomes"]
        assert origin["source"] == "register"
        assert origin["evidence"].startswith(f"核对报告 {second.no} · 社会保险和养老待遇 · 2017-04-30")
        # The declared total no longer stands; until an officer finds that all incomes are listed, the income is unknown.
        assert "income_year" not in draft.facts["household"]
        assert ask(draft, "dibao", case_date=LATER, month=Month(2017, 6)).outcome == "unknown"

    with at(o.town_review, LATER):
        visit = open_step(world.case, "visit")
        cases.complete_step(visit, acting_user=o.town_review, opinion="属实", people=[o.town_visit])
        enter_facts(draft, acting_user=o.town_review, household={"income_listed": True}, source="finding")
        frozen = freeze(draft, acting_user=o.town_review)
        assert as_family(frozen)["members"][0]["incomes"][0]["income_amount"]["source"] == "register"
    determination = to_the_end(world)
    # Three members at 575.00 less 1,200.00 pension a month.
    assert determination.amount_fen == 3 * 57_500 - 120_000
    assert determination.fact_set_id == frozen.pk


def to_the_end(world: World) -> Any:
    """Review, two notices, county's confirmation."""
    o, case = world.office, world.case
    with at(o.town_review, date(2017, 5, 17)):
        cases.complete_step(open_step(case, "meeting"), acting_user=o.town_review, result="agreed", opinion="同意")
    with at(o.town_review, date(2017, 5, 18)):
        case.refresh_from_db()
        decisions.first_review(case, acting_user=o.town_review, result="pass", opinion="拟予批准")
    with at(o.town_review, date(2017, 5, 19)):
        case.refresh_from_db()
        decisions.post_notice(case, acting_user=o.town_review)
    with at(o.town_review, date(2017, 5, 27)):
        case.refresh_from_db()
        decisions.close_notice(case, acting_user=o.town_review)
    with at(o.county_review, date(2017, 5, 31)):
        cases.complete_step(open_step(case, "county_review"), acting_user=o.county_review, opinion="情况属实")
    with at(o.county_confirm, date(2017, 6, 1)):
        case.refresh_from_db()
        decisions.post_notice(case, acting_user=o.county_confirm)
    with at(o.county_confirm, date(2017, 6, 9)):
        case.refresh_from_db()
        decisions.close_notice(case, acting_user=o.county_confirm)
    with at(o.county_confirm, date(2017, 6, 12)):
        case.refresh_from_db()
        (row,) = decisions.confirm(case, acting_user=o.county_confirm, opinion="同意")
    return row
