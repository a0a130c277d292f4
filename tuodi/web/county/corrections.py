"""Corrections of filed decisions (备案纠正): what a spot check found otherwise, the county's facts, the township's new decision."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.cases.guard import level_of
from tuodi.decisions import corrections
from tuodi.decisions.case_files import DUTIES as PRINTERS
from tuodi.decisions.changes import require_confirmer
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.monitoring.deciding import amount_in, collect
from tuodi.org.models import DutyCode
from tuodi.people.models import Person
from tuodi.verification.models import FactSet, SpotCheckItem
from tuodi.verification.spot_actions import DUTIES as COUNTY
from tuodi.web.components import navigation, pages, places, posting, reading, words
from tuodi.web.components.pages import Page
from tuodi.web.components.words import Look
from tuodi.web.county import life
from tuodi.web.county.life import Cell, Deed, Part, Row
from tuodi.web.county.reviews_due import outcome_pairs

READERS = (*COUNTY, DutyCode.CONFIRM, DutyCode.FILE, DutyCode.SUPERVISE)
SHOWS = {"open": "待纠正", "done": "已纠正", "all": "全部"}
_DONE = {"open": False, "done": True, "all": None}


class FactsForm(forms.Form):
    """What the county found, as facts."""

    income = life.YuanField(label="核定家庭年收入（元）", help_text="和原来一致的不填")
    assets = forms.ChoiceField(
        label="家庭财产", choices=[("", "和原来一致"), ("yes", "符合规定"), ("no", "不符合规定")], required=False
    )

    def clean(self) -> dict[str, Any]:
        """Refuse a form that changes nothing."""
        data = super().clean() or {}
        if not self.errors and data.get("income") is None and not data.get("assets"):
            raise forms.ValidationError("没有填写和原来不一致的内容。请填写核定的年收入，或选择家庭财产是否符合规定。")
        return data


def listing(request: HttpRequest) -> HttpResponse:
    """What was found otherwise, the oldest first; corrected ones have a tab of their own."""
    shown = life.show_of(request, SHOWS, "open")
    counts = {code: corrections.differing(done=done).count() for code, done in _DONE.items()}
    rows = corrections.differing(done=_DONE[shown])
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]), total=counts[shown])
    cases = [item.case for item in found.items]
    reading.note_list(request, "备案纠正", [one.household_id for one in cases], [one.applicant_id for one in cases])
    context = {
        "title": "备案纠正", "sub": "乡镇（街道）确认、县级备案后抽查不一致的，由确认的一级重新决定", "place_names": life.scope_names(request),
        "show": shown, "tabs": life.tabs(request, SHOWS, counts, shown, ("open",)),
        "page": Page([_line(one) for one in found.items], found.number, found.total, found.previous, found.next, found.pages),
        "first_head": "申请人", "unit": "件", "empty_title": "没有要纠正的",
        "empty_text": "抽查登记为“不一致”的备案案件会出现在这里。",
    }  # fmt: skip
    return render(request, "county/life_list.html", context)


def _look(item: SpotCheckItem) -> Look:
    return Look("已纠正", "ok", "check") if item.corrected else Look("待纠正", "warn")  # type: ignore[attr-defined]


def _number(item: SpotCheckItem) -> str:
    """The number of the draw, by the task: the draw's own row is the county's."""
    return item.task.matter_no if item.task else ""


def _line(item: SpotCheckItem) -> Row:
    case = item.case
    return Row(
        case.applicant.name, reverse("web:correction", args=[item.pk]), note=case.no,
        cells=(
            Cell("项目", life.programme(case.programme)), Cell("住地", places.path(item.region)),
            Cell("不一致的内容", item.note, css="wrap-any"), Cell("抽查", _number(item), css="ids"),
            Cell("登记", f"{item.checked_at:%Y-%m-%d}" if item.checked_at else "—", css="num"), Cell("状态", look=_look(item)),
        ),
    )  # fmt: skip


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One of them: what was found, the facts for the new decision, what it would come to, and the decision itself."""
    user: Any = request.user
    item = corrections.access_item(user, pk)
    case, month = item.case, Month.of(clock.today()).next()
    facts = corrections.facts_after(item)
    persons = corrections.persons_on_roll(item, month)
    do = posting.text(request, "do", 20) if request.method == "POST" else ""
    made: dict[str, Any] = {
        "facts": FactsForm(request.POST if do == "facts" else None, auto_id="facts-%s"),
        "correct": life.ReasonForm(request.POST if do == "correct" else None, auto_id="correct-%s"),
    }
    if do in made and made[do].is_valid() and _done(request, item, do, made[do].cleaned_data, facts, persons):
        return posting.back(reverse("web:correction", args=[pk]))
    reading.note_reading(request, "备案纠正", [case.household_id], [case.applicant_id], region=item.region)
    deeds, locked = _deeds(request, item, facts, made)
    context = {
        "title": f"{case.applicant.name}：备案纠正", "crumb": {"label": "备案纠正", "href": reverse("web:corrections")},
        "marks": [_look(item)], "meta": [case.no, life.programme(case.programme), places.path(item.region, 3)],
        "links": _links(request, item), "parts": _parts(item, facts, persons, month), "deeds": deeds, "locked": locked,
        "side": [Part("抽查", [
            ("抽查编号", _number(item)), ("登记", _by(item.checked_by, item.checked_at)), ("入户任务", item.task.no if item.task else ""),
            ("原决定", f"{words.yuan(amount_in(case.household, case.programme, persons[0] if persons else None, month))} 元／月"),
        ])],
    }  # fmt: skip
    return render(request, "county/life_page.html", context)


