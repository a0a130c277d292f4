"""Visits, reviews, spot checks and the kin register at the desk: each page whole, on desk and phone, and its deed done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from builders import make_family
from fieldkit import answers, jpeg, png, shot, signed
from playwright.sync_api import expect

from tuodi.cases.models import Case, Step
from tuodi.cases.queries import open_step
from tuodi.cases.states import StepState
from tuodi.intake.application_actions import accept_application
from tuodi.kernel import clock
from tuodi.org.access import scope, system_scope
from tuodi.policy.procedure_field import Quorum
from tuodi.verification import review_actions
from tuodi.verification.models import KinFiling, ReviewMeeting, SpotCheck, VisitTask
from tuodi.verification.visit_actions import VisitForm, submit_visit
from tuodi.verification.visit_evidence import PhotoInput

PHONE, DESK = {"width": 360, "height": 760}, {"width": 1440, "height": 900}
Check = Callable[[], None]


def holds(page: Any, axe: Check, fits: Check, name: str) -> None:
    """Accessible and without sideways scroll, on desk and phone."""
    page.set_default_timeout(12_000)
    axe()
    shot(page, f"{name}-desk")
    page.set_viewport_size(PHONE)
    fits()
    shot(page, f"{name}-phone")
    page.set_viewport_size(DESK)


@pytest.fixture
def case(transactional_db: Any, make_user: Callable[..., Any]) -> Case:
    home = make_family("林桂兰", "周小禾", income_year=None, on_roll_fen=None)
    clerk = make_user("420804001", "accept")
    with scope(clerk):
        return accept_application(acting_user=clerk, household=home, programme="dibao").case


def test_a_visit_is_planned_at_the_desk_and_its_record_read_there(
    page: Any, live_server: Any, quiet: list[str], case: Case, make_user: Any, sign_in: Any, axe: Check, fits: Check
) -> None:
    one, two = make_user("420804001", "review", "visit", username="desk"), make_user("420804001", "visit")
    sign_in("desk")
    page.goto(f"{live_server.url}/cases/{case.pk}/")
    page.get_by_role("link", name="入户和评议").click()
    holds(page, axe, fits, "visits-empty")
    page.get_by_label("调查员一").select_option(str(one.pk))
    page.get_by_label("调查员二").select_option(str(one.pk))
    page.get_by_role("button", name="安排", exact=True).click()
    expect(page.locator(".error-summary").get_by_text("同一人")).to_be_visible()
    page.get_by_label("调查员二").select_option(str(two.pk))
    page.get_by_role("button", name="安排", exact=True).click()
    expect(page.get_by_text("已安排")).to_be_visible()
    with scope(one):
        task = VisitTask.objects.get(case=case)
        form = VisitForm(
            answers=answers(house_type="brick", livestock="鸡 6 只"),
            conclusion="differs",
            opinion="工资条与社保基数相符；票据中 1 张重复已剔除。",
            investigators=(one, two),
            started_at=clock.now(),
            neighbours=[{"name": "王大妈", "relation": "邻居", "said": "母女两人过，平时省吃俭用。"}],
        )
        submit_visit(task, form, [PhotoInput(png(64, 48), "门口")], signed(one, two, family="林桂兰"), acting_user=one)
    page.reload()
    expect(page.get_by_text("有出入")).to_be_visible()
    holds(page, axe, fits, "visits")
    page.get_by_role("link", name=task.no).click()
    holds(page, axe, fits, "record")
    with page.expect_response(f"**/field/{task.pk}/print/") as got:
        page.evaluate("address => fetch(address).then((answer) => answer.blob())", f"/field/{task.pk}/print/")
    assert got.value.headers["content-type"] == "application/pdf"


def test_a_meeting_is_called_held_and_concluded(
    page: Any,
    live_server: Any,
    quiet: list[str],
    case: Case,
    make_user: Any,
    sign_in: Any,
    axe: Check,
    fits: Check,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user = make_user("420804001", "review", "visit", username="desk")
    with scope(user):  # the meeting's turn: what comes before it is left out
        Step.objects.filter(case=case, name__in=["check", "visit"]).update(state=StepState.SKIPPED)
        Step.objects.filter(case=case, name="meeting").update(state=StepState.OPEN, due_note="")
    for module in (review_actions, __import__("tuodi.web.counter.reviews", fromlist=["x"])):
        monkeypatch.setattr(module, "quorum_of", lambda case: Quorum(2, 3, 0, "220-22"))
    sign_in("desk")
    page.goto(f"{live_server.url}/cases/{case.pk}/review/")
    page.get_by_label("地点").fill("长山社区居委会")
    page.get_by_role("button", name="通知", exact=True).click()
    holds(page, axe, fits, "review-form")
    page.get_by_label("主持人").fill("王主任")
    page.get_by_label("记录人").fill("李文书")
    page.get_by_label("评议记录").fill("逐户介绍入户情况，参加人发言后表决。")
    for place in range(1, 3):
        page.get_by_label(f"第 {place} 位姓名").fill(f"代表{place}")
    for place in range(9, 11):
        page.get_by_label(f"第 {place} 位姓名").fill(f"干部{place}")
    page.get_by_role("button", name="登记", exact=True).click()
    expect(page.get_by_text("4 人参加应有 3 人以上")).to_be_visible()
    expect(page.get_by_label("第 9 位姓名")).to_have_value("干部9")
    page.get_by_label("第 10 位姓名").fill("")
    page.locator("#photos").set_input_files({"name": "x.jpg", "mimeType": "image/jpeg", "buffer": jpeg()})
    page.get_by_role("button", name="登记", exact=True).click()
    expect(page.get_by_text("3 人参加，村（居）民代表 2 人")).to_be_visible()
    page.get_by_label("评议意见").fill("情况属实，同意")
    page.get_by_role("button", name="评议通过").click()
    expect(page.get_by_text("评议通过").first).to_be_visible()
    holds(page, axe, fits, "review")
    with scope(user):
        meeting = ReviewMeeting.objects.get()
        assert (meeting.state, meeting.residents, open_step(case, "meeting").result) == ("concluded", 2, "agreed")


def test_the_county_draws_sends_and_enters(
    page: Any, live_server: Any, quiet: list[str], case: Case, make_user: Any, sign_in: Any, axe: Check, fits: Check
) -> None:
    one, two = make_user("420804", "review", "visit", username="county"), make_user("420804", "visit")
    with scope(one):
        Step.objects.filter(case=case, name="confirm").update(state=StepState.OPEN)
    sign_in("county")
    page.goto(f"{live_server.url}/spot-checks/")
    holds(page, axe, fits, "spots-empty")
    today = clock.today().isoformat()
    page.get_by_label("受理日期起").fill(today)
    page.get_by_label("受理日期止").fill(today)
    page.get_by_label("抽查比例").fill("30")
    page.get_by_role("button", name="抽取").click()
    expect(page.get_by_text("名单已固定").first).to_be_visible()
    expect(page.get_by_text("按种子重抽，名单相符")).to_be_visible()
    page.get_by_label("林桂兰 调查员1").select_option(str(one.pk))
    page.get_by_label("林桂兰 调查员2").select_option(str(two.pk))
    holds(page, axe, fits, "spot")
    page.get_by_role("button", name="安排入户").click()
    expect(page.get_by_text("已安排")).to_be_visible()
    with scope(one):
        task = VisitTask.objects.get(purpose="spot_check")
        form = VisitForm(answers=answers(), conclusion="true", investigators=(one, two), started_at=clock.now())
        submit_visit(task, form, [], signed(one, two), acting_user=one)
    page.reload()
    page.get_by_label("林桂兰 不一致的内容").fill("年收入多 2,000 元")
    page.get_by_role("button", name="不一致").click()
    expect(page.get_by_text("100.0%")).to_be_visible()
    page.goto(f"{live_server.url}/spot-checks/")
    holds(page, axe, fits, "spots")
    with scope(one):
        assert SpotCheck.objects.get().items.get().result == "differ"


def test_the_register_of_near_relatives(
    page: Any, live_server: Any, quiet: list[str], case: Case, make_user: Any, sign_in: Any, axe: Check, fits: Check
) -> None:
    make_user("420804001", "review", username="desk")
    sign_in("desk")
    page.goto(f"{live_server.url}/cases/{case.pk}/")
    page.get_by_role("link", name="近亲属备案").last.click()
    page.get_by_role("button", name="比对").click()
    expect(page.get_by_text("没有新的比中")).to_be_visible()
    page.get_by_label("是对方的").select_option(label="兄弟姐妹")
    page.get_by_label("对方身份").select_option(label="村（居）民委员会成员")
    page.get_by_role("button", name="登记", exact=True).click()
    expect(page.locator(".error-summary").get_by_text("没有写对方姓名")).to_be_visible()
    page.get_by_label("对方姓名").fill("王建国")
    page.get_by_label("对方单位").fill("长山社区居委会")
    page.get_by_role("button", name="登记", exact=True).click()
    page.get_by_role("button", name="备案", exact=True).click()
    expect(page.get_by_text("已备案，备案号")).to_be_visible()
    holds(page, axe, fits, "kin-case")
    page.goto(f"{live_server.url}/kin/?q=王建国")
    expect(page.get_by_text("已备案，待县级入户").first).to_be_visible()
    holds(page, axe, fits, "kin")
    with system_scope("420804"):
        filing = KinFiling.objects.get()
        assert (filing.state, filing.relation) == ("filed", "sibling")
        assert "kin" in Case.objects.get(pk=case.pk).marks
