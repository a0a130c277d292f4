"""A small place, four departments' files of four carriers, to clues: compared with a plain reading of the same files.

The reference knows nothing of keys, frames or rules: it cleans numbers with the kernel, one row after another.
"""

from __future__ import annotations

import csv
import json
import random
from datetime import date

import openpyxl
import pytest
import watchkit
from casekit import at
from paykit import family

from tuodi.kernel import clock
from tuodi.kernel.identity import InvalidIdError, make_id, parse_id
from tuodi.monitoring.models import Clue, SweepFinding
from tuodi.org.access import system_scope
from tuodi.verification.register_actions import add_source, import_register

pytestmark = pytest.mark.django_db(transaction=True)
AS_OF = date(2017, 8, 31)
DAY = date(2017, 9, 4)


def spelt(number: str, rng: random.Random) -> str:
    """A number as departments write it: clean, 15 digits, small x, full width, spaces, apostrophe, tab."""
    way = rng.randrange(8)
    if way == 0 and number[6:8] == "19":
        return number[:6] + number[8:17]
    if way == 1:
        return number.lower()
    if way == 2:
        return "".join(chr(ord(c) + 0xFEE0) for c in number)
    if way == 3:
        return f" {number[:6]} {number[6:14]} {number[14:]} "
    if way == 4:
        return "'" + number
    return number


class Registers:
    """Rows as departments hold them, written by carrier; the truth of each is kept beside."""

    def __init__(self, folder, people, rng) -> None:
        self.folder, self.rng, self.rows = folder, rng, {"vehicle": [], "business": [], "estate": [], "fiscal": []}
        strangers = [make_id("420899", date(1970 + n % 20, 1 + n % 12, 1 + n % 28), 501 + n % 400) for n in range(400)]
        self.people = people
        for kind, rows in self.rows.items():
            for number in strangers:
                rows.append(self.row(kind, number, "某甲", len(rows)))
            for person, number in rng.sample(people, 12):
                rows.append(self.row(kind, number, person.name, len(rows)))
            for _person, number in rng.sample(people, 2):  # somebody else's name
                rows.append(self.row(kind, number, "旁人", len(rows)))
            for person, number in rng.sample(people, 2):  # a slip in the last sign
                wrong = number[:17] + ("1" if number[17] != "1" else "2")
                rows.append({**self.row(kind, number, person.name, len(rows)), "id": wrong})
            rows.append({**self.row(kind, strangers[0], "坏行", len(rows)), "id": "1.10105E+17"})
            rng.shuffle(rows)

    def row(self, kind, number, name, n):
        rng = self.rng
        return {"id": spelt(number, rng), "name": name, "n": n, "pick": rng.randrange(3)}

    def vehicle(self):
        path = self.folder / "机动车.csv"
        with path.open("w", encoding="gb18030", newline="") as file:
            out = csv.writer(file)
            out.writerow(["所有人证件号码", "所有人", "机动车状态", "号牌号码", "车辆类型", "初次登记日期"])
            for r in self.rows["vehicle"]:
                out.writerow(
                    [
                        r["id"],
                        r["name"],
                        "正常",
                        f"测V{r['n']:04d}",
                        ("小型轿车", "残疾人专用汽车", "重型货车")[r["pick"]],
                        "20150301",
                    ]
                )
        return path

    def business(self):
        path = self.folder / "市场主体.jsonl"
        with path.open("w", encoding="utf-8") as file:
            for r in self.rows["business"]:
                row = {"cerno": r["id"], "person": r["name"], "updated": "2017-08-31", "regstate": "存续", "uniscid": f"U{r['n']:06d}",
                       "entname": "某店", "position": ("法定代表人", "监事", "个体经营者")[r["pick"]], "regcap": "10", "estdate": "2012-01-01"}  # fmt: skip
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        return path

    def estate(self):
        path = self.folder / "不动产.json"
        rows = [
            {"qlrzjh": r["id"], "qlrmc": r["name"], "gxrq": "2017-08-31", "qszt": "现势", "bdcqzh": f"鄂测{r['n']:05d}",
             "ghyt": ("商业", "住宅", "车库")[r["pick"]], "jzmj": "88.5", "djsj": "2010-05-01", "qlbl": "1"}
            for r in self.rows["estate"]
        ]  # fmt: skip
        path.write_text(json.dumps({"data": {"rows": rows}}, ensure_ascii=False), encoding="utf-8")
        return path

    def fiscal(self):
        path = self.folder / "财政供养.xlsx"
        book = openpyxl.Workbook()
        book.active.append(["证件号码", "姓名", "人员状态", "单位", "职务", "供养类别", "月工资"])
        for r in self.rows["fiscal"]:
            book.active.append(
                [r["id"], r["name"], "在职", f"单位{r['n']}", "科员", ("在职", "退休", "在职")[r["pick"]], "3000"]
            )
        book.save(path)
        return path

    def expected(self) -> set[tuple[int, str]]:
        """(person, rule) of every clue a careful clerk would write, by reading row after row."""
        owners = {number: person for person, number in self.people}
        found = set()
        homes: dict[int, int] = {}
        for kind, rows in self.rows.items():
            for r in rows:
                try:
                    number = parse_id(r["id"])
                except InvalidIdError:
                    continue
                person = owners.get(number.text18)
                if person is None or not number.check_ok or r["name"] != person.name:
                    continue
                if kind == "vehicle" and r["pick"] != 1:
                    found.add((person.pk, "VEHICLE", f"测V{r['n']:04d}"))
                elif kind == "business" and r["pick"] != 1:
                    found.add((person.pk, "BUSINESS", f"U{r['n']:06d}"))
                elif kind == "fiscal":
                    found.add((person.pk, "FISCAL", f"单位{r['n']}"))
                elif kind == "estate" and r["pick"] < 2:
                    home = self.home[person.pk]
                    shop, flats = homes.get(home, (False, 0)) if home in homes else (False, 0)
                    homes[home] = (shop or r["pick"] == 0, flats + (r["pick"] == 1))
        self.houses = {home for home, (shop, flats) in homes.items() if shop or flats > 1}
        return found


