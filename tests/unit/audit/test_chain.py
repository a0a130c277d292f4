"""The audit log cannot be changed, and a change past the guards is found and named."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection, transaction
from django.db.utils import InternalError, ProgrammingError

from tuodi.audit.actions import record
from tuodi.audit.errors import AppendOnlyError, RequestConflictError
from tuodi.audit.idempotency import once
from tuodi.audit.models import AuditEntry, AuditHead, IdempotentRequest
from tuodi.audit.queries import history, read_anchors, verify, write_anchors
from tuodi.kernel.clock import frozen
from tuodi.org.access import system_scope

pytestmark = pytest.mark.django_db
REGION = "420899001001"
REFUSED = (ProgrammingError, InternalError)


@pytest.fixture
def five_rows():
    with system_scope("cn"):
        for number in range(5):
            record(
                "test.act",
                actor=None,
                subject_type="x",
                subject_id=number,
                region=REGION,
                after={"名": "某\n某", "n": number},
            )
        record("test.act", actor=None, subject_type="x", subject_id=9, region="530102000000")
        yield


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def tamper(as_owner, *statements: str) -> None:
    """What only somebody who owns the tables and switches the guards off can do."""
    with as_owner():
        for table in ("audit_auditentry", "audit_audithead"):
            run(f"alter table {table} disable trigger user")
        for sql in statements:
            run(sql)


def test_an_untouched_log_is_whole(five_rows) -> None:
    verdict = verify()
    assert (verdict.ok, verdict.rows, verdict.chains) == (True, 6, 2)
    assert [row.seq for row in AuditEntry.objects.filter(place6="420899").order_by("id")] == [1, 2, 3, 4, 5]
    assert history("x", 3).get().after == {"名": "某\n某", "n": 3}


ATTEMPTS = [
    "update audit_auditentry set action = 'x' where seq = 2",
    "delete from audit_auditentry where seq = 2",
    "truncate audit_auditentry",
    "update audit_audithead set seq = 1",
    "delete from audit_audithead",
    "insert into audit_audithead (place6, day, seq, hash, prev_hash) values ('1', '2030-01-01', 1, '', '')",
    "alter table audit_auditentry disable trigger all",
    "drop trigger audit_guard on audit_auditentry",
    "create or replace function audit_guard() returns trigger language plpgsql as 'begin return null; end'",
]


@pytest.mark.parametrize("sql", ATTEMPTS)
def test_the_runtime_role_can_change_nothing(five_rows, sql: str) -> None:
    with pytest.raises(REFUSED), transaction.atomic():
        run(sql)
    assert verify().ok


@pytest.mark.parametrize("sql", ATTEMPTS[:5])
def test_even_the_owner_is_refused(five_rows, as_owner, sql: str) -> None:
    with pytest.raises(REFUSED, match="只"), transaction.atomic(), as_owner():
        run(sql)
    assert verify().ok


def test_models_refuse_too(five_rows) -> None:
    row = AuditEntry.objects.first()
    with pytest.raises(AppendOnlyError):
        row.save()
    with pytest.raises(AppendOnlyError):
        row.delete()


@pytest.mark.parametrize(
    ("sql", "seq", "reason"),
    [
        ("update audit_auditentry set actor_name = '别人' where place6 = '420899' and seq = 3", 3, "被修改"),
        ("update audit_auditentry set after = '{\"n\": 99}' where place6 = '420899' and seq = 4", 4, "被修改"),
        (
            "update audit_auditentry set recorded_at = recorded_at - interval '1 second' where place6 = '420899' and seq = 1",
            1,
            "被修改",
        ),
        ("delete from audit_auditentry where place6 = '420899' and seq = 2", 2, "缺失"),
        ("delete from audit_auditentry where place6 = '420899' and seq >= 4", 4, "末尾"),
        ("delete from audit_auditentry where place6 = '420899'", 1, "整条链"),
        ("delete from audit_auditentry where place6 = '420899' and seq = 1", 1, "缺失"),
        ("delete from audit_audithead where place6 = '420899'", 6, "链首记录缺失"),
    ],
)
def test_a_change_past_the_guards_is_found_and_named(five_rows, as_owner, sql: str, seq: int, reason: str) -> None:
    tamper(as_owner, sql)
    verdict = verify()
    assert not verdict.ok
    assert (verdict.place6, verdict.seq) == ("420899", seq)
    assert reason in verdict.reason
    assert "420899" in str(verdict)


def test_a_tail_cut_with_its_head_is_found_by_the_anchor_outside(five_rows, as_owner, tmp_path) -> None:
    path = tmp_path / "anchors.jsonl"
    assert write_anchors(path) == 2
    tamper(
        as_owner,
        "delete from audit_auditentry where place6 = '420899' and seq = 5",
        "update audit_audithead h set seq = 4, hash = (select e.hash from audit_auditentry e "
        "where e.place6 = '420899' and e.seq = 4) where place6 = '420899'",
    )
    assert verify().ok  # inside the database alone this cannot be seen
    verdict = verify(read_anchors(path))
    assert (verdict.ok, verdict.place6, verdict.seq) == (False, "420899", 5)


def test_an_anchor_still_fits_after_the_chain_has_grown(five_rows, tmp_path) -> None:
    path = tmp_path / "anchors.jsonl"
    write_anchors(path)
    record("test.act", actor=None, subject_type="x", subject_id=1, region=REGION)
    assert verify(read_anchors(path)).ok


def test_a_business_clock_set_back_does_not_turn_the_chain_back(five_rows) -> None:
    with frozen(date(2016, 1, 1)):
        record("test.act", actor=None, subject_type="x", subject_id=1, region=REGION)
    last = AuditEntry.objects.filter(place6="420899").order_by("-id").first()
    assert (last.seq, last.at.year) == (6, 2016)
    assert last.recorded_at.year > 2016
    assert verify().ok


def test_days_of_one_place_are_chained_to_each_other(five_rows, as_owner) -> None:
    """The head is put one day back by force; the next row begins a new day from its hash."""
    tamper(
        as_owner,
        "alter table audit_auditentry enable trigger audit_append",
        "delete from audit_auditentry where place6 = '530102'",
        "delete from audit_audithead where place6 = '530102'",
        "insert into audit_audithead (place6, day, seq, hash, prev_hash) values ('530102', '2020-01-01', 1, 'abc', '')",
    )
    record("test.act", actor=None, subject_type="x", subject_id=1, region="530102000000")
    row = AuditEntry.objects.get(place6="530102")
    assert (row.seq, row.prev_hash) == (1, "abc")
    assert AuditHead.objects.filter(place6="530102").count() == 2


def test_a_record_can_be_appended_without_a_scope_but_not_read() -> None:
    record("test.act", actor=None, subject_type="x", subject_id=1, region=REGION)
    assert AuditEntry.objects.count() == 0
    with system_scope("420899"):
        assert AuditEntry.objects.count() == 1
    with system_scope("530102"):
        assert AuditEntry.objects.count() == 0


def test_a_forged_sequence_or_hash_is_overwritten_by_the_database() -> None:
    with system_scope("420899"):
        record("test.act", actor=None, subject_type="x", subject_id=1, region=REGION)
        run(
            "insert into audit_auditentry (place6, day, seq, recorded_at, at, actor_name, action, subject_type, "
            "subject_id, case_no, region, address, request_id, prev_hash, hash) values ('999999', '2001-01-01', 77, "
            "'2001-01-01', now(), '', '', '', '', '', '420899001001', '', '', 'x', 'x')"
        )
        assert [row.seq for row in AuditEntry.objects.order_by("id")] == [1, 2]
        assert verify().ok


def test_a_request_is_done_once_and_gives_the_same_result() -> None:
    done = []

    def act() -> object:
        with once("k1", None, {"a": 1}) as request:
            if not request.done:
                done.append(1)
                request.result = {"id": 7}
        return request.result

    assert [act(), act(), act()] == [{"id": 7}] * 3
    assert done == [1]
    with pytest.raises(RequestConflictError), once("k1", None, {"a": 2}):
        pass


def test_a_failed_request_may_be_tried_again() -> None:
    with pytest.raises(RuntimeError), once("k2", None, {}):
        raise RuntimeError
    assert not IdempotentRequest.objects.filter(key="k2").exists()
    with once("k2", None, {}) as request:
        assert not request.done


@pytest.mark.django_db(transaction=True)
def test_two_at_once_act_once_and_the_chain_holds() -> None:
    """Eight threads, real connections: one acts, all get its result, the rows are in one chain."""
    from concurrent.futures import ThreadPoolExecutor

    acted = []

    def act(number: int) -> object:
        try:
            with once("k3", None, {}) as request:
                if not request.done:
                    acted.append(number)
                    request.result = number
            record("test.act", actor=None, subject_type="x", subject_id=number, region=REGION)
            return request.result
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(act, range(8)))
    assert len(acted) == 1
    assert set(results) == set(acted)
    with system_scope("cn"):
        verdict = verify()
    assert (verdict.ok, verdict.rows) == (True, 8)


def test_a_county_checks_its_own_chain_without_seeing_others(five_rows) -> None:
    with system_scope("420899"):
        verdict = verify()
    assert (verdict.ok, verdict.rows, verdict.chains) == (True, 5, 1)
