"""Coming in beyond name and password: the second factor's code, a new password by a one-time link, and the step-up."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import SetPasswordForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache

from tuodi.audit.actions import record
from tuodi.audit.queries import database_now
from tuodi.kernel import clock
from tuodi.kernel.places import pad12
from tuodi.org import factor_actions, link_actions
from tuodi.org.middleware import PROVEN
from tuodi.org.models import User
from tuodi.web.components.reading import STEPPED_UP

BACKEND = "tuodi.org.backends.StaffBackend"
_WAITS = "waits_for_code"
_WAIT_SECONDS = 300
_LINK = "one_time_link"


class CodeForm(forms.Form):
    """One code."""

    code = forms.CharField(
        label="验证码",
        max_length=32,
        help_text="手机验证器上的 6 位数字；手机不在身边时可输入一个恢复码。",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "text"}),
        error_messages={"required": "没有填写，请输入 6 位验证码或恢复码。"},
    )


class PasswordForm(forms.Form):
    """One's password once more."""

    password = forms.CharField(
        label="密码",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": "没有填写，请输入密码。"},
    )


class NewPasswordForm(SetPasswordForm):
    """A new password, twice."""

    error_messages = {"password_mismatch": "两次输入的新密码不一致，请重新输入。"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in (("new_password1", "新密码"), ("new_password2", "再输一次新密码")):
            self.fields[name].label = label
            self.fields[name].help_text = ""
            self.fields[name].error_messages["required"] = "不能为空，请填写。"
        self.fields["new_password1"].help_text = "至少 10 位，含大写字母、小写字母、数字、符号中的三类。"


def wait_for_code(request: HttpRequest, user: User, to: str) -> None:
    """Remembers whose password was right; nobody is signed in yet, and the session gets a new key."""
    request.session.flush()
    request.session[_WAITS] = {
        "user": user.pk,
        "at": int(clock.now().timestamp()),
        "hash": user.get_session_auth_hash(),
        "next": to,
    }


def _waiting(request: HttpRequest) -> tuple[User, str] | None:
    held = request.session.get(_WAITS)
    if not held or int(clock.now().timestamp()) - held["at"] > _WAIT_SECONDS:
        return None
    user = User.objects.select_related("office").filter(pk=held["user"], is_active=True).first()
    if user is None or not user.office.is_active or user.get_session_auth_hash() != held["hash"]:
        return None
    return user, held["next"]


@login_not_required
@never_cache
def code(request: HttpRequest) -> HttpResponse:
    """The second factor, after the right password."""
    found = _waiting(request)
    if found is None:
        request.session.pop(_WAITS, None)
        return redirect("web:login")
    user, to = found
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        problem = factor_actions.prove(user, form.cleaned_data["code"])
        if not problem:
            request.session.pop(_WAITS, None)
            login(request, user, backend=BACKEND)
            request.session[PROVEN] = True
            return redirect(_own(request, to) if not user.must_change_password else settings.PASSWORD_CHANGE_URL)
        form.add_error("code", problem)
    return render(request, "accounts/code.html", {"form": form})


@login_not_required
@never_cache
def link(request: HttpRequest, token: str) -> HttpResponse:
    """Takes the token out of the address at once, so that no later page, log or referrer carries it."""
    link_actions.opens_for(token)
    request.session[_LINK] = token
    return redirect("web:reset-form")


@login_not_required
@never_cache
def reset(request: HttpRequest) -> HttpResponse:
    """A new password by a one-time link."""
    token = str(request.session.get(_LINK, ""))
    user = link_actions.opens_for(token)
    form = NewPasswordForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            link_actions.use_link(token, form.cleaned_data["new_password1"])
        except ValidationError as error:
            form.add_error("new_password1", error)
        else:
            request.session.flush()
            messages.success(request, "新密码已设定，请用新密码登录。")
            return redirect("web:login")
    return render(request, "accounts/reset.html", {"form": form, "account": user})


def step_up(request: HttpRequest) -> HttpResponse:
    """Saying once more who one is, after many families within the hour."""
    user: Any = request.user
    to = _own(request, request.POST.get("next") or request.GET.get("next") or "/")
    has_factor = factor_actions.confirmed(user) is not None
    form: forms.Form = (CodeForm if has_factor else PasswordForm)(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if has_factor:
            problem = factor_actions.prove(user, form.cleaned_data["code"])
        else:
            # Through the back ends, so that wrong ones count towards the lock-out like any other.
            right = authenticate(request, username=user.username, password=form.cleaned_data["password"])
            problem = "" if right is not None and right.pk == user.pk else "密码不正确，请重新输入。"
        if not problem:
            request.session[STEPPED_UP] = database_now()
            record(
                "org.step_up",
                actor=user,
                subject_type="user",
                subject_id=user.pk,
                region=pad12(user.office.place_code),
            )
            return redirect(to)
        form.add_error("code" if has_factor else "password", problem)
    return render(request, "accounts/step_up.html", {"form": form, "to": to, "limit": settings.READING_LIMIT})


def _own(request: HttpRequest, to: str) -> str:
    """An address of this site; the workbench for any other."""
    here = url_has_allowed_host_and_scheme(to, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return to if to and here else reverse("web:workbench")
