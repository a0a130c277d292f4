"""What each component of a line rests on: the rule that makes it and the clause of that rule, in force for the line's month.

A component's clause does not depend on a family's facts, so a list of months can show it without computing anything; how
the amount came about, with the figures, is `payments.explain`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

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


#: What is paid or kept back for earlier months: the rule that compares them; its own programme's rules say what was due.
_CORRECTIONS = {"back_pay_fen": "settlement.back_pay", "offset_fen": "settlement.overpaid"}
#: A grant that goes on unchanged for some months: the place's own number of months, and the rule that gives them.
_GRACE = ("dibao.grace_months", "dibao.grace_given")


@dataclass(frozen=True)
class Part:
    """One component that is not nil.

    Attributes:
        why: what it is, in a sentence. clause: what it rests on; empty where the packs name none.
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
    law = book()
    known = law.programmes.get(line.programme)
    month = Month.parse(str(line.month))
    chain = law.chain(place_of(line.region))
    texts = law.rule_texts(chain, month.first_day)
    rules: dict[str, list[str]] = {}
    if known is not None:
        # What a roll or a decision carries was reckoned by the same rules once: their clause is its ground as well.
        for name, rule in (known.components or {"base": known.amount}).items():
            rules.setdefault(COLUMNS.get(name, "other_fen"), []).append(rule)
    rules["price_fen"] = ["price.cpi_hit"]
    own = [one for name in rules if name != "price_fen" and getattr(line, name) for one in rules[name]]
    for column, rule in _CORRECTIONS.items():
        rules[column] = [*([rule] if line.programme == "dibao" else []), *(own or rules.get("base_fen", []))]
    if line.grace_fen:
        rules["grace_fen"] = [*rules.get("grace_fen", []), _GRACE[1]]
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
    corrects = column in _CORRECTIONS
    if is_stated_code(line.programme) and column != "price_fen":
        part = _stated(column, fen, line, law)
        return replace(part, label=label, why=corrections) if corrects else part
    stated = [(one.clause, one.place) for one in texts if one.clause and one.clause != _OWN]
    if column == "grace_fen":
        month = Month.parse(str(line.month))
        value = law.value(_GRACE[0], law.chain(place_of(line.region)), (), month.first_day)
        if value is not None and value.clause and value.clause != _OWN:
            stated.insert(0, (value.clause, value.place))
    clause = "、".join(dict.fromkeys(law.clause(one).text for one, _ in stated))
    by_rules = line.basis in (Basis.RULES, Basis.RULES_ROLL) and line.programme not in ONCE_PROGRAMMES
    if corrects:
        why = corrections
    elif by_rules or column == "price_fen":
        why = "、".join(dict.fromkeys(one.label for one in texts if one.label and one.name != _GRACE[1]))
    elif line.programme in ONCE_PROGRAMMES:
        why = "一次性救助，按决定的金额发放"
    else:
        why = "按花名册的金额发放" if column == "base_fen" else ""
    return Part(column, label, fen, why, clause, any(place != "cn" for _, place in stated))


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
