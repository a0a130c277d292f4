"""Values adopted on screen, laid over the packs: the same dated rows, read by the same reader, winning over files at their place.

An adopted value holds from its first day on. At one place and for the same keys it wins over every value of a file, whatever
the file's start; a value of a nearer place still comes first, as it does among files (`hidden_by` names such places).
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from tuodi.policy.book import Book
from tuodi.policy.faults import Fault, PolicyErrors, did_you_mean
from tuodi.policy.model import Instrument, ParamValue, Where, lies_in
from tuodi.policy.reader import Reader
from tuodi.policy.values import read_values
from tuodi.policy.yamltext import Map, Seq, Text

__all__ = ["Adopted", "hidden_by", "with_adopted"]


@dataclass(frozen=True)
class Adopted:
    """One value as a body adopted it.

    Attributes:
        place: significant place code or standard area. keys: enum values in the order of the parameter's `by`; empty text
            means any. value, unit: as printed; an empty unit is the declared one.
        document: the document's number, which is also how its clause is cited. locator: where in it.
        source: what the explanation names as the file: the proposal's number.
        assumed: a hypothetical value, printed 假设 wherever it is used.
    """

    place: str
    param: str
    keys: tuple[str, ...]
    start: date
    value: str
    unit: str
    document: str
    title: str
    locator: str
    source: str
    issued: str = "-"
    assumed: bool = False


def _text(value: str) -> Text:
    text = Text(value)
    text.line, text.plain = 1, True
    return text


def _row(one: Adopted, by: Sequence[str]) -> Map:
    body = {
        "place": one.place, "from": one.start.isoformat(), "value": one.value, "issued": one.issued,
        "clause": f"{one.document} {one.locator}".strip(), **dict(zip(by, one.keys, strict=True)),
    }  # fmt: skip
    if one.unit:
        body["unit"] = one.unit
    row = Map((key, _text(text)) for key, text in body.items() if text)
    row.line, row.lines = 1, dict.fromkeys(body, 1)
    return row


def with_adopted(book: Book, rows: Iterable[Adopted]) -> Book:
    """The book with adopted values in it; the same book where there are none.

    Later rows win over earlier ones of the same place, keys and day.

    Raises: PolicyErrors with every fault: an unknown parameter or key, a value that is no number, a unit of another kind.
    """
    wanted = list(rows)
    if not wanted:
        return book
    draft = copy.copy(book.draft)
    draft.instruments, draft.values = dict(draft.instruments), dict(draft.values)
    faults: list[Fault] = []
    total = hashlib.sha256(book.digest.encode())
    for one in wanted:
        total.update(repr(one).encode())
        param = draft.params.get(one.param)
        if param is None:
            faults.append(Fault(one.source, 1, f"没有参数“{one.param}”{did_you_mean(one.param, draft.params)}"))
            continue
        if param.structural:
            faults.append(Fault(one.source, 1, f"参数“{one.param}”不是数值，请作为政策包修改"))
            continue
        if not book.known_place(one.place):
            faults.append(Fault(one.source, 1, f"地区“{one.place}”不在区划表里；请核对代码"))
            continue
        if len(one.keys) != len(param.by):
            faults.append(
                Fault(one.source, 1, f"参数“{one.param}”按 {'、'.join(param.by) or '（无）'} 取值，请逐项选择")
            )
            continue
        kind = "hypothetical" if one.assumed else "normative"
        draft.instruments[one.document] = Instrument(
            one.document, one.title, one.document, kind, one.issued, one.start.isoformat()
        )
        values = Seq([_row(one, param.by)])
        values.line = 1
        node = Map({"values": values})
        node.line, node.lines = 1, {"values": 1}
        reader = Reader(node, one.source, 1, f"{param.label}（{one.param}）", faults)
        found = read_values(param, reader, "cn", draft, faults)
        keep = [
            row
            for row in draft.values.get(one.param, [])
            if not (row.adopted and _same(row, found) and row.start == one.start)
        ]
        draft.values[one.param] = keep + [
            replace(row, adopted=True, where=Where(one.source, 1), assumed=one.assumed) for row in found
        ]
    if faults:
        raise PolicyErrors(faults)
    draft.digest = total.hexdigest()
    return Book(draft, book.warnings, book.predecessors)


def _same(row: ParamValue, found: Sequence[ParamValue]) -> bool:
    return any(row.place == one.place and row.keys == one.keys for one in found)


def hidden_by(book: Book, one: Adopted) -> list[str]:
    """Places inside an adopted value's place that have a value of their own for its keys, so that it does not reach them."""
    return sorted(
        {
            row.place
            for row in book.draft.values.get(one.param, [])
            if row.place != one.place
            and row.value is not None
            and row.end >= one.start
            and lies_in(row.place, one.place, book.draft.areas)
            and all(
                not mine or theirs is None or theirs == mine for theirs, mine in zip(row.keys, one.keys, strict=True)
            )
        }
    )
