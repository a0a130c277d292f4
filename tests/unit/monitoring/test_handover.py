"""Payment rows of earlier years, and their hand-over: who may, what is in the file, what is refused."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from datetime import date

import openpyxl
import pytest
from casekit import at, hire
from django.db import IntegrityError, transaction
from paykit import family

from tuodi.audit.models import AuditEntry
from tuodi.exchange.errors import FileRefusedError
from tuodi.files.store import open_plain, path_of
from tuodi.kernel.periods import Month
from tuodi.monitoring import handover_actions as handover
from tuodi.monitoring import limits
from tuodi.monitoring.history import count_rows, import_history, payment_rows_of
from tuodi.monitoring.models import HandOver, PaymentHistory
from tuodi.monitoring.sweep_errors import HandOverError, SecondPersonError, WatchInputError, WatchStateError
from tuodi.org.access import system_scope
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.people import secrets

pytestmark = pytest.mark.django_db(transaction=True)
DAY = date(2017, 9, 4)
JULY, AUGUST = Month(2016, 7), Month(2016, 8)


@pytest.fixture
def clerk(make_user):
    return hire(make_user, "4208", "sweep", "hand_over")


@pytest.fixture
def other(make_user):
    return hire(make_user, "4208", "hand_over_approve")


def sheet(tmp_path, rows, name="明细.csv", encoding="gb18030"):
    path = tmp_path / name
    text = "月份,项目,城乡,家庭编号,人数,金额\r\n" + "".join(",".join(map(str, row)) + "\r\n" for row in rows)
    path.write_bytes(text.encode(encoding))
    return path


@pytest.fixture
def paid(clerk, tmp_path):
    """Two families, two months, two counties; one row of an unknown family and one twice."""
    one, two = family(), family(village="420804001001", area_kind="rural", names=("何建国",))
    rows = [
        ("2016-07", "低保", "城市", one.no, 2, "600.50"), ("201608", "低保", "城市", one.no, 2, "600.50"),
        ("2016年7月", "低保", "农村", two.no, 1, "210"), ("2016-08", "五保", "农村", two.no, 1, "480"),
        ("2016-08", "五保", "农村", two.no, 1, "480"), ("2016-07", "低保", "城市", "JT-没有", 1, "1"),
        ("2016-13", "低保", "城市", one.no, 1, "1"), ("2016-07", "抚恤", "城市", one.no, 1, "1"),
        ("合计", "", "", "", "", "2372"),
    ]  # fmt: skip
    with at(clerk, DAY):
        kept = import_history(sheet(tmp_path, rows), acting_user=clerk, place="4208")
    return one, two, kept


def ask(clerk, **more):
    words = {
        "receiver": "荆门市纪委",
        "purpose": "大数据比对",
        "basis": "荆纪函〔2017〕1号",
        "first": JULY,
        "last": AUGUST,
    }
    with at(clerk, DAY):
        return handover.request(acting_user=clerk, place="4208", **{**words, **more})


def test_every_row_of_a_history_file_is_kept_or_refused_with_a_reason(paid, clerk, tmp_path):
    _one, _two, kept = paid
    assert [(k.place_code, k.rows, k.amount_fen) for k in kept] == [("420802", 2, 120100), ("420804", 2, 69000)]
    with system_scope("4208"):
        told = open_plain(kept[0].faults).read().decode("utf-8-sig").splitlines()[1:]
    assert [line.split(",")[0] for line in told] == ["6", "7", "8", "9"]  # as the sheet counts them
    assert "重复" in told[0]
    assert "家庭编号" in told[1]
    assert "月份" in told[2]
    assert "抚恤" in told[3]
    assert kept[0].rejected == 4
    rows = payment_rows_of("4208", JULY, AUGUST)
    assert count_rows(rows) == {"dibao/rural": 1, "dibao/urban": 2, "tekun/rural": 1}
    assert payment_rows_of("420804", AUGUST, AUGUST)["amount_fen"].to_list() == [48000]


def test_the_same_file_again_is_the_rows_there_are(paid, clerk, tmp_path):
    with at(clerk, DAY):
        again = import_history(tmp_path / "明细.csv", acting_user=clerk, place="4208")
        assert [k.pk for k in again] == [k.pk for k in paid[2]]
        assert PaymentHistory.objects.count() == 2


def test_a_file_without_the_columns_or_without_one_good_row_is_refused_whole(clerk, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("月份,金额\n2016-07,1\n", encoding="utf-8")
    with at(clerk, DAY):
        with pytest.raises(FileRefusedError, match="家庭编号"):
            import_history(path, acting_user=clerk, place="4208")
        with pytest.raises(WatchInputError, match="没有一行可以采用"):
            import_history(
                sheet(tmp_path, [("2016-07", "低保", "城市", "JT-没有", 1, "1")]), acting_user=clerk, place="4208"
            )
        assert PaymentHistory.objects.count() == 0


def test_the_workbook_holds_every_row_the_watermark_and_whole_numbers_as_text(paid, clerk):
    one, _two, _kept = paid
    row = ask(clerk)
    assert (row.state, row.expected, row.no) == ("approved", 4, "YJ-4208-2017-0001")
    with at(clerk, DAY):
        row = handover.make(row, acting_user=clerk)
        assert handover.make(row, acting_user=clerk).sha256 == row.sha256
        assert (row.rows, row.amount_fen, row.rows_by["dibao/urban"]) == (4, 189100, 2)
    with at(clerk, DAY), handover.fetch(row, acting_user=clerk) as path:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == row.sha256
        book = openpyxl.load_workbook(path)
    detail, told = book["明细1"], book["说明"]
    cells = [[cell.value for cell in line] for line in detail.iter_rows()]
    assert len(cells) == 1 + 4
    with system_scope("4208"):
        number = secrets.open_id(one.head)
    assert [line[8] for line in cells[1:]].count(number) == 2
    assert {line[10] for line in cells[1:]} == {600.5, 210, 480}
    assert {line[2] for line in cells[1:]} == {"城市", "农村"}
    assert all(cell.data_type == "s" or cell.data_type == "inlineStr" for cell in detail["I"])
    for part in (detail.oddHeader.left.text, detail.oddFooter.left.text):
        assert row.no in part
        assert clerk.username in part
        assert "荆门市纪委" in part
    facts = {line[0].value: line[1].value for line in told.iter_rows()}
    assert facts["行数"] == "4"
    assert facts["金额合计（元）"] in ("1,891.00", "1891.00")
    assert facts["依据"] == "荆纪函〔2017〕1号"


def test_csv_cells_that_could_be_formulas_are_harmless(clerk, tmp_path):
    one = family(names=("=CMD", "刘德福"))
    rows = [("2016-07", "低保", "城市", one.no, 2, "1")]
    with at(clerk, DAY):
        import_history(sheet(tmp_path, rows), acting_user=clerk, place="4208")
    row = ask(clerk, format="csv", last=JULY)
    with at(clerk, DAY):
        row = handover.make(row, acting_user=clerk)
        with handover.fetch(row, acting_user=clerk) as path, zipfile.ZipFile(path) as archive:
            text = archive.read(f"{row.no}.csv").decode("utf-8-sig")
            assert clerk.username in archive.read("说明.txt").decode("utf-8-sig")
    (line,) = list(csv.DictReader(io.StringIO(text)))
    assert line["户主（供养人员）"] == "'=CMD"
    assert line["金额（元）"] == "1.00"


def test_above_the_limit_another_person_must_agree(paid, clerk, other, monkeypatch):
    monkeypatch.setattr(handover, "limit", lambda name, *_: 3 if name == "hand_over_limit" else 7)
    row = ask(clerk)
    assert row.state == "waiting"
    with at(clerk, DAY):
        with pytest.raises(WatchStateError, match="待审批"):
            handover.make(row, acting_user=clerk)
        with pytest.raises(AccessDeniedError):
            handover.approve(row, acting_user=clerk)
    with at(other, DAY):
        handover.approve(row, acting_user=other)
        with pytest.raises(AccessDeniedError):
            handover.make(row, acting_user=other)
    with at(clerk, DAY):
        assert handover.make(row, acting_user=clerk).state == "ready"


def test_who_asked_never_approves_even_by_the_database(paid, clerk, monkeypatch):
    monkeypatch.setattr(handover, "limit", lambda name, *_: 3 if name == "hand_over_limit" else 7)
    row = ask(clerk)
    monkeypatch.setattr(handover.access, "require", lambda *_: None)
    with at(clerk, DAY), pytest.raises(SecondPersonError):
        handover.approve(row, acting_user=clerk)
    with at(clerk, DAY), pytest.raises(IntegrityError), transaction.atomic():
        HandOver.objects.filter(pk=row.pk).update(approved_by=clerk)


def test_rows_that_grew_past_the_limit_wait_for_a_second_person(paid, clerk, tmp_path, monkeypatch):
    monkeypatch.setattr(handover, "limit", lambda name, *_: 4 if name == "hand_over_limit" else 7)
    row = ask(clerk)
    assert row.state == "approved"
    more = [("2016-07", "五保", "城市", paid[0].no, 2, "5")]
    with at(clerk, DAY):
        import_history(sheet(tmp_path, more, "补.csv"), acting_user=clerk, place="4208")
        row = handover.make(row, acting_user=clerk)
    assert (row.state, row.expected, row.rows) == ("waiting", 5, None)


def test_only_who_asked_fetches_it_and_only_for_some_days(paid, clerk, make_user):
    row = ask(clerk)
    colleague = hire(make_user, "4208", "hand_over")
    county = hire(make_user, "420802", "hand_over")
    with at(clerk, DAY):
        row = handover.make(row, acting_user=clerk)
    with (
        at(colleague, DAY),
        pytest.raises(HandOverError, match="只有申请人"),
        handover.fetch(row, acting_user=colleague),
    ):
        pass
    with at(county, DAY), pytest.raises(NotFoundError), handover.fetch(row, acting_user=county):
        pass
    late = date(2017, 9, 12)
    with at(clerk, late), pytest.raises(HandOverError, match="到期"), handover.fetch(row, acting_user=clerk):
        pass
    with at(clerk, late):
        assert handover.expire("4208") == 1
        row.refresh_from_db()
        assert row.state == "expired"
        assert not path_of(row.stored).exists()
        assert row.sha256
        assert AuditEntry.objects.filter(action__startswith="monitoring.hand_over").count() == 3


def test_a_receipt_needs_a_file_that_was_taken_out(paid, clerk):
    row = ask(clerk)
    with at(clerk, DAY):
        row = handover.make(row, acting_user=clerk)
        with pytest.raises(WatchStateError):
            handover.acknowledge(row, "王某", acting_user=clerk)
        with handover.fetch(row, acting_user=clerk):
            pass
        assert handover.acknowledge(row, "王某", acting_user=clerk).receipt_on == DAY


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"receiver": " "}, "接收单位"), ({"first": AUGUST, "last": JULY}, "止月"), ({"format": "pdf"}, "格式"),
     ({"programmes": ["gold"]}, "gold"), ({"first": Month(2010, 1), "last": Month(2010, 2)}, "没有发放明细")],
)  # fmt: skip
def test_what_cannot_be_asked_for_is_said(paid, clerk, wrong, said):
    words = {"receiver": "纪委", "purpose": "p", "basis": "b", "first": JULY, "last": AUGUST, **wrong}
    with at(clerk, DAY), pytest.raises(WatchInputError, match=said):
        handover.request(acting_user=clerk, place="4208", **words)


def test_the_limits_stand_in_the_policy_book():
    assert limits.limit("hand_over_limit", "4208", DAY) == 1000
    assert limits.limit("clue_limit", "420802001001", DAY) == 15
