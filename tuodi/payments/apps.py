"""The room `payments` as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    """Label `payments`."""

    name = "tuodi.payments"
    label = "payments"
    verbose_name = "发放"
