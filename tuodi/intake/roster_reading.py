"""First half of a preview: the file becomes families and rows, with what the file itself shows to be wrong.

Rows go to the database in batches; only what is needed to see doubles inside the file stays in memory.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tuodi.crypto.fields import encrypt
from tuodi.crypto.index import blind_index
from tuodi.exchange.faults import Fault
from tuodi.exchange.profiles import load_profile
from tuodi.exchange.roster import OpenedRoster, RosterHousehold, RosterPerson, open_roster
from tuodi.intake.models import RosterFamily, RosterImport, RosterRow, Verdict
from tuodi.intake.models.roster import HOLDING
from tuodi.intake.roster_places import CountyPlaces, county_in
from tuodi.kernel.identity import body_key
from tuodi.kernel.masking import mask_id
from tuodi.kernel.periods import Month
from tuodi.kernel.places import trim
from tuodi.org.copying import copy_rows

__all__ = ["BATCH", "month_in", "read_into"]

BATCH = 4000
_MONTH = re.compile(r"(20\d\d)年\s*(\d{1,2})月|(20\d\d)[-.](\d{2})(?!\d)")

_ROW = (
    "imported_id",
    "region",
    "row_no",
    "family_no",
    "name",
    "id_index",
    "id_masked",
    "uid",
    "secret",
    "data",
    "verdict",
    "faults",
)
_FAMILY = (
    "imported_id", "region", "no", "key", "first_row", "uid", "programme", "category", "amount_fen", "start_month",
    "account_cipher", "account_index", "data", "verdict", "changes",
)  # fmt: skip


def month_in(text: str) -> Month | None:
    """The month a title speaks of."""
    found = _MONTH.search(text)
    if found is None:
        return None
    return Month(int(found[1] or found[3]), int(found[2] or found[4]))


@dataclass(slots=True)
class _Seen:
    """What is remembered of a family while the file is read."""

    no: int
    region: str
    programme: str
    rows: int = 0
    held: bool = False


@dataclass(slots=True)
class _Memory:
    families: dict[str, _Seen] = field(default_factory=dict)
    #: 17 digits of the number -> (row, family, hash of the name) of its first row.
    numbers: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    #: Row number -> fault to be added to a row already written.
    later: dict[int, list[Fault]] = field(default_factory=dict)
    digest: Any = field(default_factory=hashlib.sha256)


def read_into(imported: RosterImport, path: Path, commit: Callable[[Callable[[], None]], None]) -> None:
    """Read a file into the import's rows and families.

    Args:
        imported: state `reading`, without rows.
        commit: runs a function in a transaction of its own within the import's scope.
    Raises: the errors of `exchange` for files that cannot be read.
    """
    opened = open_roster(path, load_profile(imported.profile), imported.sheet or None)
    reader = _Reader(imported, opened, trim(imported.region))
    rows: list[tuple[Any, ...]] = []
    for person in opened.rows():
        rows.append(reader.row(person))
        if len(rows) >= BATCH:
            reader.flush(rows, commit)
            rows = []
    reader.flush(rows, commit)
    reader.finish(commit)


class _Reader:
    def __init__(self, imported: RosterImport, opened: OpenedRoster, place: str) -> None:
        self.imported = imported
        self.opened = opened
        self.memory = _Memory()
        self.day = Month.from_no(imported.month // 100 * 12 + imported.month % 100).first_day
        self.county = place[:6] if len(place) >= 6 else ""
        self._places: dict[str, CountyPlaces] = {}
        self._counties: dict[str, str | None] = {}
        self._families: list[tuple[Any, ...]] = []
        self.done = 0

    def _region(self, home: RosterHousehold) -> str | None:
        code: str | None = self.county
        if home.county or not code:
            if home.county not in self._counties:
                self._counties[home.county] = (
                    county_in(home.county, self.imported.region[:4], self.day) if home.county else None
                )
            code = self._counties[home.county]
            if code and self.county and code != self.county:
                code = None
        if not code:
            return None
        if code not in self._places:
            self._places[code] = CountyPlaces(code, self.day)
        return self._places[code].region(home.town, home.village)

    def row(self, person: RosterPerson) -> tuple[Any, ...]:
        home = person.household
        seen = self.memory.families.get(home.key)
        if seen is None:
            region = self._region(home)
            seen = _Seen(
                len(self.memory.families) + 1, region or self.imported.region, f"{home.programme}-{home.category}"
            )
            self.memory.families[home.key] = seen
            if region is None:
                shown = f"{home.county}{home.town}{home.village}"[:40]
                person.faults.append(
                    Fault(
                        "error",
                        "unknown_place",
                        "village",
                        shown,
                        "乡镇或村不在区划表中",
                        "请核对名称；如是新设的村，请先在地区表中登记",
                    )
                )
            self._families.append(self._family(home, seen))
            self.memory.digest.update(
                repr(
                    (
                        home.key,
                        home.amount_fen,
                        home.account,
                        home.start and home.start.yyyymm,
                        home.income_year_fen,
                        home.income_month_fen,
                        seen.region,
                    )
                ).encode()
            )
        verdict = self._verdict(person, seen)
        if verdict != Verdict.DUPLICATE:
            seen.rows += 1
        if verdict in HOLDING:
            seen.held = True
        number = person.id
        self.memory.digest.update(
            repr((person.name, number.text18 if number else person.id_text, person.relation)).encode()
        )
        uid = uuid.uuid4()
        secret = {
            "id": number.text18 if number else person.id_raw,
            "kind": number.kind if number else "",
            "phone": person.phone,
        }
        data = {
            "sex": person.sex, "birth": person.birth.isoformat() if person.birth else None, "relation": person.relation,
            "health": person.health, "disability": person.disability, "labour": person.labour, "hukou": person.hukou,
            "remark": person.remark[:200],
        }  # fmt: skip
        return (
            self.imported.pk, seen.region, person.no, seen.no, person.name[:60],
            blind_index(number.text18, "id") if number else None,
            mask_id(number.text18) if number else _masked(person.id_text), uid,
            encrypt(_json(secret), f"intake.row|{uid}"), _json(data), verdict.value,
            _json([list(f) for f in person.faults]),
        )  # fmt: skip

    def _family(self, home: RosterHousehold, seen: _Seen) -> tuple[Any, ...]:
        uid = uuid.uuid4()
        income = home.income_year_fen
        if income is None and home.income_month_fen is not None:
            income = home.income_month_fen * 12
        data = {
            "county": home.county, "town": home.town, "village": home.village, "card_no": home.card_no,
            "head_name": home.head_name, "persons": home.persons, "income_year_fen": income, "grade": home.grade,
            "bank_code": home.bank_code, "holder": home.holder, "form": home.form, "self_care": home.self_care,
        }  # fmt: skip
        return (
            self.imported.pk, seen.region, seen.no, home.key[:160], home.first_row, uid, home.programme, home.category,
            home.amount_fen, home.start.yyyymm if home.start else None,
            encrypt(home.account, f"intake.family|{uid}") if home.account else None,
            blind_index(home.account, "account") if home.account else None, _json(data), Verdict.PENDING.value,
            "[]",
        )  # fmt: skip

    def _verdict(self, person: RosterPerson, family: _Seen) -> Verdict:
        worst = person.worst()
        if worst == "quarantine":
            return Verdict.QUARANTINE
        if worst == "error" or person.id is None:
            return Verdict.ERROR
        key = body_key(person.id.text18)
        first = self.memory.numbers.setdefault(key, (person.no, family.no, hash(person.name)))
        if first[0] == person.no:
            return Verdict.PENDING
        row, other, name = first
        if name != hash(person.name):
            person.faults.append(_conflict(row))
            self.memory.later.setdefault(row, []).append(_conflict(person.no))
            return Verdict.NAME_CONFLICT
        if other == family.no:
            person.faults.append(
                Fault("note", "duplicate", "id_no", "", f"与第 {row} 行是同一人，只计一次", "无需处理")
            )
            return Verdict.DUPLICATE
        person.faults.append(
            Fault(
                "error",
                "double_household",
                "id_no",
                "",
                f"此人在第 {row} 行已列在另一户",
                "请核实属于哪一户，从另一户中删去",
            )
        )
        return Verdict.DOUBLE

    def flush(self, rows: list[tuple[Any, ...]], commit: Callable[[Callable[[], None]], None]) -> None:
        families, self._families = self._families, []
        self.done += len(rows)

        def write() -> None:
            if families:
                copy_rows(RosterFamily, _FAMILY, families)
            if rows:
                copy_rows(RosterRow, _ROW, rows)
            RosterImport.objects.filter(pk=self.imported.pk).update(progress_done=self.done)

        commit(write)

    def finish(self, commit: Callable[[Callable[[], None]], None]) -> None:
        """Adds what later rows told about earlier ones, and how the sheet was read."""

        def write() -> None:
            rows = list(RosterRow.objects.filter(imported=self.imported, row_no__in=list(self.memory.later)))
            for row in rows:
                row.verdict = Verdict.NAME_CONFLICT
                row.faults = [*row.faults, *(list(f) for f in self.memory.later[row.row_no])]
            RosterRow.objects.bulk_update(rows, ["verdict", "faults"], batch_size=500)
            self._persons_differ()
            opened = self.opened
            imported = self.imported
            imported.content_hash = self.memory.digest.hexdigest()
            imported.header_row = opened.header_row
            imported.columns = opened.columns
            imported.ignored = list(opened.ignored)
            imported.skipped = dict(opened.skipped)
            imported.progress_done = imported.progress_total = self.done
            imported.save(
                update_fields=[
                    "content_hash",
                    "header_row",
                    "columns",
                    "ignored",
                    "skipped",
                    "progress_done",
                    "progress_total",
                ]
            )

        commit(write)

    def _persons_differ(self) -> None:
        counted = {seen.no: seen.rows for seen in self.memory.families.values()}
        told = RosterFamily.objects.filter(imported=self.imported).values_list("no", "first_row", "data__persons")
        wrong = {
            first: (persons, counted[no])
            for no, first, persons in told
            if persons is not None and persons != counted[no]
        }
        rows = list(RosterRow.objects.filter(imported=self.imported, row_no__in=list(wrong)))
        for row in rows:
            said, found = wrong[row.row_no]
            row.faults = [
                *row.faults,
                list(
                    Fault(
                        "warning",
                        "persons_differ",
                        "persons",
                        str(said),
                        f"保障人口写 {said} 人，名册列出 {found} 人",
                        "请核对家庭成员",
                    )
                ),
            ]
        RosterRow.objects.bulk_update(rows, ["faults"], batch_size=500)


def _json(value: Any) -> str:
    # PostgreSQL's jsonb has no NUL, and a cell may hold anything.
    return json.dumps(value, ensure_ascii=False).replace("\\u0000", "")


def _masked(text: str) -> str:
    return mask_id(text) if len(text) > 12 else "*" * len(text)


def _conflict(row: int) -> Fault:
    return Fault("error", "name_conflict", "id_no", "", f"身份证号与第 {row} 行相同而姓名不同", "请核对两人的证件")
