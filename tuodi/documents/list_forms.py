"""Forms that hang in public or list many: notice sheets, rosters, ledgers, the contents of a case file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tuodi.documents.parts import Day, Form, Line, Part

__all__ = ["CaseFileCover", "FilePart", "NoticeSheet", "RosterColumn", "RosterForm", "StandingNotice"]


class NoticeSheet(Form):
    """公示单, A4: what hangs on the wall. Knows the allowed fields only; anything else is refused by the schema itself.

    Each row holds the texts of `columns` in order. `qr` is an SVG (see `documents.qr_svg`), empty = none.
    """

    intro: str
    area: str = ""
    columns: list[Literal["applicant_name", "programme", "member_count", "amount"]] = Field(min_length=1)
    rows: list[list[str]] = Field(min_length=1)
    total_people: str = ""
    total_amount: str = ""
    unit: str = ""
    period: str
    where: str = ""
    objection: str = ""
    phone: str = ""
    qr: str = ""


class StandingNotice(NoticeSheet):
    """长期公示表: granted families of a village, until the next issue."""


class RosterColumn(Part):
    """One column of a roster: its head, its share of the width, whether it holds figures."""

    label: str
    width: float = 1
    figures: bool = False


class RosterForm(Form):
    """花名册 or 台账 on paper, across the page; heads are repeated on each page."""

    subtitle: str = ""
    columns: list[RosterColumn] = Field(min_length=1)
    rows: list[list[str]]
    totals: list[Line] = []
    note: str = ""


class FilePart(Part):
    """One part of a case file. `first` is the page it begins on; null = not there."""

    name: str
    first: int | None = None
    pages: int = 0
    note: str = ""
    state: Literal["there", "missing", "unneeded"] = "there"


class CaseFileCover(Form):
    """案卷封面和目录: what is in the file, on which page, and what is missing."""

    case_no: str
    head: str
    household_no: str = ""
    place: str = ""
    programme: str
    accepted_on: Day = ""
    decided: str = ""
    parts: list[FilePart]
    pages: int
    made_by: str = ""
    made_at: str = ""
