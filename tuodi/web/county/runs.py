"""Monthly runs: the list, one run, its differences down to the household, its lines, its files."""

from __future__ import annotations

import io
from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.exchange.bank import bank_profiles, load_bank_profile
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.periods import Month
from tuodi.kernel.places import trim
from tuodi.org import access
from tuodi.org.models import DutyCode
from tuodi.payments import actions, bank_queries, queries
from tuodi.payments.actions.run import PAYABLE_PROGRAMMES
from tuodi.payments.models import PayLine, PayRun
from tuodi.payments.states import DRAFT, Cause, Held, LineStatus
from tuodi.web.components import navigation, pages, places, posting, reading
from tuodi.web.components.pages import Page
from tuodi.web.county import run_actions, run_page


def listing(request: HttpRequest) -> HttpResponse:
    """Runs in the reader's range, newest month first; who prepares may open a month."""
    form = None
    if DutyCode.PAY_PREPARE in navigation.held_duties(request):
        form = run_actions.OpenForm(
            request.POST or None,
            at=trim(request.user.office.place_code),
            initial={"month": run_actions.default_month(), "programmes": list(PAYABLE_PROGRAMMES)},
        )
        if request.method == "POST" and form.is_valid():
            try:
                opened = run_actions.open_run(request, form)
            except TuodiError as error:
                form.add_error(None, str(error))
            else:
                return posting.back(reverse("web:run", args=[opened.pk]))
    rows = queries.runs()
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    differences = queries.differences_of(found.items)
    items = [line(run) | {"change_fen": differences.get(run.pk)} for run in found.items]
    page = Page(items, found.number, None, found.previous, found.next)
    own = places.names(request.user.office.place_code)
    # A reader whose runs are all of his own place need not read it in every row.
    several = any(one["place"] != " ".join(own[1:]) for one in items)
    context = {"page": page, "form": form, "place_names": own, "several": several}
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


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The page of a run; a POST does one of its steps, or takes the bank's answer."""
    run = queries.access_run(request.user, pk)
    form = None
    if run_actions.may_return(request, run):
        given = request.method == "POST" and posting.text(request, "do", 20) == "return"
        form = run_actions.ReturnForm(request.POST if given else None, request.FILES if given else None)
        if given and form.is_valid():
            run_actions.take_return(request, run, form)
            return posting.back(reverse("web:run", args=[run.pk]))
    if request.method == "POST" and (form is None or not form.is_bound):
        return run_actions.answer(request, run)
    page = run_page.page_of(run)
    page.actions = run_actions.buttons(request, run)
    duties = navigation.held_duties(request)
    linked = bank_queries.linked_profiles(run)
    context = {
        "run": page,
        "following": run_actions.following(request, run, page.blockers),
        "may_send": DutyCode.PAY_SEND in duties,
        "may_cancel": DutyCode.PAY_PREPARE in duties and run.state in DRAFT,
        "reissue": run_actions.may_reissue(request, run),
        "return_form": form,
        # A message needs a line to the bank; a table can be carried by hand.
        "profiles": [
            (name, label)
            for name, label in bank_profiles().items()
            if name in linked or load_bank_profile(name).format != "iso20022"
        ],
        "accounts_href": reverse("web:bank-accounts", args=[run.pk])
        if run.state in ("calculated", "checked", "approved") and set(duties) & {DutyCode.PAY_SEND, DutyCode.PAY_CHECK}
        else "",
    }
    return render(request, "county/run.html", context)


def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The progress bar alone; when the work is over the whole page is asked for again."""
    told = run_page.progress_of(queries.access_run(request.user, pk))
    if told is None:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "county/run_progress.html", {"run": {"progress": told}})


def changes(request: HttpRequest, pk: int) -> HttpResponse:
    """Differences by household of one cause; the rows alone where a table asks for them.

    Without a cause the first one of the run is shown, with links to the others.
    """
    run = queries.access_run(request.user, pk)
    tree = queries.difference_tree(run)
    cause = request.GET.get("cause", "")
    if cause not in Cause.values:
        cause = tree[0].cause if tree else Cause.OTHER
    inline = bool(request.htmx)  # type: ignore[attr-defined]
    size = 10 if inline else pages.PAGE_SIZE
    found = pages.page_of(
        request,
        lambda start, stop: queries.difference_lines(run, cause, limit=stop - start, offset=start)[0],
        total=next((row.households for row in tree if row.cause == cause), 0),
        size=size,
    )
    month = queries.month_of(run)
    items = [run_page.difference_line(row, month) for row in found.items]
    reading.note_list(request, "发放差异", [row.household_id for row in found.items], [])
    context = {
        "page": Page(items, found.number, found.total, found.previous, found.next, found.pages),
        "run_href": reverse("web:run", args=[run.pk]),
        "run_label": f"{month} 发放",
        "run": {"no": run.no, "label": run_page.label_of(run)},
        "noted": any(one["text"] for one in items),
        "total_fen": sum(row.amount_fen for row in tree if row.cause == cause),
        "total_persons": sum(row.persons for row in tree if row.cause == cause),
        "cause_label": Cause(cause).label,
        "causes": [
            {
                "label": f"{row.label} {row.households:,}",
                "href": f"{request.path}?cause={row.cause}",
                "current": row.cause == cause,
            }
            for row in tree
        ],
        "all_href": f"{request.path}?cause={cause}",
    }
    return render(request, "county/run_cause_rows.html" if inline else "county/run_changes.html", context)


def lines(request: HttpRequest, pk: int) -> HttpResponse:
    """Lines of a run, those held for one reason or of one status when asked."""
    run = queries.access_run(request.user, pk)
    held, status = request.GET.get("held", ""), request.GET.get("status", "")
    rows = PayLine.objects.filter(run=run).select_related("household__head", "person").order_by("region", "id")
    title = "发放明细"
    if held in Held.values and held:
        rows, title = rows.filter(held=held), Held(held).label
    elif status in LineStatus.values:
        rows, title = rows.filter(status=status), LineStatus(status).label
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    shown_to = [one.person_id or one.household.head_id for one in found.items]
    reading.note_list(request, "发放明细", [one.household_id for one in found.items], shown_to)
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
        "run_label": f"{Month.parse(str(run.month))} 发放",
        "run": {"no": run.no, "label": run_page.label_of(run)},
        "title": title,
        "see_to": status in (LineStatus.FAILED, LineStatus.RETURNED, LineStatus.UNKNOWN),
    }
    return render(request, "county/run_lines.html", context)


def bank_file(request: HttpRequest, pk: int, batch: int) -> FileResponse:
    """The file for the bank, decrypted for who sends it, once its mark outside the database is written."""
    with access.scope(request.user):  # type: ignore[arg-type]
        found = bank_queries.access_batch(request.user, queries.access_run(request.user, pk), batch)  # type: ignore[arg-type]
    done, body = actions.hand_out(found.pk, acting_user=request.user)  # type: ignore[arg-type]
    return FileResponse(io.BytesIO(body), as_attachment=True, filename=done.file_name)


bank_file.own_transactions = True  # type: ignore[attr-defined]
