"""What a corrected index would have paid: a month's shares as they were given beside those of the index that counts now.

What was given is the share a run paid and what decisions of before changed of it. Nothing is booked by looking: whether a
difference is paid, got back or left is decided (`actions.price_decisions`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl
from django.db import connection
from django.db.models import F, Max, Q, Sum

from tuodi.kernel.periods import Month
from tuodi.org.access import range_of
from tuodi.payments import snapshot
from tuodi.payments.models import PayRun, PriceCorrection, PriceDecision, PriceIndex, PriceShare
from tuodi.payments.prices import SHARE, facts_of, outside_members, rounds_of, shares
from tuodi.payments.source import FRAMES, Inputs
from tuodi.payments.states import BOOKED, CorrectionState
from tuodi.policy.book import Book

__all__ = [
    "Booked",
    "Carried",
    "Difference",
    "booked_of",
    "by_county",
    "carried_otherwise",
    "decisions_of",
    "difference",
    "persons",
]

#: One person whose share differs or not; `programme` is null for groups other departments pay, `seq` the correction this would be.
PERSON = {
    "person_id": pl.Int64, "household_id": pl.Int64, "region": pl.String, "group": pl.String, "programme": pl.String, "own": pl.Boolean,
    "amount_fen": pl.Int64, "now_fen": pl.Int64, "seq": pl.Int64,
}  # fmt: skip


@dataclass(frozen=True)
class Carried:
    """A run that paid an index month by other figures than those that count now: `facts` then and `now`."""

    run: PayRun
    facts: dict[str, str]
    now: dict[str, str]


@dataclass(frozen=True)
class Difference:
    """One county and group: heads and fen as given and as they would be; `more` and `less` are persons whose share would differ."""

    county: str
    group: str
    heads: int
    fen: int
    heads_now: int
    fen_now: int
    more: int
    less: int

    @property
    def delta_fen(self) -> int:
        """What would be paid besides; less than 0 = too much was paid."""
        return self.fen_now - self.fen


def carried_otherwise(index: PriceIndex) -> list[Carried]:
    """Approved runs, within the scope in force, that carried the month of an index by other figures, or were decided about by others."""
    month = Month.parse(str(index.month))
    found = []
    last = month + 12
    for run in PayRun.objects.filter(month__gt=month.yyyymm, month__lte=last.yyyymm, state__in=BOOKED).order_by("id"):
        now = facts_of(index, run.place)
        for paid, facts in rounds_of(run):
            if paid == month and (dict(facts) != now or _decided_otherwise(run, month, now)):
                found.append(Carried(run, dict(facts), now))
    return found


def _decided_otherwise(run: PayRun, month: Month, now: Mapping[str, str]) -> bool:
    """Whether a decision changed the month's shares to other figures than those that count now."""
    rows = PriceCorrection.objects.filter(run=run, index_month=month.yyyymm, counts=True).order_by("-decision")
    last = rows.values_list("decision__facts", flat=True).first()
    return last is not None and last != dict(now)


def difference(one: Carried, month: Month, book: Book) -> list[Difference]:
    """The difference by county and group, from the run's frozen inputs; those that change most first."""
    return by_county(persons(one, month, book))


def by_county(both: pl.DataFrame) -> list[Difference]:
    """`persons` summed up by county and group; those that change most first."""
    rows = (
        both.with_columns(pl.col("region").str.slice(0, 6).alias("county"))
        .group_by("county", "group")
        .agg(
            (pl.col("amount_fen") > 0).sum().cast(pl.Int64).alias("heads"), pl.col("amount_fen").sum().alias("fen"),
            (pl.col("now_fen") > 0).sum().cast(pl.Int64).alias("heads_now"), pl.col("now_fen").sum().alias("fen_now"),
            (pl.col("now_fen") > pl.col("amount_fen")).sum().cast(pl.Int64).alias("more"),
            (pl.col("now_fen") < pl.col("amount_fen")).sum().cast(pl.Int64).alias("less"),
        )
        .sort((pl.col("fen_now") - pl.col("fen")).abs(), "county", "group", descending=[True, False, False])
    )  # fmt: skip
    return [Difference(**row) for row in rows.iter_rows(named=True)]


