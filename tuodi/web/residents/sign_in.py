"""Signing in as a resident: number, name, and a code that goes to the phone on file; signing out; the type size."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from tuodi.kernel.identity import InvalidIdError, parse_id
from tuodi.org.addresses import address_of
from tuodi.people import middleware, residents
from tuodi.people.errors import TooManyTriesError

_YEAR_SECONDS = 365 * 24 * 3600
_TICKET = "resident_ticket"
_NEXT = "resident_next"
ELDER = "tuodi_my_type"


class WhoForm(forms.Form):
    """Who wants in."""

    name = forms.CharField(label="姓名", max_length=60, widget=forms.TextInput({"autocomplete": "name"}))
    number = forms.CharField(
        label="身份证号码",
        max_length=40,
        widget=forms.TextInput({"autocomplete": "off", "inputmode": "text", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.error_messages["required"] = "没有填，请填写。"

    def clean_number(self) -> str:
        """A number that cannot be one is said so at once: that tells nothing about anybody."""
        text = str(self.cleaned_data["number"])
        try:
            return parse_id(text, allow_trailing_zeros=True).text18
        except InvalidIdError as error:
            raise forms.ValidationError("号码不对。请照身份证核对 18 位号码后重新填写。") from error


class CodeForm(forms.Form):
    """The code that came."""

    code = forms.RegexField(
        r"^\s*[0-9]{6}\s*$",
        label="短信验证码",
        widget=forms.TextInput({"autocomplete": "one-time-code", "inputmode": "numeric", "maxlength": "6"}),
        error_messages={
            "invalid": "验证码是 6 位数字，请照短信填写。",
            "required": "没有填，请填写短信里的 6 位数字。",
        },
    )


def target_of(request: HttpRequest, text: str) -> str:
    """Where to go afterwards: a page of residents, else the first one."""
    home = reverse("web:my-home")
    fits = url_has_allowed_host_and_scheme(text, allowed_hosts={request.get_host()})
    return text if fits and text.startswith(settings.RESIDENT_PREFIX) else home


def show(request: HttpRequest) -> HttpResponse:
    """Asks who; sends the code; the answer is the same for everybody."""
    if getattr(request, "resident", None) is not None:
        return HttpResponseRedirect(target_of(request, request.GET.get("next", "")))
    form = WhoForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            ticket = residents.request_code(
                name=form.cleaned_data["name"],
                number=form.cleaned_data["number"],
                address=address_of(request),
            )
        except TooManyTriesError as error:
            form.add_error(None, error.message)
        else:
            request.session[_TICKET] = str(ticket)
            request.session[_NEXT] = target_of(request, request.POST.get("next", ""))
            return HttpResponseRedirect(reverse("web:my-code"))
    found = {
        "form": form,
        "next": target_of(request, request.GET.get("next", "")),
        "ended": "ended" in request.GET,
        "oidc": settings.RESIDENT_OIDC if settings.RESIDENT_OIDC["issuer"] else None,
    }
    return render(request, "residents/sign_in.html", found, status=429 if form.non_field_errors() else 200)


def code(request: HttpRequest) -> HttpResponse:
    """Takes the code. Wrong, late, used before, meant for nobody: one answer."""
    ticket = request.session.get(_TICKET)
    if not ticket:
        return HttpResponseRedirect(reverse("web:my-sign-in"))
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        account = residents.check_code(ticket=uuid.UUID(ticket), code=form.cleaned_data["code"])
        if account is not None:
            target = request.session.get(_NEXT, reverse("web:my-home"))
            middleware.sign_in(request, account)
            return HttpResponseRedirect(target)
        form.add_error("code", "验证码不对，或已过期、已用过。请核对短信；过期的，请返回上一步重新获取。")
    return render(request, "residents/code.html", {"form": form, "minutes": residents.CODE_MINUTES})


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ends the session and lets the browser forget what it kept: the next at this phone finds nothing."""
    middleware.sign_out(request)
    response = HttpResponseRedirect(f"{reverse('web:my-sign-in')}?left=1")
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response


@require_POST
def display(request: HttpRequest) -> HttpResponse:
    """Switches between the normal and the elder version; kept in a cookie that names nobody."""
    response = HttpResponseRedirect(target_of(request, request.POST.get("next", "")))
    if request.COOKIES.get(ELDER) == "elder":
        response.delete_cookie(ELDER, path=settings.RESIDENT_PREFIX)
    else:
        response.set_cookie(
            ELDER,
            "elder",
            max_age=_YEAR_SECONDS,
            path=settings.RESIDENT_PREFIX,
            samesite="Lax",
            httponly=True,
            secure=settings.SESSION_COOKIE_SECURE,
        )
    return response


@require_POST
def stay(request: HttpRequest) -> HttpResponse:
    """The resident is still there: the session goes on. The middleware has noted the request."""
    signed_in = getattr(request, "resident", None) is not None
    return HttpResponse(status=204 if signed_in else 401)