def _by(user: Any, at: Any) -> str:
    return f"{user.office.name} {user.name}，{at:%Y-%m-%d}" if user and at else ""


def _parts(item: SpotCheckItem, facts: FactSet | None, persons: list[Person | None], month: Month) -> list[Part]:
    parts = [Part("抽查所见", text=item.note or "没有写明", second="县级入户记录")]
    if item.corrected:  # type: ignore[attr-defined]
        for row in corrections.corrections_of(item).select_related("decided_by__office", "person"):
            pairs: list[tuple[str, Any]] = [
                ("结论", f"自 {Month.parse(str(row.start_month))} 起每月 {words.yuan(row.amount_fen)} 元" if row.outcome == "pass" else "不再符合条件"),
                ("书面理由", row.reasons),
                ("决定", f"{row.decided_by.office.name} {row.decided_by.name}，{row.decided_on}" if row.decided_by else ""),
                ("决定号", row.no),
            ]  # fmt: skip
            parts.append(Part("重新决定", pairs))
        return parts
    if facts is None:
        return [*parts, Part("核定的事实", empty="县级还没有按抽查所见核定事实")]
    head = facts.facts.get("household", {})
    parts.append(Part("核定的事实", [
        ("家庭年收入", f"{head['income_year']} 元" if head.get("income_year") is not None else ""),
        ("家庭财产", {True: "符合规定", False: "不符合规定"}.get(head.get("assets_ok"), "")),
        ("定稿", _by(facts.frozen_by, facts.frozen_at)),
    ]))  # fmt: skip
    for person in persons:
        now = amount_in(item.case.household, item.case.programme, person, month)
        title = f"纠正后会怎样：{person.name}" if person else "纠正后会怎样"
        parts.append(Part(title, outcome_pairs(facts, item.case.programme, person, now, effective=month)))
    return parts


def _deeds(
    request: HttpRequest, item: SpotCheckItem, facts: FactSet | None, made: dict[str, Any]
) -> tuple[list[Deed], list[str]]:
    user: Any = request.user
    if item.corrected:  # type: ignore[attr-defined]
        return [], []
    deeds: list[Deed] = []
    locked: list[str] = []
    if level_of(user) == "COUN" and navigation.may(request, COUNTY, item.region):
        title, button = ("核定事实", "定稿") if facts is None else ("重新核定事实", "重新定稿")
        deeds.append(
            Deed(
                "facts",
                title,
                button,
                made["facts"],
                "按入户所见填写；定稿后由确认的一级另一人决定",
                primary=facts is None,
            )
        )
    if navigation.may(request, [DutyCode.CONFIRM], item.region):
        why = _why_not(user, item, facts)
        if why:
            locked.append(why)
        else:
            deeds.append(
                Deed(
                    "correct",
                    "重新决定",
                    "作出纠正决定",
                    made["correct"],
                    "从下月起执行，同时出具告知书；原决定保留",
                    primary=True,
                )
            )
    return deeds, locked


def _why_not(user: Any, item: SpotCheckItem, facts: FactSet | None) -> str:
    try:
        require_confirmer(user, item.region, item.case.programme)
    except TuodiError as error:
        return str(error)
    if facts is None:
        return "县级还没有按抽查所见核定事实，不能决定。"
    if user.pk in (facts.created_by_id, facts.frozen_by_id):
        return "事实由您录入或定稿，不能再由您决定，请由另一人办理。"
    return ""


def _done(
    request: HttpRequest,
    item: SpotCheckItem,
    do: str,
    data: dict[str, Any],
    facts: FactSet | None,
    persons: list[Person | None],
) -> bool:
    """Does what was posted; True when the page is to be read anew."""
    user: Any = request.user
    if do == "facts":
        found: dict[str, Any] = {}
        if data["income"] is not None:
            found["income_year"] = format_yuan(data["income"], sep=False)
        if data["assets"]:
            found["assets_ok"] = data["assets"] == "yes"
        done, _ = posting.attempt(
            request,
            lambda: collect(
                item.case.household, acting_user=user, facts=found, reason=corrections.cause_of(item),
                evidence=item.task.no if item.task else "",
            ),
            "事实已定稿，请由确认的一级决定。",
        )  # fmt: skip
        return done
    if facts is None:
        posting.refuse(request, "县级还没有按抽查所见核定事实，不能决定。")
        return True
    person = next((one for one in persons if one is not None), None)
    done, _ = posting.attempt(
        request,
        lambda: corrections.correct_filed(item, facts, acting_user=user, reasons=data["reasons"], person=person),
        "已作出纠正决定，告知书已生成，请送达。",
    )
    return done


def _links(request: HttpRequest, item: SpotCheckItem) -> list[dict[str, str]]:
    found = [{"href": reverse("web:case", args=[item.case_id]), "label": "案件", "icon": "inbox"}]
    for row in corrections.corrections_of(item):
        if navigation.may(request, PRINTERS, row.region):
            found.append({"href": reverse("web:letter", args=[row.pk]), "label": "打印告知书", "icon": "printer"})
        found.append(
            {"href": reverse("web:determination", args=[row.pk]), "label": "新决定", "icon": "file-certificate"}
        )
    return found if navigation.may_read(request) else []
