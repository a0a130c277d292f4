"""A provider's own tasks of the annual check (第三方核查): whom to visit, and what was found. Nothing else is shown to him."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.kernel.errors import TuodiError
from tuodi.monitoring import thirdparty_actions, thirdparty_queries
from tuodi.monitoring.models import ThirdPartyTask
from tuodi.monitoring.sweep_errors import WatchInputError
from tuodi.web.components import pages, posting
from tuodi.web.components.pages import Page
from tuodi.web.components.words import Look

OPINIONS = {
    "": Look("待核查", "info"),
    "eligible": Look("符合条件", "ok", "check"),
    "not": Look("不符合条件", "bad"),
    "doubt": Look("有疑问", "warn"),
}
MAX_BYTES = 10 * 2**20


def listing(request: HttpRequest) -> HttpResponse:
    """The tasks that are not done, by village; `all=1` shows those reported too."""
    user: Any = request.user
    open_only = request.GET.get("all") != "1"
    if request.method == "POST":
        return _take(request)
    rows = thirdparty_queries.my_tasks(user, open_only=open_only)
    found = pages.page_of(request, lambda start, stop: rows[start:stop], total=len(rows))
    items = [
        {"task": one, "href": reverse("web:own-check", args=[one.id]), "look": OPINIONS.get(one.opinion, OPINIONS[""])}
        for one in found.items
    ]
    context = {
        "page": Page(items, found.number, found.total, found.previous, found.next, found.pages),
        "n": len(rows),
        "villages": len({one.village for one in rows}),
        "open_only": open_only,
    }
    return render(request, "field/own_checks.html", context)


def _take(request: HttpRequest) -> HttpResponse:
    """Makes the forms of the tasks on one page, so that the phone can carry them where there is no signal."""
    user: Any = request.user
    keys = [int(key) for key in request.POST.getlist("task")[:100] if key.isascii() and key.isdigit() and len(key) < 19]
    made = 0
    for pk in sorted(keys):
        try:
            thirdparty_actions.open_visit(pk, acting_user=user)
        except TuodiError as error:
            posting.refuse(request, str(error))
        else:
            made += 1
    if made:
        posting.succeed(request, f"{made} 户的入户表已备好，可存到本机。")
    return posting.back(reverse("web:field"))


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One task; a POST hands in the opinion, with photographs. What was typed stays where it is refused."""
    user: Any = request.user
    task = thirdparty_queries.my_task(user, pk)
    typed = {"opinion": task.opinion, "reasons": task.reasons, "met": ""}
    if request.method == "POST" and posting.text(request, "do", 10) == "visit":
        try:
            visit = thirdparty_actions.open_visit(pk, acting_user=user)
        except TuodiError as error:
            posting.refuse(request, str(error))
            return posting.back(reverse("web:own-check", args=[pk]))
        return posting.back(reverse("web:field-task", args=[visit.pk]))
    if request.method == "POST":
        typed = {name: posting.text(request, name, 2000) for name in typed}
        try:
            _report(request, pk, typed)
        except TuodiError as error:
            posting.refuse(request, str(error))
        else:
            posting.succeed(request, f"{task.head}家庭的核查意见已提交。")
            return posting.back(reverse("web:own-checks"))
    context = {
        "task": task,
        "look": OPINIONS.get(task.opinion, OPINIONS[""]),
        "typed": typed,
        "opinions": [(code, label) for code, label in ThirdPartyTask.Opinion.choices if code],
        "decided": task.state == ThirdPartyTask.State.DECIDED,
    }
    return render(request, "field/own_check.html", context)


def _report(request: HttpRequest, pk: int, typed: dict[str, str]) -> None:
    """Photographs first: an opinion is handed in with what shows it."""
    user: Any = request.user
    for given in request.FILES.getlist("photos")[:12]:
        if given.size and given.size > MAX_BYTES:
            raise WatchInputError("照片", f"“{given.name}”超过 10 MB，请压缩后再传")
        thirdparty_actions.add_photo(pk, given.read(), acting_user=user, name=given.name or "照片.jpg")
    record = posting.text(request, "record", 18)
    thirdparty_actions.report(
        pk,
        acting_user=user,
        opinion=typed["opinion"],
        reasons=typed["reasons"],
        met=typed["met"],
        visit_id=int(record) if record.isascii() and record.isdigit() else None,
    )
