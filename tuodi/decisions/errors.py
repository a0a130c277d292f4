"""Errors of decisions.

TuodiError
└── DecisionError
    ├── CaseFileError            a case file that cannot be made or fetched now
    ├── CorrectionError          a spot check that leaves nothing to correct
    ├── UnknownOutcomeError      facts are missing: neither confirm nor refuse
    ├── NotEligibleError         the rules say no: refuse instead
    ├── ReasonsMissingError      a refusal or a change without written reasons
    ├── NotDecidedError          nothing to put on the roll
    ├── RosterTooLongError       more rows than are printed
    ├── RollConflictError        the unit is on the roll in these months
    ├── DoubleBenefitError       a person would be assisted twice, as tekun and in a dibao family
    ├── DuplicateReliefError     relief that is there already, and nobody has answered for the second
    ├── LaterDecisionError       a change that would run over a later decision
    ├── NothingInForceError      no determination in force for a family and month
    ├── NothingToPublishError    no standing publication for a village
    ├── SuspensionMonthError     payment can be held from this month or a later one only, and for the entitled unit
    ├── SuspensionLiftedError    a suspension that has ended
    ├── StagePlanError           a plan of stages that does not fit its grant
    └── ReliefInputError         a field of an emergency that is missing or wrong
    └── NoticeDeliveryError      a delivery that cannot be, or was entered before
    ├── RevokedAlreadyError      a determination that was taken away or changed before
    ├── SameGroundsError         the same refusal again on the same facts, after it was taken away
    └── AppealBasisError         a change on appeal that nothing carries
"""

from __future__ import annotations

from collections.abc import Sequence

from tuodi.kernel.errors import TuodiError

__all__ = [
    "AppealBasisError",
    "CaseFileError",
    "CorrectionError",
    "DecisionError",
    "DoubleBenefitError",
    "DuplicateReliefError",
    "LaterDecisionError",
    "NotDecidedError",
    "NotEligibleError",
    "NothingInForceError",
    "NothingToPublishError",
    "NoticeDeliveryError",
    "ReasonsMissingError",
    "ReliefInputError",
    "RevokedAlreadyError",
    "RollConflictError",
    "RosterTooLongError",
    "SameGroundsError",
    "StagePlanError",
    "SuspensionLiftedError",
    "SuspensionMonthError",
    "UnknownOutcomeError",
]


class DecisionError(TuodiError):
    """Base of this room's errors. `status` is the HTTP status a page answers with."""

    code = "decisions"
    status = 409


class CorrectionError(DecisionError):
    """What a spot check found cannot be corrected so."""

    code = "decisions.correction"

    def __init__(self, case_no: str, why: str) -> None:
        super().__init__(f"案件 {case_no} 不能纠正：{why}。", case_no=case_no)


class UnknownOutcomeError(DecisionError):
    """The rules cannot tell yet."""

    code = "decisions.unknown"

    def __init__(self, what: str, missing: Sequence[str]) -> None:
        super().__init__(
            f"{what}还不能决定，缺少：{'、'.join(missing) or '未注明的事实'}。请补充后重新定稿事实表。",
            missing=list(missing),
        )


class NotEligibleError(DecisionError):
    """The rules say no."""

    code = "decisions.not_eligible"

    def __init__(self, what: str, reasons: Sequence[str]) -> None:
        super().__init__(
            f"{what}不符合条件：{'；'.join(reasons) or '见计算说明'}。请改办“不予确认”，或核对事实表。",
            reasons=list(reasons),
        )


class ReasonsMissingError(DecisionError):
    """Reasons must be given in writing (649 art 13, 57 art 21)."""

    code = "decisions.reasons"
    status = 400

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}没有写明理由。请填写书面理由，它会原样告知当事人。", what=what)


class NotDecidedError(DecisionError):
    """A determination that grants nothing."""

    code = "decisions.not_decided"

    def __init__(self, no: str, why: str) -> None:
        super().__init__(f"决定 {no} 不能列入名册：{why}。", no=no, why=why)


class RollConflictError(DecisionError):
    """One live entry per unit, programme and month."""

    code = "decisions.roll_conflict"

    def __init__(self, household_no: str, programme: str, month: str) -> None:
        super().__init__(
            f"家庭 {household_no} 从 {month} 起已有“{programme}”在册记录，不能重复列入。请办理变更。",
            household_no=household_no,
            programme=programme,
            month=month,
        )


class DoubleBenefitError(DecisionError):
    """Tekun and dibao exclude each other for one person ([43] art 27, [57] art 7)."""

    code = "decisions.double"

    def __init__(self, name: str, programme: str, household_no: str, month: str) -> None:
        super().__init__(
            f"成员 {name} 从 {month} 起已随家庭 {household_no} 享受“{programme}”，不能同时列入。"
            "请先分户，或先办理原项目的停保、变更，再列入名册。",
            name=name,
            programme=programme,
            household_no=household_no,
            month=month,
        )


