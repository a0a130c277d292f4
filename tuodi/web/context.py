"""What every template may read beside its own data."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    """`site.demo`: invented people and demo accounts; pages say so in a band. `site.hotline`: on residents' pages."""
    demo = bool(getattr(settings, "DEMO", False))
    return {"site": {"demo": demo, "debug": bool(settings.DEBUG), "hotline": settings.HOTLINE}}
