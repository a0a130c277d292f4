"""The room `verification` as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class VerificationConfig(AppConfig):
    """Label `verification`."""

    name = "tuodi.verification"
    label = "verification"
    verbose_name = "核对"

    def ready(self) -> None:
        """信息核对 is completed on a report, whoever completes it."""
        from tuodi.cases.roads import prescribe
        from tuodi.policy.procedure import Does
        from tuodi.verification.check_road import road

        prescribe(Does.CHECK, road)
