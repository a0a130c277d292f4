"""Proposals of standards: the list, the editor with its floors, opinions, and each step by its duty."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.timezone import localtime

from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.places import pad12, trim
from tuodi.org.models import DutyCode
from tuodi.policy.adopted import Adopted, hidden_by
from tuodi.standards import actions, queries
from tuodi.standards.errors import StandardError
from tuodi.standards.models import Opinion, Proposal
from tuodi.standards.states import STEPS, Body, ProposalState, Stance
from tuodi.standards.superseded import superseded
from tuodi.web.components import law, navigation, pages, places, posting
from tuodi.web.components.form_parts import PlaceOrOwn
from tuodi.web.standards import rule_drafts

LOOKS = {
    ProposalState.DRAFT: "", ProposalState.CONSULTED: "info", ProposalState.APPROVED: "warn", ProposalState.PUBLISHED: "ok",
    ProposalState.IN_FORCE: "ok", ProposalState.WITHDRAWN: "unknown",
}  # fmt: skip
_BASIS = (
    ("consumption_prior_urban", "上年城镇居民人均消费支出（元/年）"), ("consumption_prior_rural", "上年农村居民人均消费支出（元/年）"),
)  # fmt: skip


class DraftForm(PlaceOrOwn, forms.Form):
    """A new proposal."""

    title = forms.CharField(
        label="名称", max_length=120, help_text="例如：2017 年秋季城市低保提标；医疗支出抵扣办法修订"
    )
    effective_on = forms.DateField(label="拟执行日", widget=forms.DateInput(attrs={"type": "date"}))
    place = forms.CharField(label="地区代码", max_length=12, required=False, help_text="不填为本机构辖区")
    hypothetical = forms.BooleanField(label="数值为假设，只作演示或试算", required=False)


def listing(request: HttpRequest) -> HttpResponse:
    """Proposals the reader may see; who drafts may begin one; what waits for his opinion comes first."""
    form = None
    if DutyCode.STANDARDS in navigation.held_duties(request):
        form = DraftForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            try:
                made = actions.draft(
                    acting_user=request.user, place=given["place"] or trim(request.user.office.place_code), title=given["title"],
                    effective_on=given["effective_on"], hypothetical=given["hypothetical"],
                )  # fmt: skip
            except TuodiError as error:
                form.add_error(None, str(error))
            else:
                return posting.back(reverse("web:proposal", args=[made.pk]))
    rows = queries.visible(request.user)  # type: ignore[arg-type]
    page = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    waiting = []
    if DutyCode.STANDARDS_OPINION in navigation.held_duties(request):
        waiting = list(queries.waiting_for(request.user))  # type: ignore[arg-type]
    replaced = superseded(page.items, clock.today())
    items = [
        {"row": one, "place": places.name(one.place), "css": LOOKS[ProposalState(one.state)], "href": reverse("web:proposal", args=[one.pk]),
         "replaced": replaced.get(one.pk)}
        for one in page.items
    ]  # fmt: skip
    return render(
        request, "standards/proposals.html",
        {"page": pages.Page(items, page.number, None, page.previous, page.next), "form": form, "waiting": waiting},
    )  # fmt: skip


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One proposal; a POST does one of its steps."""
    proposal = queries.proposal_for(request.user, pk)  # type: ignore[arg-type]
    if request.method == "POST":
        return _answer(request, proposal)
    return _page(request, proposal, typed=None, problem="")


def _page(request: HttpRequest, proposal: Proposal, *, typed: Mapping[str, str] | None, problem: str) -> HttpResponse:
    book, duties = law.book(), navigation.held_duties(request)
    here = pad12(proposal.place)
    may_draft = navigation.may(request, [DutyCode.STANDARDS], here)
    editing = proposal.state == ProposalState.DRAFT and may_draft
    step = (
        proposal.state
        if proposal.state in proposal.checks
        else next((s for s in reversed(STEPS) if s in proposal.checks), "")
    )
    opinions = [
        _opinion(request, one, may_draft=may_draft)
        for one in proposal.opinions.filter(round=proposal.round).order_by("id")
    ]
    context: dict[str, Any] = {
        "proposal": proposal,
        "problem": problem,
        "css": LOOKS[ProposalState(proposal.state)],
        "replaced": superseded([proposal], clock.today()).get(proposal.pk),
        "place_names": places.names(proposal.place),
        "editing": editing,
        "rows": _rows(book, proposal, typed, editing=editing),
        "floors": proposal.checks.get(step, []),
        "floor_step": dict(ProposalState.choices).get(step, ""),
        "basis": [(name, label, (typed or {}).get(name, proposal.basis.get(name, ""))) for name, label in _BASIS],
        "opinions": opinions,
        "stances": [choice for choice in Stance.choices if choice[0]],
        "bodies": _bodies(proposal),
        "steps": _steps(proposal),
        "may_draft": may_draft,
        "may_approve": navigation.may(request, [DutyCode.STANDARDS_APPROVE], here),
        "own_hand": request.user.pk in proposal.hands,
        "may_simulate": bool({DutyCode.STANDARDS, DutyCode.STANDARDS_APPROVE} & set(duties)),
        "may_run": proposal.state in (ProposalState.PUBLISHED, ProposalState.IN_FORCE)
        and DutyCode.PAY_PREPARE in duties,
        "run_month": str(pages.this_month()),
        "today": clock.today(),
        "rules_text": (typed or {}).get("rules_text", proposal.rules_text),
        "rule_choices": rule_drafts.choices(book, proposal) if editing else [],
    }
    context |= rule_drafts.context(proposal, editing=editing, may_simulate=context["may_simulate"])
    return render(request, "standards/proposal.html", context, status=409 if problem else 200)


