"""What a step of a month's money is held against: COPY of the rows it read and wrote, and opening of the fields it opened."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

SERVER: dict[str, int] = {}  #: process of the server, once linked


def know_server(link: Any) -> None:
    """Notes the parent of the backend at the other end, whose CPU is counted."""
    SERVER["pid"] = int(Path(f"/proc/{link.info.backend_pid}/stat").read_text().rpartition(")")[2].split()[1])


class Meter:
    """Wall clock, and the CPU of this process and of the server's together: that hardly knows what else runs on the machine."""

    def __init__(self) -> None:
        self.tree, self.tick = SERVER["pid"], os.sysconf("SC_CLK_TCK")
        self.wall, self.cpu = time.perf_counter(), self._cpu()

    def _cpu(self) -> float:
        used = 0
        # What ended is kept by its parent, the postmaster, as the time of its children.
        for pid in [str(self.tree), *self._children()]:
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            used += sum(map(int, fields[11:15] if pid == str(self.tree) else fields[11:13]))
        return time.process_time() + used / self.tick

    def _children(self) -> list[str]:
        return Path(f"/proc/{self.tree}/task/{self.tree}/children").read_text().split()

    def stop(self) -> tuple[float, float]:
        """Seconds of wall clock and of CPU since it was made."""
        return time.perf_counter() - self.wall, self._cpu() - self.cpu


