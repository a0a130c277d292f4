"""Errors of this room.

DocumentError
├── UnknownDocumentError   no form of that name
└── DocumentDataError      the data is not what the form takes
"""

from __future__ import annotations

from collections.abc import Sequence

from tuodi.kernel.errors import TuodiError

__all__ = ["DocumentDataError", "DocumentError", "UnknownDocumentError"]


class DocumentError(TuodiError):
    """Base of this room."""

    code = "documents"


class UnknownDocumentError(DocumentError):
    """No form of that name."""

    code = "documents.unknown"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"没有名为“{name}”的文书模板；现有：{'、'.join(known)}。", name=name)


class DocumentDataError(DocumentError):
    """Fields that are missing, unknown or of another shape. Values are not repeated: they may be personal data."""

    code = "documents.data"

    def __init__(self, name: str, faults: Sequence[tuple[str, str]]) -> None:
        lines = "；".join(f"{path}：{why}" for path, why in faults)
        super().__init__(f"文书“{name}”的数据有 {len(faults)} 处不对：{lines}。请改正后重新生成。", name=name)
        self.faults = tuple(faults)
