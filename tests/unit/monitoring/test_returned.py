"""Lists the discipline body sends back: each row makes a clue or is accounted for."""

from __future__ import annotations

from datetime import date

import openpyxl
import pytest
from casekit import at, hire
from paykit import family
from watchkit import clerk, number, people

from tuodi.exchange.errors import FileRefusedError
from tuodi.files.store import open_plain
from tuodi.kernel.identity import make_id
from tuodi.monitoring.models import Clue, ReturnedRow
from tuodi.monitoring.returned_actions import import_returned
from tuodi.monitoring.sweep_errors import WatchInputError
from tuodi.org.errors import AccessDeniedError

pytestmark = pytest.mark.django_db
DAY = date(2017, 9, 4)


def book(path, rows, header=("姓名", "身份证号", "问题", "说明")):
    made = openpyxl.Workbook()
    for row in (header, *rows):
        made.active.append(list(row))
    made.save(path)
    return path


def test_every_row_becomes_a_clue_or_is_accounted_for(make_user, tmp_path):
    user = clerk(make_user, "4208")
    home = family()
    with at(user, DAY):
        head, second = people(home)
        own = number(head)
        wrong = own[:17] + ("1" if own[17] != "1" else "2")
        rows = [
            (head.name, own, "名下有商铺", "两间"), (head.name, own, "名下有商铺", "两间"), (second.name, number(second), "名下有车", ""),
            ("旁人", own, "名下有车", ""), (head.name, wrong, "名下有车", ""), ("某甲", make_id("420899", DAY, 5), "名下有车", ""),
            (head.name, "12345", "名下有车", ""), (head.name, own, "", ""),
        ]  # fmt: skip
        path = book(tmp_path / "返回.xlsx", rows)
        row = import_returned(path, acting_user=user, place="4208", sender="荆门市纪委", document="荆纪〔2017〕9号")
        assert (row.rows, row.raised, row.known, row.unmatched, row.rejected) == (8, 2, 1, 1, 4)
        found = Clue.objects.order_by("id")
        assert [(c.source, c.person_id, c.rule_code) for c in found] == [
            ("discipline", head.pk, "DISCIPLINE"), ("discipline", second.pk, "DISCIPLINE"),
        ]  # fmt: skip
        assert found[0].registered["matter"] == "名下有商铺"
        lines = list(ReturnedRow.objects.filter(returned=row).order_by("row_no"))
        assert [(one.row_no, one.result) for one in lines] == [
            (2, "raised"), (3, "known"), (4, "raised"), (5, "rejected"), (6, "rejected"), (7, "unmatched"), (8, "rejected"),
            (9, "rejected"),
        ]  # fmt: skip
        assert [one.clue_id for one in lines[:3]] == [found[0].pk, found[0].pk, found[1].pk]
        assert own not in {one.id_masked for one in lines}
        told = open_plain(row.faults).read().decode("utf-8-sig")
        assert len(told.splitlines()) == 1 + 6
        assert own not in told
        assert import_returned(path, acting_user=user, place="4208", sender="荆门市纪委").pk == row.pk
        assert Clue.objects.count() == 2


def test_a_list_without_the_columns_is_refused_and_so_is_who_may_not(make_user, tmp_path):
    user = clerk(make_user, "4208")
    path = book(tmp_path / "x.xlsx", [("a",)], header=("编号",))
    with at(user, DAY):
        with pytest.raises(FileRefusedError, match="表头"):
            import_returned(path, acting_user=user, place="4208", sender="纪委")
        with pytest.raises(WatchInputError, match="来文单位"):
            import_returned(path, acting_user=user, place="4208", sender=" ")
    other = hire(make_user, "4208", "supervise")
    with at(other, DAY), pytest.raises(AccessDeniedError):
        import_returned(path, acting_user=other, place="4208", sender="纪委")
