"""Rows of verification: sources and batches, consents, live checks, visits, reviews, kin filings, self-care assessments, the frozen fact set."""

from __future__ import annotations

from tuodi.verification.models.consent import Consent, Supporter
from tuodi.verification.models.factset import FactSet
from tuodi.verification.models.kin import KinFiling
from tuodi.verification.models.request import CheckAnswer, CheckReport, CheckRequest
from tuodi.verification.models.review import ReviewAttendee, ReviewMeeting
from tuodi.verification.models.self_care import SelfCareAssessment, SelfCarePaper
from tuodi.verification.models.source import DataSource, RegisterBatch
from tuodi.verification.models.spot import SpotCheck, SpotCheckItem
from tuodi.verification.models.visit import VisitPhoto, VisitRecord, VisitTask

__all__ = [
    "CheckAnswer",
    "CheckReport",
    "CheckRequest",
    "Consent",
    "DataSource",
    "FactSet",
    "KinFiling",
    "RegisterBatch",
    "ReviewAttendee",
    "ReviewMeeting",
    "SelfCareAssessment",
    "SelfCarePaper",
    "SpotCheck",
    "SpotCheckItem",
    "Supporter",
    "VisitPhoto",
    "VisitRecord",
    "VisitTask",
]
