"""What the rules give for a hospital's bill: the patient's rolls and facts of the day of discharge, the year's ceiling.

The rules are those of the place on the day of discharge (M40, M43); what the packs leave open is 不能认定 and never a zero.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Prefetch

from tuodi.funds.models import HospitalBill
from tuodi.funds.states import BillState, Verdict
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.org.access import NATION, system_scope
from tuodi.people import secrets
from tuodi.people.enums import Programme
from tuodi.people.facts import FactHistory
from tuodi.people.models import Household, Membership, Person, RollEntry
from tuodi.people.queries import member_on
from tuodi.rules import FamilyErrors, Plan, ProgrammeResult
from tuodi.verification import rulebook

__all__ = ["Known", "judge", "plain_name", "provisional", "read_persons", "standing_of"]

_GROUP = "medical.group"


def provisional(bill: HospitalBill) -> int:
    """What a bill takes of the year's ceiling: what was accepted, else the most that may still be."""
    if bill.accepted_fen is not None:
        return bill.accepted_fen
    return bill.claimed_fen if bill.computed_fen is None else min(bill.claimed_fen, bill.computed_fen)


@dataclass
class Known:
    """What is known of some persons, read at once: families, facts, rolls; of patients what the year already gave."""

    memberships: dict[int, list[Membership]] = field(default_factory=lambda: defaultdict(list))
    households: dict[int, Household] = field(default_factory=dict)
    histories: dict[int, FactHistory] = field(default_factory=dict)
    of_household: dict[int, list[RollEntry]] = field(default_factory=lambda: defaultdict(list))
    of_person: dict[int, list[RollEntry]] = field(default_factory=lambda: defaultdict(list))
    used: dict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))

    def household(self, person_id: int, on: date) -> Household | None:
        for one in self.memberships[person_id]:
            if one.since <= on and (one.until is None or one.until > on):
                return self.households[one.household_id]
        return None

    def rolls(self, person_id: int, household: Household | None, on: date) -> list[RollEntry]:
        month = Month.of(on).yyyymm
        rows = [*self.of_person[person_id], *(self.of_household[household.pk] if household else ())]
        return [one for one in rows if one.start_month <= month and (one.end_month is None or one.end_month >= month)]

    def member(self, person: Person, household: Household | None, on: date) -> tuple[dict[str, Any], dict[str, Any]]:
        """(facts of the household, facts of the member) of the day."""
        plain: dict[str, Any] = {"birth": person.birth.isoformat()} if person.birth else {}
        if household is None:
            return {"area_kind": "urban"}, plain
        if household.pk not in self.histories:
            self.histories[household.pk] = FactHistory(household, list(household.memberships.all()))
        history = self.histories[household.pk]
        file = history.file(on)
        # Members of the file stand in the order of the memberships that count on the day.
        present = [one.person_id for one in history.memberships if member_on(one, on)]
        rows = dict(zip(present, file["members"], strict=True))
        return file["household"], rows.get(person.pk, plain)


def read_persons(persons: Collection[int]) -> Known:
    """Families, facts and rolls of some persons, in five queries whatever their number."""
    known = Known()
    for one in Membership.objects.filter(person__in=persons).order_by("id"):
        known.memberships[one.person_id].append(one)
    homes = {one.household_id for rows in known.memberships.values() for one in rows}
    inside = Prefetch("memberships", queryset=Membership.objects.select_related("person").order_by("id"))
    for home in Household.objects.filter(pk__in=homes).prefetch_related(inside, "facts", "member_facts"):
        known.households[home.pk] = home
    for row in RollEntry.objects.filter(household__in=homes, person__isnull=True):
        known.of_household[row.household_id].append(row)
    for row in RollEntry.objects.filter(person__in=persons):
        known.of_person[row.person_id or 0].append(row)
    return known


def _used(known: Known, bills: Sequence[HospitalBill]) -> None:
    """What other bills of the year took of the ceiling: also those of a county he moved away from, or to.

    Who moves is another row in the other county, with the same number; of that county nothing is read but sums.
    """
    persons = {one.person_id for one in bills if one.person_id}
    skip = {one.pk for one in bills if one.pk}
    same: dict[int, int] = {one: one for one in persons}
    indexes: dict[bytes, int] = {}
    locks: dict[int, str] = {}
    for person in Person.objects.filter(pk__in=persons, id_cipher__isnull=False):
        mine = [bytes(one) for one in secrets.id_indexes(secrets.open_id(person))]
        indexes |= dict.fromkeys(mine, person.pk)
        locks[person.pk] = mine[0].hex()
    with system_scope(NATION):
        elsewhere = Person.objects.filter(id_index__in=list(indexes)).exclude(pk__in=list(persons))
        same |= {pk: indexes[bytes(index)] for pk, index in elsewhere.values_list("pk", "id_index")}
        # Each county holds its own lock: of who is known in several, two must not share one ceiling out at once.
        with connection.cursor() as cursor:
            for key in sorted({locks[pk] for other, pk in same.items() if other != pk}):
                cursor.execute("select pg_advisory_xact_lock(hashtextextended('tuodi.funds.medical:' || %s, 0))", [key])
        standing = HospitalBill.objects.exclude(state=BillState.WITHDRAWN)
        # A bill that was put right counts with what its correction says.
        corrected = standing.filter(corrects=OuterRef("pk"))
        others = list(standing.filter(~Exists(corrected), person__in=list(same)).exclude(pk__in=skip))
    put_right = {one.corrects_id for one in bills if one.corrects_id}
    for bill in others:
        if bill.pk not in put_right:
            known.used[same[bill.person_id or 0], bill.discharged_on.year] += provisional(bill)


