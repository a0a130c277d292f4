"""The room `verification` as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class VerificationConfig(AppConfig):
    """Label `verification`."""

    name = "tuodi.verification"
    label = "verification"
    verbose_name = "核对"
