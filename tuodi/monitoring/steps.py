"""One step of many clues: locked, sifted, moved, noted. A single clue is a step of one.

Each clue is either done or refused with a reason of its own; one statement moves all that go on, one inserts their
events, and one audit row a county names how many, by their numbers' hash.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from tuodi.audit.actions import record
from tuodi.cases.guard import level_of
from tuodi.cases.models import StaffKin
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.places import pad12
from tuodi.monitoring.errors import ClueKinError, ClueLevelError, ClueStateError
from tuodi.monitoring.models import Clue, ClueEvent
from tuodi.monitoring.states import can_move
from tuodi.org import access
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.org.models import DutyCode, User
from tuodi.people.models import Membership
from tuodi.policy.procedure import LEVEL_LABELS

__all__ = ["BatchResult", "Refusal", "Step", "ids_of", "note_event"]

#: Verdicts and what follows are the county's, or of the body above that does a county's work.
COUNTY_LEVELS = frozenset({"COUN", "PREF"})
Test = Callable[[Clue], TuodiError | None]
#: Rows of one insert: the parameters of a statement stay below the protocol's limit.
_ROWS = 2000


@dataclass(frozen=True)
class Refusal:
    """A clue that was left as it was, and why."""

    clue_id: int
    no: str
    error: TuodiError

    @property
    def reason(self) -> str:
        """The Chinese sentence."""
        return str(self.error)


@dataclass(frozen=True)
class BatchResult:
    """What became of each clue of a batch: `done` and `refused` together are all that were asked for, once each."""

    done: tuple[int, ...]
    refused: tuple[Refusal, ...] = ()

    def by_reason(self) -> list[tuple[str, int]]:
        """Kind of refusal -> how many, most frequent first."""
        return Counter(type(one.error).__name__ for one in self.refused).most_common()


def ids_of(clues: Iterable[Clue | int]) -> list[int]:
    """Primary keys, each once, in order."""
    return list(dict.fromkeys(one.pk if isinstance(one, Clue) else int(one) for one in clues))


class Step:
    """Clues locked in the order of their keys, of which some are refused on the way.

    Args:
        clues: rows or keys. verb: Chinese name of the deed, for sentences.
    """

    def __init__(self, clues: Iterable[Clue | int], acting_user: User | None, verb: str) -> None:
        self.user, self.verb = acting_user, verb
        self.wanted = ids_of(clues)
        rows = Clue.objects.select_for_update(of=("self",)).filter(pk__in=self.wanted).order_by("pk")
        rows = rows.select_related("responsible")  # named in refusals
        self.rows: dict[int, Clue] = {row.pk: row for row in rows}
        self.errors: dict[int, TuodiError] = {pk: NotFoundError("线索") for pk in self.wanted if pk not in self.rows}

    @property
    def open(self) -> list[Clue]:
        """Those not refused so far."""
        return [row for pk, row in self.rows.items() if pk not in self.errors]

    def refuse(self, test: Test) -> None:
        """Drops those for which the test returns an error."""
        for row in self.open:
            error = test(row)
            if error is not None:
                self.errors[row.pk] = error

    def duty(self, *codes: str, county: bool = False) -> None:
        """Drops those outside the user's range or duties, of another level's work, or of his own family or kin.

        Args:
            county: the county's work.
        """
        user = self.user
        if user is None:
            return
        ranges = access.ranges_for(user, codes)
        held = level_of(user)
        kin = self._kin(user)

        def test(row: Clue) -> TuodiError | None:
            if not access.in_scope(user, row.region):
                return NotFoundError("线索")
            if county and held not in COUNTY_LEVELS:
                return ClueLevelError(row.no, self.verb, LEVEL_LABELS.get(held, "其他层级"))
            if not any(row.region in one for one in ranges):
                return AccessDeniedError(codes[0], DutyCode(codes[0]).label)
            return ClueKinError(row.no) if row.household_id in kin else None

        self.refuse(test)

    def _kin(self, user: User) -> set[int]:
        """Families with the user himself or a declared relative of his in them; or of one whose duty he has borrowed."""
        lenders = [one.lent_from.user_id for one in access.duties_of(user) if one.lent_from]
        indexes = list(StaffKin.objects.filter(user__in=[user.pk, *lenders]).values_list("id_index", flat=True))
        if not indexes:
            return set()
        found = Membership.objects.filter(person__id_index__in=indexes, until__isnull=True)
        return set(found.values_list("household_id", flat=True))

    def move(self, after: str, *, only: Sequence[str] = ()) -> None:
        """Drops those from whose state the step does not follow.

        Args:
            only: states it starts from, where the table knows more.
        """
        self.refuse(
            lambda row: (
                None
                if can_move(row.state, after) and (not only or row.state in only)
                else ClueStateError(row.no, row.get_state_display(), self.verb)
            )
        )

    def write(
        self, kind: str, after: str | None, columns: Mapping[str, Any], *, note: str = "", rows: Sequence[Clue] | None = None,
    ) -> None:  # fmt: skip
        """Moves clues in one statement and appends their events in another.

        Args:
            after: new state; None = it stays.
            columns: the same for all. rows: default all that are open.
        """
        chosen = self.open if rows is None else list(rows)
        if not chosen:
            return
        values = {**columns, **({"state": after} if after is not None else {})}
        Clue.objects.filter(pk__in=[row.pk for row in chosen]).update(**values)
        now = clock.now()
        ClueEvent.objects.bulk_create(
            [
                ClueEvent(
                    clue_id=row.pk, region=row.region, at=now, by=self.user, kind=kind, before=row.state,
                    after=after if after is not None else row.state, note=note,
                )
                for row in chosen
            ],
            batch_size=_ROWS,
        )  # fmt: skip
        for row in chosen:
            for name, value in values.items():
                setattr(row, name, value)

    def write_each(self, table: Mapping[int, Sequence[Any]], columns: Sequence[tuple[str, str]]) -> None:
        """Columns that differ by clue, in one statement.

        Args:
            table: clue -> values. columns: (name, SQL type) in the order of the values.
        """
        if not table:
            return
        names = [name for name, _ in columns]
        sets = ", ".join(f"{name} = x.{name}" for name in names)
        arrays = ", ".join(f"%s::{kind}[]" for _, kind in columns)
        turned = list(zip(*table.values(), strict=True))
        with connection.cursor() as cursor:
            cursor.execute(
                f"update monitoring_clue c set {sets} from unnest(%s::bigint[], {arrays}) as x(id, {', '.join(names)}) where c.id = x.id",
                [list(table), *(list(values) for values in turned)],
            )
        for pk, values in table.items():
            for name, value in zip(names, values, strict=True):
                setattr(self.rows[pk], name, value)

    def audit(self, verb: str, /, **after: Any) -> None:
        """One row for one clue; for many, one a county with how many and the hash of their keys."""
        done = self.open
        if not done:
            return
        if len(self.wanted) == 1:
            (row,) = done
            record(
                f"monitoring.{verb}",
                actor=self.user,
                subject_type="clue",
                subject_id=row.pk,
                region=row.region,
                after={"no": row.no, "state": row.state, **after},
            )
            return
        counties: dict[str, list[Clue]] = defaultdict(list)
        for row in done:
            counties[row.region[:6]].append(row)
        for county in sorted(counties):
            mine = counties[county]
            keys = ",".join(str(row.pk) for row in mine)
            digest = hashlib.sha256(keys.encode()).hexdigest()
            record(
                f"monitoring.{verb}",
                actor=self.user,
                subject_type="clues",
                subject_id=digest,
                region=pad12(county),
                after={
                    "count": len(mine),
                    "refused": len(self.errors),
                    "first": mine[0].no,
                    "last": mine[-1].no,
                    "ids_sha256": digest,
                    **after,
                },
            )

    def result(self) -> BatchResult:
        """What became of each."""
        refused = [
            Refusal(pk, self.rows[pk].no if pk in self.rows else "", self.errors[pk])
            for pk in self.wanted
            if pk in self.errors
        ]
        return BatchResult(tuple(pk for pk in self.wanted if pk not in self.errors), tuple(refused))

    def one(self) -> Clue:
        """The only clue of a step of one. Raises: what it was refused for."""
        (pk,) = self.wanted
        if pk in self.errors:
            raise self.errors[pk]
        return self.rows[pk]


def note_event(clue: Clue, kind: str, *, user: User | None, note: str = "") -> ClueEvent:
    """Appends something that was done to a clue without moving it."""
    return ClueEvent.objects.create(
        clue=clue,
        region=clue.region,
        at=clock.now(),
        by=user,
        kind=kind,
        before=clue.state,
        after=clue.state,
        note=note,
    )
