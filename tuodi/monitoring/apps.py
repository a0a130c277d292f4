"""The room `monitoring` as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    """Label `monitoring`."""

    name = "tuodi.monitoring"
    label = "monitoring"
    verbose_name = "监测"
