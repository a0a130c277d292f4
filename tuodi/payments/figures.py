"""What a run's lines come to, in one reading of them; and what rests on its lines alone, kept until one of them changes.

Check and every signature read the lines anew: sums, statuses, what is loose. Two answers cost more than that reading and
depend on nothing but lines: whether an account stands in lines of several families, and which determinations were not in
the run of the month before. The check keeps them (`RunReading`) under the versions of the lines it read, and a signature
takes them only if its own reading finds the very same versions; else it looks for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection

from tuodi.payments.models import PayRun, RunReading
from tuodi.payments.states import BOOKED

__all__ = ["Figures", "Part", "figures_of", "keep_reading", "page_order", "reading_of", "wanted_of"]

#: More than so many new determinations are no longer a shorter way than all of them.
_MOST = 5000
_QUERY = """
select substr(region, 1, 6), programme, status, held = '', count(*), coalesce(sum(amount_fen), 0)::bigint, coalesce(sum(persons), 0)::bigint,
  coalesce(sum(-offset_fen), 0)::bigint,
  count(*) filter (where amount_fen is not null and amount_fen <>
    base_fen + increment_fen + care_fen + grace_fen + price_fen + other_fen + back_pay_fen + offset_fen),
  count(*) filter (where held = '' and (amount_fen is null or (amount_fen > 0 and account_cipher is null))),
  bit_xor(hash_record_extended(row(id, xmin, ctid), 0))
from payments_payline where run_id = %s and live group by 1, 2, 3, 4 order by 1, 2, 3, 4
"""
_SHARED = """
select exists (select 1 from payments_payline where run_id = %s and live and held = '' and amount_fen > 0
  group by account_index having min(household_id) <> max(household_id))
"""
_FRESH = """
select distinct l.determination_id from payments_payline l where l.run_id = %(run)s and l.live and l.held = '' and l.determination_id is not null
and not exists (select 1 from payments_payline b where b.run_id = %(before)s and b.live and b.held = '' and b.determination_id = l.determination_id)
"""


@dataclass(frozen=True)
class Part:
    """Live lines of one county, programme and status: how many, and their sums.

    Attributes:
        county: six characters. paid: they are not held. amount_fen: those of unknown amount count nothing.
        kept_fen: what they keep back, above 0. uneven: lines that are not the sum of their components.
        loose: lines to be paid without amount or account.
    """

    county: str
    programme: str
    status: str
    paid: bool
    lines: int
    amount_fen: int
    persons: int
    kept_fen: int
    uneven: int
    loose: int


@dataclass(frozen=True)
class Figures:
    """One reading of a run's live lines.

    Attributes:
        versions: of the rows read, one word: number of lines and a hash of each row's id, transaction and place. Any change of a
            line, and any line more or less, gives another word; so does a row that was only written anew (a key exchanged).
    """

    parts: tuple[Part, ...]
    versions: str

    def sum(self, of: Callable[[Part], int], where: Callable[[Part], bool] = lambda part: True) -> int:
        """The sum of a figure over the parts that count."""
        return sum(of(part) for part in self.parts if where(part))

    def granted(self) -> dict[tuple[str, str], tuple[int, int]]:
        """(county, programme) -> what is granted and what is kept back, in fen, of lines that are not held."""
        found: dict[tuple[str, str], tuple[int, int]] = {}
        for part in self.parts:
            if part.paid:
                fen, kept = found.get((part.county, part.programme), (0, 0))
                found[part.county, part.programme] = (fen + part.amount_fen, kept + part.kept_fen)
        return found


@contextmanager
def page_order() -> Iterator[None]:
    """Statements inside read a run's lines page by page: in the order of an index each page would be fetched for each of its lines.

    The lines of a run lie together and the planner takes them for sorted like the index, which they are not.
    """
    with connection.cursor() as cursor:
        cursor.execute("set local enable_indexscan = off")
        yield
        cursor.execute("set local enable_indexscan to default")


def figures_of(run: PayRun) -> Figures:
    """Reads the lines of a run once. Inside a transaction."""
    with page_order(), connection.cursor() as cursor:
        cursor.execute(_QUERY, [run.pk])
        rows = cursor.fetchall()
    parts, mark = tuple(Part(*row[:-1]) for row in rows), 0
    for row in rows:
        mark ^= row[-1] & (2**64 - 1)
    return Figures(parts, f"{sum(part.lines for part in parts)}:{mark:016x}")


def wanted_of(run: PayRun) -> dict[tuple[str, str], int]:
    """(county, programme) -> what a run would pay, in fen, above 0: for pages, which need no more of its lines."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select substr(region, 1, 6), programme, sum(amount_fen)::bigint from payments_payline "
            "where run_id = %s and live and held = '' group by 1, 2 order by 1, 2",
            [run.pk],
        )
        return {(county, programme): fen for county, programme, fen in cursor.fetchall() if fen}


def shares_accounts(run: PayRun) -> bool:
    """Whether an account stands in paid lines of several families, by an agreement or not."""
    with page_order(), connection.cursor() as cursor:
        cursor.execute(_SHARED, [run.pk])
        return bool(cursor.fetchone()[0])


def keep_reading(run: PayRun, figures: Figures) -> RunReading:
    """Keeps what rests on the lines just read alone. The run is locked and no longer open, so no line changes meanwhile."""
    before = (
        PayRun.objects.filter(
            place=run.place, programmes=run.programmes, month__lt=run.month, state__in=[one.value for one in BOOKED]
        )
        .order_by("-month")
        .only("pk")
        .first()
    )
    fresh: list[int] | None = None
    if before is not None:
        with page_order(), connection.cursor() as cursor:
            cursor.execute(f"{_FRESH} limit {_MOST + 1}", {"run": run.pk, "before": before.pk})
            found = sorted(ident for (ident,) in cursor.fetchall())
        fresh = found if len(found) <= _MOST else None
    values = {
        "region": run.region, "versions": figures.versions, "shared": shares_accounts(run),
        "before": before if fresh is not None else None, "fresh": fresh or [],
    }  # fmt: skip
    return RunReading.objects.update_or_create(run=run, defaults=values)[0]


def reading_of(run: PayRun, figures: Figures) -> RunReading | None:
    """What was kept, if the lines are still those it rests on, row by row; None where it must be looked for anew."""
    kept = RunReading.objects.filter(run=run).first()
    return kept if kept is not None and kept.versions == figures.versions else None
