"""Rules adopted on screen, laid over the packs: a text in the packs' own language, read by their own reader.

A text is adopted for one place with one document and one first day. Its rules hold from that day on: at their place they win
over every wording of a file, whatever the file's start; the wording of a nearer place still comes first (`texts_nearer`), and
before the day the file's wording stands. `本文件` in a clause is the document that publishes the text.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from tuodi.policy.book import Book, wording_faults
from tuodi.policy.faults import Fault, PolicyErrors
from tuodi.policy.loader import read_over
from tuodi.policy.model import EVER, Draft, Instrument, ParamValue, RuleText, lies_in
from tuodi.policy.yamltext import Map, Seq, Text, read_documents

__all__ = ["SOURCE", "THIS_DOCUMENT", "AdoptedText", "texts_nearer", "with_texts"]

#: How a text cites the document that is to publish it.
THIS_DOCUMENT = "本文件"
#: What a text may hold. New facts, lists and ways of doing things need forms and screens: they come as a pack.
BLOCKS = ("pack", "instruments", "parameters", "rules", "cases", "note")
#: How the source of a text begins: what it declares can be told from what packs declare.
SOURCE = "规则 "
#: As long as a text may be.
MOST_CHARACTERS = 20_000


@dataclass(frozen=True)
class AdoptedText:
    """One text of rules as a body adopted it, or proposes to.

    Attributes:
        place: significant place code or standard area; the text speaks of it and of places below. start: first day.
        document: number of the document, which is also how its clauses are cited. source: what faults and explanations name
            as the file. assumed: a draft or a hypothetical text, printed 假设 wherever it is used.
    """

    place: str
    start: date
    text: str
    document: str
    title: str
    source: str
    issued: str = "-"
    assumed: bool = False


def with_texts(book: Book, rows: Iterable[AdoptedText]) -> Book:
    """The book with adopted texts in it, in the order given; the same book where there are none.

    A later text wins over an earlier one for the same rule, place and day. Formulas are not looked at here (`tuodi.rules.check`).

    Raises: PolicyErrors with every fault of words and values, each with the line of its text.
    """
    wanted = list(rows)
    if not wanted:
        return book
    draft = copy.copy(book.draft)
    draft.instruments, draft.params = dict(draft.instruments), dict(draft.params)
    draft.values, draft.rules, draft.cases = dict(draft.values), dict(draft.rules), list(draft.cases)
    faults: list[Fault] = []
    total = hashlib.sha256(draft.digest.encode())
    for one in wanted:
        total.update(repr(one).encode())
        _lay_over(draft, one, book, faults)
    if faults:
        raise PolicyErrors(faults)
    draft.digest = total.hexdigest()
    return Book(draft, book.warnings, book.predecessors)


def _lay_over(draft: Draft, one: AdoptedText, book: Book, faults: list[Fault]) -> None:
    if len(one.text) > MOST_CHARACTERS:
        faults.append(Fault(one.source, 1, f"规则文本超过 {MOST_CHARACTERS} 字；请分成几个方案"))
        return
    documents = read_documents(one.text, one.source, faults, aliases=False)
    kind = "hypothetical" if one.assumed else "normative"
    draft.instruments[one.document] = Instrument(
        one.document, one.title, one.document, kind, one.issued, one.start.isoformat()
    )
    # Laid over once more (a simulation of what is published), a text declares its own words anew.
    draft.params = {name: param for name, param in draft.params.items() if param.where.file != one.source}
    for doc in documents:
        _only_rules(doc, one, draft, faults)
        _cite(doc, one.document)
    read = read_over(documents, one.source, draft, faults)
    if not read.rules and not faults:
        faults.append(Fault(one.source, 1, "没有规则；在 rules 下写要修改的规则，只改数值的填在“数值”表里"))
    new = set(read.params) - set(draft.params)
    for name in new:
        if not lies_in(read.params[name].place, one.place, draft.areas):
            faults.append(Fault.at(read.params[name].where, f"参数“{name}”{_outside(read.params[name].place, one)}"))
    draft.instruments, draft.params = read.instruments, read.params
    for name, texts in read.rules.items():
        mine = [_dated(text, one, draft, faults) for text in texts]
        kept = [t for t in draft.rules.get(name, []) if not (t.adopted and _same_text(t, mine))]
        draft.rules[name] = [*kept, *mine]
        faults += [f for text in mine for f in wording_faults(text, draft.rules[name], draft, book.known_place)]
        twice = len(mine) - len({(text.place, text.start) for text in mine})
        if twice:
            faults.append(Fault.at(mine[-1].where, f"规则“{name}”在同一地、同一天写了两次；请合并或写不同的 from"))
        if all(not text.label for text in draft.rules[name]):
            faults.append(Fault.at(mine[0].where, f"规则“{name}”缺少 label（中文名称）"))
    for name, rows in read.values.items():
        if name not in new and not (draft.params[name].structural or draft.params[name].where.file.startswith(SOURCE)):
            faults.append(
                Fault.at(rows[0].where, f"参数“{name}”已有，数值填在“数值”表里，不写在规则文本里") if rows else
                Fault(one.source, 1, f"参数“{name}”已有，数值填在“数值”表里")
            )  # fmt: skip
            continue
        held = [_dated_value(row, one, draft, faults) for row in rows]
        before = [
            row
            for row in draft.values.get(name, [])
            if not (row.adopted and any((row.place, row.keys, row.start) == (h.place, h.keys, h.start) for h in held))
        ]
        draft.values[name] = [*before, *held]
    draft.cases += read.cases


def _only_rules(doc: Map, one: AdoptedText, draft: Draft, faults: list[Fault]) -> None:
    for block in [name for name in doc if name not in BLOCKS]:
        faults.append(
            Fault(
                one.source, doc.lines.get(block, doc.line),
                f"“{block}”不能在屏上采用，这里只能写 {'、'.join(BLOCKS[1:])}；其他内容请作为政策包部署",
            )
        )  # fmt: skip
        del doc[block]
    cited = doc.get("instruments")
    if isinstance(cited, Map):  # what a pack has come to declare meanwhile stands as the pack has it
        for name in [name for name in cited if name in draft.instruments]:
            del cited[name]
        if not cited:
            del doc["instruments"]


def _cite(node: object, document: str) -> None:
    """Puts the document's number in place of `本文件` in every clause."""
    if isinstance(node, Map):
        for key, value in node.items():
            if key in ("clause", "amends") and isinstance(value, Text) and value.startswith(THIS_DOCUMENT):
                cited = Text(f"{document} {value.removeprefix(THIS_DOCUMENT).lstrip(' -')}".strip())
                cited.line, cited.plain = value.line, value.plain
                node[key] = cited
            else:
                _cite(value, document)
    elif isinstance(node, Seq):
        for child in node:
            _cite(child, document)


