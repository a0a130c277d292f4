"""A procedure as a picture: lanes by level, steps from top to bottom, those that run at the same time side by side.

Geometry only, in pixels of the drawing's own grid; the template sets it as SVG, and the table beside it says the same in words.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tuodi.policy.procedure import LEVEL_LABELS, Does, Limit, Procedure, Step

__all__ = ["Card", "Drawing", "Lane", "conditions", "draw", "extras", "limit_words", "total_words"]

CARD, SLOT, LANE_GAP, ROW_GAP, HEAD, EDGE = 172, 188, 22, 34, 34, 8
LINE, LABEL_LINE, PAD = 17, 19, 10
#: Width of a line on a card in Chinese characters, at the label's and the small size.
LABEL_CHARS, SMALL_CHARS = 10.5, 12.5


@dataclass(frozen=True)
class Lane:
    """One level: a column of the picture."""

    level: str
    label: str
    x: int
    width: int

    @property
    def middle(self) -> int:
        """Where its heading stands."""
        return self.x + self.width // 2


@dataclass
class Line:
    """One line of text on a card; `css` is its kind."""

    text: str
    y: int
    css: str


@dataclass
class Card:
    """One step: a box with its lines."""

    number: int
    step: Step
    x: int
    y: int
    height: int
    css: str
    lines: list[Line] = field(default_factory=list)
    above: bool = False  #: another of its row and lane stands below it
    below: bool = False  #: another stands above it
    row_bottom: int = 0

    @property
    def middle(self) -> int:
        """Where lines of flow meet it."""
        return self.x + CARD // 2

    @property
    def side(self) -> int:
        """Half its height, where lines of flow meet it from the side."""
        return self.y + self.height // 2


@dataclass
class Drawing:
    """The picture: its size, lanes, cards and the paths between them."""

    width: int
    height: int
    lanes: list[Lane]
    cards: list[Card]
    paths: list[str]
    card_width: int = CARD


def limit_words(limit: Limit, procedure: Procedure) -> str:
    """``受理起10个工作日内``; a limit without a beginning runs from the moment the step opens."""
    labels = {step.id: step.label for step in procedure.steps}
    when = "、".join(dict(procedure.marks).get(mark, mark) for mark in limit.when)
    since = f"{labels[limit.since]}起" if limit.since in labels else "轮到之日起"
    return f"{f'（{when}）' if when else ''}{since}{limit.text}" + ("" if limit.text.endswith("前") else "内")


def total_words(procedure: Procedure) -> list[str]:
    """The limits of the whole, the ordinary one first; empty = the text sets none."""
    marks = dict(procedure.marks)
    ordered = sorted(procedure.total, key=lambda limit: bool(limit.when))
    return [
        f"受理起{limit.text}内"
        + (f"（{'、'.join(marks.get(mark, mark) for mark in limit.when)}）" if limit.when else "")
        for limit in ordered
    ]


def conditions(step: Step, procedure: Procedure) -> list[str]:
    """When a step is done at all: marks, decision, discretion; empty = always."""
    found = []
    if step.when:
        labels = dict(procedure.marks)
        found.append(f"限于：{'、'.join(labels.get(mark, mark) for mark in step.when)}")
    if step.only_if:
        found.append("予以确认的" if step.only_if == "passed" else "不予确认的")
    if step.optional:
        found.append("可省略，写明理由")
    return found


def extras(step: Step) -> list[str]:
    """What else the text asks of a step: days of a notice, people, quorum, sample."""
    found = []
    if step.notice:
        found.append(f"公示 {step.notice.days} 日" if step.notice.days else "长期公布")
    if step.people > 1:
        found.append(f"{step.people} 人以上")
    if step.quorum:
        found.append(f"居民代表 {step.quorum.top}/{step.quorum.bottom} 以上")
    if step.sample:
        found.append(f"入户抽查 {step.sample.percent}% 以上")
    return found


def draw(
    procedure: Procedure, *, differ: Collection[str] = (), levels: Sequence[str] = (), narrow: bool = False
) -> Drawing:
    """The picture of a procedure.

    Args:
        differ: Steps to be marked as different from the other place's.
        levels: Lanes to show although no step lies in them, so that two pictures have the same columns.
        narrow: Steps of one level that run at the same time stand below each other, so that two pictures fit a page.
    """
    ranks = _ranks(procedure)
    used = [level for level in LEVEL_LABELS if level in levels or any(step.by == level for step in procedure.steps)]
    rows: dict[tuple[int, str], list[Step]] = {}
    for step in procedure.steps:
        rows.setdefault((ranks[step.id], step.by), []).append(step)
    lanes, x = [], EDGE
    for level in used:
        slots = max((len(steps) for (_, by), steps in rows.items() if by == level), default=1)
        slots = 1 if narrow else slots
        lanes.append(Lane(level, LEVEL_LABELS[level], x, slots * SLOT))
        x += slots * SLOT + LANE_GAP
    by_level = {lane.level: lane for lane in lanes}
    numbers = {step.id: number for number, step in enumerate(procedure.steps, 1)}
    cards: dict[str, Card] = {}
    y = HEAD + ROW_GAP // 2
    for rank in range(max(ranks.values(), default=0) + 1):
        cells = {level: steps for (at, level), steps in rows.items() if at == rank}
        texts = {step.id: _texts(step, procedure) for steps in cells.values() for step in steps}
        height = max(_height(lines) for lines in texts.values())
        deep = max(len(steps) for steps in cells.values()) if narrow else 1
        for level, steps in cells.items():
            lane = by_level[level]
            left = lane.x + (lane.width - (1 if narrow else len(steps)) * SLOT) // 2 + (SLOT - CARD) // 2
            for slot, step in enumerate(steps):
                at = (left, y + slot * (height + 10)) if narrow else (left + slot * SLOT, y)
                card = Card(numbers[step.id], step, *at, height, _css(step, step.id in differ))
                card.above, card.below = narrow and slot < len(steps) - 1, narrow and slot > 0
                card.row_bottom = y + deep * (height + 10) - 10
                card.lines = _placed(texts[step.id], card.y)
                cards[step.id] = card
        y += deep * (height + 10) - 10 + ROW_GAP
    paths = _paths(procedure, ranks, cards, by_level)
    return Drawing(
        x - LANE_GAP + EDGE + 12, y - ROW_GAP + EDGE * 2, lanes, [cards[s.id] for s in procedure.steps], paths
    )


def _ranks(procedure: Procedure) -> dict[str, int]:
    """How many steps at least come before each: its row. Steps are in an order in which they can be done."""
    ranks: dict[str, int] = {}
    for step in procedure.steps:
        ranks[step.id] = max((ranks[name] + 1 for name in step.after if name in ranks), default=0)
    return ranks


def _css(step: Step, differs: bool) -> str:
    kinds = {Does.CONFIRM: "is-decision", Does.NOTICE: "is-notice", Does.PUBLISH: "is-notice", Does.ACCEPT: "is-start"}
    names = [kinds.get(step.does, "")]
    if step.when or step.only_if or step.optional:
        names.append("is-maybe")
    if differs:
        names.append("is-other")
    return " ".join(name for name in names if name)


def _texts(step: Step, procedure: Procedure) -> list[tuple[str, str]]:
    lines = [(part, "flow-label") for part in _wrap(step.label, LABEL_CHARS, 2)]
    ordinary = [limit for limit in (*step.start_within[:1], *step.limits) if not limit.when][:2]
    for limit in ordinary:
        start = limit in step.start_within
        words = limit_words(limit, procedure) + ("启动" if start else "")
        lines += [(part, "flow-limit") for part in _wrap(words, SMALL_CHARS, 2)]
    if extras(step):
        lines += [(part, "flow-note") for part in _wrap(" · ".join(extras(step)), SMALL_CHARS, 2)]
    for words in conditions(step, procedure):
        lines += [(part, "flow-note") for part in _wrap(words, SMALL_CHARS, 2)]
    if step.clause:
        lines.append((_wrap(f"〔{step.clause}〕", SMALL_CHARS + 1, 1)[0], "flow-clause"))
    return lines


def _size(character: str) -> float:
    return 0.56 if ord(character) < 0x2E80 else 1.0


def _wrap(text: str, width: float, most: int) -> list[str]:
    """Lines of at most so many Chinese characters; what does not fit ends in an ellipsis (the table has it whole)."""
    lines, line, used = [], "", 0.0
    for character in text:
        if used + _size(character) > width:
            lines.append(line)
            line, used = "", 0.0
        line += character
        used += _size(character)
    lines.append(line)
    if len(lines) > most:
        lines = lines[:most]
        lines[-1] = lines[-1][:-1] + "…"
    return lines


def _height(lines: Sequence[tuple[str, str]]) -> int:
    return PAD * 2 + sum(LABEL_LINE if css == "flow-label" else LINE for _, css in lines) - 3


def _placed(lines: Sequence[tuple[str, str]], top: int) -> list[Line]:
    y, found = top + PAD, []
    for text, css in lines:
        y += LABEL_LINE if css == "flow-label" else LINE
        found.append(Line(text, y - 5, css))
    return found


def _paths(
    procedure: Procedure, ranks: Mapping[str, int], cards: Mapping[str, Card], lanes: Mapping[str, Lane]
) -> list[str]:
    """Lines from each step to those that wait for it; a wait that another already implies is not drawn."""
    before: dict[str, set[str]] = {}
    for step in procedure.steps:
        own = {name for name in step.after if name in cards}
        before[step.id] = own.union(*(before[name] for name in own)) if own else set()
    found, long = [], 0
    for step in procedure.steps:
        target = cards[step.id]
        for name in step.after:
            if name not in cards or any(name in before[other] for other in step.after if other in before):
                continue
            source = cards[name]
            lane, there = lanes[source.step.by], lanes[step.by]
            row_top = target.y if not target.below else _row_top(cards, target)
            into = row_top - ROW_GAP // 2
            if source.above:
                start = f"M{source.x + CARD} {source.side}H{lane.x + lane.width - 4}"
            else:
                start = f"M{source.middle} {source.y + source.height}"
            if ranks[step.id] - ranks[name] > 1:
                gutter = lane.x + lane.width + 5 + 6 * (long % 3)
                long += 1
                start += f"V{source.row_bottom + ROW_GAP // 2}H{gutter}"
            start += f"V{into}"
            if target.below:
                found.append(f"{start}H{there.x + 4}V{target.side}H{target.x - 2}")
            else:
                found.append(f"{start}H{target.middle}V{target.y - 2}")
    return found


def _row_top(cards: Mapping[str, Card], card: Card) -> int:
    """Where the row of a card begins."""
    return min(other.y for other in cards.values() if other.row_bottom == card.row_bottom)
