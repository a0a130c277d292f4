"""Forms of the one door that are about no case: procedures and limits on the wall."""

from __future__ import annotations

from pydantic import Field

from tuodi.documents.parts import Form, Part

__all__ = ["BoardProgramme", "BoardStep", "LimitsBoard"]


class BoardStep(Part):
    """One step: what, who, within how long, by which clause."""

    label: str
    who: str = ""
    limit: str = ""
    clause: str = ""


class BoardProgramme(Part):
    """One programme: its procedure's name and ground, papers, total limit, who decides, steps."""

    label: str
    title: str = ""
    clause: str = ""
    total: str = ""
    approver: str = ""
    papers: list[str] = []
    steps: list[BoardStep] = Field(min_length=1)


class LimitsBoard(Form):
    """办理流程和办理时限 (上墙): what runs here today, for people who wait at the window."""

    place: str
    lines: list[str] = []
    programmes: list[BoardProgramme] = Field(min_length=1)
