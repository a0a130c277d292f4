"""A refused family appeals from its phone, wins and is paid back in the next run; an objection reopens a case."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from builders import make_family
from casekit import Office, at, days
from casekit import family as register
from decisionkit import FACTS, collected, investigated, paid_next_month
from fieldkit import shot
from oversightkit import RICH, refused
from paykit import Staff, balanced, line, run_month
from phonekit import PHONE, account_for, enter
from playwright.sync_api import expect

from tuodi.cases.models import Case, Notice, NoticeObjection
from tuodi.cases.notice_actions import take_up_objection
from tuodi.decisions import actions
from tuodi.decisions.models import Revocation
from tuodi.decisions.roll import put_on_roll
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.access import system_scope
from tuodi.payments.models import PayLine
from tuodi.people.actions import add_account

Check = Callable[[], None]
VILLAGE = "420802001001"
#: Under the text of 2021; refused on the 21st, so that October would have been the first month.
START = date(2021, 9, 13)


def test_a_refused_family_appeals_wins_and_is_paid_back_in_the_next_run(
    page: Any, live_server: Any, quiet: list[str], transactional_db: Any, make_user: Callable[..., Any],
    sign_in: Callable[[str], None], axe: Check, fits: Check,
) -> None:  # fmt: skip
    office, household = Office(VILLAGE, make_user), register(VILLAGE)
    staff = Staff(make_user)
    with clock.frozen(date(2010, 1, 4)):
        above = make_user("4208", "appeal", "complaint", username="above")
    account_for(household.head)
    with system_scope("420802"):
        add_account(
            acting_user=None, person=household.head, number="6228480402564896217", holder=household.head.name,
            since=date(2015, 1, 1), bank_code="农商行",
        )  # fmt: skip
    row, day = refused(office, household, RICH, START)
    neighbour = make_family(
        "周邻家", "吴邻家", region=VILLAGE, account="6228480402564896225"
    )  # somebody the county pays each month
    before = run_month(staff, Month(2021, 10))

    page.set_viewport_size(PHONE)
    with clock.frozen(days(day, 10)):
        enter(page, live_server, household.head)
        page.goto(f"{live_server.url}/my/appeals/")
        axe()
        fits()
        page.get_by_role("link", name="不予确认").click()
        page.get_by_label("您要什么").fill("撤销不予确认的决定")
        page.get_by_label("为什么？").fill("收入算错了：打零工一年只有一万零八百元，有工资条")
        axe()
        fits()
        shot(page, "appeal-new")
        page.get_by_role("button", name="提交复议申请").click()
        page.get_by_role("heading", name="待审查受理").wait_for()
        axe()
        shot(page, "appeal-mine")
        page.context.clear_cookies()
        page.set_viewport_size({"width": 1366, "height": 900})
        sign_in("above")
        page.goto(f"{live_server.url}/appeals/")
        axe()
        shot(page, "appeals-desk")
        page.get_by_role("link", name=household.head.name).click()
        page.get_by_role("button", name="受理", exact=True).click()
        page.get_by_label("撤销，责令重新作出").check()
        page.get_by_label("撤销后从哪一步").select_option("visit")
        page.get_by_label("认定的事实和理由").fill(
            "原决定所依据的收入把借款计入，事实不清，依行政复议法第二十八条撤销。"
        )
        axe()
        shot(page, "appeal-desk")
        page.get_by_role("button", name="作出决定").click()
        page.get_by_text("尚未重新决定").wait_for()
        answer = page.context.request.get(
            live_server.url + page.get_by_role("link", name="打印决定书").get_attribute("href")
        )
        assert answer.body().startswith(b"%PDF")

    with at(above, days(day, 10)):
        case = Case.objects.get(pk=Revocation.objects.get(determination=row).case_id)
    later = date(2021, 10, 18)
    with at(office.town_review, later):
        from tuodi.cases.actions import complete_step
        from tuodi.cases.queries import open_step

        complete_step(
            open_step(case, "visit"), acting_user=office.town_review, opinion="属实", people=[office.town_visit]
        )
    collected(office, household, case, FACTS, later)
    with at(office.town_review, later):
        actions.first_review(case, acting_user=office.town_review, result="pass", opinion="重新核算后符合")
        actions.post_notice(case, acting_user=office.town_review)
    after = days(later, 8)
    with at(office.town_review, after):
        actions.close_notice(case, acting_user=office.town_review)
    with at(office.county_confirm, after):
        (new,) = actions.confirm(case, acting_user=office.county_confirm, opinion="同意")
        put_on_roll(new, acting_user=office.county_confirm, account=household.head.accounts.get())
        row.refresh_from_db()
    assert (row.outcome, new.start_month, new.follows_id) == ("fail", 202110, row.pk)

    run = run_month(staff, Month(2021, 11))
    got = line(staff, run, household)
    with at(staff.check, date(2021, 12, 1)):
        assert not PayLine.objects.filter(run=before, household=household).exists()
    assert (got.base_fen, got.back_pay_fen, got.amount_fen) == (new.amount_fen, new.amount_fen, 2 * new.amount_fen)
    assert got.status == "paid"
    assert [line(staff, one, neighbour).back_pay_fen for one in (before, run)] == [0, 0]
    balanced(staff, run)

    page.context.clear_cookies()
    page.set_viewport_size(PHONE)
    with clock.frozen(date(2021, 11, 20)):
        enter(page, live_server, household.head)
        page.goto(f"{live_server.url}/my/appeals/")
        page.get_by_role("link", name="复议 420802-FY").click()
        page.get_by_role("heading", name="新的决定").wait_for()
        axe()
        shot(page, "appeal-won")
        page.goto(f"{live_server.url}/my/ratings/")
        page.get_by_role("link", name="审核确认").first.click()
        page.get_by_label("非常不满意").check()
        page.get_by_label("想说什么").fill("第一次算错了收入")
        shot(page, "rate")
        axe()
        page.get_by_role("button", name="提交评价").click()
        page.get_by_text("审核确认 · 非常不满意").wait_for()
        page.goto(f"{live_server.url}/my/complaints/new/")
        page.get_by_label("办事拖延").check()
        page.get_by_label("什么事？").fill("九月就该发的，十一月才发")
        axe()
        fits()
        shot(page, "complain")
        page.get_by_role("button", name="提交投诉").click()
        page.get_by_role("heading", name="待答复").wait_for()
        page.context.clear_cookies()
        page.set_viewport_size({"width": 1366, "height": 900})
        sign_in("above")
        for path, name in (("/complaints/", "complaints-desk"), ("/ratings/", "ratings-desk")):
            page.goto(live_server.url + path)
            axe()
            shot(page, name)
        page.get_by_role("link", name="非常不满意").click()
        page.get_by_label("属实", exact=True).check()
        page.get_by_label("核实情况").fill("查明第一次核定收入有误")
        page.get_by_role("button", name="登记").click()
        page.get_by_role("heading", name="整改中").wait_for()
        expect(page.get_by_text(household.head.name)).to_have_count(0)
        page.goto(f"{live_server.url}/complaints/")
        page.get_by_role("link", name="办事拖延").click()
        page.get_by_label("答复").last.fill("经查，首次审核计入了借款，已重新认定并补发，向您道歉。")
        shot(page, "complaint-desk")
        page.get_by_role("button", name="答复").click()
        page.get_by_role("link", name="打印答复").wait_for()


def test_a_neighbour_s_objection_reopens_the_case_and_the_family_never_sees_whose_it_is(
    page: Any, live_server: Any, quiet: list[str], transactional_db: Any, make_user: Callable[..., Any], axe: Check, fits: Check,
) -> None:  # fmt: skip
    office, household = Office(VILLAGE, make_user), register(VILLAGE)
    other = register(VILLAGE, names=("方正直",))
    account_for(other.head, "13700002222")
    account_for(household.head)
    case = investigated(office, household)
    with at(office.town_review, START):
        actions.first_review(case, acting_user=office.town_review, result="pass", opinion="同意上报")
        notice = actions.post_notice(case, acting_user=office.town_review)
    page.set_viewport_size(PHONE)
    with clock.frozen(days(START, 2)):
        enter(page, live_server, other.head)
        page.goto(f"{live_server.url}/my/notices/")
        page.get_by_role("link", name="我有不同意见").click()
        axe()
        fits()
        page.get_by_label("哪里不符合实际").fill("他家有一辆面包车在跑运输")
        page.get_by_label("您的姓名").fill("方正直")
        shot(page, "object")
        page.get_by_role("button", name="提交").click()
        page.get_by_text("已经收到").wait_for()
        shot(page, "objections")
    with at(office.town_review, days(START, 8)):
        take_up_objection(NoticeObjection.objects.get(), acting_user=office.town_review)
        assert actions.close_notice(case, acting_user=office.town_review).result == Notice.Result.OBJECTED
        case.refresh_from_db()
        assert case.steps.filter(round=2).exists()
        assert "objection" in case.marks
    page.context.clear_cookies()
    with clock.frozen(days(START, 9)):
        enter(page, live_server, household.head)
        for path in ("/my/", "/my/progress/", "/my/notices/", "/my/data/", "/my/objections/"):
            page.goto(live_server.url + path)
            expect(page.get_by_text("方正直")).to_have_count(0)
            expect(page.get_by_text("面包车")).to_have_count(0)
    assert notice.no
    # Looked into once more: the van is his employer's. The county decides on the facts of the second round.
    _, paid = paid_next_month(office, case, make_user, days(START, 10), facts=FACTS)
    assert (paid.amount_fen, paid.status) == (82_500, "paid")  # 575 × 3 − 900
