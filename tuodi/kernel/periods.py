"""Months as values: the unit in which assistance is granted, computed and paid."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import overload

from tuodi.kernel.errors import TuodiError

__all__ = ["Month", "PeriodError"]

_MONTH = re.compile(r"(\d{4})-?(\d{2})")


class PeriodError(TuodiError):
    """A text or number that names no month."""

    code = "kernel.period"

    def __init__(self, raw: object) -> None:
        super().__init__(f"“{raw}”不是月份。请写成 2017-04 或 201704，月份在 01 到 12 之间。", raw=raw)


@dataclass(frozen=True, order=True, slots=True)
class Month:
    """One calendar month. Ordered, hashable, counted with ``+``, ``-`` and ``no``.

    Raises:
        PeriodError: The year is outside 1…9999 or the month outside 1…12.
    """

    year: int
    month: int

    def __post_init__(self) -> None:
        if not (1 <= self.month <= 12 and 1 <= self.year <= 9999):
            raise PeriodError(f"{self.year}-{self.month}")

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read ``2017-04`` or ``201704``; anything else is a PeriodError."""
        match = _MONTH.fullmatch(text.strip()) if text.isascii() else None
        if match is None:
            raise PeriodError(text)
        try:
            return cls(int(match[1]), int(match[2]))
        except PeriodError:
            raise PeriodError(text) from None

    @classmethod
    def of(cls, day: date) -> Month:
        """The month a day lies in."""
        return cls(day.year, day.month)

    @classmethod
    def from_no(cls, no: int) -> Month:
        """The month with this running number (see ``no``)."""
        year, month = divmod(no - 1, 12)
        return cls(year, month + 1)

    @property
    def no(self) -> int:
        """Running number ``year * 12 + month``: differences are months."""
        return self.year * 12 + self.month

    @property
    def yyyymm(self) -> int:
        """201704, as columns and file names hold it."""
        return self.year * 100 + self.month

    @property
    def first_day(self) -> date:
        """The 1st."""
        return date(self.year, self.month, 1)

    @property
    def last_day(self) -> date:
        """The 28th, 29th, 30th or 31st."""
        return date(self.year, self.month, monthrange(self.year, self.month)[1])

    def next(self) -> Month:
        """The month after."""
        return self + 1

    def prev(self) -> Month:
        """The month before."""
        return self - 1

    def __add__(self, months: int) -> Month:
        return Month.from_no(self.no + months)

    @overload
    def __sub__(self, other: Month) -> int: ...
    @overload
    def __sub__(self, other: int) -> Month: ...
    def __sub__(self, other: Month | int) -> int | Month:
        if isinstance(other, Month):
            return self.no - other.no
        return Month.from_no(self.no - other)

    def __contains__(self, day: date) -> bool:
        return day.year == self.year and day.month == self.month

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def label(self) -> str:
        """2017年4月, as people read it."""
        return f"{self.year}年{self.month}月"
