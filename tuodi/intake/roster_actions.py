"""Rosters: stage a file, preview it, confirm it, write it. Each step may be repeated; what is done is not done again.

    imported = stage(path, profile="jingmen-urban", place="4208", acting_user=user)
    preview(imported.pk)             verdicts; nothing else is touched
    confirm(imported.pk, acting_user=user)
    apply(imported.pk)               in batches; a killed run goes on where it stopped

Applying registers the families with verdict `new` and freezes them in `AcceptedRoster`; `decisions` writes the roll.
Changed rows stay proposals, absent persons stay where they are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from tuodi.audit.actions import record
from tuodi.crypto.fields import decrypt
from tuodi.exchange.profiles import load_profile
from tuodi.exchange.roster import open_roster
from tuodi.files import store
from tuodi.files.models import StoredFile
from tuodi.intake import roster_matching, roster_reading
from tuodi.intake.errors import RosterPlaceError, RosterStateError
from tuodi.intake.models import AcceptedRoster, RosterFamily, RosterImport, RosterRow, Verdict
from tuodi.intake.roster_places import county_in
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.money import format_yuan, split_exact
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.copying import copy_rows
from tuodi.org.models import DutyCode, User
from tuodi.people.actions import add_account
from tuodi.people.bulk import NewFamily, NewPerson, register_families
from tuodi.people.enums import PERSON_PROGRAMMES
from tuodi.people.facts import put_facts
from tuodi.people.models import Household, Person

__all__ = ["apply", "confirm", "drop", "preview", "stage"]

State = RosterImport.State
#: Families written in one transaction.
BATCH = 500
#: From so many families on the planner's picture of the register is out of date.
_MANY = 1000


def _door(acting_user: User | None, region: str) -> None:
    if acting_user is not None:
        access.require(acting_user, DutyCode.ROLL_IMPORT, region)


def _note(verb: str, imported: RosterImport, actor: User | None, after: dict[str, Any]) -> None:
    record(
        f"intake.{verb}",
        actor=actor,
        subject_type="rosterimport",
        subject_id=imported.pk,
        region=imported.region,
        after=after,
    )


def stage(
    path: Path,
    *,
    profile: str,
    acting_user: User | None,
    place: str = "",
    sheet: str | None = None,
    month: Month | None = None,
    name: str = "",
    is_demo: bool = False,
) -> RosterImport:
    """Take in a file: inspected, header found, stored encrypted. Must run in a scope that holds the place.

    Args:
        place: Significant prefix of the county (or of the prefecture for files with a county column); empty = as the
            title or the file's name says, below the profile's place.
        sheet: Which sheet, where there are several.
        month: The month the roster speaks of; None = as the title says, else this month.
        name: Name as uploaded; None = the path's.
    Returns: the import; the same file staged before in the same way is returned as it stands.
    Raises: FileRefusedError, SheetChoiceError, HeaderNotFoundError, ProfileError; RosterPlaceError; NotFoundError,
        AccessDeniedError.
    """
    form = load_profile(profile)
    opened = open_roster(path, form, sheet)
    name = store.safe_name(name or path.name)
    month = month or roster_reading.month_in(f"{opened.title} {name}") or Month.of(clock.today())
    wanted = place or form.place
    if not place and "county" not in opened.columns:
        wanted = county_in(f"{opened.title} {name}", form.place, month.first_day) or ""
        if not wanted:
            raise RosterPlaceError(name)
    region = pad12(wanted)
    _door(acting_user, region)
    by = acting_user.pk if acting_user else None
    with transaction.atomic():
        file = store.put_path(path, region=region, name=name, purpose="roll_import", by_id=by)
        imported, made = RosterImport.objects.get_or_create(
            region=region,
            file=file,
            sheet=opened.sheet,
            profile=profile,
            month=month.yyyymm,
            defaults={
                "file_name": name,
                "title": opened.title[:400],
                "header_row": opened.header_row,
                "columns": opened.columns,
                "ignored": list(opened.ignored),
                "staged_at": clock.now(),
                "staged_by_id": by,
                "is_demo": is_demo,
            },
        )
        if imported.state == State.DROPPED:
            # Brought in again after it was given up or could not be read to the end.
            imported.state, imported.problem = State.STAGED, ""
            imported.save(update_fields=["state", "problem"])
            made = True
        if made:
            _note("stage_roster", imported, acting_user, {"file": name, "sha256": file.sha256, "profile": profile})
    return imported


def _lock(number: int, *states: str) -> RosterImport:
    imported = RosterImport.objects.select_for_update().get(pk=number)
    if states and imported.state not in states:
        raise RosterStateError(imported.get_state_display(), [State(s).label for s in states])
    return imported


def _committer(place: str) -> Callable[[Callable[[], None]], None]:
    """Each call is a transaction of its own in a place (a savepoint if the caller has one open)."""

    def commit(work: Callable[[], None]) -> None:
        with access.system_scope(place):
            work()

    return commit


def _refresh_statistics(what: str) -> None:
    # In a transaction of its own: the lock it takes would hold up another import.
    with connection.cursor() as cursor:
        cursor.execute(f"select intake_analyze_{what}()")


def preview(number: int, *, place: str, again: bool = False) -> RosterImport:
    """Read the whole file and give every row its verdict. Touches nothing but the import's own rows.

    A preview that was killed is begun anew; a finished one is not repeated unless `again` (the register has changed).

    Args:
        place: a prefix whose scope holds the import. Doubles inside it are seen with their reason; what lies outside is
            asked of the whole site, which answers for the roll only.
    Raises: the errors of `exchange`; RosterStateError once it is confirmed.
    """
    with access.system_scope(place):
        imported = _lock(number)
        if imported.state not in (State.STAGED, State.READING, State.PREVIEWED):
            return imported
        if imported.state == State.PREVIEWED and not again:
            return imported
        RosterRow.objects.filter(imported=imported).delete()
        RosterFamily.objects.filter(imported=imported).delete()
        imported.state, imported.progress_done = State.READING, 0
        imported.save(update_fields=["state", "progress_done"])
        file = StoredFile.objects.get(pk=imported.file_id)
    commit = _committer(place)
    try:
        with store.plain_copy(file) as path:
            roster_reading.read_into(imported, path, commit)
    except TuodiError as error:
        message = str(error)[:400]
        commit(lambda: _give_up(imported, message))
        raise
    if imported.progress_done > _MANY:
        commit(lambda: _refresh_statistics("roster"))

    def judge() -> None:
        roster_matching.match(imported)
        roster_matching.conclude(imported)
        imported.repeats = (
            RosterImport.objects.filter(
                region=imported.region, content_hash=imported.content_hash, month=imported.month
            )
            .exclude(pk=imported.pk)
            .exclude(state__in=[State.STAGED, State.READING, State.DROPPED])
            .order_by("pk")
            .first()
        )
        imported.state, imported.previewed_at = State.PREVIEWED, clock.now()
        imported.save(update_fields=["repeats", "state", "previewed_at"])
        _note("preview_roster", imported, None, imported.counts)

    commit(judge)
    return imported


def _give_up(imported: RosterImport, message: str) -> None:
    RosterRow.objects.filter(imported=imported).delete()
    RosterFamily.objects.filter(imported=imported).delete()
    imported.state, imported.problem = State.DROPPED, message
    imported.save(update_fields=["state", "problem"])
    _note("give_up_roster", imported, None, {"problem": message})


@transaction.atomic
def confirm(number: int, *, acting_user: User | None) -> RosterImport:
    """Say yes to a preview: its new families may be written. Again is no error.

    Raises: NotFoundError, AccessDeniedError; RosterStateError before the preview is finished.
    """
    imported = _lock(number)
    _door(acting_user, imported.region)
    if imported.state in (State.APPLYING, State.APPLIED):
        return imported
    if imported.state != State.PREVIEWED:
        raise RosterStateError(imported.get_state_display(), [State.PREVIEWED.label])
    imported.state = State.APPLYING
    imported.confirmed_at, imported.confirmed_by_id = clock.now(), acting_user.pk if acting_user else None
    imported.progress_done = 0
    imported.progress_total = imported.families.filter(verdict=Verdict.NEW).count()
    imported.save(update_fields=["state", "confirmed_at", "confirmed_by_id", "progress_done", "progress_total"])
    _note("confirm_roster", imported, acting_user, {"families": imported.progress_total})
    return imported


@transaction.atomic
def drop(number: int, *, acting_user: User | None) -> RosterImport:
    """Give a preview up; the file and its verdicts stay for the record, nothing is written.

    Raises: NotFoundError, AccessDeniedError; RosterStateError once it is confirmed.
    """
    imported = _lock(number)
    _door(acting_user, imported.region)
    if imported.state == State.DROPPED:
        return imported
    if imported.state in (State.APPLYING, State.APPLIED):
        raise RosterStateError(imported.get_state_display(), [State.STAGED.label, State.PREVIEWED.label])
    imported.state = State.DROPPED
    imported.save(update_fields=["state"])
    _note("drop_roster", imported, acting_user, {})
    return imported


def apply(number: int, *, place: str, batch: int = BATCH, stop_after: int | None = None) -> RosterImport:
    """Write the confirmed import, batch by batch, until nothing is left. May be killed and called again.

    Args:
        place: a prefix whose scope holds the import.
        stop_after: leave after so many batches (tests).
    Raises: RosterStateError if it is not confirmed.
    """
    done = 0
    while True:
        with access.system_scope(place):
            # The lock on the import's row lets one worker write at a time; a second finds the next batch.
            imported = _lock(number, State.APPLYING, State.APPLIED)
            if imported.state == State.APPLIED:
                return imported
            waiting = imported.families.filter(verdict=Verdict.NEW, applied_at__isnull=True).order_by("no")
            families = list(waiting[:batch])
            if families:
                _write(imported, _still_new(imported, families))
            else:
                if imported.progress_done > _MANY:
                    _refresh_statistics("people")
                imported.state, imported.applied_at = State.APPLIED, clock.now()
                imported.save(update_fields=["state", "applied_at"])
                _note("apply_roster", imported, None, {"families": imported.progress_done})
                return imported
        done += 1
        if stop_after is not None and done >= stop_after:
            return imported


def _still_new(imported: RosterImport, families: list[RosterFamily]) -> list[RosterFamily]:
    """Families of a lot whose members nobody has registered since the preview; the others become proposals."""
    fresh = [family.no for family in families if family.household_id is None]
    listed = RosterRow.objects.filter(imported=imported, family_no__in=fresh, verdict=Verdict.NEW)
    county_of = {family.no: family.region[:6] for family in families}
    wanted = {(bytes(index), county_of[no]): no for index, no in listed.values_list("id_index", "family_no")}
    known = Person.objects.filter(id_index__in=[index for index, _ in wanted]).values_list("id_index", "region")
    late = {wanted.get((bytes(index), region[:6])) for index, region in known} - {None}
    for family in families:
        if family.no in late:
            family.verdict = Verdict.CHANGED
            family.changes = [["members", "家庭成员", "核对之后已登记", "请重新核对本名册"]]
            family.save(update_fields=["verdict", "changes"])
            RosterRow.objects.filter(imported=imported, family_no=family.no, verdict=Verdict.NEW).update(
                verdict=Verdict.CHANGED
            )
    return [family for family in families if family.no not in late]


def _write(imported: RosterImport, families: list[RosterFamily]) -> None:
    if not families:
        return
    rows: dict[int, list[RosterRow]] = {family.no: [] for family in families}
    listed = RosterRow.objects.filter(imported=imported, family_no__in=list(rows), verdict=Verdict.NEW).order_by(
        "row_no"
    )
    for row in listed:
        rows[row.family_no].append(row)
    day = Month.parse(str(imported.month)).first_day
    fresh = [family for family in families if family.household_id is None]
    plans = {family.no: _plan(family, rows[family.no], day) for family in families}
    done = register_families(
        [plans[family.no] for family in fresh], acting_user=None, facts_from=day, is_demo=imported.is_demo
    )
    made = {int(one.key): one for one in done}
    now = clock.now()
    accepted: list[tuple[Any, ...]] = []
    for family in families:
        listed = _head_first(rows[family.no])
        if family.no in made:
            one = made[family.no]
            family.household_id, account = one.household, one.accounts[0]
            for row, person in zip(listed, one.people, strict=True):
                row.person_id = person
        else:
            account = _take_over(family, listed, plans[family.no], day)
        accepted += _accepted(imported, family, listed, account, now)
        family.applied_at = now
    copy_rows(AcceptedRoster, _ACCEPTED, accepted)
    _update(
        "update intake_rosterfamily t set household_id = v.b, applied_at = %s from unnest(%s::bigint[], %s::bigint[]) v(a, b) where t.id = v.a",
        [now, [f.pk for f in families], [f.household_id for f in families]],
    )
    written = [row for group in rows.values() for row in group]
    _update(
        "update intake_rosterrow t set person_id = v.b from unnest(%s::bigint[], %s::bigint[]) v(a, b) where t.id = v.a",
        [[row.pk for row in written], [row.person_id for row in written]],
    )
    imported.progress_done += len(families)
    imported.save(update_fields=["progress_done"])
    _note(
        "write_roster",
        imported,
        None,
        {"families": len(families), "first": families[0].no, "last": families[-1].no, "digest": _digest(accepted)},
    )


def _update(statement: str, values: list[Any]) -> None:
    # bulk_update builds a CASE of thousands of branches; arrays cost a tenth.
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def _take_over(family: RosterFamily, rows: list[RosterRow], plan: NewFamily, day: date) -> int | None:
    """A family that is registered already and not on the roll: facts and account are added, members stay."""
    household = Household.objects.get(pk=family.household_id)
    members = [{"person_id": row.person_id, **person.facts} for row, person in zip(rows, plan.people, strict=True)]
    put_facts(household, {"household": plan.facts, "members": members}, day)
    head = plan.people[0]
    if not head.account:
        return None
    return add_account(
        acting_user=None,
        person=Person.objects.get(pk=rows[0].person_id),
        number=head.account,
        holder=head.holder or head.name,
        since=day,
        bank_code=head.bank_code,
    ).pk


def _digest(accepted: list[tuple[Any, ...]]) -> str:
    return hashlib.sha256(repr([row[:11] for row in accepted]).encode()).hexdigest()[:32]


def _head_first(rows: list[RosterRow]) -> list[RosterRow]:
    return sorted(rows, key=lambda row: (row.data["relation"] != "self", row.row_no))


_GRADES = {"A": "class_a", "B": "class_b", "C": "class_c"}


def _plan(family: RosterFamily, rows: list[RosterRow], day: date) -> NewFamily:
    data = family.data
    # On the roll means that assets and means were found right when it was granted; the next review asks again.
    facts: dict[str, Any] = {"assets_ok": True}
    if data["income_year_fen"] is not None:
        facts["income_year"] = format_yuan(data["income_year_fen"], sep=False)
    if data["grade"] in _GRADES:
        facts["household_class"] = _GRADES[data["grade"]]
    account = decrypt(family.account_cipher, f"intake.family|{family.uid}") if family.account_cipher else ""
    address = f"{data['town']}{data['village']}"
    people = [
        _person(row, family, account if place == 0 else "", address) for place, row in enumerate(_head_first(rows))
    ]
    return NewFamily(family.region, family.category, day, people, address=address, facts=facts, key=str(family.no))


def _person(row: RosterRow, family: RosterFamily, account: str, address: str) -> NewPerson:
    secret = json.loads(decrypt(row.secret, f"intake.row|{row.uid}"))
    facts: dict[str, Any] = {"disability_grade": row.data["disability"]}
    if row.data["health"] == "重病":
        facts["seriously_ill"] = True
    facts["lost_labour"] = {"无劳动能力": True, "有劳动能力": False}.get(row.data["labour"])
    if family.programme in PERSON_PROGRAMMES:
        facts["assessed_self_care"] = family.data["self_care"] or None
        facts["support_form"] = family.data["form"] or None
        # Findings of the grant, which the roster documents.
        facts |= {"labour_finding": True, "livelihood_finding": True, "supporter_finding": True}
    return NewPerson(
        row.name,
        relation=row.data["relation"],
        id_text=secret["id"],
        phone=secret["phone"],
        address=address,
        account=account,
        holder=family.data["holder"],
        bank_code=family.data["bank_code"],
        facts={name: value for name, value in facts.items() if value is not None},
    )


_ACCEPTED = (
    "imported_id", "region", "household_id", "person_id", "programme", "category", "grade", "form", "self_care",
    "amount_fen", "start_month", "account_id", "persons", "card_no", "as_of_month", "accepted_at",
)  # fmt: skip


def _accepted(
    imported: RosterImport, family: RosterFamily, rows: list[RosterRow], account: int | None, now: Any
) -> list[tuple[Any, ...]]:
    data = family.data
    each: list[tuple[int | None, int, int]]
    if family.programme in PERSON_PROGRAMMES:
        shares = split_exact(family.amount_fen or 0, len(rows))
        each = [(row.person_id, share, 1) for row, share in zip(rows, shares, strict=True)]
    else:
        each = [(None, family.amount_fen or 0, len(rows))]
    return [
        (
            imported.pk, family.region, family.household_id, person, family.programme, family.category, data["grade"],
            data["form"], data["self_care"], amount, family.start_month or imported.month, account, persons,
            data["card_no"][:60], imported.month, now,
        )
        for person, amount, persons in each
    ]  # fmt: skip
