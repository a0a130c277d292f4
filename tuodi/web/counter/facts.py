"""Entering the facts of a case: only those its programme's rules read, each with where it is known from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.cases.models import Case
from tuodi.cases.queries import access_case
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.periods import Month
from tuodi.policy import Book
from tuodi.policy.model import Fact
from tuodi.verification import actions, rulebook
from tuodi.verification.models import FactSet
from tuodi.verification.queries import draft_of, latest_frozen
from tuodi.web.components import law, posting, reading

#: Not asked: the register gives them, or the system itself keeps them.
_REGISTERED = ("area_kind", "relation", "birth", "died", "name")
_KEPT_BY_SYSTEM = ("index", "ledger", "prior")
_SOURCES = [
    (one.value, one.label)
    for one in FactSet.Source
    if one in {FactSet.Source.ENTERED, FactSet.Source.VISIT, FactSet.Source.FINDING}
]


_TRUTH = {"true": "是", "false": "否"}


@dataclass(frozen=True)
class Group:
    """The fields of the household or of one member."""

    title: str
    fields: list[tuple[forms.BoundField, str]]


class FactsForm(forms.Form):
    """A field for each fact that may be asked, filled with what is known; empty = not known."""

    source = forms.ChoiceField(label="这次登记的来源", choices=_SOURCES)
    evidence = forms.CharField(
        label="依据", required=False, max_length=200, help_text="材料名称、走访记录或核对报告编号"
    )

    def __init__(self, *args: Any, asked: list[Fact], book: Book, known: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asked, self.known = asked, known
        self.titles = {"h": "家庭"} | {
            f"m{place}": str(member.get("name", "")) for place, member in enumerate(known.get("members", ()))
        }
        for fact in asked:
            for owner in self._owners(fact):
                key = f"{owner}-{fact.name}"
                self.fields[key] = _field(fact, book)
                self.initial[key] = _shown(self._row(owner).get(fact.name))

    def _owners(self, fact: Fact) -> list[str]:
        return ["h"] if fact.level == "household" else [key for key in self.titles if key != "h"]

    def _row(self, owner: str) -> Mapping[str, Any]:
        row: Mapping[str, Any] = (
            self.known.get("household", {}) if owner == "h" else self.known["members"][int(owner[1:])]
        )
        return row

    def groups(self) -> Iterator[Group]:
        """Fields with their units, household first, then member by member."""
        for owner, title in self.titles.items():
            fields = [
                (self[f"{owner}-{fact.name}"], _unit(fact))
                for fact in self.asked
                if f"{owner}-{fact.name}" in self.fields
            ]
            if fields:
                yield Group(title, fields)

    def changed(self, person_ids: list[int]) -> tuple[dict[str, Any], dict[int, dict[str, Any]]]:
        """What differs from the draft: household facts, and facts by person; None takes a fact back."""
        household: dict[str, Any] = {}
        members: dict[int, dict[str, Any]] = {}
        for key in self.changed_data:
            owner, _, name = key.partition("-")
            if owner not in self.titles or not name:
                continue
            value = _stored(self.cleaned_data[key])
            if owner == "h":
                household[name] = value
            else:
                members.setdefault(person_ids[int(owner[1:])], {})[name] = value
        return household, members


def _field(fact: Fact, book: Book) -> forms.Field:
    if fact.type == "bool":
        return forms.ChoiceField(
            label=fact.label, required=False, choices=[("", _unsaid(fact, _TRUTH)), *_TRUTH.items()]
        )
    if fact.type in book.enums:
        values = book.enums[fact.type].values
        return forms.ChoiceField(
            label=fact.label, required=False, choices=[("", _unsaid(fact, values)), *values.items()]
        )
    if fact.type == "date":
        return forms.DateField(
            label=fact.label, required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        )
    hint = {"inputmode": "decimal", "placeholder": "不填按 0" if str(fact.missing) == "0" else "未知"}
    return forms.CharField(label=fact.label, required=False, max_length=20, widget=forms.TextInput(attrs=hint))


def _unsaid(fact: Fact, values: Mapping[str, str]) -> str:
    """What an empty answer means: unknown, or the default that the rules declare."""
    default = values.get(str(fact.missing).lower())
    return f"不填按“{default}”" if default else "未知"


def _unit(fact: Fact) -> str:
    return fact.unit.text if fact.unit and fact.type in {"money", "number", "ratio"} else ""


def _shown(value: Any) -> Any:
    if isinstance(value, Mapping):
        value = value.get("value")
    return {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value


def _stored(value: Any) -> Any:
    if value in ("", None):
        return None
    if value in ("true", "false"):
        return value == "true"
    return value.isoformat() if hasattr(value, "isoformat") else str(value).replace(",", "").strip()


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The form; a POST saves, or saves and freezes."""
    case = access_case(request.user, pk=pk)
    draft = draft_of(case) or _begin(request, case)
    plan = rulebook.plan(rulebook.place_of(case.region), clock.today(), Month.of(clock.today()).next())
    asked = [
        fact
        for fact in law.used_facts(plan, case.programme)
        if fact.name not in _REGISTERED and fact.source not in _KEPT_BY_SYSTEM
    ]
    form = FactsForm(request.POST or None, asked=asked, book=plan.book, known=draft.facts)
    if request.method == "POST" and form.is_valid():
        try:
            _save(request, draft, form)
        except TuodiError as error:
            form.add_error(None, str(error))
        else:
            return posting.back(reverse("web:case", args=[case.pk]))
    people = [int(one["person_id"]) for one in draft.facts.get("members", []) if one.get("person_id")]
    reading.note_reading(request, "家庭情况登记", [case.household_id], people, region=case.region)
    context = {
        "case": case,
        "form": form,
        "draft": draft,
        "groups": list(form.groups()),
        "declared_waiting": sum("declared" in origin for origin in draft.provenance.values()),
    }
    return render(request, "counter/facts.html", context)


def _begin(request: HttpRequest, case: Case) -> FactSet:
    return actions.start_fact_set(
        acting_user=request.user, household=case.household, case=case, base=latest_frozen(case.household)
    )


def _save(request: HttpRequest, draft: FactSet, form: FactsForm) -> None:
    household, members = form.changed(draft.person_ids)
    if household or members:
        draft = actions.enter_facts(
            draft,
            acting_user=request.user,
            household=household,
            members=members,
            source=form.cleaned_data["source"],
            evidence=form.cleaned_data["evidence"],
        )
    if request.POST.get("answer") == "freeze":
        actions.freeze(draft, acting_user=request.user)
        posting.succeed(request, "事实已定稿，此后不能修改；缺的答复会在认定说明里标出。")
    else:
        posting.succeed(request, f"已保存 {len(household) + sum(map(len, members.values()))} 项。")
