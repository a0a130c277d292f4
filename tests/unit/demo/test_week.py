"""The demo's week of service on a small place: every list gets rows in several states, told once, resumed after a kill."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Count
from lifekit import on_roll

from tuodi.audit.models import AuditEntry
from tuodi.cases.models import Case, NoticeObjection
from tuodi.decisions.models import CareAgreement, CaseFile, Relief, Revocation, RollNotice
from tuodi.demo.staff import set_up_places, set_up_staff
from tuodi.demo.week import casework, door, online, play, urgent, voices
from tuodi.demo.week.cast import DESKS, invent
from tuodi.files.models import StoredFile
from tuodi.intake.models import Discovery, Need, OnlineApplication, PatrolTask, Referral, Ticket
from tuodi.kernel import clock
from tuodi.messages.models import Message
from tuodi.monitoring.models import (
    ChangeReport,
    DeathMatter,
    Export,
    HouseholdClass,
    JobOffer,
    PeriodicReview,
    RefusalProposal,
    Transfer,
)
from tuodi.org.access import system_scope
from tuodi.oversight.models import Appeal, Complaint, Rating
from tuodi.people.models import AtRisk, RollEntry
from tuodi.verification.models import SelfCareAssessment

pytestmark = pytest.mark.django_db


class KilledError(Exception):
    """Stands for a kill of the story."""


#: Counter -> families of several and of one person that the scenes ask its roll for.
ROLL = ((12, 6), (8, 1), (7, 1), (5, 1), (4, 1), (7, 1), (5, 2), (8, 8), (6, 1), (4, 3))


def first_of_each(rows: Sequence[Any], field: str) -> tuple[Any, ...]:
    """One row for each value of a field: every branch of a scene, and not its whole length."""
    return tuple({getattr(row, field): row for row in reversed(rows)}.values())


@pytest.fixture
def counters(tmp_path: Path, files_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Counters with their officers, and scenes cut to one row of each kind."""
    for room, name, field in (
        (door, "_VISITORS", "does"), (door, "_CALLS", "state"), (casework, "_STEPS", "until"), (online, "_SENT", "does"),
        (urgent, "_EMERGENCIES", "does"), (voices, "_COMPLAINTS", "does"),
    ):  # fmt: skip
        monkeypatch.setattr(room, name, first_of_each(getattr(room, name), field))
    set_up_places()
    set_up_staff(tmp_path / "accounts.txt")
    return tmp_path


@pytest.fixture
def place(counters: Path) -> Path:
    """The counters, and the few families of the roll that play."""
    with clock.frozen(date(2017, 8, 2)):
        for desk, (many, alone) in zip(DESKS, ROLL, strict=True):
            for _ in range(many):
                on_roll(desk.village, income=400, amount_fen=60_000, start=201609)
            for _ in range(alone):
                on_roll(desk.village, names=("独居",), income=100, amount_fen=40_000, start=201609)
        for _ in range(4):
            home = on_roll(
                DESKS[2].village, names=("五保",), income=0, amount_fen=62_600, start=201609, area_kind="rural"
            )
            with system_scope("4208"):
                RollEntry.objects.filter(household=home).update(
                    programme="tekun", person=home.head, category="rural", form="dispersed"
                )
    return counters


def states(model: Any, field: str = "state") -> dict[str, int]:
    return dict(model.objects.values_list(field).annotate(n=Count("pk")).order_by(field))


def told(state: Path, **more: Any) -> list[str]:
    said: list[str] = []
    play.tell_week(state, more.get("tell", said.append))
    return said


