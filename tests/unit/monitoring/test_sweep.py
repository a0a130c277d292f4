"""The sweep: what it finds, what it leaves to a person, what it never raises twice, and how it survives being killed."""

from __future__ import annotations

import threading
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from casekit import at, hire
from django.conf import settings
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from paykit import family
from watchkit import DAY, batch, car, clerk, consent, number, people, sweep

from tuodi.crypto.errors import DecryptError
from tuodi.kernel import clock
from tuodi.kernel.identity import check_digit, make_id
from tuodi.kernel.periods import Month
from tuodi.monitoring import rollkeys, sweep_actions, tasks
from tuodi.monitoring import sweep_queries as queries
from tuodi.monitoring.history import import_history
from tuodi.monitoring.models import Clue, Hit, SweepFinding, SweepRun
from tuodi.monitoring.sweep_errors import NoBatchError, SweepRunningError, WatchStateError
from tuodi.org.access import system_scope
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.people import secrets
from tuodi.people.models import Person, RollEntry
from tuodi.verification.models import RegisterBatch

pytestmark = pytest.mark.django_db(transaction=True)


def clues(place: str = "4208") -> list[Clue]:
    with system_scope(place):
        return list(Clue.objects.select_related("hit", "person").order_by("no"))


def test_a_car_of_a_person_on_the_roll_is_a_clue_with_its_hit_and_its_limit(make_user):
    home, other = family(), family()
    consent(home, other)
    got = batch(
        "vehicle",
        [car(home.head), {"id": number(other.head)[:-4] + "0000", "name": "某", "plate": "测B", "vehicle_kind": "car"}],
    )
    run = sweep(clerk(make_user))
    assert (run.state, run.raised, run.hits, run.persons, run.register_rows) == ("done", 1, 1, 4, 2)
    (clue,) = clues()
    assert clue.no == "XS-420802-2017-00001"
    assert clue.rule_code == "VEHICLE"
    assert clue.severity == "R"
    assert clue.person_id == home.head_id
    assert clue.household_id == home.pk
    assert clue.batch_id == got.pk
    assert clue.registered["plate"] == "测A00001"
    assert clue.registered["vehicle_kind"] == "小型汽车"
    assert clue.registered["value_fen"] == "80,000.00"
    assert clue.on_confirmed == "suspend"
    assert clue.rule_text["clause"]
    assert clue.required == ["sale", "visit"]
    assert clue.deadline == date(2017, 9, 25)  # 15 working days after Monday 4 September
    assert clue.hit.name_state == "same"
    assert clue.hit.data == clue.registered
    assert len(clue.hit.row_hash) == 64
    with system_scope("4208"):
        assert [e.kind for e in clue.events.order_by("id")] == ["raise"]
        source = run.sources.get()
    assert (source.rows, source.matched, source.hits, source.raised) == (2, 1, 1, 1)


def test_who_has_not_consented_or_has_no_number_is_not_compared_but_listed(make_user):
    agreed, silent, expired = family(), family(), family()
    consent(agreed)
    consent(expired, until=date(2017, 8, 1))
    batch("vehicle", [car(agreed.head, "测A1"), car(silent.head, "测A2"), car(expired.head, "测A3")])
    user = clerk(make_user)
    run = sweep(user)
    assert [c.person_id for c in clues()] == [agreed.head_id]
    assert (run.unconsented, run.persons) == (4, 6)
    with at(user, DAY):
        rows = queries.not_compared(run, acting_user=user)
    assert {(r["household_no"], r["reason"]) for r in rows} == {(silent.no, "无授权"), (expired.no, "无授权")}
    assert all("*" in r["id_masked"] and "*" in r["name"] for r in rows)


def test_a_source_that_needs_no_consent_compares_everybody(make_user):
    home = family()
    batch("vehicle", [car(home.head)], needs_consent=False)
    run = sweep(clerk(make_user))
    assert (run.raised, run.unconsented) == (1, 0)


