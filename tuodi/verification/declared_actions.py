"""Declared answers of an online application on their way into the facts (申报 → 采用).

`carry_declared` writes what was not known into the case's draft with the source 网上申报, and lays what differs beside the
value there is. An officer adopts or sets aside each line; until then the draft cannot be frozen (`actions.freeze`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.cases.models import Case
from tuodi.intake import online_queries
from tuodi.intake.models import OnlineApplication
from tuodi.intake.online_content import Content
from tuodi.kernel import clock
from tuodi.org.models import User
from tuodi.people import secrets
from tuodi.people.models import Person
from tuodi.policy.model import Fact
from tuodi.rules import validate_family
from tuodi.verification.actions import enter_facts, open_draft, path_of, start_fact_set
from tuodi.verification.declaring import Answer, Rest, answers_of, found_against, rest_of
from tuodi.verification.models import CheckAnswer, CheckReport, FactSet
from tuodi.verification.queries import draft_of, latest_frozen
from tuodi.verification.request_queries import newest_report
from tuodi.verification.rulebook import book, place_of

__all__ = ["Beside", "adopt_declared", "beside_of", "carry_declared", "online_of"]


@dataclass(frozen=True)
class Beside:
    """One declared fact beside what is held and what registers say.

    Attributes:
        state: `open` in the draft, not adopted; `conflict` the draft holds another value; `adopted`; `same` held before, or
            taken from elsewhere, with the same value; `aside` set aside; `other` something else was entered since;
            `unknown` the applicant left it open; `refused` the value cannot be read, see `fault`.
        held: Value in the draft, null = unknown; `origin` where from.
        found: What registers say. against: That contradicts the declared value.
    """

    answer: Answer
    fact: Fact | None
    who: str
    state: str
    held: Any
    origin: Mapping[str, Any]
    found: list[str]
    against: bool
    fault: str = ""

    @property
    def waits(self) -> bool:
        """Whether an officer has to choose."""
        return self.state in ("open", "conflict")


def online_of(case: Case) -> OnlineApplication | None:
    """The application from a phone a case came from, or None."""
    return OnlineApplication.objects.filter(application__case=case).first()


@transaction.atomic
def carry_declared(online: OnlineApplication, *, acting_user: User) -> FactSet:
    """Carries the answers into a draft of the accepted case's facts. Running it again changes nothing.

    What nobody knew is written with the source 网上申报; what differs from a known value stays beside it. An answer that no
    declared fact can hold is left to the officer (`beside_of` says why).

    Raises:
        FrozenError, AccessDeniedError, DutySeparationError.
    """
    case: Case = online.application.case  # type: ignore[union-attr]
    draft = draft_of(case) or start_fact_set(
        acting_user=acting_user, household=case.household, case=case, base=latest_frozen(case.household)
    )
    draft = open_draft(draft, acting_user)
    new: list[Answer] = []
    differ: list[Answer] = []
    for answer in _answers(online, draft):
        origin = draft.provenance.get(path_of(draft, answer.person_id, answer.fact)) or {}
        if answer.value is None or "declared" in origin or "aside" in origin or _fault(draft, answer):
            continue
        held = _held(draft, answer)
        if held is None:
            new.append(answer)
        elif str(held) != str(answer.value):
            differ.append(answer)
    if new:
        draft = _write(draft, new, acting_user, FactSet.Source.DECLARED, online)
    for answer in (*new, *differ):
        path = path_of(draft, answer.person_id, answer.fact)
        draft.provenance[path] = {**draft.provenance.get(path, {}), "declared": answer.value}
    draft.save(update_fields=["provenance"])
    names = {"carried": [one.fact for one in new], "beside": [one.fact for one in differ]}
    _audit("carry_declared", acting_user, draft, online=online.no, **names)
    return draft


@transaction.atomic
def adopt_declared(
    fact_set: FactSet, online: OnlineApplication, *, acting_user: User, take: Collection[str], leave: Collection[str]
) -> tuple[int, int]:
    """Decides lines that wait: taken, the declared value is held with the officer's name; left, it is set aside.

    Args:
        take, leave: Keys of lines (`Answer.key`). Lines that do not wait any more are passed over.

    Returns: how many were taken and left.

    Raises:
        FactFaultsError, FrozenError, AccessDeniedError, DutySeparationError.
    """
    draft = open_draft(fact_set, acting_user)
    waiting = {
        one.key: one
        for one in _answers(online, draft)
        if "declared" in (draft.provenance.get(path_of(draft, one.person_id, one.fact)) or {})
    }
    taken = [waiting[key] for key in take if key in waiting]
    left = [waiting[key] for key in leave if key in waiting and key not in take]
    if taken:
        draft = _write(draft, taken, acting_user, FactSet.Source.ENTERED, online)
    for answer in left:
        path = path_of(draft, answer.person_id, answer.fact)
        origin = dict(draft.provenance[path])
        origin.pop("declared")
        if origin.get("source") == FactSet.Source.DECLARED:
            _row(draft, answer).pop(answer.fact, None)
        origin["aside"] = {"value": answer.value, "officer": acting_user.name, "date": clock.today().isoformat()}
        draft.provenance[path] = origin
    draft.save(update_fields=["facts", "provenance"])
    names = {"taken": [one.fact for one in taken], "left": [one.fact for one in left]}
    _audit("adopt_declared", acting_user, draft, online=online.no, **names)
    return len(taken), len(left)


def beside_of(
    case: Case, online: OnlineApplication, draft: FactSet | None
) -> tuple[list[Beside], list[tuple[Rest, list[str]]]]:
    """Each declared fact beside what is held and found, and the answers that are no fact, with what registers say against them.

    Args:
        draft: The facts of the case to lay beside; None = none yet.
    """
    report = newest_report(case)
    items: list[dict[str, Any]] = report.content["items"] if report else []
    content, form = online_queries.content_of(online)
    declared = {(fact.level, fact.name): fact for fact in book().draft.facts}
    lines = []
    for answer in _answers(online, draft) if draft else []:
        level = "household" if answer.person_id is None else "members"
        texts, against = found_against(items, answer)
        origin = draft.provenance.get(path_of(draft, answer.person_id, answer.fact)) or {} if draft else {}
        held = _held(draft, answer) if draft else None
        fault = _fault(draft, answer) if draft else ""
        lines.append(
            Beside(
                answer,
                declared.get((level, answer.fact)),
                _name(draft, answer.person_id),
                _state(answer, held, origin, online, fault),
                held,
                origin,
                texts,
                against,
                fault,
            )
        )
    kinds = _kinds(report, items)
    rest = [(one, _contrary(one, items, kinds)) for one in rest_of(content, form)]
    return lines, rest


def _state(answer: Answer, held: Any, origin: Mapping[str, Any], online: OnlineApplication, fault: str) -> str:
    if fault:
        return "refused"
    if answer.value is None:
        return "unknown"
    if "declared" in origin:
        return "open" if origin.get("source") == FactSet.Source.DECLARED else "conflict"
    if "aside" in origin:
        return "aside"
    if held is not None and str(held) == str(answer.value):
        return "adopted" if str(origin.get("evidence", "")) == _evidence(online) else "same"
    return "other"


def _answers(online: OnlineApplication, draft: FactSet) -> list[Answer]:
    content, form = online_queries.content_of(online)
    return answers_of(content, form, _people(content, draft))


def _people(content: Content, draft: FactSet) -> dict[int, int]:
    """Place of a member as entered -> person among those of the draft, by his number in the register, else by his identity number."""
    known = dict(Person.objects.filter(pk__in=draft.person_ids).values_list("pk", "id_index"))
    found: dict[int, int] = {}
    for place, member in enumerate(content.members):
        if member.get("person") in known:
            found[place] = member["person"]
        elif member.get("id"):
            wanted = {bytes(one) for one in secrets.id_indexes(member["id"])}
            for pk, index in known.items():
                if index is not None and bytes(index) in wanted:
                    found[place] = pk
    return found


def _row(draft: FactSet, answer: Answer) -> dict[str, Any]:
    row: dict[str, Any] = (
        draft.facts["household"]
        if answer.person_id is None
        else draft.facts["members"][draft.person_ids.index(answer.person_id)]
    )
    return row


def _held(draft: FactSet, answer: Answer) -> Any:
    return _row(draft, answer).get(answer.fact)


def _name(draft: FactSet | None, person_id: int | None) -> str:
    if draft is None or person_id is None:
        return ""
    return str(draft.facts["members"][draft.person_ids.index(person_id)].get("name", ""))


def _fault(draft: FactSet, answer: Answer) -> str:
    """Why the rules could not read the declared value; empty = they can."""
    if answer.value is None:
        return ""
    own = answer.person_id is None
    member = {"name": _name(draft, answer.person_id) or "—", "relation": "self"}
    alone = {
        "place": draft.facts["place"],
        "household": {"area_kind": draft.facts["household"].get("area_kind")}
        | ({answer.fact: answer.value} if own else {}),
        "members": [member if own else {**member, answer.fact: answer.value}],
    }
    faults = validate_family(book(), place_of(draft.region), alone)
    return next((fault.message for fault in faults if fault.path.endswith(f".{answer.fact}")), "")


def _write(draft: FactSet, answers: Collection[Answer], user: User, source: str, online: OnlineApplication) -> FactSet:
    own = {one.fact: one.value for one in answers if one.person_id is None}
    members: dict[int, dict[str, Any]] = {}
    for one in answers:
        if one.person_id is not None:
            members.setdefault(one.person_id, {})[one.fact] = one.value
    return enter_facts(
        draft, acting_user=user, household=own, members=members, source=source, evidence=_evidence(online)
    )


def _evidence(online: OnlineApplication) -> str:
    return f"网上申请 {online.no}"


def _kinds(report: CheckReport | None, items: Collection[Mapping[str, Any]]) -> dict[int, str]:
    """Answer -> kind of its source."""
    numbers = {item["answer_id"] for item in items}
    return dict(CheckAnswer.objects.filter(pk__in=numbers).values_list("pk", "source__kind")) if report else {}


def _contrary(rest: Rest, items: Collection[Mapping[str, Any]], kinds: Mapping[int, str]) -> list[str]:
    return [
        f"{item['source_label']} · {item['person']}：{item['found']}"
        for item in items
        if kinds.get(item["answer_id"]) in rest.kinds and item["open"] and item["mark"] != "stale"
    ]


def _audit(action: str, user: User, draft: FactSet, **after: Any) -> None:
    record(
        f"verification.{action}",
        actor=user,
        subject_type="factset",
        subject_id=draft.pk,
        region=draft.region,
        case_no=draft.case.no if draft.case else None,
        after={"number": draft.number, **after},
    )
