"""A family that is on no register yet: people and household in one form, then straight to its needs."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.intake.family_actions import NewMember, register_family
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.org.models import User
from tuodi.org.places import tree
from tuodi.people.enums import AreaKind, Relation
from tuodi.web.components import places, posting

#: Lines of the form; a larger family gets its other members on the family's page.
LINES = 8
_RELATIONS = [("", "请选择"), *[one for one in Relation.choices if one[0] not in {Relation.SELF, Relation.UNSTATED}]]


class FamilyForm(forms.Form):
    """The household; its people are `MemberForm`s."""

    place = forms.ChoiceField(label="住地（村、社区）")
    area_kind = forms.ChoiceField(label="城乡", choices=[("", "请选择"), *AreaKind.choices])
    address = forms.CharField(label="详细住址", required=False, max_length=200)
    phone = forms.CharField(
        label="户主电话", required=False, max_length=20, widget=forms.TextInput(attrs={"inputmode": "tel"})
    )

    def __init__(self, *args: Any, villages: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["place"].choices = [("", "请选择"), *villages]


class MemberForm(forms.Form):
    """One person; an empty line is nobody."""

    name = forms.CharField(label="姓名", required=False, max_length=60)
    id_text = forms.CharField(
        label="证件号码", required=False, max_length=30, widget=forms.TextInput(attrs={"placeholder": "没有的留空"})
    )
    relation = forms.ChoiceField(label="与户主关系", required=False, choices=_RELATIONS)


def villages_of(user: User) -> list[tuple[str, str]]:
    """The villages a reader may register families in: of his village, town or county."""
    own, today, known = user.office.place_code, clock.today(), tree()
    if len(own) == 12:
        return [(own, places.path(own))]
    if len(own) == 9:
        return [(code, places.name(code)) for code in known.children(own, today)]
    if len(own) != 6:
        return []
    return [
        (code, f"{places.name(town)} {places.name(code)}")
        for town in known.children(own, today)
        for code in known.children(town, today)
    ]


def show(request: HttpRequest) -> HttpResponse:
    """The form; a POST registers the family and goes on to its needs."""
    user: Any = request.user
    data = request.POST or None
    form = FamilyForm(data, villages=villages_of(user))
    lines = [MemberForm(data, prefix=f"m{number}") for number in range(LINES)]
    if request.method == "POST" and all([form.is_valid(), *(line.is_valid() for line in lines)]):
        members = [
            NewMember(
                name=line.cleaned_data["name"],
                id_text=line.cleaned_data["id_text"],
                relation=line.cleaned_data["relation"] if number else Relation.SELF,
                phone=form.cleaned_data["phone"] if number == 0 else "",
            )
            for number, line in enumerate(lines)
        ]
        try:
            household = register_family(
                acting_user=user,
                place=form.cleaned_data["place"],
                area_kind=form.cleaned_data["area_kind"],
                members=members,
                address=form.cleaned_data["address"],
            )
        except TuodiError as error:
            form.add_error(None, str(error))
        else:
            posting.succeed(request, f"已登记家庭 {household.no}。")
            return posting.back(reverse("web:need-start", args=[household.pk]))
    return render(request, "counter/family_new.html", {"form": form, "head": lines[0], "lines": lines[1:]})