def test_money_needs_a_consent_that_says_so(make_user):
    home, shy = family(), family()
    consent(home)
    consent(shy, bank=False)
    rows = [
        {"id": number(h.head), "name": h.head.name, "balance_fen": 99_000_000_00, "bank": "某行", "account_tail": "1"}
        for h in (home, shy)
    ]
    batch("bank_deposit", rows)
    run = sweep(clerk(make_user))
    with system_scope("4208"):
        assert run.sources.get().matched == 1


def test_another_name_or_a_wrong_check_digit_never_matches_by_itself(make_user):
    home = family(names=("向桂英", "刘德福", "单晓月"))
    consent(home)
    head, second, third = people(home)
    wrong = number(second)[:17] + ("1" if number(second)[17] != "1" else "2")
    batch("vehicle", [car(head, "测A1", name="张三"), car(second, "测A2", id=wrong), car(third, "测A3", name=None)])
    user = clerk(make_user)
    sweep(user)
    assert [(c.person_id, c.hit.name_state) for c in clues()] == [(third.pk, "absent")]
    with system_scope("4208"):
        found = {f.kind: f for f in SweepFinding.objects.all()}
    assert set(found) == {"name_conflict", "bad_check"}
    assert found["name_conflict"].other_name == "张三"
    assert found["name_conflict"].person_id == head.pk
    assert number(head) not in str(found["name_conflict"].data)
    assert found["bad_check"].person_id == second.pk
    again = sweep(user)
    assert again.raised == 0
    with system_scope("4208"):
        assert SweepFinding.objects.count() == 2
    with at(user, DAY):
        sweep_actions.settle_finding(found["name_conflict"], "same", acting_user=user, note="户籍证明曾用名")
    third_run = sweep(user)
    assert third_run.raised == 1
    assert {c.hit.name_state for c in clues() if c.person_id == head.pk} == {"former"}


def test_what_was_raised_is_not_raised_again_and_a_changed_fact_is(make_user):
    home = family()
    consent(home)
    batch("vehicle", [car(home.head)])
    user = clerk(make_user)
    assert sweep(user).raised == 1
    second = sweep(user)
    assert (second.raised, second.known, second.hits) == (0, 1, 1)
    batch("vehicle", [car(home.head, registered_on=date(2016, 1, 1))])  # not what the rule watches
    assert sweep(user).raised == 0
    batch("vehicle", [car(home.head, vehicle_kind="truck")])
    third = sweep(user)
    assert (third.raised, third.known) == (1, 0)
    first, new = clues()
    assert first.fact_key == new.fact_key
    assert first.fact_hash != new.fact_hash


def test_only_the_newest_batch_of_a_source_is_compared_and_two_sources_of_one_kind_both(make_user):
    home = family()
    consent(home)
    batch("vehicle", [car(home.head, "测OLD")], as_of=date(2017, 6, 30))
    batch("vehicle", [car(home.head, "测NEW")])
    batch("vehicle", [car(home.head, "测DAMV")], code="vehicle-2")
    run = sweep(clerk(make_user))
    assert sorted(c.registered["plate"] for c in clues()) == ["测DAMV", "测NEW"]
    with system_scope("4208"):
        assert sorted(run.sources.values_list("raised", flat=True)) == [1, 1]


def test_ended_registrations_are_counted_and_raise_nothing_where_the_place_says_so(make_user):
    home = family()
    consent(home)
    batch("vehicle", [car(home.head, stale=True), car(home.head, "测LIVE")])
    run = sweep(clerk(make_user))
    assert [(c.registered["plate"], c.severity) for c in clues()] == [("测LIVE", "R")]
    assert run.hits == 1


