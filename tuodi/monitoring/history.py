"""Monthly payment rows: those of the runs this system made, and those imported from the years before it.

Frames have the columns `ROWS`: one row a family, month and programme (a run's line of one person: one row a person).
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import polars as pl
from django.db import transaction

from tuodi.audit.actions import record
from tuodi.exchange import payment_rows
from tuodi.exchange.cellsafe import harmless
from tuodi.files.store import open_plain, put_bytes, safe_name
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.monitoring.models import PaymentHistory
from tuodi.monitoring.sweep_errors import WatchInputError
from tuodi.org import access
from tuodi.org.access import system_scope
from tuodi.org.models import DutyCode, User
from tuodi.payments.source import reading
from tuodi.payments.states import BOOKED, ROLL_PROGRAMMES

__all__ = ["ROWS", "add_history", "count_rows", "import_history", "payment_rows_of"]

ROWS = {
    "month": pl.Int64, "programme": pl.String, "category": pl.String, "household_id": pl.Int64, "person_id": pl.Int64,
    "region": pl.String, "persons": pl.Int64, "amount_fen": pl.Int64,
}  # fmt: skip
Fault = tuple[int, str, str, str]


def import_history(
    path: Path, *, acting_user: User | None, place: str, profile: str = "generic", sheet: str | None = None, name: str = ""
) -> list[PaymentHistory]:  # fmt: skip
    """Takes over a file of earlier payments. The same file again gives the rows there are.

    Args:
        place: significant prefix; families of other places are refused row by row.
        name: as the sender called the file.
    Returns: one record a county.
    Raises: NotFoundError, AccessDeniedError, FileRefusedError, SheetChoiceError, ProfileError, WatchInputError.
    """
    if acting_user is not None:
        access.require(acting_user, DutyCode.SWEEP, pad12(place))
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    with system_scope(place):
        known = list(PaymentHistory.objects.filter(file_sha256=digest).order_by("place_code"))
    if known:
        return known
    read = payment_rows.read(path, payment_rows.load_profile(profile), sheet)
    faults: list[Fault] = [(one.row_no, one.field, one.reason, one.remedy) for one in read.faults]
    return add_history(
        read.frame, faults, acting_user=acting_user, place=place, profile=profile, name=name or path.name, sha256=digest
    )


@transaction.atomic
def add_history(
    frame: pl.DataFrame, faults: Sequence[Fault] = (), *, acting_user: User | None, place: str, profile: str, name: str,
    sha256: str,
) -> list[PaymentHistory]:  # fmt: skip
    """Keeps payment rows (columns `exchange.payment_rows.COLUMNS`) whose families this place knows, encrypted a county.

    A family that is not known, or named twice for one month and programme, is a fault of its row.
    """
    region = pad12(place)
    if acting_user is not None:
        access.require(acting_user, DutyCode.SWEEP, region)
    with reading(place) as cursor:
        cursor.execute(
            "select id as household_id, no::text as household_no, region::text as region from people_household"
        )
        families = pl.from_arrow(cursor.fetch_arrow_table())
    assert isinstance(families, pl.DataFrame)
    joined = frame.join(families, on="household_no", how="left")
    again = ~pl.struct("month", "programme", "household_no").is_first_distinct()
    wrong = joined.with_columns(
        why=pl.when(pl.col("household_id").is_null())
        .then(pl.lit("本地没有这个家庭编号"))
        .when(pl.col("amount_fen") < 0)
        .then(pl.lit("金额小于零"))
        .when(again)
        .then(pl.lit("同一家庭同月同项目重复"))
    )
    refused = wrong.filter(pl.col("why").is_not_null())
    good = wrong.filter(pl.col("why").is_null()).with_columns(pl.lit(None, pl.Int64).alias("person_id"))
    told = sorted(
        [
            *faults,
            *((no, "家庭编号", why, "请核对后单独补报") for no, why in refused.select("row_no", "why").iter_rows()),
        ]
    )
    if not good.height:
        raise WatchInputError(
            "历史发放数据",
            f"没有一行可以采用（{len(told)} 行有误，如：第 {told[0][0]} 行{told[0][2]}）"
            if told
            else "文件中没有数据行",
        )
    made = []
    with system_scope(place):
        sheet = None
        if told:
            lines = ["行号,栏目,原因,处理办法", *(",".join([str(no), *map(harmless, rest)]) for no, *rest in told)]
            sheet = put_bytes(
                ("\ufeff" + "\r\n".join(lines)).encode(), region=region, name=f"{safe_name(name)}-未采用.csv",
                purpose="payment_faults", media_type="text/csv", by_id=acting_user.pk if acting_user else None,
            )  # fmt: skip
        parts = good.with_columns(county=pl.col("region").str.slice(0, 6)).partition_by("county", as_dict=True)
        for (county,), part in sorted(parts.items()):
            made.append(_keep(str(county), part, place, profile, name, sha256, len(told), sheet, acting_user))
    return made


def _keep(
    county: str, part: pl.DataFrame, place: str, profile: str, name: str, sha256: str, rejected: int, faults: object,
    actor: User | None,
) -> PaymentHistory:  # fmt: skip
    plain = io.BytesIO()
    part.select(list(ROWS)).sort("month", "programme", "category", "household_id").write_parquet(
        plain, compression="zstd"
    )
    stored = put_bytes(
        plain.getvalue(), region=pad12(county), name=f"{county}.parquet", purpose="payment_history", by_id=actor.pk if actor else None
    )  # fmt: skip
    counts = part.group_by("programme", "category").len().sort("programme", "category")
    row = PaymentHistory.objects.create(
        region=pad12(county), place_code=county, profile=profile, file_name=safe_name(name), file_sha256=sha256,
        first_month=part["month"].min(), last_month=part["month"].max(), rows=part.height,
        rows_by={f"{p}/{c}": n for p, c, n in counts.iter_rows()}, amount_fen=part["amount_fen"].sum(),
        rejected=rejected, stored=stored, faults=faults, imported_at=clock.now(), imported_by=actor,
    )  # fmt: skip
    record(
        "monitoring.add_history", actor=actor, subject_type="paymenthistory", subject_id=row.pk, region=row.region,
        after={"rows": row.rows, "first": row.first_month, "last": row.last_month, "rejected": rejected, "sha256": sha256},
    )  # fmt: skip
    return row


_LINES = """
select l.month, l.programme::text as programme, l.category::text as category, l.household_id, l.person_id,
  l.region::text as region, l.persons::bigint as persons, l.amount_fen
