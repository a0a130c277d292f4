"""What the forms' schemas share. Every value is text made ready for a reader, unless said otherwise; empty text prints as 「—」.

Dates are ISO (`2017-09-08`) or empty; months `2017-09`; amounts already written in yuan (`1,200.00`); identity numbers
already masked. Unknown keys are refused, so that a misspelt field never prints as blank.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Answer", "Day", "Form", "Line", "Month", "Part", "Signature"]

Day = Annotated[str, Field(pattern=r"^(\d{4}-\d{2}-\d{2})?$")]
Month = Annotated[str, Field(pattern=r"^(\d{4}-\d{2})?$")]
#: Yes, no, or not answered.
Answer = bool | None


class Part(BaseModel):
    """A piece of a form: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Line(Part):
    """A label and what stands beside it."""

    label: str
    value: str = ""


class Signature(Part):
    """Who signs: 申请人, 调查人, 主持人 …; `on` may be empty on a form still to be signed."""

    role: str
    name: str = ""
    on: Day = ""


class Form(Part):
    """What every form has: its number, the office it is from, the day. `title` replaces the form's own heading."""

    title: str = ""
    number: str = ""
    office: str = ""
    date: Day = ""
