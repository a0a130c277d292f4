"""Accepting an application of a registered family at the counter."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.intake.application_actions import Agent, accept_application
from tuodi.intake.counter_book import materials_of
from tuodi.intake.models import Application
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.people.enums import Programme
from tuodi.people.models import Household, Membership
from tuodi.people.queries import access_household, members_on
from tuodi.web.components import places, posting, reading


class GivenAgent:
    """A form that asks who applies for the family: `agent_name`, `agent_relation`, `has_mandate`."""

    cleaned_data: dict[str, Any]

    @property
    def agent(self) -> Agent | None:
        """Who applies for the family; None for a member himself."""
        name = self.cleaned_data["agent_name"].strip()
        if not name:
            return None
        return Agent(
            name=name, relation=self.cleaned_data["agent_relation"], has_mandate=self.cleaned_data["has_mandate"]
        )


class ApplyForm(GivenAgent, forms.Form):
    """What the counter asks. Everything else is on the register already."""

    programme = forms.ChoiceField(label="申请项目", choices=Programme.choices)
    applicant = forms.ChoiceField(label="申请人", help_text="共同生活的家庭成员之一")
    channel = forms.ChoiceField(label="渠道", choices=Application.Channel.choices)
    applied_on = forms.DateField(
        label="申请日期",
        required=False,
        help_text="不填为今天；不能晚于今天",
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    reason = forms.CharField(label="申请理由", required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 3}))
    materials = forms.MultipleChoiceField(
        label="已收材料",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="没有收到的，受理后一次性书面告知",
    )
    declares_kin = forms.BooleanField(label="声明与经办人员或村（居）委会成员是近亲属", required=False)
    agent_name = forms.CharField(label="代办人姓名", required=False, max_length=60, help_text="本人申请不填")
    agent_relation = forms.CharField(label="代办人与申请人关系", required=False, max_length=30)
    has_mandate = forms.BooleanField(label="已收代办委托书", required=False)

    def __init__(self, *args: Any, members: list[Membership], region: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        today = clock.today()
        self.papers = {code: [one.name for one in materials_of(region, code, today)] for code in Programme.values}
        asked = dict.fromkeys(name for names in self.papers.values() for name in names)
        self.fields["materials"].choices = [(name, name) for name in asked]
        self.people = {str(member.person_id): member.person for member in members}
        self.fields["applicant"].choices = [
            (str(member.person_id), f"{member.person.name}（{member.get_relation_display()}）") for member in members
        ]

    @property
    def received(self) -> dict[str, bool]:
        """The papers of the programme chosen, and whether each was handed in."""
        given = self.cleaned_data["materials"]
        return {name: name in given for name in self.papers[self.cleaned_data["programme"]]}


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The form; a POST accepts and goes on to the case."""
    household = access_household(request.user, pk)
    form = ApplyForm(
        request.POST or None,
        members=members_on(household, clock.today()),
        region=household.region,
        initial={"applicant": str(household.head_id)},
    )
    if request.method == "POST" and form.is_valid():
        try:
            application = _accept(request, household, form)
        except TuodiError as error:
            form.add_error(None, str(error))
        else:
            posting.succeed(request, f"已受理，业务号 {application.case.no}，回执号 {application.receipt_no}。")
            return posting.back(reverse("web:case", args=[application.case_id]))
    reading.note_reading(request, "受理申请", [household.pk], [int(pk) for pk in form.people], region=household.region)
    context = {"form": form, "household": household, "place": places.path(household.region)}
    return render(request, "counter/apply.html", context)


def _accept(request: HttpRequest, household: Household, form: ApplyForm) -> Application:
    given = form.cleaned_data
    return accept_application(
        acting_user=request.user,
        household=household,
        programme=given["programme"],
        applicant=form.people[given["applicant"]],
        channel=given["channel"],
        applied_on=given["applied_on"],
        reason=given["reason"],
        materials=form.received,
        agent=form.agent,
        declares_kin=given["declares_kin"],
    )
