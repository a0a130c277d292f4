"""Django app of the room `oversight`."""

from __future__ import annotations

from django.apps import AppConfig


class OversightConfig(AppConfig):
    """Label `oversight`."""

    name = "tuodi.oversight"
    label = "oversight"
    verbose_name = "监督"

    def ready(self) -> None:
        """Adds the room's ledger to those that can be taken out."""
        from tuodi.oversight.ledger import register_complaints

        register_complaints()
