"""Applying on the phone: one question a page, check, sign, send; then how it stands. The same pages for oneself and for others.

Nothing is kept in the session or by a script: each answer goes into the draft at once, so that one may come back within
thirty days, and a lent phone holds nothing of the last client.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from tuodi.cases.procedures import procedure_for
from tuodi.intake import online_actions as actions
from tuodi.intake import online_queries
from tuodi.intake.models import OnlineApplication
from tuodi.intake.online_content import MAX_MEMBERS, Content
from tuodi.intake.online_errors import DraftGoneError, OnlineInputError
from tuodi.intake.online_forms import TRUTH, ApplyForm, Page, Question, shown
from tuodi.intake.online_states import OnlineState
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.masking import mask_id, mask_phone
from tuodi.people.enums import Relation
from tuodi.policy.procedure import NoProcedureError
from tuodi.web.components import places, posting
from tuodi.web.residents.roads import Road
from tuodi.web.residents.villages import villages_of

__all__ = ["begin", "check", "drop", "each", "go", "listing", "page", "sent", "sign", "status"]


def _render(
    request: HttpRequest, road: Road, template: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    response = render(request, f"residents/{template}.html", {"road": road, **context}, status=status)
    response["Cache-Control"] = "no-store"
    return response


def listing(request: HttpRequest, road: Road, others: bool = False) -> HttpResponse:
    """A holder's applications, and the form that begins one. A POST begins, or goes on with the draft there is."""
    holder = road.holder(request)
    if request.method == "POST":
        return begin(request, road, others=others)
    rows = online_queries.own(holder, for_other=others)
    context = {
        "others": others,
        "rows": [_row(road, row) for row in rows],
        "key": uuid4(),
        "drafts": [_row(road, row) for row in rows if row.state == OnlineState.DRAFT],
        "villages": villages_of(road.region(request)) if others else None,
        "fault": "",
    }
    return _render(request, road, "apply_list", context)


def _row(road: Road, row: OnlineApplication) -> dict[str, Any]:
    draft = row.state == OnlineState.DRAFT
    # Of somebody else's family nothing but the number is shown once it is sent.
    return {
        "href": road.to("go", row.uid) if draft else None if row.for_other else road.to("status", row.uid),
        "draft": draft,
        "no": row.no,
        "state": row.get_state_display(),
        "saved": row.saved_at,
        "keep_until": row.keep_until,
        "sent": row.sent_at,
        "css": "bad" if row.state in (OnlineState.ASKED, OnlineState.REFUSED) else "",
    }


def begin(request: HttpRequest, road: Road, *, others: bool) -> HttpResponse:
    """Begins an application; for others the village comes first, because its office takes it."""
    region, known = posting.text(request, "village", 12), villages_of(road.region(request)) if others else []
    if others and region not in {code for _town, group in known for code, _name in group}:
        context = {
            "others": True, "rows": [], "drafts": [], "key": uuid4(), "villages": known,
            "fault": "请选申请人住在哪个村（社区）。",
        }  # fmt: skip
        return _render(request, road, "apply_list", context)
    try:
        key = UUID(posting.text(request, "key", 40))
    except ValueError:
        key = uuid4()
    online = actions.start(by=road.holder(request), key=key, region=region, for_other=others)
    return posting.back(road.to("go", online.uid))


def go(request: HttpRequest, road: Road, uid: UUID) -> HttpResponse:
    """Where to go on: the first page not answered, else the check; what was sent has a page of its own."""
    with actions.mine(uid, road.holder(request)) as (online, content, form):
        key, state = actions.todo(online, content, form), online.state
        sent_page = road.to("sent" if online.for_other else "status", uid)
    if state != OnlineState.DRAFT:
        return HttpResponseRedirect(sent_page)
    return HttpResponseRedirect(road.page(uid, key) if key else road.to("check", uid))


def _sent_already(online: OnlineApplication) -> bool:
    return online.state != OnlineState.DRAFT


