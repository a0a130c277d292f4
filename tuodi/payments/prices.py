"""Price linkage: what the rules of an index month say of its indices, which rounds a run pays, and each person's one share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from tuodi.cases.calendar import calendar
from tuodi.kernel.periods import Month
from tuodi.kernel.places import parents
from tuodi.kernel.workdays import UnknownYearError
from tuodi.payments.compute import UNIT
from tuodi.payments.frames import KEYS, covering, frames_of, rule_place
from tuodi.payments.models import PayRun, PriceIndex, PriceMember, PriceShare
from tuodi.payments.source import Inputs
from tuodi.payments.states import ROLL_PROGRAMMES, RunState
from tuodi.people.enums import ONCE_PROGRAMMES
from tuodi.policy.book import Book
from tuodi.rules import plan_for
from tuodi.rules.bulk import column_name, run_bulk

__all__ = [
    "Round",
    "facts_of",
    "index_of",
    "outside_members",
    "round_of",
    "rounds_due",
    "rounds_of",
    "shares",
    "unit_prices",
]

#: Group outside our programmes -> the fact of a person that says he is in it.
GROUP_FACTS = {
    "preferential_group": "in_preferential", "unemployment_group": "in_unemployment", "orphan_group": "in_orphan",
    "unattended_group": "in_unattended", "aids_child_group": "in_aids_child", "allowance_group": "in_allowance", "edge_group": "in_edge",
}  # fmt: skip
SHARE = {
    "index_month": pl.Int64, "region": pl.String, "household_id": pl.Int64, "person_id": pl.Int64, "group": pl.String, "amount_fen": pl.Int64,
    "programme": pl.String, "own": pl.Boolean,
}  # fmt: skip


@dataclass(frozen=True)
class Round:
    """An index month judged by its own rules.

    Attributes:
        triggered: None = cannot be told, `missing` says why. growth: percent as text. due: None with `pending` where the
            calendar of that year is not out yet.
    """

    index: PriceIndex
    triggered: bool | None
    growth: str
    factor: str
    covered: tuple[str, ...]
    clause: str
    due: date | None
    pending: bool
    missing: tuple[str, ...]


def index_of(place: str, month: Month) -> PriceIndex | None:
    """The indices that count in a place: of the nearest place that has any, the newest row."""
    chain = parents(place)
    found = {row.place: row for row in PriceIndex.objects.filter(month=month.yyyymm, place__in=chain).order_by("id")}
    return next((found[one] for one in chain if one in found), None)


def facts_of(index: PriceIndex, place: str, known: Mapping[int, PriceIndex] | None = None) -> dict[str, str]:
    """Place facts of an index month; the two months before it as far as they are known (the rule until 2016-07 asks them).

    Args:
        known: month -> the indices that count in the place, where they are at hand.
    """
    out = {name: str(value) for name in ("cpi", "food", "grain") if (value := getattr(index, name)) is not None}
    month = Month.parse(str(index.month))
    for back in (1, 2):
        earlier = month - back
        before = index_of(place, earlier) if known is None else known.get(earlier.yyyymm)
        for name in ("cpi", "grain"):
            value = getattr(before, name) if before is not None else None
            if value is not None:
                out[f"{name}_{back}"] = str(value)
    return out


def round_of(index: PriceIndex, place: str, book: Book, known: Mapping[int, PriceIndex] | None = None) -> Round:
    """What the rules in force in an index month say of its indices in a place."""
    month = Month.parse(str(index.month))
    plan = plan_for(book, place, month.last_day, month)
    family = {
        "place_facts": facts_of(index, place, known),
        "household": {"area_kind": "urban"},
        "members": [{"in_dibao": True}],
    }
    (result,) = plan.decide(family, "price", also=("price.triggered", "price.growth"))
    found = result.values.get("price.triggered")
    growth = result.values.get("price.growth")
    slot = result.model.slots["price.growth"]
    shown = "" if growth is None or not found else f"{float(growth * slot.scale):g}"
    value = {
        name: book.value(f"price.{name}", plan.chain, (), month.last_day) for name in ("factor", "covered", "pay_days")
    }
    factor, covered, days = value["factor"], value["covered"], value["pay_days"]
    due, pending = None, False
    if days is not None and days.value is not None:
        try:
            due = calendar().add_workdays(index.published_on, int(days.value))
        except UnknownYearError:
            pending = True
    text = plan.texts["price.cpi_hit"]
    return Round(
        index, None if found is None else bool(found), shown, factor.printed if factor else "", tuple(covered.value) if covered and covered.value else (),
        book.clause(text.clause).text, due, pending, tuple(plan.missing(result.model, result.inputs, "price.triggered", None)) if found is None else (),
    )  # fmt: skip


def rounds_of(run: PayRun) -> list[tuple[Month, dict[str, str]]]:
    """The rounds a run pays: index month and place facts. A run of before had one, of the month before its own."""
    month = Month.parse(str(run.month))
    if "rounds" in run.indices:
        return [(Month.parse(str(one["month"])), dict(one["facts"])) for one in run.indices["rounds"]]
    return [(month.prev(), dict(run.indices))] if run.indices else []


def rounds_due(run: PayRun, book: Book) -> dict[str, Any]:
    """What a run is to pay, for its column `indices`: triggered months before its own that no other live run of it carries.

    Months further back than the run looks are left alone.
    """
    month = Month.parse(str(run.month))
    others = (
        PayRun.objects.exclude(pk=run.pk)
        .exclude(state=RunState.CANCELLED)
        .filter(programmes__overlap=list(run.programmes))
    )
    taken = {
        paid.yyyymm
        for other in others
        if other.place.startswith(run.place) or run.place.startswith(other.place)
        for paid, _ in rounds_of(other)
    }
    rows = []
    for back in range(max(run.lookback_months, 1), 0, -1):
        when = month - back
        index = index_of(run.place, when)
        if index is None or when.yyyymm in taken:
            continue
        # An index of months long past, from before the site paid anything, is history and not a debt.
        if (
            back > 1
            and not PayRun.objects.filter(place=run.place, month__lte=when.next().yyyymm)
            .exclude(state=RunState.CANCELLED)
            .exists()
        ):
            continue
        if round_of(index, run.place, book).triggered:
            rows.append(
                {
                    "month": when.yyyymm,
                    "facts": facts_of(index, run.place),
                    "index": index.pk,
                    "assumed": index.hypothetical,
                }
            )
    return {"rounds": rows} if rows else {}


def outside_members(place_low: str, place_high: str, month: Month) -> pl.DataFrame:
    """People of groups outside our programmes in a month: a row a person and group."""
    rows = PriceMember.objects.filter(
        region__gte=place_low, region__lt=place_high, start_month__lte=month.yyyymm
    ).values_list("region", "household_id", "person_id", "group", "area_kind", "end_month")
    kept = [row[:5] for row in rows if row[5] is None or row[5] >= month.yyyymm]
    schema = {
        "region": pl.String,
        "household_id": pl.Int64,
        "person_id": pl.Int64,
        "group": pl.String,
        "area_kind": pl.String,
    }
    return pl.DataFrame(kept, schema=schema, orient="row")


def shares(
    inputs: Inputs, index: Month, programmes: Sequence[str], book: Book, facts: Mapping[str, str], outside: pl.DataFrame, taken: Sequence[int] = (),
) -> pl.DataFrame:  # fmt: skip
    """Each person's share for an index month, one row a person (`SHARE`).

    Groups are those of the rolls of that month. Who is in several has one share: on tekun his own, else with his family,
    else as a member of the outside group.

    Args:
        outside: `outside_members` of the month. taken: persons whose share another run has.
    """
    empty = pl.DataFrame(schema=SHARE)
    wanted = [one for one in programmes if one in ROLL_PROGRAMMES and one not in ONCE_PROGRAMMES]
    entries = covering(inputs.roll, index).filter(pl.col("programme").is_in(wanted))
    if not facts or "price" not in book.programmes or (entries.is_empty() and outside.is_empty()):
        return empty
    frames, _ = frames_of(inputs, entries, index, book, per_person=False)
    homes, people = frames["household"], frames["members"]
    homes = homes.select("household_id", "region", "place", "area_kind")
    flags = [c for c in ("in_dibao", "in_tekun") if c in people.columns]
    people = people.select("household_id", "person_id", *flags, *(c for c in ("died",) if c in people.columns))
    rest = outside.join(people.select("person_id"), on="person_id", how="anti")
    if rest.height:
        lone = rest.unique("person_id", keep="first", maintain_order=True).with_columns(rule_place(book).alias("place"))
        # A household of their own beside the roll's, so that their urban or rural standard is theirs.
        lone = lone.with_columns((-pl.col("person_id")).alias("own_home"))
        homes = pl.concat(
            [homes, lone.select(pl.col("own_home").alias("household_id"), "region", "place", "area_kind")]
        )
        people = pl.concat(
            [people, lone.select(pl.col("own_home").alias("household_id"), "person_id")], how="diagonal_relaxed"
        )
    for group, fact in GROUP_FACTS.items():
        mine = outside.filter(pl.col("group") == group)["person_id"].unique()
        people = people.with_columns(pl.col("person_id").is_in(mine.implode()).cast(pl.Int64).alias(fact))
    people = people.with_columns(pl.col(flags).fill_null(False).cast(pl.Int64))
    parts = []
    for place in homes["place"].unique().sort():
        plan = plan_for(book, place, index.last_day, index)
        known = next((p for p in plan.programmes() if p.id == "price"), None)
        if known is None:
            continue
        here = homes.filter(pl.col("place") == place)
        members = people.join(here.select("household_id"), on="household_id", how="semi")
        model = plan.model((known.eligible, known.amount))
        found = run_bulk(
            [plan],
            model,
            {"household": here.drop("region"), "members": members},
            keys=KEYS,
            place_facts={place: dict(facts)},
        )
        parts.append(
            found["members"]
            .collect()
            .select("household_id", "person_id", pl.col(column_name(known.amount)).cast(pl.Int64).alias("amount_fen"))
        )
    if not parts:
        return empty
    paid = pl.concat(parts).filter((pl.col("amount_fen") > 0) & ~pl.col("person_id").is_in(list(taken)))
    single = (
        entries.filter(pl.col("person_id").is_not_null())
        .select("person_id", pl.col("programme").alias("own_programme"))
        .unique("person_id")
    )
    family = (
        entries.filter(pl.col("person_id").is_null())
        .select("household_id", "programme")
        .unique("household_id", keep="first", maintain_order=True)
    )
    groups = outside.select(
        "person_id", pl.col("household_id").alias("real_home"), pl.col("group").alias("outside_group")
    ).unique("person_id", keep="first")
    return (
        paid.join(single, on="person_id", how="left")
        .join(family, on="household_id", how="left")
        .join(groups, on="person_id", how="left")
        .join(homes.select("household_id", "region"), on="household_id", how="left")
        # A person in a family on the roll by tekun alone stands there as himself; his kin have no share by it.
        .filter((pl.col("household_id") < 0) | pl.col("own_programme").is_not_null() | pl.col("programme").is_not_null())
        .with_columns(
            pl.lit(index.yyyymm, dtype=pl.Int64).alias("index_month"),
            pl.when(pl.col("household_id") < 0).then(pl.col("real_home")).otherwise(pl.col("household_id")).alias("household_id"),
            pl.coalesce("own_programme", "programme", "outside_group").alias("group"),
            pl.coalesce("own_programme", "programme").alias("programme"),
            pl.col("own_programme").is_not_null().alias("own"),
        )
        .unique("person_id", keep="first", maintain_order=True)
        .select(pl.col(name).cast(kind) for name, kind in SHARE.items())
    )  # fmt: skip


def unit_prices(found: pl.DataFrame) -> pl.DataFrame:
    """Shares by the unit whose line carries them: UNIT and `price_fen`. Those of outside groups have no line."""
    return (
        found.filter(pl.col("programme").is_not_null())
        .with_columns(pl.when("own").then(pl.col("person_id")).alias("unit_person"))
        .group_by("programme", "household_id", "unit_person")
        .agg(pl.col("amount_fen").sum().alias("price_fen"))
        .rename({"unit_person": "person_id"})
        .select(*UNIT, "price_fen")
    )


def taken_elsewhere(run: PayRun, index: Month) -> list[int]:
    """Persons whose share of an index month stands in another run."""
    rows = PriceShare.objects.filter(index_month=index.yyyymm, live=True).exclude(run=run)
    return list(rows.values_list("person_id", flat=True))
