"""One case from acceptance to its file as one PDF: an agent brings it, papers are scanned, the county grants, all parts in order."""

from __future__ import annotations

import io
from datetime import date, datetime
from typing import Any

import pytest
from casekit import Office, at, client_of, days, family
from decisionkit import FACTS, collected
from django.test import Client
from fieldkit import answers, png, signed
from pypdf import PdfReader, PdfWriter

from tuodi.audit.models import AuditEntry
from tuodi.cases import queries
from tuodi.cases.actions import complete_step, skip_step
from tuodi.cases.models import Notice, NoticeObjection
from tuodi.cases.noticeboard import board_of
from tuodi.decisions import actions as decisions
from tuodi.decisions import case_files, standing, tasks
from tuodi.decisions.errors import CaseFileError
from tuodi.decisions.models import CaseFile
from tuodi.decisions.roll import put_on_roll
from tuodi.files.store import path_of, put_bytes
from tuodi.intake.application_actions import Agent, accept_application
from tuodi.intake.models import Material
from tuodi.kernel import clock
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.verification.visit_actions import VisitForm, plan_visit, submit_visit
from tuodi.verification.visit_evidence import PhotoInput

pytestmark = pytest.mark.django_db
VILLAGE = "420802001001"
DAY = date(2021, 9, 13)


@pytest.fixture
def office(make_user: Any) -> Office:
    return Office(VILLAGE, make_user)


def scan(pages: int) -> bytes:
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(595, 842)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def attach(application: Any, name: str, data: bytes, media: str) -> None:
    stored = put_bytes(data, region=application.region, name=f"{name}.bin", purpose="material", media_type=media)
    Material.objects.filter(application=application, name=name).update(file=stored)


def accepted(office: Office) -> Any:
    """An application an agent brings, with a letter of two pages, a mandate as picture, and a scan nobody can open."""
    household = family(VILLAGE)
    with at(office.town_accept, DAY):
        application = accept_application(
            acting_user=office.town_accept,
            household=household,
            programme="dibao",
            reason="户主患病，没有收入",
            materials={"申请书": True, "委托书": True, "收入证明": True, "在校证明": False},
            agent=Agent("王小二", relation="邻居", has_mandate=True),
        )
        attach(application, "申请书", scan(2), "application/pdf")
        attach(application, "委托书", png(), "image/png")
        attach(application, "收入证明", b"%PDF-1.7 broken", "application/pdf")
    return application


def visited(office: Office, case: Any) -> None:
    pair = (office.town_review, office.town_visit)
    with at(pair[0], DAY):
        task = plan_visit(case.household, "case", acting_user=pair[0], case=case, assigned=pair)
        when = datetime(DAY.year, DAY.month, DAY.day, 8, tzinfo=clock.BEIJING)
        form = VisitForm(answers=answers(), conclusion="true", investigators=pair, started_at=when)
        submit_visit(task, form, [PhotoInput(png(), caption="门口")], signed(*pair), acting_user=pair[0])


def text_of(data: bytes) -> list[str]:
    return ["".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(data)).pages]


def make_file(office: Office, case: Any, on: date) -> tuple[CaseFile, list[str]]:
    """The whole file by the pages, as an officer makes it; its row and the words of each page."""
    client = client_of(office.town_review)
    with clock.frozen(on):
        listed = client.get(f"/papers/cases/{case.pk}/")
        assert listed.status_code == 200
        asked = client.post(f"/papers/cases/{case.pk}/")
        assert asked.status_code == 303
        page = client.get(asked["Location"])
        answer = client.get(f"{asked['Location']}file.pdf")
        assert answer["Content-Type"] == "application/pdf", page.content.decode()
        words = text_of(b"".join(answer.streaming_content))
    with at(office.town_review, on):
        return CaseFile.objects.select_related("stored", "case").get(case=case, state="ready"), words


