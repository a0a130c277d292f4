"""Rosters and ledgers as spreadsheets: who may, what a cell can do, the second person above the limit, slices, the log."""

from __future__ import annotations

import errno
import os
from datetime import date

import openpyxl
import pytest
from casekit import at, family, hire
from django.db import IntegrityError, transaction

from tuodi.audit.models import AuditEntry
from tuodi.decisions.papers import rosters
from tuodi.intake.application_actions import accept_application
from tuodi.kernel.periods import Month
from tuodi.monitoring import export_actions as exports
from tuodi.monitoring import ledgers
from tuodi.monitoring.ledgers import LEDGERS, Choices
from tuodi.monitoring.models import Export
from tuodi.monitoring.sweep_errors import HandOverError, SecondPersonError, WatchInputError, WatchStateError
from tuodi.org.access import system_scope
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.people.models import Person, RollEntry

pytestmark = pytest.mark.django_db
DAY = date(2017, 9, 11)
CHOICES = Choices("dibao", Month(2017, 9), date(2017, 1, 1), date(2017, 9, 30))
#: Texts a spreadsheet would run, each with the sign it begins with.
HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "＋1", "|cmd", "　=1"]


@pytest.fixture
def clerk(make_user):
    return hire(make_user, "420802", "accept", "review")


@pytest.fixture
def other(make_user):
    return hire(make_user, "420802", "hand_over_approve")


def on_roll(count: int, village: str = "420802001001", names: list[str] | None = None) -> list[RollEntry]:
    made = []
    for at_ in range(count):
        household = family(village, names=("王桂兰", "周建军"))
        with system_scope(village):
            if names:
                Person.objects.filter(pk=household.head_id).update(name=names[at_])
            made.append(
                RollEntry.objects.create(
                    household=household, region=household.region, programme="dibao", category="urban",
                    amount_fen=57_500, start_month=201704,
                )
            )  # fmt: skip
    return made


def ask(clerk, kind="roster", place="420802", reason=""):
    with at(clerk, DAY):
        return exports.request(acting_user=clerk, kind=kind, place=place, choices=CHOICES, reason=reason)


def made(clerk, row):
    with at(clerk, DAY):
        return exports.make(row, acting_user=clerk)


def sheet_of(clerk, row, tmp_path):
    with at(clerk, DAY), exports.fetch(row, acting_user=clerk) as path:
        return openpyxl.load_workbook(path)


def test_a_roster_holds_its_columns_its_rows_and_who_took_it_out(clerk, tmp_path):
    on_roll(2)
    row = made(clerk, ask(clerk))
    assert (row.state, row.rows) == ("ready", 2)
    book = sheet_of(clerk, row, tmp_path)
    sheet = book.worksheets[0]
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0][:5] == ("乡镇（街道）", "村（社区）", "户主（对象）", "家庭编号", "保障人口")
    assert [one[2] for one in rows[1:]] == ["王桂兰", "王桂兰"]
    assert rows[1][4] == 2
    assert rows[1][9] == 575.00
    for text in (sheet.oddHeader.left.text, sheet.oddFooter.left.text):
        assert clerk.username in text
        assert "2017-09-11" in text
    told = {line[0]: line[1] for line in book.worksheets[-1].iter_rows(values_only=True)}
    assert told["导出编号"] == row.no
    with at(clerk, DAY):
        log = AuditEntry.objects.get(action="monitoring.export_make", subject_id=str(row.pk))
        assert log.after["rows"] == 2
        assert AuditEntry.objects.filter(action="monitoring.export_fetch", subject_id=str(row.pk)).count() == 1


def test_no_cell_is_a_formula_whatever_a_name_begins_with(clerk, tmp_path):
    on_roll(len(HOSTILE), names=HOSTILE)
    book = sheet_of(clerk, made(clerk, ask(clerk)), tmp_path)
    cells = [row[2] for row in list(book.worksheets[0].iter_rows())[1:]]
    assert {cell.data_type for cell in cells} == {"s"}
    assert all(str(cell.value).startswith("'") for cell in cells), [cell.value for cell in cells]


def test_above_the_limit_a_reason_and_a_second_person_are_needed(clerk, other, monkeypatch):
    on_roll(3)
    monkeypatch.setattr(exports, "limit", lambda name, *_: 2)
    with pytest.raises(WatchInputError, match="须写明用途"):
        ask(clerk)
    row = ask(clerk, reason="核对九月名单")
    assert (row.state, row.expected) == ("waiting", 3)
    with pytest.raises(WatchStateError, match="待审批"):
        made(clerk, row)
    with at(clerk, DAY), pytest.raises(AccessDeniedError):
        exports.approve(row, acting_user=clerk)
    with at(other, DAY):
        exports.approve(row, acting_user=other)
        with pytest.raises(AccessDeniedError):
            exports.make(row, acting_user=other)
    row = made(clerk, row)
    assert row.rows == 3
    with at(other, DAY), pytest.raises((HandOverError, AccessDeniedError)), exports.fetch(row, acting_user=other):
        pass


