"""One need: what the family may be entitled to, what is asked to know more, what it became, and what the applicant was told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.cases.procedures import procedure_for
from tuodi.decisions.assessment import Answer, Assessment, assess
from tuodi.intake import need_actions, need_queries
from tuodi.intake.application_queries import EXCLUDES
from tuodi.intake.counter_book import needs_of, referral_of
from tuodi.intake.models import ApplicationMember, Need, NeedNote, Referral
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.people.enums import Programme
from tuodi.people.models import Membership
from tuodi.people.queries import members_on
from tuodi.policy.procedure import NoProcedureError
from tuodi.rules.family import FamilyErrors
from tuodi.web.components import law, pages, places, posting, reading, words
from tuodi.web.components.words import Look
from tuodi.web.counter import family_checks, need_forms, needs, work
from tuodi.web.counter.families import open_roll

LOOKS = {
    "pass": Look("可能符合", "ok", "check"),
    "unknown": Look("还不知道", "unknown", "help"),
    "fail": Look("不符合", "bad", "x"),
}
PERIODS = {"month": "元/月", "year": "元/年", "once": "元"}
#: Missing facts named in one line; the rest is counted.
NAMED = 4
NO_PROCEDURE = "本地没有现行的办理程序，还不能在系统里受理"


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The page; a POST does one of its verbs."""
    need = need_queries.access_need(request.user, pk)  # type: ignore[arg-type]
    if request.method == "POST":
        return _do(request, need)
    return _page(request, need)


def _page(request: HttpRequest, need: Need, form: need_forms.EnteredForm | None = None) -> HttpResponse:
    today = clock.today()
    members = members_on(need.household, today)
    found, problem = _assessed(need)
    relevant = _relevant(need, today)
    user: Any = request.user
    mine = user.pk in (need.officer_a_id, need.officer_b_id) and need.state == Need.State.OPEN
    if found is not None and form is None and mine:
        form = _entered_form(need, found, relevant, everything=request.GET.get("all") == "1")
    others = need_queries.second_officers(user, need.region) if mine else []
    rows = _rows(need, found, relevant, today, members) if found else []
    reading.note_reading(
        request, "需求登记", [need.household_id], [row.person_id for row in members], region=need.region
    )
    context = {
        "need": need,
        "place": places.path(need.region),
        "kinds": [kind.label for kind in needs_of(need.region, today) if kind.code in need.kinds],
        "rows": rows,
        "may_accept": any(row["way"] == "case" for row in rows),
        "near": [row for row in rows if row["way"] == "refer" and (row["relevant"] or row["outcome"] != "fail")],
        "far": [row for row in rows if row["way"] == "refer" and not row["relevant"] and row["outcome"] == "fail"],
        "problem": problem,
        "facts_note": _facts_note(found),
        "form": form,
        "groups": list(form.groups()) if form is not None and len(form.fields) else [],
        "stands": needs.stands(_with_children(need), today),
        "waiting": [_waiting(row, today) for row in need.referrals.all() if not row.outcome] if mine else [],
        "answered": [row for row in need.referrals.all() if row.outcome],
        "notes": need.notes.select_related("by").order_by("-id")[:30],
        "checks": family_checks.panel(request, need.household, today, members),
        "mine": mine,
        "tell": need_forms.TellForm(prefix="tell") if mine else None,
        "hand": need_forms.HandForm(prefix="hand", others=others) if mine and others else None,
        "close": need_forms.CloseForm(prefix="close") if mine else None,
        "tickets": list(need.tickets.order_by("id")[:5]),
    }
    return render(request, "counter/need.html", context)


def _with_children(need: Need) -> Need:
    """The need with its cases and referrals read at once."""
    from django.db.models import Prefetch, prefetch_related_objects

    from tuodi.intake.models import NeedCase

    cases = NeedCase.objects.select_related("application__case").order_by("id")
    prefetch_related_objects(
        [need], Prefetch("cases", queryset=cases), Prefetch("referrals", Referral.objects.order_by("id"))
    )
    return need


def _assessed(need: Need) -> tuple[Assessment | None, str]:
    try:
        return assess(need.household, need.entered), ""
    except (TuodiError, FamilyErrors) as error:
        return None, str(error)


def _facts_note(found: Assessment | None) -> str:
    if found is None:
        return ""
    laid = f"，第 {found.from_facts} 份定稿事实" if found.from_facts else ""
    return f"按登记的事实{laid}和本次补充试算；只作参考，以审核确认为准"


def _relevant(need: Need, today: date) -> set[str]:
    """Programmes that answer the needs ticked; nothing ticked = all."""
    return {name for kind in needs_of(need.region, today) if kind.code in need.kinds for name in kind.programmes}


