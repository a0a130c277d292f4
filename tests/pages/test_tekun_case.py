"""A tekun person in 云南, 2021: assessed on a phone, four of six failed, confirmed at 1667.00, cared for under an agreement, paid."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import carekit
import paykit
from casekit import at
from deskkit import Desk
from fieldkit import jpeg
from playwright.sync_api import expect

from tuodi.cases import actions as cases
from tuodi.cases import queries
from tuodi.kernel.periods import Month
from tuodi.payments.models import PayLine
from tuodi.verification.actions import enter_facts, freeze, start_fact_set
from tuodi.verification.models.self_care import ITEMS

PHONE = {"width": 360, "height": 760}
DESK = {"width": 1440, "height": 900}
DAY = date(2021, 9, 13)
Check = Callable[[], None]


def test_four_items_failed_are_confirmed_and_paid_at_1667(
    page: Any, live_server: Any, quiet: list[str], make_user: Any, sign_in: Any, axe: Check, fits: Check
) -> None:
    desk = Desk(page, live_server.url, sign_in, make_user, "530102001001", names=("欧阳建",), area_kind="rural")
    o, card = desk.office, desk.card()
    desk.accept("tekun", DAY)
    with at(o.county_review, DAY):
        cases.complete_step(queries.open_step(desk.case, "check"), acting_user=o.county_review)
    with at(o.town_review, DAY):
        cases.complete_step(
            queries.open_step(desk.case, "visit"), acting_user=o.town_review, opinion="属实", people=[o.town_visit]
        )
        draft = start_fact_set(acting_user=o.town_review, household=desk.household, case=desk.case)
        member = {desk.household.head_id: carekit.MEMBER}
        enter_facts(draft, acting_user=o.town_review, household={"assets_ok": True}, members=member)
        freeze(draft, acting_user=o.town_review)
    with desk.sits(o.county_review, DAY):
        box = page.locator("section", has=page.get_by_role("heading", name="生活自理能力评估", exact=True))
        box.get_by_role("button", name="办理完成").click()
        expect(page.get_by_text("生活自理能力评估还没有做")).to_be_visible()
        page.get_by_role("link", name="自理能力评估").last.click()
        axe()
        page.get_by_label("五华区民政部门").check()
        page.get_by_role("button", name="委托").click()
        page.set_viewport_size(PHONE)
        page.get_by_role("link", name="欧阳建").click()
        fits()
        axe()
        page.get_by_role("button", name="登记结果").click()
        expect(page.get_by_text("“自主吃饭”没有评估")).to_be_visible()
        for name, label in ITEMS.items():
            line = page.get_by_role("group", name=label)
            line.get_by_label("不能" if name in carekit.FOUR else "能", exact=True).check()
        page.get_by_label("评估人员").fill("张医师、李护士")
        page.get_by_label("评定表或现场照片").set_input_files(
            {"name": "评定表.jpg", "mimeType": "image/jpeg", "buffer": jpeg()}
        )
        page.get_by_role("button", name="登记结果").click()
        expect(page.get_by_text("4 项不能达到，完全丧失生活自理能力")).to_be_visible()
        fits()
        axe()
        page.set_viewport_size(DESK)
        page.goto(f"{live_server.url}/cases/{desk.case.pk}/")
        desk.answer("生活自理能力评估", "办理完成")
    after = carekit.to_confirm(o, desk.household, desk.case, DAY)
    with desk.sits(o.county_confirm, after):
        desk.answer("确认", "予以确认", opinion="同意")
        expect(page.get_by_text("1,667.00 元/月 · 2021-10 起")).to_be_visible()  # E11: 832 + 835
        desk.enrol()
    with at(o.county_confirm, after):
        assert desk.decided().components == {"basic": 83_200, "care": 83_500}

    path = f"/families/{desk.household.pk}/care/{desk.household.head_id}/"
    with desk.sits(o.town_review, date(2021, 10, 8), path):
        expect(page.get_by_text("没有在期的照料服务协议")).to_be_visible()
        axe()
        page.get_by_label("供养服务机构").fill("五华区中心敬老院")
        page.get_by_label("照料服务内容").fill("集中食宿、日常照料、陪同就医")
        page.get_by_role("button", name="登记协议").click()
        expect(page.get_by_role("cell", name="未定")).to_be_visible()  # 云南 names no amount
        page.get_by_label("自理能力发生了什么变化").fill("能自己吃饭、走动了")
        page.get_by_role("button", name="登记变化，重新评估").click()
        expect(page.get_by_text("须在 2021-10-21 前完成")).to_be_visible()  # ten working days; the 9th is worked
        page.set_viewport_size(PHONE)
        fits()
        axe()
        page.goto(live_server.url + "/self-care/")
        expect(page.get_by_role("link", name="欧阳建")).to_be_visible()
        fits()
        axe()
        page.set_viewport_size(DESK)

    staff = paykit.Staff(make_user, "530102")
    run = paykit.run_month(staff, Month(2021, 10), place="530102")
    with at(staff.check, date(2021, 10, 28)):
        (paid,) = PayLine.objects.filter(run=run)
        assert (paid.person_id, paid.amount_fen, paid.account_id) == (desk.household.head_id, 166_700, card.pk)