class DuplicateReliefError(DecisionError):
    """Relief is there already (重复救助核查)."""

    code = "decisions.duplicate"

    def __init__(self, no: str, reasons: Sequence[str], *, blocked: bool) -> None:
        told = "".join(reasons)
        remedy = (
            "确需确认的，请在“重复救助说明”中写明理由。" if blocked else "请核对后勾选“已核对重复救助”，或写明理由。"
        )
        super().__init__(f"案件 {no} 未通过重复救助核查：{told}{remedy}", no=no, reasons=list(reasons))


class LaterDecisionError(DecisionError):
    """A change may not wipe out what was decided for later months."""

    code = "decisions.later"

    def __init__(self, household_no: str, no: str, month: str, last: str) -> None:
        super().__init__(
            f"家庭 {household_no} 从 {month} 起已有更晚的决定 {no}。请先写明本次变更止于 {last}（含）或更早，"
            f"再从 {month} 起另办一次变更。",
            household_no=household_no,
            no=no,
            month=month,
        )


class NothingInForceError(DecisionError):
    """There is nothing to explain or to change."""

    code = "decisions.nothing_in_force"
    status = 404

    def __init__(self, household_no: str, programme: str, month: str) -> None:
        super().__init__(
            f"家庭 {household_no} 在 {month} 没有“{programme}”的有效决定。请核对月份和项目。",
            household_no=household_no,
            programme=programme,
            month=month,
        )


class SuspensionMonthError(DecisionError):
    """What is paid is recovered, never held afterwards."""

    code = "decisions.suspension_month"
    status = 400

    def __init__(self, household_no: str, month: str, first: str, *, unit: bool = False) -> None:
        if unit:
            text = f"家庭 {household_no} 的停保对象不对：按人保障的项目要写明本人，按户保障的项目不写。请更正后重试。"
        else:
            text = f"家庭 {household_no} 不能从 {month} 起停保，最早从 {first} 起。已经发放的月份请办理追回。"
        super().__init__(text, household_no=household_no, month=month)


class SuspensionLiftedError(DecisionError):
    """It ended before."""

    code = "decisions.suspension_lifted"

    def __init__(self, notice_no: str) -> None:
        super().__init__(f"停保 {notice_no} 已经解除，不能再次解除。请刷新后再看。", notice_no=notice_no)


class StagePlanError(DecisionError):
    """Stages are whole, in order, to come, and sum to the grant."""

    code = "decisions.stage_plan"
    status = 400

    def __init__(self, no: str, problem: str) -> None:
        super().__init__(f"决定 {no} 的分期不对：{problem}。请更正后重试。", no=no, problem=problem)


class ReliefInputError(DecisionError):
    """A field that is missing or wrong."""

    code = "decisions.relief_input"
    status = 400

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}{problem}", field=field, problem=problem)


class NoticeDeliveryError(DecisionError):
    """How and when a notice reached the family is told once, and truly."""

    code = "decisions.notice_delivery"
    status = 400

    def __init__(self, no: str, why: str) -> None:
        super().__init__(f"告知书 {no} 的送达不能登记：{why}。请更正后重试。", no=no)


class NothingToPublishError(DecisionError):
    """No standing publication is asked for, or nobody is to be published."""

    code = "decisions.nothing_to_publish"

    def __init__(self, place: str, programme: str, why: str) -> None:
        super().__init__(f"{place}的{programme}没有可以公布的名单：{why}。", place=place, programme=programme)


class CaseFileError(DecisionError):
    """A case file that cannot be made or fetched now."""

    code = "decisions.case_file"

    def __init__(self, case_no: str, why: str) -> None:
        super().__init__(f"案卷 {case_no} {why}。", case_no=case_no)


class RosterTooLongError(DecisionError):
    """More rows than are printed on paper."""

    code = "decisions.roster_too_long"
    status = 400

    def __init__(self, programme: str, allowed: int) -> None:
        super().__init__(
            f"{programme}花名册超过 {allowed} 行，不适合打印。请缩小到一个乡镇或村，或者用“导出”取电子表格。",
            allowed=allowed,
        )


class RevokedAlreadyError(DecisionError):
    """An appeal has been decided over it."""

    code = "decisions.revoked"

    def __init__(self, no: str) -> None:
        super().__init__(f"决定 {no} 已被撤销或变更，不能再次撤销、变更。请查看重新作出的决定。", no=no)


class SameGroundsError(DecisionError):
    """行政复议法 art 28: not the same decision on the same facts and reasons."""

    code = "decisions.same_grounds"

    def __init__(self, no: str, matter_no: str) -> None:
        super().__init__(
            f"原决定 {no} 已被 {matter_no} 撤销，不得以同一事实作出同样的决定。请重新调查，定稿新的事实表后再办理。",
            no=no,
            matter_no=matter_no,
        )


class AppealBasisError(DecisionError):
    """What the level above wants to change has no ground to stand on."""

    code = "decisions.appeal_basis"

    def __init__(self, no: str, why: str) -> None:
        super().__init__(f"决定 {no}：{why}。", no=no, why=why)
