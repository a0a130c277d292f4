"""My visits and one visit's form, complete without scripts; the same address takes what a device kept while offline."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse

from tuodi.kernel import clock
from tuodi.kernel.clock import BEIJING
from tuodi.kernel.errors import TuodiError
from tuodi.monitoring.models import ThirdPartyTask
from tuodi.monitoring.sweep_errors import WatchStateError
from tuodi.monitoring.thirdparty_queries import my_task_of
from tuodi.org.models import DutyCode, User
from tuodi.verification.models import VisitPhoto, VisitRecord, VisitTask
from tuodi.verification.visit_access import door
from tuodi.verification.visit_actions import VisitForm, add_photo, apply_to_step, cancel_visit, submit_visit
from tuodi.verification.visit_errors import VisitConflictError, VisitInputError
from tuodi.verification.visit_evidence import digest_of, open_photo
from tuodi.verification.visit_facts import basis_for
from tuodi.verification.visit_forms import check_answers, form_for
from tuodi.verification.visit_queries import access_task, latest_record, my_tasks
from tuodi.web.components import navigation, pages, posting
from tuodi.web.components.pages import Page
from tuodi.web.field import printing, reading, showing

State = VisitTask.State
VISITORS = (DutyCode.VISIT, DutyCode.CLUE, DutyCode.THIRD_PARTY)
#: Who may read a visit at all; which ones is `visit_queries.access_task`'s to say.
READERS = (
    *VISITORS,
    DutyCode.REVIEW,
    DutyCode.CONFIRM,
    DutyCode.CLUE_DECIDE,
    DutyCode.CLUE_CLOSE,
    DutyCode.VERIFY,
    DutyCode.SUPERVISE,
)


def _through_door(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page on one task, whose rows a provider's visitor sees through the door of that task only."""

    @wraps(view)
    def inner(request: HttpRequest, pk: int) -> HttpResponse:
        user: Any = request.user
        with door(user, pk):
            return view(request, pk)

    return inner


def listing(request: HttpRequest) -> HttpResponse:
    """My open tasks, by the distance of their due day; a handful of queries whatever their number."""
    user: Any = request.user
    with door(user):
        return _listing(request)


def _listing(request: HttpRequest) -> HttpResponse:
    today, rows = clock.today(), my_tasks(request.user)
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]), total=rows.count(), size=30)
    names = showing.names_of(list(found.items))
    items = [showing.line(task, today, names) for task in found.items]
    page = Page(items, found.number, found.total, found.previous, found.next, found.pages)
    return render(request, "field/tasks.html", {"page": page, "today": today})


