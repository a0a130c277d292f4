"""Errors of reading outside files.

ExchangeError
├── FileRefusedError        the file as a whole: wrong kind, encrypted, macros, bomb, too large, broken
├── SheetChoiceError        several sheets: which one?
├── HeaderNotFoundError     no row looks like the header the profile wants
└── ProfileError            a fault in a profile file
"""

from __future__ import annotations

from collections.abc import Sequence

from tuodi.kernel.errors import TuodiError

__all__ = ["ExchangeError", "FileRefusedError", "HeaderNotFoundError", "ProfileError", "SheetChoiceError"]


class ExchangeError(TuodiError):
    """Base of this room's errors about files."""

    code = "exchange"


class FileRefusedError(ExchangeError):
    """The file is not read at all.

    Attributes:
        reason: ``empty``, ``too_large``, ``too_many_rows``, ``encrypted``, ``macros``, ``bomb``, ``entities``,
            ``broken``, ``html``, ``unknown``, ``encoding``, ``quotes`` or ``columns``.
    """

    code = "exchange.refused"

    def __init__(self, reason: str, what: str, remedy: str) -> None:
        self.reason = reason
        super().__init__(f"文件不能导入：{what}。{remedy}。", reason=reason)


class SheetChoiceError(ExchangeError):
    """The workbook has several sheets with content, or not the one asked for."""

    code = "exchange.sheet"

    def __init__(self, names: Sequence[str], asked: str | None = None) -> None:
        self.names = list(names)
        listed = "、".join(f"“{name}”" for name in names)
        first = f"工作簿中没有工作表“{asked}”" if asked else f"工作簿有 {len(names)} 张工作表"
        super().__init__(f"{first}。请指定要导入哪一张：{listed}。", names=self.names, asked=asked)


class HeaderNotFoundError(ExchangeError):
    """No row within the first lines holds the required columns."""

    code = "exchange.header"

    def __init__(self, missing: Sequence[str], row: int | None, seen: Sequence[str], searched: int) -> None:
        self.missing = list(missing)
        lacking = "、".join(f"“{label}”" for label in missing)
        where = f"最像表头的是第 {row} 行（{'、'.join(seen[:12])}）" if row else f"前 {searched} 行都不像表头"
        super().__init__(
            f"没有找到表头：缺少 {lacking} 列；{where}。请核对所选模板，或在表头中使用模板认识的列名。",
            missing=self.missing, row=row,
        )  # fmt: skip


class ProfileError(ExchangeError):
    """A profile (YAML under ``sources/``) is absent or wrong."""

    code = "exchange.profile"

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"导入模板“{name}”不能使用：{why}。", name=name)
