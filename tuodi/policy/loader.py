"""Reads folders of packs into a `Draft`: words first, then values, so that order of files does not matter."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

from tuodi.policy import values
from tuodi.policy.clues import read_clue
from tuodi.policy.faults import Fault, did_you_mean
from tuodi.policy.model import (
    LEVEL_PLACE,
    LEVEL_ROOT,
    LONGEST_CODE,
    SUPPORT,
    Area,
    Case,
    Collection,
    Draft,
    EnumDef,
    Fact,
    Instrument,
    Param,
    Programme,
    RuleText,
    exact,
)  # fmt: skip
from tuodi.policy.reader import Reader, identifier_problem
from tuodi.policy.units import BOOL, DATE, ENUM, SET, Unit, parse_unit
from tuodi.policy.yamltext import Map, Seq, Text, empty_map, load_documents

__all__ = ["PLACE_CODE", "digest_of", "policy_files", "read_draft", "read_over"]

PLACE_CODE = re.compile(r"cn|\d{2}|\d{4}|\d{6}|\d{9}|\d{12}|\d{4}[A-Z]\d(\d{3}){0,2}")
_BLOCKS = (
    "pack", "instruments", "places", "enums", "collections", "facts", "parameters", "rules", "programme", "procedures",
    "clues", "cases", "counter", "note",
)  # fmt: skip
_SOURCES = ("entered", "register", "visit", "finding", "index", "ledger", "prior")
_FACT_TYPES = ("money", "number", "ratio", "bool", "date", "month", "text")


def policy_files(dirs: Sequence[Path]) -> list[tuple[Path, str]]:
    """Every YAML file below the folders, with the name faults call it by: the path from the folder's parent."""
    out: list[tuple[Path, str]] = []
    for folder in dirs:
        if folder.is_file():
            out.append((folder, folder.name))
            continue
        for path in sorted(folder.rglob("*.y*ml")):
            if not path.is_dir():
                out.append((path, str(path.relative_to(folder.parent))))
    return out


