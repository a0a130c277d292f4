"""What several forms read in the same way; mixed in, so that each form keeps its own fields and their order."""

from __future__ import annotations

from typing import Any

from django.forms import CharField, ValidationError

from tuodi.kernel.periods import Month, PeriodError
from tuodi.kernel.places import PlaceError, trim
from tuodi.web.components.pages import this_month

__all__ = ["MonthField", "MonthOrNow", "PlaceOrOwn"]


class MonthField(CharField):
    """A month; None where it may be left empty."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=7, **options)

    def clean(self, value: Any) -> Month | None:
        """Raises ValidationError with what was typed."""
        text = super().clean(value)
        try:
            return Month.parse(text) if text else None
        except PeriodError as error:
            raise ValidationError(str(error)) from error


class PlaceOrOwn:
    """A form with a field `place` that may be left empty: the reader's own place then."""

    cleaned_data: dict[str, Any]

    def clean_place(self) -> str:
        """A significant prefix, or empty."""
        text = self.cleaned_data["place"].strip()
        try:
            return trim(text) if text else ""
        except PlaceError as error:
            raise ValidationError(str(error)) from error


class MonthOrNow:
    """A form with a field `month` that may be left empty: the present month then."""

    cleaned_data: dict[str, Any]

    def clean_month(self) -> Month:
        """A month."""
        text = self.cleaned_data["month"].strip()
        try:
            return Month.parse(text) if text else this_month()
        except PeriodError as error:
            raise ValidationError(str(error)) from error
