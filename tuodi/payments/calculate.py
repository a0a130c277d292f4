"""The calculation of a run: freeze the inputs, compute in columns, write county by county. Resumable.

The inputs are frozen before anything is computed, so a calculation killed in the middle and started again gives the
same lines from the same facts, whatever happened to the roll meanwhile. Each county's lines are written in one
transaction and noted as done.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl
from django.db import IntegrityError, connection, transaction

from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.access import NATION, range_of, system_scope
from tuodi.org.places import place_name
from tuodi.payments import snapshot
from tuodi.payments.arrears import corrected_prices, earlier_months
from tuodi.payments.compute import UNIT, due, standards_of
from tuodi.payments.differences import explain_differences
from tuodi.payments.errors import DoubleLineError
from tuodi.payments.figures import Part, figures_of
from tuodi.payments.lines import build
from tuodi.payments.models import PayRun, PriceShare
from tuodi.payments.prices import SHARE, outside_members, rounds_of, shares, taken_elsewhere, unit_prices
from tuodi.payments.queries import month_of
from tuodi.payments.source import FRAMES, KNOWN, Inputs, Known, pull
from tuodi.payments.states import BOOKED, RunState
from tuodi.people.models import Household
from tuodi.policy.book import Book
from tuodi.rules import FamilyErrors, plan_for

__all__ = ["Result", "compute_run", "freeze", "keep_shares", "write_run"]

Tell = Callable[[str, int, int], None]

LINE_COLUMNS = (
    "region", "key", "household_id", "person_id", "roll_id", "programme", "category", "persons", "income_year_fen", "base_fen",
    "increment_fen", "care_fen", "grace_fen", "price_fen", "other_fen", "back_pay_fen", "offset_fen", "amount_fen", "basis",
    "in_grace", "held", "held_note", "account_id", "account_uid", "account_cipher", "account_index", "account_last4",
    "bank_code", "holder", "determination_id", "agreement_id", "fingerprint", "status",
)  # fmt: skip
DIFF_COLUMNS = (
    "region", "household_id", "person_id", "programme", "cause", "amount_fen", "households", "persons", "affected", "note",
)  # fmt: skip
ARREAR_COLUMNS = (
    "region", "household_id", "person_id", "programme", "for_month", "due_fen", "granted_fen", "amount_fen", "cause", "note",
)  # fmt: skip
#: Units whose missing facts are looked up one by one; the others are told in general words.
_DETAILED = 200


@dataclass(frozen=True)
class Result:
    """What a calculation came to: `lines`, `differences`, `late` (corrections), what was in force, and price shares."""

    lines: pl.DataFrame
    differences: pl.DataFrame
    late: pl.DataFrame
    rules: dict[str, Any]
    prices: pl.DataFrame


def freeze(run: PayRun, *, by_id: int | None) -> Inputs:
    """The inputs of a run: read and kept the first time, the kept ones from then on."""
    if run.inputs is not None:
        return Inputs(**{name: frame for name, frame in snapshot.load(run.inputs).items() if name in FRAMES})
    inputs = pull(run.place, list(run.programmes), month_of(run), run.lookback_months)
    stored = snapshot.store(
        inputs.frames(), region=run.region, name=f"{run.no}-inputs", purpose="pay_inputs", by_id=by_id
    )
    run.inputs = stored
    PayRun.objects.filter(pk=run.pk).update(inputs=stored)
    return inputs


def _before(run: PayRun) -> Known | None:
    """What last month's runs knew of their families; None where none is at hand."""
    month = month_of(run).prev()
    with system_scope(
        NATION
    ):  # the run may have been the prefecture's; of what it knew only families of this run are asked
        runs = PayRun.objects.filter(month=month.yyyymm, state__in=BOOKED, inputs__isnull=False).select_related(
            "inputs"
        )
        near = [one for one in runs if one.place.startswith(run.place) or run.place.startswith(one.place)]
        parts = [snapshot.load(one.inputs, KNOWN) for one in near if one.inputs is not None]
    if not parts:
        return None
    return Known(
        **{
            name: pl.concat([part[name] for part in parts], how="diagonal_relaxed").unique(maintain_order=True)
            for name in KNOWN
        }
    )


def compute_run(run: PayRun, inputs: Inputs, book: Book, tell: Tell) -> Result:
    """All lines, differences and corrections of a run. Pure but for reading last month's snapshot and exit causes."""
    month, programmes = month_of(run), list(run.programmes)
    tell("按规则计算", 0, 0)
    answer = due(inputs, month, programmes, book)
    found = _shares(run, inputs, programmes, book)
    prices = unit_prices(found)
    tell("与往月核对", 0, 0)
    late = pl.concat([earlier_months(inputs, month, programmes, book), corrected_prices(inputs, book)])
    missing = _missing(answer.rows, inputs, month, book)
    lines = build(
        inputs, month, programmes, answer.rows, prices, late, offset_permille=run.offset_permille,
        fraud_permille=run.fraud_permille, missing=missing,
    )  # fmt: skip
    # Corrections of a unit that is not paid wait until it is.
    late = late.join(lines.filter(pl.col("held") != "").select(UNIT), on=UNIT, how="anti", nulls_equal=True)
    tell("解释差异", 0, 0)
    gone = sorted(
        set(inputs.lines["household_id"].to_list()) - set(lines.filter(pl.col("held") == "")["household_id"].to_list())
    )
    differences = explain_differences(
        lines, inputs, lambda: _before(run), month, programmes, book, late, _exit_causes(gone, month)
    )
    places = sorted(answer.fingerprints)
    rules = {
        "book": book.digest if isinstance(book.digest, str) else "",
        "fingerprints": answer.fingerprints,
        "standards": standards_of(book, places, month, programmes),
        "case_date": month.first_day.isoformat(),
    }
    return Result(lines, differences, late, rules, found)


