"""Statements and visits of a clue: what may be entered, by whom, until when; a finding taken as evidence once."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from casekit import at, hire
from cluekit import FOUND, Hands, clue, home, taken_to
from fieldkit import answers, png, signed

from tuodi.audit.models import AuditEntry
from tuodi.kernel import clock
from tuodi.monitoring.clue_statement import StatementItem, record_statement
from tuodi.monitoring.clue_visits import plan_clue_visit, take_finding, untaken
from tuodi.monitoring.errors import ClueInputError, ClueStateError
from tuodi.monitoring.models import Clue
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.verification.models import VisitTask
from tuodi.verification.visit_actions import VisitForm, submit_visit
from tuodi.verification.visit_evidence import PhotoInput

pytestmark = pytest.mark.django_db
DAY = date(2017, 5, 8)
SAID = (
    StatementItem("plate", "号牌号码", "测A00001 "),
    StatementItem("卖车", "卖车", "去年卖给邻村王某，没有过户", "supports"),
    StatementItem("registered_on", "登记日期", " "),
)


@pytest.fixture
def hands(make_user):
    return Hands(make_user)


def test_statement_stands_beside_the_register_and_on_file(hands):
    one = taken_to(hands, clue(home()), "verifying")
    with at(hands.town, DAY):
        found = record_statement(one, SAID, signed_by="本人", signed_on=DAY, note="未过户", acting_user=hands.town)
        one.refresh_from_db()
        assert one.stated == {
            "plate": {"text": "测A00001", "look": "", "signed_on": "2017-05-08"},
            "卖车": {"text": "去年卖给邻村王某，没有过户", "look": "supports", "signed_on": "2017-05-08"},
        }
        assert found.kind == "statement"
        assert found.text == "号牌号码：测A00001；卖车：去年卖给邻村王某，没有过户（支持陈述）。未过户"
        event = one.events.order_by("-id")[0]
        assert (event.kind, event.by, event.before, event.after) == ("statement", hands.town, "verifying", "verifying")
        record_statement(
            one, [StatementItem("plate", "号牌号码", "不是我的车", "differs")], signed_by="本人", signed_on=DAY, acting_user=hands.town
        )  # fmt: skip
        one.refresh_from_db()
        assert one.stated["plate"]["look"] == "differs"
        assert "卖车" in one.stated
        assert one.evidence.filter(kind="statement").count() == 2
        entry = AuditEntry.objects.filter(action="monitoring.record_statement").order_by("id")[0]
        assert entry.after["fields"] == ["plate", "卖车"]
        assert "测A00001" not in str(entry.after)


@pytest.mark.parametrize(
    ("items", "more", "said"),
    [
        ((StatementItem("a", "甲", " "),), {}, "至少填写一项"),
        ((StatementItem("a", "甲", "话", "yes"),), {}, "比较只能是"),
        ((StatementItem("a", "甲", "话"), StatementItem("a", "甲", "又")), {}, "填写了两次"),
        ((StatementItem("", "", "话"),), {}, "没有写明"),
        (SAID, {"signed_by": " "}, "陈述人"),
        (SAID, {"signed_on": date(2017, 5, 9)}, "不能晚于今天"),
        (SAID, {"signed_on": date(2017, 5, 1)}, "不能早于线索发现日"),
    ],
)
def test_statement_says_what_is_wrong(hands, items, more, said):
    one = taken_to(hands, clue(home()), "verifying")
    with at(hands.town, DAY):
        given = {"signed_by": "本人", "signed_on": DAY} | more
        with pytest.raises(ClueInputError, match=said):
            record_statement(one, items, acting_user=hands.town, **given)
        one.refresh_from_db()
        assert (one.stated, one.evidence.count()) == ({}, 0)


def test_statement_ends_with_the_verdict_and_belongs_to_who_looks_into_it(make_user, hands):
    one = taken_to(hands, clue(home()), "confirmed")
    with at(hands.town, DAY), pytest.raises(ClueStateError, match="登记家庭陈述"):
        record_statement(one, SAID, signed_by="本人", signed_on=DAY, acting_user=hands.town)
    fresh = taken_to(hands, clue(home()), "verifying")
    for user, error in (
        (hands.second, AccessDeniedError), (hire(make_user, "420804001", "clue"), NotFoundError),
    ):  # fmt: skip
        with at(user, DAY), pytest.raises(error):
            record_statement(fresh, SAID, signed_by="本人", signed_on=DAY, acting_user=user)


def test_visit_is_planned_made_and_taken_as_evidence_once(make_user, hands):
    one = taken_to(hands, clue(home()), "verifying")
    other = hire(make_user, "420802001", "visit")
    with at(hands.town, DAY):
        task = plan_clue_visit(one, assigned=(hands.town, other), acting_user=hands.town, note="看车辆")
        assert (task.purpose, task.matter_no) == (VisitTask.Purpose.CLUE, one.no)
        assert one.events.order_by("-id")[0].note.startswith(task.no)
        assert untaken(one) == []
        with pytest.raises(ClueInputError, match="不是这条线索"):
            take_finding(one, 4711, acting_user=hands.town)
    form = VisitForm(
        answers=answers(), conclusion="true", investigators=(hands.town, other), opinion="车已不在",
        started_at=datetime(2017, 5, 8, 9, 0, tzinfo=clock.BEIJING),
    )  # fmt: skip
    with at(hands.town, DAY):
        record = submit_visit(
            task, form, [PhotoInput(png(), "院内.png")], signed(hands.town, other, family=one.person.name), acting_user=hands.town
        )  # fmt: skip
        (found,) = untaken(one)
        assert found.visit_id == record.pk
        evidence = take_finding(one, record.pk, acting_user=hands.town)
        assert (evidence.kind, evidence.visit_id) == ("visit", record.pk)
        assert "意见：车已不在" in evidence.text
        assert found.evidence_hash in evidence.text
        assert untaken(one) == []
        with pytest.raises(ClueInputError, match="已经作为证据"):
            take_finding(one, record.pk, acting_user=hands.town)
        assert one.evidence.count() == 1


def test_visit_unsigned_is_no_evidence_and_a_closed_clue_is_not_visited(make_user, hands):
    one = taken_to(hands, clue(home()), "verifying")
    other = hire(make_user, "420802001", "visit")
    with at(hands.town, DAY):
        task = plan_clue_visit(one, assigned=(hands.town, other), acting_user=hands.town)
        form = VisitForm(
            answers=answers(), conclusion="true", investigators=(hands.town, other),
            started_at=datetime(2017, 5, 8, 9, 0, tzinfo=clock.BEIJING),
        )  # fmt: skip
        record = submit_visit(task, form, [PhotoInput(png(), "院内.png")], signed(hands.town), acting_user=hands.town)
        with pytest.raises(ClueInputError, match="还没有签完名"):
            take_finding(one, record.pk, acting_user=hands.town)
    closed = taken_to(hands, clue(home()), "confirmed", verdict="refuted")
    fresh = clue(home())
    with at(hands.town, FOUND):
        for row in (closed, fresh):
            with pytest.raises(ClueStateError, match="安排入户"):
                plan_clue_visit(row, assigned=(hands.town, other), acting_user=hands.town)
        assert not VisitTask.objects.filter(matter_no__in=[closed.no, fresh.no]).exists()
        assert Clue.objects.get(pk=fresh.pk).state == "generated"
