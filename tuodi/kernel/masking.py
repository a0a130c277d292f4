"""Masks for lists, logs, notices and exports. A value that is too short to mask in part is masked whole.

Masks hide, they do not protect: who may see the full value is decided in ``org``, and notices follow their own
rule about applicants' names.
"""

from __future__ import annotations

import re

from tuodi.kernel.surnames import split_name

__all__ = ["mask_account", "mask_address", "mask_id", "mask_name", "mask_phone"]

_STAR = "*"
_DOTS = "·•・\uff0e‧"


def mask_name(name: str) -> str:
    """Keep the family name, a star for every further character: 欧阳** , 李*.

    A name of one character is hidden whole. Of a name with middle dots only the first character is kept, because
    its first part is no family name; the dots stay.
    """
    name = name.strip()
    if len(name) < 2:
        return _STAR * len(name)
    if any(dot in name for dot in _DOTS) or name.isascii():
        return name[0] + "".join(c if c in _DOTS or c == " " else _STAR for c in name[1:])
    family, given = split_name(name)
    return family + _STAR * len(given)


def mask_id(text: str) -> str:
    """Keep the first six and the last four: 420899********0012."""
    return _mask(text, 6, 4)


def mask_phone(text: str) -> str:
    """Keep the first three and the last four: 138****5678."""
    return _mask(text, 3, 4)


def mask_account(text: str) -> str:
    """Keep the last four of a bank account."""
    return _mask(text, 0, 4)


def _mask(text: str, head: int, tail: int) -> str:
    text = text.strip()
    hidden = len(text) - head - tail
    # Fewer than three hidden characters could be tried out by hand.
    if hidden < 3:
        return _STAR * len(text)
    return text[:head] + _STAR * hidden + text[len(text) - tail :]


# Digits end every part, so that a house number can never be taken into a place name; 小区 and the like are no places.
_PART = r"[^\d\s,，*]"
_ADDRESS = re.compile(
    rf"(?:{_PART}{{2,10}}?(?:特别行政区|自治区|省))?"
    rf"(?:{_PART}{{2,10}}?(?:自治州|地区|市|盟|州))?"
    rf"(?:{_PART}{{1,12}}?(?:(?<![小园校片社厂矿库])区|县|市|旗))?"
    rf"(?:{_PART}{{1,12}}?(?:街道办事处|街道|苏木|镇|乡))?"
    rf"(?:{_PART}{{1,15}}?(?:村民委员会|居民委员会|村委会|居委会|社区|嘎查|村))?"
)


def mask_address(text: str) -> str:
    """Keep an address down to the village or community: 湖北省荆门市东宝区龙泉街道天鹅社区***.

    Where no place name is recognised everything is hidden. An address that ends at a village stays whole.
    """
    text = text.strip()
    match = _ADDRESS.match(text)
    end = match.end() if match else 0
    return text if end and end == len(text) else text[:end] + (_STAR * 3 if text else "")
