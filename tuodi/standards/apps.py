"""The room `standards` as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class StandardsConfig(AppConfig):
    """Label `standards`."""

    name = "tuodi.standards"
    label = "standards"
    verbose_name = "标准制定"
