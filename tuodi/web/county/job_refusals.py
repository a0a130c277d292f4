"""Jobs offered to members of dibao families, answers, and the own share that refusals may cost (M46)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.decisions.changes import require_confirmer
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.monitoring import job_offers
from tuodi.monitoring.models import JobOffer, RefusalProposal
from tuodi.org.models import DutyCode
from tuodi.people.queries import access_household
from tuodi.web.components import navigation, pages, places, posting, words
from tuodi.web.components.pages import Page
from tuodi.web.components.words import Look
from tuodi.web.county import life
from tuodi.web.county.changes import people_of, person_of
from tuodi.web.county.life import Cell, Deed, Part, Row

READERS = (*job_offers.DUTIES, DutyCode.CONFIRM, DutyCode.SUPERVISE)
SHOWS = {"all": "全部", "open": "待答复", "unjudged": "待认定理由", "proposed": "拟减发"}
ANSWERS = {"open": Look("待答复", "info"), "accepted": Look("接受", "ok", "check"), "refused": Look("拒绝", "warn")}
REASONS = {"good": Look("有正当理由", "ok"), "bad": Look("无正当理由", "bad"), "": Look("待认定", "unknown")}
PROPOSALS = {
    "proposed": Look("拟减发，待确认", "warn"),
    "confirmed": Look("已减发", "ok", "check"),
    "dropped": Look("不予减发"),
}


class OfferForm(forms.Form):
    """What the employment department offered."""

    person = forms.ChoiceField(label="成员")
    office = life.text_field("介绍部门", longest=80, initial="人力资源和社会保障局")
    offered_on = life.day_field("介绍日期")
    job = life.text_field("岗位", longest=200)
    suitable = life.text_field(
        "与健康状况和劳动能力相适应", longest=200, help_text="为什么合适，例如 体检正常，岗位在本街道"
    )

    def __init__(self, *args: Any, people: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].choices = [("", "请选择"), *people]  # type: ignore[attr-defined]


class AnswerForm(forms.Form):
    """What the person said."""

    accepted = forms.ChoiceField(label="答复", choices=[("yes", "接受"), ("no", "拒绝")], widget=forms.RadioSelect)
    on = life.day_field("答复日期")
    said = life.text_field("本人说明", longest=300, rows=2, needed=False, help_text="拒绝的必须写明")


class JudgeForm(forms.Form):
    """Whether the reason is good."""

    good = forms.ChoiceField(
        label="拒绝的理由", choices=[("yes", "有正当理由"), ("no", "无正当理由")], widget=forms.RadioSelect
    )


def listing(request: HttpRequest) -> HttpResponse:
    """Offers in the reader's range, newest first."""
    shown = life.show_of(request, SHOWS, "all")
    known = life.towns(request)
    town = life.town_of(request, known)
    counts = job_offers.counts()
    rows = job_offers.listing(shown, town)
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]), total=None if town else counts[shown])
    limit = job_offers.refusal_limit(request.user.office.place_code, clock.today())  # type: ignore[union-attr]
    context = {
        "title": "就业介绍和拒绝", "sub": f"连续 {limit} 次无正当理由拒绝的，可减发或停发本人份额；家庭仍在保", "place_names": life.scope_names(request),
        "show": shown, "tabs": life.tabs(request, SHOWS, counts, shown, ("proposed",)),
        "figures": [
            {"label": "介绍", "value": f"{counts['all']:,}", "unit": "次", "foot": f"接受 {counts['accepted']:,} 次"},
            {"label": "待认定理由", "value": f"{counts['unjudged']:,}", "unit": "次", "foot": "由初审人员认定"},
            {"label": "拟减发", "value": f"{counts['proposed']:,}", "unit": "人", "foot": "待确认，不自动扣"},
            {"label": "已减发", "value": f"{counts['confirmed']:,}", "unit": "人", "foot": "只减本人份额"},
        ],
        "page": Page([_line(one) for one in found.items], found.number, found.total, found.previous, found.next, found.pages),
        "filters": [life.select("town", "乡镇（街道）", known, town)] if known else [],
        "first_head": "成员", "unit": "次", "empty_title": "没有介绍记录", "empty_text": "就业部门介绍工作后，从家庭档案登记。",
    }  # fmt: skip
    return render(request, "county/life_list.html", context)