def test_one_person_with_two_live_entries_in_two_counties_is_a_clue_on_both_sides(make_user):
    one = family(names=("何建国",))
    with system_scope("420804"):
        pass
    twin = family(village="420804001001", names=("何建国",))
    with system_scope("4208"):
        other = twin.head
        sealed = secrets.seal("id", number(one.head), other.uid)
        Person.objects.filter(pk=other.pk).update(id_cipher=sealed.cipher, id_index=sealed.index)
    batch("prison", [])
    run = sweep(clerk(make_user, "4208"), "4208")
    found = clues()
    assert [c.rule_code for c in found] == ["DUP_PROGRAMME"] * 2
    assert {c.household_id for c in found} == {
        one.pk,
        twin.pk,
    }
    assert run.raised == 2
    assert found[0].hit is None
    county = sweep(clerk(make_user, "420802"), "420802")
    assert county.raised == 0
    with system_scope("4208"):
        finding = SweepFinding.objects.get(kind="cross_region")
    assert finding.person_id == one.head_id
    assert finding.data == {"counties": ["420804"]}


def test_payment_rows_of_months_are_compared_member_by_member_one_clue_each(make_user, tmp_path):
    home, gone = family(), family(start=201601)
    consent(home, gone)
    with system_scope("4208"):
        RollEntry.objects.filter(household=gone).update(end_month=201704)
    user = clerk(make_user, "4208")
    path = tmp_path / "明细.csv"
    lines = [f"{month},低保,城市,{h.no},2,300" for h in (home, gone) for month in (201607, 201608, 201609)]
    path.write_text("月份,项目,城乡,家庭编号,人数,金额\n" + "\n".join(lines), encoding="utf-8")
    with at(user, DAY):
        import_history(path, acting_user=user, place="4208")
    batch("vehicle", [car(home.head, "测A1"), car(gone.head, "测A2"), car(people(gone)[1], "测A3")])
    run = sweep(user, "4208", months=(Month(2016, 7), Month(2016, 9)))
    assert run.rows == {"dibao/urban": 6}
    assert run.persons == 4
    assert run.raised == 3
    assert {c.monthly_fen for c in clues()} == {30000}


def test_a_killed_sweep_is_found_and_begun_anew_and_nothing_is_doubled(make_user, monkeypatch):
    home = family()
    consent(home)
    batch("vehicle", [car(home.head)])
    user = clerk(make_user)
    with at(user, DAY):
        run = sweep_actions.open_sweep("420802", acting_user=user, as_of=DAY)
    plain = sweep_actions.raise_all

    class Killed(BaseException):
        pass

    def dying(*args, **more):
        plain(*args, **more)
        raise Killed

    monkeypatch.setattr(sweep_actions, "raise_all", dying)
    with clock.frozen(DAY), pytest.raises(Killed):
        sweep_actions.run_sweep(run)
    with system_scope("4208"):
        run.refresh_from_db()
        assert (run.state, run.tries) == ("raising", 1)
        assert (Clue.objects.count(), Hit.objects.count()) == (0, 0)  # whole or not at all
    with at(user, DAY), pytest.raises(SweepRunningError, match="BD-420802-2017-0001"):
        sweep_actions.open_sweep("420802", acting_user=user)
    monkeypatch.setattr(sweep_actions, "raise_all", plain)
    with clock.frozen(DAY):
        assert tasks.resume() == 1
        assert tasks.resume() == 0
    with system_scope("4208"):
        run.refresh_from_db()
    assert (run.state, run.tries, run.raised) == ("done", 2, 1)


def test_a_place_is_swept_once_at_a_time_whoever_opens_it_and_one_process_runs_it(make_user):
    consent(family())
    batch("vehicle", [])
    county, city = clerk(make_user), clerk(make_user, "4208")
    with at(city, DAY):
        run = sweep_actions.open_sweep("4208", acting_user=city)
    with at(county, DAY), pytest.raises(SweepRunningError):
        sweep_actions.open_sweep("420802", acting_user=county)
    seen = []

    def other():
        with clock.frozen(DAY):
            try:
                sweep_actions.run_sweep(run)
            except SweepRunningError:
                seen.append("refused")
        connection.close()

    with sweep_actions._alone(run):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert seen == ["refused"]
    with clock.frozen(DAY):
        assert sweep_actions.run_sweep(run).state == "done"
        with pytest.raises(WatchStateError):
            sweep_actions.run_sweep(run)