def test_who_asks_never_approves_even_by_the_database(make_user, monkeypatch):
    both = hire(make_user, "420802", "accept", "hand_over_approve")
    on_roll(1)
    monkeypatch.setattr(exports, "limit", lambda name, *_: 0)
    row = ask(both, reason="自己批自己")
    with at(both, DAY):
        with pytest.raises(SecondPersonError):
            exports.approve(row, acting_user=both)
        with pytest.raises(IntegrityError), transaction.atomic():
            Export.objects.filter(pk=row.pk).update(approved_by=both)


def test_rows_that_grew_past_the_limit_while_it_waited_are_not_written(clerk, monkeypatch):
    on_roll(1)
    monkeypatch.setattr(exports, "limit", lambda name, *_: 1)
    row = ask(clerk)
    assert row.state == "approved"
    on_roll(1)
    with at(clerk, DAY):
        Export.objects.filter(pk=row.pk).update(reason="九月名单")
    row = made(clerk, row)
    assert (row.state, row.expected, row.rows) == ("waiting", 2, None)


def test_the_duty_and_the_range_bound_what_is_taken_out(make_user, clerk):
    on_roll(1)
    on_roll(1, village="420804001001")
    assert made(clerk, ask(clerk)).rows == 1
    with at(clerk, DAY), pytest.raises(NotFoundError):
        exports.request(acting_user=clerk, kind="roster", place="4208", choices=CHOICES)
    with pytest.raises(AccessDeniedError):
        ask(clerk, kind="clue")
    keeper = hire(make_user, "420802", "sysadmin")
    for kind in LEDGERS:
        with at(keeper, DAY), pytest.raises(AccessDeniedError):
            exports.request(acting_user=keeper, kind=kind, place="420802", choices=CHOICES)
    stranger = hire(make_user, "420804", "accept")
    row = ask(clerk)
    with at(stranger, DAY), pytest.raises(NotFoundError):
        exports.make(row, acting_user=stranger)


def test_slices_leave_nothing_out_and_count_as_they_go(clerk, monkeypatch):
    on_roll(7)
    monkeypatch.setattr(rosters, "_SLICE", 2)
    monkeypatch.setattr(ledgers, "_SLICE", 2)
    seen = []
    plain = Export.objects.filter
    row = ask(clerk)
    with at(clerk, DAY):
        ledger = exports.ledger_of("roster")
        for frame in exports._stepped(row, ledger, CHOICES, clerk):
            seen.append((frame.height, plain(pk=row.pk).get().progress_done))
    assert seen == [(2, 2), (2, 4), (2, 6), (1, 7)]
    assert made(clerk, row).rows == 7


@pytest.mark.parametrize(
    "kind",
    ["acceptance", "check", "notice", "temporary", "tekun", "clue", "complaint", "relief", "discovery", "patrol"],
)
def test_every_ledger_counts_what_it_writes(kind, office, household):
    with at(office.town_accept, DAY):
        accept_application(acting_user=office.town_accept, household=household, programme="dibao")
    ledger = LEDGERS[kind]
    with system_scope("4208"):
        rows = sum(frame.height for frame in ledger.slices("4208", CHOICES))
        assert rows == ledger.count("4208", CHOICES)
        if kind == "acceptance":
            (frame,) = ledger.slices("4208", CHOICES)
            assert frame["name"].to_list() == ["欧阳建"]
            assert set(frame.columns) == {one.field for one in ledger.columns}


def test_a_file_past_its_days_is_destroyed(clerk):
    on_roll(1)
    row = made(clerk, ask(clerk))
    from tuodi.files.store import path_of
    from tuodi.kernel import clock

    assert path_of(row.stored).exists()
    with clock.frozen(date(2017, 9, 30)):
        assert exports.expire("cn") == 1
        assert exports.expire("cn") == 0
    assert not path_of(row.stored).exists()
    with (
        at(clerk, date(2017, 9, 30)),
        pytest.raises(HandOverError, match="到期"),
        exports.fetch(row, acting_user=clerk),
    ):
        pass


def test_a_full_disk_is_said_on_the_row_and_the_same_row_is_made_later(clerk, monkeypatch):
    on_roll(2)
    row = ask(clerk)
    plain = exports.write_xlsx

    def stopped(path, frames, *more):
        next(iter(frames))  # some rows were written and counted
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(exports, "write_xlsx", stopped)
    with at(clerk, DAY):  # caught within: a transaction around it would take the words back
        with pytest.raises(OSError, match="No space left"):
            exports.make(row, acting_user=clerk)
        row.refresh_from_db()
    assert (row.state, row.progress_done, row.stored_id) == ("approved", 0, None)  # no bar that never moves again
    assert "存储空间已满" in row.fault
    monkeypatch.setattr(exports, "write_xlsx", plain)
    row = made(clerk, row)
    assert (row.state, row.rows, row.fault) == ("ready", 2, "")
