"""A fiftieth of 荆门's sweep: departments' files, import, comparison, exactly the planted clues, verdicts, balance."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from tuodi.decisions.models import Determination
from tuodi.demo import generator, registers
from tuodi.demo.checking import bring_consents, bring_registers, set_up_sources
from tuodi.demo.clue_work import _Truth, recall_of, work_off
from tuodi.demo.past import FIRST, LAST, Known, _history, _known
from tuodi.demo.registers.plan import read_roll
from tuodi.demo.staff import set_up_places, set_up_staff, user
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.monitoring.ledger import counts, in_range
from tuodi.monitoring.models import Clue, SweepFinding, SweepRun
from tuodi.monitoring.sweep_actions import open_sweep, run_sweep
from tuodi.org.access import scope, system_scope
from tuodi.org.copying import copy_rows
from tuodi.people.bulk import NewFamily, NewPerson, register_families
from tuodi.people.models import RollEntry
from tuodi.people.past import record_past_deaths

pytestmark = pytest.mark.django_db(transaction=True)

PART = 50
_RELATION = {"配偶": "spouse", "之子": "child", "之女": "child", "父亲": "parent", "母亲": "parent"}


def _enter(data: Path, still_paid: set[int]) -> None:
    """The small roll as it was at the end of April 2017, with grants that can be ended."""
    homes, people, rows = read_roll(data / "truth", PART)
    members = {
        no: part.to_dicts() for (no,), part in people.sort("person_no").group_by("household_no", maintain_order=True)
    }
    amounts = dict(rows.sort("month").group_by("household_no").agg(pl.col("amount_fen").last()).iter_rows())
    families, listed = [], []
    for home in homes.iter_rows(named=True):
        there = [p for p in members[home["household_no"]] if p["since"] <= 201704]
        families.append(
            NewFamily(
                home["village"], home["category"], Month.parse(str(home["first"])).first_day,
                [NewPerson(p["name"], relation=_RELATION.get(p["relation"], "unstated"), id_text=p["id_no"]) for p in there],
                facts={"assets_ok": True, "income_year": "0.00"},
            )
        )  # fmt: skip
        listed.append(home)
    done = register_families(families, acting_user=None, is_demo=True)
    decided = []
    for home, made in zip(listed, done, strict=True):
        ended = home["until"] is not None and home["until"] <= 201705
        ended = ended and home["household_no"] not in still_paid
        end = Month.parse(str(home["until"])).prev().yyyymm if ended else None
        person = made.people[0] if home["programme"] == "tekun" else None
        decided.append((
            made.household, person, home["village"], home["programme"], home["category"], amounts[home["household_no"]],
            home["first"], end, True,
        ))  # fmt: skip
    copy_rows(
        RollEntry,
        ["household_id", "person_id", "region", "programme", "category", "amount_fen", "start_month", "end_month", "imported",
         "grade", "form", "self_care"],
        ((*row, "", "", "") for row in decided),
    )  # fmt: skip
    for entry in RollEntry.objects.filter(programme="dibao"):
        made = Determination.objects.create(
            region=entry.region, no=f"{entry.region[:6]}-DR-{entry.pk:08d}", kind="imported", household_id=entry.household_id,
            programme="dibao", place=entry.region[:9], case_date=date(2017, 4, 1), month=201704, fingerprint="", outcome="pass",
            amount_fen=entry.amount_fen, components={}, start_month=entry.start_month, decided_on=date(2017, 4, 1), cause="roster",
            reasons="", appeal="", source_ref=f"test:{entry.pk}",
        )  # fmt: skip
        RollEntry.objects.filter(pk=entry.pk).update(determination_id=made.pk)


def test_every_planted_clue_is_found_and_none_else_and_all_are_answered(tmp_path: Path, files_dir: Path) -> None:
    data = tmp_path / "data"
    generator.generate(data)
    made = registers.generate(data, data / "登记", part=PART)
    truth = registers.read_truth(made.truth)
    set_up_places()
    set_up_staff(tmp_path / "accounts.txt")
    with clock.frozen(date(2017, 4, 1)), system_scope("4208"):
        _enter(data, set(truth.filter(pl.col("verdict") == "confirmed")["household_no"]))
    people = pl.read_parquet(data / "truth" / "persons.parquet")
    known: Known = _known(people)
    with clock.frozen(date(2017, 5, 2)), system_scope("4208"):
        dead = people.filter(pl.col("died") < date(2017, 5, 2), pl.col("person_no").is_in(list(known.persons)))
        record_past_deaths(
            {known.persons[no]: day for no, day in dead.select("person_no", "died").iter_rows()},
            place="4208",
            acting_user=None,
        )
    assert _history(made, known) == pl.read_parquet(made.payments).height
    sources = set_up_sources(print)
    batches = bring_registers(made, sources, print)
    for batch in batches:
        assert batch.rows == batch.accepted + batch.duplicates + batch.rejected
    bring_consents(data, made, known, print)
    clerk = user("shi-bd")
    with clock.frozen(date(2017, 5, 3)):
        with scope(clerk):
            run: SweepRun = open_sweep("4208", acting_user=clerk, batches=batches, months=(FIRST, LAST))
        run = run_sweep(run)
    found = recall_of(run, made, known)
    assert (found.planted, found.found, found.missed, found.strange) == (114, 114, 0, 0)
    with system_scope("4208"):
        assert Clue.objects.filter(run=run).count() == 114
        # A wrong check character or another name is for a person to look at, never a clue.
        assert set(SweepFinding.objects.filter(run=run).values_list("kind", flat=True)) == {
            "bad_check",
            "name_conflict",
        }
    work_off(run, made, known, print)
    planted = _Truth(made, known)
    with system_scope("4208"):
        for clue in Clue.objects.filter(run=run):
            assert clue.state == "closed"
            assert clue.verdict == planted.of(clue)["verdict"]
            if clue.verdict == "confirmed":
                assert clue.suspension_id
                assert clue.action == "stop"
                assert len({clue.proposed_by_id, clue.handled_by_id, clue.closed_by_id}) == 3
                assert not RollEntry.objects.filter(household=clue.household_id, end_month__isnull=True).exists()
    boss = user("shi-dd")
    with scope(boss):
        told = counts(in_range(boss), clock.today())
    assert told.balances
    assert (told.confirmed, told.refuted, told.open) == (11, 103, 0)
