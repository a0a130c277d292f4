"""The room `decisions` as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class DecisionsConfig(AppConfig):
    """Label `decisions`."""

    name = "tuodi.decisions"
    label = "decisions"
    verbose_name = "决定"
