"""Minors near the age at which their assistance ends (满龄核查): raised ahead, told, looked into, kept while at school or ended.

Basis: [43] art 24 (tekun to eighteen, and on while in compulsory school, senior middle or secondary vocational school); for
children's programmes the pack's own age and schools. Ages, months ahead and papers are values of the packs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Count, Min, Q, QuerySet

from tuodi.audit.actions import record
from tuodi.cases.guard import logs_blocks
from tuodi.decisions.changes import require_confirmer
from tuodi.decisions.errors import ReasonsMissingError
from tuodi.kernel import clock
from tuodi.kernel.ages import birthday
from tuodi.kernel.periods import Month
from tuodi.kernel.workdays import add_months
from tuodi.monitoring.deciding import collect, decide_change
from tuodi.monitoring.dynamic_errors import DynamicHandsError, DynamicInputError
from tuodi.monitoring.dynamic_states import move
from tuodi.monitoring.models import ComingOfAge
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.people import tellings
from tuodi.people.enums import Programme
from tuodi.people.facts import put_facts
from tuodi.people.models import RollEntry
from tuodi.people.queries import members_on
from tuodi.verification.models import FactSet
from tuodi.verification.rulebook import book, place_of

__all__ = [
    "AGES", "DUTIES", "MOVES", "access_of_age", "counts", "find_school", "listing", "raise_due", "schools", "settle", "tell",
]  # fmt: skip

State = ComingOfAge.State
DUTIES = (DutyCode.ACCEPT, DutyCode.REVIEW, DutyCode.VISIT)
#: Programme -> the value of the packs that says until which age.
AGES: Mapping[str, str] = {Programme.TEKUN: "tekun.keep_age", Programme.CHILD: "child.end_age"}
#: The fact that says he is on the roll: who stays past his age stays because he was.
_STANDS: Mapping[str, str] = {Programme.TEKUN: "in_tekun", Programme.CHILD: "in_orphan"}
MOVES: Mapping[str, frozenset[str]] = {
    State.OPEN: frozenset({State.FOUND, State.GONE}),
    State.FOUND: frozenset({State.FOUND, State.KEPT, State.ENDED, State.GONE}),
    State.KEPT: frozenset(),
    State.ENDED: frozenset(),
    State.GONE: frozenset(),
}


@dataclass
class _Places:
    """What a place's packs say, asked once a town."""

    on: date
    known: dict[tuple[str, str], Any]

    def value(self, name: str, region: str) -> Any:
        key = (name, place_of(region))
        if key not in self.known:
            row = book().value(name, book().chain(key[1]), (), self.on)
            self.known[key] = None if row is None else row.value
        return self.known[key]


def _papers(places: _Places, region: str) -> list[str]:
    words = book().enums["of_age_paper"].values
    chosen = places.value("profile.of_age_papers", region) or ()
    return [str(label) for code, label in words.items() if code in chosen]


def raise_due(place: str, on: date | None = None) -> tuple[int, int]:
    """Raises the work on everybody who comes of age, or is to leave school, within the months of his place; closes what is over.

    Who joined the roll as a minor counts: whoever is tekun for his age or his health is none of it. Run twice, it does its work once.

    Returns: how many were raised, how many closed because the person is on the roll no more.
    """
    today = on or clock.today()
    month = Month.of(today).yyyymm
    places = _Places(today, {})
    with access.system_scope(place), transaction.atomic():
        entries = (
            RollEntry.objects.filter(programme__in=list(AGES), person__birth__isnull=False, start_month__lte=month)
            .filter(Q(end_month__isnull=True) | Q(end_month__gte=month))
            .select_related("person", "household")
            .order_by("region", "id")
        )
        first = {
            (row["person"], row["programme"]): row["first"]
            for row in RollEntry.objects.filter(programme__in=list(AGES), person__isnull=False)
            .values("person", "programme")
            .annotate(first=Min("start_month"))
        }
        seen = {
            (row.person_id, row.programme): row for row in ComingOfAge.objects.order_by("due_on", "id")
        }  # the newest of each
        made, on_roll = [], set()
        for entry in entries:
            person = entry.person
            assert person is not None
            key = (person.pk, entry.programme)
            on_roll.add(key)
            years = places.value(AGES[entry.programme], entry.region)
            if years is None or person.birth is None:
                continue
            last = seen.get(key)
            turns = birthday(person.birth, int(years))
            joined = Month.parse(str(first[key])).first_day
            due_on = turns if last is None else _next_look(last, places)
            if due_on is None or (last is None and turns < joined):
                continue
            if add_months(today, int(places.value("profile.of_age_ahead", entry.region) or 0)) < due_on:
                continue
            made.append(
                ComingOfAge(
                    region=entry.region,
                    household=entry.household,
                    person=person,
                    programme=entry.programme,
                    age=int(years),
                    due_on=due_on,
                    again=last is not None,
                    papers=_papers(places, entry.region),
                    opened_on=today,
                )
            )  # fmt: skip
        ComingOfAge.objects.bulk_create(made, ignore_conflicts=True, batch_size=500)
        over = [row.pk for key, row in seen.items() if row.state in (State.OPEN, State.FOUND) and key not in on_roll]
        ComingOfAge.objects.filter(pk__in=over).update(state=State.GONE, settled_on=today)
        if made or over:
            record(
                "monitoring.raise_of_age", actor=None, subject_type="place", subject_id=place,
                region=(made[0].region if made else ComingOfAge.objects.get(pk=over[0]).region),
                after={"raised": len(made), "gone": len(over), "on": today},
            )  # fmt: skip
    return len(made), len(over)


