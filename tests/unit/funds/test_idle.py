"""Money that lies: told once, to who keeps the funds, with what is done about it; over when it moves."""

from __future__ import annotations

import re
from datetime import date

import pytest
from casekit import at, hire
from django.test import Client
from fundkit import Treasury
from paykit import Staff, family, pay_day, run_month

from tuodi.funds import idle
from tuodi.funds.errors import FundInputError
from tuodi.funds.models import IdleAlert
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.access import system_scope
from tuodi.org.errors import AccessDeniedError

pytestmark = pytest.mark.django_db(transaction=True)
MAY = Month(2017, 5)
BACKEND = "tuodi.org.backends.StaffBackend"


def looked(on: date) -> int:
    with clock.frozen(on), system_scope("cn"):
        return idle.look("cn")


def test_available_money_and_money_on_its_way_are_told_once_until_they_move(make_user, client: Client) -> None:
    treasury, staff = Treasury(make_user), Staff(make_user)
    treasury.do("appropriation", 10_000, on=date(2017, 1, 9))
    treasury.do("appropriation", 500, programme="medical", doc_no="医1号", on=date(2017, 1, 9))
    family()
    run = run_month(staff, MAY, upto="send")  # 550 yuan in transit since then
    sent = pay_day(MAY)
    assert looked(date(2017, 4, 9)) == 0  # the ninetieth day
    assert looked(date(2017, 4, 10)) == 1
    later = date(2017, 9, 1)
    assert looked(later) == 2
    assert looked(later) == 0  # once
    with at(treasury.keep, later):
        told = {(one.programme, one.account, one.run_id) for one in idle.waiting()}
        assert told == {("medical", "available", 0), ("dibao", "available", 0), ("dibao", "transit", run.pk)}
        row = IdleAlert.objects.get(account="transit", ended_at__isnull=True)
        assert (row.amount_fen, row.still_since, row.limit_days) == (550_00, sent, 90)
        with pytest.raises(FundInputError, match="处理情况"):
            idle.answer(row, acting_user=treasury.keep, handling=" ")
        idle.answer(row, acting_user=treasury.keep, handling="已请经办行逐笔查询")
        assert ("dibao", "transit", run.pk) not in {(one.programme, one.account, one.run_id) for one in idle.waiting()}
    with at(treasury.review, later), pytest.raises(AccessDeniedError):
        idle.answer(row, acting_user=treasury.review, handling="财政不代为说明")
    # What moved is over; what lies on stays as it was told.
    treasury.do("hand_back", 100, programme="medical", on=later)
    assert looked(date(2017, 9, 2)) == 0
    with at(treasury.keep, later):
        assert {(one.programme, one.account) for one in idle.waiting()} == {("dibao", "available")}
        assert IdleAlert.objects.filter(account="transit", ended_at__isnull=True).get().handling == "已请经办行逐笔查询"
    with clock.frozen(date(2017, 9, 2)):
        client.force_login(treasury.keep, backend=BACKEND)
        shown = client.get("/funds/idle/").content.decode()
        assert all(word in shown for word in ("在途", run.no, "已请经办行逐笔查询"))
        assert re.search(r"sheet\.xlsx\?place=\d+&(?:amp;)?show=late", shown)
        assert client.get("/funds/idle/sheet.xlsx?show=all").status_code == 200
        other = hire(make_user, "420804", "fund_keep")
        client.force_login(other, backend=BACKEND)
        assert run.no not in client.get("/funds/idle/").content.decode()