def test_a_case_from_acceptance_to_its_file(office: Office) -> None:
    application = accepted(office)
    case = application.case
    with at(office.county_review, DAY):
        complete_step(queries.open_step(case, "check"), acting_user=office.county_review)
    visited(office, case)
    collected(office, case.household, case, FACTS, DAY)
    with at(office.town_review, DAY):
        if queries.open_step(case, "meeting").state == "open":
            skip_step(queries.open_step(case, "meeting"), acting_user=office.town_review, reason="事实清楚")
        decisions.first_review(case, acting_user=office.town_review, result="pass", opinion="情况属实，同意上报")
        decisions.post_notice(case, acting_user=office.town_review, phone="0724-2330001")

    # Somebody objects from the street by the board; the officer looks and does not take it up; the notice runs out.
    with at(office.town_review, DAY):
        notice = Notice.objects.get(case=case)
        board = notice.region
    token = board_of(board).token
    with clock.frozen(days(DAY, 2)):
        sent = Client().post(
            f"/notices/{token}/review-dibao-{DAY:%Y%m%d}-7/object/",
            {"family": notice.no, "text": "听说他家有亲戚在外地"},
        )
        assert sent.status_code == 303
        officer = client_of(office.town_review)
        page = officer.get(f"/notices/{notice.pk}/").content.decode()
        assert "听说他家有亲戚在外地" in page
    with at(office.town_review, days(DAY, 8)), pytest.raises(Exception, match="还有没有处理的"):
        decisions.close_notice(case, acting_user=office.town_review)
    with clock.frozen(days(DAY, 3)):
        with at(office.town_review, days(DAY, 3)):
            row = NoticeObjection.objects.get(notice=notice)
        client_of(office.town_review).post(
            f"/notices/{notice.pk}/", {"objection": row.pk, "do": "dismiss", "answer": "亲戚不是共同生活的家庭成员"}
        )
        told = Client().get(sent["Location"]).content.decode()
        assert "亲戚不是共同生活的家庭成员" in told
        assert "欧阳" not in told

    after = days(DAY, 8)
    with at(office.town_review, after):
        decisions.close_notice(case, acting_user=office.town_review)
    with at(office.county_confirm, after):
        (granted,) = decisions.confirm(case, acting_user=office.county_confirm, opinion="符合规定，予以确认")
        put_on_roll(granted, acting_user=office.county_confirm)
        decisions.publish(case, acting_user=office.county_confirm)
    later = date(2021, 10, 12)
    with at(office.town_review, later):
        standing.issue(VILLAGE, "dibao", acting_user=office.town_review)

    row, words = make_file(office, case, later)
    there = [one for one in row.parts if one["state"] == "there"]
    names = [one["name"] for one in row.parts]
    order = [
        "申请书", "受理回执", "补正材料一次性告知书", "委托书", "授权书", "申请审批表", "备案表", "家庭经济状况核查表",
        "经济状况核对报告", "入户调查表及照片", "民主评议记录", "审核公示单", "公示表", "确认告知书", "不予确认告知书", "长期公示表",
        "调整（停发）告知书", "其他申请材料", "尚未补交的材料",
    ]  # fmt: skip
    assert names == order
    assert {one["name"] for one in row.parts if one["state"] == "missing"} == {
        "授权书", "经济状况核对报告", "其他申请材料", "尚未补交的材料",
    }  # fmt: skip
    assert "残缺" in next(one["note"] for one in row.parts if one["name"] == "其他申请材料")

    # Pages follow one another without a gap, each is numbered, and each part begins where the contents say.
    assert row.pages == len(words)
    at_page = next(one["first"] for one in there)
    for one in there:
        assert one["first"] == at_page, one
        at_page += one["pages"]
    assert at_page == len(words) + 1
    for number, text in enumerate(words, 1):
        assert f"案卷第{number}页，共{len(words)}页" in text
    heads = {
        "受理回执": "社会救助申请受理回执", "申请审批表": "最低生活保障申请审批表", "家庭经济状况核查表": "家庭经济状况核查表",
        "入户调查表及照片": "入户调查表", "审核公示单": "最低生活保障审核公示", "确认告知书": "最低生活保障确认告知书",
        "长期公示表": "最低生活保障对象长期公示",
    }  # fmt: skip
    for one in there:
        if one["name"] in heads:
            assert heads[one["name"]] in words[one["first"] - 1], one
    assert "缺4项" in words[0]
    form = words[next(one["first"] for one in there if one["name"] == "申请审批表") - 1]
    for part in ("欧阳建", "825.00元", "情况属实，同意上报", "符合规定，予以确认", "575.00", "王小二（邻居）"):
        assert part in form, part
    visit = next(one for one in there if one["name"] == "入户调查表及照片")
    assert "门口" in words[visit["first"] + visit["pages"] - 2]  # its photograph is its last page

    # Who made, fetched and printed is on record; others of the place may read it, strangers and accountants not.
    with at(office.town_review, later):
        deeds = set(AuditEntry.objects.filter(case_no=case.no).values_list("action", flat=True))
        assert {"decisions.case_file_request", "decisions.case_file_make", "decisions.case_file_fetch"} <= deeds
    printed = client_of(office.town_accept)
    with clock.frozen(later):
        answer = printed.get(f"/papers/cases/{case.pk}/application_form-0.pdf")
        assert answer["Content-Type"] == "application/pdf"
        assert printed.get(f"/papers/cases/{case.pk}/stop_notice-0.pdf").status_code == 404
    with at(office.town_accept, later):
        (log,) = AuditEntry.objects.filter(action="papers.print", case_no=case.no)
        assert log.after["form"] == "application_form"

    # After its days the bytes are gone.
    stored = path_of(row.stored)
    assert stored.exists()
    with clock.frozen(days(later, 10)):
        assert tasks.papers_daily()[1] == 1
    assert not stored.exists()
    reader = office.town_review
    with (
        at(reader, days(later, 10)),
        pytest.raises(CaseFileError, match="到期"),
        case_files.fetch(row, acting_user=reader),
    ):
        pass


def test_what_has_not_happened_is_missing_and_nobody_else_makes_the_file(office: Office, make_user: Any) -> None:
    application = accepted(office)
    with at(office.town_accept, DAY):
        row = case_files.request(application.case, acting_user=office.town_accept)
    with pytest.raises(CaseFileError, match="只有申请人"):
        case_files.make(row, acting_user=office.town_review)
    payer = make_user("420802", "pay_prepare")
    with at(payer, DAY), pytest.raises(AccessDeniedError):
        case_files.request(application.case, acting_user=payer)
    stranger = make_user("420804", "review")
    with clock.frozen(DAY), pytest.raises(NotFoundError):
        case_files.make(row, acting_user=stranger)
    with clock.frozen(DAY):
        made = case_files.make(row, acting_user=office.town_accept)
    notes = {one["name"]: one["note"] for one in made.parts if one["state"] == "missing"}
    assert notes["入户调查表"] == "还没有入户"
    assert notes["审核公示单"] == "还没有张贴"
    assert (made.progress_done, made.progress_total) == (len(made.parts) + 1, len(made.parts) + 1)
    with clock.frozen(DAY):  # made again it stays as it is
        assert case_files.make(made, acting_user=office.town_accept).sha256 == made.sha256
