"""Personal names as files carry them: spaces, look-alike dots, invisible and private-use characters."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

__all__ = ["CHANGE_LABELS", "CleanName", "clean_name"]

#: The one middle dot kept in names.
_DOT = "\u00b7"
_DOTS = str.maketrans(dict.fromkeys("\u2022\u30fb\uff0e\u2027\u22c5\uff65\u0387.", _DOT))
# Old GBK fonts drew 䶮 at a private code point.
_PRIVATE = str.maketrans({"\ue863": "\u4dae"})
_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\xad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_APOSTROPHES = "'`\u2018\u2019"

CHANGE_LABELS = {
    "name_spaces": "姓名中的空格已去掉",
    "name_dot": "姓名中的间隔号统一为“·”",
    "name_private_use": "姓名中的旧式造字已换成标准汉字",
    "name_invisible": "姓名中的不可见字符已去掉",
}


class CleanName(NamedTuple):
    """Attributes: text: the name. changes: keys of ``CHANGE_LABELS``. ok: False if it cannot be a person's name."""

    text: str
    changes: tuple[str, ...]
    ok: bool


def clean_name(raw: str) -> CleanName:
    """Clean a name and say whether it can be one: Chinese characters or Latin letters, dots between, at most 40.

    No compatibility folding is done: it would change characters that are right in a name.
    """
    if len(raw) < 5 and raw.isalpha() and not ("\ue000" <= raw[-1] <= "\uf8ff"):
        return CleanName(raw, (), True)
    changes: list[str] = []
    text = _step(raw, _INVISIBLE.sub("", raw), "name_invisible", changes)
    text = text.strip(_APOSTROPHES)
    latin = any("A" <= c <= "Z" or "a" <= c <= "z" for c in text)
    packed = " ".join(text.split()) if latin else "".join(text.split())
    text = _step(text, packed, "name_spaces", changes)
    text = _step(text, text if latin else text.translate(_DOTS), "name_dot", changes)
    text = _step(text, text.translate(_PRIVATE), "name_private_use", changes)
    return CleanName(text, tuple(changes), _plausible(text))


def _step(before: str, after: str, change: str, changes: list[str]) -> str:
    if before != after:
        changes.append(change)
    return after


def _plausible(text: str) -> bool:
    if not 1 <= len(text) <= 40 or text[0] in f"{_DOT} -." or text[-1] in f"{_DOT} -":
        return False
    return all(
        c == _DOT or c in " -." or unicodedata.category(c) in ("Lo", "Lu", "Ll", "Nl") or "\ue000" <= c <= "\uf8ff"
        for c in text
    )
