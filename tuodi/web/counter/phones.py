"""The phones a family's members sign in with as residents: put on file at the counter, after the card was seen."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.kernel import clock
from tuodi.people.models import ResidentAccount
from tuodi.people.queries import access_household, members_on
from tuodi.people.residents import register_phone
from tuodi.web.components import posting, reading


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Members with the phone on file, masked; a POST sets one."""
    household = access_household(request.user, pk)
    members = members_on(household, clock.today())
    here = reverse("web:phones", args=[pk])
    if request.method == "POST":
        user: Any = request.user
        chosen = posting.text(request, "person", 20)
        person = next((one.person for one in members if str(one.person_id) == chosen), None)
        if person is None:
            posting.refuse(request, "没有选中家庭成员。请重新打开本页，在要登记的人那一行填写。")
            return posting.back(here)
        phone = posting.text(request, "phone", 30)
        ok, _ = posting.attempt(
            request,
            lambda: register_phone(acting_user=user, person=person, phone=phone),
            f"已登记{person.name}的手机，并发出一条告知短信。",
        )
        if ok:
            return posting.back(here)
    people = [one.person_id for one in members]
    reading.note_reading(request, "居民手机", [household.pk], people, region=household.region)
    accounts = {one.person_id: one for one in ResidentAccount.objects.filter(person__in=people)}
    rows = [_row(one, accounts.get(one.person_id)) for one in members]
    return render(request, "counter/phones.html", {"household": household, "rows": rows})


def _row(member: Any, account: ResidentAccount | None) -> dict[str, Any]:
    person = member.person
    return {
        "pk": person.pk,
        "name": person.name,
        "relation": member.get_relation_display(),
        "phone": (account.phone_masked if account else "") or person.phone_masked,
        "last": account.last_sign_in if account else None,
    }
