"""Forms of one case: receipt, papers to be brought, application, means, decision, change, stop, filing."""

from __future__ import annotations

from pydantic import Field

from tuodi.documents.parts import Day, Form, Part

__all__ = ["AcceptanceReceipt", "MissingPaper", "MissingPapers", "Paper", "ReceiptStep"]


class Paper(Part):
    """One paper handed in. `copies` in words (`1 份`), `kind` 原件 or 复印件."""

    name: str
    kind: str = ""
    copies: str = ""
    note: str = ""


class ReceiptStep(Part):
    """One step that follows: what, who, within how long."""

    label: str
    who: str = ""
    limit: str = ""


class AcceptanceReceipt(Form):
    """受理回执: that an application was taken in, what was handed in, who answers for it, what comes next and until when.

    `number` is the receipt's. `due` is the last day in words, or 待定 with its reason. `owed` are names of papers still
    to be brought (they are told in full by `missing_papers`). `officer_b` is the stand-in (AB 岗).
    """

    case_no: str
    applicant: str
    agent: str = ""
    household_no: str = ""
    place: str
    programmes: list[str] = Field(min_length=1)
    accepted_on: Day
    due: str = ""
    papers: list[Paper] = []
    owed: list[str] = []
    steps: list[ReceiptStep] = []
    clause: str = ""
    officer: str
    officer_b: str = ""
    phone: str = ""
    window: str = ""
    progress: str = ""
    complaint_phone: str = ""
    warnings: list[str] = []


class MissingPaper(Part):
    """One paper to be brought: what it must show, where it is had, and the clause that asks for it."""

    name: str
    requirement: str = ""
    source: str = ""
    clause: str = ""


class MissingPapers(Form):
    """一次性告知书: all papers that are still needed, told once. `until` empty = no day is set."""

    recipient: str
    programmes: list[str] = Field(min_length=1)
    place: str = ""
    receipt_no: str = ""
    case_no: str = ""
    received: list[str] = []
    missing: list[MissingPaper] = Field(min_length=1)
    until: Day = ""
    effect: str = ""
    clause: str = ""
    officer: str = ""
    phone: str = ""
    window: str = ""
    served_by: str = ""
