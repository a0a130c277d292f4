"""The room `intake` as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class IntakeConfig(AppConfig):
    """Label `intake`."""

    name = "tuodi.intake"
    label = "intake"
    verbose_name = "受理"
