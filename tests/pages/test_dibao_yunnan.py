"""A dibao family in 云南, 2020: one door, every family visited, the township chairs the review; paid by the provincial floor."""

from __future__ import annotations

from datetime import date
from typing import Any

import paykit
from casekit import at
from deskkit import Desk
from playwright.sync_api import expect

from tuodi.cases import actions as cases
from tuodi.cases import queries
from tuodi.decisions import actions as decisions
from tuodi.kernel.periods import Month
from tuodi.payments.models import PayLine
from tuodi.verification.actions import enter_facts, freeze, start_fact_set


def test_the_township_visits_and_chairs_the_review_and_september_is_paid(
    page: Any, live_server: Any, quiet: list[str], make_user: Any, sign_in: Any
) -> None:
    desk = Desk(page, live_server.url, sign_in, make_user, "530102001001")
    o, card = desk.office, desk.card()
    desk.accept("dibao", date(2020, 8, 3))
    with at(o.county_review, date(2020, 8, 4)):
        cases.complete_step(queries.open_step(desk.case, "check"), acting_user=o.county_review)
    with desk.sits(o.town_review, date(2020, 8, 5)):
        labels = [row.text_content() for row in page.locator("tbody th[scope=row]").all()]
        assert labels[:5] == ["一门受理", "线上核对", "入户核查（户户到）", "民主评议（乡镇主持）", "乡镇审核"]
        desk.answer("入户核查（户户到）", "办理完成", opinion="属实", people=o.town_visit.username)
        with at(o.town_review, date(2020, 8, 5)):
            draft = start_fact_set(acting_user=o.town_review, household=desk.household, case=desk.case)
            enter_facts(draft, acting_user=o.town_review, household={"income_year": "10800.00", "assets_ok": True})
            freeze(draft, acting_user=o.town_review)
        desk.answer("民主评议（乡镇主持）", "一致同意", opinion="评议同意")
        desk.answer("乡镇审核", "建议确认", opinion="拟予批准")
        desk.answer("审核公示", "张贴公示")
    with at(o.town_review, date(2020, 8, 13)):
        decisions.close_notice(desk.case, acting_user=o.town_review)
    with at(o.county_review, date(2020, 8, 17)):
        cases.complete_step(queries.open_step(desk.case, "county_review"), acting_user=o.county_review)
    with at(o.county_confirm, date(2020, 8, 17)):
        decisions.post_notice(desk.case, acting_user=o.county_confirm)
    with at(o.county_confirm, date(2020, 8, 25)):
        decisions.close_notice(desk.case, acting_user=o.county_confirm)
    with desk.sits(o.county_confirm, date(2020, 8, 26)):
        desk.answer("审批", "予以确认", opinion="同意")
        expect(page.get_by_text("1,020.00 元/月 · 2020-09 起")).to_be_visible()  # 640 × 3 − 900
        desk.enrol()

    staff = paykit.Staff(make_user, "530102")
    run = paykit.run_month(staff, Month(2020, 9), place="530102")
    with at(staff.check, date(2020, 9, 28)):
        (paid,) = PayLine.objects.filter(run=run)
        assert (paid.household_id, paid.amount_fen, paid.account_id) == (desk.household.pk, 102_000, card.pk)
    with desk.sits(staff.check, date(2020, 9, 28), f"/runs/{run.pk}/"):
        expect(page.get_by_text("1,020.00").first).to_be_visible()