@_through_door
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One task: its form, or its signed record; a POST hands the form in."""
    task = access_task(request.user, pk)
    record = latest_record(task)
    if request.method == "POST":
        answer = posting.text(request, "answer", 20)
        if answer in _DEEDS:
            posting.attempt(request, lambda: _DEEDS[answer](request, task), _DONE[answer])
            return posting.back(reverse("web:field-task", args=[task.pk]))
        return _hand_in(request, task, record)
    return _page(request, task, record)


def _apply(request: HttpRequest, task: VisitTask) -> Any:
    return apply_to_step(task, acting_user=request.user)


def _cancel(request: HttpRequest, task: VisitTask) -> Any:
    return cancel_visit(task, acting_user=request.user, reason=posting.text(request, "reason", 200))


_DEEDS = {"apply": _apply, "cancel": _cancel}
_DONE = {"apply": "已用本次入户记录办理环节。", "cancel": "任务已取消。"}


def _page(
    request: HttpRequest,
    task: VisitTask,
    record: VisitRecord | None,
    *,
    faults: dict[str, str] | None = None,
    conflict: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    posted = request.POST if request.method == "POST" else None
    finding = _finding(task, request.user)
    decided = bool(finding and finding["decided"])
    asked = task.state in (State.PLANNED, State.VISITED) or "correct" in request.GET or posted is not None
    open_form = asked and not decided
    form = form_for(task.region, clock.today())
    basis = basis_for(task, form)
    people = _people(task, request.user)
    ticked = {one.pk for one in reading.people_of(posted, request.user)} if posted is not None else None
    size, names = showing.family_of(task)
    photos = list(task.photos.select_related("file").order_by("id"))
    mine = request.user.pk in task.assigned_ids or request.user.office_id == task.office_id
    context = {
        "task": task,
        "line": showing.line(task, clock.today(), showing.names_of([task])),
        "family_size": size,
        "family_names": names,
        "may_fill": mine
        and not decided
        and task.state != State.CANCELLED
        and navigation.may(request, VISITORS, task.region),
        "may_cancel": task.state in (State.PLANNED, State.VISITED)
        and navigation.may(request, (DutyCode.VISIT, DutyCode.REVIEW), task.region),
        "may_apply": task.state == State.SIGNED and _step_waits(task, request.user),
        "open_form": open_form,
        "parts": showing.parts(form, basis, posted, record, faults or {}) if open_form else [],
        "people": [(one, ticked is None or one.pk in ticked) for one in people],
        "signers": showing.signers(people, task.household.head.name, posted),
        "values": _values(posted, record),
        "conclusions": [
            (code, label, (posted.get("conclusion") if posted else record.conclusion if record else "") == code)
            for code, label in VisitRecord.Conclusion.choices
        ],
        "faults": faults or {},
        "fault_list": [(key, words) for key, words in (faults or {}).items()],
        "conflict": conflict,
        "record": showing.version(record) if record else None,
        "older": list(task.records.order_by("-version")[1:]) if record and record.version > 1 else [],
        "correcting": record is not None,
        "photos": [showing.tile(photo) for photo in photos],
        "photo_hashes": " ".join(photo.source_sha256 for photo in photos),
        "paper_hash": getattr(request, "field_paper", ""),
        "basis_hash": digest_of(basis),
        "client_id": posted.get("client_id") if posted else str(uuid4()),
        "base_version": conflict["version"] if conflict else record.version if record else 0,
        "clause": form.clause,
        "printable": record is not None and printing.available(),
        "finding": finding,
        "more_people": max(0, form.people - len(people)),
    }
    return render(request, "field/task.html", context, status=status)


def _finding(task: VisitTask, user: User) -> dict[str, Any] | None:
    """What a provider's visitor still has to say of the family, once its record is signed; None for everybody else."""
    own = my_task_of(user, task)
    if own is None:
        return None
    return {
        "own": own,
        "href": reverse("web:own-check", args=[own.id]),
        "opinions": [(code, label, code == own.opinion) for code, label in ThirdPartyTask.Opinion.choices if code],
        "decided": own.state == ThirdPartyTask.State.DECIDED,
    }


def _step_waits(task: VisitTask, user: User) -> bool:
    from tuodi.cases.guard import level_of
    from tuodi.verification.visit_actions import open_visit_step

    return task.case is not None and task.case.is_running and open_visit_step(task.case, level_of(user)) is not None


def _people(task: VisitTask, user: User) -> list[User]:
    ids = [*task.assigned_ids, user.pk]
    return list(User.objects.filter(pk__in=ids, is_active=True).order_by("id"))


def _values(posted: Any, record: VisitRecord | None) -> dict[str, Any]:
    """Plain fields beside the form's own questions."""
    names = ("at_home", "opinion", "refused_reason", "correction_reason", "started_at", "ended_at", "latitude",
             "longitude", "accuracy", "sig-family-refused", "who_more")  # fmt: skip
    if posted is not None:
        values = {name.replace("-", "_"): posted.get(name, "") for name in names}
        rows = [{part: posted.get(f"n-{i}-{part}", "") for part in ("name", "relation", "said")} for i in range(3)]
    else:
        values = {name.replace("-", "_"): "" for name in names}
        rows = [{"name": "", "relation": "", "said": ""} for _ in range(3)]
        if record is not None:
            values |= {"at_home": record.at_home, "opinion": record.opinion, "refused_reason": record.refused_reason}
            values |= {name: _local(getattr(record, name)) for name in ("started_at", "ended_at")}
            rows = [*record.neighbours, *rows][:3]
    return {**values, "neighbours": rows}


def _local(value: Any) -> str:
    return value.astimezone(BEIJING).strftime("%Y-%m-%dT%H:%M") if value else ""


