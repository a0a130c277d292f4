"""A dibao family in 荆门 东宝区, 2017: 220 with its two notices, the county approves, paid in July."""

from __future__ import annotations

from datetime import date
from typing import Any

import paykit
from casekit import at
from deskkit import Desk
from playwright.sync_api import expect

from tuodi.decisions import actions as decisions
from tuodi.kernel.periods import Month
from tuodi.verification.actions import enter_facts, freeze, start_fact_set


def test_two_notices_and_the_county_s_approval_end_in_the_july_run(
    page: Any, live_server: Any, quiet: list[str], make_user: Any, sign_in: Any
) -> None:
    desk = Desk(page, live_server.url, sign_in, make_user, "420802001001")
    o, card = desk.office, desk.card()
    desk.accept("dibao", date(2017, 5, 10))
    with desk.sits(o.county_review, date(2017, 5, 12)):
        labels = [row.text_content() for row in page.locator("tbody th[scope=row]").all()]
        assert [label for label in labels if "公示" in label] == ["审核公示", "审批公示"]
        expect(page.get_by_text("合规提示")).not_to_be_visible()  # 220 as it stands
        desk.answer("信息核对", "办理完成", opinion="函询无异常")
    desk.does("入户调查", o.town_review, date(2017, 5, 15), opinion="属实", people=o.town_visit.username)
    with at(o.town_review, date(2017, 5, 15)):
        draft = start_fact_set(acting_user=o.town_review, household=desk.household, case=desk.case)
        enter_facts(draft, acting_user=o.town_review, household={"income_year": "10800.00", "assets_ok": True})
        freeze(draft, acting_user=o.town_review)
    with desk.sits(o.town_review, date(2017, 5, 17)):
        desk.answer("民主评议", "一致同意", opinion="评议同意")
        desk.answer("审核", "建议确认", opinion="拟予批准")
        desk.answer("审核公示", "张贴公示")
        expect(page.get_by_text("公示中，截止 2017-05-24")).to_be_visible()
    with desk.sits(o.town_review, date(2017, 5, 25)):
        desk.answer("审核公示", "公示结束")
    desk.does("县级审批意见", o.county_review, date(2017, 5, 26), opinion="同意")
    with at(o.county_confirm, date(2017, 5, 26)):
        decisions.post_notice(desk.case, acting_user=o.county_confirm)
    with at(o.county_confirm, date(2017, 6, 3)):
        decisions.close_notice(desk.case, acting_user=o.county_confirm)
    with desk.sits(o.county_confirm, date(2017, 6, 5)):
        desk.answer("审批", "予以确认", opinion="同意")
        expect(page.get_by_text("825.00 元/月 · 2017-07 起")).to_be_visible()  # E01: 575 × 3 − 900
        desk.enrol()

    staff = paykit.Staff(make_user, "420802")
    run = paykit.run_month(staff, Month(2017, 7), place="420802")
    paid = paykit.line(staff, run, desk.household)
    assert (paid.amount_fen, paid.account_id) == (82_500, card.pk)
    with desk.sits(staff.check, date(2017, 7, 28), f"/runs/{run.pk}/"):
        expect(page.get_by_text("825.00").first).to_be_visible()
    with desk.sits(o.county_confirm, date(2017, 7, 28)):
        expect(page.get_by_text("办结").first).to_be_visible()
