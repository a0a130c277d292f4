"""Checks a whole book: every formula in force anywhere on any date is typed, lowered and bounded; then the worked examples run."""

from __future__ import annotations

from tuodi.policy.book import Book
from tuodi.policy.faults import Fault, did_you_mean
from tuodi.policy.model import LEVEL_ROOT
from tuodi.rules.lower import Lowerer

__all__ = ["check_book", "check_formulas"]


def check_formulas(book: Book) -> list[Fault]:
    """Lowers every rule for every place that has its own texts or structural values, on every date they change."""
    faults: list[Fault] = []
    seen: set[object] = set()
    structural = [n for n, p in book.params.items() if p.structural]
    own = {t.place for r in book.rules.values() for t in r.texts} | {f.place for f in book.draft.facts}
    own |= {row.place for n in structural for row in book.draft.values.get(n, ())} | {"cn"}
    for place in sorted(own):
        chain = book.chain(place)
        for day in book.breakpoints(chain):
            texts = book.rule_texts(chain, day)
            key = (
                tuple((t.name, t.place, t.start) for t in texts.values()),
                tuple(
                    v.where if (v := book.value(n, chain, (), day)) else None
                    for n in structural
                    if not book.params[n].by
                ),
                tuple(sorted(f.key for fs in book.facts_on(chain).values() for f in fs)),
            )
            if key in seen:
                continue
            seen.add(key)
            lowerer = Lowerer(book, chain, day, lambda name: False, faults)
            for name in texts:
                lowerer.rule(name)
    for p in book.programmes.values():
        names = {
            "eligible": p.eligible,
            "amount": p.amount,
            "start": p.start,
            **{f"tests {t}": t for t in p.tests},
            **{f"components {k}": v for k, v in p.components.items()},
        }
        for what, name in names.items():
            if name and name not in book.rules:
                faults.append(
                    Fault(
                        p.where.file,
                        p.where.line,
                        f"项目“{p.id}”的 {what} 指向规则“{name}”，没有这条规则{did_you_mean(name, book.rules)}",
                    )
                )
        if p.unit not in ("place", LEVEL_ROOT, *book.collections):
            faults.append(
                Fault(
                    p.where.file,
                    p.where.line,
                    f"项目“{p.id}”的 unit“{p.unit}”不是级别；可用: place、household、{'、'.join(book.collections)}",
                )
            )
        for key in (p.amount, *p.components.values()):
            rule = book.rules.get(key)
            if rule and not any(t.role == "payable" for t in rule.texts):
                faults.append(Fault(p.where.file, p.where.line, f"项目“{p.id}”的金额规则“{key}”没有 role: payable"))
    return faults


def check_book(book: Book) -> list[Fault]:
    """Formulas; cases are run by `tuodi.rules.cases`."""
    return sorted(set(check_formulas(book)))
