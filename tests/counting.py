"""What a page asks the database: its questions, without the brackets of transactions and scopes around them."""

from __future__ import annotations

from typing import Any

BRACKETS = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE SAVEPOINT", "select set_config(")


def questions(seen: Any) -> list[str]:
    """The statements of a `CaptureQueriesContext` that read or write something."""
    return [one["sql"] for one in seen if not one["sql"].startswith(BRACKETS)]
