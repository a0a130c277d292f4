"""Verbs of the room: the monthly run, bank files and answers. Each keeps the five beats."""

from __future__ import annotations

from tuodi.payments.actions.answers import import_return
from tuodi.payments.actions.bank import make_bank_files, reissue
from tuodi.payments.actions.run import approve, calculate, cancel, check, close, open_run, settle

__all__ = [
    "approve",
    "calculate",
    "cancel",
    "check",
    "close",
    "import_return",
    "make_bank_files",
    "open_run",
    "reissue",
    "settle",
]
