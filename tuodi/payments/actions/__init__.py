"""Verbs of the room: the monthly run, bank files and answers. Each keeps the five beats."""

from __future__ import annotations

from tuodi.payments.actions.adoption import open_adoption
from tuodi.payments.actions.bank import import_return, make_bank_files, reissue
from tuodi.payments.actions.price import enter_index, register_price_member
from tuodi.payments.actions.run import approve, calculate, cancel, check, close, open_run, settle
from tuodi.payments.actions.simulation import ask_simulation, do_simulation

__all__ = [
    "approve",
    "ask_simulation",
    "calculate",
    "cancel",
    "check",
    "close",
    "do_simulation",
    "enter_index",
    "import_return",
    "make_bank_files",
    "open_adoption",
    "open_run",
    "register_price_member",
    "reissue",
    "settle",
]
