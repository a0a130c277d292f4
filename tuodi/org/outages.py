"""Faults of the machine and not of what somebody did: told apart, so that a page can say what to do and when to try again.

PostgreSQL's codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError

__all__ = ["AWAY", "BROKEN", "CLASHED", "CROWDED", "FULL", "LOCKED", "SLOW", "Outage", "outage_of"]


@dataclass(frozen=True)
class Outage:
    """What is wrong now.

    Attributes:
        code: for machines and tests.
        title: one short line.
        sentence: what happened and what to do; that nothing was kept is said by whoever knows it.
        seconds: after how long trying again makes sense.
    """

    code: str
    title: str
    sentence: str
    seconds: int


AWAY = Outage("away", "系统正在恢复", "暂时连不上数据库：它正在重启，或者同时使用的人太多。请过半分钟再试。", 30)
CROWDED = Outage("crowded", "使用的人太多", "同时使用的人太多，数据库的连接已用完。请过半分钟再试。", 30)
LOCKED = Outage(
    "locked",
    "正被占用",
    "要用的记录正被另一项操作占用，等了几秒没有空出来。请过十秒再试；一直如此，请告诉系统管理员。",
    10,
)
SLOW = Outage("slow", "用时过长", "这一步超过了时限，已经停下。请缩小范围（地区、月份、条件）后再试，或换个时间。", 30)
CLASHED = Outage("clashed", "与另一项操作相撞", "另一项操作同时改动了同样的记录。请再试一次。", 5)
FULL = Outage(
    "full", "存储空间已满", "服务器的存储空间已满，现在只能查看，不能保存。请告诉系统管理员清理或扩充空间后再试。", 300
)
BROKEN = Outage("broken", "存储出了故障", "服务器的存储读写出错，不能保存。请立即告诉系统管理员。", 300)

_STATES = {
    "53300": CROWDED,
    "53100": FULL,
    "58030": BROKEN,
    "25006": BROKEN,  # read-only: a standby, or a disk that was mounted again without writing
    "55P03": LOCKED,
    "57014": SLOW,
    "40001": CLASHED,
    "40P01": CLASHED,
}
_NUMBERS = {
    errno.ENOSPC: FULL, errno.EDQUOT: FULL, errno.EIO: BROKEN, errno.EROFS: BROKEN,
}  # fmt: skip


def outage_of(error: BaseException | None) -> Outage | None:
    """Which outage an error comes from; None for anything else, which is a fault of the program."""
    for one in _causes(error):
        state = getattr(one, "sqlstate", None)
        if state in _STATES:
            return _STATES[state]
        if isinstance(one, OSError) and one.errno in _NUMBERS:
            return _NUMBERS[one.errno]
    if any(isinstance(one, OperationalError | InterfaceError) for one in _causes(error)):
        return AWAY
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it was raised from; what was merely being handled meanwhile is another matter."""
    for _ in range(8):
        if error is None:
            return
        yield error
        error = error.__cause__
