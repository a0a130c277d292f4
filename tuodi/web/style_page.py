"""Every component on one page, with invented data, to look at; only under DEBUG or demo."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from tuodi.web.components import explain

_SAMPLE = Path(__file__).with_name("style_sample.json")


class _Form(forms.Form):
    name = forms.CharField(label="姓名", help_text="与身份证一致")
    income = forms.CharField(label="月工资收入")
    kind = forms.ChoiceField(label="户籍", choices=[("urban", "城市"), ("rural", "农村")])


@login_not_required
def show(request: HttpRequest) -> HttpResponse:
    """The style page; 404 on a production site."""
    if not (settings.DEBUG or getattr(settings, "DEMO", False)):
        raise Http404
    sample: dict[str, Any] = json.loads(_SAMPLE.read_text(encoding="utf-8"))
    form = _Form({"name": "林桂兰", "income": "2,4OO", "kind": "urban"})
    form.full_clean()
    form.add_error("income", "“2,4OO”不是数字，字母 O 请改成 0，例如 2,400.00。")
    context = {
        "figures": sample["figures"],
        "steps": sample["steps"],
        "events": sample["events"],
        "causes": sample["causes"],
        "chart": sample["chart"],
        "programmes": [explain.programme(sample["explanation"], sample["members"])],
        "form": form,
        "page": SimpleNamespace(total=5748, number=2, pages=115, previous=1, next=3),
    }
    return render(request, "style.html", context)