def _shares(run: PayRun, inputs: Inputs, programmes: list[str], book: Book) -> pl.DataFrame:
    """Each person's price share of every round the run pays. Groups outside our programmes go with the run of dibao."""
    area = range_of(run.place)
    parts = [pl.DataFrame(schema=SHARE)]
    for index, facts in rounds_of(run):
        outside = outside_members(area.low, area.high, index)
        if "dibao" not in programmes:
            outside = outside.clear()
        parts.append(shares(inputs, index, programmes, book, facts, outside, taken_elsewhere(run, index)))
    return pl.concat(parts)


def keep_shares(run: PayRun, result: Result) -> None:
    """Writes the run's price shares; those of an earlier calculation of it no longer count. One person has one a month."""
    PriceShare.objects.filter(run=run, live=True).update(live=False)
    held = result.lines.filter(pl.col("held") != "").select(UNIT)
    rows = result.prices.with_columns(pl.when("own").then(pl.col("person_id")).alias("unit_person"))
    waiting = rows.join(
        held.rename({"person_id": "unit_person"}),
        on=["programme", "household_id", "unit_person"],
        how="semi",
        nulls_equal=True,
    )["person_id"]
    PriceShare.objects.bulk_create(
        (
            PriceShare(
                run=run, region=row["region"], index_month=row["index_month"], household_id=row["household_id"], person_id=row["person_id"],
                group=row["group"], amount_fen=row["amount_fen"], in_line=row["programme"] is not None and row["person_id"] not in held_people,
            )
            for held_people in [set(waiting.to_list())]
            for row in result.prices.iter_rows(named=True)
        ),
        batch_size=5000,
    )  # fmt: skip


def _missing(rows: pl.DataFrame, inputs: Inputs, month: Month, book: Book) -> dict[tuple[str, int, int | None], str]:
    """What the rules would need, for units they have no answer for and that are not carried from a roll."""
    from tuodi.payments.family import family_of

    imported = inputs.roll.filter(pl.col("imported")).select(UNIT).unique()
    open_rows = rows.filter(pl.col("outcome") == "unknown").join(imported, on=UNIT, how="anti", nulls_equal=True)
    found: dict[tuple[str, int, int | None], str] = {}
    for programme, home, person, place in open_rows.select(*UNIT, "place").head(_DETAILED).iter_rows():
        household = Household.objects.filter(pk=home).first()
        if household is None:
            continue
        try:
            (result,) = plan_for(book, place, month.first_day, month).decide(
                family_of(household, programme, month, person_id=person), programme
            )
        except FamilyErrors as error:
            # Stored facts no longer fit the law's words: the line is held and says so, and the others are computed.
            found[programme, home, person] = f"可用的事实（{'；'.join(map(str, error.faults[:2]))}）"
            continue
        found[programme, home, person] = "、".join(result.missing[:6])
    return found


def _exit_causes(households: list[int], month: Month) -> dict[int, str]:
    """Household -> cause of its newest determination of the last months, for units that left."""
    if not households:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "select distinct on (household_id) household_id, cause from decisions_determination "
            "where household_id = any(%s) and kind <> 'imported' and start_month >= %s order by household_id, id desc",
            [households, (month - 12).yyyymm],
        )
        return dict(cursor.fetchall())


def write_run(run: PayRun, result: Result, tell: Tell) -> None:
    """Writes lines, differences and corrections, a county in a transaction; counties already written are left alone.

    Raises: DoubleLineError if a unit is in another live run of the month.
    """
    regions = pl.concat([result.lines["region"], result.differences["region"], result.late["region"]])
    counties = regions.str.slice(0, 6).unique().sort().to_list()
    done: list[str] = list(run.progress.get("parts", []))
    total = result.lines.height
    again = _written(run)
    rows = result.lines.select(LINE_COLUMNS)
    written = result.lines.filter(pl.col("region").str.slice(0, 6).is_in(done)).height if done else 0
    for county in counties:
        if county in done:
            continue
        mine = pl.col("region").str.slice(0, 6) == county
        with system_scope(run.place):
            locked = PayRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
            if locked.state != RunState.OPEN or county in locked.progress.get("parts", []):
                continue  # another worker was faster
            done = list(locked.progress.get("parts", []))  # with what another worker has written meanwhile
            if again:
                _delete(run, county)
            lines = rows.filter(mine)
            try:
                with transaction.atomic():
                    _copy(run, "payments_payline", lines, LINE_COLUMNS, month=run.month)
            except IntegrityError as error:
                if "payments_line_live_once" not in str(error):
                    raise
                raise _double(run, lines) from error
            _copy(run, "payments_linedifference", result.differences.filter(mine), DIFF_COLUMNS)
            _copy(run, "payments_arrear", result.late.filter(mine), ARREAR_COLUMNS)
            written += lines.height
            done.append(county)
            run.progress = {
                "phase": "write",
                "label": f"写入 {place_name(county)}",
                "done": written,
                "total": total,
                "parts": done,
            }
            PayRun.objects.filter(pk=run.pk).update(progress=run.progress)
        tell(f"写入 {place_name(county)}", written, total)


