"""Whose consent is in force, and who has none. Set-based: a county of seventy thousand is one question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Exists, F, Min, OuterRef, Q, QuerySet

from tuodi.cases.models import Case
from tuodi.kernel.periods import Month
from tuodi.org.access import range_of
from tuodi.people.enums import LeaveReason
from tuodi.people.models import Household, Membership, Person, RollEntry
from tuodi.people.queries import members_on
from tuodi.verification.models import Consent, Supporter

__all__ = ["ConsentLine", "consents_of", "in_force", "outdated", "supporters_of", "without_consent"]


def in_force(on: date) -> Q:
    """Consents that hold on a day."""
    return (
        Q(signed_on__lte=on)
        & (Q(valid_to__isnull=True) | Q(valid_to__gte=on))
        & (Q(ended_on__isnull=True) | Q(ended_on__gt=on))
    )


@dataclass(frozen=True)
class ConsentLine:
    """One person who would be checked with a family; `consent` is null where he is listed and not checked."""

    role: str
    name: str
    relation: str
    id_masked: str
    person: Person | None
    supporter: Supporter | None
    consent: Consent | None

    @property
    def has_number(self) -> bool:
        """Whether there is a number to ask about."""
        holder = self.person or self.supporter
        return bool(holder and holder.id_cipher)


def supporters_of(household: Household, on: date) -> list[Supporter]:
    """Statutory supporters outside the family on a day, oldest entry first."""
    rows = Supporter.objects.filter(household=household, since__lte=on)
    return list(rows.filter(Q(until__isnull=True) | Q(until__gt=on)).order_by("id"))


def consents_of(household: Household, on: date, members: Sequence[Membership] | None = None) -> list[ConsentLine]:
    """Members, then supporters, each with the newest consent in force on the day.

    Args:
        members: Of the family on the day with their persons, where the caller has read them anyway.
    """
    rows = Consent.objects.filter(in_force(on), household=household).order_by("signed_on", "id")
    by_person = {row.person_id: row for row in rows if row.person_id}
    by_supporter = {row.supporter_id: row for row in rows if row.supporter_id}
    lines = [
        ConsentLine(
            Consent.Role.MEMBER, one.person.name, one.get_relation_display(), one.person.id_masked, one.person, None,
            by_person.get(one.person_id),
        )
        for one in (members_on(household, on) if members is None else members)
        if one.until is None or one.until > on
    ]  # fmt: skip
    lines += [
        ConsentLine(Consent.Role.SUPPORTER, one.name, one.relation, one.id_masked, None, one, by_supporter.get(one.pk))
        for one in supporters_of(household, on)
    ]
    return lines


def without_consent(place_code: str, on: date, *, on_roll: bool = True) -> QuerySet[Membership]:
    """Present members of a place whose consent is not in force, with person and household, by place and number.

    Args:
        place_code: Significant prefix.
        on_roll: Only families with an entitlement in the month of the day.
    """
    span = range_of(place_code)
    rows = Membership.objects.filter(region__gte=span.low, region__lt=span.high, since__lte=on).filter(
        Q(until__isnull=True) | Q(until__gt=on)
    )
    held = Consent.objects.filter(in_force(on), person=OuterRef("person"), household=OuterRef("household"))
    if on_roll:
        month = Month.of(on).yyyymm
        listed = RollEntry.objects.filter(household=OuterRef("household"), start_month__lte=month).filter(
            Q(end_month__isnull=True) | Q(end_month__gte=month)
        )
        rows = rows.filter(Exists(listed))
    return rows.filter(~Exists(held)).select_related("person", "household").order_by("region", "household_id", "id")


def outdated(on: date, household: Household | None = None) -> list[tuple[Consent, str]]:
    """Open consents that no longer cover their family, with the reason: members changed since, or it has applied anew.

    The form itself says so (成员变化或者重新申请时重新签署). A death or a correction of the register is no change of
    members in this sense: nobody's data is looked at that was not before. What has changed is read first and only the
    consents of those families after it, so that a whole prefecture takes a few scans.
    """
    rows = Consent.objects.filter(ended_on__isnull=True, signed_on__lte=on)
    if household is not None:
        rows = rows.filter(household=household)
    earliest = rows.aggregate(day=Min("signed_on"))["day"]
    if earliest is None:
        return []
    changed, applied = _changes(earliest, on, household), _anew(earliest, on, household)
    families = sorted({*changed, *applied})
    found: list[tuple[Consent, str]] = []
    for start in range(0, len(families), 5000):
        for row in rows.filter(household__in=families[start : start + 5000]).order_by("region", "id"):
            if changed.get(row.household_id, date.min) > row.signed_on:
                found.append((row, "家庭成员变化，须重新签署"))
            elif any(closed >= row.signed_on for closed in applied.get(row.household_id, ())):
                found.append((row, "重新申请，须重新签署"))
    return sorted(found, key=lambda pair: (pair[0].region, pair[0].pk))


def _changes(after: date, on: date, household: Household | None) -> dict[int, date]:
    """Household -> the last day somebody joined or left.

    Who was there when the family was registered has not joined it: a paper may be older than the register.
    """
    rows = Membership.objects.exclude(leave_reason__in=(LeaveReason.DEATH, LeaveReason.CORRECTED)).filter(
        Q(since__gt=after, since__lte=on) & Q(since__gt=F("household__formed_on")) | Q(until__gt=after, until__lte=on)
    )
    if household is not None:
        rows = rows.filter(household=household)
    last: dict[int, date] = {}
    for pk, since, until, formed in rows.values_list("household_id", "since", "until", "household__formed_on"):
        for day in (since if since > formed else None, until):
            if day is not None and day <= on:
                last[pk] = max(last.get(pk, date.min), day)
    return last


def _anew(after: date, on: date, household: Household | None) -> dict[int, list[date]]:
    """Household -> days on which a matter was closed that was followed by a new application."""
    rows = Case.objects.filter(accepted_on__lte=on)
    if household is not None:
        rows = rows.filter(household=household)
    again = rows.filter(kind=Case.Kind.APPLICATION, accepted_on__gt=after).values_list("household_id", "accepted_on")
    newest: dict[int, date] = {}
    for pk, day in again:
        newest[pk] = max(newest.get(pk, date.min), day)
    closed: dict[int, list[date]] = {}
    ended = rows.filter(closed_on__gte=after, closed_on__lte=on).values_list("household_id", "closed_on")
    for pk, day in ended:
        if day is not None and day <= newest.get(pk, date.min):
            closed.setdefault(pk, []).append(day)
    return closed
