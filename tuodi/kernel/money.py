"""Money: whole fen as ``int``; yuan text only at the edge. No floats anywhere."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import TypeAlias

from tuodi.kernel.errors import TuodiError

__all__ = ["MAX_FEN", "Fen", "MoneyError", "format_yuan", "parse_yuan", "split_exact"]

#: Whole fen (1/100 yuan). Negative means money that comes back.
Fen: TypeAlias = int

#: The largest amount a bigint column and the columnar engines can hold.
MAX_FEN = 2**63 - 1

# Thousands separators are either absent or exactly every three digits: "1,23" is a typing slip, not 123.
_YUAN = re.compile(r"([+-]?)(\d+|\d{1,3}(?:,\d{3})+)(?:\.(\d*))?")


class MoneyError(TuodiError):
    """A text or number that is no amount in yuan with at most two decimals."""

    code = "kernel.money"

    def __init__(self, raw: object, why: str) -> None:
        super().__init__(
            f"金额“{raw}”不能识别：{why}。请填写以元为单位的数字，最多两位小数，例如 575 或 1,234.50。",
            raw=raw,
            why=why,
        )


def parse_yuan(text: str | Decimal | int) -> Fen:
    """Turn an amount in yuan into whole fen, exactly or not at all.

    Args:
        text: Yuan. Text may carry full-width digits, spaces around it, ``¥`` before or ``元`` after it and
            thousands separators; a whole number means yuan, not fen.

    Returns:
        Fen. ``parse_yuan("575.5") == 57550``.

    Raises:
        MoneyError: Not a number, a float, more than two decimals, or too large for 64 bits.
    """
    if isinstance(text, bool) or not isinstance(text, str | Decimal | int):
        raise MoneyError(text, "小数必须以文字或十进制数给出" if isinstance(text, float) else "不是数字")
    if isinstance(text, int):
        fen = text * 100
    elif isinstance(text, Decimal):
        fen = _from_decimal(text)
    else:
        fen = _from_text(text)
    if abs(fen) > MAX_FEN:
        raise MoneyError(text, "数值太大")
    return fen


def _from_decimal(value: Decimal) -> Fen:
    if not value.is_finite():
        raise MoneyError(value, "不是数字")
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    if exponent > 20 or value.adjusted() > 20:
        raise MoneyError(value, "数值太大")
    if exponent < -30:  # before a power of ten is built from it
        raise MoneyError(value, "小数超过两位")
    number = int("".join(map(str, digits)) or "0")
    shift = exponent + 2
    if shift >= 0:
        fen = number * int(10**shift)
    else:
        fen, rest = divmod(number, 10**-shift)
        if rest:
            raise MoneyError(value, "小数超过两位")
    return -fen if sign else fen


def _from_text(raw: str) -> Fen:
    text = unicodedata.normalize("NFKC", raw).strip().replace("−", "-")
    text = text.removesuffix("元").removeprefix("¥").strip()
    if not text:
        raise MoneyError(raw, "是空的")
    match = _YUAN.fullmatch(text)
    if match is None:
        raise MoneyError(raw, "不是数字")
    sign, whole, decimals = match[1], match[2].replace(",", ""), match[3]
    if len(whole) > 20:
        raise MoneyError(raw, "数值太大")
    if decimals is not None and not 1 <= len(decimals) <= 2:
        raise MoneyError(raw, "小数超过两位" if decimals else "小数点后没有数字")
    fen = int(whole) * 100 + int((decimals or "").ljust(2, "0"))
    return -fen if sign == "-" else fen


def format_yuan(fen: Fen, *, sep: bool = True, minus: str = "-") -> str:
    """Print fen as yuan with two decimals.

    Args:
        fen: Whole fen, may be negative.
        sep: Thousands separators; bank files want none.
        minus: The minus sign; pass ``"−"`` where people read it.

    Returns:
        ``format_yuan(123450) == "1,234.50"``.
    """
    yuan, rest = divmod(abs(fen), 100)
    body = f"{yuan:,}.{rest:02d}" if sep else f"{yuan}.{rest:02d}"
    return minus + body if fen < 0 else body


def split_exact(fen: Fen, n: int) -> list[Fen]:
    """Split an amount into n parts that differ by at most one fen and add up to it again.

    The larger parts come first, so a first instalment is never the short one.

    Args:
        fen: The amount; a negative one is split as its mirror image.
        n: How many parts, at least 1.

    Raises:
        ValueError: n below 1 (a programming fault, never user input).
    """
    if n < 1:
        raise ValueError(f"split into {n} parts")
    each, rest = divmod(abs(fen), n)
    sign = -1 if fen < 0 else 1
    return [sign * (each + 1)] * rest + [sign * each] * (n - rest)
