"""What registers say beside what the family declared: marks, and the facts that may be taken over. No database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tuodi.exchange.live import Feed, LiveProfile
from tuodi.kernel.money import format_yuan, parse_yuan

__all__ = ["LABELS", "MARKS", "Heard", "Item", "compare"]

#: Mark -> word on page and paper.
MARKS = {
    "agree": "一致",
    "differ": "不一致",
    "undeclared": "未申报",
    "only_declared": "申报而未查得",
    "stale": "数据过期",
    "several": "多源不一致",
    "none": "供参考",
}
#: Values of facts as a reader sees them.
LABELS: dict[Any, str] = {True: "是", False: "否"}


@dataclass(frozen=True)
class Heard:
    """One usable answer: a source about one subject. `rows` as stored with the answer."""

    answer_id: int
    source: str
    source_label: str
    profile: LiveProfile
    person_id: int | None
    subject: str
    found: bool
    stale: bool
    as_of: str
    rows: Sequence[Mapping[str, Any]]


@dataclass
class Item:
    """One line of a report.

    Attributes:
        key: Stable within a report; how an officer's choice names a line.
        fact, income: What it could be taken over as; both empty = for reading only.
        value: The fact's value; for an income yuan text a year.
        open: Nobody has declared this and an officer must look (the profile's `asks`).
    """

    key: str
    answer_id: int
    source: str
    source_label: str
    person_id: int | None
    person: str
    what: str
    found: str
    declared: str
    mark: str
    as_of: str
    fact: str = ""
    income: str = ""
    value: Any = None
    open: bool = False
    asks: list[str] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self) | {"mark_label": MARKS[self.mark]}


def compare(
    heard: Sequence[Heard], members: Mapping[int, Mapping[str, Any]], household: Mapping[str, Any], names: Sequence[str]
) -> list[Item]:
    """Lines of a report, in the order of the answers.

    Args:
        members: Person -> facts declared about him. household: facts declared about the family.
        names: Names of the present members.
    """
    items: list[Item] = []
    for one in heard:
        declared = members.get(one.person_id or 0, {})
        current = [row for row in one.rows if row["active"]]
        items += [_row_item(one, at, row, len(current), names) for at, row in enumerate(one.rows)]
        if not one.rows:
            items.append(_item(one, "none", "none", "查无记录", ""))
        if one.person_id is not None:
            for feed in one.profile.feeds:
                items += _feed_items(one, feed, current, declared, household)
    _several(items)
    return items


def _item(one: Heard, tail: str, mark: str, what: str, found: str, declared: str = "", **more: Any) -> Item:
    return Item(
        key=f"{one.source}:{one.person_id or one.subject}:{tail}",
        answer_id=one.answer_id,
        source=one.source,
        source_label=one.source_label,
        person_id=one.person_id,
        person=one.subject,
        what=what,
        found=found,
        declared=declared,
        mark="stale" if one.stale and mark != "none" else mark,
        as_of=one.as_of,
        **more,
    )


def _row_item(one: Heard, at: int, row: Mapping[str, Any], current: int, names: Sequence[str]) -> Item:
    """A row as it stands. Past rows and the usual number of rows are for reading; more than that nobody declared."""
    mark, declared, asks = "none", "", []
    wanted = one.profile.names_member
    if not row["active"]:
        declared = "已失效的登记"
    elif wanted:
        known = row["values"].get(wanted) in names
        mark, declared = ("agree", "家庭成员") if known else ("undeclared", "家庭成员中没有此人")
    elif one.profile.asks and not one.profile.feeds and current > one.profile.usual_rows:
        mark, declared, asks = "undeclared", "没有申报记录", list(one.profile.asks)
    return _item(one, f"row{at}", mark, one.profile.label, row["text"], declared, asks=asks, open=bool(asks))


def _feed_items(
    one: Heard,
    feed: Feed,
    current: Sequence[Mapping[str, Any]],
    declared: Mapping[str, Any],
    household: Mapping[str, Any],
) -> list[Item]:
    if feed.income:
        return _income_items(one, feed, current, declared, household)
    values = [row["values"].get(feed.column) if feed.column else feed.value for row in current]
    values = [value for value in values if value is not None]
    said = declared.get(feed.fact)
    if not values:
        if one.found or said in (None, False) or feed.value is None:
            return []
        return [_item(one, feed.fact, "only_declared", feed.label, "查无记录", _shown(said), fact=feed.fact)]
    value = values[0]
    if said is None:
        mark = "undeclared"
    else:
        mark = "agree" if str(said) == str(value) else "differ"
    return [
        _item(one, feed.fact, mark, feed.label, _label(one, feed, value), _shown(said), fact=feed.fact, value=value)
    ]


def _income_items(
    one: Heard,
    feed: Feed,
    current: Sequence[Mapping[str, Any]],
    declared: Mapping[str, Any],
    household: Mapping[str, Any],
) -> list[Item]:
    """An income of a kind, summed over the rows that hold, beside the same kind as declared or the family's total."""
    amounts = [row["values"].get(feed.column) for row in current]
    total = sum(amount for amount in amounts if amount is not None) * feed.times
    rows = [row for row in declared.get("incomes") or () if row.get("income_kind") == feed.income]
    said = sum(parse_yuan(str(row.get("income_amount", "0"))) for row in rows) if rows else None
    tail, asks = f"income_{feed.income}", list(one.profile.asks)
    if not total:
        if not rows or one.found:
            return []
        return [_item(one, tail, "only_declared", feed.label, "查无记录", _yuan(said), income=feed.income)]
    value = format_yuan(total, sep=False)
    more = {"income": feed.income, "value": value}
    if said is not None:
        mark = "agree" if said == total else "differ"
        return [_item(one, tail, mark, feed.label, _yuan(total), _yuan(said), asks=asks, **more)]
    whole = household.get("income_year")
    if whole is None:
        return [_item(one, tail, "undeclared", feed.label, _yuan(total), "", asks=asks, **more)]
    mark = "differ" if total > parse_yuan(str(whole)) else "agree"
    words = f"家庭年收入合计 {_yuan(parse_yuan(str(whole)))}"
    return [_item(one, tail, mark, feed.label, _yuan(total), words, asks=asks, **more)]


def _several(items: list[Item]) -> None:
    """Two sources that state one income or fact of one person differently: neither is taken before a person has looked."""
    stated: dict[tuple[int | None, str], list[Item]] = {}
    for item in items:
        if item.value is not None:
            stated.setdefault((item.person_id, item.fact or item.income), []).append(item)
    for group in stated.values():
        if len({str(item.value) for item in group}) > 1:
            for item in group:
                item.mark = "several" if item.mark != "stale" else item.mark


def _yuan(fen: int | None) -> str:
    return "" if fen is None else f"{format_yuan(fen)} 元/年"


def _shown(value: Any) -> str:
    return "" if value is None else LABELS.get(value, str(value)) if isinstance(value, bool) else str(value)


def _label(one: Heard, feed: Feed, value: Any) -> str:
    return one.profile.columns[feed.column].shown(value) if feed.column else _shown(value)
