"""Django app of the room `org`."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created
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
        connection_created.connect(_say_limits)


def _grant(using: str, **kwargs: Any) -> None:
    from tuodi.org.rls import grant_defaults

    grant_defaults(using)


def _say_limits(connection: Any, **kwargs: Any) -> None:
    """Role and limits of a link that could not say them as it was made, because a pooler made it (`TUODI_POOLER`)."""
    said: dict[str, str] = connection.settings_dict.get("SAID_AFTER_CONNECTING") or {}
    if said:
        with connection.cursor() as cursor:
            cursor.execute(
                f"select {', '.join(['set_config(%s, %s, false)'] * len(said))}",
                [one for pair in said.items() for one in pair],
            )
