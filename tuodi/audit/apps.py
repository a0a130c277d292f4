"""Django app of the room `audit`."""

from __future__ import annotations

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """The audit log."""

    name = "tuodi.audit"
    label = "audit"
    verbose_name = "审计"