def proposal_of(one: JobOffer) -> RefusalProposal | None:
    """The proposal an offer led to."""
    return getattr(one, "proposal", None)


def _line(one: JobOffer) -> Row:
    proposal = proposal_of(one)
    return Row(
        one.person.name, reverse("web:job-offer", args=[one.pk]), note=f"{one.household.head.name}家庭 {one.household.no}",
        cells=(
            Cell("住地", places.path(one.region)), Cell("岗位", one.job, css="wrap-any"), Cell("介绍部门", one.office),
            Cell("介绍日期", one.offered_on.isoformat(), css="num"), Cell("答复", look=ANSWERS[one.answer]),
            Cell("理由", look=REASONS[one.reason] if one.answer == "refused" else None, text="" if one.answer == "refused" else "—"),
            Cell("连续", f"{one.streak} 次" if one.streak else "—", look=PROPOSALS[proposal.state] if proposal else None, css="num"),
        ),
    )  # fmt: skip


def new(request: HttpRequest, pk: int) -> HttpResponse:
    """Enters an offer to a member of one family."""
    user: Any = request.user
    household = access_household(user, pk)
    form = OfferForm(request.POST or None, people=people_of(household), initial={"offered_on": clock.today()})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        person = person_of(household, data["person"])
        try:
            assert person is not None
            made = job_offers.record_offer(
                household, person, office=data["office"], offered_on=data["offered_on"], job=data["job"],
                suitable=data["suitable"], acting_user=user,
            )  # fmt: skip
        except TuodiError as error:
            form.add_error(None, str(error))
        else:
            posting.succeed(request, "已登记介绍。")
            return posting.back(reverse("web:job-offer", args=[made.pk]))
    context = {
        "title": f"登记介绍工作：{household.head.name}家庭", "crumb": {"label": "就业介绍和拒绝", "href": reverse("web:job-refusals")},
        "meta": [household.no, places.path(household.region, 3)], "parts": [], "side": [],
        "deeds": [Deed("new", "介绍工作", "登记", form, primary=True)],
    }  # fmt: skip
    return render(request, "county/life_page.html", context)


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One offer: answered, judged; and the proposal it led to, with its arithmetic."""
    user: Any = request.user
    row = job_offers.access_offer(user, pk)
    proposal = RefusalProposal.objects.filter(offer=row).select_related("determination", "decided_by").first()
    do = posting.text(request, "do", 20) if request.method == "POST" else ""
    made: dict[str, Any] = {
        "answer": AnswerForm(request.POST if do == "answer" else None, initial={"on": clock.today()}),
        "judge": JudgeForm(request.POST if do == "judge" else None, auto_id="judge-%s"),
        "confirm": life.ReasonForm(request.POST if do == "confirm" else None, auto_id="confirm-%s"),
        "drop": life.yes_form("不予减发的理由")(request.POST if do == "drop" else None, auto_id="drop-%s"),
    }
    if do in made and made[do].is_valid():
        data = made[do].cleaned_data
        if do in ("confirm", "drop") and proposal is None:
            return posting.back(reverse("web:job-offer", args=[pk]))
        assert do in ("answer", "judge") or proposal is not None
        deeds_of: dict[str, Any] = {
            "answer": lambda: job_offers.answer_offer(
                row, accepted=data["accepted"] == "yes", on=data["on"], said=data["said"], acting_user=user
            ),
            "judge": lambda: job_offers.judge_refusal(row, good=data["good"] == "yes", acting_user=user),
            "confirm": lambda: job_offers.confirm_refusal(proposal, reasons=data["reasons"], acting_user=user),  # type: ignore[arg-type]
            "drop": lambda: job_offers.drop_refusal(proposal, reasons=data["text"], acting_user=user),  # type: ignore[arg-type]
        }
        posting.attempt(request, deeds_of[do], "已办理。")
        return posting.back(reverse("web:job-offer", args=[pk]))
    deeds, locked = [], []
    if row.answer == "open" and navigation.may(request, job_offers.DUTIES, row.region):
        deeds.append(Deed("answer", "登记答复", "登记", made["answer"], primary=True))
    if row.answer == "refused" and not row.reason and navigation.may(request, [DutyCode.REVIEW], row.region):
        deeds.append(
            Deed("judge", "认定理由", "认定", made["judge"], "达到次数的只提出拟减发，由确认层级决定", primary=True)
        )
    if proposal is not None and proposal.state == "proposed":
        why_not = _why_not(user, row, proposal)
        if why_not:
            locked.append(why_not)
        else:
            deeds += [
                Deed(
                    "confirm", "确认减发本人份额", "确认减发", made["confirm"], "从下月起，同时出具告知书", primary=True
                ),
                Deed("drop", "不予减发", "不予减发", made["drop"]),
            ]
    context = {
        "title": f"{row.person.name} 介绍工作", "crumb": {"label": "就业介绍和拒绝", "href": reverse("web:job-refusals")},
        "marks": [ANSWERS[row.answer], *([REASONS[row.reason]] if row.answer == "refused" else []), *([PROPOSALS[proposal.state]] if proposal else [])],
        "meta": [f"{row.household.head.name}家庭", row.household.no, places.path(row.region, 3)],
        "links": [{"href": reverse("web:family", args=[row.household_id]), "label": "家庭档案", "icon": "users"}] if navigation.may_read(request) else [],
        "parts": _parts(row, proposal), "deeds": deeds, "locked": locked,
        "side": [Part("介绍", [
            ("部门", row.office), ("日期", row.offered_on.isoformat()), ("岗位", row.job), ("为什么合适", row.suitable),
            ("登记", f"{row.entered_by.name}，{row.entered_at:%Y-%m-%d}"),
        ])],
    }  # fmt: skip
    return render(request, "county/life_page.html", context)


def _why_not(user: Any, row: JobOffer, proposal: RefusalProposal) -> str:
    try:
        require_confirmer(user, row.region, "dibao")
    except TuodiError as error:
        return str(error)
    return "您已认定理由，不能再办确认，请由另一人办理。" if proposal.proposed_by_id == user.pk else ""


def _parts(row: JobOffer, proposal: RefusalProposal | None) -> list[Part]:
    parts = []
    if row.answer == "open":
        parts.append(Part("答复", empty="还没有答复"))
    else:
        pairs: list[tuple[str, Any]] = [
            ("答复", f"{row.get_answer_display()}，{row.answered_on}"),
            ("本人说明", row.said),
        ]
        if row.reason:
            pairs += [
                ("理由认定", f"{row.get_reason_display()}，{row.judged_by.name if row.judged_by else ''}"),
                ("连续次数", f"无正当理由 {row.streak} 次"),
            ]
        parts.append(Part("答复", pairs))
    if proposal is not None:
        pairs = [
            ("减发前", f"{words.yuan(proposal.full_fen)} 元／月"), ("本人份额", f"{words.yuan(proposal.share_fen)} 元"),
            ("拟减发", f"{words.yuan(proposal.cut_fen)} 元"),
            ("减发后", f"{words.yuan(proposal.full_fen)} − {words.yuan(proposal.cut_fen)} ＝ {words.yuan(proposal.full_fen - proposal.cut_fen)} 元，家庭仍在保"),
            *([("决定", f"{proposal.get_state_display()}，{proposal.decided_by.name if proposal.decided_by else ''}"), ("理由", proposal.why)] if proposal.decided_at else []),
        ]  # fmt: skip
        parts.append(Part("拟减发本人份额", pairs))
    return parts
