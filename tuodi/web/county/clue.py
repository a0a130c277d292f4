"""The page of one clue, its files, and the sheet to take along (核查单)."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import localtime

from tuodi.audit.actions import record
from tuodi.documents.rendering import render as render_document
from tuodi.files import store
from tuodi.kernel import clock
from tuodi.monitoring import ledger
from tuodi.monitoring.models import Clue
from tuodi.org import access
from tuodi.web.components import clue_words, navigation, places, reading
from tuodi.web.county import clue_page, clue_verbs

YEAR = timedelta(days=365)
#: What a browser may show itself; all else is saved.
_SHOWN = frozenset({"application/pdf", "image/jpeg", "image/png", "image/webp"})


def show(request: HttpRequest, no: str) -> HttpResponse:
    """The page; a POST does one step. A fixed number of queries, whatever lies with the clue."""
    clue = ledger.access_clue(request.user, no)  # type: ignore[arg-type]
    if request.method == "POST":
        return clue_verbs.answer(request, clue)
    reading.note_reading(request, "线索", [clue.household_id], [clue.person_id], region=clue.region)
    return render(request, "county/clue.html", context_of(request, clue))


def context_of(request: HttpRequest, clue: Clue) -> dict[str, Any]:
    """All the page says; also what the sheet prints."""
    today = clock.today()
    events = ledger.events_of(clue)
    evidence = ledger.evidence_of(clue)
    membership, memberships = ledger.members_of(clue)
    needs = clue_page.needs_of(clue, evidence)
    precision = ledger.precision_of(clue.rule_code, today - YEAR)
    return {
        "clue": clue,
        "title": clue_words.rule_label(clue.rule_text, clue.rule_code),
        "severity": clue_words.SEVERITIES.get(clue.severity),
        "look": clue_words.verdict_or_state(clue),
        "level": clue_words.LEVELS.get(clue.level, "") if clue.level in ("PREF", "PROV") else "",
        "place": places.path(clue.region),
        "source": clue_words.source(clue.source),
        "steps": clue_page.steps_of(clue, events),
        "subject": clue_page.subject_of(clue, membership, len(memberships)),
        "effect": clue_page.effect_of(clue, memberships, today),
        "strip": clue_page.strip_of(clue, events, today),
        "proof": clue_page.proof_of(clue, evidence),
        "papers": clue_page.papers_of(clue, evidence),
        "needs": needs,
        "verbs": clue_verbs.offers(request, clue, needs["missing"]),
        "events": clue_page.events_of(events),
        "hands": clue_page.hands_of(clue),
        "why": clue_page.why_of(clue),
        "refuted_why": clue_words.reason(clue.refuted_why),
        "precision": clue_page.precision_text(precision),
        "money": clue_page.money_of(clue),
        "claimed": clue_page.claims_of(clue, may=not navigation.CLAIMS.isdisjoint(navigation.held_duties(request))),
        "may_read": navigation.may_read(request),
        "today": today,
    }


def file(request: HttpRequest, no: str, pk: int) -> FileResponse:
    """A piece of evidence, decrypted; each opening is written into the audit log."""
    clue = ledger.access_clue(request.user, no)  # type: ignore[arg-type]
    found = access.one(
        clue.evidence.select_related("file").filter(file__isnull=False),
        user=request.user,
        what="证据",
        pk=pk,  # type: ignore[arg-type]
    )
    assert found.file is not None
    record(
        "web.open_clue_evidence",
        actor=request.user,  # type: ignore[arg-type]
        subject_type="clueevidence",
        subject_id=found.pk,
        region=clue.region,
        after={"no": clue.no, "sha256": found.file.sha256},
    )
    body = io.BytesIO(store.open_plain(found.file).read())
    media = found.file.media_type if found.file.media_type in _SHOWN else "application/octet-stream"
    answer = FileResponse(body, filename=found.file.name, content_type=media, as_attachment=media not in _SHOWN)
    answer["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return answer


def sheet(request: HttpRequest, no: str) -> FileResponse:
    """The sheet to take along (核查单): what the register says, with room for what is found; each printing is logged."""
    clue = ledger.access_clue(request.user, no)  # type: ignore[arg-type]
    user: Any = request.user
    now = localtime(clock.now())
    body = render_document(
        "clue_sheet",
        clue_page.sheet_of(clue, ledger.evidence_of(clue)),
        printed_by=f"{user.name}（{user.username}）",
        printed_at=f"{now:%Y-%m-%d %H:%M}",
    )
    record(
        "web.print_clue_sheet",
        actor=user,
        subject_type="clue",
        subject_id=clue.pk,
        region=clue.region,
        after={"no": clue.no},
    )
    return FileResponse(io.BytesIO(body), filename=f"核查单-{clue.no}.pdf", content_type="application/pdf")
