"""Finds the line of column names among the first lines, and reads what stands above it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tuodi.exchange.errors import FileRefusedError, HeaderNotFoundError
from tuodi.exchange.profiles import squeeze
from tuodi.exchange.registers.profiles import RegisterProfile

__all__ = ["Header", "find_header", "fixed_header"]


class Header(NamedTuple):
    """Attributes: row: index of its last line among those given. at: column -> place. width: cells of a row.
    names: names as written, by place. ignored: those nobody asked for. cuts: columns that are a part of the cell there."""

    row: int
    at: dict[str, int]
    width: int
    names: tuple[str, ...]
    ignored: tuple[str, ...]
    cuts: dict[str, tuple[int, int]] = {}


def find_header(top: Sequence[Sequence[str]], profile: RegisterProfile) -> Header:
    """The header among the first rows of cells.

    Raises:
        HeaderNotFoundError: required columns are missing; says what looks most like a header.
        FileRefusedError: two columns claim one field of ours.
    """
    index = profile.header_index()
    lines = profile.carrier.header
    best: tuple[int, Header] | None = None
    doubled = ""
    for row, cells in enumerate(top[: profile.search_rows]):
        names = _joined(top[row - 1], cells) if lines == 2 and row else [(cell, cell) for cell in cells]
        at: dict[str, int] = {}
        ignored = []
        twice = ""
        for place, (single, both) in enumerate(names):
            found = index.get(squeeze(both)) or index.get(squeeze(single))
            if found is None:
                if single.strip():
                    ignored.append(single.strip())
            elif found in at:
                twice = twice or single.strip()
            else:
                at[found] = place
        if best is None or len(at) > best[0]:
            shown = tuple(single.strip() for single, _ in names)
            best = (len(at), Header(row, at, len(cells), shown, tuple(ignored)))
            doubled = twice
    required = {name: column.label for name, column in profile.columns.items() if column.required or name == "id_no"}
    if best is None or best[0] < min(2, len(profile.columns)):
        raise HeaderNotFoundError(list(required.values()), None, [], len(top))
    header = best[1]
    cuts = {}
    for name, column in profile.columns.items():
        if name not in header.at and column.part_of in header.at and column.cut is not None:
            cuts[name] = (column.part_of, *column.cut)
    header.at.update({name: header.at[whole] for name, (whole, _, _) in cuts.items()})
    header = header._replace(cuts={name: (start, size) for name, (_, start, size) in cuts.items()})
    missing = [label for name, label in required.items() if name not in header.at]
    if missing:
        raise HeaderNotFoundError(missing, header.row + 1, [name for name in header.names if name], len(top))
    if doubled:
        raise FileRefusedError("doubled_header", f"表头中“{doubled}”这一列出现了两次", "请部门只留一列后重新导出")
    return header


def _joined(above: Sequence[str], cells: Sequence[str]) -> list[tuple[str, str]]:
    """Names of two lines: the group above, carried to the right, and the name below; an empty name takes the group."""
    group = ""
    names = []
    for place, cell in enumerate(cells):
        over = above[place].strip() if place < len(above) else ""
        group = over or group
        single = cell.strip() or over
        names.append((single, group + cell.strip()))
    return names


def fixed_header(profile: RegisterProfile) -> Header:
    """Places as the profile says, for files without column names."""
    at = {name: column.at - 1 for name, column in profile.columns.items() if column.at is not None}
    return Header(-1, at, max(at.values()) + 1, (), ())
