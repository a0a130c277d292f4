"""Reads ``procedures`` blocks into typed texts, and merges the texts of a place with those above it.

A text with ``amends`` says only what differs from the text above; one without is complete. Merging never drops a
national demand silently: each departure becomes a :class:`Departure`, which the checker turns into a fault or warning
and the case page shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from tuodi.policy.faults import Fault, did_you_mean
from tuodi.policy.loader import PLACE_CODE, policy_files
from tuodi.policy.model import Where
from tuodi.policy.procedure import LEVEL_LABELS, MARK_LABELS, Does, Limit, Notice, Objection, Procedure, Step, Unit
from tuodi.policy.procedure_field import read_by_when, read_prints, read_quorum, read_sample
from tuodi.policy.reader import Reader, identifier_problem
from tuodi.policy.yamltext import Map, Seq, load_documents

__all__ = ["Block", "Departure", "Drop", "merge", "merge_full", "read_blocks", "stack_for"]


@dataclass(frozen=True, slots=True)
class Drop:
    """A step of the text above that this text leaves out, and on what ground."""

    clause: str
    note: str
    where: Where


@dataclass(frozen=True, slots=True)
class Block:
    """One text as written: a whole procedure, or what a place changes in the one above.

    Attributes:
        key: Its name. place, programme: Whose it is. start, end: Acceptance days it is for, both included.
        amends: Names of the upper texts its author looked at; empty = it is complete.
        total: Limits of the whole; None = as above.
        steps: Per step the fields written here.
        drop: Steps of the text above that are left out.
        step_lines: Where each step is written.
    """

    key: str
    label: str
    place: str
    programme: str
    start: date
    end: date
    amends: tuple[str, ...]
    clause: str
    note: str
    total: tuple[Limit, ...] | None
    marks: dict[str, str]
    steps: dict[str, dict[str, Any]]
    drop: dict[str, Drop]
    where: Where
    step_lines: dict[str, Where] = field(default_factory=dict)
    stop_in_notice: bool | None = None  # None = as above
    stop_for_materials: bool | None = None  # likewise

    def in_force(self, day: date) -> bool:
        """Whether cases accepted on this day fall under it."""
        return self.start <= day <= self.end


@dataclass(frozen=True, slots=True)
class Departure:
    """One point where a local text departs from the one above.

    Attributes:
        kind: ``dropped``, ``longer``, ``restarted`` (counted from another step), ``moved`` (another level), ``shorter_notice``, ``fewer_people``.
        text: The Chinese sentence, complete with both clauses.
        clause: The local ground; empty = none named.
        where: The line to mend.
    """

    kind: str
    text: str
    clause: str
    where: Where


def read_blocks(dirs: Sequence[Path]) -> tuple[list[Block], dict[str, str], list[Fault]]:
    """All procedure texts below the folders, the kinds of the instruments declared there, and the faults met."""
    faults: list[Fault] = []
    instruments: dict[str, str] = {}
    found: dict[tuple[str, str, str], Block] = {}
    for folder in dirs:
        seen: dict[tuple[str, str, str], Block] = {}
        for path, name in policy_files([folder]):
            try:
                content = path.read_bytes()
            except OSError:  # the reader of words and values says so
                continue
            # Most files hold neither block; a look at the bytes is a hundred times cheaper than parsing them.
            if b"procedures:" not in content and b"instruments:" not in content:
                continue
            for document in load_documents(path, faults, name=name):
                _instruments(document, instruments)
                for block in _document(document, name, faults):
                    ident = (block.place, block.programme, block.key)
                    if ident in seen:
                        other = seen[ident].where
                        message = f"程序“{block.key}”重复，前一处在 {other.file}:{other.line}；请合并或改名"
                        faults.append(Fault(name, block.where.line, message))
                    seen[ident] = block
        found.update(seen)
    return list(found.values()), instruments, faults


def _instruments(document: Map, out: dict[str, str]) -> None:
    declared = document.get("instruments")
    if isinstance(declared, Map):
        for name, body in declared.items():
            out[name] = str(body.get("kind", "normative")) if isinstance(body, Map) else "normative"


def _document(document: Map, file: str, faults: list[Fault]) -> list[Block]:
    node = document.get("procedures")
    if node is None:
        return []
    pack = document.get("pack")
    place = str(pack.get("place", "cn")) if isinstance(pack, Map) else "cn"
    programme = str(pack.get("programme", "")) if isinstance(pack, Map) else ""
    if not PLACE_CODE.fullmatch(place):
        return []  # the pack reader reports it
    if not isinstance(node, Map):
        faults.append(Fault(file, document.lines["procedures"], "procedures 应是 名字 → 程序 的映射"))
        return []
    blocks: list[Block] = []
    for key, body in node.items():
        blocks += _block(key, body, file, node.lines[key], place, programme, faults)
    return blocks


def _block(key: str, node: Any, file: str, line: int, place: str, programme: str, faults: list[Fault]) -> list[Block]:
    r = Reader(node, file, line, f"程序“{key}”", faults)
    r.line = line
    programmes = r.names("programmes") or ((programme,) if programme else ())
    if not programmes:
        r.fault(f"{r.what}没有说明是哪个项目；在 pack 里写 programme，或在这里写 programmes: [dibao, …]")
        return []
    marks_node = r.raw("marks")
    marks = {str(k): str(v) for k, v in marks_node.items()} if isinstance(marks_node, Map) else {}
    if marks_node is not None and not isinstance(marks_node, Map):
        r.fault(f"{r.what}的 marks 应是 名字: 中文名称 的映射", r.line_at("marks"))
    steps: dict[str, dict[str, Any]] = {}
    lines: dict[str, Where] = {}
    steps_node = r.raw("steps")
    if steps_node is not None and not isinstance(steps_node, Map):
        r.fault(f"{r.what}的 steps 应是 名字 → 步骤 的映射", r.line_at("steps"))
    elif isinstance(steps_node, Map):
        for step_id, body in steps_node.items():
            at = steps_node.lines[step_id]
            problem = identifier_problem(step_id)
            if problem:
                faults.append(Fault(file, at, f"{r.what}的步骤“{step_id}”：{problem}"))
                continue
            steps[step_id] = _step_fields(step_id, body, file, at, r.what, faults)
            lines[step_id] = Where(file, at)
    block = Block(
        key=key,
        label=r.text("label"),
        place=place,
        programme="",
        start=r.start(),
        end=r.end(),
        amends=r.names("amends"),
        clause=r.text("clause", need=True),
        note=" ".join(t for t in (r.text("note"), r.text("quote")) if t),
        total=_limits(r, "total") if r.has("total") else None,
        marks=marks,
        steps=steps,
        drop=_drops(r),
        where=Where(file, line),
        step_lines=lines,
        stop_in_notice=r.flag("stop_in_notice") if r.has("stop_in_notice") else None,
        stop_for_materials=r.flag("stop_for_materials") if r.has("stop_for_materials") else None,
    )
    r.choice("precision", ("day", "month", "year"))
    r.done()
    if block.end < block.start:
        r.fault(f"{r.what}的 to 早于 from；请核对日期", r.line_at("to"))
    if not block.amends and not block.steps:
        r.fault(f"{r.what}没有步骤；写 steps，或写 amends 说明改的是上级哪一份程序")
    if not block.amends and not block.label:
        r.fault(f"{r.what}缺少“label”（中文名称）")
    return [replace(block, programme=name) for name in programmes]


def _drops(r: Reader) -> dict[str, Drop]:
    node = r.raw("drop")
    if node is None:
        return {}
    if not isinstance(node, Map):
        r.fault(f"{r.what}的 drop 应是 步骤: {{clause: …}} 的映射，写明取消的依据", r.line_at("drop"))
        return {}
    drops: dict[str, Drop] = {}
    for name, body in node.items():
        line = node.lines[name]
        entry = Reader(body, r.file, line, f"{r.what}取消的步骤“{name}”", r.faults)
        note = " ".join(t for t in (entry.text("quote"), entry.text("note")) if t)
        drops[name] = Drop(entry.text("clause", need=True), note, Where(r.file, line))
        entry.done()
    return drops


_STEP_KEYS = frozenset(
    [
        "label",
        "does",
        "by",
        "by_when",
        "duty",
        "after",
        "parallel_with",
        "when",
        "only_if",
        "optional",
        "delegable",
        "people",
        "limit",
        "start_within",
        "notice",
        "objection",
        "quorum",
        "sample",
        "prints",
        "clause",
        "note",
        "quote",
    ]
)


def _step_fields(step_id: str, node: Any, file: str, line: int, owner: str, faults: list[Fault]) -> dict[str, Any]:
    """The fields of :class:`Step` that are written for this step; absent keys stay absent (= as above)."""
    r = Reader(node, file, line, f"{owner}的步骤“{step_id}”", faults)
    out: dict[str, Any] = {}
    for name in ("label", "by", "duty", "only_if", "clause"):
        if r.has(name):
            out[name] = r.text(name)
    note = " ".join(t for t in (r.text("note"), r.text("quote")) if t)
    if note:
        out["note"] = note
    if r.has("does"):
        does = r.choice("does", [kind.value for kind in Does])
        if does:
            out["does"] = Does(does)
    for name in ("after", "parallel_with", "when", "delegable"):
        if r.has(name):
            out[name] = r.names(name)
    if r.has("by_when"):
        out["by_when"] = read_by_when(r)
    if r.has("optional"):
        out["optional"] = r.flag("optional")
    if r.has("people"):
        out["people"] = r.integer("people", 1)
    if r.has("limit"):
        out["limits"] = _limits(r, "limit")
    if r.has("start_within"):
        out["start_within"] = _limits(r, "start_within")
    readers: dict[str, Callable[[Reader], Any]] = {"notice": _notice, "objection": _objection}
    readers |= {"quorum": read_quorum, "sample": read_sample, "prints": read_prints}
    for name, read in readers.items():
        if r.has(name):
            out[name] = read(r)
    r.taken |= _STEP_KEYS  # so that a misspelt key is told what it may have meant
    r.done()
    return out


def _limits(r: Reader, key: str) -> tuple[Limit, ...]:
    node = r.raw(key)
    entries = list(node) if isinstance(node, Seq) else [node]
    return tuple(limit for entry in entries if (limit := _limit(r, key, entry)) is not None)


def _limit(owner: Reader, key: str, node: Any) -> Limit | None:
    r = Reader(node, owner.file, owner.line_at(key), f"{owner.what}的“{key}”", owner.faults)
    n = r.integer("n", 0)
    unit = r.text("unit", need=True)
    limit = None
    if unit and unit not in [member.value for member in Unit]:
        options = "、".join(Unit)
        r.fault(f"{r.what}的单位“{unit}”不认识{did_you_mean(unit, list(Unit))}；可用：{options}", r.line_at("unit"))
    elif n < 1:
        r.fault(f"{r.what}的 n 应是不小于 1 的整数", r.line_at("n"))
    elif unit:
        note = " ".join(t for t in (r.text("note"), r.text("quote")) if t)
        limit = Limit(n, Unit(unit), r.text("since"), r.names("when"), r.flag("roll"), r.text("clause"), note)
        if not limit.clause:
            r.fault(f"{r.what}（{limit.text}）没有条款（clause）；查不到出处就不要写期限")
    for name in ("n", "unit", "since", "when", "roll", "clause", "note", "quote"):
        r.taken.add(name)
    r.done()
    return limit


#: What a notice may show. Nothing sensitive is on the list, so nothing sensitive can be asked for ([57] art 24).
NOTICE_CONTENT = ("applicant_name", "member_count", "amount", "programme", "village", "period", "phone", "opinion")
_NEVER = ("id_no", "account", "address", "illness", "disability", "member_names", "minor_names", "income")


def _notice(owner: Reader) -> Notice | None:
    r = Reader(owner.raw("notice"), owner.file, owner.line_at("notice"), f"{owner.what}的公示", owner.faults)
    content = r.names("content")
    for item in content:
        if item in _NEVER:
            r.fault(f"{r.what}不得公开“{item}”：只能公开 {'、'.join(NOTICE_CONTENT)}", r.line_at("content"))
        elif item not in NOTICE_CONTENT:
            r.fault(f"{r.what}的内容“{item}”不认识{did_you_mean(item, NOTICE_CONTENT)}", r.line_at("content"))
    if r.text("days") in ("", "长期"):
        days = 0  # only a publication may stand without end; the checker says so
    else:
        days = r.integer("days", 0)
    notice = Notice(
        r.choice("stage", ("review", "approval", "result"), "review"),
        days,
        r.names("where"),
        content,
        r.flag("roll"),
        r.flag("mask_name"),
    )
    if not notice.where:
        r.fault(f"{r.what}没有写张贴地点（where）")
    r.done()
    return notice


def _objection(owner: Reader) -> Objection:
    r = Reader(owner.raw("objection"), owner.file, owner.line_at("objection"), f"{owner.what}的异议处理", owner.faults)
    limits = _limits(r, "limit") if r.has("limit") else ()
    back_to, again, clause = r.text("back_to", need=True), r.flag("new_notice", True), r.text("clause", need=True)
    r.done()
    return Objection(back_to, limits[0] if limits else None, again, clause)


# ---- choosing and merging


def stack_for(blocks: Sequence[Block], chain: Sequence[str], programme: str, day: date) -> list[Block]:
    """The texts of a case, nearest first, ending with the first complete one."""
    stack: list[Block] = []
    for place in chain:
        here = [b for b in blocks if b.place == place and b.programme == programme and b.in_force(day)]
        # In one place a later text may amend an earlier one that stays in force: both count, the later first.
        for block in sorted(here, key=lambda block: block.start, reverse=True):
            if stack and stack[-1].place == place and block.key not in stack[-1].amends:
                continue
            stack.append(block)
            if not block.amends:
                return stack
    return stack


def merge(stack: Sequence[Block]) -> Procedure:
    """The procedure of a stack that has passed the checks."""
    return merge_full(stack)[0]


def merge_full(stack: Sequence[Block]) -> tuple[Procedure, list[Departure], dict[str, Where]]:
    """Merge texts, nearest first: the procedure, its departures from the texts above, and where each step stands."""
    root = stack[-1]
    steps = {name: _new_step(name, fields) for name, fields in root.steps.items()}
    lines = {name: root.step_lines[name] for name in steps}
    total = root.total or ()
    marks = {**MARK_LABELS, **root.marks}
    departures: list[Departure] = []
    for block in reversed(stack[:-1]):
        steps, found = _amend(steps, block)
        departures += found
        lines = {**lines, **block.step_lines}
        marks |= block.marks
        if block.total is not None:
            departures += _longer("全程", block.total, total, block.clause, block.where)
            total = block.total
    near = stack[0]
    procedure = Procedure(
        key=near.key,
        label=near.label or root.label,
        programme=near.programme,
        place=near.place,
        texts=tuple(block.key for block in stack),
        start=near.start,
        end=near.end,
        total=total,
        marks=tuple(marks.items()),
        steps=_ordered(steps),
        warnings=tuple(departure.text for departure in departures),
        clause=near.clause,
        note=near.note,
        stop_in_notice=next((b.stop_in_notice for b in stack if b.stop_in_notice is not None), False),
        stop_for_materials=next((b.stop_for_materials for b in stack if b.stop_for_materials is not None), False),
    )
    return procedure, departures, {name: lines[name] for name in steps if name in lines}


def _new_step(name: str, fields: dict[str, Any]) -> Step:
    defaults = {"label": name, "does": Does.RECORD, "by": "", "duty": ""}
    return Step(id=name, **{**defaults, **fields})


def _amend(steps: dict[str, Step], block: Block) -> tuple[dict[str, Step], list[Departure]]:
    out = dict(steps)
    departures: list[Departure] = []
    for name, drop in block.drop.items():
        old = out.pop(name, None)
        if old is None:
            continue  # the checker says so if no amended text has it
        for waiting in [s for s in out.values() if name in s.after]:
            # What waited for the dropped step now waits for what that one waited for.
            rest = [other for other in waiting.after if other != name]
            out[waiting.id] = replace(waiting, after=tuple(dict.fromkeys([*rest, *old.after])))
        for timed in list(out.values()):
            # A limit that ran from the dropped step runs from the moment its own step opens.
            limits = tuple(replace(one, since="") if one.since == name else one for one in timed.limits)
            begin = tuple(replace(one, since="") if one.since == name else one for one in timed.start_within)
            if (limits, begin) != (timed.limits, timed.start_within):
                out[timed.id] = replace(timed, limits=limits, start_within=begin)
        if old.clause and not old.optional:
            ground = f"本地取消，依据 {drop.clause}" + (f"「{drop.note}」" if drop.note else "")
            text = f"国家规定的步骤“{old.label}”（{old.clause}）{ground}。"
            departures.append(Departure("dropped", text, drop.clause, drop.where))
    for name, fields in block.steps.items():
        where = block.step_lines[name]
        base = out.get(name)
        if base is None:
            # Without `does` it is a change to a step that this upper text does not have; another one may.
            if "does" in fields:
                out[name] = _new_step(name, fields)
            continue
        step: Step = replace(base, **fields)
        if "parallel_with" in fields and "after" not in fields:
            # 同步进行: it no longer waits for the step it now runs beside, only for what that one waits for.
            kept = [other for other in base.after if other not in step.parallel_with]
            for other in step.parallel_with:
                if other in out and other in base.after:
                    kept += out[other].after
            step = replace(step, after=tuple(dict.fromkeys(kept)))
            # Whoever waited for this step waited for the other one too, and still does.
            freed = tuple(other for other in base.after if other in step.parallel_with)
            for waiting in [s for s in out.values() if name in s.after]:
                out[waiting.id] = replace(waiting, after=tuple(dict.fromkeys((*freed, *waiting.after))))
        out[name] = step
        departures += _departures(base, step, fields.get("clause") or block.clause, where)
    return out, departures


def _departures(base: Step, step: Step, clause: str, where: Where) -> list[Departure]:
    found: list[Departure] = []
    if step.by != base.by and step.by not in base.delegable:
        old, new = LEVEL_LABELS.get(base.by, base.by), LEVEL_LABELS.get(step.by, step.by)
        text = f"步骤“{step.label}”国家规定由{old}办理（{base.clause}），本地由{new}办理，依据 {clause}。"
        found.append(Departure("moved", text, clause, where))
    found += _longer(f"步骤“{step.label}”", step.limits, base.limits, clause, where)
    if base.notice and step.notice and step.notice.days < base.notice.days:
        text = f"步骤“{step.label}”国家规定公示 {base.notice.days} 日（{base.clause}），本地公示 {step.notice.days} 日，依据 {clause}。"
        found.append(Departure("shorter_notice", text, clause, where))
    if step.people < base.people:
        text = f"步骤“{step.label}”国家规定不少于 {base.people} 人（{base.clause}），本地为 {step.people} 人，依据 {clause}。"
        found.append(Departure("fewer_people", text, clause, where))
    return found


def _longer(what: str, limits: Sequence[Limit], base: Sequence[Limit], clause: str, where: Where) -> list[Departure]:
    """Limits that give more time than the ones above, compared for equal marks."""
    found: list[Departure] = []
    for limit in limits:
        for old in base:
            if set(old.when) != set(limit.when):
                continue
            if limit.since != old.since:
                text = f"{what}期限 {limit.text} 的起算点与上级规定（{old.text}，{old.clause}）不同，依据 {limit.clause or clause}。"
                found.append(Departure("restarted", text, limit.clause or clause, where))
            elif limit.longer_than(old):
                text = f"{what}期限 {limit.text} 长于上级规定的 {old.text}（{old.clause}），依据 {limit.clause or clause}。"
                found.append(Departure("longer", text, limit.clause or clause, where))
    return found


def _ordered(steps: dict[str, Step]) -> tuple[Step, ...]:
    """Steps so that each comes after those it waits for, else as written. A circle is left as written, at the end."""
    left = dict(steps)
    done: list[Step] = []
    while left:
        ready = next((s for s in left.values() if not any(name in left for name in s.after)), None)
        if ready is None:
            done += left.values()
            break
        done.append(left.pop(ready.id))
    return tuple(done)
