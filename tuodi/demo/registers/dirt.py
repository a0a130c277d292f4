"""How numbers and names are written in real registers: the oddities of every importer's life, by row and by chance.

Harmless ones fall on anybody: the row must still be found. Damaging ones fall on strangers alone; what they hit is counted.
"""

from __future__ import annotations

import polars as pl

from tuodi.demo.registers.chance import below
from tuodi.demo.registers.strangers import check_characters

__all__ = ["DAMAGED", "HARMLESS", "NAMES", "spoiled"]

#: In ten thousand rows, so many carry each.
_EACH = 35
_DAMAGE_EACH = 5
_ID = pl.col("id_no")
_BODY15 = _ID.str.slice(0, 6) + _ID.str.slice(8, 9)
_WIDE = [chr(0xFF10 + digit) for digit in range(10)] + ["Ｘ"]

#: Oddity -> how the number is written. Cleaned away by a careful importer.
HARMLESS: dict[str, pl.Expr] = {
    "lower_x": _ID.str.to_lowercase(),
    "fullwidth": _ID.str.replace_many(list("0123456789X"), _WIDE),
    "spaces": _ID.str.slice(0, 6) + " " + _ID.str.slice(6, 8) + " " + _ID.str.slice(14),
    "wide_space": pl.lit("\u3000") + _ID,
    "nbsp": _ID + "\u00a0",
    "apostrophe": pl.lit("'") + _ID,
    "zero_width": _ID.str.slice(0, 6) + "\u200b" + _ID.str.slice(6),
    "bom": pl.lit("\ufeff") + _ID,
    "id_15": _BODY15,
}
#: Oddity -> a number that cannot be used and must not be guessed.
DAMAGED: dict[str, pl.Expr] = {
    "scientific": _ID.str.slice(0, 1) + "." + _ID.str.slice(1, 5) + "E+17",
    "zeros": _ID.str.slice(0, 15) + "000",
    "empty": pl.lit(""),
    "short": _ID.str.slice(0, 16),
    "letters": _ID.str.slice(0, 10) + "OO" + _ID.str.slice(12),
    "impossible_date": _ID.str.slice(0, 10) + "0230" + _ID.str.slice(14),
    "future": _ID.str.slice(0, 6) + "2091" + _ID.str.slice(10),
    "century_15": _ID.str.slice(0, 6) + _ID.str.slice(8, 6) + "997",
    "wrong_check": _ID.str.slice(0, 17) + pl.when(_ID.str.ends_with("1")).then(pl.lit("2")).otherwise(pl.lit("1")),
}
#: How names are written: padded, with other dots, with a private-use character for 䶮.
NAMES = ("name_space", "name_dot", "name_private")


def _right_check(written: pl.Expr) -> pl.Expr:
    """The same text with the check character that its first 17 digits ask for."""
    body = written.str.slice(0, 17)
    return body + check_characters(body.cast(pl.Int64, strict=False))


def spoiled(seed: int) -> list[pl.Expr]:
    """``id_text``, ``name_text`` and ``oddity``, ``name_oddity`` (names of what was done, or null).

    Needs ``i``, ``id_no``, ``name`` and ``planted`` (null for strangers).
    """
    row = pl.col("i")
    draw = below(row, seed, "oddity", 10_000)
    which = below(row, seed, "which", len(HARMLESS))
    damage = below(row, seed, "damage", len(DAMAGED))
    stranger = pl.col("planted").is_null()
    old = _ID.str.slice(6, 2) == "19"
    text, oddity = _ID, pl.lit(None, dtype=pl.String)
    for at, (name, written) in enumerate(HARMLESS.items()):
        fits = (draw < _EACH * len(HARMLESS)) & (which == at)
        if name == "lower_x":
            fits = fits & _ID.str.ends_with("X")
        if name == "id_15":
            # Fifteen digits have no check character, so a wrong one would be lost with it.
            fits = fits & old & (pl.col("planted").fill_null("") != "bad_check")
        text = pl.when(fits).then(written).otherwise(text)
        oddity = pl.when(fits).then(pl.lit(name)).otherwise(oddity)
    for at, (name, written) in enumerate(DAMAGED.items()):
        fits = stranger & (draw >= 10_000 - _DAMAGE_EACH * len(DAMAGED)) & (damage == at)
        if name in ("impossible_date", "future"):
            written = _right_check(written)
        text = pl.when(fits).then(written).otherwise(text)
        oddity = pl.when(fits).then(pl.lit(name)).otherwise(oddity)
    name = pl.col("name")
    dotted = name.str.contains("·", literal=True)
    private = name.str.contains("䶮", literal=True) & (below(row, seed, "private", 2) == 0)
    padded = (name.str.len_chars() == 2) & (below(row, seed, "padded", 60) == 0)
    dot = pl.lit(pl.Series(["•", "・", "\uff0e", "·"])).gather(below(row, seed, "dot", 4))
    changed = (
        pl.when(dotted)
        .then(name.str.split("·").list.first() + dot + name.str.split("·").list.last())
        .when(private)
        .then(name.str.replace_all("䶮", "\ue863", literal=True))
        .when(padded)
        .then(name.str.slice(0, 1) + "\u3000" + name.str.slice(1))
        .otherwise(name)
    )
    return [
        text.alias("id_text"),
        oddity.alias("oddity"),
        changed.alias("name_text"),
        pl.when(dotted & (changed != name))
        .then(pl.lit("name_dot"))
        .when(private)
        .then(pl.lit("name_private"))
        .when(padded)
        .then(pl.lit("name_space"))
        .alias("name_oddity"),
    ]
