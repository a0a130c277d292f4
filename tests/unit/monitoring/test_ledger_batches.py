"""Many clues at once: each done or refused with its reason, in a fixed number of statements."""

from __future__ import annotations

import threading
from datetime import date

import pytest
from casekit import at, hire
from cluekit import FOUND, Hands, clue, home, taken_to
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tuodi.audit.models import AuditEntry
from tuodi.decisions.models import Suspension
from tuodi.kernel.errors import TuodiError
from tuodi.monitoring import clue_actions as ledger
from tuodi.monitoring import clue_figures, clue_queues
from tuodi.monitoring import ledger as lists
from tuodi.monitoring.ledger import Wanted
from tuodi.monitoring.models import Clue, ClueEvent

RULE = ledger.EvidenceRule(("visit",), "车管所书面答复", "清单所列车辆均已转让")


@pytest.mark.django_db
def test_a_batch_does_what_it_can_and_says_why_not(make_user) -> None:
    hands = Hands(make_user)
    family = home()
    rows = [clue(family) for _ in range(4)]
    taken_to(hands, rows[3], "verifying")
    with at(hands.verify, FOUND):
        done = ledger.assign_many([*rows[:3], 10**9], responsible=hands.town, acting_user=hands.verify)
    assert done.done == tuple(row.pk for row in rows[:3])
    assert [(one.clue_id, "没有找到" in one.reason) for one in done.refused] == [(10**9, True)]
    with at(hands.town, FOUND):
        started = ledger.start_many(rows, acting_user=hands.town)
        assert started.by_reason() == [("ClueStateError", 1)]
        ledger.add_evidence(rows[0], kind="visit", title="入户", text="见", acting_user=hands.town)
        told = ledger.propose_many(
            rows, verdict="refuted", refuted_why="sold", conclusion="已卖", acting_user=hands.town
        )
        assert (len(told.done), told.by_reason()) == (1, [("EvidenceMissingError", 3)])
        told = ledger.propose_many(
            rows, verdict="refuted", refuted_why="sold", conclusion="已卖", evidence=RULE, acting_user=hands.town
        )
        assert (len(told.done), told.refused) == (4, ())
    with at(hands.county, FOUND):
        verdict = ledger.decide_many(rows, verdict="refuted", acting_user=hands.county)
        assert len(verdict.done) == 4
        figures = lists.counts(lists.select(Wanted(), user=hands.county, today=FOUND), FOUND)
        assert (figures.total, figures.refuted, figures.balances) == (4, 4, True)
        assert [(one.code, one.share) for one in clue_figures.reasons(hands.county)] == [("sold", 1.0)]


@pytest.mark.django_db
def test_statements_do_not_grow_with_the_batch(make_user) -> None:
    hands = Hands(make_user)
    families = [home() for _ in range(3)]

    def cost(count: int) -> list[int]:
        rows = [clue(families[n % 3]) for n in range(count)]
        found = []
        for who, verb, given in (
            (hands.verify, ledger.assign_many, {"responsible": hands.town}),
            (hands.town, ledger.start_many, {}),
            (hands.town, ledger.propose_many, {"verdict": "confirmed", "conclusion": "有车", "evidence": RULE}),
            (hands.county, ledger.decide_many, {"verdict": "confirmed"}),
            (hands.county, ledger.suspend_many, {}),
            (hands.county, ledger.handle_many, {"action": "keep", "text": "说明"}),
            (hands.second, ledger.check_many, {"note": "已核对"}),
            (hands.second, ledger.close_many, {}),
        ):
            with (
                at(who, FOUND),
                CaptureQueriesContext(
                    connection,
                ) as seen,
            ):
                assert verb(rows, acting_user=who, **given).refused == ()
            found.append(len(seen))
        return found

    cost(1)  # what is asked once a process is asked now
    assert cost(3) == cost(9)


@pytest.mark.django_db
def test_a_batch_leaves_an_event_a_clue_and_one_audit_row_a_county(make_user) -> None:
    hands, wide = Hands(make_user), hire(make_user, "4208", "verify")
    rows = [clue(home()), clue(home()), clue(home(village="420804001001"))]
    both = hire(make_user, "4208", "clue")
    with at(wide, FOUND):
        assert len(ledger.assign_many(rows, responsible=both, acting_user=wide).done) == 3
        assert ClueEvent.objects.filter(kind="assign").count() == 3
        told = AuditEntry.objects.filter(action="monitoring.assign").order_by("region")
        assert [(one.region[:6], one.after["count"]) for one in told] == [("420802", 2), ("420804", 1)]
        assert all(len(one.after["ids_sha256"]) == 64 for one in told)
    del hands


