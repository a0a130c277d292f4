"""A family's line explained: components, the rules' tree of values, corrections, and what changed since last month."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Case, When

from tuodi.decisions.care_kept import stands
from tuodi.decisions.models import CareAgreement
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.payments.errors import NoRunError
from tuodi.payments.family import family_of
from tuodi.payments.models import Arrear, LineDifference, PayLine
from tuodi.payments.models.run import COMPONENTS
from tuodi.payments.states import Basis, Cause, Held, LineStatus, is_stated_code
from tuodi.people.enums import ONCE_PROGRAMMES
from tuodi.people.models import Household
from tuodi.rules import Plan, ProgrammeResult, plan_for
from tuodi.rules.explain import Change, compare
from tuodi.verification.rulebook import book

__all__ = ["LineExplanation", "answer_of", "explain_line"]


@dataclass(frozen=True)
class LineExplanation:
    """One line with its reasons.

    Attributes:
        parts: (label, fen) of each component that is not nil.
        explanation: the rules' graph for the month with the facts as they are now; None where the amount was carried
            from a roll. `same`: it still gives the line's regular amount (else facts changed since: next month corrects).
        changes: figures that differ from the month before, causes first.
        differences: (cause, label, fen, note) rows of the run's difference table for this family.
        corrections: corrections of earlier months inside the line.
        before_fen: last month's line; None = none.
    """

    line: PayLine
    month: Month
    parts: list[tuple[str, int]]
    explanation: dict[str, Any] | None
    text: str
    same: bool
    changes: list[Change]
    differences: list[tuple[str, str, int, str]]
    corrections: list[Arrear]
    before_fen: int | None
    held: str = ""
    status: str = ""
    basis: str = ""
    missing: tuple[str, ...] = field(default=())


#: Figures that move with every month and explain nothing.
_CLOCK = {"case_date", "month_no", "month_start", "month_end", "paid_start", "start_month"}


def _calendar(change: Change) -> bool:
    return change.id.split("[", 1)[0].rsplit(".", 1)[-1].lstrip("@") in _CLOCK


def _plan(region: str, month: Month) -> Plan:
    law = book()
    town = region[:9]
    place = town if town in law.places_named() else region[:6]
    return plan_for(law, place, month.first_day, month)


def answer_of(household: Household, programme: str, month: Month, *, person_id: int | None = None) -> ProgrammeResult:
    """The rules' answer for a unit and month as the monthly run asks it. Raises FamilyErrors."""
    family = family_of(household, programme, month, person_id=person_id)
    (result,) = _plan(household.region, month).decide(family, programme)
    return result


def stated_text(line: PayLine) -> str:
    """What a stated amount rests on, in a sentence."""
    if line.programme != "care":
        return "按主管部门核定的名单发放，金额不由本系统计算。"
    # A caregiver with several people in one household has the sum of their agreements.
    agreed = CareAgreement.objects.filter(household=line.household_id, payees__person=line.person_id).distinct()
    agreed = agreed.select_related("person").order_by("since", "id")
    standing = [one for one in agreed if stands(one, Month.parse(str(line.month)))]
    if not standing:
        return "照料服务协议在本月 1 日已不在期，本月没有约定的补贴。"
    told = [
        f"协议 {one.no} 约定由{one.caregiver}照料{one.person.name}，每月 {format_yuan(one.subsidy_fen or 0)} 元"
        for one in standing
    ]
    return "；".join(told) + "。补贴付给照料服务人，以每月 1 日在期的协议为准。"


def explain_line(
    household: Household, month: Month, *, programme: str | None = None, person_id: int | None = None
) -> LineExplanation:
    """Explains the live line of a family and month.

    Raises: NoRunError: there is none.
    """
    rows = PayLine.objects.filter(household=household, month=month.yyyymm, live=True).select_related("run")
    if programme:
        rows = rows.filter(programme=programme)
    if person_id:
        rows = rows.filter(person=person_id)
    # Of a tekun person his own line is meant before his caregiver's.
    line = rows.order_by(Case(When(programme="care", then=1), default=0), "programme", "key").first()
    if line is None:
        raise NoRunError(household.no, str(month))
    unit = {"household": household, "programme": line.programme, "person_id": line.person_id, "live": True}
    before = PayLine.objects.filter(**unit, month=month.prev().yyyymm).first()
    labels = {name: str(PayLine._meta.get_field(name).verbose_name) for name in COMPONENTS}  # type: ignore[union-attr]
    graph: dict[str, Any] | None = None
    text, same, changes, missing = "", True, [], ()
    if line.programme in ONCE_PROGRAMMES and line.roll_id is not None:
        text = "一次性救助，按决定的金额发放，不逐月重新计算。计算过程见决定。"
    elif is_stated_code(line.programme) and line.basis in (Basis.AGREEMENT, Basis.LIST):
        text = stated_text(line)
    elif line.basis == Basis.ROLL or line.roll_id is None:
        text = "按花名册金额发放，没有足够的事实按规则计算。" if line.roll_id else "本月不在册，只补发往月差额。"
    else:
        result = answer_of(household, line.programme, month, person_id=line.person_id)
        explained = result.explain()
        graph, text, missing = explained.to_json(), explained.text(), result.missing
        regular = sum(
            getattr(line, n) or 0 for n in ("base_fen", "increment_fen", "care_fen", "grace_fen", "other_fen")
        )
        same = result.amount_fen == regular or bool(line.held)
        if before is not None and before.basis != Basis.ROLL:
            earlier = answer_of(household, line.programme, month.prev(), person_id=line.person_id).explain().to_json()
            changes = [one for one in compare(earlier, graph) if not _calendar(one)]
    return LineExplanation(
        line=line,
        month=month,
        parts=[(labels[name], getattr(line, name)) for name in COMPONENTS if getattr(line, name)],
        explanation=graph,
        text=text,
        same=same,
        changes=changes,
        differences=[
            (one.cause, str(Cause(one.cause).label), one.amount_fen, one.note)
            for one in LineDifference.objects.filter(
                run=line.run_id, household=household, programme=line.programme, person=line.person_id
            ).order_by("id")
        ],
        corrections=list(
            Arrear.objects.filter(
                run=line.run_id, household=household, programme=line.programme, person=line.person_id
            ).order_by("for_month")
        ),
        before_fen=before.amount_fen if before is not None and not before.held else None,
        held=str(Held(line.held).label) if line.held else "",
        status=str(LineStatus(line.status).label),
        basis=str(Basis(line.basis).label),
        missing=missing,
    )
