"""Signing in by the site's identity provider."""

from __future__ import annotations

import logging

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from tuodi.kernel.identity import InvalidIdError
from tuodi.people import identity_provider, middleware, residents
from tuodi.people.errors import ProviderError
from tuodi.people.identity_provider import Asked
from tuodi.web.residents.sign_in import target_of

_KEY = "resident_oidc"
log = logging.getLogger(__name__)


def start(request: HttpRequest) -> HttpResponse:
    """Sends the visitor to the provider."""
    if not settings.RESIDENT_OIDC["issuer"]:
        raise Http404
    try:
        url, asked = identity_provider.begin(request.build_absolute_uri(reverse("web:my-oidc-back")))
    except ProviderError as error:
        return _failed(request, error.reason)
    request.session[_KEY] = {**asked.to_session(), "next": target_of(request, request.GET.get("next", ""))}
    return HttpResponseRedirect(url)


def back(request: HttpRequest) -> HttpResponse:
    """Takes the visitor back. What he brings is good once."""
    kept = request.session.pop(_KEY, None)
    if not kept:  # an old address, or one for somebody else: nothing to fail, he may begin
        return HttpResponseRedirect(reverse("web:my-sign-in"))
    onward = kept.pop("next")
    try:
        if "error" in request.GET:
            raise ProviderError(f"身份认证回答 {request.GET['error'][:40]}")
        said = identity_provider.finish(
            Asked(**kept), state=request.GET.get("state", ""), code=request.GET.get("code", "")
        )
        account = residents.provider_sign_in(subject=said.subject, name=said.name, number=said.number)
    except (ProviderError, InvalidIdError) as error:
        return _failed(request, getattr(error, "reason", "证件号码不对"))
    if account is None:
        return render(request, "residents/unknown.html", status=403)
    middleware.sign_in(request, account)
    return HttpResponseRedirect(onward)


def _failed(request: HttpRequest, reason: str) -> HttpResponse:
    log.warning("resident sign-in by provider failed: %s", reason)
    return render(request, "residents/provider_failed.html", {"message": ProviderError(reason).message}, status=502)
