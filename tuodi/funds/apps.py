"""The room `funds` as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class FundsConfig(AppConfig):
    """Label `funds`."""

    name = "tuodi.funds"
    label = "funds"
    verbose_name = "资金"
