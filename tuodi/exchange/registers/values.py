"""Columns of text to typed columns. Whole columns at once; only what the common form does not fit is looked at closer.

Every function gives null for an empty cell and for one it cannot read; the caller tells the two apart.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import polars as pl

from tuodi.exchange.names import clean_name
from tuodi.exchange.registers.profiles import RegisterColumn
from tuodi.kernel.identity import InvalidIdError, body_key, parse_id

__all__ = ["TYPES", "names", "typed"]

#: The type of each kind of column at rest. Numbers and ratios are whole numbers of the last place.
TYPES: dict[str, pl.DataType] = {
    "text": pl.String(),
    "number": pl.Int64(),
    "money": pl.Int64(),
    "ratio": pl.Int64(),
    "date": pl.Date(),
    "month": pl.String(),
    "code": pl.String(),
    "bool": pl.Boolean(),
    "key": pl.Int64(),
}
_YES = {"是": True, "1": True, "Y": True, "y": True, "true": True, "有": True, "否": False, "0": False, "N": False, "n": False, "false": False, "无": False}  # fmt: skip
#: Excel counts days from here; five digits from 1910 to 2099 are such a number, nothing else in a register is.
_EPOCH = date(1899, 12, 30)
_SERIAL = (3653, 73050)


def typed(text: pl.Series, column: RegisterColumn) -> pl.Series:
    """A column of stripped text (empty = null) as its type."""
    if column.words:
        text = text.replace(column.words)
    match column.type:
        case "text":
            return text
        case "money":
            # 万元 with six decimals is exact to the fen, 元 with two, 分 with none.
            return _decimals(text, {"yuan": 2, "wan": 6, "fen": 0}[column.unit], wan=column.unit == "wan")
        case "number":
            return _decimals(text, column.places)
        case "ratio":
            return _ratio(text, column)
        case "date":
            return _each(text, _days, pl.Date())
        case "month":
            return _each(text, _months, pl.String())
        case "bool":
            words: dict[str, bool] = {**_YES, **{word: value == "true" for word, value in column.values.items()}}
            return text.replace_strict(words, default=None, return_dtype=pl.Boolean)
        case "key":
            return _keys(text)
    return _each(text, lambda some: _code(some, column), pl.String())


def _code(text: pl.Series, column: RegisterColumn) -> pl.Series:
    squeezed = text.str.replace_all(r"\s+", "")
    found = squeezed.replace_strict(column.values, default=None, return_dtype=pl.String)
    if column.other is not None:
        found = pl.select(pl.coalesce(found, pl.when(text.is_not_null()).then(pl.lit(column.other)))).to_series()
    return found


def _each(text: pl.Series, work: Callable[[pl.Series], pl.Series], dtype: pl.DataType) -> pl.Series:
    """`work` done once for each different value where a register has few of them, as of days and words."""
    different = text.unique()
    if len(different) * 4 >= len(text):
        return work(text)
    return text.replace_strict(different, work(different), default=None, return_dtype=dtype)


def names(text: pl.Series) -> pl.Series:
    """Names cleaned as `exchange.names` does; two to four Chinese characters are clean as they stand."""
    plain = text.str.contains(r"^[\x{4e00}-\x{9fff}]{2,4}$")
    return _rest(text, plain, lambda rest: pl.Series([_name(name) for name in rest], dtype=pl.String), text)


def _name(raw: str) -> str | None:
    return clean_name(raw).text or None


def _rest(text: pl.Series, done: pl.Series, work: Callable[[pl.Series], pl.Series], found: pl.Series) -> pl.Series:
    """`found` with the rows that are not done, and not empty, worked on by another way."""
    left = (~done.fill_null(False)) & text.is_not_null()
    at = left.arg_true()
    return found.scatter(at, work(text.gather(at))) if len(at) else found


def _decimals(text: pl.Series, places: int, *, wan: bool = False) -> pl.Series:
    """Whole numbers of the last place, exact: fifteen digits in all fit a float without loss."""
    decimals = rf"(\.[0-9]{{1,{places}}})?" if places else r"(\.0+)?"
    pattern = rf"^-?[0-9]{{1,{15 - places}}}{decimals}$"

    def read(some: pl.Series) -> pl.Series:
        fits = some.str.contains(pattern)
        number = pl.select(pl.when(fits).then(some)).to_series().cast(pl.Float64, strict=False)
        return (number * 10**places).round().cast(pl.Int64)

    def closer(some: pl.Series) -> pl.Series:
        bare = some.str.normalize("NFKC").str.replace_all(r"[\s,¥]", "").str.replace(r"(元|元/月)$", "")
        if wan:
            bare = bare.str.replace(r"万$", "")
        bare = bare.str.replace("^\u2212", "-").str.replace(r"^(-?[0-9]+\.[0-9]*?)0+$", "$1").str.replace(r"\.$", "")
        # A number without a digit before the point is a slip as often as a value.
        return read(bare)

    # Whole numbers first: a cast costs a fifth of the pattern. What it takes otherwise than the pattern goes by the pattern.
    whole = text.cast(pl.Int64, strict=False)
    most = pl.lit(15 - places, pl.UInt32) + (whole < 0).cast(pl.UInt32)
    plain = (text.str.len_bytes() <= pl.select(most).to_series()) & ~text.str.starts_with("+")
    found = pl.select(pl.when(plain).then(whole * 10**places)).to_series()
    found = _rest(text, found.is_not_null(), read, found)
    return _rest(text, found.is_not_null(), closer, found)


def _ratio(text: pl.Series, column: RegisterColumn) -> pl.Series:
    percent = column.percent
    places = column.places - 2 if percent else column.places
    bare = text.str.replace(r"\s*[%％]$", "") if percent else text  # noqa: RUF001 - the full-width sign is meant
    found = _decimals(bare, max(0, places))
    if percent:
        return found

    def shares(some: pl.Series) -> pl.Series:
        # 1/2 as land registries write it, and 50%.
        parts = pl.DataFrame({"t": some}).select(
            over=pl.col("t").str.extract(r"^([0-9]{1,6})/[0-9]{1,6}$").cast(pl.Int64, strict=False),
            under=pl.col("t").str.extract(r"^[0-9]{1,6}/([0-9]{1,6})$").cast(pl.Int64, strict=False),
        )
        shared = parts.select(
            pl.when(pl.col("under") > 0).then(
                (pl.col("over") * 10**places * 2 + pl.col("under")) // (pl.col("under") * 2)
            )
        ).to_series()
        hundredths = _decimals(some.str.extract(r"^(.*?)\s*[%％]$"), max(0, places - 2))  # noqa: RUF001
        return pl.select(pl.coalesce(shared, hundredths)).to_series()

    return _rest(text, found.is_not_null(), shares, found)


def _days(text: pl.Series) -> pl.Series:
    found = text.str.to_date("%Y-%m-%d", strict=False)

    def closer(some: pl.Series) -> pl.Series:
        frame = pl.DataFrame({"t": some.str.normalize("NFKC").str.strip_chars()})
        day = pl.col("t").str.extract_groups(
            r"^(?P<y>[0-9]{4})(?:[-/.年])(?P<m>[0-9]{1,2})(?:[-/.月])(?P<d>[0-9]{1,2})日?(?:[ T][0-9:.]+)?$"
        )
        compact = pl.col("t").str.extract_groups(r"^(?P<y>[0-9]{4})(?P<m>[0-9]{2})(?P<d>[0-9]{2})$")
        serial = pl.col("t").str.extract(r"^([0-9]{5})(?:\.0+)?$").cast(pl.Int64, strict=False)
        return frame.select(
            pl.coalesce(
                _day(day),
                _day(compact),
                pl.when(serial.is_between(*_SERIAL)).then(
                    pl.lit(_EPOCH) + pl.duration(days=pl.when(serial.is_between(*_SERIAL)).then(serial))
                ),
            )
        ).to_series()

    return _rest(text, found.is_not_null(), closer, found)


def _day(parts: pl.Expr) -> pl.Expr:
    fields = [parts.struct.field("y"), *(parts.struct.field(name).str.zfill(2) for name in ("m", "d"))]
    return pl.concat_str(fields, separator="-").str.to_date("%Y-%m-%d", strict=False)


def _months(text: pl.Series) -> pl.Series:
    bare = text.str.normalize("NFKC").str.strip_chars()
    frame = pl.DataFrame({"t": bare})
    year = pl.col("t").str.extract(r"^([12][0-9]{3})[-/.年]?[0-9]{1,2}月?$")
    month = pl.col("t").str.extract(r"^[12][0-9]{3}[-/.年]?([0-9]{1,2})月?$").str.zfill(2)
    month = pl.when(month.is_between(pl.lit("01"), pl.lit("12"))).then(month)
    found = frame.select(pl.concat_str(year, month, separator="-")).to_series()
    return _rest(text, found.is_not_null(), lambda some: _days(some).dt.strftime("%Y-%m"), found)


def _keys(text: pl.Series) -> pl.Series:
    return pl.Series([None if number is None else _key(number) for number in text], dtype=pl.Int64)


def _key(raw: str) -> int | None:
    try:
        number = parse_id(raw, on=date.max)
    except InvalidIdError:
        return None
    return body_key(number.text18) if number.check_ok else None