def _hand_in(request: HttpRequest, task: VisitTask, record: VisitRecord | None) -> HttpResponse:
    form = form_for(task.region, clock.today())
    filled = reading.form_of(task, form, request.POST, request.user)
    try:
        row = _submit(request, task, filled)
    except VisitConflictError as error:
        conflict = _conflict(request, task, filled, error)
        if _from_device(request):
            html = render_to_string("field/conflict.html", {"conflict": conflict}, request=request)
            return JsonResponse({"message": str(error), "version": conflict["version"], "html": html}, status=409)
        return _page(request, task, error.theirs, conflict=conflict, status=409)
    except VisitInputError as error:
        faults: dict[str, str] = {}
        for key, words in error.faults:
            faults.setdefault(key, words)
        if _from_device(request):
            return JsonResponse({"message": str(error), "faults": faults}, status=400)
        return _page(request, task, record, faults=faults, status=400)
    except TuodiError as error:
        if _from_device(request):
            return JsonResponse({"message": str(error), "faults": {}}, status=getattr(error, "status", 400))
        return _page(request, task, record, faults={"form": str(error)}, status=getattr(error, "status", 400))
    task.refresh_from_db()
    words = f"入户记录 {row.no} 已提交：{task.get_state_display()}。"
    here = reverse("web:field-task", args=[task.pk])
    if _from_device(request):
        return JsonResponse({"message": words, "no": row.no, "state": task.state, "href": here})
    posting.succeed(request, words)
    return posting.back(here)


def _submit(request: HttpRequest, task: VisitTask, filled: VisitForm) -> VisitRecord:
    """Pictures first: they stay with the task even where the form must be mended."""
    finding = _finding(task, request.user)
    if finding and finding["decided"]:
        raise WatchStateError("这项核查任务", "已处理", "再交入户记录")
    sheet, hashes = posting.text(request, "paper_hash", 64).lower(), []
    for one in reading.photos_of(request):
        if isinstance(one, str):
            hashes.append(one)
            continue
        kept = add_photo(task, one, acting_user=request.user)
        hashes.append(kept.source_sha256)
        if one.caption == "纸质签名":
            sheet = kept.source_sha256
    request.field_paper = sheet  # type: ignore[attr-defined]
    people = list(filled.investigators)
    signatures = reading.signatures_of(request.POST, people, task.household.head.name, sheet)
    return submit_visit(task, filled, hashes, signatures, acting_user=request.user)


def _conflict(request: HttpRequest, task: VisitTask, filled: VisitForm, error: VisitConflictError) -> dict[str, Any]:
    form = form_for(task.region, clock.today())
    theirs: VisitRecord = error.theirs
    mine, _ = check_answers(form, filled.answers, basis=basis_for(task, form), partial=True)
    words = {
        "结论": dict(VisitRecord.Conclusion.choices).get(filled.conclusion, ""),
        "意见": filled.opinion,
        "在家人员": filled.at_home,
    }
    return {
        "message": str(error),
        "version": theirs.version,
        "who": theirs.submitted_by.name,
        "when": theirs.received_at,
        "rows": showing.beside(form, mine, theirs, words),
    }


def _from_device(request: HttpRequest) -> bool:
    return request.headers.get("X-Field") == "1"


@_through_door
def photo_in(request: HttpRequest, pk: int) -> HttpResponse:
    """One photograph from a device; answers with the hash by which the form names it."""
    task = access_task(request.user, pk)
    try:
        photo = add_photo(task, reading.photo_of(request), acting_user=request.user)
    except TuodiError as error:
        return JsonResponse({"message": str(error)}, status=getattr(error, "status", 400))
    return JsonResponse({"sha256": photo.source_sha256, "href": reverse("web:field-photo", args=[photo.pk])})


def photo_out(request: HttpRequest, pk: int) -> HttpResponse:
    """A photograph, only as the picture it is: never sniffed, never run, never kept by the browser."""
    user: Any = request.user
    with door(user):  # whose task it belongs to is asked behind it
        return _photo_out(request, pk)


def _photo_out(request: HttpRequest, pk: int) -> HttpResponse:
    photo = VisitPhoto.objects.select_related("task", "meeting", "file").filter(pk=pk).first()
    if photo is None or photo.task_id is None:
        from tuodi.org.errors import NotFoundError

        if photo is None or not navigation.may(request, (DutyCode.REVIEW, DutyCode.CONFIRM), photo.region):
            raise NotFoundError("照片")
    else:
        access_task(request.user, photo.task_id)
    response = HttpResponse(open_photo(photo), content_type=photo.media_type)
    suffix = photo.media_type.partition("/")[2].replace("jpeg", "jpg")
    response["Content-Disposition"] = f'inline; filename="photo-{photo.pk}.{suffix}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "no-store"
    return response


@_through_door
def printed(request: HttpRequest, pk: int) -> HttpResponse:
    """The newest record as a printed form."""
    task = access_task(request.user, pk)
    record = latest_record(task)
    if record is None:
        raise VisitInputError([("task", "还没有入户记录，不能打印")])
    return printing.visit_pdf(task, record, request.user)