def digest_of(files: Sequence[tuple[Path, str]]) -> str:
    """One hash over names and contents: the key of the cache."""
    total = hashlib.sha256()
    for path, name in files:
        try:
            content = path.read_bytes()
        except OSError:  # the reader says so, with a remedy
            content = b""
        total.update(f"{name}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


class _Loader:
    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        self.draft = Draft()
        self.pending: list[tuple[str, Reader, str]] = []  # parameter, its entry, the pack's place

    # ---- documents
    def document(self, doc: Map, file: str) -> None:
        top = Reader(doc, file, 1, "文件", self.faults)
        pack = Reader(top.raw("pack") or empty_map(doc.line), file, doc.line, "pack", self.faults)
        place = pack.text("place", default="cn")
        programme = pack.text("programme")
        pack.text("note")
        pack.done()
        if not PLACE_CODE.fullmatch(place):
            pack.fault(
                f"pack 的 place 是“{place}”；请写 cn、区划代码的有效位（如 4208、420802）或标准区域代码（如 4208Z1）"
            )
            return
        if programme and identifier_problem(programme):
            pack.fault(f"pack 的 programme“{programme}”不能用：{identifier_problem(programme)}")
            return
        for block, handle in (
            ("instruments", self.instrument), ("places", self.area), ("enums", self.enum), ("collections", self.collection),
        ):  # fmt: skip
            self.each(top, block, handle)
        facts = top.raw("facts")
        if isinstance(facts, Map):
            for level, group in facts.items():
                for name, node in self.mapping(group, file, facts.lines[level], f"facts.{level}"):
                    self.fact(level, name, node, file, group.lines[name], place)
        elif facts is not None:
            top.fault("facts 应是 级别 → 事实 的映射", top.line_at("facts"))
        self.each(
            top, "parameters", lambda name, node, at, line: self.parameter(name, node, at, line, place, programme)
        )
        self.each(top, "rules", lambda name, node, at, line: self.rule(name, node, at, line, place, programme))
        if top.has("programme"):
            self.programme(top.raw("programme"), file, top.line_at("programme"), place, programme)
        self.each(top, "clues", lambda code, node, at, line: self.clue(code, node, at, line, place))
        top.raw("procedures")  # read by policy.procedure
        top.raw("counter")  # read by policy.counter
        top.text("note")
        cases = top.raw("cases")
        if isinstance(cases, Seq):
            for node in cases:
                self.case(node, file, place, programme)
        elif cases is not None:
            top.fault("cases 应是列表", top.line_at("cases"))
        for key in doc:
            if key not in _BLOCKS:
                top.taken.add(key)
                top.fault(f"文件没有“{key}”这一块{did_you_mean(key, _BLOCKS)}", top.line_at(key))

    def mapping(self, node: Any, file: str, line: int, what: str) -> list[tuple[str, Any]]:
        if isinstance(node, Map):
            return list(node.items())
        self.faults.append(Fault(file, line, f"{what} 应是映射"))
        return []

    def each(self, top: Reader, block: str, handle: Callable[[str, Any, str, int], None]) -> None:
        """Hands every entry of a block on: name, node, file, line."""
        node = top.raw(block)
        if node is None:
            return
        for name, value in self.mapping(node, top.file, top.line_at(block), block):
            handle(name, value, top.file, node.lines[name])

    def name_ok(self, kind: str, name: str, file: str, line: int) -> bool:
        problem = identifier_problem(name)
        if problem:
            self.faults.append(Fault(file, line, f"{kind}“{name}”：{problem}"))
        return not problem

    # ---- blocks
    def instrument(self, name: str, node: Any, file: str, line: int) -> None:
        r = Reader(node, file, line, f"文件“{name}”", self.faults)
        item = Instrument(
            id=name, title=r.text("title", need=True), number=r.text("number", need=True),
            kind=r.choice("kind", ("law", "regulation", "normative", "reported", "convention", "hypothetical"), "normative"),
            issued=r.partial_day("issued"), in_force=r.partial_day("in_force"), issuer=r.text("issuer"), repealed=r.partial_day("repealed"),
            note=r.text("note"), unverified=r.flag("unverified"),
        )  # fmt: skip
        r.done()
        if name in self.draft.instruments:
            r.fault(f"文件编号“{name}”重复声明；请改编号")
        self.draft.instruments[name] = item

    def area(self, name: str, node: Any, file: str, line: int) -> None:
        r = Reader(node, file, line, f"标准区域“{name}”", self.faults)
        item = Area(name, r.text("name", need=True), r.text("parent", need=True), r.where)
        r.text("note")
        r.done()
        if not re.fullmatch(r"\d{4}[A-Z]\d(\d{3}){0,2}", name):
            r.fault(f"{r.what}的代码应是 4 位市代码加一个字母和一位数字（如 4208Z1）")
        self.draft.areas[name] = item

    def enum(self, name: str, node: Any, file: str, line: int) -> None:
        r = Reader(node, file, line, f"枚举“{name}”", self.faults)
        body = r.raw("values")
        options: dict[str, str] = {}
        if isinstance(body, Map):
            options = {k: str(v) for k, v in body.items()}
        elif isinstance(body, Seq):
            options = {str(v): str(v) for v in body}
        else:
            r.fault(f"{r.what}缺少 values（取值: 名称）")
        for option in options:
            self.name_ok(f"{r.what}的取值", option, file, r.line_at("values"))
        label = r.text("label", default=name)
        r.text("note")
        r.done()
        if name in self.draft.enums:
            r.fault(
                f"{r.what}重复声明，前一处在 {self.draft.enums[name].where.file}:{self.draft.enums[name].where.line}"
            )
        if self.name_ok("枚举", name, file, line):
            self.draft.enums[name] = EnumDef(name, label, options, r.where)

    def collection(self, name: str, node: Any, file: str, line: int) -> None:
        r = Reader(node, file, line, f"集合“{name}”", self.faults)
        of = r.text("of", need=True)
        unit = r.unit() or parse_unit("项")
        item = Collection(name, of, r.text("label", default=name), unit, r.integer("max", 100), r.where)
        r.text("note")
        r.done()
        if name in self.draft.collections:
            r.fault(f"{r.what}重复声明")
        if self.name_ok("集合", name, file, line):
            self.draft.collections[name] = item

    def fact(self, level: str, name: str, node: Any, file: str, line: int, place: str) -> None:
        r = Reader(node, file, line, f"事实“{name}”", self.faults)
        kind = r.text("type", need=True, default="text")
        unit_text = r.text("unit")
        unit: Unit | None = None
        if kind in ("money", "number", "ratio") and unit_text:
            unit = r.unit()
        elif kind == "money":
            r.fault(f"{r.what}是金额，缺少 unit（如 元/月、元/年）")
        if kind == "ratio" and unit is None:
            unit = parse_unit("比例")
        if kind == "number" and unit is None:
            unit = parse_unit("数")
        places = r.integer("places", {"money": 2, "ratio": 4}.get(kind, 0))
        scale = 10**places
        lo = values.scaled(r.text("min", default="0"), scale, r, "min")
        hi = values.scaled(
            r.text("max", default={"money": "100000000", "ratio": "1000"}.get(kind, "1000000")), scale, r, "max"
        )
        if lo > hi:
            r.fault(f"{r.what}的 min 大于 max；请核对上下限")
        missing = r.text("missing", default="required")
        item = Fact(
            name, level, kind, r.text("label", need=True), unit, places, lo, hi, missing,
            r.choice("source", _SOURCES, "entered"), place, r.where, r.text("help"),
        )  # fmt: skip
        r.text("note")
        r.done()
        if self.name_ok("事实", name, file, line):
            self.draft.facts.append(item)

    def parameter(self, name: str, node: Any, file: str, line: int, place: str, programme: str) -> None:
        full = name if "." in name or not programme else f"{programme}.{name}"
        r = Reader(node, file, line, f"参数“{full}”", self.faults)
        if r.has("label") or r.has("by") or r.has("of"):
            self.declare(full, r, place)
        for key in ("label", "by", "of", "ends", "table", "note"):
            r.raw(key)
        self.pending.append((full, r, place))

    def declare(self, full: str, r: Reader, place: str) -> None:
        unit_text = r.text("unit", need=True, default="数")
        kind = {BOOL: "bool", ENUM: "enum", SET: "set", DATE: "date"}.get(unit_text, "number")
        if r.has("table"):
            kind = "table"
        unit = r.unit() if kind in ("number", "table") else None
        if kind == "date":
            r.fault(f"{r.what}的单位不能是日期；日期请写成事实")
        of = r.text("of") if kind in ("enum", "set") else r.text("table")
        if kind in ("enum", "set") and not of:
            r.fault(f"{r.what}是{unit_text}，缺少 of（哪个枚举）")
        item = Param(
            full, r.text("label", need=True), unit, unit_text, kind, of, r.names("by"), place, r.where,
            r.choice("ends", ("以上", "超过"), "以上"), r.text("note"),
        )  # fmt: skip
        for part in full.split("."):
            self.name_ok("参数", part, r.file, r.line)
        code, _, last = full.rpartition(".")
        if last == SUPPORT and len(item.by) == 1 and "." not in code and len(code) > LONGEST_CODE:
            r.fault(
                f"固定金额补助“{full}”的代码“{code}”有 {len(code)} 个字符，最多 {LONGEST_CODE} 个，超过的不能建子账户和发放；"
                "请改短 pack 的 programme（或参数名里点号前的部分）"
            )
        old = self.draft.params.get(full)
        if old is not None:
            r.fault(f"{r.what}已在 {old.where.file}:{old.where.line} 声明；这里只写 values，不要再写 label")
            return
        self.draft.params[full] = item

    def rule(self, name: str, node: Any, file: str, line: int, place: str, programme: str) -> None:
        full = name if "." in name or not programme else f"{programme}.{name}"
        versions = node if isinstance(node, Seq) else [node]
        for version in versions:
            r = Reader(version, file, line, f"规则“{full}”", self.faults)
            formula = r.text("formula", need=True)
            text = RuleText(
                full, place, r.start(), r.end(), r.text("level"), r.text("label"), r.text("unit"),
                r.text("clause", need=True), " ".join(formula.split()), r.choice("role", ("test", "payable", "none")),
                r.text("reason"), r.text("amends"), r.where, r.text("note"),
            )  # fmt: skip
            r.done()
            if all(self.name_ok("规则", part, file, line) for part in full.split(".")) and formula:
                self.draft.rules.setdefault(full, []).append(text)

    def clue(self, code: str, node: Any, file: str, line: int, place: str) -> None:
        self.draft.clues.setdefault(code, []).extend(read_clue(code, node, file, line, place, self.faults))

    def programme(self, node: Any, file: str, line: int, place: str, programme: str) -> None:
        r = Reader(node, file, line, f"项目“{programme}”", self.faults)
        if not programme:
            r.fault("programme 一块要写在 pack 带 programme 的文件里")
            return

        def full(short: str) -> str:
            return f"{programme}.{short}" if short and "." not in short else short

        parts = r.raw("components")
        components = {k: full(str(v)) for k, v in parts.items()} if isinstance(parts, Map) else {}
        item = Programme(
            programme, r.text("label", need=True), r.text("unit", default=LEVEL_ROOT), full(r.text("eligible", need=True)),
            tuple(full(t) for t in r.names("tests")), full(r.text("amount")), components,
            r.choice("period", ("month", "once", "year"), "month"), full(r.text("start")), place, r.where, r.text("note"),
        )  # fmt: skip
        r.done()
        if programme in self.draft.programmes:
            r.fault(f"{r.what}重复声明")
        self.draft.programmes[programme] = item

    def case(self, node: Any, file: str, place: str, programme: str) -> None:
        r = Reader(node, file, getattr(node, "line", 1), "算例", self.faults)
        ident = r.text("id", need=True)
        r.what = f"算例“{ident}”"
        expect = r.raw("expect")
        if not isinstance(expect, Map) or not expect:
            r.fault(f"{r.what}没有 expect：写明应得的结果")
            expect = {}
        item = Case(
            ident, r.text("name", need=True), programme, r.text("place", default=place), r.day("on", date(1, 1, 1)),
            r.month("month"), r.raw("family"), r.raw("assume"), {k: str(v) if isinstance(v, Text) else "?" for k, v in expect.items()},
            r.text("working"), r.where, r.text("boundary"),
        )  # fmt: skip
        if not r.has("on"):
            r.fault(f"{r.what}缺少 on（决定日期）")
        r.text("note")
        r.done()
        self.draft.cases.append(item)

    # ---- second pass
    def finish(self) -> None:
        seen: dict[str, Fact] = {}
        for fact in self.draft.facts:
            self.faults += [Fault.at(fact.where, f"事实“{fact.name}”{m}") for m in self.fact_problems(fact, seen)]
            seen.setdefault(fact.key, fact)
        for c in self.draft.collections.values():
            if c.of != LEVEL_ROOT and c.of not in self.draft.collections:
                known = did_you_mean(c.of, [LEVEL_ROOT, *self.draft.collections])
                self.faults.append(Fault.at(c.where, f"集合“{c.name}”属于“{c.of}”，没有这个级别{known}"))
        for full, r, place in self.pending:
            param = self.draft.params.get(full)
            if param is None:
                r.fault(f"没有参数“{full}”{did_you_mean(full, self.draft.params)}；新参数要写 label 和 unit")
                continue
            self.draft.values.setdefault(full, []).extend(values.read_values(param, r, place, self.draft, self.faults))

    def fact_problems(self, fact: Fact, seen: dict[str, Fact]) -> list[str]:
        """What is wrong with a fact beside the other words."""
        out = []
        first = seen.get(fact.key)
        if first is not None:
            out.append(f"重复声明，前一处在 {first.where.file}:{first.where.line}；事实全国通用，请合并或改名")
        enum = self.draft.enums.get(fact.type)
        if fact.type not in _FACT_TYPES and enum is None:
            out.append(f"的类型“{fact.type}”不认识{did_you_mean(fact.type, (*_FACT_TYPES, *self.draft.enums))}")
        if fact.level not in (LEVEL_PLACE, LEVEL_ROOT, *self.draft.collections):
            out.append(f"的级别“{fact.level}”没有声明{did_you_mean(fact.level, self.draft.collections)}")
        missing = str(fact.missing)
        if missing in ("required", "unknown", "none") or fact.type == "text":
            return out
        if enum is not None:
            fits, hint = missing in enum.values, f"可用: {'、'.join(enum.values)}"
        elif fact.type == "bool":
            fits, hint = missing in ("true", "false", "是", "否"), "应是 true 或 false"
        elif fact.type in ("date", "month"):
            fits, hint = False, "日期没有默认值；写 unknown（可以不答）或 none（没有发生）"
        else:
            try:
                number: Fraction | None = exact(missing) * 10**fact.places
            except (ValueError, ZeroDivisionError):
                number = None
            fits, hint = number is not None and fact.lo <= number <= fact.hi, "应是上下限以内的数"
        if not fits:
            out.append(f"的 missing 是“{missing}”，不能作默认值；{hint}")
        return out


def read_draft(dirs: Sequence[Path], faults: list[Fault]) -> Draft:
    """All packs below the folders. Faults are appended; the draft holds what could be read."""
    files = policy_files(dirs)
    loader = _Loader(faults)
    for path, file in files:
        for doc in load_documents(path, faults, name=file):
            loader.document(doc, file)
    loader.finish()
    loader.draft.digest = digest_of(files)
    return loader.draft


def read_over(documents: Sequence[Map], file: str, base: Draft, faults: list[Fault]) -> Draft:
    """What some documents add to a draft that is read already: their rules, values, new words and examples, nothing of the base.

    Words of the base may be used; declaring one of them again is a fault, as between files.
    """
    loader = _Loader(faults)
    loader.draft = Draft(
        instruments=dict(base.instruments), areas=base.areas, enums=base.enums, collections=base.collections, params=dict(base.params)
    )  # fmt: skip
    for doc in documents:
        loader.document(doc, file)
    loader.finish()
    return loader.draft
