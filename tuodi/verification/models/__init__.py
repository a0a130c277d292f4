"""Rows of verification: data sources and their batches, consents, live checks, and the frozen fact set."""

from __future__ import annotations

from tuodi.verification.models.consent import Consent, Supporter
from tuodi.verification.models.factset import FactSet
from tuodi.verification.models.request import CheckAnswer, CheckReport, CheckRequest
from tuodi.verification.models.source import DataSource, RegisterBatch

__all__ = [
    "CheckAnswer",
    "CheckReport",
    "CheckRequest",
    "Consent",
    "DataSource",
    "FactSet",
    "RegisterBatch",
    "Supporter",
]
