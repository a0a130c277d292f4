"""The room `payments` as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    """Label `payments`."""

    name = "tuodi.payments"
    label = "payments"
    verbose_name = "发放"

    def ready(self) -> None:
        """Funds ask what runs use of a month's plans."""
        from tuodi.funds import plans
        from tuodi.payments.plans import used_by_runs

        plans.count_runs_by(used_by_runs)