def test_four_departments_files_become_exactly_the_clues_a_careful_clerk_would_write(make_user, tmp_path):
    rng = random.Random(20170904)
    homes = [family(names=("向桂英", "刘德福", "单晓月")) for _ in range(14)]
    watchkit.consent(*homes)
    people = [(person, watchkit.number(person)) for home in homes for person in watchkit.people(home)]
    registers = Registers(tmp_path, people, rng)
    registers.home = {person.pk: home.pk for home in homes for person in watchkit.people(home)}
    user = watchkit.clerk(make_user, "4208")
    with at(user, DAY):
        for kind in registers.rows:
            source = add_source(
                acting_user=user, code=kind, kind=kind, place_code="4208", label=kind, department="测试部门", profile=kind,
                mode="batch", state="live",
            )  # fmt: skip
            batch = import_register(
                source, [getattr(registers, kind)()], batch_no="2017-08", as_of=AS_OF, acting_user=user
            )
            assert batch.state == "ready"
            assert batch.rows == batch.accepted + batch.duplicates + batch.rejected == len(registers.rows[kind])
    run = watchkit.sweep(user, "4208", on=DAY)
    expected = registers.expected()
    with system_scope("4208"):
        clues = list(Clue.objects.all())
        doubts = SweepFinding.objects.count()
    named = {"VEHICLE": "plate", "BUSINESS": "uscc", "FISCAL": "unit"}
    found = {(c.person_id, c.rule_code, c.registered[named[c.rule_code]]) for c in clues if c.rule_code in named}
    assert found == expected
    assert len(expected) > 20
    assert {c.household_id for c in clues if c.rule_code == "HOUSE"} == registers.houses
    assert {c.rule_code for c in clues} <= {*named, "HOUSE"}
    assert run.raised == len(clues)
    assert doubts > 0
    with clock.frozen(DAY):
        again = watchkit.sweep(user, "4208", on=DAY)
    assert (again.raised, again.known) == (0, run.raised)
