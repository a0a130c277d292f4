"""Money where it is waited for: a family's own months, the next step of a run, the menu's numbers, a budget's sources."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import residentkit
from casekit import at, client_of
from django.test import Client
from fundkit import Treasury
from paykit import Staff, family, run_month

from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.payments import actions, fund_split
from tuodi.payments.models import PayLine
from tuodi.web.components import waiting

pytestmark = pytest.mark.django_db(transaction=True)
COUNTY = "420802"
DAY = date(2017, 6, 14)


@pytest.fixture(autouse=True)
def _on_the_day() -> Any:
    with clock.frozen(DAY):
        yield


def text(answer: Any) -> str:
    assert answer.status_code == 200, answer.content.decode()[:300]
    return str(answer.content.decode())


def counted(user: Any) -> dict[str, int]:
    with access.scope(user):
        return waiting.counts(user, access.duties_of(user))


def test_a_family_reads_its_months_with_clauses_and_what_to_do(make_user: Callable[..., Any]) -> None:
    staff = Staff(make_user)
    paid, failed, held = (
        family(),
        family(names=("袁大珍",), income=300),
        family(names=("田福",), income=300, account=None),
    )
    other = family(names=("别家人",), income=300)
    run = run_month(staff, Month(2017, 5), upto="return", failing=0.0)
    with at(staff.check, DAY):
        lines = {one.household_id: one for one in PayLine.objects.filter(run=run)}
    client = Client()
    residentkit.enter(client, paid)
    shown = text(client.get("/my/payments/"))
    assert "550.00" in shown
    assert "已入账" in shown
    assert "依据：国务院令第649号 第12条" in shown
    one = text(client.get(f"/my/payments/{lines[paid.pk].pk}/"))
    assert "这笔钱怎么算的" in one
    assert "补差额" in one
    assert "起发月份" not in one
    assert client.get(f"/my/payments/{lines[other.pk].pk}/").status_code == 404
    assert client.get("/my/payments/?page=2").status_code == 200
    waits = Client()
    residentkit.enter(waits, held)
    told = text(waits.get("/my/payments/"))
    assert "没有收款账户" in told
    assert "怎么办" in told
    assert "登记后补发" in told
    draft = run_month(staff, Month(2017, 6), upto="calculate")
    assert draft.state == "calculated"
    mine = Client()
    residentkit.enter(mine, failed)
    assert "2017 年 6 月" not in text(mine.get("/my/payments/"))  # not granted yet


def test_the_next_step_names_who_may_do_it_and_the_money_that_is_missing(make_user: Callable[..., Any]) -> None:
    staff, treasury = Staff(make_user), Treasury(make_user)
    family()  # 550.00
    treasury.do("appropriation", 500)
    run = run_month(staff, Month(2017, 5), upto="check")
    shown = text(client_of(staff.prepare).get(f"/runs/{run.pk}/"))
    assert f"由{staff.approve.name}（发放审批）办理" in shown
    assert "差 50.00 元" in shown
    assert f"/funds/?place={COUNTY}" in shown
    treasury.do("appropriation", 60, source="county")
    assert "没有卡点" in text(client_of(staff.prepare).get(f"/runs/{run.pk}/"))
    with at(staff.approve, DAY):
        run = actions.approve(run, acting_user=staff.approve)
    with at(staff.check, DAY):
        actions.make_bank_files(run, acting_user=staff.check)
    assert "1 笔还没有银行结果" in text(client_of(staff.prepare).get(f"/runs/{run.pk}/"))


def test_a_run_beyond_its_plan_says_so_and_is_approved_with_a_reason(make_user: Callable[..., Any]) -> None:
    staff, treasury = Staff(make_user), Treasury(make_user)
    family()  # 550.00
    treasury.do("appropriation", 1000)
    plan = treasury.do("plan", 500, month=Month(2017, 5))
    run = run_month(staff, Month(2017, 5), upto="check")
    approver = client_of(staff.approve)
    shown = text(approver.get(f"/runs/{run.pk}/"))
    assert "超 50.00 元" in shown
    assert f"/funds/papers/{plan.no}/" in shown
    assert 'id="plan-reason"' in shown
    refused = text(approver.post(f"/runs/{run.pk}/", {"do": "approve"}, follow=True))
    assert "写明超计划的理由" in refused
    told = text(approver.post(f"/runs/{run.pk}/", {"do": "approve", "reason": "补发已报财政"}, follow=True))
    assert "已审批" in told
    assert "超 50.00 元" not in told


def test_papers_and_bank_exceptions_are_counted_for_who_must_see_to_them(make_user: Callable[..., Any]) -> None:
    staff, treasury = Staff(make_user), Treasury(make_user)
    family()
    treasury.do("appropriation", 500)
    treasury.do("appropriation", 600, source="county")
    paper = treasury.propose("appropriation", 700, doc_no="待审", on=DAY)
    assert counted(treasury.review)["web:funds"] == 1
    assert "web:funds" not in counted(treasury.keep)
    treasury.decide(paper, on=DAY)
    assert "web:funds" not in counted(treasury.review)
    assert "web:bank" not in counted(staff.check)
    run_month(staff, Month(2017, 5), upto="return", failing=1.0)
    assert counted(staff.check)["web:bank"] == 1
    assert "web:bank" not in counted(staff.prepare)


def test_a_budget_is_split_in_the_order_of_the_book_and_says_what_is_not_covered(make_user: Callable[..., Any]) -> None:
    treasury = Treasury(make_user)
    treasury.do("appropriation", 500)
    treasury.do("appropriation", 300, source="county")
    rows = [
        {"place": COUNTY, "programme": "dibao", "amount_fen": 700_00},
        {"place": COUNTY, "programme": "tekun", "amount_fen": 10_00},
        {"place": "420804", "programme": "dibao", "amount_fen": 5_00},
    ]
    more = [{**rows[0], "amount_fen": 900_00}]
    with access.scope(treasury.keep):
        found = fund_split.split({"now": rows, "a": more})
    assert found["now"].by_source() == {"central": 500_00, "county": 200_00}
    assert found["now"].short == {(COUNTY, "tekun"): 10_00}
    assert found["now"].bookless == {("420804", "dibao"): 5_00}
    assert found["now"].total == 715_00
    assert found["a"].by_source() == {"central": 500_00, "county": 300_00}
    assert found["a"].short == {(COUNTY, "dibao"): 100_00}
