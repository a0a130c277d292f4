"""Errors of sweeps, warnings, the third-party check and the hand-over.

MonitoringError
└── WatchError
    ├── WatchInputError     an argument that cannot be
    ├── WatchStateError     a state that does not follow
    ├── SecondPersonError        one person may not do both (403)
    ├── SweepRunningError        another sweep of an overlapping place is not finished
    ├── NoBatchError             no register batch can be compared
    └── HandOverError            the file cannot be fetched
"""

from __future__ import annotations

from tuodi.monitoring.errors import MonitoringError

__all__ = [
    "HandOverError",
    "NoBatchError",
    "SecondPersonError",
    "SweepRunningError",
    "WatchError",
    "WatchInputError",
    "WatchStateError",
]


class WatchError(MonitoringError):
    """Base of these errors. `status` is the HTTP status a page answers with."""

    code = "monitoring.watch"
    status = 409


class WatchInputError(WatchError):
    """An argument that cannot be."""

    code = "monitoring.input"
    status = 400

    def __init__(self, field: str, wrong: str) -> None:
        super().__init__(f"{field}：{wrong}。请改正后再提交。", field=field)


class WatchStateError(WatchError):
    """The present state does not allow it."""

    code = "monitoring.state"

    def __init__(self, what: str, state: str, wanted: str) -> None:
        super().__init__(f"{what}现在是“{state}”，不能{wanted}。可能已有人办理，请刷新后再看。", state=state)


class SecondPersonError(WatchError):
    """Two steps that must be two people's."""

    code = "monitoring.second_person"
    status = 403

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{second}不能由{first}的同一人办理。请交给另一人。", first=first, second=second)


class SweepRunningError(WatchError):
    """A place is swept once at a time."""

    code = "monitoring.sweep_running"

    def __init__(self, number: str, state: str) -> None:
        super().__init__(
            f"此范围已有一次比对 {number} 在进行（{state}）。请等它完成后再发起；它若已中断，系统会自动从头继续。",
            number=number,
        )


class NoBatchError(WatchError):
    """Nothing to compare with."""

    code = "monitoring.no_batch"

    def __init__(self, why: str) -> None:
        super().__init__(f"没有可比对的登记数据：{why}。请先导入数据批次，再发起比对。")


class HandOverError(WatchError):
    """A hand-over file that may not or cannot be fetched."""

    code = "monitoring.hand_over"
    status = 403

    def __init__(self, number: str, why: str, what: str = "数据移交") -> None:
        super().__init__(f"{what} {number} 不能下载：{why}。", number=number)