def _rows(book: Any, proposal: Proposal, typed: Mapping[str, str] | None, *, editing: bool) -> list[dict[str, Any]]:
    """The values of the proposal beside what holds; in a draft also every value it may set."""
    own = {(one.place, one.param, tuple(one.keys)): one for one in proposal.values.order_by("id")}
    slots = {
        (one.place, one.param.name, one.keys): one for one in queries.slots(book, proposal.place, proposal.effective_on)
    }
    found = []
    for number, key in enumerate(dict.fromkeys([*own, *slots]) if editing else own):
        place, name, keys = key
        param, mine = book.params.get(name), own.get(key)
        if param is None:
            continue
        held = (
            slots[key].current if key in slots else book.table(name, book.chain(place), proposal.effective_on).get(keys)
        )
        if held is not None and held.adopted and held.where.file == f"标准 {proposal.no}":
            held = None  # its own value, in force already
        hidden = []
        if mine is not None:
            probe = Adopted(place, name, keys, proposal.effective_on, mine.value, mine.unit, "-", "-", "", "-")
            set_here = {one[0] for one in own if one[1] == name and one[2] == keys}
            hidden = [places.name(one) for one in hidden_by(book, probe) if one not in set_here]
        words = [book.enums[enum].values.get(k, k) for enum, k in zip(param.by, keys, strict=False)]
        value = mine.value if mine else ""
        found.append(
            {
                "n": number, "place": place, "place_name": places.name(place), "param": name, "keys": ",".join(keys), "label": param.label,
                "words": "、".join(words), "unit": (mine.unit if mine else "") or (held.unit if held else "") or param.unit_text,
                "now": held.printed if held and held.value is not None else "", "now_unit": held.unit if held else "",
                "clause": book.clause(held.clause).text if held and held.clause else "", "assumed": bool(held and held.assumed),
                "value": (typed or {}).get(f"value-{number}", value), "locator": (typed or {}).get(f"locator-{number}", mine.locator if mine else ""),
                "hidden": hidden,
            }
        )  # fmt: skip
    return found


def _opinion(request: HttpRequest, one: Opinion, *, may_draft: bool) -> dict[str, Any]:
    open_ = not one.stance and one.proposal.state == ProposalState.CONSULTED
    mine = navigation.may(request, [DutyCode.STANDARDS_OPINION], pad12(one.place)) and one.office_id in (
        None, request.user.office_id,  # type: ignore[union-attr]
    )  # fmt: skip
    css = {Stance.AGREE: "ok", Stance.CHANGE: "warn", Stance.OBJECT: "bad"}.get(Stance(one.stance), "unknown")
    return {
        "row": one, "css": css, "may_answer": open_ and mine, "may_letter": open_ and may_draft,
        "may_handle": may_draft and one.stance in (Stance.CHANGE, Stance.OBJECT) and not one.handling
        and one.proposal.state == ProposalState.CONSULTED,
    }  # fmt: skip


def _bodies(proposal: Proposal) -> list[dict[str, str]]:
    """Whom to ask: departments of the place, the governments below."""
    try:
        must = queries.bodies_heard(law.book(), proposal.place, clock.today())
    except StandardError:
        must = []  # sending it out says what is missing
    found = [
        {
            "key": body.value,
            "body": body.value,
            "name": body.label,
            "place": proposal.place,
            "must": body in must,
        }
        for body in (Body.FINANCE, Body.STATISTICS, Body.PRICES, Body.HUMAN_RESOURCES)
    ]
    if len(proposal.place) == 4:
        book = law.book()
        below = sorted({one for one in book.places_named() if len(one) == 6 and book.parent(one) == proposal.place})
        found += [
            {
                "key": f"county-{one}",
                "body": Body.COUNTY.value,
                "name": f"{places.name(one)}人民政府",
                "place": one,
                "must": Body.COUNTY in must,
            }
            for one in below
        ]
    return found  # type: ignore[return-value]


def _steps(proposal: Proposal) -> list[dict[str, Any]]:
    when = {
        "draft": proposal.created_at, "consulted": proposal.consulted_at, "approved": proposal.approved_at,
        "published": proposal.published_on, "in_force": proposal.effective_on,
    }  # fmt: skip
    at = STEPS.index(proposal.state) if proposal.state in STEPS else -1
    labels = dict(ProposalState.choices)
    return [
        {
            "label": labels[name],
            "state": "done" if number < at or proposal.state == "in_force" else "now" if number == at else "later",
            "note": _when(when[name]) if number <= at or name == "in_force" else "",
        }
        for number, name in enumerate(STEPS)
    ]


