"""Edges of the sweep: what families said themselves, families registered late, questions past the walls, who reads lists."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at, hire
from paykit import family
from watchkit import DAY, batch, car, clerk, consent, people, sweep

from tuodi.audit.models import AuditEntry
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.monitoring import rollkeys, sweep_actions, sweep_queries, sweep_reports, tasks
from tuodi.monitoring.history import import_history, payment_rows_of
from tuodi.monitoring.models import Clue, SweepRun
from tuodi.org.access import system_scope
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.people.models import Membership, RollEntry
from tuodi.verification.models import FactSet

pytestmark = pytest.mark.django_db(transaction=True)


def declared(home, *rows) -> None:
    """A frozen fact set in which the head names things of his own."""
    with clock.frozen(date(2017, 3, 1)), system_scope(home.region):
        members = people(home)
        FactSet.objects.create(
            region=home.region, household=home, number=1, as_of=date(2017, 3, 1), created_at=clock.now(), sha256="0" * 64,
            facts={"household": {}, "members": [{"reg_vehicle": list(rows)}, {}]}, person_ids=[p.pk for p in members],
            frozen_at=clock.now(),
        )  # fmt: skip


def test_what_the_family_had_declared_itself_is_counted_and_not_raised(make_user):
    honest, other = family(), family()
    consent(honest, other)
    declared(honest, {"plate": "测 a1"})  # spelt otherwise
    batch("vehicle", [car(honest.head, "测A1"), car(honest.head, "测A2"), car(other.head, "测A3")])
    run = sweep(clerk(make_user))
    assert (run.declared, run.raised) == (1, 2)
    with system_scope("4208"):
        assert sorted(c.registered["plate"] for c in Clue.objects.all()) == ["测A2", "测A3"]
        assert run.sources.get().declared == 1


def test_who_was_paid_before_he_was_registered_here_is_compared_all_the_same(make_user, tmp_path):
    home = family()
    with system_scope("4208"):
        Membership.objects.filter(household=home).update(since=date(2017, 8, 1))
    consent(home)
    user = clerk(make_user, "4208")
    path = tmp_path / "明细.csv"
    path.write_text(f"月份,项目,城乡,家庭编号,人数,金额\n2016-07,低保,城市,{home.no},2,300\n", encoding="utf-8")
    with at(user, DAY):
        import_history(path, acting_user=user, place="4208")
    rows = payment_rows_of("4208", Month(2016, 7), Month(2016, 7))
    assert rollkeys.roll_on("4208", DAY, rows=rows).persons["person_id"].n_unique() == 2


def test_who_left_before_a_month_or_joined_after_it_is_not_compared_for_it(make_user, tmp_path):
    home = family(names=("向桂英", "刘德福", "单晓月"))
    head, left, joined = people(home)
    with system_scope("4208"):
        Membership.objects.filter(person=left).update(until=date(2016, 7, 1), leave_reason="moved")
        Membership.objects.filter(person=joined).update(since=date(2016, 9, 1))
    path = tmp_path / "明细.csv"
    path.write_text(f"月份,项目,城乡,家庭编号,人数,金额\n2016-07,低保,城市,{home.no},2,300\n", encoding="utf-8")
    user = clerk(make_user, "4208")
    with at(user, DAY):
        import_history(path, acting_user=user, place="4208")
    rows = payment_rows_of("4208", Month(2016, 7), Month(2016, 7))
    assert rollkeys.roll_on("4208", DAY, rows=rows).persons["person_id"].to_list() == [head.pk]


def test_who_is_dead_or_off_the_roll_is_not_compared(make_user):
    home, gone, dead = family(), family(), family(names=("何建国",))
    consent(home, gone, dead)
    with system_scope("4208"):
        RollEntry.objects.filter(household=gone).update(end_month=201708)
        dead.head.died_on = date(2017, 7, 2)
        dead.head.save()
    batch("vehicle", [car(one.head, f"测{one.pk}") for one in (home, gone, dead)])
    run = sweep(clerk(make_user))
    assert (run.persons, run.raised) == (2, 1)


def test_each_question_past_the_walls_is_in_the_log(make_user):
    family()
    batch("vehicle", [])
    sweep(clerk(make_user))
    with system_scope("4208"):
        asked = AuditEntry.objects.filter(action="people.find_elsewhere")
        assert [row.subject_id for row in asked] == ["比对 2 人"]


def test_the_list_of_who_was_not_compared_is_the_readers_own_range_and_its_reading_is_logged(make_user):
    near, far = family(), family(village="420804001001")
    batch("vehicle", [])
    city = clerk(make_user, "4208")
    run = sweep(city, "4208")
    assert run.unconsented == 4
    with at(city, DAY):
        assert {row["household_no"] for row in sweep_queries.not_compared(run, acting_user=city)} == {near.no, far.no}
        lines = list(sweep_queries.listed_csv(run, acting_user=city))
        assert len(lines) == 1 + 4 + 1
        assert city.username in lines[-1]
        assert AuditEntry.objects.filter(action="monitoring.read_not_compared").count() == 2
    county = clerk(make_user, "420802")
    with at(county, DAY), pytest.raises(NotFoundError):
        sweep_queries.not_compared(run, acting_user=county)
    reviewer = hire(make_user, "4208", "review")
    with at(reviewer, DAY), pytest.raises(AccessDeniedError):
        sweep_queries.not_compared(run, acting_user=reviewer)


def test_the_funnel_balances(make_user):
    homes = [family() for _ in range(3)]
    consent(*homes)
    batch("vehicle", [car(h.head, f"测{h.pk}") for h in homes])
    user = clerk(make_user)
    run = sweep(user)
    with at(user, DAY):
        found = sweep_reports.report(run)
        for rows in ([found.all], found.rules, found.towns, found.counties, list(found.sources.values())):
            assert sum(row.total for row in rows) == run.raised == 3
            assert sum(row.confirmed + row.refuted + row.open for row in rows) == 3


def test_a_sweep_that_was_killed_too_often_is_ended_and_its_place_is_free_again(make_user):
    consent(family())
    batch("vehicle", [])
    user = clerk(make_user)
    with at(user, DAY):
        run = sweep_actions.open_sweep("420802", acting_user=user)
        SweepRun.objects.filter(pk=run.pk).update(state="judging", tries=sweep_actions.MOST_TRIES)
    with clock.frozen(DAY):
        assert tasks.resume() == 0
    with system_scope("4208"):
        run.refresh_from_db()
    assert run.state == "failed"
    assert "中断 5 次" in run.error
    assert sweep(user).state == "done"