def _next_look(last: ComingOfAge, places: _Places) -> date | None:
    """When who stayed because of school is looked at again; None = the last look is still under way, or was the last."""
    if last.state != State.KEPT or last.settled_on is None:
        return None
    months = int(places.value("profile.of_age_recheck", last.region) or 12)
    return last.school_until or add_months(max(last.due_on, last.settled_on), months)


@transaction.atomic
def tell(row: ComingOfAge, *, how: str, acting_user: User) -> ComingOfAge:
    """Tells the family what to bring: by text to the phone on record, or noted as told by word. Once.

    Args:
        how: ``message`` or ``spoken``.

    Raises: DynamicInputError: told before, no such way, or no phone that may be used. NotFoundError, AccessDeniedError.
    """
    row = _locked(row, acting_user)
    if row.told_on is not None:
        raise DynamicInputError("告知", f"已于 {row.told_on} 告知")
    if how not in ("message", "spoken"):
        raise DynamicInputError("告知方式", "只能是短信或者当面、电话")
    if how == "message":
        facts = {
            "day": row.due_on.isoformat(), "age": row.age, "programme": row.get_programme_display(),
            "office": acting_user.office.name, "papers": "、".join(row.papers) or "有关证明",
        }  # fmt: skip
        # The guardian's phone first. Where none may be used the row goes back with the error.
        told = tellings.tell("of_age", row.household, row.household.head, f"of_age:{row.pk}", facts)
        if not told.messages:
            why = "家庭要求不发短信" if row.household.tell_by_hand else "没有登记手机号"
            raise DynamicInputError("电话", f"{why}，请当面或者电话告知后登记")
    row.told_on, row.told_by, row.told_how = clock.today(), acting_user, how
    row.save(update_fields=["told_on", "told_by", "told_how"])
    _audit("tell_of_age", acting_user, row, how=how)
    return row


def schools() -> list[tuple[str, str]]:
    """The stages of school the packs know, with their words."""
    return [(code, str(label)) for code, label in book().enums["school"].values.items()]


@logs_blocks
@transaction.atomic
def find_school(
    row: ComingOfAge, *, school: str, note: str, acting_user: User, school_name: str = "", until: date | None = None
) -> ComingOfAge:
    """What the papers showed: at which school, until when; frozen as facts on which the county decides.

    Args:
        school: a code of the packs' `school`; ``no_school`` = left. until: the day school is to end, as the certificate says.

    Raises: DynamicInputError, DynamicStateError, FactFaultsError, NotFoundError, AccessDeniedError.
    """
    row = _locked(row, acting_user)
    if school not in dict(schools()):
        raise DynamicInputError("就读阶段", "请选择")
    if not note.strip():
        raise DynamicInputError("核查情况", "必须写明看了什么材料")
    if school != "no_school" and not school_name.strip():
        raise DynamicInputError("学校", "在读的必须写明学校")
    if until is not None and until < clock.today():
        raise DynamicInputError("预计毕业", "早于今天；已毕业的请选未就读")
    move(MOVES, row, State.FOUND, "核查")
    row.fact_set = collect(
        row.household, acting_user=acting_user, facts={},
        members={row.person_id: {"school": school, _STANDS[row.programme]: True}},
        reason=f"满{row.age}周岁核查", evidence=note.strip()[:100], source=FactSet.Source.FINDING,
    )  # fmt: skip
    row.school, row.school_name, row.school_until = school, school_name.strip()[:80], until
    row.note, row.found_on, row.found_by = note.strip()[:500], clock.today(), acting_user
    row.save(
        update_fields=["state", "fact_set", "school", "school_name", "school_until", "note", "found_on", "found_by"]
    )  # fmt: skip
    _audit("find_school", acting_user, row, school=school, fact_set=row.fact_set_id)
    return row


