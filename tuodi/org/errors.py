"""Errors of access and staff.

TuodiError
└── OrgError
    ├── AccessDeniedError     signed in, in scope, but without the duty (403)
    ├── NotFoundError         absent, or not yours: the same words for both (404)
    ├── NoScopeError          a user without an office, or a place code that is none
    └── DutyConflictError     two duties that one person may not hold together
"""

from __future__ import annotations

from tuodi.kernel.errors import TuodiError


class OrgError(TuodiError):
    """Base of this room's errors. `status` is the HTTP status a page answers with."""

    code = "org"
    status = 400


class AccessDeniedError(OrgError):
    """The user lacks the duty for this place."""

    code = "org.denied"
    status = 403

    def __init__(self, duty: str, label: str, place: str = "") -> None:
        where = f"（{place}）" if place else ""
        super().__init__(
            f"您没有“{label}”职责{where}，不能办理此事。请联系本单位系统管理员核对职责。", duty=duty, place=place
        )


class NotFoundError(OrgError):
    """Absent and not-yours read alike, so that nobody learns what exists elsewhere."""

    code = "org.not_found"
    status = 404

    def __init__(self, what: str = "记录") -> None:
        super().__init__(f"没有找到该{what}，或不在您的管辖范围内。请核对后重试。", what=what)


class NoScopeError(OrgError):
    """There is no range to look into."""

    code = "org.no_scope"
    status = 403

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}。请联系系统管理员设置所属机构。", reason=reason)


class DutyConflictError(OrgError):
    """Separation of duties (GB/T 22239-2019 8.1.4.2: system, security and audit managers apart)."""

    code = "org.duty_conflict"
    status = 409

    def __init__(self, wanted: str, held: str) -> None:
        super().__init__(
            f"“{wanted}”与已有的“{held}”职责不能由同一人担任。请另选人员，或先收回已有职责。", wanted=wanted, held=held
        )
