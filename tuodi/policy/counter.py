"""What a place asks and offers at its one door (一门受理): papers, telephone lines, needs, and who takes what it cannot do itself.

Read from the ``counter`` blocks of the packs. For each list the nearest place that says anything on the day counts, and
its list is the whole set: a county that asks for two papers asks for no third one of the nation's.

    counter:
      materials:
        - {name: 居民身份证, programmes: [dibao], source: applicant, from: 2021-01-01, clause: 宽城2021 减法}
      lines:
        - {code: "12349", label: 社会救助热线, clause: DC}
      needs:
        - {code: medical, label: 看病负担重, programmes: [medical, temporary], clause: DC}
      referrals:
        - {programme: medical, department: 医疗保障部门, n: 10, unit: 工作日, clause: DC}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from tuodi.policy.faults import Fault, PolicyErrors, did_you_mean
from tuodi.policy.loader import PLACE_CODE, policy_files
from tuodi.policy.model import Where
from tuodi.policy.procedure import Limit, Unit
from tuodi.policy.reader import Reader
from tuodi.policy.yamltext import Map, Seq, load_documents

__all__ = ["BLOCKS", "Counter", "Entry", "Line", "Material", "NeedKind", "Push", "Referral", "faults_in", "load"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What every entry has.

    Attributes:
        place: Whose it is. start, end: Days it holds, both included.
        clause, quote: Its ground, and the sentence of the source.
    """

    place: str
    start: date
    end: date
    clause: str
    quote: str
    where: Where

    def holds(self, day: date) -> bool:
        """Whether it is in force on a day."""
        return self.start <= day <= self.end


@dataclass(frozen=True, slots=True)
class Material(Entry):
    """One paper. `source`: `applicant` brings it, `shared_data` = obtained by data exchange, never asked for.

    `programmes` empty = of every programme.
    """

    name: str = ""
    source: str = "applicant"
    programmes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line(Entry):
    """One telephone line whose calls become tickets."""

    code: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class NeedKind(Entry):
    """One need that is ticked at the door, and the programmes that answer it."""

    code: str = ""
    label: str = ""
    programmes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Referral(Entry):
    """Who handles a programme that does not run as a case here, and by when an answer is asked (null = no day)."""

    programme: str = ""
    department: str = ""
    limit: Limit | None = None


@dataclass(frozen=True, slots=True)
class Push(Entry):
    """A list of families another department is to have: the topic, who gets it, of which programmes, by when it answers."""

    code: str = ""
    label: str = ""
    department: str = ""
    programmes: tuple[str, ...] = ()
    limit: Limit | None = None


Kind = TypeVar("Kind", bound=Entry)


@dataclass(frozen=True)
class Counter:
    """All entries of the packs. Every look-up takes a chain of places, nearest first, and a day."""

    entries: tuple[Entry, ...]

    def materials(self, chain: Sequence[str], programme: str, day: date) -> list[Material]:
        """The papers of a programme, in the order written; those `shared_data` gives among them."""
        return self._nearest(Material, chain, day, lambda one: not one.programmes or programme in one.programmes)

    def lines(self, chain: Sequence[str], day: date) -> list[Line]:
        """The lines whose calls come in here."""
        return self._nearest(Line, chain, day, lambda one: True)

    def needs(self, chain: Sequence[str], day: date) -> list[NeedKind]:
        """What can be ticked."""
        return self._nearest(NeedKind, chain, day, lambda one: True)

    def referral(self, chain: Sequence[str], programme: str, day: date) -> Referral | None:
        """Who takes a programme; None = nobody is named."""
        found = self._nearest(Referral, chain, day, lambda one: one.programme == programme)
        return found[0] if found else None

    def pushes(self, chain: Sequence[str], day: date) -> list[Push]:
        """The lists pushed to other departments."""
        return self._nearest(Push, chain, day, lambda one: True)

    def _nearest(self, kind: type[Kind], chain: Sequence[str], day: date, fits: Callable[[Any], bool]) -> list[Kind]:
        for place in chain:
            here = [one for one in self.entries if isinstance(one, kind) and one.place == place and one.holds(day)]
            chosen = [one for one in here if fits(one)]
            if chosen:
                return chosen
        return []


def load(dirs: Sequence[Path]) -> Counter:
    """The entries of some folders. A later folder's list of a place and kind replaces the earlier one.

    Raises:
        PolicyErrors: With every fault of every file.
    """
    entries, faults = _read(dirs)
    if faults:
        raise PolicyErrors(faults)
    return Counter(tuple(entries))


def faults_in(dirs: Sequence[Path]) -> list[Fault]:
    """Every fault, for `tuodi policy check`."""
    return _read(dirs)[1]


