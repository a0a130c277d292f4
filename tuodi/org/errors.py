"""Errors of access and staff.

TuodiError
└── OrgError
    ├── AccessDeniedError     signed in, in scope, but without the duty (403)
    ├── NotFoundError         absent, or not yours: the same words for both (404)
    ├── NoScopeError          a user without an office, or a place code that is none
    ├── DutyConflictError     two duties that one person may not hold together
    ├── OwnAccountError       an administrator's deed against his own account
    ├── LendingError          a delegation or stand-in that cannot be
    ├── FactorError           a code of the second factor that does not count
    ├── LinkError             a one-time link that is spent, past its time, or none
    └── StepUpNeededError     many families within the hour: say once more who you are
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


class OwnAccountError(OrgError):
    """An administrator's deed against his own account."""

    code = "org.own_account"
    status = 409

    def __init__(self) -> None:
        super().__init__("不能停用或调动自己的账号。请由另一位系统管理员办理。")


class LendingError(OrgError):
    """A delegation or stand-in that cannot be."""

    code = "org.lending"
    status = 409

    def __init__(self, reason: str) -> None:
        super().__init__(f"不能委托：{reason}", reason=reason)


class FactorError(OrgError):
    """A code that does not count: wrong, spent, or asked while locked. The words never say which code would have been right."""

    code = "org.factor"
    status = 403

    def __init__(self, reason: str) -> None:
        super().__init__(reason, reason=reason)


class LinkError(OrgError):
    """A one-time link that opens nothing: the same words whether it is spent, past its time, or never was."""

    code = "org.link"
    status = 404

    def __init__(self) -> None:
        super().__init__("这个链接已使用、已过期或不正确。请联系本单位安全管理员重新生成。")


class StepUpNeededError(OrgError):
    """A user saw more families within the hour than the site expects of one person."""

    code = "org.step_up"
    status = 403

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"您一小时内已查看 {limit} 页家庭或办件资料，请再次确认身份后继续。此情况已记入审计日志。", limit=limit
        )
