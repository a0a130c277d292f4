"""What each component of a line rests on: the rule that makes it and the clause of that rule, in force for the line's month.

A component's clause does not depend on a family's facts, so a list of months can show it without computing anything; how
the amount came about, with the figures, is `payments.explain`.
"""

from __future__ import annotations

from dataclasses import dataclass

from tuodi.funds.programmes import benefit
from tuodi.kernel.periods import Month
from tuodi.payments.compute import COLUMNS
from tuodi.payments.labels import pay_label
from tuodi.payments.models import FixedEntry, PayLine
from tuodi.payments.states import Basis, is_fixed_code, is_stated_code
from tuodi.people.enums import ONCE_PROGRAMMES
from tuodi.policy import Book
from tuodi.policy.model import RuleText
from tuodi.verification.rulebook import book, place_of

__all__ = ["PLAIN", "Part", "parts_of"]

#: Programme of stated amounts -> the parameter of the packs that tells its ground in a place, and why it is paid.
_GROUNDS = {
    "care": ("tekun.caregiver_subsidy", "照料服务补贴", "付给照料服务人，数额由照料服务协议约定"),
}
_BY_DEPARTMENT = "由主管部门核定"
#: Components in plain words, in the order of the slip.
PLAIN = {
    "base_fen": "基本保障金",
    "increment_fen": "增发",
    "care_fen": "照料护理",
    "grace_fen": "渐退期内发放",
    "price_fen": "价格临时补贴",
    "other_fen": "其他",
    "back_pay_fen": "补发以前少发的",
    "offset_fen": "抵扣以前多发的",
}


@dataclass(frozen=True)
class Part:
    """One component that is not nil.

    Attributes:
        why: what it is, in a sentence. clause: what it rests on; empty where no clause makes it (a roll, a correction).
        local: the clause is of this place and not of the nation.
    """

    code: str
    label: str
    fen: int
    why: str = ""
    clause: str = ""
    local: bool = False


_OWN = "DC"  #: what the product itself laid down is no ground a family could look up


def parts_of(line: PayLine, corrections: str = "") -> list[Part]:
    """The components of a line with their clauses.

    Args:
        corrections: which earlier months its back pay or offset is for, in words.
    """
    texts: dict[str, RuleText] = {}
    law = book()
    known = law.programmes.get(line.programme)
    month = Month.parse(str(line.month))
    by_rules = line.basis in (Basis.RULES, Basis.RULES_ROLL) and line.programme not in ONCE_PROGRAMMES
    if by_rules or line.price_fen:
        texts = law.rule_texts(law.chain(place_of(line.region)), month.first_day)
    rules: dict[str, list[str]] = {}
    if by_rules and known is not None:
        for name, rule in (known.components or {"base": known.amount}).items():
            rules.setdefault(COLUMNS.get(name, "other_fen"), []).append(rule)
    if line.price_fen:
        rules["price_fen"] = ["price.cpi_hit"]
    found = []
    for column, label in PLAIN.items():
        fen = getattr(line, column)
        if fen:
            found.append(
                _part(
                    column,
                    label,
                    fen,
                    line,
                    [texts[one] for one in rules.get(column, ()) if one in texts],
                    law,
                    corrections,
                )
            )
    return found


def _part(column: str, label: str, fen: int, line: PayLine, texts: list[RuleText], law: Book, corrections: str) -> Part:
    if column in ("back_pay_fen", "offset_fen"):
        return Part(column, label, fen, corrections)
    if is_stated_code(line.programme) and column != "price_fen":
        return _stated(column, fen, line, law)
    stated = [one for one in texts if one.clause and one.clause != _OWN]
    clause = "、".join(dict.fromkeys(law.clause(one.clause).text for one in stated))
    why = "、".join(dict.fromkeys(one.label for one in texts if one.label))
    if not texts:
        why = (
            "一次性救助，按决定的金额发放"
            if line.programme in ONCE_PROGRAMMES
            else "按花名册的金额发放"
            if column == "base_fen"
            else ""
        )
    return Part(column, label, fen, why, clause, any(one.place != "cn" for one in stated))


def fixed_entry_of(line: PayLine) -> FixedEntry | None:
    """The entry of a department's list a line of a fixed amount rests on: that of its month, else the newest."""
    rows = FixedEntry.objects.filter(
        household=line.household_id, person=line.person_id, programme=line.programme, active=True
    )
    return rows.filter(start_month__lte=line.month).order_by("-start_month").first() or rows.order_by("-id").first()


def _stated(column: str, fen: int, line: PayLine, law: Book) -> Part:
    """An amount that an agreement or a list states: its ground is that of the nearest place whose pack names one."""
    given = benefit(line.programme)
    if is_fixed_code(line.programme) and given is None:
        return Part(column, pay_label(line.programme), fen, _BY_DEPARTMENT)
    words = (
        (given.parameter, "扶助金" if line.programme == "family_planning" else given.label, _BY_DEPARTMENT)
        if given
        else None
    )
    name, label, why = words or _GROUNDS[line.programme]
    month = Month.parse(str(line.month))
    keys: tuple[str, ...] = ()
    if given is not None:
        entry = fixed_entry_of(line)
        if entry is None:
            return Part(column, label, fen, why)
        keys, why = (entry.basis,), f"{given.cases.get(entry.basis, '')}，{entry.source}"
    row = law.value(name, law.chain(place_of(line.region)), keys, month.first_day)
    clause = law.clause(row.clause).text if row is not None and row.clause and row.clause != _OWN else ""
    return Part(column, label, fen, why, clause, row is not None and row.place != "cn")
