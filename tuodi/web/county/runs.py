"""Monthly runs: the list, one run, its differences down to the household, its lines, its files."""

from __future__ import annotations

import io
from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.audit.actions import record
from tuodi.files import store
from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.org.models import DutyCode
from tuodi.payments.models import BankBatch, PayLine, PayRun
from tuodi.payments.states import Cause, Held, LineStatus
from tuodi.web.components import pages, places
from tuodi.web.components.pages import Page
from tuodi.web.county import run_page

_USERS = tuple(f"{stem}_by" for _, _, stem in run_page.STEPS)


def listing(request: HttpRequest) -> HttpResponse:
    """Runs in the reader's range, newest month first."""
    rows = PayRun.objects.order_by("-month", "region", "-id")
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    page = Page([line(run) for run in found.items], found.number, None, found.previous, found.next)
    context = {"page": page, "place_names": places.names(request.user.office.place_code)}
    return render(request, "county/runs.html", context)


def line(run: PayRun) -> dict[str, Any]:
    """A run in a list."""
    return {
        "href": reverse("web:run", args=[run.pk]),
        "month": run.month,
        "label": run_page.label_of(run),
        "place": places.path(run.region),
        "no": run.no,
        "look": run_page.LOOKS[run.state],
        "households": run.households,
        "persons": run.persons,
        "total_fen": run.amount_fen,
    }


def access_run(user: Any, pk: int) -> PayRun:
    """One run in the user's range. NotFoundError alike for absent and not yours."""
    found: PayRun = access.one(PayRun.objects.select_related(*_USERS), user=user, what="发放批次", pk=pk)
    return found


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The page of a run."""
    run = access_run(request.user, pk)
    context = {"run": run_page.page_of(run), "may_send": access.has_duty(request.user, DutyCode.PAY_SEND, run.region)}
    return render(request, "county/run.html", context)


def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The progress bar alone; when the work is over the whole page is asked for again."""
    told = run_page.progress_of(access_run(request.user, pk))
    if told is None:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "county/run_progress.html", {"run": {"progress": told}})


def changes(request: HttpRequest, pk: int) -> HttpResponse:
    """Differences by household, of one cause or all; the rows alone where a table asks for them."""
    run = access_run(request.user, pk)
    cause = request.GET.get("cause", "")
    rows = run_page.difference_rows(run, cause)
    inline = bool(request.htmx)  # type: ignore[attr-defined]
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]), size=10 if inline else pages.PAGE_SIZE)
    items = [run_page.difference_line(row) for row in found.items]
    context = {
        "page": Page(items, found.number, None, found.previous, found.next),
        "run_href": reverse("web:run", args=[run.pk]),
        "run_label": f"{Month.parse(str(run.month))} {run_page.label_of(run)}",
        "cause_label": Cause(cause).label if cause in Cause.values else "",
        "all_href": f"{request.path}?cause={cause}",
    }
    return render(request, "county/run_cause_rows.html" if inline else "county/run_changes.html", context)


def lines(request: HttpRequest, pk: int) -> HttpResponse:
    """Lines of a run, those held for one reason or of one status when asked."""
    run = access_run(request.user, pk)
    held, status = request.GET.get("held", ""), request.GET.get("status", "")
    rows = PayLine.objects.filter(run=run).select_related("household__head", "person").order_by("region", "id")
    title = "发放明细"
    if held in Held.values and held:
        rows, title = rows.filter(held=held), Held(held).label
    elif status in LineStatus.values:
        rows, title = rows.filter(status=status), LineStatus(status).label
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    items = [
        shown
        | {
            "name": row.person.name if row.person else row.household.head.name,
            "place": places.path(row.region),
            "last4": row.account_last4,
            "family_href": reverse("web:family", args=[row.household_id]),
        }
        for row, shown in zip(found.items, run_page.payment_lines(found.items), strict=True)
    ]
    context = {
        "page": Page(items, found.number, None, found.previous, found.next),
        "run_href": reverse("web:run", args=[run.pk]),
        "run_label": f"{Month.parse(str(run.month))} {run_page.label_of(run)}",
        "title": title,
    }
    return render(request, "county/run_lines.html", context)


def bank_file(request: HttpRequest, pk: int, batch: int) -> FileResponse:
    """The file for the bank, decrypted for who sends it; each download is written into the audit log."""
    run = access_run(request.user, pk)
    access.require(request.user, DutyCode.PAY_SEND, run.region)
    found = access.one(
        BankBatch.objects.select_related("file").filter(run=run), user=request.user, what="银行批次", pk=batch
    )
    record(
        "web.download_bank_file",
        actor=request.user,
        subject_type="bankbatch",
        subject_id=found.pk,
        region=found.region,
        after={"sha256": found.sha256},
    )
    with store.plain_copy(found.file) as path:
        body = path.read_bytes()
    return FileResponse(io.BytesIO(body), as_attachment=True, filename=found.file_name)
