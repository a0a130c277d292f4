"""Who of a county's rolls has his premium paid in a year, and how much: by the rules of his place on the list's day (M39)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Q, QuerySet, Sum

from tuodi.funds.medical import read_persons, standing_of
from tuodi.funds.models import PremiumItem, PremiumList
from tuodi.funds.states import PremiumResult
from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.org.access import NATION, system_scope
from tuodi.people import secrets
from tuodi.people.enums import Programme
from tuodi.people.models import Household, Membership, Person, RollEntry
from tuodi.people.queries import member_on
from tuodi.rules import FamilyErrors, Plan
from tuodi.verification import rulebook

__all__ = ["DUE_BACK", "Candidate", "candidates", "due_back", "lists", "sums_of"]

#: Results for which the collector gives the money back.
DUE_BACK = (PremiumResult.NOT_INSURED, PremiumResult.DOUBLE)


@dataclass(frozen=True)
class Candidate:
    """One person on a roll. `fen` None = the rules cannot tell (`why`); 0 = not entitled, or paid for already (`why`)."""

    person: Person
    household: Household | None
    basis: str
    fen: int | None
    why: str
    clauses: str


def candidates(region: str, year: int, on: date) -> list[Candidate]:
    """Everybody on a roll of the county on a day, each with what the rules pay for him, by number of the person.

    Who is on a live list of the year already, here or in a county he moved from, is not paid again.
    """
    limits = access.range_of(region[:6])
    month = Month.of(on).yyyymm
    rolls = RollEntry.objects.filter(region__gte=limits.low, region__lt=limits.high, start_month__lte=month).filter(
        Q(end_month__isnull=True) | Q(end_month__gte=month)
    )
    homes = set(rolls.filter(person__isnull=True).values_list("household", flat=True))
    wanted = set(rolls.filter(person__isnull=False).values_list("person", flat=True))
    wanted |= {one.person_id for one in Membership.objects.filter(household__in=homes) if member_on(one, on)}
    people = Person.objects.filter(pk__in=wanted).filter(Q(died_on__isnull=True) | Q(died_on__gt=on)).order_by("pk")
    rows = list(people)
    taken = _taken(rows, year)
    known = read_persons({one.pk for one in rows})
    found = []
    for person in rows:
        household = known.household(person.pk, on)
        mine = known.rolls(person.pk, household, on)
        basis = "、".join(dict.fromkeys(str(Programme(one.programme).label) for one in mine))[:60]
        if person.pk in taken:
            found.append(Candidate(person, household, basis, 0, taken[person.pk], ""))
            continue
        own, member = known.member(person, household, on)
        member |= standing_of(mine, member)
        place = rulebook.place_of(household.region if household else person.region)
        plan = rulebook.plan(place, on, Month.of(on))
        try:
            (answer,) = plan.decide({"place": place, "household": own, "members": [member]}, "premium")
        except FamilyErrors as error:
            found.append(
                Candidate(person, household, basis, None, "；".join(str(one) for one in error.faults)[:200], "")
            )
            continue
        row = answer.rows[0] if answer.rows else None
        if row is None or row.outcome == "unknown" or (row.outcome == "pass" and row.amount_fen is None):
            lacking = "、".join(row.missing if row else answer.missing)
            why = f"规则缺少：{lacking}" if lacking else "规则不能得出结论"
            found.append(Candidate(person, household, basis, None, why[:200], ""))
        elif row.outcome == "fail":
            found.append(Candidate(person, household, basis, 0, "不属于资助参保对象", ""))
        else:
            clauses = "；".join(_clauses(plan))
            found.append(Candidate(person, household, basis, row.amount_fen, "", clauses[:300]))
    return found


def _clauses(plan: Plan) -> Iterable[str]:
    value = plan.table("premium.premium").get(())
    if value is not None and value.value is not None:
        label = plan.book.params["premium.premium"].label
        yield f"{label} {value.printed}（{plan.book.clause(value.clause).text}）"


def _taken(rows: list[Person], year: int) -> dict[int, str]:
    """Person -> where he is on a live list of the year: his own row, or one with his number in another county."""
    by_index: dict[bytes, int] = {}
    for one in rows:
        if one.id_cipher:
            by_index |= dict.fromkeys((bytes(x) for x in secrets.id_indexes(secrets.open_id(one))), one.pk)
    with system_scope(NATION):
        others = Person.objects.filter(id_index__in=list(by_index)).values_list("pk", "id_index")
        same = {pk: by_index[bytes(index)] for pk, index in others} | {one.pk: one.pk for one in rows}
        listed = PremiumItem.objects.filter(year=year, live=True, person__in=list(same))
        return {same[one.person_id]: f"已在名单 {one.listed.no}" for one in listed.select_related("listed")}


def lists(place: str) -> QuerySet[PremiumList]:
    """Lists of a place, newest first."""
    limits = access.range_of(place)
    rows = PremiumList.objects.filter(region__gte=limits.low, region__lt=limits.high)
    return rows.select_related("proposed_by", "decided_by", "answered_by").order_by("-id")


def sums_of(row: PremiumList) -> dict[str, tuple[int, int]]:
    """Result (empty = no answer yet) -> (persons, fen)."""
    found = row.items.values("result").annotate(n=Count("id"), fen=Sum("amount_fen"))  # type: ignore[attr-defined]
    return {one["result"]: (one["n"], one["fen"]) for one in found}


def due_back(row: PremiumList) -> int:
    """Fen the collector still has to give back: of people not insured, or insured twice."""
    due = row.items.filter(result__in=DUE_BACK).aggregate(n=Sum("amount_fen"))["n"] or 0  # type: ignore[attr-defined]
    back = row.refunds.aggregate(n=Sum("amount_fen"))["n"] or 0  # type: ignore[attr-defined]
    return int(due - back)
