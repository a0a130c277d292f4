"""The room `cases` as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class CasesConfig(AppConfig):
    """Label `cases`."""

    name = "tuodi.cases"
    label = "cases"
    verbose_name = "案件"
