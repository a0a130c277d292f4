"""The report of a request: what was asked, what came, how it compares with what was declared, what is missing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tuodi import documents
from tuodi.exchange.live import load_live_profile
from tuodi.org.places import full_name
from tuodi.people.enums import Programme
from tuodi.people.facts import load_facts
from tuodi.people.queries import members_on
from tuodi.verification.comparing import Heard, compare
from tuodi.verification.live import names_of
from tuodi.verification.models import CheckAnswer, CheckRequest
from tuodi.verification.queries import draft_of, latest_frozen
from tuodi.verification.rulebook import place_of

__all__ = ["content_of", "declared_of", "digest", "pdf_of"]


def digest(content: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of a report's content."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def declared_of(request: CheckRequest, day: Any) -> tuple[dict[int, dict[str, Any]], dict[str, Any], list[str]]:
    """Facts held about members and family before the report, and the present members' names.

    From the case's draft, else the newest frozen set, else the accepted facts. A value an earlier check itself put there
    is no declaration, so it is left out.
    """
    present = [one for one in members_on(request.household, day) if one.until is None or one.until > day]
    row = (draft_of(request.case) if request.case else None) or latest_frozen(request.household)
    if row is None:
        file = load_facts(request.household, day, digits=len(place_of(request.region)))
        people = [one.person_id for one in members_on(request.household, day)]
        origin: Mapping[str, Any] = {}
    else:
        file, people, origin = row.facts, list(row.person_ids), row.provenance

    def kept(path: str, facts: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in facts.items() if not _by_check(origin.get(f"{path}.{name}"))}

    members = {
        person: kept(f"members[{at}]", facts)
        for at, (person, facts) in enumerate(zip(people, file["members"], strict=False))
    }
    return members, kept("household", file["household"]), [one.person.name for one in present]


def _by_check(origin: Mapping[str, Any] | None) -> bool:
    return bool(
        origin and origin.get("source") == "register" and str(origin.get("evidence", "")).startswith("核对报告")
    )


def content_of(request: CheckRequest, *, no: str, day: Any, office: str, made_by: str) -> dict[str, Any]:
    """The frozen content: JSON with text values, identity numbers masked. Reads the answers of the present round."""
    rows = list(
        request.answers.filter(round=request.round)
        .select_related("source", "person", "supporter", "consent")
        .order_by("source__label", "id")
    )
    heard = [_heard(row) for row in rows if row.is_usable]
    members, household, names = declared_of(request, day)
    items = [item.plain() for item in compare(heard, members, household, names)]
    missing = [_gap(row) for row in rows if not row.is_usable]
    return {
        "no": no,
        "request_no": request.no,
        "round": request.round,
        "purpose": request.get_purpose_display(),
        "programme": dict(Programme.choices).get(request.programme, request.programme),
        "household_no": request.household.no,
        "head": request.household.head.name,
        "place": full_name(request.region),
        "date": day.isoformat(),
        "valid_to": request.valid_to.isoformat(),
        "office": office,
        "made_by": made_by,
        "complete": not missing,
        "people": _people(rows),
        "items": items,
        "missing": missing,
        "left_out": request.left_out,
        "not_asked": request.not_asked,
        "counts": {"asked": len(rows), "answered": len(heard), "missing": len(missing)},
    }


def _heard(row: CheckAnswer) -> Heard:
    holder: Any = row.person or row.supporter
    return Heard(
        answer_id=row.pk,
        source=row.source.code,
        source_label=row.source.label,
        profile=load_live_profile(row.source.kind),
        person_id=row.person_id,
        subject=holder.name,
        found=row.status == CheckAnswer.Status.FOUND,
        stale=row.stale,
        as_of=row.as_of.isoformat() if row.as_of else "",
        rows=row.rows,
    )


def _gap(row: CheckAnswer) -> dict[str, Any]:
    return {
        "who": names_of([row])[0],
        "why": row.note or row.get_status_display(),
        "source": row.source.code,
        "kind": row.source.kind,
        "person_id": row.person_id,
        "asks": list(load_live_profile(row.source.kind).asks),
    }


def _people(rows: list[CheckAnswer]) -> list[dict[str, str]]:
    found: dict[tuple[int | None, int | None], dict[str, str]] = {}
    for row in rows:
        holder: Any = row.person or row.supporter
        consent = row.consent
        basis = f"{consent.get_basis_display()}，{consent.signed_on:%Y-%m-%d}"
        found[row.person_id, row.supporter_id] = {
            "name": holder.name,
            "role": consent.get_role_display(),
            "relation": holder.relation if row.supporter_id else "",
            "id_masked": holder.id_masked,
            "consent": basis + (f"，{consent.paper_ref}" if consent.paper_ref else ""),
        }
    return list(found.values())


def pdf_of(content: Mapping[str, Any], sha256: str, *, printed_by: str, printed_at: str) -> bytes:
    """The report on paper."""
    data = {key: value for key, value in content.items() if key not in ("no", "counts")}
    data["number"] = content["no"]
    data["sha256"] = sha256
    data["items"] = [
        {
            "source": item["source_label"],
            "person": item["person"],
            "what": item["what"],
            "found": item["found"],
            "declared": item["declared"],
            "mark": item["mark"],
            "mark_label": item["mark_label"],
            "as_of": item["as_of"],
        }
        for item in content["items"]
    ]
    data["missing"] = [{"who": gap["who"], "why": gap["why"]} for gap in content["missing"]]
    data["left_out"] = [{"who": gap["name"], "why": gap["why"]} for gap in content["left_out"]]
    data["not_asked"] = [{"who": gap["label"], "why": gap["why"]} for gap in content["not_asked"]]
    return documents.render("check_report", data, printed_by=printed_by, printed_at=printed_at)