def judge(bills: Sequence[HospitalBill]) -> list[HospitalBill]:
    """Writes into bills (saved or not) what the rules say of them now; the caller holds the county's lock and saves.

    Bills of one person share the year's ceiling in the order of discharge; other bills of the year count before them.
    What people judged stays as long as the rules say the same of it; else it is to be judged again.

    Returns:
        The bills whose answer changed.
    """
    now, changed = clock.now(), []
    known = read_persons({one.person_id for one in bills if one.person_id})
    _used(known, bills)
    for bill in sorted(bills, key=lambda one: (one.discharged_on, one.pk or 0, one.row_no)):
        before = (bill.verdict, bill.computed_fen, bill.used_fen)
        _judge(bill, known)
        if before != (bill.verdict, bill.computed_fen, bill.used_fen):
            changed.append(bill)
            bill.accepted_fen, bill.reason, bill.decided_at, bill.decided_by = None, "", None, None
            bill.state = BillState.PRE_SETTLED
        bill.checked_at = now
        if bill.verdict == Verdict.AGREE and bill.accepted_fen is None:
            bill.accepted_fen, bill.decided_at, bill.state = bill.claimed_fen, now, BillState.SETTLED
        if bill.person_id:
            known.used[bill.person_id, bill.discharged_on.year] += provisional(bill)
    return changed


def _judge(bill: HospitalBill, known: Known) -> None:
    bill.basis, bill.used_fen, bill.computed_fen, bill.missing, bill.clauses = "", 0, None, "", ""
    person, on = bill.person, bill.discharged_on
    if person is None:
        bill.verdict, bill.computed_fen = Verdict.NOT_FOUND, 0
        return
    household = known.household(person.pk, on)
    bill.household = household
    rolls = known.rolls(person.pk, household, on)
    bill.basis = "、".join(dict.fromkeys(str(Programme(one.programme).label) for one in rolls))[:60]
    bill.used_fen = known.used[person.pk, on.year]
    if person.died_on is not None and person.died_on < bill.admitted_on:
        bill.verdict, bill.computed_fen = Verdict.DEAD, 0
        return
    if plain_name(person.name) != plain_name(bill.name):
        bill.verdict, bill.missing = Verdict.UNKNOWN, "姓名与证件登记的不一致"
        return
    own, member = known.member(person, household, on)
    member |= standing_of(rolls, member) | {
        "compliant_cost": format_yuan(bill.compliant_fen, sep=False),
        "aid_paid_this_year": format_yuan(bill.used_fen, sep=False),
    }
    if bill.illness:
        member["illness_kind"] = bill.illness
    place = rulebook.place_of(household.region if household else person.region)
    plan = rulebook.plan(place, on, Month.of(on))
    try:
        (answer,) = plan.decide({"place": place, "household": own, "members": [member]}, "medical", also=(_GROUP,))
    except FamilyErrors as error:
        bill.verdict, bill.missing = Verdict.UNKNOWN, "；".join(str(one) for one in error.faults)[:200]
        return
    _take(bill, plan, answer)


def standing_of(rolls: Iterable[RollEntry], member: dict[str, Any]) -> dict[str, bool]:
    """The facts rules ask of the rolls somebody stands on."""
    stands = {one.programme for one in rolls}
    return {
        "in_dibao": Programme.DIBAO in stands,
        "in_tekun": Programme.TEKUN in stands,
        "in_orphan": Programme.CHILD in stands and not member.get("is_unattended", False),
    }


def _take(bill: HospitalBill, plan: Plan, answer: ProgrammeResult) -> None:
    row = answer.rows[0] if answer.rows else None
    if row is None or row.outcome == "unknown" or (row.outcome == "pass" and row.amount_fen is None):
        lacking = row.missing if row else answer.missing
        bill.verdict = Verdict.UNKNOWN
        bill.missing = ("规则缺少：" + "、".join(lacking) if lacking else "规则不能得出结论")[:200]
        return
    if row.outcome == "fail":
        bill.verdict, bill.computed_fen = Verdict.NOT_OBJECT, 0
        bill.clauses = "；".join(dict.fromkeys(plan.book.clause(one.clause).text for one in row.tests if one.clause))[
            :300
        ]
        return
    fen = row.amount_fen or 0
    bill.computed_fen = fen
    bill.clauses = "；".join(dict.fromkeys(_clauses(plan, answer)))[:300]
    same = fen == bill.claimed_fen
    bill.verdict = Verdict.AGREE if same else Verdict.OVER if bill.claimed_fen > fen else Verdict.UNDER


def _clauses(plan: Plan, answer: ProgrammeResult) -> Iterable[str]:
    """`救助比例 70%（《…》 …）`, with the group's deductible and ceiling."""
    code = answer.inputs.tree["household"]["members"][0].get(_GROUP)
    if code is None:
        return
    group = plan.book.enums["aid_group"].value(code)
    for name in ("ratio", "deductible", "annual_cap"):
        value = plan.table(f"medical.{name}").get((group,))
        if value is not None and value.value is not None:
            label = plan.book.params[f"medical.{name}"].label
            yield f"{label} {value.printed}（{plan.book.clause(value.clause).text}）"


def plain_name(name: str) -> str:
    """A name as it is compared."""
    return "".join(name.replace("\u00b7", "").split())
