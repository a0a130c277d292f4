"""The room `standards` as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class StandardsConfig(AppConfig):
    """Label `standards`."""

    name = "tuodi.standards"
    label = "standards"
    verbose_name = "标准制定"

    def ready(self) -> None:
        """Every request sees what is adopted as it begins."""
        from django.core.signals import request_started

        from tuodi.standards.book import forget

        request_started.connect(forget, dispatch_uid="standards.forget")
