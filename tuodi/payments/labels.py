"""What a line's programme is called."""

from __future__ import annotations

from tuodi.funds.programmes import benefit
from tuodi.payments.states import PayProgramme

__all__ = ["pay_label"]


def pay_label(code: str) -> str:
    """Chinese name of what a line is of; of a fixed amount as the packs have it."""
    if code in PayProgramme.values:
        return str(PayProgramme(code).label)
    found = benefit(code)
    return found.label if found else code
