"""Addresses of accounts, security and audit."""

from __future__ import annotations

from django.urls import URLPattern, path
from django.views.decorators.http import require_GET, require_POST

from tuodi.org.models import DutyCode
from tuodi.web.accounts import entry, log, mine, security, staff
from tuodi.web.components.doors import open_to

_staff = open_to()
_managers = open_to(*staff.READERS)
_audit = open_to(DutyCode.AUDIT_VIEW)

#: Part of the web room's own list, so that names and doors are those of all pages.
urlpatterns: list[URLPattern] = [
    path("login/code/", entry.code, name="login-code"),
    path("reset/", entry.reset, name="reset-form"),
    path("reset/<str:token>/", entry.link, name="reset"),
    path("security/me/", _staff(mine.show), name="mine"),
    path("security/me/factor/", _staff(mine.factor), name="factor"),
    path("security/me/step-up/", _staff(entry.step_up), name="step-up"),
    path("security/", open_to(*security.DUTIES)(security.show), name="security"),
    path("accounts/", _managers(staff.listing), name="accounts"),
    path("accounts/new/", open_to(DutyCode.SYSADMIN)(staff.new), name="account-new"),
    path("accounts/<int:pk>/", _managers(staff.show), name="account"),
    path("audit/", _audit(log.listing), name="audit"),
    path("audit/check/", require_POST(_audit(log.check)), name="audit-check"),
    path("audit/export.xlsx", require_GET(_audit(log.export)), name="audit-export"),
]
