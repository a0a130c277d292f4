"""What the door prints: receipt, the one-time notice of missing papers, and the limits on the wall."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from tuodi import documents
from tuodi.cases.models import Case
from tuodi.cases.procedures import procedure_for
from tuodi.cases.queries import access_case
from tuodi.decisions.papers import letters
from tuodi.intake.counter_book import lines_of, materials_of
from tuodi.intake.errors import NeedStateError
from tuodi.intake.models import Application
from tuodi.kernel import clock
from tuodi.kernel.places import pad12
from tuodi.org.errors import NotFoundError
from tuodi.people.enums import Programme
from tuodi.policy.procedure import LEVEL_LABELS, NoProcedureError
from tuodi.web.components import places, reading

__all__ = ["limits", "missing_pdf", "receipt_pdf"]


def _application(request: HttpRequest, pk: int) -> tuple[Case, Application]:
    case = access_case(request.user, pk=pk)  # type: ignore[arg-type]
    found = Application.objects.filter(case=case).select_related("applicant", "accepted_by__office").first()
    if found is None:
        raise NotFoundError("受理记录")
    reading.note_reading(request, "受理文书", [case.household_id], [case.applicant_id], region=case.region)
    return case, found


def receipt_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """受理回执."""
    _case, application = _application(request, pk)
    return _pdf(request, "acceptance_receipt", letters.acceptance_receipt(application), application.receipt_no)


def missing_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """补正材料一次性告知书."""
    case, application = _application(request, pk)
    if not application.materials.filter(received_on__isnull=True).exists():
        raise NeedStateError(f"案件 {case.no} 的材料", "齐全", "不需要一次性告知。")
    data = letters.missing_papers(application, clock.today())
    return _pdf(request, "missing_papers", data, f"{application.receipt_no}-GZ")


def limits(request: HttpRequest) -> HttpResponse:
    """办理流程和办理时限, to hang on the wall: every programme that runs here today, step by step."""
    user: Any = request.user
    today = clock.today()
    region = pad12(user.office.place_code)
    programmes = []
    for code, label in Programme.choices:
        try:
            text = procedure_for(region, code, today)
        except NoProcedureError:
            continue
        total = text.total_limit(())
        programmes.append(
            {
                "label": label,
                "title": text.label,
                "clause": text.clause,
                "total": f"{total.text}（{total.clause}）" if total else "",
                "approver": LEVEL_LABELS.get(text.approver, text.approver),
                "papers": [one.name for one in materials_of(region, code, today)],
                "steps": [
                    {
                        "label": step.label,
                        "who": step.who,
                        "limit": "；".join(f"{limit.text}" for limit in step.limits),
                        "clause": step.clause,
                    }
                    for step in text.steps
                ],
            }
        )
    data = {
        "number": "",
        "office": user.office.name,
        "date": today.isoformat(),
        "place": places.path(user.office.place_code, 3),
        "lines": [f"{one.label} {one.code}" for one in lines_of(region, today)],
        "programmes": programmes,
    }
    return _pdf(request, "limits_board", data, f"SX-{user.office.place_code}", mark=False)


def _pdf(request: HttpRequest, name: str, data: dict[str, Any], file: str, *, mark: bool = True) -> HttpResponse:
    user: Any = request.user
    by = {"printed_by": user.name, "printed_at": f"{clock.now():%Y-%m-%d %H:%M}"} if mark else {}
    response = HttpResponse(documents.render(name, data, **by), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{file}.pdf"'
    response["Cache-Control"] = "no-store"
    return response
