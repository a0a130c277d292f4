"""Errors of monitoring.

TuodiError
└── MonitoringError
    ├── ClueStateError          a state that does not follow, or somebody was faster
    ├── ClueInputError          an argument that cannot be (400)
    ├── ClueLevelError          another level's work (403)
    ├── ClueHandsError          the same person twice (403)
    ├── ClueKinError            a clue about one's own family or kin (403)
    ├── NotResponsibleError     somebody else answers for the clue (403)
    ├── EvidenceMissingError    required evidence is not there yet; it is named
    ├── ExtendedError           undetermined a second time
    ├── NoSuspensionError       the clue's treatment knows no suspension
    ├── SuspendFirstError       to be suspended before it is handled
    ├── StillSuspendedError     payment is still held for it
    ├── DeterminationNeededError  a stop or decrease without a determination
    └── WatchEndedError         a watch that has ended
"""

from __future__ import annotations

from collections.abc import Sequence

from tuodi.kernel.errors import TuodiError

__all__ = [
    "ClueHandsError",
    "ClueInputError",
    "ClueKinError",
    "ClueLevelError",
    "ClueStateError",
    "DeterminationNeededError",
    "EvidenceMissingError",
    "ExtendedError",
    "MonitoringError",
    "NoSuspensionError",
    "NotResponsibleError",
    "StillSuspendedError",
    "SuspendFirstError",
    "WatchEndedError",
]


class MonitoringError(TuodiError):
    """Base of this room's errors. `status` is the HTTP status a page answers with."""

    code = "monitoring"
    status = 409


class ClueStateError(MonitoringError):
    """The present state does not allow it."""

    code = "monitoring.clue_state"

    def __init__(self, no: str, before: str, wanted: str) -> None:
        super().__init__(
            f"线索 {no} 现在是“{before}”，不能办理“{wanted}”。可能已有人办理，请刷新后再看。", no=no, before=before
        )


class ClueInputError(MonitoringError):
    """An argument that cannot be."""

    code = "monitoring.clue_input"
    status = 400

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}{problem}", field=field)


class ClueLevelError(MonitoringError):
    """Verdicts and what follows are the county's."""

    code = "monitoring.clue_level"
    status = 403
    logged = True

    def __init__(self, no: str, what: str, held: str) -> None:
        super().__init__(f"线索 {no} 的“{what}”应由县级办理，您的机构是{held}。请转交县级经办人。", no=no, what=what)


class ClueHandsError(MonitoringError):
    """Two steps that one person may not do."""

    code = "monitoring.clue_hands"
    status = 403
    logged = True

    def __init__(self, no: str, did: str, what: str) -> None:
        super().__init__(f"线索 {no} 由您{did}，不能再由您{what}。请由另一人办理。", no=no, what=what)


class ClueKinError(MonitoringError):
    """Nobody looks into his own family or his kin's."""

    code = "monitoring.clue_kin"
    status = 403
    logged = True

    def __init__(self, no: str) -> None:
        super().__init__(f"线索 {no} 涉及您本人或近亲属的家庭，按回避规定不能由您办理。请改派他人。", no=no)


class NotResponsibleError(MonitoringError):
    """The responsible person looks into it, nobody else."""

    code = "monitoring.clue_responsible"
    status = 403

    def __init__(self, no: str, name: str) -> None:
        super().__init__(f"线索 {no} 的责任人是{name or '（未派发）'}。请由责任人办理，或先改派。", no=no)


class EvidenceMissingError(MonitoringError):
    """Evidence the rule asks for is not on file."""

    code = "monitoring.clue_evidence"

    def __init__(self, no: str, missing: Sequence[str]) -> None:
        super().__init__(
            f"线索 {no} 还缺少证据：{'、'.join(missing)}。请先补充后再下结论。", no=no, missing=list(missing)
        )


class ExtendedError(MonitoringError):
    """The limit is extended once."""

    code = "monitoring.clue_extended"

    def __init__(self, no: str) -> None:
        super().__init__(f"线索 {no} 已经延期过一次，不能再延期。请在期限内提出查实或查否的意见。", no=no)


class NoSuspensionError(MonitoringError):
    """Its treatment on confirmation is another one."""

    code = "monitoring.clue_no_suspension"

    def __init__(self, no: str, treatment: str) -> None:
        super().__init__(f"线索 {no} 查实后按规定应“{treatment}”，不停保。请直接办理处理。", no=no)


class SuspendFirstError(MonitoringError):
    """先停保、再处理."""

    code = "monitoring.clue_suspend_first"

    def __init__(self, no: str) -> None:
        super().__init__(f"线索 {no} 查实后应先停保、再处理。请先作出停保决定并送达告知书。", no=no)


class StillSuspendedError(MonitoringError):
    """The held money has no end yet."""

    code = "monitoring.clue_still_suspended"

    def __init__(self, no: str, notice_no: str) -> None:
        super().__init__(
            f"线索 {no} 的停保（{notice_no}）还没有了结。请先作出停发、减发决定，或说明后保留。",
            no=no,
            notice_no=notice_no,
        )


class DeterminationNeededError(MonitoringError):
    """A roll is changed by a determination alone."""

    code = "monitoring.clue_determination"

    def __init__(self, no: str, action: str, why: str) -> None:
        super().__init__(
            f"线索 {no} 的“{action}”{why}。请由他人把核实的事实录入并定稿为事实表，再凭事实表或已有的决定书号办理。",
            no=no,
            action=action,
        )


class WatchEndedError(MonitoringError):
    """It ended before."""

    code = "monitoring.watch_ended"

    def __init__(self) -> None:
        super().__init__("这个家庭的关注已经结束，不能再登记。请刷新后再看。")
