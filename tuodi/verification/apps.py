"""The room `verification` as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class VerificationConfig(AppConfig):
    """Label `verification`."""

    name = "tuodi.verification"
    label = "verification"
    verbose_name = "核对"

    def ready(self) -> None:
        """信息核对 is completed on a report and 自理能力评估 on an assessment, whoever completes it."""
        from tuodi.cases.roads import prescribe
        from tuodi.policy.procedure import Does
        from tuodi.verification import check_road, self_care_road

        prescribe(Does.CHECK, check_road.road)
        prescribe(Does.ASSESS, self_care_road.road)
