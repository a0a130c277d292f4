"""Records of visits, meetings and consents as the printed forms take them."""

from __future__ import annotations

from typing import Any

from tuodi.kernel import clock
from tuodi.kernel.clock import BEIJING
from tuodi.org.places import full_name
from tuodi.people.enums import Programme
from tuodi.people.models import Household
from tuodi.people.queries import members_on
from tuodi.verification.models import ReviewMeeting, VisitPhoto, VisitRecord, VisitTask
from tuodi.verification.review_actions import quorum_of
from tuodi.verification.visit_queries import findings_of

__all__ = ["consent_data", "review_data", "visit_data"]

#: Sections of the form -> part of the printed one.
_COMPARED = {"收入": "incomes", "财产": "assets"}
_LINES = {"住房和生活": "housing", "支出": "expenses", "赡养、抚养、扶养义务人": "supporters"}
_ROLES = {"investigator": "调查人员", "respondent": "被调查人", "witness": "见证人"}


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
        "place": full_name(task.region),
        "address": task.place,
        "programme": _label(task.case.programme) if task.case else task.get_purpose_display(),
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


def review_data(meeting: ReviewMeeting) -> dict[str, Any]:
    """A meeting as the printed minutes take it."""
    quorum = quorum_of(meeting.case)
    people = list(meeting.people.order_by("position"))
    return {
        "number": meeting.no,
        "office": meeting.called_by.office.name,
        "date": str(meeting.held_on or meeting.planned_on),
        "place": full_name(meeting.region),
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
                "programme": _label(meeting.case.programme),
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


def consent_data(household: Household, *, programme: str, office: str) -> dict[str, Any]:
    """The 授权书 of a family with its present members filled in, to be signed."""
    today = clock.today()
    present = [one for one in members_on(household, today) if one.until is None]
    return {
        "head": household.head.name,
        "household_no": household.no,
        "place": full_name(household.region),
        "programme": _label(programme) if programme else "",
        "office": office,
        "date": today.isoformat(),
        "people": [
            {"name": one.person.name, "relation": one.get_relation_display(), "id_masked": one.person.id_masked}
            for one in present
        ],
    }


def _label(code: str) -> str:
    return dict(Programme.choices).get(code, code)