def test_every_list_of_the_service_has_something_in_it(place: Path) -> None:
    first = told(place)
    with system_scope("4208"):
        assert states(Need) == {"closed": 1, "open": 6}
        assert set(states(Referral, "outcome")) == {"", "granted", "refused"}
        assert set(states(Ticket)) == {"open", "assigned", "closed"}
        assert set(states(OnlineApplication)) >= {"draft", "sent", "asked", "accepted", "refused", "withdrawn"}
        assert set(states(Relief)) == {
            "reported", "responded", "relieved", "completed", "confirmed", "withdrawn", "closed",
        }  # fmt: skip
        assert Relief.objects.filter(alarmed_at__isnull=False).exists()
        assert AtRisk.objects.count() > 15
        assert set(states(PatrolTask)) >= {"planned", "done"}
        assert set(states(Discovery)) == {"reported", "converted", "no_need"}
        waiting = set(Case.objects.filter(decision="", closed_on=None).values_list("steps__name", "steps__state"))
        at = {name for name, state in waiting if state == "open"}
        assert at >= {
            "check", "visit", "meeting", "first_review", "notice_review", "county_review", "notice_approval", "confirm",
            "papers",
        }  # fmt: skip
        assert set(states(NoticeObjection)) >= {"new", "taken", "answered", "dismissed"}
        assert set(states(SelfCareAssessment)) >= {"ordered", "assessed"}
        assert CareAgreement.objects.exists()
        assert set(states(ChangeReport)) == {"reported", "checked", "decided", "no_effect", "withdrawn"}
        assert set(states(ChangeReport, "source")) >= {"counter", "online", "village", "found"}
        assert set(states(JobOffer, "answer")) == {"open", "accepted", "refused"}
        assert set(states(RefusalProposal)) == {"proposed", "confirmed"}
        assert set(states(DeathMatter)) == {"open", "proposed", "settled"}
        assert DeathMatter.objects.filter(due_on__lt=date(2017, 9, 11)).exists()
        assert set(states(Transfer)) == {"proposed", "sent", "taken", "done", "refused", "withdrawn"}
        assert set(states(PeriodicReview)) >= {"due", "assigned", "done"}
        assert set(states(HouseholdClass)) >= {"proposed", "confirmed"}
        notices = RollNotice.objects.values_list("kind", "delivered_on")
        assert {kind for kind, _ in notices} >= {"increase", "decrease", "stop", "moved"}
        assert any(on is None for _, on in notices)
        assert any(on is not None for _, on in notices)
        assert set(states(Rating)) >= {"given", "to_mend", "to_call", "closed"}
        assert set(states(Complaint)) >= {"open", "answered", "closed", "escalated"}
        assert states(Appeal) == {"accepted": 1, "decided": 2, "filed": 1}
        assert Revocation.objects.get().case is not None
        assert set(states(Message, "template")) >= {"phone_registered", "application_received", "answer_given"}
        assert CaseFile.objects.get().state == "ready"
        assert states(Export)["ready"] >= 1
        rows = AuditEntry.objects.count(), StoredFile.objects.count()
    again = told(place)
    assert again == first
    with system_scope("4208"):
        assert (AuditEntry.objects.count(), StoredFile.objects.count()) == rows
    assert (place / "accounts.txt").read_text(encoding="utf-8").count("/my/\t") == 1


def test_a_week_killed_in_the_middle_of_a_scene_goes_on_to_the_same_end(
    counters: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The door's scenes alone: what was begun is not there, what was whole is not told twice."""
    scenes = play.SCENES[:4]

    def killed() -> str:
        scenes[2][1]()
        raise KilledError

    monkeypatch.setattr(play, "SCENES", (*scenes[:2], ("calls", killed)))
    with pytest.raises(KilledError):
        told(counters)
    with system_scope("4208"):
        before = states(Need)
        assert Ticket.objects.count() == 0
    monkeypatch.setattr(play, "SCENES", scenes)
    told(counters)
    with system_scope("4208"):
        assert states(Need) == before
        assert Ticket.objects.count() == 3


def test_invented_people_have_numbers_of_no_real_place() -> None:
    numbers = [one.id_text for number in range(1, 460) for one in invent(number, 4).members]
    assert {number[:6] for number in numbers} == {"420899"}
    assert not [number for number in numbers if number.endswith("000")]
    assert len(set(numbers)) == len(numbers)
