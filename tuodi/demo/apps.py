"""The room `demo` as a Django app: under the demo setting the clock stands in the story's month."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

from django.apps import AppConfig
from django.conf import settings


class DemoConfig(AppConfig):
    """Moves the clock of a demo site to `TUODI_DEMO_TODAY` (the time of day runs on); does nothing elsewhere."""

    name = "tuodi.demo"
    label = "demo"
    verbose_name = "演示"

    def ready(self) -> None:
        wanted = os.environ.get("TUODI_DEMO_TODAY")
        if not (getattr(settings, "DEMO", False) and wanted):
            return
        from tuodi.kernel import clock

        real = datetime.now(clock.BEIJING)
        shift = datetime.fromisoformat(f"{wanted}T00:00:00").replace(tzinfo=clock.BEIJING).date() - real.date()
        clock.set_clock(lambda: datetime.now(clock.BEIJING) + timedelta(days=shift.days))
