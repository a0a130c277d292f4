"""我能申请什么: what a family may be entitled to, from what it types. Nothing is kept, nobody need sign in.

The rules of the place and day answer: likely, not known because …, no because …, with the clauses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.rules.family import FamilyErrors
from tuodi.web.components import law
from tuodi.web.components.explain import Programme
from tuodi.web.residents import places
from tuodi.web.residents.decision import OWN_RULE
from tuodi.web.residents.policies import conditions, guide

YES_NO = (("yes", "是"), ("no", "否"), ("", "说不准"))
#: Ages put in for who is only counted: what matters is on which side of a limit he is.
ELDER, ADULT, CHILD = 66, 45, 10
WORDS = {"pass": "很可能可以", "unknown": "还说不准", "fail": "按您填的，不符合"}


class FamilyForm(forms.Form):
    """What the rules ask most; everything may be left out, and is then unknown and not zero."""

    area_kind = forms.ChoiceField(
        label="您家按哪种标准", choices=(("urban", "城市"), ("rural", "农村")), widget=forms.RadioSelect
    )
    people = forms.IntegerField(
        label="一起过日子的有几口人", min_value=1, max_value=15, help_text="夫妻、父母、未成年子女、还在上学的子女"
    )
    income_month = forms.DecimalField(
        label="全家每月收入大约多少元", required=False, min_value=0, max_value=1_000_000, decimal_places=2, max_digits=10,
        help_text="工资、务农、退休金等加在一起；说不准可以不填",
    )  # fmt: skip
    elders = forms.IntegerField(label="其中 60 岁以上的有几位", required=False, min_value=0, max_value=15)
    children = forms.IntegerField(label="其中未满 18 岁的有几位", required=False, min_value=0, max_value=15)
    disabled = forms.IntegerField(label="其中有一、二级残疾证的有几位", required=False, min_value=0, max_value=15)
    ill = forms.IntegerField(label="其中经认定的重病人有几位", required=False, min_value=0, max_value=15)
    medical = forms.DecimalField(
        label="一年自己掏的医药费大约多少元",
        required=False,
        min_value=0,
        max_value=10_000_000,
        decimal_places=2,
        max_digits=11,
    )
    assets = forms.ChoiceField(
        label="家里没有别的房子、轿车和较多存款吗", choices=YES_NO, required=False, widget=forms.RadioSelect
    )
    hardship = forms.ChoiceField(
        label="最近突然遇到大事，一时过不下去吗", choices=YES_NO, required=False, widget=forms.RadioSelect,
        help_text="火灾、车祸、大病、失去工作等",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.error_messages["required"] = "没有填，请填写。"
            field.error_messages["invalid"] = "请填数字，例如 1200。"

    def clean(self) -> dict[str, Any]:
        """Nobody is counted who is not there."""
        found: dict[str, Any] = super().clean() or {}
        people = found.get("people") or 0
        for name in ("elders", "children", "disabled", "ill"):
            if people and (found.get(name) or 0) > people:
                self.add_error(name, f"不能多于全家 {people} 口人，请核对。")
        if people and (found.get("elders") or 0) + (found.get("children") or 0) > people:
            self.add_error("children", f"老人和孩子加起来多于全家 {people} 口人，请核对。")
        return found


def family_of(given: Mapping[str, Any], today: date) -> dict[str, Any]:
    """A family file with what was typed and no more. Disabled and ill members are counted from the adults on."""
    people, elders, children = given["people"], given.get("elders") or 0, given.get("children") or 0
    ages = [ADULT] * (people - elders - children) + [ELDER] * elders + [CHILD] * children
    members: list[dict[str, Any]] = []
    for place, age in enumerate(ages):
        member: dict[str, Any] = {
            "name": f"第 {place + 1} 人",
            "relation": "self" if place == 0 else "child" if age == CHILD else "unstated",
            "birth": date(today.year - age, 1, 1).isoformat(),
        }
        if place < (given.get("disabled") or 0):
            member |= {"disability_kind": "physical", "disability_grade": 1}
        if place < (given.get("ill") or 0):
            member["seriously_ill"] = True
        members.append(member)
    household: dict[str, Any] = {"area_kind": given["area_kind"]}
    if given.get("income_month") is not None:
        household["income_year"] = str(given["income_month"] * 12)
    if given.get("medical"):
        household["cost_medical"] = str(given["medical"])
    for name, fact in (("assets", "assets_ok"), ("hardship", "hardship")):
        if given.get(name):
            household[fact] = given[name] == "yes"
    return {"household": household, "members": members}


@dataclass(frozen=True)
class Answer:
    """One programme: the word, the amount where one is due, and the reasons with their clauses."""

    code: str
    label: str
    outcome: str
    words: str
    amount_fen: int | None
    monthly: bool
    missing: list[str]
    reasons: list[tuple[str, str]]


def answer_of(found: Programme, place: str) -> Answer:
    """A programme's explanation as an answer: the conditions that failed (no) or held (likely), or what is missing."""
    asked = {one.label: one for one in conditions(found.code, place)}
    css = {"fail": "bad", "pass": "ok"}.get(found.outcome_code, "")
    reasons = []
    for row in found.rows:
        one = asked.get(row.label)
        if one is None or row.look is None or row.again or row.look.css != css:
            continue
        shown = f"{one.words}（{row.calc}）" if css == "bad" and row.calc else one.words
        reasons.append((shown, "" if one.clause == OWN_RULE else one.clause))
    missing = [label.partition("（第")[0].replace("参数：", "当地规定的") for label in found.unknown]
    return Answer(
        code=found.code,
        label=found.label,
        outcome=found.outcome_code,
        words=WORDS.get(found.outcome_code, WORDS["unknown"]),
        amount_fen=found.amount_fen if found.outcome_code == "pass" else None,
        monthly=found.code != "temporary",
        missing=list(dict.fromkeys(missing))[:6],
        reasons=list(dict.fromkeys(reasons))[:5],
    )


def show(request: HttpRequest) -> HttpResponse:
    """The form, and below it the answers. The typed values go by POST: nothing of them is in an address or a log."""
    place, choices = places.place_of(request)
    form = FamilyForm(request.POST or None)
    answers: list[Answer] = []
    problem = ""
    if request.method == "POST" and form.is_valid():
        today = clock.today()
        try:
            found, problem = law.trial(
                family_of(form.cleaned_data, today),
                pad12(place),
                case_date=today,
                month=Month.of(today),
                programmes=tuple(guide()),
            )
        except FamilyErrors as error:
            found, problem = [], str(error)
        answers = [answer_of(one, place) for one in found]
    context = {"form": form, "place": place, "choices": choices, "answers": answers, "problem": problem}
    return render(request, "residents/calculator.html", context)
