"""Registers of other departments: a profile says how one department writes one kind, a reader gives typed columns.

opened = open_register(path, load_register("vehicle"), as_of=day, on=today)
for chunk in opened.chunks():
    chunk.frame     line_no, id_raw, name, as_of, stale and the columns of the kind
    chunk.faults    what could not be read, row by row, masked, with a remedy
opened.totals       accounted for: every line is given, rejected or skipped, with the reason
"""

from __future__ import annotations

from tuodi.exchange.registers.faults import FAULT_SCHEMA, LABELS
from tuodi.exchange.registers.profiles import KINDS, RegisterProfile, load_register, register_profiles
from tuodi.exchange.registers.reader import Chunk, OpenedRegister, Totals, open_register

__all__ = [
    "FAULT_SCHEMA",
    "KINDS",
    "LABELS",
    "Chunk",
    "OpenedRegister",
    "RegisterProfile",
    "Totals",
    "load_register",
    "open_register",
    "register_profiles",
]
