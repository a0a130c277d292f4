"""Records of visits and meetings as printed forms, by the room `documents`."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from tuodi import documents
from tuodi.kernel import clock
from tuodi.kernel.clock import BEIJING
from tuodi.org.errors import NotFoundError
from tuodi.org.models import User
from tuodi.people.queries import members_on
from tuodi.verification.models import ReviewMeeting, VisitPhoto, VisitRecord, VisitTask
from tuodi.verification.visit_queries import findings_of
from tuodi.web.components import places
from tuodi.web.counter import work

#: Sections of the form -> part of the printed one.
_COMPARED = {"收入": "incomes", "财产": "assets"}
_LINES = {"住房和生活": "housing", "支出": "expenses", "赡养、抚养、扶养义务人": "supporters"}
_ROLES = {"investigator": "调查人员", "respondent": "被调查人", "witness": "见证人"}


def available() -> bool:
    """Whether this site can print (the room has its renderer)."""
    return hasattr(documents, "render")


def _pdf(name: str, data: dict[str, Any], file: str, user: User) -> HttpResponse:
    if not available():
        raise NotFoundError("打印模板")
    now = f"{clock.now():%Y-%m-%d %H:%M}"
    body = documents.render(name, data, printed_by=user.name, printed_at=now)  # type: ignore[attr-defined]
    response = HttpResponse(body, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{file}.pdf"'
    response["Cache-Control"] = "no-store"
    return response


def visit_pdf(task: VisitTask, record: VisitRecord, user: User) -> HttpResponse:
    """入户调查登记表."""
    return _pdf("home_visit", visit_data(task, record), record.no, user)


def visit_data(task: VisitTask, record: VisitRecord) -> dict[str, Any]:
    """A record as the printed form takes it."""
    found: dict[str, Any] = {name: [] for name in (*_COMPARED.values(), *_LINES.values())}
    kin, kin_note, rest = None, "", []
    for line in findings_of(record):
        words = "一致" if line["fit"] == "agree" else line["seen"]
        if line["id"] == "staff_kin":
            kin = record.answers.get("staff_kin") == "yes"
        elif line["id"] == "staff_kin_who":
            kin_note = words
        elif line["section"] in _COMPARED:
            agrees = {"agree": True, "differ": False}.get(line["fit"])
            found[_COMPARED[line["section"]]].append(
                {
                    "label": line["label"],
                    "declared": line["record"],
                    "seen": words,
                    "agrees": agrees,
                    "note": line["note"],
                }
            )
        elif line["section"] in _LINES:
            found[_LINES[line["section"]]].append({"label": line["label"], "value": words})
        else:
            rest.append(f"{line['label']}：{words}")
    heard = [f"{one['name']}（{one['relation']}）：{one['said']}" for one in record.neighbours]
    photos = VisitPhoto.objects.filter(task=task, sha256__in=record.photo_hashes).order_by("id")
    return {
        "number": record.no,
        "office": task.office.name,
        "date": f"{record.received_at.astimezone(BEIJING):%Y-%m-%d}",
        "household_no": task.household.no,
        "head": task.household.head.name,
        "place": places.path(task.region),
        "address": task.place,
        "programme": work.programme_label(task.case.programme) if task.case else task.get_purpose_display(),
        "visited_at": _when(record.started_at or record.received_at),
        "investigators": [one["name"] for one in record.investigators],
        "members": [
            {
                "name": row.person.name,
                "relation": row.get_relation_display(),
                "id_masked": row.person.id_masked,
                "present": row.person.name in record.at_home if record.at_home else None,
            }
            for row in members_on(task.household, clock.today())
        ],
        **found,
        "kin_of_staff": kin,
        "kin_note": kin_note,
        "findings": "；".join([*rest, *(f"邻里反映 {one}" for one in heard)]),
        "opinion": f"{record.get_conclusion_display()}。{record.opinion or record.refused_reason}",
        "photos": [
            {"caption": one.caption or "照片", "taken_at": _when(one.taken_at), "sha256": one.sha256} for one in photos
        ],
        "signatures": [{"role": _ROLES.get(row["role"], ""), "name": row["name"]} for row in record.signatures],
    }


def review_pdf(meeting: ReviewMeeting, user: User) -> HttpResponse:
    """民主评议记录."""
    return _pdf("review_minutes", review_data(meeting), meeting.no, user)


def review_data(meeting: ReviewMeeting) -> dict[str, Any]:
    """A meeting as the printed minutes take it."""
    from tuodi.verification.review_actions import quorum_of

    quorum = quorum_of(meeting.case)
    people = list(meeting.people.order_by("position"))
    return {
        "number": meeting.no,
        "office": meeting.called_by.office.name,
        "date": str(meeting.held_on or meeting.planned_on),
        "place": places.path(meeting.region),
        "held_at": str(meeting.held_on or meeting.planned_on),
        "venue": meeting.place,
        "chair": meeting.chair,
        "recorder": meeting.minutes_taker,
        "attendees": [
            {"name": one.name, "role": one.get_role_display(), "represents_residents": one.role == "resident"}
            for one in people
        ],
        "quorum_note": f"村（居）民代表{quorum.text}（{quorum.clause}）" if quorum else "",
        "cases": [
            {
                "head": meeting.household.head.name,
                "programme": work.programme_label(meeting.case.programme),
                "situation": meeting.minutes,
                "agree": meeting.votes_for,
                "against": meeting.votes_against,
                "abstain": meeting.abstained,
                "conclusion": meeting.opinion or meeting.get_state_display(),
            }
        ],
    }


def _when(moment: Any) -> str:
    return f"{moment.astimezone(BEIJING):%Y-%m-%d %H:%M}" if moment else ""