def _entered_form(
    need: Need, found: Assessment, relevant: set[str], *, everything: bool, data: Any = None
) -> need_forms.EnteredForm:
    """Fields for what is missing (of the programmes that answer the need, or of all), and for what was entered before."""
    wanted = found.missing
    if relevant and not everything:
        named = {text.partition("（")[0] for one in found.answers if one.programme in relevant for text in one.missing}
        wanted = [fact for fact in wanted if fact.label.partition("（")[0] in named]
    before = set(need.entered.get("household", {}))
    before |= {name for row in need.entered.get("members", ()) for name in row}
    declared = [fact for same in found.plan.book.facts_on(found.plan.chain).values() for fact in same]
    kept = [fact for fact in declared if fact.name in before and fact not in wanted and fact.name != "person_id"]
    return need_forms.EnteredForm(data, asked=[*wanted, *kept], book=found.plan.book, known=found.family)


def _rows(
    need: Need, found: Assessment, relevant: set[str], today: date, members: Sequence[Membership]
) -> list[dict[str, Any]]:
    """One line a programme that is done or handed on here; those that answer the need first, the likely ones before."""
    linked = {row.application.programme: row.application for row in _with_children(need).cases.all()}
    sent = {row.programme: row for row in need.referrals.all()}
    standing = _standing(need, members)
    lines = []
    for answer in found.answers:
        line = _row(need, answer, today)
        if line is None:
            continue
        line["relevant"] = answer.programme in relevant
        if answer.programme in linked:
            application = linked[answer.programme]
            line["way"], line["case"] = "done", application.case
        elif answer.programme in sent:
            line["way"], line["referral"] = "sent", sent[answer.programme]
        elif line["way"] == "case" and answer.programme in standing:
            line["way"], line["standing"] = "standing", standing[answer.programme]
        lines.append(line)
    return sorted(lines, key=lambda line: not line["relevant"])


def _row(need: Need, answer: Answer, today: date) -> dict[str, Any] | None:
    line: dict[str, Any] = {
        "programme": answer.programme,
        "label": answer.label,
        "look": LOOKS[answer.outcome],
        "outcome": answer.outcome,
        "amount": words.yuan(answer.amount_fen) if answer.amount_fen else "",
        "unit": PERIODS.get(answer.period, "元"),
        "people": "、".join(answer.people),
        "missing": answer.missing[:NAMED],
        "more": max(0, len(answer.missing) - NAMED),
        "reasons": [law.cited(one) for one in answer.reasons],
        "why_not": "",
    }
    if answer.programme in Programme.values:
        try:
            procedure_for(need.region, answer.programme, today)
        except NoProcedureError:
            line["why_not"] = NO_PROCEDURE
        else:
            return line | {"way": "case"}
    to = referral_of(need.region, answer.programme, today)
    if to is not None:
        return line | {"way": "refer", "department": to.department, "limit": to.limit.text if to.limit else ""}
    return line | {"way": "none"} if line["why_not"] else None


def _standing(need: Need, members: Sequence[Membership]) -> dict[str, str]:
    """Programme -> why it is no use accepting it again: on the roll, or applying. Two queries, whatever the family."""
    people = [row.person_id for row in members]
    found: dict[str, str] = {}
    entries = open_roll([need.household_id]).get(need.household_id, [])
    for programme, excluded in EXCLUDES.items():
        for entry in entries:
            if entry.programme in excluded and entry.start_month <= pages.this_month().yyyymm:
                found[programme] = f"正在享受{Programme(entry.programme).label}"
    running = ApplicationMember.objects.filter(
        person__in=people, application__case__decision="", application__case__closed_on__isnull=True
    ).values_list("programme", "application__case__no")
    for programme, no in running:
        found[programme] = f"案件 {no} 正在办理"
    return found


def _waiting(row: Referral, today: date) -> dict[str, Any]:
    return {
        "row": row,
        "due": work.due_look(row.due_on, row.due_pending, today),
        "form": need_forms.ReplyForm(prefix=f"reply{row.pk}"),
    }


# ---- verbs


def _do(request: HttpRequest, need: Need) -> HttpResponse:
    here = reverse("web:need", args=[need.pk])
    verb = _VERBS.get(posting.text(request, "do", 20))
    if verb is None:
        posting.refuse(request, "这个操作不认识，请刷新页面后重试。")
        return posting.back(here)
    return verb(request, need) or posting.back(here)


