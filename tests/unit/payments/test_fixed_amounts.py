"""Fixed amounts of another department: a list of good and bad rows, two officers, a run of its own, an end told late."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at
from django.db import IntegrityError, transaction
from fundkit import Treasury, clean
from openpyxl import Workbook
from paykit import LATER, Staff, balanced, family, pay_day, run_month

from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.access import system_scope
from tuodi.org.errors import AccessDeniedError
from tuodi.payments import actions
from tuodi.payments.clauses import parts_of
from tuodi.payments.errors import RunInputError, StateError
from tuodi.payments.models import Claim, FixedEntry, FixedList, PayLine
from tuodi.people.secrets import open_id

pytestmark = pytest.mark.django_db(transaction=True)
PLACE, VILLAGE = "150302", "150302001001"
HEAD = ("姓名", "身份证号", "扶助情形", "发放周期", "每次金额", "起始月份", "终止月份", "银行账号", "开户银行")
MAY, JUNE, JULY = Month(2017, 5), Month(2017, 6), Month(2017, 7)


def table(path, *rows) -> bytes:
    book = Workbook()
    book.active.append(["2017 年特别扶助名册"])
    for row in (HEAD, *rows):
        book.active.append(list(row))
    book.save(path)
    return path.read_bytes()


def number(home) -> str:
    with system_scope(PLACE):
        return open_id(home.head)


def test_a_list_is_approved_by_another_and_paid_by_a_run_of_its_own(make_user, tmp_path) -> None:
    staff, treasury = Staff(make_user, PLACE), Treasury(make_user, PLACE)
    treasury.do("appropriation", 20000, programme="family_planning")
    monthly, yearly, double, odd = (
        family(village=VILLAGE, names=(name,)) for name in ("向桂英", "刘德福", "苗兰芝", "彭庆余")
    )
    data = table(
        tmp_path / "名册.xlsx",
        ("向桂英", number(monthly), "独生子女死亡", "按月", 1500, "2017-05", "", "6217000066660000011", "农商行"),
        ("刘德福", number(yearly), "农区现有两个女孩", "按年", 2000, "2017-06", "", "", ""),
        ("苗兰芝", number(double), "独生子女伤残", "按月", 1000, "2017-05", "", "", ""),  # 乌海: 1200 a month
        ("彭庆余", number(odd), "三孩家庭", "按月", 500, "2017-05", "", "12", ""),
        ("彭庆余", number(monthly), "独生子女死亡", "按月", 1500, "2017-05", "", "", ""),
    )
    with at(staff.prepare, pay_day(MAY)):
        made = actions.import_fixed_list(
            acting_user=staff.prepare, county=PLACE, data=data, name="名册.xlsx", source="区卫健局 2017 年名册"
        )
        assert (made.rows, made.taken, made.bad) == (5, 2, 3)
        told = {(one["row"], one["field"]) for one in made.faults}
        assert told == {(5, "每次金额"), (6, "扶助情形"), (6, "银行账号"), (7, "身份证号")}
        assert next(one for one in made.faults if one["row"] == 5)["reason"] == "本地规定这一情形是按月 1,200.00 元"
        with pytest.raises(RunInputError, match="单独成批"):
            actions.open_run(acting_user=staff.prepare, place=PLACE, month=MAY, programmes=["dibao", "family_planning"])
    empty = run_month(staff, Month(2017, 4), place=PLACE, programmes=["family_planning"])
    assert (empty.lines, empty.state) == (0, "closed")  # nobody is paid by a list that waits
    with at(staff.prepare, pay_day(MAY)):
        with pytest.raises(AccessDeniedError):  # nobody holds both duties
            actions.decide_fixed_list(made, acting_user=staff.prepare, approve=True)
        same = {"state": "approved", "decided_by": staff.prepare, "decided_at": clock.now()}
        with pytest.raises(IntegrityError, match="payments_fixed_list_eyes"), transaction.atomic():
            FixedList.objects.filter(pk=made.pk).update(**same)
    with at(staff.check, pay_day(MAY)):
        actions.decide_fixed_list(made, acting_user=staff.check, approve=True)
        with pytest.raises(StateError):
            actions.decide_fixed_list(made, acting_user=staff.check, approve=False, note="再看")
    runs = [run_month(staff, month, place=PLACE, programmes=["family_planning"]) for month in (MAY, JUNE)]
    with at(staff.check, LATER):
        paid = {
            (one.month, one.person.name): (one.amount_fen, one.status, one.account_last4)
            for one in PayLine.objects.select_related("person")
        }
        last4 = yearly.head.accounts.get().last4
        line = PayLine.objects.get(month=201705)
        part = parts_of(line)[0]
    assert paid == {
        (201705, "向桂英"): (1500_00, "paid", "0011"),
        (201706, "向桂英"): (1500_00, "paid", "0011"),
        (201706, "刘德福"): (2000_00, "paid", last4),
    }
    assert runs[0].no == "FF-150302-JS-201705"
    assert (part.why, part.local) == ("独生子女死亡，区卫健局 2017 年名册", True)
    assert "乌海" in part.clause or "2014" in part.clause
    assert treasury.held(programme="family_planning") == {"available": 15000_00, "paid": 5000_00}

    # The department tells in June that May was the last month: June's money is a claim.
    with at(staff.prepare, date(2017, 6, 20)):
        entry = FixedEntry.objects.get(person=monthly.head)
        actions.end_fixed_entry(entry, acting_user=staff.prepare, end=MAY, reason="收养子女，不再符合")
    july = run_month(staff, JULY, place=PLACE, programmes=["family_planning"])
    with at(staff.check, LATER):
        claim = Claim.objects.get()
        assert (claim.person_id, claim.programme, claim.left_fen) == (monthly.head_id, "family_planning", 1500_00)
    balanced(staff, july)
    clean()