def page(request: HttpRequest, road: Road, uid: UUID, name: str, place: int | None = None) -> HttpResponse:
    """One question. A POST takes the answer and goes on; `?check=1` returns to the check."""
    holder = road.holder(request)
    faults: list[tuple[str, str]] = []
    raw: dict[str, Any] = {}
    with actions.mine(uid, holder) as (online, content, form):
        try:
            wanted = form.page(name)
        except KeyError:
            raise DraftGoneError(form.keep_days) from None
        if _sent_already(online):
            return HttpResponseRedirect(road.to("go", uid))
        steps = [(p.id if at is None else f"{p.id}.{at}") for p, at in actions.pages_of(online, content, form)]
    if request.method == "POST":
        raw = {one.id: _posted(request, one) for one in wanted.fields}
        try:
            to = _take(request, road, uid, wanted, place, raw)
        except OnlineInputError as error:
            faults = error.faults
        except TuodiError as error:
            faults = [(wanted.fields[0].id, str(error))]
        else:
            return posting.back(to)
    with actions.mine(uid, holder) as (online, content, form):
        key = name if place is None else f"{name}.{place}"
        at = steps.index(key) if key in steps else -1
        context = {
            "online": online,
            "form": form,
            "page": wanted,
            "place": place,
            "member": content.members[place] if place is not None and place < len(content.members) else None,
            "questions": [_question(one, content, place, raw, dict(faults)) for one in wanted.fields],
            "faults": [(_anchor(wanted, field), words) for field, words in faults],
            "number": at + 1 if at >= 0 else None,
            "count": len(steps),
            "back": _previous(road, uid, steps, at),
            "to_check": "check" in request.GET or key in content.done,
            "members": _members(content, road, uid) if name == "members" else None,
            "papers": _papers(online, wanted) if name == "papers" else None,
            "more": len(content.members) < MAX_MEMBERS,
            "first": not content.members,
            "action": request.get_full_path(),
        }
        return _render(request, road, "apply_page", context)


def each(request: HttpRequest, road: Road, uid: UUID, name: str, place: int) -> HttpResponse:
    """One question about one member."""
    return page(request, road, uid, name, place)


def _anchor(wanted: Page, field: str) -> str:
    return field if field in {one.id for one in wanted.fields} else wanted.fields[0].id


def _previous(road: Road, uid: UUID, steps: list[str], at: int) -> str:
    if at > 0:
        return road.page(uid, steps[at - 1])
    return road.to("check", uid) if at < 0 else road.to("others" if road.staff else "list")


def _posted(request: HttpRequest, one: Question) -> Any:
    return request.POST.getlist(one.id) if one.kind == "choices" else posting.text(request, one.id, 600)


def _take(request: HttpRequest, road: Road, uid: UUID, wanted: Page, place: int | None, raw: dict[str, Any]) -> str:
    """Does what the pressed button says; returns where to go."""
    holder, do = road.holder(request), posting.text(request, "do", 20)
    here = request.get_full_path()
    if wanted.id == "members" and do == "add":
        actions.add_member(uid, raw, by=holder)
        return here
    if wanted.id == "members" and do.startswith("remove-"):
        actions.remove_member(uid, _number(do), by=holder)
        return here
    if wanted.id == "papers":
        for file in request.FILES.getlist("files")[:10]:
            actions.add_paper(uid, file.read(), posting.text(request, "papers", 20), by=holder)
        if do.startswith("remove-"):
            actions.remove_paper(uid, _number(do), by=holder)
        if do != "next":
            return here
    elif wanted.id == "members" and any(raw.get(name) for name in ("member_name", "member_id")):
        actions.add_member(uid, raw, by=holder)  # typed and gone on without pressing 加上
    actions.answer(uid, wanted.id, raw, by=holder, place=place)
    if "check" in request.GET:
        return road.to("check", uid)
    return road.to("go", uid)


def _number(do: str) -> int:
    text = do.rpartition("-")[2]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else -1


