"""Clue rules: which rows of a register are worth a person's look, how they are treated, and by when. Dated, per place.

A clue rule points at a yes/no rule of the rule language and says what the answer means: severity by programme, evidence a
verdict needs, outcomes allowed, what a confirmation does, time limit. A lower place writes the same code again and states
only what differs there, or switches it off.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tuodi.kernel.workdays import Unit
from tuodi.policy.faults import Fault, Where, did_you_mean
from tuodi.policy.model import FOREVER, LEVEL_ROOT
from tuodi.policy.procedure import Limit
from tuodi.policy.reader import Reader
from tuodi.policy.values import clause_instrument
from tuodi.policy.yamltext import Map, Seq, Text

if TYPE_CHECKING:
    from tuodi.policy.model import Draft

__all__ = [
    "DOES", "OPENS", "OUTCOMES", "REGISTER", "SEVERITIES", "ClueRule", "ClueText", "check_clues", "clue_rules", "kind_of", "read_clue",
]  # fmt: skip

#: Collections of register rows are called by this and their kind: `reg_vehicle`.
REGISTER = "reg_"
SEVERITIES: Mapping[str, str] = {"R": "红色", "O": "橙色", "Y": "黄色"}
#: What may come of a confirmed clue.
OUTCOMES: Mapping[str, str] = {
    "stop": "停发", "decrease": "减发", "recover": "追回", "refer": "移送纪检监察", "keep": "说明后保留",
    "recompute": "重新核算", "file": "备案",
}  # fmt: skip
#: What a confirmation does at once.
DOES: Mapping[str, str] = {"suspend": "停保", "recompute": "重新核算", "note": "记录"}
#: What a confirmation opens beside it.
OPENS: Mapping[str, str] = {"death": "死亡减员"}
_BY_SEVERITY = {"R": "suspend", "O": "recompute", "Y": "note"}
#: The rest: every programme, or every class, that is not named.
OTHER = "other"
#: In a severity grid: the rule raises nothing there.
NONE = "none"
_CODE = re.compile(r"[A-Z][A-Z0-9_]{1,39}")
_NEEDED = ("label", "rule", "severity", "outcomes", "default_action", "deadline", "clause")
_DEADLINE_UNITS = {str(u): u for u in (Unit.WORKDAY, Unit.DAY, Unit.MONTH)}


def kind_of(level: str) -> str:
    """`reg_vehicle` -> `vehicle`; empty for other levels."""
    return level[len(REGISTER) :] if level.startswith(REGISTER) else ""


@dataclass(frozen=True)
class ClueText:
    """One dated writing of a clue rule in one place: only what is written there."""

    code: str
    place: str
    start: date
    end: date
    given: Mapping[str, Any]
    where: Where


@dataclass(frozen=True)
class ClueRule:
    """A clue rule as it holds for a place on a day.

    Attributes:
        rule: full name of the yes/no rule. At level `reg_<kind>` each true row is a clue; at `members` each true person; at
            `household` each true family.
        level: the level of `rule`.
        kinds: registers whose rows are the fact; a family without a row in any of them is never looked at.
        identity: columns that make a row the same thing over time; empty = the profile's.
        watch: columns whose change makes it a new fact; empty = those the rule looks at.
        rows: yes/no rules at `reg_<kind>` that tell which rows the clue of a person or family rests on; empty = all of `kinds`.
        shows: rules whose values are kept with the clue, on the clue's level or above.
        severity: programme or `other` -> R, O, Y, `none`, or a class or `other` -> the same.
        stale: severity where every row is stale; empty: unchanged; `none`: such rows are counted and raise nothing.
        evidence: code -> label of what a verdict needs.
        on_confirmed: `suspend`, `recompute`, `note`, or empty: by severity.
        opens: `death`: a confirmation notes the death and opens its matter with the place's limit; empty: nothing.
        second_person: what was done is checked by somebody else before closing.
        place: the lowest place that wrote something about it.
    """

    code: str
    label: str
    rule: str
    level: str
    kinds: tuple[str, ...]
    identity: tuple[str, ...]
    watch: tuple[str, ...]
    rows: tuple[str, ...]
    shows: tuple[str, ...]
    severity: Mapping[str, Any]
    stale: str
    evidence: Mapping[str, str]
    outcomes: tuple[str, ...]
    default_action: str
    on_confirmed: str
    deadline: Limit
    second_person: bool
    clause: str
    place: str
    start: date
    where: Where
    note: str = ""
    opens: str = ""
    fingerprint: str = field(default="", compare=False)

    def severity_for(self, programme: str, family_class: str = "", *, stale: bool = False) -> str:
        """R, O or Y for a programme and class; empty if nothing is raised there."""
        found = self.severity.get(programme, self.severity.get(OTHER, NONE))
        if isinstance(found, Mapping):
            found = found.get(family_class, found.get(OTHER, NONE))
        if found == NONE:
            return ""
        if stale and self.stale:
            return "" if self.stale == NONE else self.stale
        return str(found)

    def confirmed(self, severity: str) -> str:
        """What a confirmation does: `suspend`, `recompute` or `note`."""
        return self.on_confirmed or _BY_SEVERITY[severity]

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(self.evidence)


# ---- reading


def _listed(r: Reader, key: str, options: Iterable[str] | None = None) -> tuple[str, ...]:
    """A list of words, or a mapping of which the keys count."""
    found = r.names(key)
    if options is not None:
        for name in found:
            if name not in options:
                r.fault(
                    f"{r.what}的“{key}”里有“{name}”，只能是 {'、'.join(options)}{did_you_mean(name, options)}",
                    r.line_at(key),
                )
    return found


def _severity(r: Reader) -> Mapping[str, Any]:
    body = r.raw("severity")
    allowed = (*SEVERITIES, NONE)

    def one(value: Any, at: str, line: int) -> str:
        text = str(value) if isinstance(value, Text) else "?"
        if text not in allowed:
            r.fault(f"{r.what}的级别“{at}”是“{text}”，只能是 R（停保）、O（重新核算）、Y（核实记录）或 none", line)
            return "Y"
        return text

    if isinstance(body, Text):
        return {OTHER: one(body, OTHER, body.line)}
    if not isinstance(body, Map) or not body:
        r.fault(f"{r.what}的 severity 应写成 项目: 级别，如 {{dibao: R, tekun: R, other: O}}", r.line_at("severity"))
        return {}
    out: dict[str, Any] = {}
    for name, value in body.items():
        line = body.lines[name]
        if isinstance(value, Map):
            out[name] = {k: one(v, f"{name}.{k}", value.lines[k]) for k, v in value.items()}
        else:
            out[name] = one(value, name, line)
    return out


def _evidence(r: Reader) -> Mapping[str, str]:
    body = r.raw("evidence")
    if isinstance(body, Map):
        return {k: str(v) for k, v in body.items()}
    if isinstance(body, Seq):
        r.fault(f"{r.what}的 evidence 应写成 代号: 名称，如 {{sale_contract: 转让合同}}", r.line_at("evidence"))
    return {}


def _deadline(r: Reader) -> Limit | None:
    body = Reader(r.raw("deadline"), r.file, r.line_at("deadline"), f"{r.what}的 deadline", r.faults)
    n, unit = body.integer("n", 0), body.choice("unit", _DEADLINE_UNITS)
    clause, note = body.text("clause", need=True), body.text("note")
    body.done()
    if n < 1 or not unit:
        body.fault(f"{body.what}应写成 {{n: 15, unit: 工作日, clause: …}}，n 至少是 1")
        return None
    return Limit(n, _DEADLINE_UNITS[unit], clause=clause, note=note)


def read_clue(code: str, node: Any, file: str, line: int, place: str, faults: list[Fault]) -> list[ClueText]:
    """Every dated writing of one code in one file."""
    out = []
    for version in node if isinstance(node, Seq) else [node]:
        r = Reader(version, file, line, f"线索规则“{code}”", faults)
        if not _CODE.fullmatch(code):
            r.fault(f"{r.what}的代号只能用大写字母、数字和下划线，并以字母开头（如 VEHICLE）", line)
        given: dict[str, Any] = {}
        for key in ("label", "rule", "clause", "note"):
            if r.has(key):
                given[key] = r.text(key)
        if r.has("enabled"):
            given["enabled"] = r.flag("enabled", True)
        if r.has("second_person"):
            given["second_person"] = r.flag("second_person", True)
        for key, options in (
            ("kinds", None), ("identity", None), ("watch", None), ("rows", None), ("shows", None), ("outcomes", OUTCOMES),
        ):  # fmt: skip
            if r.has(key):
                given[key] = _listed(r, key, options)
        for key, choices in (("default_action", OUTCOMES), ("on_confirmed", DOES), ("opens", OPENS)):
            if r.has(key):
                given[key] = r.choice(key, choices)
        if r.has("stale"):
            given["stale"] = r.choice("stale", (*SEVERITIES, NONE, "keep"), "keep").replace("keep", "")
        if r.has("severity"):
            given["severity"] = _severity(r)
        if r.has("evidence"):
            given["evidence"] = _evidence(r)
        if r.has("deadline"):
            limit = _deadline(r)
            if limit is not None:
                given["deadline"] = limit
        text = ClueText(code, place, r.start(), r.end(), given, r.where)
        r.done()
        out.append(text)
    return out


# ---- merging


def _merged(code: str, texts: Sequence[ClueText], chain: Sequence[str], on: date) -> tuple[dict[str, Any], ClueText]:
    """Fields from the nation down, nearest place last, and the lowest writing."""
    fields: dict[str, Any] = {}
    last = texts[0]
    for place in reversed(list(chain)):
        live = [t for t in texts if t.place == place and t.start <= on <= t.end]
        if live:
            last = max(live, key=lambda t: t.start)
            fields |= last.given
    return fields, last


def level_of(draft: Draft, rule: str) -> str:
    """The level of a rule, whichever of its writings says it."""
    return next((t.level for t in draft.rules.get(rule, ()) if t.level), LEVEL_ROOT)


def _complete(draft: Draft, code: str, fields: Mapping[str, Any], last: ClueText) -> ClueRule:
    level = level_of(draft, fields["rule"])
    kind = kind_of(level)
    made = ClueRule(
        code, fields["label"], fields["rule"], level, tuple(fields.get("kinds", (kind,) if kind else ())),
        tuple(fields.get("identity", ())), tuple(fields.get("watch", ())), tuple(fields.get("rows", ())),
        tuple(fields.get("shows", ())), fields["severity"], fields.get("stale", "Y"), fields.get("evidence", {}),
        tuple(fields["outcomes"]), fields["default_action"], fields.get("on_confirmed", ""), fields["deadline"],
        fields.get("second_person", True), fields["clause"], last.place, last.start, last.where, fields.get("note", ""),
        fields.get("opens", ""),
    )  # fmt: skip
    left_out = {"where", "fingerprint", "place", "start", "note", *(() if made.opens else ("opens",))}
    body = {k: v for k, v in made.__dict__.items() if k not in left_out}
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, default=str)
    return replace(made, fingerprint=hashlib.sha256(text.encode()).hexdigest())


def clue_rules(draft: Draft, chain: Sequence[str], on: date) -> tuple[ClueRule, ...]:
    """The clue rules in force, by code; those switched off are left out."""
    out = []
    for code, texts in sorted(draft.clues.items()):
        fields, last = _merged(code, texts, chain, on)
        if fields and fields.get("enabled", True) and all(fields.get(k) for k in _NEEDED):
            out.append(_complete(draft, code, fields, last))
    return tuple(out)


# ---- checking


def check_clues(draft: Draft, faults: list[Fault], known_place: Any, chain_of: Any) -> None:
    """What can be seen without reading formulas: unknown kinds, columns, programmes, overlaps, what is left unsaid."""
    for code, texts in draft.clues.items():
        by_place: dict[str, list[ClueText]] = {}
        for text in texts:
            by_place.setdefault(text.place, []).append(text)
            faults += [Fault.at(text.where, f"线索规则“{code}”{m}") for m in _problems(draft, text, known_place)]
        for same in by_place.values():
            same.sort(key=lambda t: (t.start, t.where.file, t.where.line))
            for a, b in pairwise(same):
                if a.start == b.start or (a.end != FOREVER and b.start <= a.end):
                    faults.append(
                        Fault.at(
                            b.where,
                            f"线索规则“{code}”在 {b.place} 从 {b.start} 起有两个写法或时间重叠，另一处 {a.where.file}:{a.where.line}",
                        )
                    )
        for text in texts:
            fields, _ = _merged(code, texts, chain_of(text.place), text.start)
            if not fields.get("enabled", True):
                continue
            lack = [k for k in _NEEDED if not fields.get(k)]
            if lack:
                faults.append(
                    Fault.at(
                        text.where, f"线索规则“{code}”在 {text.place} 缺少 {'、'.join(lack)}，上级也没有写；请补上"
                    )
                )
                continue
            made = _complete(draft, code, fields, text)
            faults += [Fault.at(text.where, f"线索规则“{code}”{m}") for m in _whole_problems(draft, made)]


def _problems(draft: Draft, text: ClueText, known_place: Any) -> list[str]:
    out = []
    if text.end < text.start:
        out.append(f"的 to（{text.end}）早于 from（{text.start}）")
    if not known_place(text.place):
        out.append(f"的地区“{text.place}”不在区划表里，也没有声明为标准区域；请核对代码")
    clauses = [text.given.get("clause", "")]
    if isinstance(text.given.get("deadline"), Limit):
        clauses.append(text.given["deadline"].clause)
    for raw in clauses:
        if raw and not clause_instrument(raw, draft.instruments):
            word = raw.split("-")[0].split(" ")[0]
            out.append(f"的条款“{raw}”没有对应的文件；先在 instruments 里声明{did_you_mean(word, draft.instruments)}")
    for name in text.given.get("severity", {}):
        if name != OTHER and name not in draft.programmes:
            out.append(
                f"的 severity 写了项目“{name}”，没有这个项目{did_you_mean(name, (*draft.programmes, OTHER))}；其余项目写 other"
            )
    classes = draft.enums.get("dibao_class")
    for name, value in text.given.get("severity", {}).items():
        for family_class in value if isinstance(value, Mapping) else ():
            if family_class != OTHER and (classes is None or family_class not in classes.values):
                known = (*classes.values, OTHER) if classes else (OTHER,)
                out.append(
                    f"的 severity 在 {name} 下写了类别“{family_class}”，没有这个类别{did_you_mean(family_class, known)}"
                )
    return out


def _whole_problems(draft: Draft, rule: ClueRule) -> list[str]:
    kinds = {kind_of(c) for c in draft.collections if kind_of(c)}
    out = []
    if rule.rule not in draft.rules:
        return [f"的 rule 指向规则“{rule.rule}”，没有这条规则{did_you_mean(rule.rule, draft.rules)}"]
    if not rule.kinds:
        out.append("按人或按户判断，要写 kinds：看哪几种登记")
    for kind in rule.kinds:
        if kind not in kinds:
            out.append(f"的登记种类“{kind}”没有集合 {REGISTER}{kind}{did_you_mean(kind, kinds)}")
    own = kind_of(rule.level)
    if own and rule.kinds != (own,):
        out.append(f"的规则“{rule.rule}”在 {rule.level} 一级，kinds 只能是 {own}；要看几种登记请按人或按户汇总")
    if not own and rule.level not in ("members", LEVEL_ROOT):
        out.append(f"的规则“{rule.rule}”在 {rule.level} 一级；只能在 {REGISTER}…、members 或 household 一级")
    columns = {f.name for f in draft.facts if kind_of(f.level) in rule.kinds}
    for what, names in (("identity", rule.identity), ("watch", rule.watch)):
        for name in names:
            if name not in columns:
                out.append(f"的 {what} 写了“{name}”，{'、'.join(rule.kinds)} 没有这一列{did_you_mean(name, columns)}")
    for what, names in (("rows", rule.rows), ("shows", rule.shows)):
        for name in names:
            if name not in draft.rules:
                out.append(f"的 {what} 指向规则“{name}”，没有这条规则{did_you_mean(name, draft.rules)}")
            elif what == "rows" and kind_of(level_of(draft, name)) not in rule.kinds:
                out.append(
                    f"的 rows 指向规则“{name}”，它不在 {'、'.join(REGISTER + k for k in rule.kinds)} 一级；只写判断登记行的规则"
                )
    if own and rule.rows:
        out.append("逐行判断，不用写 rows；一行就是一条线索")
    if rule.default_action not in rule.outcomes:
        out.append(f"的 default_action“{rule.default_action}”不在 outcomes 里；请补进去")
    if not rule.evidence:
        out.append("没有 evidence：写明查实或查否至少要有什么材料")
    return out
