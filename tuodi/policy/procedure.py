"""Procedures as data: steps, who does them, limits and notices, chosen by the day a case was accepted.

One :class:`Procedure` is the text one case runs under from beginning to end. It is read from the ``procedures``
blocks of ``policies/`` (see ``docs/procedure.md``), merged from the nation down to the case's place, frozen as JSON
in the case's row, and read back from there: a later change of the files never touches a running case.

This module holds the words and the look-up. Reading, merging and checking are in ``procedure_load`` and
``procedure_check``; which step is open and when it is due is the engine's business in ``tuodi.cases``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuodi.kernel.errors import TuodiError
from tuodi.kernel.workdays import Unit
from tuodi.policy.faults import Fault, PolicyErrors
from tuodi.policy.procedure_field import FORM_LABELS, Quorum, Sample, quorum_from, sample_from

if TYPE_CHECKING:
    from tuodi.policy.procedure_load import Block

__all__ = [
    "DUTY_LABELS",
    "FORM_LABELS",
    "LEVEL_LABELS",
    "MARK_LABELS",
    "Does",
    "Limit",
    "NoProcedureError",
    "Notice",
    "Objection",
    "Procedure",
    "Procedures",
    "Quorum",
    "Sample",
    "Step",
    "Unit",
    "faults_in",
    "load",
    "place_chain",
]

#: Administrative levels a step may be given to.
LEVEL_LABELS: Mapping[str, str] = {
    "VILL": "村（社区）",
    "TOWN": "乡镇（街道）",
    "COUN": "县（区）",
    "PREF": "市（州）",
    "PROV": "省",
}

#: Duties a step may need; the codes are those of ``org``.
DUTY_LABELS: Mapping[str, str] = {
    "accept": "受理",
    "review": "初审",
    "visit": "入户",
    "confirm": "确认",
    "file": "备案",
}

#: Circumstances a case may be marked with, which steps and limits may depend on. A procedure may declare more.
MARK_LABELS: Mapping[str, str] = {
    "kin": "经办人员或村（居）委会成员近亲属",
    "objection": "有异议",
    "complaint": "被投诉举报",
    "doubt": "有疑问",
    "split_hukou": "人户分离",
    "cross_place": "异地申请",
    "hard": "家庭经济状况调查难度较大",
    "emergency": "发生重大突发事件",
    "delegated": "审核确认权限已下放到乡镇（街道）",  # set by the engine from the text itself
}


class Does(StrEnum):
    """What a step does: the product has code for each kind; a region combines them freely."""

    ACCEPT = "accept"  # 受理: starts the clock, exactly one, first
    CHECK = "check"  # 信息核对
    VISIT = "visit"  # 入户调查
    ASSESS = "assess"  # 生活自理能力评估
    MEETING = "meeting"  # 民主评议
    REVIEW = "review"  # 审核，提出初审意见
    NOTICE = "notice"  # 公示，可提异议
    CONFIRM = "confirm"  # 确认 / 审批，exactly one: makes the determination
    PUBLISH = "publish"  # 公布结果，不再受理公示异议
    INFORM = "inform"  # 书面告知
    FILE = "file"  # 备案
    RECORD = "record"  # any other recorded opinion, a region's own step


#: Rough hours of one unit: only to tell which of two limits in different units is the longer.
_HOURS: Mapping[Unit, int] = {
    Unit.HOUR: 1,
    Unit.DAY: 24,
    Unit.WORKDAY: 34,
    Unit.MONTH: 30 * 24,
    Unit.NEXT_MONTH: 31 * 24,
    Unit.YEAR: 365 * 24,
}


@dataclass(frozen=True, slots=True)
class Limit:
    """A time limit.

    Attributes:
        n: How many units; at least 1.
        unit: Working days, calendar days, months, years, hours, or 次月 (by the n-th day of the following month).
        since: Step whose completion starts the clock; empty = the moment the step opens (for a total: acceptance).
        when: Marks of which one must be set for this limit to apply; empty = always.
        roll: The last day moves on when it is a legal day off.
        clause: Instrument and article.
        note: What a reader of the case page should know, for example how an unclear unit was read.
    """

    n: int
    unit: Unit
    since: str = ""
    when: tuple[str, ...] = ()
    roll: bool = False
    clause: str = ""
    note: str = ""

    @property
    def text(self) -> str:
        """``10个工作日``, as a person reads it."""
        if self.unit is Unit.NEXT_MONTH:
            return f"次月{self.n}日前"
        return f"{self.n}{'' if self.unit in (Unit.DAY, Unit.YEAR) else '个'}{self.unit}"

    def longer_than(self, other: Limit) -> bool:
        """True if this limit gives clearly more time; different units are compared by rough length."""
        if self.unit is other.unit:
            return self.n > other.n
        return self.n * _HOURS[self.unit] > other.n * _HOURS[other.unit]


@dataclass(frozen=True, slots=True)
class Notice:
    """A public notice: where it hangs, for how long, what it may show.

    Attributes:
        stage: ``review`` (审核公示), ``approval`` (审批公示) or ``result`` (结果公布).
        days: Calendar days; the day after posting is day 1, open until the end of the last. 0 = 长期 (publications).
        where: Places it is put up, as words.
        content: What is shown, out of a closed list that holds nothing sensitive.
        roll: The last day moves on when it is a legal day off.
        mask_name: The applicant's name is shown masked (欧阳*); [57] art 24 asks for the name, so default no.
    """

    stage: str
    days: int
    where: tuple[str, ...]
    content: tuple[str, ...]
    roll: bool = False
    mask_name: bool = False


@dataclass(frozen=True, slots=True)
class Objection:
    """What an objection to a notice reopens.

    Attributes:
        back_to: Step from which the work is done again, in a new round.
        limit: Time for it; None = the law gives none.
        new_notice: The notice is posted again afterwards.
        clause: Instrument and article.
    """

    back_to: str
    limit: Limit | None
    new_notice: bool
    clause: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a procedure.

    Attributes:
        id: Short name, stable across versions: ``first_review``.
        label: 中文名称.
        does: Kind of work.
        by: Level whose office does it. by_when: (mark, level) pairs: whose instead, in cases with the mark.
        duty: Duty the person needs.
        after: Steps that must be done or skipped before it opens. Empty only for the acceptance.
        parallel_with: Steps that run at the same time; a promise the checker holds the text to.
        when: Marks of which one must be set, else the step is skipped. Empty = always.
        only_if: ``passed`` or ``refused``: only after that decision; empty = either.
        optional: May be left out by the person in charge, with a reason.
        delegable: Levels the law allows the work to be handed to.
        people: How many persons must do it together.
        start_within: Limits for beginning; the first whose ``when`` fits counts, one without ``when`` is the rule.
        limits: Limits for finishing, likewise.
        notice: For ``notice`` and ``publish``.
        objection: For ``notice``.
        quorum: For ``meeting``. sample: On the step in which the county checks before it decides.
        prints: Forms printed here, by the names of FORM_LABELS.
        clause: Instrument and article that ask for the step; empty = a local addition without one.
        note: Shown on the case page.
    """

    id: str
    label: str
    does: Does
    by: str
    duty: str
    after: tuple[str, ...] = ()
    parallel_with: tuple[str, ...] = ()
    when: tuple[str, ...] = ()
    only_if: str = ""
    optional: bool = False
    delegable: tuple[str, ...] = ()
    people: int = 1
    start_within: tuple[Limit, ...] = ()
    limits: tuple[Limit, ...] = ()
    notice: Notice | None = None
    objection: Objection | None = None
    clause: str = ""
    note: str = ""
    quorum: Quorum | None = None
    sample: Sample | None = None
    by_when: tuple[tuple[str, str], ...] = ()
    prints: tuple[str, ...] = ()

    def level(self, marks: Iterable[str] = ()) -> str:
        """Level that does the step in a case with these marks: the first mark of `by_when` that is set, else `by`."""
        have = set(marks)
        return next((level for mark, level in self.by_when if mark in have), self.by)

    def limit(self, marks: Iterable[str] = ()) -> Limit | None:
        """The limit for finishing that applies to a case with these marks."""
        return pick(self.limits, marks)

    def start_limit(self, marks: Iterable[str] = ()) -> Limit | None:
        """The limit for beginning that applies to a case with these marks."""
        return pick(self.start_within, marks)

    @property
    def who(self) -> str:
        """``乡镇（街道）·初审``."""
        return f"{LEVEL_LABELS.get(self.by, self.by)}·{DUTY_LABELS.get(self.duty, self.duty)}"