def test_who_may_not_sweep_is_refused(make_user):
    batch("vehicle", [])
    town = hire(make_user, "420802001", "clue")
    far = clerk(make_user, "420804")
    with at(town, DAY), pytest.raises(NotFoundError):
        sweep_actions.open_sweep("420802", acting_user=town)
    with at(town, DAY), pytest.raises(AccessDeniedError):
        sweep_actions.open_sweep("420802001", acting_user=town)
    with at(far, DAY), pytest.raises(NotFoundError):
        sweep_actions.open_sweep("420802", acting_user=far)


def test_no_batch_no_sweep(make_user):
    user = clerk(make_user)
    with at(user, DAY), pytest.raises(NoBatchError):
        sweep_actions.open_sweep("420802", acting_user=user)
    got = batch("vehicle", [])
    RegisterBatch.objects.filter(pk=got.pk).update(state="purged")
    got.refresh_from_db()
    with at(user, DAY), pytest.raises(NoBatchError, match="已销毁"):
        sweep_actions.open_sweep("420802", acting_user=user, batches=[got])


def test_a_batch_that_does_not_open_fails_the_run_with_a_reason_and_no_clue(make_user):
    home = family()
    consent(home)
    got = batch("vehicle", [car(home.head)])
    path = Path(settings.FILES_DIR) / got.sealed
    path.write_bytes(path.read_bytes()[:-7])
    user = clerk(make_user)
    with pytest.raises(DecryptError):
        sweep(user)
    with system_scope("4208"):
        run = SweepRun.objects.get()
    assert run.state == "failed"
    assert run.error
    assert clues() == []


def test_an_arrival_reads_only_who_is_in_it_and_pushes_the_clue_to_the_county(make_user, monkeypatch):
    homes = [family() for _ in range(4)]
    consent(*homes)
    got = batch("vehicle", [car(homes[0].head)])
    with clock.frozen(DAY):
        assert tasks.sweep_arrivals() == ["BD-4208-2017-0001"]
        assert tasks.sweep_arrivals() == []  # swept already
    with system_scope("4208"):
        run = SweepRun.objects.get()
    assert (run.trigger, run.raised, run.persons) == ("arrival", 1, 1)
    (clue,) = clues()
    assert clue.pushed_at is not None
    assert clue.level == "COUN"
    assert clue.batch_id == got.pk
    with system_scope("4208"):
        assert [e.kind for e in clue.events.order_by("id")] == ["raise", "pushed"]


def test_numbers_are_opened_once_and_again_only_where_they_changed(make_user):
    home = family()
    first = rollkeys.roll_on("420802", DAY)
    assert first.opened == 2
    assert first.persons["check_ok"].all()
    assert rollkeys.roll_on("420802", DAY).opened == 0
    with system_scope("420802"):
        fresh = make_id("420899", date(1961, 2, 3), 777)
        sealed = secrets.seal("id", fresh, home.head.uid)
        Person.objects.filter(pk=home.head_id).update(id_cipher=sealed.cipher, id_index=sealed.index)
    third = rollkeys.roll_on("420802", DAY)
    assert third.opened == 1
    assert int(fresh[:17]) in third.persons["key"].to_list()
    assert rollkeys.persons_of_keys("420802", pl.Series([int(fresh[:17])])) == [home.head_id]
    raw = (Path(settings.FILES_DIR) / "rollkeys" / "420802").read_bytes()
    assert fresh[:17].encode() not in raw
    rollkeys.forget("420802")
    assert rollkeys.roll_on("420802", DAY).opened == 2


@given(st.integers(10**16, 10**17 - 1))
def test_the_check_character_is_that_of_the_standard(key):
    (found,) = pl.DataFrame({"key": [key]}).select(rollkeys.check_char(pl.col("key"))).to_series()
    assert found == check_digit(f"{key:017d}")