def _question(
    one: Question, content: Content, place: int | None, raw: dict[str, Any], faults: dict[str, str]
) -> dict[str, Any]:
    if raw:
        value = raw.get(one.id)
    elif place is not None and place < len(content.members):
        value = content.members[place].get(one.id.removeprefix("member_"))
    else:
        value = content.answers.get(one.id)
    chosen = value if isinstance(value, list) else [value]
    options = one.options or (TRUTH if one.kind == "yes_no" else {})
    return {
        "one": one,
        "value": "" if value is None or isinstance(value, list) else value,
        "options": [(code, label, one.hints.get(code, ""), code in chosen) for code, label in options.items()],
        "fault": faults.get(one.id, ""),
        "when": " ".join(f"{name}:{','.join(wanted)}" for name, wanted in one.when.items()),
        "mode": {"money": "decimal", "phone": "tel", "identity": "text"}.get(one.kind, "text"),
    }


def _members(content: Content, road: Road, uid: UUID) -> list[dict[str, Any]]:
    return [
        {
            "place": place,
            "name": one["name"],
            "id": mask_id(one["id"]) if one.get("id") else "",
            "relation": dict(Relation.choices).get(one["relation"], one["relation"]),
            "known": one.get("person") is not None,
        }
        for place, one in enumerate(content.members)
    ]


def _papers(online: OnlineApplication, wanted: Page | None) -> list[dict[str, Any]]:
    labels = wanted.fields[0].options if wanted else {}
    return [
        {"pk": one.pk, "label": labels.get(one.kind, "手签单")}
        for one in online.papers.exclude(kind="signature").order_by("id")
    ]


def check(request: HttpRequest, road: Road, uid: UUID) -> HttpResponse:
    """Everything that was answered, each with a way to change it; what the office filled in stands apart."""
    with actions.mine(uid, road.holder(request)) as (online, content, form):
        if _sent_already(online):
            return HttpResponseRedirect(road.to("go", uid))
        asked = actions.pages_of(online, content, form)
        keys = {p.id for p, _at in asked}
        context = {
            "online": online,
            "todo": actions.todo(online, content, form),
            "lines": _lines(road, uid, content, form, asked),
            "members": _members(content, road, uid),
            "known": [
                (one.label, _known_value(one, content))
                for p in form.pages
                if p.id not in keys and p.id in ("home", "contact")
                for one in p.fields
            ],
            "known_links": [road.page(uid, p.id) + "?check=1" for p in form.pages if p.id in ("home", "contact")],
            "papers": len(_papers(online, None)),
            "members_link": road.page(uid, "members") + "?check=1",
            "place_name": places.path(online.region[:9], 3),
        }
        return _render(request, road, "apply_check", context)


def _known_value(one: Question, content: Content) -> str:
    value = str(content.answers.get(one.id, ""))
    return mask_phone(value) if one.kind == "phone" else value


def _lines(
    road: Road, uid: UUID, content: Content, form: ApplyForm, asked: list[tuple[Page, int | None]]
) -> list[dict[str, Any]]:
    found = []
    for wanted, place in asked:
        if wanted.id in ("members", "papers", "village"):
            continue
        for one in wanted.fields:
            if one.when and one.id not in content.answers:
                continue
            if place is None:
                label, value = one.label.rstrip("？"), content.answers.get(one.id)
            else:
                label, value = f"{content.members[place]['name']}现在的情况", content.members[place].get("state")
            key = wanted.id if place is None else f"{wanted.id}.{place}"
            found.append({"label": label, "value": shown(one, value), "href": road.page(uid, key) + "?check=1"})
    return found


def sign(request: HttpRequest, road: Road, uid: UUID) -> HttpResponse:
    """The signatures: drawn on the screen, or on a sheet that is photographed. A POST signs and sends."""
    holder = road.holder(request)
    faults: list[tuple[str, str]] = []
    if request.method == "POST":
        try:
            _sign(request, uid, holder)
            actions.send(uid, by=holder)
        except OnlineInputError as error:
            faults = error.faults
        except TuodiError as error:
            faults = [("paper", str(error))]
        else:
            return posting.back(road.to("sent", uid))
    with actions.mine(uid, holder) as (online, content, form):
        if _sent_already(online):
            return HttpResponseRedirect(road.to("go", uid))
        missing = actions.todo(online, content, form)
        if missing:
            return HttpResponseRedirect(road.page(uid, missing))
        signers = [
            {"key": one.key, "name": one.name, "label": one.label, "done": one.key in content.signed}
            for one in actions.signers(online, content)
        ]
        context = {
            "online": online,
            "signers": signers,
            "faults": [(f"sig-{key}" if key != "paper" else key, words) for key, words in faults],
            "agent": holder.name if online.for_other else "",
            "place_name": places.path(online.region[:9], 3),
        }
        return _render(request, road, "apply_sign", context)


