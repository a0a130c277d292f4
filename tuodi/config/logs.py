"""Logging: one line an event, control characters escaped, so that no user name can forge a line."""

from __future__ import annotations

import logging
from typing import Any


class OneLineFormatter(logging.Formatter):
    """Escapes control characters in the message; tracebacks keep their own lines, indented."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the standard library's name
        """The line for one record."""
        shown = super().formatMessage(record)
        return "".join(sign if sign.isprintable() else f"\\x{ord(sign):02x}" for sign in shown)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the standard library's name
        """A traceback whose lines cannot be taken for records."""
        return "\n".join("    | " + line for line in super().formatException(ei).splitlines())


def settings(*, debug: bool) -> dict[str, Any]:
    """The LOGGING setting: everything to stderr; requests are logged by path only, never with a query."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": "tuodi.config.logs.OneLineFormatter",
                "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "DEBUG" if debug else "INFO"},
        "loggers": {
            "django.request": {"level": "ERROR"},
            "django.db.backends": {"level": "WARNING"},
            "axes": {"level": "WARNING"},
            "procrastinate": {"level": "WARNING"},
            "asyncio": {"level": "WARNING"},
            "httpx": {"level": "WARNING"},
        },
    }
