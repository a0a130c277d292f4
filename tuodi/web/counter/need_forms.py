"""The forms of the one door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django import forms

from tuodi.intake.models import Application, NeedNote, Referral
from tuodi.org.models import User
from tuodi.people.models import Membership
from tuodi.policy.counter import Material, NeedKind
from tuodi.web.counter.apply import GivenAgent
from tuodi.web.counter.facts import FactsForm

__all__ = ["AcceptForm", "CloseForm", "EnteredForm", "HandForm", "NeedForm", "ReplyForm", "TellForm"]

_HOW = [("", "请选择"), *[one for one in NeedNote.How.choices if one[0]]]


def _person(user: User) -> tuple[str, str]:
    return str(user.pk), f"{user.name}（{user.office.name}）"


class NeedForm(forms.Form):
    """A family's visit."""

    speaker = forms.ChoiceField(label="来访人")
    channel = forms.ChoiceField(label="渠道", choices=Application.Channel.choices)
    place = forms.CharField(label="地点", required=False, max_length=80, help_text="窗口号、村（社区）或电话，可不填")
    kinds = forms.MultipleChoiceField(label="需要什么帮助", required=False, widget=forms.CheckboxSelectMultiple)
    text = forms.CharField(label="情况", required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))
    officer_b = forms.ChoiceField(
        label="AB 岗", required=False, help_text="您是首问责任人，负责到底；您不在时由 AB 岗接着办"
    )

    def __init__(
        self,
        *args: Any,
        members: Sequence[Membership],
        kinds: Sequence[NeedKind],
        others: Sequence[User],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.people = {str(member.person_id): member.person for member in members}
        self.others = {str(user.pk): user for user in others}
        self.fields["speaker"].choices = [
            (str(member.person_id), f"{member.person.name}（{member.get_relation_display()}）") for member in members
        ]
        self.fields["kinds"].choices = [(kind.code, kind.label) for kind in kinds]
        self.fields["officer_b"].choices = [("", "暂不指定"), *map(_person, others)]


class EnteredForm(FactsForm):
    """The facts that would settle what is unknown; what is given here is 申报 and proves nothing yet."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["source"], self.fields["evidence"]

    def family(self, person_ids: Sequence[int], before: Mapping[str, Any]) -> dict[str, Any]:
        """What was entered before with what is changed now, as a family file with `person_id`; emptied = taken back."""
        household, members = self.changed(list(person_ids))
        own = {**before.get("household", {}), **household}
        by_person: dict[int, dict[str, Any]] = {
            int(row["person_id"]): dict(row) for row in before.get("members", ()) if row.get("person_id") is not None
        }
        for person, facts in members.items():
            by_person.setdefault(person, {"person_id": person}).update(facts)
        rows = [{name: value for name, value in row.items() if value is not None} for row in by_person.values()]
        return {
            "household": {name: value for name, value in own.items() if value is not None},
            "members": [row for row in rows if len(row) > 1],
        }


class AcceptForm(GivenAgent, forms.Form):
    """What acceptance asks, the same for all programmes chosen; papers by programme."""

    applied_on = forms.DateField(
        label="申请日期",
        required=False,
        help_text="不填为今天；不能晚于今天",
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    reason = forms.CharField(label="申请理由", required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2}))
    declares_kin = forms.BooleanField(label="声明与经办人员或村（居）委会成员是近亲属", required=False)
    agent_name = forms.CharField(label="代办人姓名", required=False, max_length=60, help_text="本人申请不填")
    agent_relation = forms.CharField(label="代办人与申请人关系", required=False, max_length=30)
    has_mandate = forms.BooleanField(label="已收代办委托书", required=False)

    def __init__(self, *args: Any, papers: Mapping[str, Sequence[Material]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.papers = papers
        for programme, listed in papers.items():
            self.fields[f"papers-{programme}"] = forms.MultipleChoiceField(
                label="已收材料",
                required=False,
                choices=[(one.name, one.name) for one in listed],
                widget=forms.CheckboxSelectMultiple,
                help_text="没有收到的，受理后一次性书面告知",
            )

    def of(self, programme: str) -> forms.BoundField:
        """The papers of one programme."""
        return self[f"papers-{programme}"]

    @property
    def materials(self) -> dict[str, dict[str, bool]]:
        """Programme -> paper -> received."""
        return {
            programme: {one.name: one.name in self.cleaned_data[f"papers-{programme}"] for one in listed}
            for programme, listed in self.papers.items()
        }

    @property
    def on(self) -> date | None:
        """Day of the application."""
        found: date | None = self.cleaned_data["applied_on"]
        return found


class ReplyForm(forms.Form):
    """What a department answered."""

    outcome = forms.ChoiceField(
        label="结果", choices=[("", "请选择"), *[one for one in Referral.Outcome.choices if one[0]]]
    )
    answer = forms.CharField(label="答复内容", max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))


class TellForm(forms.Form):
    """What the applicant was told."""

    how = forms.ChoiceField(label="告知方式", choices=_HOW)
    text = forms.CharField(label="告知内容", max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))


class HandForm(forms.Form):
    """Who takes over."""

    to_user = forms.ChoiceField(label="接手人")
    reason = forms.CharField(label="移交原因", max_length=200)

    def __init__(self, *args: Any, others: Sequence[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.others = {str(user.pk): user for user in others}
        self.fields["to_user"].choices = [("", "请选择"), *map(_person, others)]


class CloseForm(forms.Form):
    """The end."""

    outcome = forms.CharField(label="办理结果", max_length=300)
    how = forms.ChoiceField(label="告知方式", choices=_HOW)