@logs_blocks
@transaction.atomic
def settle(row: ComingOfAge, *, reasons: str, acting_user: User) -> ComingOfAge:
    """The level that confirms decides by the rules: stays while at school, or ends; tekun only after its public notice.

    An end holds from the month after the birthday, or from the next month where that is later.

    Raises: DynamicStateError, DynamicHandsError, ReasonsMissingError, EndNoticeError, UnknownOutcomeError, WrongLevelError …
    """
    row = _locked(row, None)
    require_confirmer(acting_user, row.region, row.programme)
    if not reasons.strip():
        raise ReasonsMissingError("满龄确认")
    if row.state != State.FOUND or row.fact_set is None:
        move(MOVES, row, State.KEPT, "确认")
    assert row.fact_set is not None
    if row.found_by_id == acting_user.pk:
        raise DynamicHandsError("核查", "确认")
    today = clock.today()
    changed = decide_change(
        row.fact_set, row.programme, acting_user=acting_user, cause="of_age", person=row.person,
        reasons=f"满{row.age}周岁核查：{reasons.strip()}", effective=Month.of(max(today, row.due_on)).next(),
    )  # fmt: skip
    ended = changed.kind == "stop"
    move(MOVES, row, State.ENDED if ended else State.KEPT, "确认")
    if changed.determination is None:
        _accept(row, Month.of(today).next().first_day)
    row.determination, row.settled_on, row.settled_by = changed.determination, today, acting_user
    row.save(update_fields=["state", "determination", "settled_on", "settled_by"])
    _audit("settle_of_age", acting_user, row, kind=changed.kind, late=today > row.due_on)
    return row


def _accept(row: ComingOfAge, day: date) -> None:
    """Nothing changes in money, but that he is at school is what the monthly run asks from his birthday on."""
    facts = row.fact_set
    assert facts is not None
    present = {one.person_id for one in members_on(row.household, day)}
    members = [
        {**member, "person_id": number}
        for member, number in zip(facts.facts["members"], facts.person_ids, strict=True)
        if number in present
    ]
    put_facts(row.household, {"household": facts.facts["household"], "members": members}, day)


def listing(show: str, town: str, today: date) -> QuerySet[ComingOfAge]:
    """Work: `open` (the nearest birthday first), `overdue`, `found`, `done`, `all`."""
    rows = ComingOfAge.objects.select_related("household__head", "person", "determination")
    if town:
        found = access.range_of(town)
        rows = rows.filter(region__gte=found.low, region__lt=found.high)
    running = (State.OPEN, State.FOUND)
    if show == "done":
        return rows.exclude(state__in=running).order_by("-settled_on", "-id")
    if show == "overdue":
        rows = rows.filter(state__in=running, due_on__lt=today)
    elif show == "found":
        rows = rows.filter(state=State.FOUND)
    elif show == "open":
        rows = rows.filter(state__in=running)
    return rows.order_by("due_on", "id")


def counts(today: date) -> dict[str, int]:
    """How the work in the reader's range stands. One query."""
    running = Q(state__in=(State.OPEN, State.FOUND))
    return ComingOfAge.objects.aggregate(
        open=Count("pk", filter=running),
        overdue=Count("pk", filter=running & Q(due_on__lt=today)),
        found=Count("pk", filter=Q(state=State.FOUND)),
        done=Count("pk", filter=~running),
        all=Count("pk"),
    )


def access_of_age(user: User, pk: int) -> ComingOfAge:
    """One in the user's range. Raises NotFoundError."""
    rows = ComingOfAge.objects.select_related(
        "household__head", "person", "fact_set", "determination", "found_by", "settled_by", "told_by"
    )
    return access.one(rows, user=user, what="满龄核查", pk=pk)


def _locked(given: ComingOfAge, user: User | None) -> ComingOfAge:
    row = access.locked(
        ComingOfAge.objects.select_related("household__head", "person", "fact_set"), given.pk, what="满龄核查"
    )
    if user is not None:
        access.require_any(user, DUTIES, row.region)
    return row


def _audit(action: str, user: User, row: ComingOfAge, **after: object) -> None:
    record(
        f"monitoring.{action}", actor=user, subject_type="comingofage", subject_id=row.pk, region=row.region,
        after={"state": row.state, **after},
    )  # fmt: skip