@pytest.mark.django_db
def test_figures_balance_at_every_level_and_every_state(make_user) -> None:
    hands = Hands(make_user)
    states = ["assigned", "verifying", "confirmed", "suspended", "handled", "rectified", "closed"]
    for state in states:
        taken_to(hands, clue(home()), state)
    for _ in range(3):
        taken_to(hands, clue(home(village="420802001002")), "confirmed", verdict="refuted")
    taken_to(hands, clue(home()), "verifying")
    clue(home(), rule_code="HOUSE", source="estate")
    with at(hands.county, FOUND):
        assert [one for one in clue_figures.balance(hands.county) if not one.ok] == []
        for by in clue_figures.BY:
            rows = clue_figures.report(hands.county, by)
            assert all(row.balances for row in rows)
            assert sum(row.found for row in rows) == 12
        total = clue_figures.report_total(hands.county)
        assert (total.found, total.confirmed, total.refuted, total.open) == (12, 5, 3, 4)
        assert (total.suspended, total.held_now, total.rate) == (4, 1, 5 / 8)
        by_rule = {row.key: (row.label, row.found) for row in clue_figures.report(hands.county, "rule")}
        assert by_rule == {"VEHICLE": ("名下有非豁免机动车", 11), "HOUSE": ("名下有非豁免机动车", 1)}
        village = lists.select(Wanted(place="420802001002"), user=hands.county, today=FOUND)
        figures = lists.counts(village, FOUND)
        assert (figures.total, figures.refuted, figures.balances) == (3, 3, True)


@pytest.mark.django_db
def test_the_balance_finds_what_is_wrong(make_user, as_owner) -> None:
    hands = Hands(make_user)
    one = taken_to(hands, clue(home()), "closed")
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("update monitoring_clue set verdict = 'refuted', state = 'verifying' where id = %s", [one.pk])
    with at(hands.county, FOUND):
        wrong = {check.code for check in clue_figures.balance(hands.county) if not check.ok}
    assert wrong == {
        "sum_all",
        "sum_prefecture",
        "sum_county",
        "sum_town",
        "sum_village",
        "answered",
        "refuted_closed",
        "refuted_why",
        "events",
    }


@pytest.mark.django_db
def test_lists_queues_and_one_clue(make_user) -> None:
    hands = Hands(make_user)
    late = taken_to(hands, clue(home()), "verifying", day=date(2017, 3, 1))
    soon = taken_to(hands, clue(home()), "assigned")
    done = taken_to(hands, clue(home(), stated={"plate": "测B00001", "owner_says": "早已卖掉"}), "proposed")
    with at(hands.county, date(2017, 5, 23)):

        def keys(**wanted: str) -> set[int]:
            rows = lists.select(Wanted(**wanted), user=hands.county, today=date(2017, 5, 23))
            return set(rows.values_list("pk", flat=True))

        assert (keys(due="late"), keys(due="soon")) == ({late.pk}, {soon.pk, done.pk})
        assert keys(text=late.no[-5:]) == {late.pk}
        assert [(one.code, one.count) for one in clue_queues.my_queues(hands.county)] == [("to_decide", 1)]
        assert (keys(queue="to_decide"), keys(queue="to_assign"), keys(queue="nonsense")) == ({done.pk}, set(), set())
        one = lists.access_clue(hands.county, done.no)
        evidence = lists.evidence_of(one)
        assert [(one.kind, one.title) for one in evidence] == [("visit", "入户调查")]
    with at(hands.town, date(2017, 5, 23)):
        assert [(one.code, one.count) for one in clue_queues.my_queues(hands.town)] == [
            ("to_start", 1),
            ("to_propose", 1),
        ]


@pytest.mark.django_db(transaction=True)
def test_two_deciders_at_once_and_one_wins(make_user) -> None:
    hands = Hands(make_user)
    one = taken_to(hands, clue(home()), "proposed")
    other = hire(make_user, "420802", "clue_decide")
    start = threading.Barrier(2)
    heard: list[object] = []

    def decide(user, verdict: str) -> None:
        from tuodi.org.access import scope

        try:
            start.wait(10)
            with scope(user):
                ledger.decide(
                    one,
                    verdict=verdict,
                    conclusion="查明",
                    refuted_why="" if verdict == "confirmed" else "sold",
                    acting_user=user,
                )
            heard.append(verdict)
        except TuodiError as error:
            heard.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=decide, args=pair) for pair in ((hands.county, "confirmed"), (other, "refuted"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    errors = [item for item in heard if isinstance(item, TuodiError)]
    (won,) = [item for item in heard if isinstance(item, str)]
    assert [(type(error).__name__, error.status) for error in errors] == [("ClueStateError", 409)]
    with at(hands.county, FOUND):
        assert Clue.objects.get(pk=one.pk).verdict == won
        assert ClueEvent.objects.filter(clue=one, kind__in=["confirm", "refute"]).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_batches_suspend_a_family_once_each_and_number_apart(make_user) -> None:
    hands = Hands(make_user)
    rows = [taken_to(hands, clue(home()), "confirmed") for _ in range(6)]
    start = threading.Barrier(2)
    results: list[ledger.BatchResult] = []

    def suspend() -> None:
        from tuodi.kernel import clock
        from tuodi.org.access import scope

        start.wait(10)
        with scope(hands.county):
            results.append(ledger.suspend_many(rows, acting_user=hands.county))
        connection.close()
        del clock

    threads = [threading.Thread(target=suspend) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(len(one.done) for one in results) == [0, 6]
    with at(hands.county, FOUND):
        numbers = list(Suspension.objects.values_list("notice_no", flat=True))
    assert len(set(numbers)) == 6
