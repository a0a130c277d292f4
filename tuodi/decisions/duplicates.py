"""The duplicate-relief check (重复救助核查, M60): what a family or person gets already, before more is granted.

Answers, and asks for an answer before a grant (`require_answered`): `block` where two programmes exclude each other by law (特困 and 低保 for one person, 649号 art. 14
and 57号; orphan and 特困: 43号 art. 9), `warn` where it may be double (one-off relief for the same cause within the
place's period), `allow` for what goes together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Q

from tuodi.cases.models import Case
from tuodi.decisions.errors import DuplicateReliefError
from tuodi.decisions.models import Determination
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.kernel.workdays import add_months
from tuodi.people.enums import ONCE_PROGRAMMES, Programme
from tuodi.people.models import Household, Membership, Person, RollEntry
from tuodi.verification.rulebook import profile_value

__all__ = [
    "ALLOW",
    "BLOCK",
    "WARN",
    "Duplicate",
    "against_case",
    "duplicates",
    "gravest_first",
    "require_answered",
    "verdict",
]

BLOCK, WARN, ALLOW = "block", "warn", "allow"
_DIBAO, _TEKUN, _CHILD = Programme.DIBAO.value, Programme.TEKUN.value, Programme.CHILD.value
#: Of one person: both at once is excluded.
_APART = frozenset({frozenset({_DIBAO, _TEKUN}), frozenset({_TEKUN, _CHILD})})
#: Of one family: the lighter status has no object while the heavier stands.
_WITHIN = frozenset({
    frozenset({_DIBAO, Programme.EDGE.value}), frozenset({_DIBAO, Programme.RIGID.value}),
    frozenset({Programme.EDGE.value, Programme.RIGID.value}),
})  # fmt: skip
#: Paid once, for a cause.
_ONCE = frozenset(ONCE_PROGRAMMES)


@dataclass(frozen=True)
class Duplicate:
    """One thing that is there already.

    Attributes:
        verdict: `block`, `warn` or `allow`.
        what: the programme there is, as people call it. since: first month or day of decision, as text.
        reason: the Chinese sentence for the officer: what is there, why it matters, what to do.
        person_id: whose it is; null = the family's. own: an entry of the unit itself, not of another family.
    """

    verdict: str
    programme: str
    what: str
    since: str
    reason: str
    person_id: int | None = None
    own: bool = False


def duplicates(
    household: Household, programme: str, *, person: Person | None = None, cause: str = "", on: date | None = None,
    case: Case | None = None,
) -> list[Duplicate]:  # fmt: skip
    """What stands against granting a programme to a family, or to one person of it; the gravest first.

    Args:
        person: the person it is for (特困, 困境儿童); None = the family.
        cause: of a one-off relief: the same cause again is a warning.
        on: the day; None = today. case: its own grants are left out (what was given first and is confirmed now).
    Needs a scope that covers the family; what lies elsewhere only a sweep knows (`monitoring.duplicates`).
    """
    day = on or clock.today()
    month = Month.of(day).yyyymm
    present = Q(until__isnull=True) | Q(until__gt=day)
    members = Membership.objects.filter(household=household, since__lte=day).filter(present)
    people = [person.pk] if person is not None else list(members.values_list("person_id", flat=True))
    live = Q(end_month__isnull=True) | Q(end_month__gte=month)
    entries = (
        RollEntry.objects.filter(live).filter(Q(household=household) | Q(person__in=people)).select_related("person")
    )
    found = [
        one for entry in entries.order_by("id") if (one := _against(entry, programme, household, person)) is not None
    ]
    if programme in _ONCE:
        found += _repeated(household, programme, cause, day, case)
    return gravest_first(found)


def gravest_first(found: Iterable[Duplicate]) -> list[Duplicate]:
    """Some answers, the gravest first."""
    return sorted(found, key=lambda one: (BLOCK, WARN, ALLOW).index(one.verdict))


def against_case(case: Case, persons: Sequence[Person] = ()) -> list[Duplicate]:
    """What stands against confirming a case, without what goes together; the gravest first.

    A change or a review of what the family gets is not a second grant of it.

    Args:
        persons: whom it is decided for, where a programme entitles persons; none = the family.
    """
    units: Sequence[Person | None] = persons or (None,)
    found = [one for unit in units for one in duplicates(case.household, case.programme, person=unit, case=case)]
    again = case.kind != Case.Kind.APPLICATION
    kept = (
        one for one in found if one.verdict != ALLOW and not (again and one.own and one.programme == case.programme)
    )
    return gravest_first(dict.fromkeys(kept))


def require_answered(case: Case, found: Sequence[Duplicate], *, reason: str, acknowledged: bool) -> None:
    """Refuses a grant that nobody has answered for: what excludes needs a written reason, what may be double a look.

    Raises: DuplicateReliefError.
    """
    if reason.strip():
        return
    if verdict(found) == BLOCK or (found and not acknowledged):
        raise DuplicateReliefError(case.no, [one.reason for one in found], blocked=verdict(found) == BLOCK)


def _against(entry: RollEntry, programme: str, household: Household, person: Person | None) -> Duplicate | None:
    pair = frozenset({entry.programme, programme})
    label = Programme(entry.programme).label
    since = str(Month.parse(str(entry.start_month)))
    whose = entry.person_id
    other = entry.household_id != household.pk

    def said(verdict: str, text: str) -> Duplicate:
        return Duplicate(verdict, entry.programme, label, since, text, whose, not other)

    if entry.programme == programme and programme in _ONCE and not other:
        return None  # by cause, see `_repeated`
    if entry.programme == programme:
        if not other and whose == (person.pk if person else None):
            return said(BLOCK, f"已从 {since} 起享受{label}。如情况变化，请办理变更，不要重复给予。")
        return said(BLOCK, f"成员已在另一户从 {since} 起享受{label}。请先核对家庭成员，再作决定。") if other else None
    if pair in _APART:
        # One person is in both; a family on dibao may have a member on tekun who is not counted in it.
        if whose is not None and person is None:
            return said(WARN, f"成员从 {since} 起享受{label}，不得同时计入本项救助的保障人口。请在事实中去掉此人。")
        return said(BLOCK, f"同一人从 {since} 起已享受{label}，两项不能同时享受。请先办理退出，再给予。")
    if pair in _WITHIN:
        return said(WARN, f"家庭从 {since} 起已享受{label}。请核对是否需要同时认定，并写明理由。")
    return said(ALLOW, f"另从 {since} 起享受{label}，可以同时享受。")


def _repeated(household: Household, programme: str, cause: str, day: date, case: Case | None) -> list[Duplicate]:
    """One-off relief granted within the place's period."""
    months = profile_value("relief_repeat_months", household.region, day)
    # A place without the period: every earlier grant is told, none is left out by a guess.
    since = Month.of(add_months(day, -months)).first_day if months is not None else date.min
    within = f"{months} 个月内重复" if months is not None else "本地没有规定核查期"
    rows = Determination.objects.filter(
        household=household, programme=programme, outcome="pass", decided_on__gte=since, decided_on__lte=day
    ).order_by("-decided_on", "-id")  # fmt: skip
    if case is not None:
        rows = rows.filter(Q(case__isnull=True) | ~Q(case=case))
    out = []
    for row in rows:
        same = bool(cause) and row.cause == cause
        text = (
            f"{row.decided_on} 已因同一事由（{cause}）给予过（{row.no}），{within}。确需再给的，请写明理由。"
            if same
            else f"{row.decided_on} 已因“{row.cause or '未注明'}”给予过（{row.no}）。请核对是否同一事由。"
        )
        out.append(Duplicate(WARN, programme, Programme(programme).label, row.decided_on.isoformat(), text))
    return out


def verdict(found: Sequence[Duplicate]) -> str:
    """The gravest of some answers; `allow` where there are none."""
    return found[0].verdict if found else ALLOW