def _assess(request: HttpRequest, need: Need) -> HttpResponse | None:
    found, problem = _assessed(need)
    if found is None:
        posting.refuse(request, problem)
        return None
    form = _entered_form(need, found, _relevant(need, clock.today()), everything=True, data=request.POST)
    people = [row.person_id for row in members_on(need.household, clock.today())]
    if not form.is_valid():
        return _page(request, need, form)
    form_posted = {key for key in form.fields if key in request.POST}
    for name in set(form.fields) - form_posted:  # fields the page did not show are not emptied by leaving them out
        del form.fields[name]
    entered = form.family(people, need.entered)
    try:
        again = assess(need.household, entered)
        results = [(one.programme, one.outcome, one.fingerprint) for one in again.answers]
        need_actions.note_assessment(need, acting_user=request.user, entered=entered, results=results)  # type: ignore[arg-type]
    except (TuodiError, FamilyErrors) as error:
        form.add_error(None, str(error))
        return _page(request, need, form)
    today = clock.today()
    likely = [one.label for one in again.answers if one.outcome == "pass" and _row(need, one, today) is not None]
    posting.succeed(request, f"已评估。可能符合：{'、'.join(likely) or '暂无'}。")
    return None


def _refer(request: HttpRequest, need: Need) -> HttpResponse | None:
    programme = posting.text(request, "programme", 24)
    found, problem = _assessed(need)
    label = next((one.label for one in found.answers if one.programme == programme), "") if found else ""
    if not label:
        posting.refuse(request, problem or f"没有项目“{programme}”。")
        return None
    posting.attempt(
        request,
        lambda: need_actions.refer(
            need,
            acting_user=request.user,  # type: ignore[arg-type]
            programme=programme,
            label=label,
            department=posting.text(request, "department", 60),
            reason=posting.text(request, "reason", 500),
        ),
        lambda row: f"已转 {row.department}" + (f"，{row.due_on:%Y-%m-%d} 前答复。" if row.due_on else "。"),
    )
    return None


def _reply(request: HttpRequest, need: Need) -> HttpResponse | None:
    key = posting.text(request, "referral", 20)
    row = need.referrals.filter(pk=int(key)).first() if key.isascii() and key.isdigit() and len(key) < 19 else None
    if row is None:
        posting.refuse(request, "没有这条转办，请刷新页面后重试。")
        return None
    posting.attempt(
        request,
        lambda: need_actions.answer_referral(
            row,
            acting_user=request.user,  # type: ignore[arg-type]
            outcome=posting.text(request, f"reply{row.pk}-outcome", 10),
            answer=posting.text(request, f"reply{row.pk}-answer", 1000),
        ),
        "已登记答复。请把结果告知申请人。",
    )
    return None


def _tell(request: HttpRequest, need: Need) -> HttpResponse | None:
    posting.attempt(
        request,
        lambda: need_actions.tell(
            need,
            acting_user=request.user,  # type: ignore[arg-type]
            text=posting.text(request, "tell-text", 1000),
            how=posting.text(request, "tell-how", 10),
            kind=NeedNote.Kind.TOLD,
        ),
        "已记录告知。",
    )
    return None


def _hand(request: HttpRequest, need: Need) -> HttpResponse | None:
    others = {str(user.pk): user for user in need_queries.second_officers(request.user, need.region)}  # type: ignore[arg-type]
    to_user = others.get(posting.text(request, "hand-to_user", 20))
    if to_user is None:
        posting.refuse(request, "没有选择接手人。")
        return None
    posting.attempt(
        request,
        lambda: need_actions.hand_over(
            need,
            acting_user=request.user,  # type: ignore[arg-type]
            to_user=to_user,
            reason=posting.text(request, "hand-reason", 200),
        ),
        f"已移交 {to_user.name}。",
    )
    return None


def _close(request: HttpRequest, need: Need) -> HttpResponse | None:
    posting.attempt(
        request,
        lambda: need_actions.close_need(
            need,
            acting_user=request.user,  # type: ignore[arg-type]
            outcome=posting.text(request, "close-outcome", 300),
            how=posting.text(request, "close-how", 10),
        ),
        "已办结。",
    )
    return None


def _accept(request: HttpRequest, need: Need) -> HttpResponse | None:
    chosen = [one for one in request.POST.getlist("programme") if one in Programme.values]
    if not chosen:
        posting.refuse(request, "没有选中项目。请先勾选要受理的项目。")
        return None
    query = urlencode([("programme", one) for one in chosen])
    return posting.back(f"{reverse('web:need-accept', args=[need.pk])}?{query}")


_VERBS: dict[str, Callable[[HttpRequest, Need], HttpResponse | None]] = {
    "assess": _assess,
    "refer": _refer,
    "reply": _reply,
    "tell": _tell,
    "hand": _hand,
    "close": _close,
    "accept": _accept,
}
