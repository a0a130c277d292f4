"""Signing in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import TemplateDoesNotExist

from tuodi.org.models import User


def folded_name(name: object) -> str:
    """An account name as it is compared: full-width signs folded, lower case, without the NUL no database takes."""
    return User.normalize_username(str(name or "")).strip().lower().replace("\x00", "")


def typed_name(request: HttpRequest | None, credentials: dict[str, Any] | None = None) -> str:
    """The account name of an attempt, for the lock-out (setting AXES_USERNAME_CALLABLE)."""
    given = (credentials or {}).get("username") or (request.POST.get("username") if request is not None else "")
    return folded_name(given)


class StaffBackend(ModelBackend):
    """Name and password. Unknown names cost as much time as wrong passwords (Django hashes once for both)."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """The user, or None. Full-width signs in the name are folded first."""
        if username is None or password is None:
            return None
        found: User | None = super().authenticate(request, username=folded_name(username), password=password, **kwargs)  # type: ignore[assignment]
        # A demo account left in a real site's data is a default account: it opens nothing there.
        return None if found is not None and found.is_demo and not settings.DEMO else found

    def user_can_authenticate(self, user: Any) -> bool:
        """A disabled account or office ends sessions too: this is asked at every request."""
        return bool(user.is_active and user.office.is_active)

    def get_user(self, user_id: Any) -> User | None:
        """The user of a session with his office, in one query."""
        try:
            user = User.objects.select_related("office").get(pk=user_id)
        except User.DoesNotExist:
            return None
        return user if self.user_can_authenticate(user) else None


def locked_out(request: HttpRequest, original_response: HttpResponse | None = None, *args: Any) -> HttpResponse:
    """The answer after too many wrong passwords."""
    message = "密码错误次数过多，请 15 分钟后再试，或联系本单位系统管理员。"
    try:
        return render(request, "errors/problem.html", {"message": message, "status": 429}, status=429)
    except TemplateDoesNotExist:
        return HttpResponse(message, status=429, content_type="text/plain; charset=utf-8")
