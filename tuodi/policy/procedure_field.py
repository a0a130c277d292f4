"""What a step says beside who does it: quorum of a democratic review, rate of a county's sample, papers printed.

The figures are law (220-22, 220-26, 43-16), so they stand in the step they belong to, with their clause:

    meeting:       {quorum: {residents: 2/3, least: 9, clause: 220-22}, prints: [review_minutes]}
    county_review: {sample: {rate: 30, all_when: [kin, doubt, complaint], clause: 220-26}}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuodi.policy.faults import did_you_mean
from tuodi.policy.reader import Reader
from tuodi.policy.yamltext import Map

__all__ = ["FORM_LABELS", "Quorum", "Sample", "read_by_when", "read_prints", "read_quorum", "read_sample"]

#: Forms a step may print; the room `documents` sets each of them under this name.
FORM_LABELS: Mapping[str, str] = {
    "application_form": "申请审批表",
    "consent_form": "家庭经济状况核对授权书",
    "home_visit": "入户调查表",
    "review_minutes": "民主评议记录",
    "notice_sheet": "公示单",
    "decision_notice": "决定告知书",
    "change_notice": "变更告知书",
    "stop_notice": "停止告知书",
    "case_file": "卷宗",
}

_FRACTION = re.compile(r"([1-9]\d{0,2})\s*/\s*([1-9]\d{0,2})\Z")


@dataclass(frozen=True, slots=True)
class Quorum:
    """Who must be at a democratic review.

    Attributes:
        top, bottom: Residents' representatives are at least top/bottom of those who take part (2/3 by 220-22).
        least: Fewest people who must take part; 0 = the text names no number.
        clause: Instrument and article.
    """

    top: int
    bottom: int
    least: int = 0
    clause: str = ""

    def residents_needed(self, attendees: int) -> int:
        """Fewest residents' representatives among so many people: the exact fraction, rounded up."""
        return -(-attendees * self.top // self.bottom)

    @property
    def text(self) -> str:
        """``三分之二``-like wording with figures: ``不少于参加评议总人数的 2/3``."""
        return f"不少于参加评议总人数的 {self.top}/{self.bottom}"


@dataclass(frozen=True, slots=True)
class Sample:
    """How many cases the county must visit itself before it decides.

    Attributes:
        percent: At least so many of a hundred, drawn at random.
        all_when: Cases with one of these marks are visited without exception.
        clause: Instrument and article.
    """

    percent: int
    all_when: tuple[str, ...] = ()
    clause: str = ""

    def size(self, cases: int, percent: int | None = None) -> int:
        """How many of so many cases: rounded up, never below the text's own rate."""
        return -(-cases * max(self.percent, percent or 0) // 100)


def read_by_when(owner: Reader) -> tuple[tuple[str, str], ...]:
    """The step's ``by_when``: mark -> level, in the order written; empty after a fault."""
    node = owner.raw("by_when")
    if not isinstance(node, Map):
        owner.fault(f"{owner.what}的 by_when 应是 情形: 层级 的映射，例如 {{small: TOWN}}", owner.line_at("by_when"))
        return ()
    return tuple((str(mark), str(level)) for mark, level in node.items())


def read_quorum(owner: Reader) -> Quorum | None:
    """The step's ``quorum``; None after a fault."""
    r = Reader(owner.raw("quorum"), owner.file, owner.line_at("quorum"), f"{owner.what}的 quorum", owner.faults)
    written = r.text("residents", need=True)
    match = _FRACTION.match(written)
    least, clause = r.integer("least", 0), r.text("clause", need=True)
    r.text("note")
    r.text("quote")
    r.done()
    if not written or not clause:
        return None
    if match is None or int(match[1]) > int(match[2]):
        r.fault(f"{r.what}的 residents“{written}”应是不大于 1 的分数，例如 2/3", r.line_at("residents"))
        return None
    return Quorum(int(match[1]), int(match[2]), least, clause)


def read_sample(owner: Reader) -> Sample | None:
    """The step's ``sample``; None after a fault."""
    r = Reader(owner.raw("sample"), owner.file, owner.line_at("sample"), f"{owner.what}的 sample", owner.faults)
    percent, marks, clause = r.integer("rate", 0), r.names("all_when"), r.text("clause", need=True)
    r.text("note")
    r.text("quote")
    r.done()
    if not 1 <= percent <= 100:
        r.fault(f"{r.what}的 rate 是百分数，应在 1 到 100 之间", r.line_at("rate"))
        return None
    return Sample(percent, marks, clause) if clause else None


def read_prints(owner: Reader) -> tuple[str, ...]:
    """The step's ``prints``: names of forms; what is none of them is a fault."""
    forms = owner.names("prints")
    for form in forms:
        if form not in FORM_LABELS:
            owner.fault(
                f"{owner.what}要打印的“{form}”不是已有的文书{did_you_mean(form, FORM_LABELS)}；"
                f"可用：{'、'.join(FORM_LABELS)}",
                owner.line_at("prints"),
            )
    return forms


def quorum_from(row: Mapping[str, Any] | None) -> Quorum | None:
    """A quorum as a case's row keeps it; texts frozen before there were quorums have none."""
    return Quorum(**row) if row else None


def sample_from(row: Mapping[str, Any] | None) -> Sample | None:
    """A sample as a case's row keeps it."""
    return Sample(**{**row, "all_when": tuple(row["all_when"])}) if row else None