class Floor:
    """COPY out, COPY in and opening, of the rows of one step."""

    def __init__(self, link: Any) -> None:
        self.link = link
        self.parts: dict[str, float] = {}
        self.cpu: dict[str, float] = {}
        self.rows: dict[str, int] = {}

    def _add(self, name: str, meter: Meter, rows: int) -> None:
        wall, cpu = meter.stop()
        self.parts[name] = self.parts.get(name, 0.0) + wall
        self.cpu[name] = self.cpu.get(name, 0.0) + cpu
        self.rows[name] = self.rows.get(name, 0) + rows

    def _dump(self, query: str, path: Path) -> int:
        with path.open("wb") as sink, self.link.cursor() as cursor:
            with cursor.copy(f"copy ({query}) to stdout") as out:
                for piece in out:
                    sink.write(piece)
            return int(cursor.rowcount)

    def read(self, *queries: str) -> None:
        """COPY out; the rows are thrown away."""
        for query in queries:
            began, n = Meter(), 0
            with self.link.cursor() as cursor:
                with cursor.copy(f"copy ({query}) to stdout") as out:
                    for _ in out:
                        pass
                n = int(cursor.rowcount)
            self._add("read", began, n)

    def write(self, table: str, where: str, *, changed: bool = False) -> None:
        """COPY into an equal table; `changed`: without indexes and keys, since nothing of them is touched."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows"
            n = self._dump(f"select * from {table} where {where}", path)
            kinds = ("changed",) if changed else ("bare", "written")
            for kind in kinds:
                self.link.execute("drop table if exists bench_equal")
                with_ = (
                    "excluding indexes excluding constraints" if changed else "including indexes including constraints"
                )
                self.link.execute(
                    f"create table bench_equal (like {table} including storage including defaults {with_})"
                )
                if kind == "written":
                    for (text,) in self.link.execute(
                        "select pg_get_constraintdef(oid) from pg_constraint where contype = 'f' and conrelid = %s::regclass", [table]
                    ).fetchall():  # fmt: skip
                        self.link.execute(f"alter table bench_equal add {text}")
                began = Meter()
                with path.open("rb") as source, self.link.cursor().copy("copy bench_equal from stdin") as copy:
                    while piece := source.read(1 << 20):
                        copy.write(piece)
                self._add(kind, began, n)
            self.link.execute("drop table bench_equal")

    def open(self, query: str) -> None:
        """Opens every cipher of (uid, cipher)."""
        from tuodi.crypto.fields import decrypt

        rows = self.link.execute(query).fetchall()
        began = Meter()
        for uid, cipher in rows:
            decrypt(cipher, f"people.account|{uid}")
        self._add("opened", began, len(rows))

    def total(self, *, foreign: bool = True) -> float:
        """Seconds, with or without the cost of foreign keys."""
        return sum(self.parts.get(key, 0.0) for key in self._kinds(foreign))

    def total_cpu(self) -> float:
        """Seconds of CPU, with foreign keys."""
        return sum(self.cpu.get(key, 0.0) for key in self._kinds(True))

    @staticmethod
    def _kinds(foreign: bool) -> tuple[str, ...]:
        return ("read", "changed", "opened", "written" if foreign else "bare")


ACCOUNTS = "select account_uid, account_cipher from payments_bankitem where batch_id in (select id from payments_bankbatch where run_id = {run})"
BATCHES = "batch_id in (select id from payments_bankbatch where run_id = {run})"


def floor_of(step: str, link: Any, run: Any, seen: dict[str, int]) -> Floor:
    """The floor of a step that has just been done."""
    floor, own = Floor(link), f"run_id = {run.pk}"
    items = BATCHES.format(run=run.pk)
    events = f"id > {seen['payments_lineevent']} and line_id in (select id from payments_payline where {own})"
    place = f"region >= '{run.place}' and region < '{run.place}~'"
    if step == "calculate":
        floor.read(
            f"select id, household_id, person_id, region, programme, category, form, self_care, amount_fen, start_month, end_month, determination_id, imported, account_id from people_rollentry where {place}",
            f"select id, no, region, head_id from people_household where {place}",
            f"select id, uid, account_cipher, account_index, last4, bank_code, holder, until, person_id from people_account where {place}",
            f"select household_id, valid_from, valid_to, area_kind, income_year_fen, cost_medical_fen, assets_ok, extra from people_householdfacts where {place}",
            f"select household_id, person_id, relation, since, until, leave_reason from people_membership where {place}",
            f"select id, name, birth, died_on from people_person where {place}",
            f"select person_id, valid_from, valid_to, own_income_year_fen, disability_kind, disability_grade, seriously_ill, lost_labour, school, self_care, extra from people_memberfacts where {place}",
            f"select id, run_id, month, household_id, person_id, programme, region, persons, income_year_fen, base_fen, increment_fen, care_fen, grace_fen, price_fen, other_fen, back_pay_fen, offset_fen, amount_fen, basis, in_grace, held, status, account_id from payments_payline where live and month < {run.month} and {place}",
        )  # fmt: skip
        floor.write("payments_payline", own)
        floor.write("payments_linedifference", own)
        floor.write("payments_arrear", own)
    elif step == "check":
        floor.read(f"select * from payments_payline where {own}")
    elif step == "approve":
        floor.read(f"select * from payments_payline where {own}")
        floor.write("cases_casehand", f"id > {seen['cases_casehand']}")
        floor.write("funds_ledgerentry", f"id > {seen['funds_ledgerentry']}")
        floor.write("funds_posting", f"id > {seen['funds_posting']}")
    elif step == "file":
        floor.read(f"select * from payments_payline where {own}")
        floor.open(ACCOUNTS.format(run=run.pk))
        floor.write("payments_bankitem", items)
        floor.write("payments_lineevent", events)
        floor.write("payments_payline", own, changed=True)
    elif step == "return":
        floor.read(f"select * from payments_bankitem where {items}")
        floor.open(ACCOUNTS.format(run=run.pk))
        floor.write("payments_lineevent", events)
        floor.write("payments_payline", own, changed=True)
        floor.write("payments_bankitem", items, changed=True)
    elif step == "reconcile":
        floor.read(f"select * from payments_bankitem where {items}")
        floor.open(ACCOUNTS.format(run=run.pk))
        floor.write("payments_statementline", f"id > {seen['payments_statementline']}")
    return floor


def marks(link: Any) -> dict[str, int]:
    """The highest number of each table a step may add to."""
    tables = ("payments_lineevent", "cases_casehand", "funds_ledgerentry", "funds_posting", "payments_statementline")
    return {table: link.execute(f"select coalesce(max(id), 0) from {table}").fetchone()[0] for table in tables}
