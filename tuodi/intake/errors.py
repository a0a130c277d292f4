"""Errors of intake.

TuodiError
└── IntakeError
    ├── AlreadyOnRollError       a member is on the roll of this programme, or of one it excludes
    ├── AlreadyApplyingError     a member's application is running
    ├── ApplicationInputError    a field that is missing or wrong
    ├── MandateMissingError      an agent without a mandate
    ├── DiscoveryInputError      a field of a patrol or report that is missing or wrong
    ├── NeedInputError           a field of a need or a ticket that is missing or wrong
    ├── NeedStateError           a need, referral or ticket that is at another step
    ├── NotYourNeedError         another officer answers for it (403)
    ├── RosterStateError         a roster's import is at another step
    └── RosterPlaceError         nothing says which county a roster is of
"""

from __future__ import annotations

from tuodi.kernel.errors import TuodiError

__all__ = [
    "AlreadyApplyingError",
    "AlreadyOnRollError",
    "ApplicationInputError",
    "DiscoveryInputError",
    "IntakeError",
    "MandateMissingError",
    "NeedInputError",
    "NeedStateError",
    "NotYourNeedError",
    "RosterPlaceError",
    "RosterStateError",
]


class IntakeError(TuodiError):
    """Base of this room's errors. `status` is the HTTP status a page answers with."""

    code = "intake"
    status = 409


class AlreadyOnRollError(IntakeError):
    """Somebody in the family is assisted already. `way` says what to do instead."""

    code = "intake.already_on_roll"

    def __init__(self, name: str, programme: str, household_no: str, *, same: bool) -> None:
        way = (
            "家庭情况有变化的，请办理“变更”，不用重新申请"
            if same
            else f"请先在家庭 {household_no} 办理该成员的迁出或停保，再受理本申请"
        )
        super().__init__(
            f"成员 {name} 已在家庭 {household_no} 享受“{programme}”，不能重复受理。{way}。",
            name=name,
            programme=programme,
            household_no=household_no,
            way=way,
        )


class AlreadyApplyingError(IntakeError):
    """Somebody in the family is in another running application."""

    code = "intake.already_applying"

    def __init__(self, name: str, case_no: str, *, same: bool) -> None:
        way = "请在原案件中继续办理" if same else "请先核实其属于哪个家庭，原案件不成立的先终止"
        super().__init__(
            f"成员 {name} 已在案件 {case_no} 中申请同一项目，正在办理。{way}。", name=name, case_no=case_no, way=way
        )


class ApplicationInputError(IntakeError):
    """A field that is missing or wrong."""

    code = "intake.input"
    status = 400

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}{problem}", field=field, problem=problem)


class DiscoveryInputError(IntakeError):
    """A field of a patrol, a report or a row of the at-risk list that is missing or wrong."""

    code = "intake.discovery_input"
    status = 400

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}{problem}", field=field, problem=problem)


class MandateMissingError(IntakeError):
    """An agent needs a mandate ([57] art 6)."""

    code = "intake.mandate"
    status = 400

    def __init__(self, agent: str) -> None:
        super().__init__(f"代办人 {agent} 没有提交委托书，不能受理。请补交委托书，或由申请人本人申请。", agent=agent)


class NeedInputError(IntakeError):
    """A field of a need, a referral or a ticket that is missing or wrong."""

    code = "intake.need_input"
    status = 400

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}{problem}", field=field, problem=problem)


class NeedStateError(IntakeError):
    """A need, a referral or a ticket that is at another step. `way` says what can be done."""

    code = "intake.need_state"

    def __init__(self, what: str, state: str, way: str) -> None:
        super().__init__(f"{what}现在是“{state}”。{way}", what=what, state=state, way=way)


class NotYourNeedError(IntakeError):
    """Only the first-contact officer and his stand-in answer for a need."""

    code = "intake.not_your_need"
    status = 403

    def __init__(self, no: str, officer: str) -> None:
        super().__init__(
            f"{no} 的首问责任人是 {officer}，由其本人或 AB 岗办理。需要接手的，请由首问责任人先移交。",
            no=no,
            officer=officer,
        )


class RosterStateError(IntakeError):
    """The step does not fit where the import stands."""

    code = "intake.roster_state"

    def __init__(self, state: str, wanted: list[str]) -> None:
        super().__init__(
            f"本次导入现为“{state}”，只有“{'、'.join(wanted)}”时才能这样办理。请刷新后重试。",
            state=state,
            wanted=wanted,
        )


class RosterPlaceError(IntakeError):
    """Neither title nor file name names a county, and none was chosen."""

    code = "intake.roster_place"
    status = 400

    def __init__(self, name: str) -> None:
        super().__init__(f"不知道“{name[:60]}”是哪个区县的花名册：标题和文件名都没有写。请选择区县后重试。", name=name)
