"""Django app of the room `org`."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import pre_migrate


class OrgConfig(AppConfig):
    """Offices, staff, duties and places."""

    name = "tuodi.org"
    label = "org"
    verbose_name = "机构与人员"

    def ready(self) -> None:
        """Hooks the grants to migrations and the sign-in events to the audit log."""
        from tuodi.org import signin  # noqa: F401 - connects its receivers

        pre_migrate.connect(_grant, sender=self)


def _grant(using: str, **kwargs: Any) -> None:
    from tuodi.org.rls import grant_defaults

    grant_defaults(using)
