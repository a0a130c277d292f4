"""The WSGI entry point, served by granian."""

from __future__ import annotations

import contextlib
import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tuodi.config.settings")

application = get_wsgi_application()


def _warm() -> None:
    """Loads what every process keeps, then takes it out of the collector's sight.

    A full collection walks a quarter of a million objects of code and law for a fifth of a second, in the midst of a page.
    A fault in a pack, or of the database, is not raised here: the page that needs it says so.
    """
    from django.db import Error
    from django.urls import get_resolver

    from tuodi.kernel.errors import TuodiError
    from tuodi.web.components import law

    _ = get_resolver().url_patterns
    with contextlib.suppress(TuodiError, Error):
        law.book()
        law.facts()
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


_warm()
