"""The forms of an emergency: relief on the spot, the papers afterwards, a plan of stages."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms

from tuodi.decisions.relief_queries import bounds
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.money import parse_yuan
from tuodi.kernel.periods import Month
from tuodi.web.components import words

__all__ = ["PapersForm", "ReliefForm", "StageForm", "bounds_words"]


def fen_of(typed: str) -> int:
    """An amount a person typed. Raises ValidationError with what was typed."""
    try:
        return parse_yuan(typed.replace(",", "").replace("，", "").strip())
    except TuodiError as error:
        raise forms.ValidationError(f"“{typed}”不是金额，请按元填写，例如 800.00") from error


def bounds_words(region: str, on: date) -> str:
    """What the place gives a family at once, in words; empty where it says nothing."""
    found = bounds(region, on)
    said = []
    if found.least is not None:
        said.append(f"每户最低 {words.yuan(found.least)} 元")
    if found.most is not None:
        said.append(f"最高 {words.yuan(found.most)} 元")
    if found.year is not None:
        said.append(f"全年累计不超过 {words.yuan(found.year)} 元")
    if found.town is not None:
        said.append(f"{words.yuan(found.town)} 元以内由乡镇（街道）审批")
    return "，".join(said)


class ReliefForm(forms.Form):
    """Relief on the spot: an amount, who agreed. The rest is on record or comes with the papers."""

    amount = forms.CharField(
        label="救助金额（元）",
        required=False,
        max_length=20,
        help_text="不填按低保标准、家庭人口和月数测算",
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    months = forms.IntegerField(
        label="困难持续月数",
        min_value=1,
        max_value=12,
        initial=1,
        help_text="没有填金额时，用来测算",
        error_messages={
            "min_value": "应在 1 到 12 之间。",
            "max_value": "应在 1 到 12 之间。",
            "invalid": "请填写整数。",
        },
    )
    agreed_by = forms.CharField(
        label="同意先行救助的负责人",
        max_length=40,
        help_text="电话同意的也写，签字以后补",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "请写明谁同意的。"},
    )
    new_reason = forms.CharField(
        label="再次救助的正当理由",
        required=False,
        max_length=200,
        help_text="同一事由救助过的才填",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_amount(self) -> int | None:
        """Fen, or None."""
        typed = self.cleaned_data["amount"].strip()
        return fen_of(typed) if typed else None


class PapersForm(forms.Form):
    """What the law wants recorded afterwards."""

    reason = forms.CharField(
        label="补充说明",
        max_length=1000,
        help_text="救助对象、事由、金额，为什么要先行救助",
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "请写明对象、事由、金额和先行救助的理由。"},
    )
    agreed_by = forms.CharField(
        label="同意先行救助的负责人",
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "请写明谁同意的。"},
    )


class StageForm(forms.Form):
    """A plan of stages, a line a month."""

    plan = forms.CharField(
        label="各期月份和金额",
        max_length=600,
        help_text="每行一期，例如 2017-10 500.00；各期合计等于批准的金额",
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "请逐行填写月份和金额。"},
    )

    def clean_plan(self) -> list[tuple[Month, int]]:
        """Months and fen in the order written."""
        plan: list[tuple[Month, int]] = []
        for number, line in enumerate(self.cleaned_data["plan"].splitlines(), 1):
            parts: list[Any] = line.split()
            if not parts:
                continue
            if len(parts) != 2:
                raise forms.ValidationError(f"第 {number} 行应写月份和金额，例如 2017-10 500.00")
            try:
                plan.append((Month.parse(parts[0]), fen_of(parts[1])))
            except TuodiError as error:
                raise forms.ValidationError(f"第 {number} 行：{error}") from error
        return plan
