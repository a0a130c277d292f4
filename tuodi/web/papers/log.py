"""Every print is on record: which form, of whom, by whom."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from tuodi.audit.actions import record

__all__ = ["note_print"]


def note_print(
    request: HttpRequest, form: str, subject: str, subject_id: object, region: str, *, case_no: str = "", **more: Any
) -> None:
    """One row in the log for one paper."""
    user: Any = request.user
    record(
        "papers.print",
        actor=user,
        subject_type=subject,
        subject_id=subject_id,
        region=region,
        case_no=case_no,
        after={"form": form, **more},
    )
