"""Errors of the audit room.

TuodiError
└── AuditError
    ├── AppendOnlyError          something tried to change an audit row through the models
    ├── RequestConflictError     one request key, two different contents
    └── AnchorError              the file of anchors cannot be read
"""

from __future__ import annotations

from tuodi.kernel.errors import TuodiError


class AuditError(TuodiError):
    """Base of this room's errors."""

    code = "audit"
    status = 400


class AppendOnlyError(AuditError):
    """Audit rows are written by `record` alone."""

    code = "audit.append_only"
    status = 403

    def __init__(self) -> None:
        super().__init__("审计记录只可追加，不能修改或删除。")


class RequestConflictError(AuditError):
    """The same key came with other content: a client's mistake, never repeated silently."""

    code = "audit.request_conflict"
    status = 409

    def __init__(self, key: str) -> None:
        super().__init__(f"请求编号 {key} 已用于另一内容的请求。请刷新页面后重新提交。", key=key)


class AnchorError(AuditError):
    """The anchor file, or a line of it (None = the file as a whole), cannot be read or written."""

    code = "audit.anchor"

    def __init__(self, path: str, line: int | None) -> None:
        where = (
            f"第 {line} 行无法读取。请用备份核对该文件" if line else "读不了或写不进。请核对路径、权限和文件是否为文字"
        )
        super().__init__(f"锚定文件 {path} {where}。", path=path, line=line)
