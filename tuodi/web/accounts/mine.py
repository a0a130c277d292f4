"""My own sign-in: where I am signed in, my second factor, and what I lend to colleagues while I am away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import segno
from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache

from tuodi.kernel import clock
from tuodi.org import access, factor_actions, lending_actions, session_actions
from tuodi.org.errors import FactorError
from tuodi.org.middleware import PROVEN
from tuodi.org.models import Duty, SignedIn, User
from tuodi.web.accounts.entry import CodeForm
from tuodi.web.components import places, posting


class _Days(forms.Form):
    """From a day to a day, both included as people say it."""

    since = forms.DateField(
        label="自", widget=forms.DateInput(attrs={"type": "date"}), error_messages={"required": "没有填写起始日。"}
    )
    last = forms.DateField(
        label="至（含当日）",
        widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"required": "没有填写终止日。"},
    )

    def clean(self) -> dict[str, Any]:
        """The end as the rows have it: the first day without."""
        data = super().clean() or {}
        if data.get("since") and data.get("last"):
            if data["last"] < data["since"]:
                self.add_error("last", "终止日早于起始日，请改正。")
            else:
                data["until"] = data["last"] + timedelta(days=1)
        return data


class DelegateForm(_Days):
    """One duty to one colleague."""

    duty = forms.ChoiceField(label="职责", error_messages={"required": "没有选择职责。"})
    to = forms.ChoiceField(label="受托人", error_messages={"required": "没有选择受托人。"})
    field_order = ("duty", "to", "since", "last")

    def __init__(self, *args: Any, duties: list[Duty], people: list[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["duty"].choices = [(str(one.pk), duty_label(one)) for one in duties]
        self.fields["to"].choices = [(str(one.pk), f"{one.name}（{one.office.name}）") for one in people]


class StandInForm(_Days):
    """My whole queue to one colleague."""

    to = forms.ChoiceField(label="B 岗", error_messages={"required": "没有选择同事。"})
    reason = forms.CharField(label="事由", max_length=80, required=False)
    field_order = ("to", "since", "last", "reason")

    def __init__(self, *args: Any, people: list[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].choices = [(str(one.pk), f"{one.name}（{one.office.name}）") for one in people]


def duty_label(duty: Duty) -> str:
    """A duty with its place in words."""
    return f"{duty.get_code_display()}（{places.name(duty.place_code)}）"


def lent_line(duty: Duty) -> dict[str, Any]:
    """What is lent, as a table shows it."""
    assert duty.lent_from is not None
    today = clock.today()
    return {
        "pk": duty.pk,
        "label": duty_label(duty),
        "by": duty.lent_from.user.name,
        "to": duty.user.name,
        "since": duty.since,
        "last": duty.until - timedelta(days=1) if duty.until else None,
        "kind": "顶岗" if duty.stand_in_id else "委托",
        "runs": duty.since <= today,
    }


def show(request: HttpRequest) -> HttpResponse:
    """The page; a POST does one thing."""
    user: Any = request.user
    duties, people = lending_actions.own_duties(user), list(lending_actions.colleagues(user)[:200])
    today = clock.today()
    start = {"since": today.isoformat(), "last": (today + timedelta(days=6)).isoformat()}
    do = posting.text(request, "do", 20)
    posted = request.POST if request.method == "POST" else None
    delegate = DelegateForm(
        posted if do == "delegate" else None, duties=duties, people=people, initial=start, prefix="d"
    )
    cover = StandInForm(posted if do == "stand_in" else None, people=people, initial=start, prefix="s")
    if request.method == "POST" and _do(request, do, duties, people, delegate, cover):
        return posting.back(reverse("web:mine"))
    factor = factor_actions.confirmed(user)
    here = request.session.session_key
    context = {
        "duties": [
            {"label": duty_label(one), "by": one.lent_from.user.name if one.lent_from else "", "until": one.until}
            for one in access.duties_of(user)
        ],
        "sessions": [{"row": one, "here": one.session_key == here} for one in session_actions.alive(user)],
        "factor": factor,
        "left": factor.recovery_codes.filter(used_at__isnull=True).count() if factor else 0,
        "needed": factor_actions.needed(user),
        "exempt": user.is_demo,
        "lent": [lent_line(one) for one in lending_actions.lent_by(user).select_related("lent_from__user", "user")],
        "delegate": delegate if duties and people else None,
        "stand_in": cover if duties and people else None,
        "alone": bool(duties) and not people,
    }
    return render(request, "accounts/mine.html", context)


def _do(
    request: HttpRequest,
    do: str,
    duties: list[Duty],
    people: list[User],
    delegate: DelegateForm,
    cover: StandInForm,
) -> bool:
    """Whether the deed is answered by the page anew; False keeps a faulty form."""
    user: Any = request.user
    if do == "end":
        row = SignedIn.objects.filter(user=user, pk=_number(posting.text(request, "session", 18))).first()
        if row is None or row.session_key == request.session.session_key:
            posting.refuse(request, "没有这个登录，或它就是当前登录。结束当前登录请用“退出登录”。")
            return True
        posting.attempt(request, lambda: session_actions.end_one(acting_user=user, session=row), "该登录已结束。")
        return True
    if do == "end_others":
        posting.attempt(
            request,
            lambda: session_actions.end_all(user, why="本人结束", but=request.session.session_key, acting_user=user),
            lambda count: f"已结束其他 {count} 处登录。",
        )
        return True
    if do == "recall":
        rows = list(
            Duty.objects.select_related("lent_from__user", "user__office").filter(
                lent_from__user=user, pk=_number(posting.text(request, "lent", 18))
            )
        )
        posting.attempt(
            request, lambda: lending_actions.recall(acting_user=user, lent=rows), "已收回，对方下一次操作时即失效。"
        )
        return True
    chosen: dict[str, Callable[[], tuple[bool, Any]]] = {
        "delegate": lambda: _delegate(request, duties, people, delegate),
        "stand_in": lambda: _stand_in(request, people, cover),
    }
    if do not in chosen:
        posting.refuse(request, "没有这个操作，请刷新页面后重试。")
        return True
    return (delegate if do == "delegate" else cover).is_valid() and chosen[do]()[0]


def _delegate(request: HttpRequest, duties: list[Duty], people: list[User], form: DelegateForm) -> tuple[bool, Any]:
    data, user = form.cleaned_data, request.user
    duty = next(one for one in duties if str(one.pk) == data["duty"])
    to = next(one for one in people if str(one.pk) == data["to"])
    return posting.attempt(
        request,
        lambda: lending_actions.delegate(
            acting_user=user,  # type: ignore[arg-type]
            duty=duty,
            to=to,
            since=data["since"],
            until=data["until"],
        ),
        f"已把“{duty.get_code_display()}”委托给{to.name}，到期自动失效。",
    )


def _stand_in(request: HttpRequest, people: list[User], form: StandInForm) -> tuple[bool, Any]:
    data, user = form.cleaned_data, request.user
    to = next(one for one in people if str(one.pk) == data["to"])
    return posting.attempt(
        request,
        lambda: lending_actions.stand_in(
            acting_user=user,  # type: ignore[arg-type]
            officer=user,  # type: ignore[arg-type]
            to=to,
            since=data["since"],
            until=data["until"],
            reason=data["reason"],
        ),
        lambda answer: (
            f"已由{to.name}顶岗。" + (f"未包括：{'、'.join(answer[1])}（与其职责不能兼任）。" if answer[1] else "")
        ),
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


@never_cache
def factor(request: HttpRequest) -> HttpResponse:
    """Setting up the second factor: the square code, a first code from the telephone, the recovery codes once."""
    user: Any = request.user
    if user.is_demo:
        posting.refuse(request, "演示账号不使用第二因素。")
        return redirect("web:mine")
    if factor_actions.confirmed(user) is not None:
        return redirect("web:mine")
    row = factor_actions.begin(acting_user=user)
    form = CodeForm(request.POST or None)
    form.fields["code"].help_text = "验证器扫描后显示的 6 位数字，30 秒换一次。"
    if request.method == "POST" and form.is_valid():
        try:
            codes = factor_actions.confirm(acting_user=user, code=form.cleaned_data["code"])
        except FactorError as error:
            form.add_error("code", str(error))
        else:
            request.session[PROVEN] = True
            return render(request, "accounts/recovery.html", {"codes": codes})
    secret = factor_actions.secret_of(row)
    context = {
        "form": form,
        "square": segno.make(factor_actions.uri_of(row), error="m").svg_data_uri(scale=5, border=2),
        "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        "needed": factor_actions.needed(user),
    }
    return render(request, "accounts/factor.html", context)