def _when(moment: Any) -> str:
    if moment is None:
        return ""
    return str(localtime(moment).date() if isinstance(moment, datetime) else moment)


def _answer(request: HttpRequest, proposal: Proposal) -> HttpResponse:
    here = reverse("web:proposal", args=[proposal.pk])
    verb = posting.text(request, "do", 20)
    if verb == "values":
        typed = {name: str(text) for name, text in request.POST.items()}
        if typed.get("begin"):
            typed["rules_text"] = rule_drafts.begun(
                law.book(), proposal, typed.get("rules_text", "").replace("\r\n", "\n"), typed.get("rule", "")
            )
        try:
            _save(request, proposal, typed)
        except StandardError as error:
            return _page(request, proposal, typed=typed, problem=str(error))
        faults = len(Proposal.objects.get(pk=proposal.pk).rules_review.get("faults", []))
        posting.succeed(
            request, f"已保存。规则文本有 {faults} 处要改，见下。" if faults else "已保存，底线检查已更新。"
        )
        return posting.back(here)
    work = _DO.get(verb)
    if work is None:
        posting.refuse(request, "这个操作现在不能办理，页面可能已过时。请看下面的最新状态。")
    else:
        posting.attempt(request, lambda: work[0](request, proposal), work[1])
    return posting.back(here)


def _save(request: HttpRequest, proposal: Proposal, typed: Mapping[str, str]) -> None:
    rows = []
    for name, text in typed.items():
        if not name.startswith("value-") or not text.strip():
            continue
        number = name.removeprefix("value-")
        rows.append(
            {
                "place": typed.get(f"place-{number}", ""), "param": typed.get(f"param-{number}", ""), "value": text,
                "keys": [one for one in typed.get(f"keys-{number}", "").split(",") if one], "unit": typed.get(f"unit-{number}", ""),
                "locator": typed.get(f"locator-{number}", ""),
            }
        )  # fmt: skip
    actions.put_values(
        proposal, acting_user=request.user, book=law.book(), values=rows, basis={name: typed.get(name, "") for name, _ in _BASIS},  # type: ignore[arg-type]
        basis_source=typed.get("basis_source", ""), rules_text=typed.get("rules_text", ""),
        effective_on=_day(typed.get("effective_on", ""), proposal.effective_on),
    )  # fmt: skip


def _day(text: str, default: date) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return default


def _consult(request: HttpRequest, proposal: Proposal) -> Any:
    chosen = set(request.POST.getlist("ask"))
    offices = {
        one.place_code: one for one in actions.answering_offices(proposal.place) if one.place_code != proposal.place
    }
    bodies = [
        {"body": one["body"], "name": one["name"], "place": one["place"], "office": offices.get(one["place"])}
        for one in _bodies(proposal)
        if one["key"] in chosen
    ]
    return actions.consult(proposal, acting_user=request.user, book=law.book(), bodies=bodies)  # type: ignore[arg-type]


def _one(request: HttpRequest, proposal: Proposal) -> Opinion:
    found: Opinion | None = proposal.opinions.filter(pk=posting.text(request, "opinion", 12) or 0).first()
    if found is None:
        raise StandardError("没有这条征求意见。请刷新页面。")
    return found


_DO: dict[str, tuple[Callable[[HttpRequest, Proposal], Any], str]] = {
    "consult": (_consult, "已送出征求意见，数值和规则从此不改；要改先退回草案。"),
    "answer": (
        lambda r, p: actions.answer(
            _one(r, p), acting_user=r.user, stance=posting.text(r, "stance", 10), text=posting.text(r, "text", 1000),  # type: ignore[arg-type]
            letter_no=posting.text(r, "letter_no", 60),
        ),
        "意见已登记。",
    ),
    "handle": (lambda r, p: actions.handle(_one(r, p), acting_user=r.user, handling=posting.text(r, "handling", 1000)), "采纳情况已登记。"),  # type: ignore[arg-type]
    "recall": (lambda r, p: actions.recall(p, acting_user=r.user, reason=posting.text(r, "reason", 200)), "已退回草案。"),  # type: ignore[arg-type]
    "approve": (
        lambda r, p: actions.approve(
            p, acting_user=r.user, book=law.book(), unknown_note=posting.text(r, "unknown_note", 300),  # type: ignore[arg-type]
            untried_note=posting.text(r, "untried_note", 300),
        ),
        "已批准。",
    ),
    "publish": (
        lambda r, p: actions.publish(
            p, acting_user=r.user, book=law.book(), doc_no=posting.text(r, "doc_no", 60), doc_title=posting.text(r, "doc_title", 120),  # type: ignore[arg-type]
            published_on=_day(posting.text(r, "published_on", 10), clock.today()),
        ),
        "已公布。从执行日起按新标准、新规则计算，执行日以后已发月份的差额在下一期发放中补发。",
    ),
    "withdraw": (lambda r, p: actions.withdraw(p, acting_user=r.user, reason=posting.text(r, "reason", 200)), "已撤回。"),  # type: ignore[arg-type]
}  # fmt: skip
