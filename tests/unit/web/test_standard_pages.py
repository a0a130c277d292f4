"""Pages of standards: each step by its duty, a refused value keeps what was typed, what-if with its sheet, price linkage."""

from __future__ import annotations

import io
from datetime import date

import openpyxl
import pytest
from casekit import at, client_of
from django.urls import reverse
from paykit import Staff, family, indexed, run_month
from standardkit import Makers, drafted, heard, value

from tuodi.audit.models import AuditEntry
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.access import system_scope
from tuodi.payments.models import PayRun, Simulation
from tuodi.standards.models import Opinion, Proposal
from tuodi.verification import rulebook

DAY = date(2017, 9, 2)


@pytest.fixture(autouse=True)
def _files_again():
    with clock.frozen(DAY):
        yield
    rulebook.reload()


@pytest.mark.django_db
def test_from_draft_to_publication_on_screen(make_user):
    makers = Makers(make_user)
    drafter = client_of(makers.drafter)
    made = drafter.post(reverse("web:proposals"), {"title": "城市低保提标", "effective_on": "2017-10-01"})
    proposal = Proposal.objects.get()
    here = reverse("web:proposal", args=[proposal.pk])
    assert made.url == here
    row = {
        "do": "values",
        "place-1": "420802",
        "param-1": "dibao.standard",
        "keys-1": "urban",
        "unit-1": "元/人·月",
        "locator-1": "一",
    }
    refused = drafter.post(here, {**row, "value-1": "六百二"})
    assert refused.status_code == 409
    assert "不是数" in refused.content.decode()
    drafter.post(here, {**row, "value-1": "620", "consumption_prior_urban": "24,000", "basis_source": "统计公报"})
    shown = drafter.get(here).content.decode()
    assert "城市低保标准不低于消费支出的规定比例" in shown
    drafter.post(here, {"do": "consult", "ask": ["finance", "statistics", "prices", "county-420802"]})
    assert set(Opinion.objects.values_list("name", flat=True)) >= {"财政", "统计", "东宝区人民政府"}
    county = client_of(makers.county)
    assert "等您答复" in county.get(reverse("web:proposals")).content.decode()
    for one in Opinion.objects.all():
        who = county if one.body == "county" else client_of(makers.finance)
        who.post(here, {"do": "answer", "opinion": one.pk, "stance": "agree"})
    drafter.post(here, {"do": "approve", "unknown_note": "待公布", "untried_note": "没有花名册"})  # not his duty
    assert Proposal.objects.get().state == "consulted"
    client_of(makers.approver).post(
        here, {"do": "approve", "unknown_note": "特困标准未定", "untried_note": "没有花名册"}
    )
    drafter.post(
        here, {"do": "publish", "doc_no": "荆民发〔2017〕21号", "doc_title": "通知", "published_on": "2017-09-01"}
    )
    assert Proposal.objects.get().state == "published"
    rulebook.reload()
    wall = drafter.get(
        reverse("web:standards"), {"place": "420802", "on": "2017-10-01", "programme": "dibao"}
    ).content.decode()
    assert "荆民发〔2017〕21号" in wall


