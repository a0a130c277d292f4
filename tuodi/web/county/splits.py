"""Splitting and merging families (分户、并户) from the family page: one choice a member."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.money import format_yuan
from tuodi.monitoring import splits, transfers
from tuodi.org import access
from tuodi.people.enums import Relation
from tuodi.people.models import Household, Membership
from tuodi.people.queries import access_household, members_on
from tuodi.web.components import pages, places, posting
from tuodi.web.county import life
from tuodi.web.county.life import Deed, Part, Row

_KIN = [one for one in Relation.choices if one[0] not in (Relation.SELF, Relation.UNSTATED)]


class _PerMember(forms.Form):
    """One choice for each member, then the reason and what those who stay live on."""

    def __init__(self, *args: Any, members: list[Membership], first: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for one in members:
            self.fields[f"m{one.person_id}"] = forms.ChoiceField(
                label=f"{one.person.name}（{one.get_relation_display()}）", choices=[*first, *_KIN], required=False
            )
        self.fields["income"] = life.YuanField(label="留下家庭的年收入（元）", help_text="没有变化的不填")
        self.fields["reason"] = life.text_field("原因", rows=2, longest=300)

    def chosen(self) -> dict[int, str]:
        """Person id -> what was chosen for him, where anything was."""
        return {int(name[1:]): value for name, value in self.cleaned_data.items() if name[:1] == "m" and value}

    def facts(self) -> dict[str, str]:
        """Household facts that differ."""
        income = self.cleaned_data["income"]
        return {"income_year": format_yuan(income, sep=False)} if income is not None else {}


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Both deeds for one family; `merge` in the address names the family to be taken in."""
    user: Any = request.user
    household = access_household(user, pk)
    present = [one for one in members_on(household, clock.today()) if one.until is None]
    other, other_problem = _other(user, household, pages.text_of(request, "merge", 24))
    do = posting.text(request, "do", 10) if request.method == "POST" else ""
    split = _PerMember(
        request.POST if do == "split" else None,
        members=present,
        first=[("", "留在原户"), ("self", "新户主")],
        auto_id="split-%s",
    )
    joining = [one for one in members_on(other, clock.today()) if one.until is None] if other else []
    merge = _PerMember(
        request.POST if do == "merge" else None, members=joining, first=[("", "未注明")], auto_id="merge-%s"
    )
    if do == "split" and split.is_valid():
        answer = _split(request, household, present, split)
        if answer is not None:
            return answer
    if do == "merge" and other is not None and merge.is_valid():
        try:
            made = splits.merge_families(
                household, other, reason=merge.cleaned_data["reason"], relations=merge.chosen(), facts=merge.facts(),
                acting_user=user,
            )  # fmt: skip
        except TuodiError as error:
            merge.add_error(None, str(error))
        else:
            told = "，".join(one.no for one in made)
            posting.succeed(request, f"已并户。{f'待确认：{told}' if told else '两户都不在册，没有要确认的变更。'}")
            return posting.back(reverse("web:family", args=[pk]))
    held = transfers.blocks(household)
    deeds = (
        []
        if held
        else [
            Deed(
                "split",
                "分户",
                "分户",
                split,
                "今天起分户；在册金额从下月起由确认层级重新决定，分出的家庭另行申请",
                primary=True,
            )
        ]
    )
    if not held and other is not None:
        deeds.insert(
            0,
            Deed(
                "merge",
                f"并入：{other.head.name}家庭 {other.no}",
                "并户",
                merge,
                "写明每人与本户户主的关系；并入的家庭销户",
                primary=True,
            ),
        )
    context = {
        "title": f"分户、并户：{household.head.name}家庭", "crumb": {"label": "家庭档案", "href": reverse("web:family", args=[pk])},
        "meta": [household.no, places.path(household.region, 3)],
        "notices": [*(f"现在不能分户、并户：{text}。" for text in held), *([other_problem] if other_problem else [])],
        "parts": [Part("家庭成员", heads=["姓名"], rows=[Row(one.person.name, "", (), note=one.get_relation_display()) for one in present])],
        "deeds": deeds, "side": [], "find": not held,
    }  # fmt: skip
    return render(request, "county/life_split.html", context)


def _other(user: Any, household: Household, no: str) -> tuple[Household | None, str]:
    if not no:
        return None, ""
    found = Household.objects.select_related("head").filter(no=no.upper(), closed_on__isnull=True).first()
    if found is None or found.pk == household.pk or not access.in_scope(user, found.region):
        return None, f"没有找到家庭 {no}，或已销户，或就是本户。请核对家庭编号。"
    return found, ""


def _split(
    request: HttpRequest, household: Household, present: list[Membership], form: _PerMember
) -> HttpResponse | None:
    user: Any = request.user
    chosen = form.chosen()
    heads = [one.person for one in present if chosen.get(one.person_id) == "self"]
    if len(heads) != 1:
        form.add_error(None, "请选一人为新户主，而且只选一人。")
        return None
    members = [(one.person, chosen[one.person_id]) for one in present if chosen.get(one.person_id, "self") != "self"]
    try:
        new, report = splits.split_family(
            household,
            head=heads[0],
            members=members,
            reason=form.cleaned_data["reason"],
            facts=form.facts(),
            acting_user=user,
        )
    except TuodiError as error:
        form.add_error(None, str(error))
        return None
    posting.succeed(request, f"已分户，新家庭 {new.no}，需要救助的请另行申请。")
    to = reverse("web:change", args=[report.pk]) if report else reverse("web:family", args=[new.pk])
    return posting.back(to)
