"""Identity numbers to integer keys, on whole columns; `key_of` is the same for one text.

The key is the 17-digit body as one int64, the same as `kernel.identity.body_key`. A number of digits alone, which is
nine rows of ten, costs one cast; those that end in X a second; only what is left (two or three rows of a hundred) is
cleaned as text. No row is looked at by Python.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import NamedTuple, TypeVar

import polars as pl

from tuodi.kernel.identity import InvalidIdError, body_key, parse_id

__all__ = [
    "CHECK_STATES",
    "STATE",
    "Keyed",
    "check_of",
    "key_of",
    "keyed",
    "plain_body",
    "spelt_body",
    "text_of",
    "with_key",
]

#: ok · converted15: from an old number, century put in · bad_check: the last character does not fit, match by hand ·
#: foreign: a permit of people from abroad, 香港, 澳门 or 台湾 · invalid: no usable number, the key is null.
CHECK_STATES = ("ok", "converted15", "bad_check", "foreign", "invalid")
STATE = pl.Enum(CHECK_STATES)

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
#: Remainder of the weighted sum -> last character, X written as 10.
_CHECK = (1, 0, 10, 9, 8, 7, 6, 5, 4, 3, 2)
_INVISIBLE = (
    "[\x00-\x08\x0e-\x1f\x7f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_APOSTROPHES = "'`\u2019\u2018\u2032"
_FIELDS = {"key": pl.Int64(), "check_state": STATE, "last": pl.UInt8()}


class Keyed(NamedTuple):
    """Attributes: key: 17 digits, None = no usable number. check_state: one of `CHECK_STATES`."""

    key: int | None
    check_state: str


def key_of(text: str | None, *, on: date | None = None) -> Keyed:
    """One number; the twin of `with_key`.

    Args:
        on: A birth after this day makes it invalid; None = any day of the calendar is taken.
    """
    try:
        number = parse_id(text, on=on or date.max)
    except InvalidIdError:
        return Keyed(None, "invalid")
    if not number.check_ok:
        state = "bad_check"
    elif number.kind == "permit":
        state = "foreign"
    else:
        state = "converted15" if "converted_15" in number.warnings else "ok"
    return Keyed(body_key(number.text18), state)


def with_key(frame: Frame, column: str = "id_raw", *, on: date | None = None) -> Frame:
    """Adds `key` (Int64, null = no usable number) and `check_state` to each row.

    Args:
        column: Text; null counts as no number.
        on: see `key_of`.
    """

    def both(raw: pl.Series) -> pl.Series:
        return keyed(raw, on=on).select("key", "check_state").to_struct(raw.name)

    fields = pl.Struct({"key": pl.Int64(), "check_state": STATE})
    found = pl.col(column).map_batches(both, return_dtype=fields, is_elementwise=True).alias("__keyed")
    return frame.with_columns(found).unnest("__keyed")


def keyed(raw: pl.Series, *, on: date | None = None) -> pl.DataFrame:
    """`key`, `check_state` and `last` (the 18th character as written, X = 10; null = not an 18-character number as it
    stands, so the text has to be kept) of each text, in order."""
    body, last, at, other = _read(raw)
    frame = pl.DataFrame({"body": body, "last": last})
    if other is None:
        return _judged(frame, on, None)
    old = at.filter(other["old"])
    out = _judged(frame, on, old)
    # Only cleaned rows can be of old numbers, or be written otherwise than their key prints.
    old = old.filter(out["check_state"].gather(old) == "ok")
    odd = at.filter(~other["as_is"])
    return out.with_columns(
        out["check_state"].to_physical().scatter(old, CHECK_STATES.index("converted15")).cat.to(STATE),
        out["last"].scatter(odd, [None] * len(odd)),
    )


def plain_body(number: pl.Expr) -> pl.Expr:
    """The key of a text of 17 digits and one more character, unless that character, the day or the end make it unusable; null for
    every other text. No more than a cast a row: whoever joins by it asks `spelt_body` about the nulls, `keyed` about what joins."""
    body = number.str.slice(0, 17).cast(pl.Int64, strict=False)
    return pl.when((number.str.len_bytes() == 18) & (body >= 10**16)).then(body)


def spelt_body(raw: pl.Series) -> pl.Series:
    """The same for texts that have to be cleaned first, old numbers among them; null = no number at all."""
    return _written(raw)["body"]


def _read(raw: pl.Series) -> tuple[pl.Series, pl.Series, pl.Series, pl.DataFrame | None]:
    """Body and last character of each text; where it was not digits alone, and what was found there (`_cleaned`)."""
    number = raw.cast(pl.Int64, strict=False)
    plain = ((number >= 10**17) & (raw.str.len_bytes() == 18)).fill_null(False)
    body, last = number // 10, (number % 10).cast(pl.UInt8)
    at = (~plain).arg_true()
    if not at.len():
        return body, last, at, None
    other = _cleaned(raw.gather(at))
    return body.scatter(at, other["body"]), last.scatter(at, other["last"]), at, other


def _cleaned(raw: pl.Series) -> pl.DataFrame:
    """Body, last character, whether it is an old number, whether it was clean: of numbers that are not all digits."""
    body = raw.str.head(17).cast(pl.Int64, strict=False)
    # Seventeen signs read as a number of seventeen digits are digits: a sign or a space would leave fewer.
    ends_x = ((raw.str.len_bytes() == 18) & raw.str.ends_with("X") & (body >= 10**16)).fill_null(False)
    at = (~ends_x).arg_true()
    slow = _spelt(raw.gather(at))
    return pl.DataFrame(
        {
            "body": body.scatter(at, slow["body"]),
            "last": pl.repeat(10, raw.len(), dtype=pl.UInt8, eager=True).scatter(at, slow["last"]),
            "old": pl.repeat(False, raw.len(), eager=True).scatter(at, slow["old"]),
            "as_is": ends_x,
        }
    )


def _spelt(raw: pl.Series) -> pl.DataFrame:
    """`body`, `last` and `old` of texts that have to be cleaned."""
    return _written(raw).select(
        "body",
        pl.when("old")
        .then(check_of(pl.col("body")))
        .when(pl.col("body").is_not_null())
        .then(pl.col("text").str.slice(17).replace("X", "10").cast(pl.UInt8, strict=False))
        .alias("last"),
        "old",
    )


def _written(raw: pl.Series) -> pl.DataFrame:
    """`text` as it should have been written, `body`, and whether it is an `old` number: each cleaned as little as it needs."""
    ascii_ = (raw.str.len_bytes() == raw.str.len_chars()).fill_null(True)
    at = (~ascii_).arg_true()
    # Plain characters need one pass: nothing in them is folded, and stripping uncovers nothing.
    text = raw.str.replace_all("[\x00-\x20\x7f]", "").str.strip_chars(_APOSTROPHES).str.replace("x", "X", literal=True)
    if at.len():
        text = text.scatter(at, _folded(raw.gather(at)))
    if text.str.contains(".", literal=True).any():
        text = text.str.replace(r"^([0-9]{15})\.0+$", "$1")
    frame = (
        text.alias("text")
        .to_frame()
        .with_columns(
            old=(pl.col("text").str.contains("^[0-9]{15}$") & ~pl.col("text").str.contains("99[6-9]$")).fill_null(
                False
            ),
            new=pl.col("text").str.contains("^[0-9]{17}[0-9X]$"),
        )
    )
    return frame.with_columns(
        body=pl.when("old")
        .then(pl.concat_str(pl.col("text").str.slice(0, 6), pl.lit("19"), pl.col("text").str.slice(6)))
        .when("new")
        .then(pl.col("text").str.slice(0, 17))
        .cast(pl.Int64, strict=False)
    )


def _folded(raw: pl.Series) -> pl.Series:
    """Texts with characters that are not plain. A second pass, as `kernel.identity` makes it, changes only what still has some."""
    once = raw.alias("text").to_frame().select(_clean(pl.col("text"))).to_series()
    left = (once.str.len_bytes() != once.str.len_chars()).arg_true()
    if not left.len():
        return once
    return once.scatter(left, once.gather(left).alias("text").to_frame().select(_clean(pl.col("text"))).to_series())


def _clean(text: pl.Expr) -> pl.Expr:
    return (
        text.str.replace_all(_INVISIBLE, "")
        .str.normalize("NFKC")
        .str.replace_all(r"\s+", "")
        .str.strip_chars(_APOSTROPHES)
        .str.replace_all("x", "X", literal=True)
    )


def _judged(frame: pl.DataFrame, on: date | None, old: pl.Series | None) -> pl.DataFrame:
    """Key and state of bodies: a day that does not exist, or three zeros at the end, make the number unusable.

    Args:
        old: where the last character was computed, so that zeros are no sign of a spreadsheet's damage.
    """
    body, last = frame["body"], frame["last"]
    day = (body // 1000) % 100_000_000
    real = _days().gather((day % 10_000).fill_null(0))
    leap = ((day % 10_000) == 229).fill_null(False)
    if leap.any():
        at = leap.arg_true()
        year = day.gather(at) // 10_000
        real = real.scatter(at, ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0))
    latest = on.year * 10_000 + on.month * 100 + on.day if on else 99_991_231
    usable = real & (day <= latest) & (day > 10_000)
    zeros = ((body % 100) == 0).fill_null(False)
    if zeros.any():
        at = zeros.arg_true()
        damaged = at.filter((last.gather(at) == 0).fill_null(False))
        if old is not None:
            damaged = damaged.filter(~damaged.is_in(old.implode()))
        usable = usable.scatter(damaged, False)
    usable = usable.fill_null(False)
    fits = _check(body) == last
    area = body // 10**11
    abroad = (area >= 900_000) | area.is_in([810_000, 820_000, 830_000])
    return pl.select(
        key=pl.when(usable).then(body),
        check_state=pl.when(~usable)
        .then(pl.lit(4, pl.UInt8))
        .when(~fits)
        .then(pl.lit(2, pl.UInt8))
        .when(abroad)
        .then(pl.lit(3, pl.UInt8))
        .otherwise(pl.lit(0, pl.UInt8))
        .cat.to(STATE),
        last=last,
    )


def check_of(key: pl.Expr) -> pl.Expr:
    """The 18th character that fits a key, 0 to 10 (10 is X); null for null."""
    return key.map_batches(_check, return_dtype=pl.UInt8, is_elementwise=True)


def text_of(key: pl.Expr, last: pl.Expr) -> pl.Expr:
    """The 18 characters of a key and its last character (10 is X)."""
    return pl.concat_str(
        key.cast(pl.String).str.zfill(17), pl.when(last == 10).then(pl.lit("X")).otherwise(last.cast(pl.String))
    )


def _check(body: pl.Series) -> pl.Series:
    """By three tables of remainders, of six, six and five digits: seventeen divisions a row would cost four times as much."""
    high, middle, low = _tables()
    known = body.fill_null(0)
    # Remainders are below 11, so their sum fits a byte.
    total = high.gather(known // 10**11) + middle.gather(known // 10**5 % 10**6) + low.gather(known % 10**5)
    found = _fitting().gather(total)
    return found if not body.null_count() else pl.select(pl.when(body.is_not_null()).then(found)).to_series()


@cache
def _tables() -> tuple[pl.Series, pl.Series, pl.Series]:
    def sums(first: int, digits: int) -> pl.Series:
        if digits > 3:  # every first half with every second
            halves = sums(first, 3).to_frame("a").join(sums(first + 3, digits - 3).to_frame("b"), how="cross")
            return halves.select((pl.col("a") + pl.col("b")) % 11).to_series()
        weights = _WEIGHTS[first : first + digits]
        texts = (str(n).zfill(digits) for n in range(10**digits))
        return pl.Series([sum(int(c) * w for c, w in zip(t, weights, strict=True)) % 11 for t in texts], dtype=pl.UInt8)

    return sums(0, 6), sums(6, 6), sums(12, 5)


@cache
def _fitting() -> pl.Series:
    return pl.Series([_CHECK[total % 11] for total in range(31)], dtype=pl.UInt8)


@cache
def _days() -> pl.Series:
    """Month and day as four digits -> whether it stands in a calendar (29 February does)."""
    lengths = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    return pl.Series([0 < n // 100 <= 12 and 0 < n % 100 <= lengths[n // 100 - 1] for n in range(10_000)])