def persons(one: Carried, month: Month, book: Book) -> pl.DataFrame:
    """Everybody with a share of the month by the run or by the figures that count now, a row a person (`PERSON`).

    Who has his share in another run of the month is left to that run: one person, one share, corrected or not.
    """
    run = one.run
    if run.inputs is None:
        return pl.DataFrame(schema=PERSON)
    inputs = Inputs(**{name: frame for name, frame in snapshot.load(run.inputs).items() if name in FRAMES})
    area = range_of(run.place)
    outside = outside_members(area.low, area.high, month)
    programmes = list(run.programmes)
    others = PriceShare.objects.filter(index_month=month.yyyymm, live=True).exclude(run=run)
    now = _shares(
        inputs, month, programmes, book, one.now, outside if "dibao" in programmes else outside.clear(),
        list(others.values_list("person_id", flat=True)),
    )  # fmt: skip
    given = _given(run, month, inputs)
    both = given.join(
        now.rename({"amount_fen": "now_fen"}).drop("index_month"),
        on="person_id",
        how="full",
        coalesce=True,
        suffix="_now",
    )
    return both.select(
        "person_id",
        *(pl.coalesce(name, f"{name}_now").alias(name) for name in ("household_id", "region", "group", "programme", "own")),
        pl.col("amount_fen").fill_null(0), pl.col("now_fen").fill_null(0), pl.col("seq").fill_null(1),
    ).select(pl.col(name).cast(kind) for name, kind in PERSON.items()).sort("region", "household_id", "person_id")  # fmt: skip


def _given(run: PayRun, month: Month, inputs: Inputs) -> pl.DataFrame:
    """What each person has of a month by a run: his share, and what decisions changed of it since."""
    given = pl.DataFrame(
        list(
            PriceShare.objects.filter(run=run, index_month=month.yyyymm, live=True).values_list(
                "person_id", "household_id", "region", "group", "amount_fen"
            )
        ),
        schema={name: PERSON[name] for name in ("person_id", "household_id", "region", "group", "amount_fen")},
        orient="row",
    )
    # A group that is a programme of ours is on the run's roll; its line is the person's own where the roll names him.
    ours = pl.col("group").is_in(list(run.programmes))
    singles = (
        inputs.roll.filter(pl.col("person_id").is_not_null())
        .select("person_id", pl.col("programme").alias("group"))
        .unique()
    )
    given = given.join(
        singles.with_columns(pl.lit(True).alias("own")), on=["person_id", "group"], how="left"
    ).with_columns(pl.when(ours).then(pl.col("group")).alias("programme"), pl.col("own").fill_null(False))
    rows = PriceCorrection.objects.filter(run=run, index_month=month.yyyymm, live=True, seq__isnull=False)
    changed = pl.DataFrame(
        list(
            rows.values("person_id", "household_id", "region", "group", "programme", "own")
            .annotate(fen=Sum(F("after_fen") - F("before_fen"), filter=Q(counts=True)), last=Max("seq"))
            .values_list("person_id", "household_id", "region", "group", "programme", "own", "fen", "last")
        ),
        schema={
            **{name: PERSON[name] for name in ("person_id", "household_id", "region", "group", "programme", "own")},
            "fen": pl.Int64, "last": pl.Int64,
        },
        orient="row",
    ).with_columns(pl.col("programme").replace("", None))  # fmt: skip
    both = given.join(changed, on="person_id", how="full", coalesce=True, suffix="_c")
    return both.select(
        "person_id",
        *(
            pl.coalesce(name, f"{name}_c").alias(name)
            for name in ("household_id", "region", "group", "programme", "own")
        ),
        (pl.col("amount_fen").fill_null(0) + pl.col("fen").fill_null(0)).alias("amount_fen"),
        (pl.col("last").fill_null(0) + 1).alias("seq"),
    )


