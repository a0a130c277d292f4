"""Signatures drawn on a pad of 1000 by 400: strokes as lists of points, checked before they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["read_strokes"]

_MAX_STROKES, _MAX_POINTS = 200, 4000
_SIDE = 1000


def read_strokes(raw: Any) -> list[list[list[int]]]:
    """Strokes as whole numbers within the field; a dot is no signature.

    Raises:
        ValueError: With the words that follow the signer's name.
    """
    if not isinstance(raw, Sequence) or isinstance(raw, str) or not raw:
        raise ValueError("没有签名")
    if len(raw) > _MAX_STROKES:
        raise ValueError("笔画太多，请清除重签")
    strokes: list[list[list[int]]] = []
    for stroke in raw:
        points = []
        for pair in stroke if isinstance(stroke, Sequence) and not isinstance(stroke, str) else ():
            if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:
                raise ValueError("笔迹读不出来，请清除重签")
            if not all(isinstance(one, int | float) and 0 <= one <= _SIDE for one in pair):
                raise ValueError("笔迹读不出来，请清除重签")
            points.append([round(pair[0]), round(pair[1])])
        strokes.append(points)
    if sum(map(len, strokes)) > _MAX_POINTS:
        raise ValueError("笔画太多，请清除重签")
    wide = [pair for stroke in strokes for pair in stroke]
    if len(wide) < 4 or max(x for x, _ in wide) - min(x for x, _ in wide) < 20:
        raise ValueError("没有签名")
    return strokes