def _outside(place: str, one: AdoptedText) -> str:
    return f"写给 {place}，不在 {one.place} 之内；pack 的 place 写 {one.place} 或其下级，别的地方由当地或上级提出"


def _dated(text: RuleText, one: AdoptedText, draft: Draft, faults: list[Fault]) -> RuleText:
    """A wording with the day it holds from."""
    if not lies_in(text.place, one.place, draft.areas):
        faults.append(Fault.at(text.where, f"规则“{text.name}”{_outside(text.place, one)}"))
    if text.start != EVER and text.start < one.start:
        faults.append(
            Fault.at(
                text.where, f"规则“{text.name}”的 from（{text.start}）早于执行日 {one.start}；不写 from，或改拟执行日"
            )
        )
    return replace(text, start=max(text.start, one.start), adopted=True)


def _dated_value(row: ParamValue, one: AdoptedText, draft: Draft, faults: list[Fault]) -> ParamValue:
    if not lies_in(row.place, one.place, draft.areas):
        faults.append(Fault.at(row.where, f"这一行的值{_outside(row.place, one)}"))
    return replace(row, start=max(row.start, one.start), adopted=True)


def _same_text(text: RuleText, mine: Iterable[RuleText]) -> bool:
    return any((text.place, text.start) == (one.place, one.start) for one in mine)


def texts_nearer(book: Book, text: RuleText) -> list[str]:
    """Places inside a wording's place that have one of their own for the rule, so that it does not reach them."""
    rules: Mapping[str, list[RuleText]] = book.draft.rules
    return sorted(
        {
            other.place
            for other in rules.get(text.name, [])
            if other.place != text.place
            and other.end >= text.start
            and lies_in(other.place, text.place, book.draft.areas)
        }
    )
