"""Rules of a proposal: who must be heard is the place's, versions stay, and the database takes only what was approved."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at, client_of
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from rulekit import FIRST, MEDICAL
from standardkit import BODIES, Makers, drafted, heard

from tuodi.kernel import clock
from tuodi.org.models import Office
from tuodi.standards import actions, queries
from tuodi.standards.book import print_of
from tuodi.standards.errors import ProposalInputError, RulesFaultyError
from tuodi.standards.models import AdoptedRules, AdoptedValue, Proposal, RulesDraft
from tuodi.standards.rules import in_force, note_simulated
from tuodi.standards.states import Body
from tuodi.verification import rulebook

pytestmark = pytest.mark.django_db
DAY = date(2017, 9, 20)
OWN = """pack: {place: "420802", programme: profile}
parameters:
  bodies_heard: {value: [finance, human_resources], from: 2017-01-01, clause: DC}
"""


@pytest.fixture(autouse=True)
def _files_again():
    yield
    rulebook.reload()


@pytest.fixture
def makers(make_user) -> Makers:
    return Makers(make_user, "420802", "420802001")


def ready(makers) -> Proposal:
    proposal = drafted(makers, [], DAY, FIRST, rules_text=MEDICAL)
    heard(makers, proposal, DAY)
    proposal.refresh_from_db()
    return proposal


def published(makers, proposal: Proposal) -> Proposal:
    with at(makers.approver, DAY):
        actions.approve(proposal, acting_user=makers.approver, book=rulebook.book(), untried_note="本地还没有花名册")
    with at(makers.drafter, DAY):
        return actions.publish(
            proposal, acting_user=makers.drafter, book=rulebook.book(), doc_no="东民发〔2017〕9号", doc_title="医疗支出抵扣", published_on=DAY
        )  # fmt: skip


def test_rules_alone_go_the_whole_way_and_hold_from_their_day(makers):
    before = rulebook.book(fresh=True).digest
    proposal = published(makers, ready(makers))
    assert (proposal.state, proposal.untried_note) == ("published", "本地还没有花名册")
    book = rulebook.book(fresh=True)
    assert book.digest != before
    chain = book.chain("420802001")
    assert [book.rule_texts(chain, day)["dibao.deduction"].adopted for day in (date(2017, 9, 30), FIRST)] == [
        False,
        True,
    ]
    with at(makers.drafter, FIRST):
        assert actions.enter_into_force() == 1


def test_every_version_is_kept_and_none_is_made_by_saving_the_same(makers):
    proposal = drafted(makers, [], DAY, FIRST, rules_text=MEDICAL)
    with at(makers.drafter, DAY):
        for text in (MEDICAL, MEDICAL.replace("二", "三"), ""):
            actions.put_values(proposal, acting_user=makers.drafter, book=rulebook.book(), values=[], rules_text=text)
    rows = list(RulesDraft.objects.filter(proposal=proposal).order_by("version").values_list("version", "text"))
    assert rows == [(1, MEDICAL.strip()), (2, MEDICAL.replace("二", "三").strip()), (3, "")]
    with at(makers.drafter, DAY), pytest.raises(ProposalInputError, match="也没有写规则"):
        actions.consult(proposal, acting_user=makers.drafter, book=rulebook.book(), bodies=BODIES)


def test_floors_cannot_be_talked_away(makers):
    body = (
        MEDICAL.replace("dibao", "standards", 1)
        .replace("deduction", "urban_floor_fit")
        .replace('"cost_medical"', '"true"')
    )
    proposal = drafted(makers, [], DAY, FIRST, rules_text=body)
    assert any("底线检查" in one["message"] for one in proposal.rules_review["faults"])
    with at(makers.drafter, DAY), pytest.raises(RulesFaultyError):
        actions.consult(proposal, acting_user=makers.drafter, book=rulebook.book(), bodies=BODIES)


def test_a_simulation_of_another_text_does_not_count(makers):
    proposal = ready(makers)
    figures = {
        "print": print_of(proposal),
        "simulation": 1,
        "month": 201710,
        "counts": {},
        "amount_fen": 0,
        "back_fen": 0,
    }
    note_simulated(proposal.pk, {**figures, "print": "0" * 64})
    proposal.refresh_from_db()
    assert proposal.simulated == {}
    note_simulated(proposal.pk, figures)
    with at(makers.approver, DAY):
        assert actions.approve(proposal, acting_user=makers.approver, book=rulebook.book()).state == "approved"


def test_the_database_adopts_nothing_that_nobody_else_approved(makers):
    proposal = ready(makers)
    row = {"proposal": proposal, "place": "420802", "start": FIRST, "doc_no": "东民发〔2017〕9号", "doc_title": "通知", "issued_on": DAY, "adopted_at": clock.now()}  # fmt: skip
    with at(makers.drafter, DAY):
        with pytest.raises(DatabaseError, match="没有经另一人批准"), transaction.atomic():
            AdoptedRules.objects.create(text=proposal.rules_text, digest="", **row)
        with pytest.raises(DatabaseError, match="没有经另一人批准"), transaction.atomic():
            AdoptedValue.objects.create(param="dibao.standard", keys=["urban"], value="9", **row)
        with pytest.raises(DatabaseError, match="four_eyes"), transaction.atomic():
            Proposal.objects.filter(pk=proposal.pk).update(state="approved", approved_by=makers.drafter)
        with pytest.raises(DatabaseError, match="不能修改"), transaction.atomic():
            Proposal.objects.filter(pk=proposal.pk).update(rules_text="")
        with pytest.raises(DatabaseError, match="不能修改"), transaction.atomic():
            RulesDraft.objects.create(
                proposal=proposal, version=9, text="", digest="", saved_at=clock.now(), saved_by=makers.drafter
            )
    done = published(makers, proposal)
    with at(makers.drafter, DAY), pytest.raises(DatabaseError, match="不一致"), transaction.atomic():
        AdoptedValue.objects.create(**{**row, "proposal": done}, param="dibao.standard", keys=["urban"], value="9")
    with at(makers.drafter, DAY), pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        AdoptedRules.objects.filter(proposal=done).update(text="")


def test_whom_to_hear_is_the_places_own(makers, tmp_path, monkeypatch):
    book = rulebook.book()
    assert queries.bodies_heard(book, "420802", DAY) == [Body.FINANCE, Body.STATISTICS, Body.PRICES]
    assert Body.COUNTY in queries.bodies_heard(book, "4208", DAY)
    (tmp_path / "own.yaml").write_text(OWN, encoding="utf-8")
    monkeypatch.setenv("TUODI_POLICIES", str(tmp_path))
    rulebook.reload()
    assert queries.bodies_heard(rulebook.book(), "420802", DAY) == [Body.FINANCE, Body.HUMAN_RESOURCES]
    proposal = drafted(makers, [], DAY, FIRST, rules_text=MEDICAL)
    with at(makers.drafter, DAY), pytest.raises(ProposalInputError, match="还缺人社"):
        actions.consult(proposal, acting_user=makers.drafter, book=rulebook.book(), bodies=BODIES)
    staff = [{"body": Body.HUMAN_RESOURCES, "name": "区人社局"}, BODIES[0]]
    with at(makers.drafter, DAY):
        assert len(actions.consult(proposal, acting_user=makers.drafter, book=rulebook.book(), bodies=staff)) == 2


def test_what_was_adopted_is_listed_with_document_and_what_it_replaces(makers):
    proposal = published(makers, ready(makers))
    assert in_force("420802001", date(2017, 9, 30)) == []
    (found,) = in_force("420802001", FIRST)
    (rule,) = [one for one in found.rules if one.name == "dibao.deduction"]
    assert (found.adopted.doc_no, found.proposal.approved_by_id) == ("东民发〔2017〕9号", makers.approver.pk)
    assert rule.was != ""
    assert rule.was != rule.words
    assert rule.later == ""
    assert in_force("420803", FIRST) == []
    with at(makers.drafter, FIRST):
        page = (
            client_of(makers.drafter)
            .get(reverse("web:standards"), {"place": "420802001", "on": FIRST.isoformat()})
            .content.decode()
        )
    for told in ("东民发〔2017〕9号", proposal.no, makers.approver.name, FIRST.isoformat(), "代替", rule.label):
        assert told in page
    Office.objects.filter(place_code="420802").update(kind=Office.Kind.CIVIL_AFFAIRS, is_active=True)
    with clock.frozen(FIRST):
        found = Client().get(reverse("web:my-policy", args=["dibao"]), {"place": "420802"})
        assert found.status_code == 200
        assert "东民发〔2017〕9号" in found.content.decode()
