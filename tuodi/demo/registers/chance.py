"""Chance on columns without state: a number for each (row, purpose), the same whatever the order or size of the chunks.

A mixer of 64-bit integers (the finaliser of SplitMix64) over the row's own number and a hash of seed and purpose.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate

import polars as pl

__all__ = ["below", "days", "mixed", "picked", "weighted"]

_C1, _C2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
#: Weighted words are drawn from a table of so many places.
_PLACES = 10_000


def _constant(value: int) -> pl.Expr:
    return pl.lit(value, dtype=pl.UInt64)


def mixed(row: pl.Expr, seed: int, purpose: str) -> pl.Expr:
    """An unsigned 64-bit number for each row; multiplication wraps, on purpose."""
    start = int.from_bytes(blake2b(f"{seed}/{purpose}".encode(), digest_size=8).digest(), "big")
    x = row.cast(pl.UInt64) ^ _constant(start)
    x = (x ^ (x // _constant(1 << 30))) * _constant(_C1)
    x = (x ^ (x // _constant(1 << 27))) * _constant(_C2)
    return x ^ (x // _constant(1 << 31))


def below(row: pl.Expr, seed: int, purpose: str, bound: int) -> pl.Expr:
    """A whole number from 0 to ``bound`` − 1, as Int64."""
    return ((mixed(row, seed, purpose) // _constant(1 << 11)) % _constant(bound)).cast(pl.Int64)


def picked(row: pl.Expr, seed: int, purpose: str, words: Sequence[str]) -> pl.Expr:
    """One of ``words``, all alike."""
    return pl.lit(pl.Series(list(words), dtype=pl.String)).gather(below(row, seed, purpose, len(words)))


def weighted(row: pl.Expr, seed: int, purpose: str, words: Sequence[tuple[str, float]]) -> pl.Expr:
    """One of ``words`` by weight, to a ten-thousandth."""
    total = sum(weight for _, weight in words)
    ends = [round(end / total * _PLACES) for end in accumulate(weight for _, weight in words)]
    table: list[str] = []
    for (word, _), end in zip(words, ends, strict=True):
        table += [word] * (end - len(table))
    return picked(row, seed, purpose, table)


def days(row: pl.Expr, seed: int, purpose: str, first: pl.Expr, count: int) -> pl.Expr:
    """A day from ``first`` on, at most ``count`` − 1 later."""
    return first + pl.duration(days=below(row, seed, purpose, count))