def _sign(request: HttpRequest, uid: UUID, holder: actions.Holder) -> None:
    sheet = request.FILES.get("paper")
    source = actions.add_paper(uid, sheet.read(), "signature", by=holder).source_sha256 if sheet else ""
    with actions.mine(uid, holder) as (online, content, _form):
        keys = [one.key for one in actions.signers(online, content)]
    raw: dict[str, dict[str, Any]] = {}
    for key in keys:
        strokes = _strokes(request.POST.get(f"sig-{key}", ""))
        if strokes:
            raw[key] = {"strokes": strokes}
        elif source:
            raw[key] = {"paper": source}
    actions.sign(uid, raw, by=holder)


def _strokes(text: str) -> Any:
    if not text or len(text) > 200_000:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


def sent(request: HttpRequest, road: Road, uid: UUID) -> HttpResponse:
    """The number and what comes next. Of somebody else's family nothing else is shown, and the browser forgets the rest."""
    with actions.mine(uid, road.holder(request)) as (online, _content, _form):
        if not _sent_already(online):
            return HttpResponseRedirect(road.to("go", uid))
        context = {
            "no": online.no,
            "others": online.for_other,
            "steps": [] if online.for_other else _steps(online),
            "place_name": places.path(online.region[:9], 3),
            "rate": None if online.for_other else road.to("status", uid),
        }
    response = _render(request, road, "apply_sent", context)
    if context["others"]:
        response["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _steps(online: OnlineApplication) -> list[str]:
    """The steps of the procedure that follow, in words; empty where the programme is not chosen yet."""
    if not online.programme:
        return []
    try:
        text = procedure_for(online.region, online.programme, clock.today())
    except NoProcedureError:
        return []
    return [step.label for step in text.steps if not step.when and not step.only_if]


def status(request: HttpRequest, road: Road, uid: UUID) -> HttpResponse:
    """How one's own application stands. A POST brings what is missing, or takes it back."""
    holder = road.holder(request)
    fault = ""
    if request.method == "POST":
        try:
            if posting.text(request, "do", 10) == "withdraw":
                actions.withdraw(uid, by=holder)
            else:
                kind = posting.text(request, "papers", 20) or "other"
                photos = [(file.read(), kind) for file in request.FILES.getlist("files")[:10]]
                actions.supply(uid, photos, by=holder, note=posting.text(request, "note", 500))
        except TuodiError as error:
            fault = str(error)
        else:
            return posting.back(road.to("status", uid))
    with actions.mine(uid, holder) as (online, _content, form):
        if online.for_other:
            return HttpResponseRedirect(road.to("sent", uid))
        if not _sent_already(online):
            return HttpResponseRedirect(road.to("go", uid))
        application = online.application
        context = {
            "online": online,
            "case_no": application.case.no if application else "",
            "kinds": list(form.question("papers").options.items()),
            "fault": fault,
            "open": online_queries.is_open(online),
            "place_name": places.path(online.region[:9], 3),
        }
        return _render(request, road, "apply_status", context)


def drop(request: HttpRequest, road: Road, uid: UUID) -> HttpResponse:
    """Gives a draft up, after asking once more."""
    holder = road.holder(request)
    with actions.mine(uid, holder) as (online, _content, _form):
        others = online.for_other
        if _sent_already(online):
            return HttpResponseRedirect(road.to("go", uid))
    if request.method == "POST":
        actions.drop_draft(uid, by=holder)
        return posting.back(road.to("others" if others else "list"))
    return _render(request, road, "apply_drop", {"uid": uid, "others": others})
