"""The other people of the prefecture: not on the roll, yet in every register. None of them exists.

Numbers carry the area code 420899, which no place has. A stranger is only an index: name and number follow from it, so
that he is the same person in every register and nothing is kept.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from tuodi.demo.generator import names
from tuodi.demo.registers.chance import below, picked, weighted

__all__ = ["POPULATION", "check_characters", "strangers"]

#: How many there are to be drawn from.
POPULATION = 1_900_000

_FIRST, _DAYS = date(1935, 1, 1), 24_106
#: Sequences 001 to 899 whose last two digits are not 00: with a check of 0 they would end like spreadsheet damage.
_SEQUENCES = 9 * 99
_SPACE = _DAYS * _SEQUENCES
#: Coprime to the space: index -> number is one to one.
_STEP = 2_654_435_761
_AREA = 420899
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def check_characters(body: pl.Expr) -> pl.Expr:
    """The 18th character for bodies of 17 digits as Int64 (ISO 7064 MOD 11-2)."""
    total = pl.lit(0, dtype=pl.Int64)
    for at, weight in enumerate(reversed(_WEIGHTS)):
        total = total + (body // 10**at) % 10 * weight
    return pl.lit(pl.Series(list("10X98765432"))).gather(total % 11)


def strangers(index: pl.Expr, seed: int) -> list[pl.Expr]:
    """``id_no``, ``name``, ``born`` (date) and ``male`` for each index below ``POPULATION``."""
    place = (index.cast(pl.Int64) * _STEP) % _SPACE
    day = place // _SEQUENCES
    sequence = place % _SEQUENCES
    number = sequence // 99 * 100 + sequence % 99 + 1
    born = pl.lit(_FIRST) + pl.duration(days=day)
    ymd = born.dt.year().cast(pl.Int64) * 10_000 + born.dt.month().cast(pl.Int64) * 100 + born.dt.day().cast(pl.Int64)
    body = pl.lit(_AREA, dtype=pl.Int64) * 10**11 + ymd * 1000 + number
    male = number % 2 == 1
    old = born.dt.year() < 1975
    pools = {
        (True, True): names.MALE_OLD,
        (True, False): names.FEMALE_OLD,
        (False, True): names.MALE_NEW,
        (False, False): names.FEMALE_NEW,
    }

    def character(purpose: str) -> pl.Expr:
        out = pl.lit("")
        for (is_old, is_male), pool in pools.items():
            out = (
                pl.when((old == is_old) & (male == is_male))
                .then(picked(index, seed, purpose, list(pool)))
                .otherwise(out)
            )
        return out

    rare = below(index, seed, "rare", 1500) == 0
    first = pl.when(rare).then(picked(index, seed, "rare-which", list(names.RARE))).otherwise(character("given-1"))
    second = pl.when(below(index, seed, "single", 100) < 22).then(pl.lit("")).otherwise(character("given-2"))
    dotted = below(index, seed, "dotted", 1800) == 0
    name = (
        pl.when(dotted)
        .then(picked(index, seed, "dotted-which", names.MINORITY))
        .otherwise(weighted(index, seed, "surname", names.SURNAMES) + first + second)
    )
    return [
        (body.cast(pl.String) + check_characters(body)).alias("id_no"),
        name.alias("name"),
        born.alias("born"),
        male.alias("male"),
    ]
