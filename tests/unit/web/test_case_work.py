"""Queues of cases: filters, counts that stop, batches that say per row what happened, search by number, the second officer."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import openpyxl
import pytest
from casekit import at, client_of, family, hire
from django.db import connection

from tuodi.audit.models import AuditEntry
from tuodi.cases.actions import start_step
from tuodi.cases.models import Case, CaseBar, Step
from tuodi.intake.application_actions import accept_application
from tuodi.kernel import clock
from tuodi.org.access import scope
from tuodi.people.queries import search_people
from tuodi.verification.models import VisitTask

pytestmark = pytest.mark.django_db

DAY = date(2021, 9, 13)


@pytest.fixture(autouse=True)
def _september() -> Any:
    with clock.frozen(DAY):
        yield


def accepted(office: Any, *households: Any, on: date = DAY) -> list[Case]:
    found = []
    for household in households:
        with at(office.town_accept, on):
            found.append(
                accept_application(acting_user=office.town_accept, household=household, programme="dibao").case
            )
    return found


def test_the_queue_is_narrowed_by_step_place_and_due_and_its_counts_are_links(office, household, village) -> None:
    (late,) = accepted(office, household)
    accepted(office, family(village))
    with scope(office.town_visit):
        Step.objects.filter(case=late, name="visit").update(due_on=date(2021, 9, 10))
    client = client_of(office.town_visit)
    page = client.get("/cases/").content.decode()
    assert page.count('name="case"') == 2
    assert 'href="?tab=mine&amp;due=late">1<' in page
    page = client.get("/cases/?due=late").content.decode()
    assert page.count('name="case"') == 1
    assert late.no in page
    assert "超期 3 天" in page
    assert client.get("/cases/?step=confirm").content.decode().count('name="case"') == 0
    assert client.get("/cases/?tab=open&place=420802002").content.decode().count("欧阳建") == 0
    assert client.get("/cases/?tab=all&sort=name&programme=dibao").content.decode().count("欧阳建") >= 2
    assert client.get("/cases/?tab=%00&place=；drop&officer=x&sort=?").status_code == 200


def test_the_list_is_exported_as_narrowed_and_the_log_says_who_took_it(office, household) -> None:
    (case,) = accepted(office, household)
    answer = client_of(office.town_visit).get("/cases/export.xlsx?tab=open&programme=dibao")
    rows = list(openpyxl.load_workbook(io.BytesIO(b"".join(answer.streaming_content))).active.values)
    assert case.no in {row[0] for row in rows}
    assert "严禁外传" in str(rows[1][0])
    with scope(office.town_visit):
        entry = AuditEntry.objects.get(action="web.export_cases")
    assert entry.after["filter"] == "tab=open&programme=dibao"
    assert entry.after["rows"] >= 1


def test_a_batch_does_each_case_for_itself_and_says_why_not(office, household, village, make_user) -> None:
    good, other = accepted(office, household, family(village))
    helper = hire(make_user, "420802001", "visit")
    with at(office.town_visit, DAY):
        CaseBar.objects.create(case=other, region=other.region, user=helper, reason="kin")
    answer = client_of(office.town_visit).post(
        "/cases/batch/",
        {"do": "assign", "case": [good.pk, other.pk, 999999], "first": office.town_visit.pk, "second": helper.pk},
    )
    page = answer.content.decode()
    assert "办了 1 件" in page
    assert "没办 2 件" in page
    assert "近亲属" in page
    with scope(office.town_visit):
        assert [task.case_id for task in VisitTask.objects.all()] == [good.pk]


def test_a_batch_without_the_duty_or_without_rows_does_nothing(office, household) -> None:
    (case,) = accepted(office, household)
    for user, data in (
        (office.town_accept, {"do": "assign", "case": case.pk}),
        (office.town_visit, {"do": "assign"}),
        (office.town_visit, {"do": "melt", "case": case.pk}),
    ):
        assert client_of(user).post("/cases/batch/", data).status_code == 303
    with scope(office.town_visit):
        assert not VisitTask.objects.exists()


def test_any_number_goes_straight_to_its_page_and_an_unknown_one_says_so(office, household) -> None:
    (case,) = accepted(office, household)
    client = client_of(office.town_visit)
    assert client.post("/families/", {"q": f" {case.no.lower()} "})["Location"] == f"/cases/{case.pk}/"
    assert client.post("/families/", {"q": case.no.replace("SL", "HZ")})["Location"] == f"/cases/{case.pk}/"
    assert "没有编号" in client.post("/families/", {"q": "420802-SL-20990101-0001"}).content.decode()


def test_the_second_officer_is_told_what_the_first_did_and_keeps_what_he_typed(office, household, make_user) -> None:
    (case,) = accepted(office, household)
    first, second = office.county_review, hire(make_user, "420802", "review", "visit")
    page = client_of(second).get(f"/cases/{case.pk}/").content.decode()
    version = page.partition('name="version" value="')[2].partition('"')[0]
    assert int(version) > 0
    with at(first, DAY):
        start_step(Step.objects.get(case=case, name="check"), acting_user=first)
    posted = {"version": version, "step": "check", "answer": "done", "check-opinion": "各部门均已答复，无异常"}
    answer = client_of(second).post(f"/cases/{case.pk}/", posted)
    shown = answer.content.decode()
    assert answer.status_code == 409
    assert first.name in shown.partition('id="overtaken"')[2].partition("</ul>")[0]
    assert "各部门均已答复，无异常" in shown
    with scope(second):
        assert Step.objects.get(case=case, name="check").state == "open"


def test_a_refused_answer_keeps_what_was_typed(office, household) -> None:
    (case,) = accepted(office, household)
    posted = {"step": "visit", "answer": "done", "visit-opinion": "家中三口，属实", "visit-people": ""}
    answer = client_of(office.town_visit).post(f"/cases/{case.pk}/", posted)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "不足" in page or "入户" in page
    assert "家中三口，属实" in page


def test_the_case_page_says_what_is_refused_and_why(office, household) -> None:
    (case,) = accepted(office, household)
    page = client_of(office.town_accept).get(f"/cases/{case.pk}/").content.decode()
    assert "您的机构是乡镇" in page
    assert "需要“入户”职责" in page
    assert "受理申请" in page  # from the log


@pytest.mark.parametrize("text", ["欧阳", "ouyang", "oyj"])
def test_a_search_reads_an_index_and_not_the_whole_register(office, household, text) -> None:
    from django.test.utils import CaptureQueriesContext

    with at(office.town_visit, DAY), connection.cursor() as cursor:
        cursor.execute("set local enable_seqscan = off")
        with CaptureQueriesContext(connection) as run:
            assert list(search_people(text)[:31])
        asked = [query["sql"] for query in run if 'FROM "people_person"' in query["sql"]]
        assert len(asked) == (3 if text.isascii() else 2)
        for sql in asked:
            cursor.execute(f"explain {sql}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "Seq Scan on people_person" not in plan
            assert "Index" in plan
            assert "count(" not in plan.lower()


def test_the_page_of_a_case_and_of_a_need_ask_at_most_25_queries(office, household) -> None:
    from django.test.utils import CaptureQueriesContext

    from tuodi.intake import need_actions

    with at(office.town_accept, DAY):
        need = need_actions.open_need(acting_user=office.town_accept, household=household, kinds=["living"])
        need_actions.refer(need, acting_user=office.town_accept, programme="medical", label="医疗救助")
        (split,) = need_actions.split_need(need, acting_user=office.town_accept, programmes=["dibao"])
    for path in (f"/cases/{split.application.case_id}/", f"/needs/{need.pk}/"):
        client = client_of(office.town_accept)
        client.get(path)
        with CaptureQueriesContext(connection) as seen:
            assert client.get(path).status_code == 200
        asked = [one["sql"] for one in seen if "set_config" not in one["sql"] and "SAVEPOINT" not in one["sql"]]
        assert len(asked) <= 25, f"{path}: {len(asked)}\n" + "\n".join(sql[:150] for sql in asked)
