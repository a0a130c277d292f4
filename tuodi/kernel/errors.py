"""The base of every error a user may read.

An error is a class that takes facts and builds one Chinese sentence: what is wrong, where, what to do.
The tree in this room:

    TuodiError
    ├── MoneyError            kernel.money
    ├── PeriodError           kernel.periods
    ├── InvalidIdError        kernel.identity
    ├── PlaceError            kernel.places
    │   └── UnknownPlaceError
    └── CalendarError         kernel.workdays
        └── UnknownYearError
"""

from __future__ import annotations

from typing import Any, ClassVar

__all__ = ["TuodiError"]


class TuodiError(Exception):
    """An error with a stable code, a Chinese sentence and the facts it was made from.

    Subclasses take facts in ``__init__``, build the sentence and pass both up. ``code`` is for machines and
    tests and never changes; the sentence may be reworded at any time.

    Args:
        message: One Chinese sentence: what is wrong, where, what to do. It must not hold a full ID number,
            phone or account; mask them first, because messages reach logs.
        fields: The facts, kept as given, for templates, reports and tests.
    """

    #: Stable machine name, ``room.reason``.
    code: ClassVar[str] = "tuodi"

    def __init__(self, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.message = message
        self.fields: dict[str, Any] = fields

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # Subclasses have their own signatures, so the default "call the class with args" cannot rebuild them
        # in another process (test workers, job runners).
        return _rebuild, (type(self), self.message, self.__dict__)


def _rebuild(cls: type[TuodiError], message: str, state: dict[str, Any]) -> TuodiError:
    error = cls.__new__(cls)
    Exception.__init__(error, message)
    error.__dict__.update(state)
    return error