def _read(dirs: Sequence[Path]) -> tuple[list[Entry], list[Fault]]:
    faults: list[Fault] = []
    instruments: set[str] = set()
    found: dict[tuple[str, str], list[Entry]] = {}
    for folder in dirs:
        own: dict[tuple[str, str], list[Entry]] = {}
        for path, name in policy_files([folder]):
            try:
                content = path.read_bytes()
            except OSError:  # the reader of words and values says so
                continue
            if b"counter:" not in content and b"instruments:" not in content:
                continue
            for document in load_documents(path, faults, name=name):
                declared = document.get("instruments")
                if isinstance(declared, Map):
                    instruments |= set(declared)
                _document(document, name, own, faults)
        found.update(own)
    entries = [one for group in found.values() for one in group]
    return entries, [*faults, *_clauses(entries, instruments)]


def _document(document: Map, file: str, own: dict[tuple[str, str], list[Entry]], faults: list[Fault]) -> None:
    node = document.get("counter")
    if node is None:
        return
    pack = document.get("pack")
    place = str(pack.get("place", "cn")) if isinstance(pack, Map) else "cn"
    if not PLACE_CODE.fullmatch(place):
        return  # the pack reader reports it
    r = Reader(node, file, document.lines["counter"], "counter", faults)
    for block, read in BLOCKS.items():
        rows = r.raw(block)
        if rows is None:
            continue
        if not isinstance(rows, Seq):
            r.fault(f"counter 的 {block} 应是列表", r.line_at(block))
            continue
        for row in rows:
            entry = Reader(row, file, r.line_at(block), f"counter 的 {block}", faults)
            common = {
                "place": place,
                "start": entry.start(),
                "end": entry.end(),
                "clause": entry.text("clause", need=True),
                "quote": " ".join(t for t in (entry.text("quote"), entry.text("note")) if t),
                "where": entry.where,
            }
            entry.taken.add("precision")
            own.setdefault((place, block), []).append(read(entry, common))
            entry.done()
    r.done()


def _material(r: Reader, common: Mapping[str, Any]) -> Entry:
    return Material(
        **common,
        name=r.text("name", need=True),
        source=r.choice("source", ("applicant", "shared_data"), "applicant"),
        programmes=r.names("programmes"),
    )


def _line(r: Reader, common: Mapping[str, Any]) -> Entry:
    return Line(**common, code=r.text("code", need=True), label=r.text("label", need=True))


def _need(r: Reader, common: Mapping[str, Any]) -> Entry:
    return NeedKind(
        **common,
        code=r.text("code", need=True),
        label=r.text("label", need=True),
        programmes=r.names("programmes"),
    )


def _limit(r: Reader, clause: str) -> Limit | None:
    unit, n = r.text("unit"), r.integer("n", 0)
    if unit and unit not in list(Unit):
        r.fault(
            f"{r.what}的单位“{unit}”不认识{did_you_mean(unit, list(Unit))}；可用：{'、'.join(Unit)}", r.line_at("unit")
        )
    elif unit and n < 1:
        r.fault(f"{r.what}写了单位，n 应是不小于 1 的整数", r.line_at("n"))
    elif unit:
        return Limit(n, Unit(unit), "", (), False, clause, "")
    return None


def _referral(r: Reader, common: Mapping[str, Any]) -> Entry:
    return Referral(
        **common,
        programme=r.text("programme", need=True),
        department=r.text("department", need=True),
        limit=_limit(r, common["clause"]),
    )


def _push(r: Reader, common: Mapping[str, Any]) -> Entry:
    programmes = r.names("programmes")
    if not programmes:
        r.fault(f"{r.what}没有写 programmes：推送哪些对象")
    return Push(
        **common,
        code=r.text("code", need=True),
        label=r.text("label", need=True),
        department=r.text("department", need=True),
        programmes=programmes,
        limit=_limit(r, common["clause"]),
    )


#: Lists of a block and how one entry is read.
BLOCKS: dict[str, Callable[[Reader, Mapping[str, Any]], Entry]] = {
    "materials": _material,
    "lines": _line,
    "needs": _need,
    "referrals": _referral,
    "pushes": _push,
}


def _clauses(entries: Sequence[Entry], instruments: set[str]) -> list[Fault]:
    """Clauses that cite a document nobody declared; where no list of documents was read, nothing is looked up."""
    faults = []
    for one in entries:
        name = one.clause.split(" ")[0].split("-")[0]
        if instruments and one.clause and one.clause not in instruments and name not in instruments:
            text = f"counter 的条款“{one.clause}”引用了没有声明的文件{did_you_mean(name, sorted(instruments))}；请在 instruments 里登记"
            faults.append(Fault(one.where.file, one.where.line, text))
    return faults