def _shares(
    inputs: Inputs, month: Month, programmes: list[str], book: Book, facts: Mapping[str, str], outside: pl.DataFrame, taken: list[int]
) -> pl.DataFrame:  # fmt: skip
    found = shares(inputs, month, programmes, book, facts, outside, taken)
    return found if found.height else pl.DataFrame(schema=SHARE)


# ---- what was decided


@dataclass(frozen=True)
class Booked:
    """How far a decision got: units (lines) and fen by what has become of them. Fen without sign; of groups paid by us."""

    units: int
    fen: int
    done: int
    done_fen: int
    waiting: int  #: units whose line was held when the subsidy was paid, and has not been paid back yet
    runs: tuple[str, ...]

    @property
    def left_fen(self) -> int:
        """What runs still have to book."""
        return self.fen - self.done_fen


def decisions_of(run: PayRun, month: Month) -> list[PriceDecision]:
    """Decisions about a month a run paid, newest first."""
    rows = PriceDecision.objects.filter(run=run, index_month=month.yyyymm).select_related(
        "proposed_by", "decided_by", "revoke_asked_by", "revoked_by", "paper", "index"
    )
    return list(rows.order_by("-id"))


_UNITS = """
select o.household_id, o.programme, o.person_id, o.decided_fen, o.booked_fen, o.granted, u.fen
from (select household_id, case when own then person_id end as person_id, programme, index_month, sum(after_fen - before_fen)::bigint as fen
  from payments_pricecorrection where decision_id = %s and counts and programme <> '' group by 1, 2, 3, 4) u
join payments_price_owed() o on o.household_id = u.household_id and o.programme = u.programme and o.person_id is not distinct from u.person_id
  and o.index_month = u.index_month
"""


def booked_of(decision: PriceDecision) -> Booked:
    """How far a decision got. Of several about one month the earlier are booked before the later."""
    with connection.cursor() as cursor:
        cursor.execute(_UNITS, [decision.pk])
        rows = cursor.fetchall()
        cursor.execute(
            "select distinct r.no from payments_arrear a join payments_runs() r on r.id = a.run_id where a.cause = 'price_back' "
            "and a.for_month = %s and r.state in ('approved', 'sent', 'settled', 'closed') and exists (select 1 from payments_pricecorrection c "
            "where c.decision_id = %s and c.household_id = a.household_id and c.programme = a.programme) order by 1",
            [decision.index_month, decision.pk],
        )
        runs = tuple(no for (no,) in cursor.fetchall())
    done = [abs(fen) for *_, decided, booked, _, fen in rows if decided == booked]
    return Booked(
        len(rows), sum(abs(fen) for *_, fen in rows), len(done), sum(done),
        sum(not granted for *_, decided, booked, granted, _ in rows if decided != booked), runs,
    )  # fmt: skip


def untouched(decision: PriceDecision) -> bool:
    """Whether no approved run has booked anything of a decision, and none that followed rests on it."""
    with connection.cursor() as cursor:
        cursor.execute(_UNITS, [decision.pk])
        if any(booked != decided - fen for *_, decided, booked, _, fen in cursor.fetchall()):
            return False
        cursor.execute(
            "select exists (select 1 from payments_pricecorrection c join payments_pricecorrection l on l.person_id = c.person_id "
            "and l.index_month = c.index_month and l.live and l.seq > c.seq where c.decision_id = %s)",
            [decision.pk],
        )
        (later,) = cursor.fetchone()
    return not later


def left_alone(run: PayRun, month: Month, facts: Mapping[str, str], *, short: bool) -> bool:
    """Whether it was decided to leave the difference of exactly these figures as it is."""
    return PriceDecision.objects.filter(
        run=run, index_month=month.yyyymm, short=short, kind="leave", facts=dict(facts),
        state__in=(CorrectionState.APPROVED, CorrectionState.REVOKING),
    ).exists()  # fmt: skip