def _written(run: PayRun) -> bool:
    """Whether an earlier calculation has left rows of the run."""
    tables = ("payments_linedifference", "payments_arrear", "payments_payline")
    found = " or ".join(f"exists (select 1 from {table} where run_id = %s)" for table in tables)
    with system_scope(run.place), connection.cursor() as cursor:
        cursor.execute(f"select {found}", [run.pk] * len(tables))
        return bool(cursor.fetchone()[0])


def _delete(run: PayRun, county: str) -> None:
    with connection.cursor() as cursor:
        for table in ("payments_linedifference", "payments_arrear", "payments_payline"):
            cursor.execute(
                f"delete from {table} where run_id = %s and region >= %s and region < %s",
                [run.pk, county, county + "~"],
            )


_TYPES = {
    "household_id": "bigint", "person_id": "bigint", "roll_id": "bigint", "account_id": "bigint", "determination_id": "bigint", "agreement_id": "bigint",
    "account_uid": "uuid", "account_cipher": "bytea", "account_index": "bytea", "in_grace": "boolean",
    "persons": "smallint", "households": "smallint", "affected": "smallint", "for_month": "integer",
}  # fmt: skip
#: Text columns that are never null in the table.
_TEXT = ("holder", "bank_code", "account_last4", "fingerprint", "held", "held_note", "note")


def _copy(run: PayRun, table: str, frame: pl.DataFrame, columns: tuple[str, ...], *, month: int | None = None) -> None:
    """Rows by COPY into a temporary table, then in one statement under the place policy (COPY itself cannot be held by it)."""
    if frame.is_empty():
        return
    plain = frame.select(columns).with_columns(
        *(pl.col(c).fill_null("") for c in columns if c in _TEXT),
        *(("\\x" + pl.col(c)).alias(c) for c in columns if _TYPES.get(c) == "bytea"),
    )
    sink = io.BytesIO()
    plain.write_csv(sink, include_header=False, null_value="\\N", quote_style="necessary")
    kinds = ", ".join(f"{c} {_TYPES.get(c, 'bigint' if c.endswith('_fen') else 'text')}" for c in columns)
    names = ", ".join(columns)
    with connection.cursor() as cursor:
        cursor.execute(f"create temporary table if not exists staging_{table} ({kinds})")
        cursor.execute(f"truncate staging_{table}")
        with cursor.copy(f"copy staging_{table} ({names}) from stdin with (format csv, null '\\N')") as copy:
            copy.write(sink.getbuffer())
        fixed, values = "run_id", "%s"
        arguments: list[Any] = [run.pk]
        if month is not None:
            fixed, values = "run_id, month, live", "%s, %s, true"
            arguments.append(month)
        cursor.execute(
            f"insert into {table} ({fixed}, {names}) select {values}, {names} from staging_{table}", arguments
        )


def _double(run: PayRun, lines: pl.DataFrame) -> DoubleLineError:
    keys = lines["key"].to_list()
    with connection.cursor() as cursor:
        cursor.execute(
            "select l.key, r.no from payments_payline l join payments_runs() r on r.id = l.run_id "
            "where l.live and l.run_id <> %s and l.month = %s and l.key = any(%s) limit 1000",
            [run.pk, run.month, keys],
        )
        found = cursor.fetchall()
    return DoubleLineError([key for key, _ in found], sorted({no for _, no in found}) or ["另一期"])


def totals(run: PayRun, result: Result) -> dict[str, int]:
    """Counts and sums of a run's lines, from the table; its households from what was written into it."""
    figures = figures_of(run)

    def of_paid(value: Callable[[Part], int]) -> int:
        return figures.sum(value, lambda part: part.paid)

    return {
        "lines": of_paid(lambda part: part.lines),
        "households": result.lines.filter(pl.col("held") == "")["household_id"].n_unique(),
        "persons": of_paid(lambda part: part.persons),
        "amount_fen": of_paid(lambda part: part.amount_fen),
        "held_lines": figures.sum(lambda part: part.lines, lambda part: not part.paid),
    }


def keep_results(run: PayRun, result: Result, *, by_id: int | None) -> None:
    """Freezes what came out beside what went in."""
    frames = {"lines": result.lines.drop("account_cipher"), "differences": result.differences, "late": result.late}
    stored = snapshot.store(frames, region=run.region, name=f"{run.no}-results", purpose="pay_results", by_id=by_id)
    run.results = stored
    run.calculated_at = clock.now()