@pytest.mark.django_db
def test_a_draft_is_not_seen_elsewhere(make_user):
    makers = Makers(make_user)
    proposal = drafted(makers, [value("620")], DAY, date(2017, 10, 1))
    stranger = client_of(make_user("420103", "standards"))
    assert stranger.get(reverse("web:proposal", args=[proposal.pk])).status_code == 404
    assert client_of(make_user("420802", "accept")).get(reverse("web:simulations")).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_what_if_and_its_sheet(make_user):
    makers, staff = Makers(make_user, "420802", "420802001"), Staff(make_user)
    family(income=600, names=("=1+1", "刘某"))
    run = run_month(staff, Month(2017, 9), upto="calculate")
    first = drafted(makers, [value("620")], DAY, date(2017, 10, 1))
    second = drafted(makers, [value("540")], DAY, date(2017, 10, 1))
    client = client_of(makers.drafter)
    asked = client.post(reverse("web:simulations"), {"run": run.pk, "a": first.pk, "b": second.pk})
    with system_scope("420802"):
        simulation = Simulation.objects.get()
    assert asked.url == reverse("web:simulation", args=[simulation.pk])
    shown = client.get(asked.url).content.decode()
    assert "现行与方案" in shown
    assert "−70.00" in shown  # 35 yuan a head less under the second draft
    assert "未建资金账的地区" in client.get(asked.url).content.decode()
    sources = client.get(reverse("web:simulation-funds", args=[simulation.pk]))
    assert b"".join(sources.streaming_content)[:2] == b"PK"
    answer = client.get(reverse("web:simulation-sheet", args=[simulation.pk]), {"side": "b"})
    page = openpyxl.load_workbook(io.BytesIO(answer.getvalue())).active
    rows = [[cell.value for cell in row] for row in page.iter_rows()]
    assert "严禁外传" in rows[1][0]
    assert not [cell for row in page.iter_rows() for cell in row if cell.data_type == "f"]
    assert rows[3][-2:] == [-70, "减少"]
    summary = client.get(reverse("web:simulation-summary", args=[simulation.pk]))
    page = openpyxl.load_workbook(io.BytesIO(summary.getvalue())).active
    told = {tuple(row[:2]): list(row[3:]) for row in page.iter_rows(min_row=4, values_only=True)}
    sides = simulation.summary["sides"]
    assert told["家庭", "待遇减少"] == [None, 0, 1]
    assert told["家庭", "待遇增加"] == [None, 1, 0]
    assert told["资金", "每月"] == [sides[mark]["amount_fen"] / 100 for mark in ("now", "a", "b")]
    months = [cells for (part, _), cells in told.items() if part == "本年逐月预算"]
    assert len(months) == len(simulation.summary["months"])
    assert months[-1] == told["资金", "每月"]
    spread = [cells for (part, _), cells in told.items() if part == "每月变化分布"]
    assert [sum(row[at] for row in spread) for at in (1, 2)] == [1, 1]
    assert {part for part, _ in told} >= {"方案", "各地每月预算", "未计入"}
    with at(makers.drafter, DAY):
        assert AuditEntry.objects.filter(action="web.export_simulation").count() == 3
    # Published, the month's run is recalculated by who prepares payments.
    heard(makers, second, DAY)
    outsider = client_of(makers.approver)
    assert outsider.post(reverse("web:proposal-run", args=[first.pk]), {"month": "2017-10"}).status_code == 403
    payer = client_of(staff.prepare)
    payer.post(reverse("web:proposal-run", args=[second.pk]), {"month": "2017-10"})  # not published: refused
    with at(staff.prepare, DAY):
        assert PayRun.objects.filter(month=201710).count() == 0


@pytest.mark.django_db(transaction=True)
def test_indices_are_entered_and_judged_on_screen(make_user):
    makers = Makers(make_user)
    client = client_of(makers.drafter)
    given = {
        "month": "2017-07",
        "cpi": "3.6",
        "food": "1.0",
        "source": "公报",
        "published_on": "2017-08-10",
        "hypothetical": "on",
    }
    assert client.post(reverse("web:prices"), {**given, "cpi": "三"}).status_code == 200
    client.post(reverse("web:prices"), given)
    shown = client.get(reverse("web:prices")).content.decode()
    assert "启动" in shown
    assert "假设" in shown
    staff = Staff(make_user)
    family()
    run_month(staff, Month(2017, 6), upto="approve")
    index = indexed(make_user, "4208", Month(2017, 5), "3.6", "1.0")
    shown = client.get(reverse("web:prices")).content.decode()
    assert "已逾期" in shown  # published on 10 June, nothing paid by September
    assert client.get(reverse("web:price-round", args=[index.pk])).status_code == 200
    run_month(staff, Month(2017, 7), upto="calculate")
    round_page = reverse("web:price-round", args=[index.pk])
    named = client_of(staff.prepare).get(round_page)
    assert [row["heads"] for row in named.context["lines"]] == [2]
    assert named.context["heads"] == 2
    unnamed = client.get(round_page)  # who makes standards has no right to the names: two heads would point at them
    assert [row["heads"] for row in unnamed.context["lines"]] == [None]
    assert (unnamed.context["heads"], unnamed.context["total"]) == (None, None)
    assert "少于 3" in unnamed.content.decode()
    in_list = next(one for one in client.get(reverse("web:prices")).context["page"].items if one["index"] == index)
    assert (in_list["heads"], in_list["fen"], in_list["overdue"]) == (None, None, False)
