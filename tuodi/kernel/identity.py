"""Citizen identity numbers (GB 11643-1999): cleaning, reading, checking, making synthetic ones.

A number is 6 digits of region, 8 of birth, 3 of sequence (odd male, even female) and a check character.
Old numbers have 15 digits; the century 19 is put in and the check added. Residence permits of people from
Hong Kong, Macao and Taiwan (81, 82, 83) have the same shape.

A damaged number is refused, never guessed. A wrong check digit or an unknown region does not raise: the number
comes back marked, and the caller decides (match on manual review only).
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from operator import mul
from typing import Literal, NamedTuple

from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.regions6 import known_codes

__all__ = [
    "CHANGE_LABELS",
    "WARNING_LABELS",
    "IdNumber",
    "InvalidIdError",
    "Normalised",
    "body_key",
    "check_digit",
    "make_id",
    "normalise",
    "parse_id",
]

Kind = Literal["resident", "permit"]
Sex = Literal["男", "女"]

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"
# Summing byte values instead of digits adds 48 per weight; taken off once.
_BYTE_OFFSET = 48 * sum(_WEIGHTS)

#: What ``normalise`` changed, in words for the import report.
CHANGE_LABELS = {
    "fullwidth": "全角字符转为半角",
    "spaces": "去掉空格",
    "invisible": "去掉不可见字符",
    "apostrophe": "去掉单引号",
    "uppercase": "小写 x 改为大写 X",
    "number": "数字单元格按文字读取",
}

#: What ``parse_id`` found odd but not wrong enough to refuse.
WARNING_LABELS = {
    "check_digit": "校验码不对，须人工核对",
    "unknown_region": "前六位地区代码不在区划表中",
    "converted_15": "十五位旧号码，已换算为十八位",
    "over_120": "按号码年龄超过 120 岁",
    "trailing_zeros": "后三位都是 0，已按原件确认",
    "foreign_permit": "外国人永久居留身份证号码，须人工核对",
}

_REASONS = {
    "empty": "没有填写",
    "length": "应为 18 位（旧号码 15 位），现为 {length} 位",
    "characters": "除末位可为 X 外只能是数字",
    "damaged": "被表格软件改成了科学计数法或丢失了末尾数字",
    "trailing_zeros": "后三位都是 0，多半被表格软件改坏",
    "birth": "其中的出生日期不存在",
    "future": "其中的出生日期晚于今天",
    "century": "十五位号码以 996 至 999 结尾，多为 1900 年以前出生，不能自动换算",
}
_REMEDIES = {
    "damaged": "请把该列设为文本格式后重新导出，不要手工补数字",
    "trailing_zeros": "请对照证件原件；确实如此的，在窗口录入并确认",
    "century": "请对照户口簿人工登记 18 位号码",
}


class InvalidIdError(TuodiError):
    """A text that cannot be read as an identity number.

    The sentence shows the number masked, because messages reach logs and screens.

    Attributes:
        reason: ``empty``, ``length``, ``characters``, ``damaged``, ``trailing_zeros``, ``birth``, ``future`` or
            ``century``.
    """

    code = "kernel.identity"

    def __init__(self, raw: str, reason: str) -> None:
        self.reason = reason
        shown = raw[:6] + "*" * max(0, len(raw) - 10) + raw[-4:] if len(raw) > 10 else raw
        why = _REASONS[reason].format(length=len(raw))
        remedy = _REMEDIES.get(reason, "请对照证件原件改正")
        number = f"身份证号“{shown}”" if shown else "身份证号"
        super().__init__(f"{number}不能使用：{why}。{remedy}。", reason=reason, masked=shown)


class Normalised(NamedTuple):
    """A cleaned text and what was changed, as keys of ``CHANGE_LABELS``."""

    text: str
    changes: tuple[str, ...] = ()


class IdNumber(NamedTuple):
    """An identity number, read.

    Attributes:
        text18: 18 characters, upper case.
        kind: ``resident``, or ``permit`` for 81/82/83 and foreigners' permits.
        region6: First six digits; may be abolished or unknown.
        birth: Day of birth in the number; it wins over other fields in computation.
        sex: 男 or 女, from the sequence.
        check_ok: False if the check character is wrong; such a number must not match by itself.
        warnings: Keys of ``WARNING_LABELS``.
        original: The cleaned text before 15 -> 18; equal to ``text18`` for new numbers.
    """

    text18: str
    kind: Kind
    region6: str
    birth: date
    sex: Sex
    check_ok: bool
    warnings: tuple[str, ...]
    original: str


# Format characters (zero-width, direction, BOM) and soft hyphen, tabs and other controls.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f\xad\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_APOSTROPHES = "'`’‘\u2032"
_SCIENTIFIC = re.compile(r"\d(?:\.\d+)?[Ee]\+?\d+")


def normalise(raw: str | int | float | None) -> Normalised:
    """Clean a number as people and spreadsheets write it (full width, spaces, zero-width, apostrophe, small x).

    Nothing is guessed: a text that is still odd stays odd, and ``parse_id`` refuses it. Cleaning twice changes
    nothing more.

    Args:
        raw: A cell's value. A whole number is written out; a float shows the damage the spreadsheet did.
    """
    if type(raw) is str:
        # Most rows are clean; two tests decide without touching a character.
        if raw.isascii() and (raw.isdigit() or (raw[:-1].isdigit() and raw[-1] == "X")):
            return Normalised(raw)
        text = raw
        changes = []
    elif raw is None:
        return Normalised("")
    else:
        # 15 digits fit into a float, so 110105491231002.0 is whole; 18 do not and print as 1.1E+17.
        text = str(int(raw)) if isinstance(raw, float) and raw.is_integer() and abs(raw) < 10**15 else str(raw)
        changes = ["number"]
    # Removing a character can bring two others together that compose, so clean until nothing changes.
    while (cleaned := _clean(text, changes)) != text:
        text = cleaned
    return Normalised(text, tuple(dict.fromkeys(changes)))


def _clean(text: str, changes: list[str]) -> str:
    seen = _INVISIBLE.sub("", text)
    if seen != text:
        changes.append("invisible")
    if any(not c.isspace() and unicodedata.normalize("NFKC", c) != c for c in seen):
        changes.append("fullwidth")
    folded = unicodedata.normalize("NFKC", seen)
    packed = "".join(folded.split())
    if packed != folded:
        changes.append("spaces")
    bare = packed.strip(_APOSTROPHES)
    if bare != packed:
        changes.append("apostrophe")
    upper = bare.replace("x", "X")
    if upper != bare:
        changes.append("uppercase")
    return upper


def check_digit(body17: str) -> str:
    """The 18th character for 17 ASCII digits (ISO 7064 MOD 11-2)."""
    return _CHECK[(sum(map(mul, _WEIGHTS, body17.encode())) - _BYTE_OFFSET) % 11]


def body_key(text18: str) -> int:
    """The first 17 digits as an int64, the key of columnar matching; injective for numbers that passed the check.

    Raises:
        ValueError: Not 18 characters beginning with 17 digits (a programming fault: parse first).
    """
    if len(text18) != 18 or not (text18.isascii() and text18[:17].isdigit()):
        raise ValueError("body_key needs a parsed 18-character number")
    return int(text18[:17])


def parse_id(raw: str | int | float | None, *, on: date | None = None, allow_trailing_zeros: bool = False) -> IdNumber:
    """Read an identity number, cleaning it first.

    Args:
        raw: Any cell value; see ``normalise``.
        on: The day against which a birth counts as future; None = today.
        allow_trailing_zeros: An officer has the card at hand and confirms that it ends in 000. Importers leave
            this off, because spreadsheets turn the last three digits into zeros.

    Raises:
        InvalidIdError: Empty, wrong length or characters, damaged, impossible or future birth, or a 15-digit number
            whose century cannot be told.
    """
    if (
        type(raw) is str
        and len(raw) == 18
        and raw.isascii()
        and raw[:17].isdigit()
        and (raw[17].isdigit() or raw[17] == "X")
    ):
        text = raw
    else:
        text = normalise(raw).text
    original = text
    warnings: list[str] = []
    if len(text) != 18 or not (text.isascii() and text[:17].isdigit()):
        text = _repair(text)
        warnings.append("converted_15")
    last = text[17]
    check_ok = check_digit(text[:17]) == last
    if not check_ok:
        if last not in "0123456789X":
            raise InvalidIdError(text, "characters")
        warnings.append("check_digit")
    if text.endswith("000") and original is text:
        if not (allow_trailing_zeros and check_ok):
            raise InvalidIdError(text, "trailing_zeros")
        warnings.append("trailing_zeros")
    try:
        birth = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        raise InvalidIdError(text, "birth") from None
    now = on or clock.today()
    if birth > now:
        raise InvalidIdError(text, "future")
    if now.year - birth.year > 120:
        warnings.append("over_120")
    region6 = text[:6]
    kind: Kind = "resident"
    if region6 in _PERMIT_REGIONS:
        kind = "permit"
    elif text[0] == "9":
        kind = "permit"
        warnings.append("foreign_permit")
    elif region6 not in known_codes():
        warnings.append("unknown_region")
    sex: Sex = "男" if text[16] in "13579" else "女"
    return IdNumber(text, kind, region6, birth, sex, check_ok, tuple(warnings), original)


_PERMIT_REGIONS = frozenset({"810000", "820000", "830000"})


def _repair(text: str) -> str:
    """15 -> 18, or the reason why not."""
    if not text:
        raise InvalidIdError(text, "empty")
    if _SCIENTIFIC.fullmatch(text):
        raise InvalidIdError(text, "damaged")
    head, _, tail = text.partition(".")
    if tail and not tail.strip("0") and head.isdigit():
        # "420802900101123.0": fifteen digits survive a float, eighteen do not.
        if len(head) != 15:
            raise InvalidIdError(text, "damaged")
        text = head
    if len(text) == 15 and text.isascii() and text.isdigit():
        if text[12:] in {"996", "997", "998", "999"}:
            raise InvalidIdError(text, "century")
        body = text[:6] + "19" + text[6:]
        return body + check_digit(body)
    raise InvalidIdError(text, "length" if len(text) not in (15, 18) else "characters")


def make_id(region6: str, birth: date, seq: int) -> str:
    """A synthetic number with a right check character, for demos and tests only.

    A few with a sequence of whole hundreds end in 000, which ``parse_id`` takes for spreadsheet damage; generators
    leave those sequences out.

    Args:
        region6: Six digits; use 420899 so that it names nobody.
        birth: Day of birth.
        seq: 0 to 999; odd male, even female.
    """
    if not 0 <= seq <= 999 or len(region6) != 6 or not region6.isdigit():
        raise ValueError("make_id needs six digits and a sequence of 0 to 999")
    body = f"{region6}{birth:%Y%m%d}{seq:03d}"
    return body + check_digit(body)