@dataclass(frozen=True, slots=True)
class Procedure:
    """The text one case runs under.

    Attributes:
        key: Name of the nearest text it came from.
        label: 中文名称.
        programme: ``dibao``, ``tekun`` …
        place: Place of the nearest text: significant digits or ``cn``.
        texts: Names of all texts merged, nearest first.
        start, end: First and last acceptance day the nearest text is for.
        total: Limits for the whole, from acceptance to decision; chosen like a step's.
        marks: Marks cases under it may carry, with labels.
        steps: In the order they are shown, which is an order in which they can be done.
        stop_in_notice: The clock of the whole stands still while a notice hangs; a regional switch, off by default.
        stop_for_materials: Clocks stand still while the family is waited for with papers; likewise.
        warnings: Sentences about national rules the local text departs from; shown on every case page.
        clause: Instrument and article of the nearest text.
        note: Shown on the case page.
    """

    key: str
    label: str
    programme: str
    place: str
    texts: tuple[str, ...]
    start: date
    end: date
    total: tuple[Limit, ...]
    marks: tuple[tuple[str, str], ...]
    steps: tuple[Step, ...]
    warnings: tuple[str, ...] = ()
    clause: str = ""
    note: str = ""
    stop_in_notice: bool = False
    stop_for_materials: bool = False

    def step(self, step_id: str) -> Step:
        """The step of this name. Raises KeyError if there is none."""
        for step in self.steps:
            if step.id == step_id:
                return step
        raise KeyError(step_id)

    def first(self, does: Does) -> Step | None:
        """The first step of a kind, or None."""
        return next((step for step in self.steps if step.does is does), None)

    @property
    def approver(self) -> str:
        """Level that confirms: ``COUN`` or ``TOWN``."""
        return self.approver_for(())

    def approver_for(self, marks: Iterable[str]) -> str:
        """Level that confirms a case with these marks (small sums of temporary relief go to the township)."""
        confirm = self.first(Does.CONFIRM)
        return confirm.level(marks) if confirm else ""

    def total_limit(self, marks: Iterable[str] = ()) -> Limit | None:
        """The limit of the whole that applies to a case with these marks."""
        return pick(self.total, marks)

    def from_step(self, step_id: str) -> tuple[Step, ...]:
        """The step and all that come after it, in order: what an objection reopens."""
        wanted = {step_id}
        for step in self.steps:
            if wanted.intersection(step.after):
                wanted.add(step.id)
        return tuple(step for step in self.steps if step.id in wanted)

    def to_json(self) -> dict[str, Any]:
        """A plain tree for the case's row; ``from_json`` gives the same procedure back."""
        tree: dict[str, Any] = json.loads(json.dumps(asdict(self), default=str, ensure_ascii=False))
        return tree

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Procedure:
        """Read what ``to_json`` wrote."""
        fields = dict(data)
        fields["start"], fields["end"] = date.fromisoformat(data["start"]), date.fromisoformat(data["end"])
        fields["texts"] = tuple(data["texts"])
        fields["warnings"] = tuple(data["warnings"])
        fields["marks"] = tuple((mark, label) for mark, label in data["marks"])
        fields["total"] = tuple(_limit(row) for row in data["total"])
        fields["steps"] = tuple(_step(row) for row in data["steps"])
        return cls(**fields)

    @property
    def hash(self) -> str:
        """SHA-256 over the canonical JSON: equal texts have equal hashes, wherever the files lie."""
        text = json.dumps(self.to_json(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def pick(limits: Sequence[Limit], marks: Iterable[str]) -> Limit | None:
    """The limit that applies: the first with a mark that is set, else the one without marks, else None."""
    have = set(marks)
    for limit in limits:
        if limit.when and have.intersection(limit.when):
            return limit
    return next((limit for limit in limits if not limit.when), None)


class NoProcedureError(TuodiError):
    """No text is in force for this place, programme and day."""

    code = "policy.no_procedure"

    def __init__(self, place: str, programme: str, accepted_on: date) -> None:
        super().__init__(
            f"没有适用的办理程序：地区 {place}，项目 {programme}，受理日期 {accepted_on}。"
            "请在 policies 中该地区或上级的 procedure 文件里补一份当时有效的程序。",
            place=place,
            programme=programme,
            accepted_on=accepted_on,
        )


def place_chain(place: str) -> list[str]:
    """A place and those above it, nearest first: ``420802001`` -> itself, 420802, 4208, 42, cn.

    Works on the code alone, also for standard areas (``4208Z1001``). Callers that know a place's predecessors
    give their own chain.
    """
    if place == "cn":
        return ["cn"]
    cuts = [length for length in (12, 9, 6, 4, 2) if length < len(place)]
    return [place, *(place[:length] for length in cuts), "cn"]


class Procedures:
    """All texts that were loaded.

    Built by :func:`load`. ``warnings`` lists (file, line, sentence) for departures from national rules.
    """

    def __init__(self, blocks: Sequence[Block], warnings: Sequence[Fault]) -> None:
        self.blocks = tuple(blocks)
        self.warnings = tuple(warnings)
        self._done: dict[tuple[str, ...], Procedure] = {}

    def for_case(
        self, place: str, programme: str, accepted_on: date, *, chain: Sequence[str] | None = None
    ) -> Procedure:
        """The procedure of a case, by its place, programme and day of acceptance.

        Args:
            place: Significant digits (``420802001``), ``cn``, or a standard area's code.
            programme: ``dibao``, ``tekun`` …
            accepted_on: The day of acceptance, which alone picks the text.
            chain: Places to look at, nearest first; default by the code.

        Raises:
            NoProcedureError: No text is in force.
        """
        from tuodi.policy.procedure_load import merge, stack_for

        stack = stack_for(self.blocks, list(chain or place_chain(place)), programme, accepted_on)
        if not stack or stack[-1].amends:
            raise NoProcedureError(place, programme, accepted_on)
        names = tuple(f"{block.place}/{block.key}/{block.start}" for block in stack)
        if names not in self._done:
            self._done[names] = merge(stack)
        return self._done[names]


def faults_in(source: Path | str | Sequence[Path | str]) -> list[Fault]:
    """Every fault and warning of the procedures below one or more folders, for `tuodi policy check`."""
    return _read(source)[1]


def load(source: Path | str | Sequence[Path | str]) -> Procedures:
    """Read, merge and check all procedures below one or more folders.

    Args:
        source: Folder or folders of packs. A later folder overlays: a text of the same place, programme and name
            replaces the earlier one.

    Raises:
        PolicyErrors: With every fault of every file.
    """
    blocks, faults = _read(source)
    errors = [fault for fault in faults if fault.severity == "error"]
    if errors:
        raise PolicyErrors(errors)
    return Procedures(blocks, [fault for fault in faults if fault.severity == "warning"])


def _read(source: Path | str | Sequence[Path | str]) -> tuple[list[Block], list[Fault]]:
    from tuodi.policy.procedure_check import check
    from tuodi.policy.procedure_load import read_blocks

    dirs = [Path(source)] if isinstance(source, str | Path) else [Path(entry) for entry in source]
    blocks, instruments, faults = read_blocks(dirs)
    return blocks, [*faults, *check(blocks, instruments)]


def _limit(row: Mapping[str, Any]) -> Limit:
    return Limit(**{**row, "unit": Unit(row["unit"]), "when": tuple(row["when"])})


def _step(row: Mapping[str, Any]) -> Step:
    fields = dict(row)
    for name in ("after", "parallel_with", "when", "delegable", "prints"):
        fields[name] = tuple(row.get(name, ()))  # texts frozen before a key was known lack it
    fields["does"] = Does(row["does"])
    fields["limits"] = tuple(_limit(entry) for entry in row["limits"])
    fields["start_within"] = tuple(_limit(entry) for entry in row["start_within"])
    if row["notice"]:
        entry = row["notice"]
        fields["notice"] = Notice(**{**entry, "where": tuple(entry["where"]), "content": tuple(entry["content"])})
    if row["objection"]:
        entry = row["objection"]
        limit = _limit(entry["limit"]) if entry["limit"] else None
        fields["objection"] = Objection(**{**entry, "limit": limit})
    fields["by_when"] = tuple((mark, level) for mark, level in row.get("by_when", ()))
    fields["quorum"], fields["sample"] = quorum_from(row.get("quorum")), sample_from(row.get("sample"))
    return Step(**fields)
