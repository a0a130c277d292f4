"""Column shapes this room shares."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func
from django.db.models.functions import Mod


def name_field(label: str, length: int = 60, **options: Any) -> models.CharField[str, str]:
    """Text compared by code point, so that an index answers equality and range prefixes under row-level security."""
    return models.CharField(label, max_length=length, db_collation="C", **options)


def cipher_field(label: str) -> models.BinaryField[bytes, bytes]:
    """Ciphertext of `crypto.fields`; null = not known."""
    return models.BinaryField(label, null=True, editable=False)


def index_field(label: str) -> models.BinaryField[bytes, bytes]:
    """Keyed index of `crypto.index` for equality; null = not known."""
    return models.BinaryField(label, null=True, editable=False, max_length=32)


class DateRange(Func):
    """`daterange(since, until)`, half-open; an empty end is open."""

    function = "daterange"


class IntRange(Func):
    """`int4range(start, end, '[]')` over months written yyyymm: ordered, and never added to."""

    function = "int4range"


def period(start: str = "since", end: str = "until") -> tuple[Func, str]:
    """The element of an exclusion constraint that refuses overlapping days."""
    return DateRange(F(start), F(end)), RangeOperators.OVERLAPS


def month_period(start: str = "start_month", end: str = "end_month") -> tuple[Func, str]:
    """The element of an exclusion constraint that refuses overlapping months (both ends included)."""
    return IntRange(F(start), F(end), models.Value("[]")), RangeOperators.OVERLAPS


def month_check(field: str) -> models.Q:
    """Months are yyyymm between 1949-01 and 2199-12 with a month part of 1 to 12."""
    return models.Q(**{f"{field}__gte": 194901, f"{field}__lte": 219912}) & models.Q(
        models.lookups.LessThanOrEqual(Mod(F(field), 100), 12), models.lookups.GreaterThanOrEqual(Mod(F(field), 100), 1)
    )