from payments_payline l join payments_runs() r on r.id = l.run_id
where l.live and l.held = '' and l.programme in ({roll}) and l.month between {first} and {last} and r.state in ({booked})
"""


def payment_rows_of(place: str, first: Month, last: Month, programmes: Sequence[str] = ()) -> pl.DataFrame:
    """Every payment row of a place and months (both included), columns `ROWS`.

    A family, month and programme that a run of this system has is not taken from imported rows.
    """
    booked = ", ".join(f"'{state.value}'" for state in BOOKED)
    roll = ", ".join(f"'{one}'" for one in ROLL_PROGRAMMES)  # what others determine is no row of the families' roll
    with reading(place) as cursor:
        cursor.execute(_LINES.format(first=first.yyyymm, last=last.yyyymm, booked=booked, roll=roll))
        lines = pl.from_arrow(cursor.fetch_arrow_table())
    assert isinstance(lines, pl.DataFrame)
    lines = lines.cast(ROWS).select(list(ROWS))  # type: ignore[arg-type]
    with system_scope(place):
        kept = PaymentHistory.objects.filter(
            last_month__gte=first.yyyymm, first_month__lte=last.yyyymm
        ).select_related("stored").order_by("id")  # fmt: skip
        old = [pl.read_parquet(open_plain(one.stored)) for one in kept]
    unit = ["month", "programme", "household_id"]
    if old:
        rows = pl.concat(old).filter(pl.col("month").is_between(first.yyyymm, last.yyyymm))
        rows = rows.unique(unit, keep="first", maintain_order=True).join(lines, on=unit, how="anti")
        lines = pl.concat([lines, rows.select(list(ROWS))])
    if programmes:
        lines = lines.filter(pl.col("programme").is_in(list(programmes)))
    return lines.sort("month", "programme", "category", "household_id", "person_id")


def count_rows(rows: pl.DataFrame) -> dict[str, int]:
    """{"dibao/urban": 183028, …}."""
    found = rows.group_by("programme", "category").len().sort("programme", "category")
    return {f"{programme}/{category}": n for programme, category, n in found.iter_rows()}
