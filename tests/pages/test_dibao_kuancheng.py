"""A dibao family in 宽城, 2021: the village reviews, the town confirms within 15 days, the county files; the warning is shown."""

from __future__ import annotations

from datetime import date
from typing import Any

import paykit
from casekit import at
from deskkit import Desk
from playwright.sync_api import expect

from tuodi.cases import actions as cases
from tuodi.cases import queries
from tuodi.kernel.periods import Month
from tuodi.payments.models import PayLine
from tuodi.verification.actions import enter_facts, freeze, start_fact_set


def test_village_town_and_county_do_their_parts_and_october_is_paid(
    page: Any, live_server: Any, quiet: list[str], make_user: Any, sign_in: Any
) -> None:
    desk = Desk(page, live_server.url, sign_in, make_user, "220103001001")
    o, card = desk.office, desk.card()
    desk.accept("dibao", date(2021, 9, 10))
    with desk.sits(o.town_review, date(2021, 9, 13)):
        # check and visit run side by side: the visit may come first
        desk.answer("入户调查", "办理完成", opinion="属实", people=o.town_visit.username)
        with at(o.town_review, date(2021, 9, 13)):
            draft = start_fact_set(acting_user=o.town_review, household=desk.household, case=desk.case)
            enter_facts(draft, acting_user=o.town_review, household={"income_year": "10800.00", "assets_ok": True})
            freeze(draft, acting_user=o.town_review)
    with at(o.county_review, date(2021, 9, 14)):
        cases.complete_step(queries.open_step(desk.case, "check"), acting_user=o.county_review)
    with desk.sits(o.village_review, date(2021, 9, 15)):
        expect(page.get_by_text("总期限 2021-09-25")).to_be_visible()  # 15 calendar days
        expect(page.get_by_text("国家规定的步骤“初审公示”（57-19）本地取消")).to_be_visible()
        desk.answer("村居审核", "建议确认", opinion="村居审核同意")
    with desk.sits(o.county_confirm, date(2021, 9, 16)):
        expect(page.get_by_role("button", name="予以确认")).to_have_count(0)  # the county does not confirm here
    with desk.sits(o.town_confirm, date(2021, 9, 16)):
        desk.answer("镇街确认", "予以确认", opinion="同意")
        expect(page.get_by_text("1,590.00 元/月 · 2021-10 起")).to_be_visible()  # 830 × 3 − 900
        desk.enrol()
    with desk.sits(o.county_file, date(2021, 9, 17)):
        desk.answer("区级备案", "办理完成")
    with desk.sits(o.county_confirm, date(2021, 9, 17)):
        desk.answer("结果公布", "公布结果")
        expect(page.get_by_text("办结").first).to_be_visible()

    staff = paykit.Staff(make_user, "220103")
    run = paykit.run_month(staff, Month(2021, 10), place="220103")
    with at(staff.check, date(2021, 10, 28)):
        (paid,) = PayLine.objects.filter(run=run)
        assert (paid.household_id, paid.amount_fen, paid.account_id) == (desk.household.pk, 159_000, card.pk)
    with desk.sits(staff.check, date(2021, 10, 28), f"/runs/{run.pk}/"):
        expect(page.get_by_text("1,590.00").first).to_be_visible()
