"""From the form of a sweep to a file handed over, each step in the browser by who may take it."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import watchkit
from builders import make_family
from playwright.sync_api import expect
from procrastinate.contrib.django.models import ProcrastinateJob

from tuodi.kernel import clock
from tuodi.monitoring import history, tasks, watch
from tuodi.monitoring.models import Clue, HandOver, SweepFinding, SweepRun
from tuodi.org.access import scope, system_scope
from tuodi.verification.models import RegisterBatch

PHONE = {"width": 360, "height": 760}
DESK = {"width": 1440, "height": 900}
COUNTY, TOWN = "420804", "420804001"
Check = Callable[[], None]


def _as(page: Any, username: str, sign_in: Callable[[str], None]) -> None:
    page.context.clear_cookies()
    sign_in(username)


def holds(page: Any, axe: Check, fits: Check) -> None:
    """Accessible on desk and phone, without sideways scroll."""
    axe()
    page.set_viewport_size(PHONE)
    fits()
    axe()
    page.set_viewport_size(DESK)


@pytest.fixture
def homes(transactional_db: Any) -> list[Any]:
    """Three families that consented, and a register of vehicles: two hits, one under another name."""
    found = [
        make_family(name, account=f"622848040256490{at:04d}") for at, name in enumerate(("林桂兰", "王秀英", "李国强"))
    ]
    today = clock.today()
    watchkit.consent(*found)
    rows = []
    for at, home in enumerate(found):
        (person,) = watchkit.people(home)
        with system_scope(home.region):
            one = watchkit.car(person, f"测A{at:05d}")
        rows.append(one if at < 2 else {**one, "name": "旁人"})
    with system_scope(COUNTY):
        made = watchkit.batch("vehicle", rows, place=COUNTY, as_of=today - timedelta(days=1))
        RegisterBatch.objects.filter(pk=made.pk).update(retain_until=today + timedelta(days=90))
    return found


def test_sweep_from_the_form_doubtful_rows_and_warnings(
    page: Any,
    live_server: Any,
    quiet: list[str],
    homes: list[Any],
    make_user: Any,
    sign_in: Any,
    axe: Check,
    fits: Check,
) -> None:
    make_user(COUNTY, "sweep", username="clerk")
    make_user(COUNTY, "verify", "clue_decide", username="county")
    sign_in("clerk")
    page.goto(f"{live_server.url}/sweeps/")
    page.get_by_role("link", name="新建比对").click()
    holds(page, axe, fits)
    page.get_by_label("数据期起").fill("2016-07")
    page.get_by_role("button", name="开始比对").click()
    expect(page.locator(".error-summary").get_by_text("要么都填")).to_be_visible()
    page.get_by_label("数据期起").fill("")
    page.get_by_role("button", name="开始比对").click()
    page.wait_for_url(re.compile(r"/sweeps/\d+/$"))
    job = ProcrastinateJob.objects.get(task_name="monitoring.run_sweep")
    tasks.run_sweep(**job.args)
    page.locator(".funnel").wait_for()
    with system_scope(COUNTY):
        run = SweepRun.objects.get()
        assert (run.state, run.raised, Clue.objects.count()) == ("done", 2, 2)
        assert SweepFinding.objects.get().kind == "name_conflict"
        Clue.objects.update(pushed_at=clock.now())
    page.goto(f"{live_server.url}/sweeps/{run.pk}/name_conflict/")
    holds(page, axe, fits)
    page.get_by_label("结果").select_option("other")
    page.get_by_role("button", name="登记").click()
    assert page.get_by_label("说明", exact=True).evaluate("node => node.validity.valueMissing")
    page.get_by_label("说明", exact=True).fill("电话核对，同名不同人")
    page.get_by_role("button", name="登记").click()
    page.get_by_text("核对结果已登记").wait_for()
    page.goto(f"{live_server.url}/sweeps/{run.pk}/name_conflict/?all=1")
    expect(page.get_by_text("电话核对，同名不同人")).to_be_visible()
    with system_scope(COUNTY):
        assert SweepFinding.objects.get().settled == "other"

    _as(page, "county", sign_in)
    page.goto(f"{live_server.url}/warnings/")
    holds(page, axe, fits)
    page.get_by_role("button", name="签收选中的").click()
    page.get_by_text("没有选中预警").wait_for()
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="签收选中的").click()
    page.get_by_text("已签收 2 条预警").wait_for()
    with system_scope(COUNTY):
        assert not Clue.objects.filter(read_at__isnull=True).exists()


def test_hand_over_asked_approved_made_and_fetched(
    page: Any, live_server: Any, quiet: list[str], make_user: Any, sign_in: Any, axe: Check, fits: Check, tmp_path: Path
) -> None:
    clerk = make_user("4208", "sweep", "hand_over", username="asker")
    make_user("4208", "hand_over_approve", username="second")
    home = make_family("林桂兰")
    sheet = tmp_path / "明细.csv"
    rows = "".join(f"2016-{7 + n // 60:02d},低保,城市,{home.no},1,{600 + n}\r\n" for n in (0, 60, 120))
    sheet.write_bytes(("月份,项目,城乡,家庭编号,人数,金额\r\n" + rows).encode())
    with scope(clerk):
        history.import_history(sheet, acting_user=clerk, place="4208")
    sign_in("asker")
    page.goto(f"{live_server.url}/hand-over/")
    holds(page, axe, fits)
    page.get_by_role("button", name="申请").click()
    expect(page.locator(".error-summary")).to_be_visible()
    for label, typed in (
        ("接收单位", "荆门市纪委"),
        ("用途", "专项核查"),
        ("依据文号", "荆纪函〔2017〕12号"),
        ("起始月", "2016-07"),
        ("终止月", "2016-09"),
    ):
        page.get_by_label(label).fill(typed)
    page.get_by_label("格式").select_option("csv")
    page.get_by_role("button", name="申请").click()
    page.wait_for_url(re.compile(r"/hand-over/\d+/$"))
    with system_scope("4208"):
        row = HandOver.objects.get()
        HandOver.objects.filter(pk=row.pk).update(limit_rows=1, state="waiting")  # as a larger one would be
    page.reload()
    expect(page.get_by_text("申请人不能自己审批")).to_be_visible()
    holds(page, axe, fits)
    _as(page, "second", sign_in)
    page.goto(f"{live_server.url}/hand-over/{row.pk}/")
    page.get_by_role("button", name="批准").first.click()
    page.get_by_text("已批准").first.wait_for()
    _as(page, "asker", sign_in)
    page.goto(f"{live_server.url}/hand-over/{row.pk}/")
    page.get_by_role("button", name="生成").click()
    page.get_by_text("文件已生成").wait_for()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="下载").click()
    body = Path(waiting.value.path()).read_bytes()
    with zipfile.ZipFile(io.BytesIO(body)) as packed:
        told = [
            line
            for name in packed.namelist()
            if name.endswith(".csv")
            for line in csv.reader(io.StringIO(packed.read(name).decode("utf-8-sig")))
        ]
    assert sum("林桂兰" in cell for line in told for cell in line) == 3
    page.reload()
    page.get_by_label("签收人").fill("纪委 王处长")
    page.get_by_role("button", name="登记").click()
    page.get_by_text("回执已登记").wait_for()
    holds(page, axe, fits)
    page.goto(f"{live_server.url}/returned/")
    holds(page, axe, fits)
    with system_scope("4208"):
        (person,) = watchkit.people(home)
        own = watchkit.number(person)
    book = openpyxl.Workbook()
    for line in (("姓名", "身份证号", "问题"), ("林桂兰", own, "名下有商铺"), ("某甲", "12345", "有车")):
        book.active.append(list(line))
    book.save(tmp_path / "返回.xlsx")
    page.get_by_label("清单文件").set_input_files(tmp_path / "返回.xlsx")
    page.get_by_label("来文单位").fill("荆门市纪委")
    page.get_by_label("对应的移交").select_option(str(row.pk))
    page.get_by_role("button", name="导入").click()
    page.get_by_text("生成线索 1 ＋ 已有线索 0 ＋ 不在册 0 ＋ 未采用 1 ＝ 2 行").wait_for()
    assert own not in page.content()
    holds(page, axe, fits)


def test_family_cut_off_is_looked_after_and_a_statement_stands_beside_the_register(
    page: Any, live_server: Any, quiet: list[str], make_user: Any, sign_in: Any, axe: Check, fits: Check
) -> None:
    from tuodi.monitoring import clue_actions

    town = make_user(TOWN, "clue", "visit", username="town")
    other = make_user(TOWN, "visit", username="other")
    county = make_user(COUNTY, "clue_decide", "verify", username="county")
    home = make_family("欧阳建")
    with system_scope(COUNTY):
        one = clue_actions.new_clue(
            source="vehicle", rule_code="VEHICLE", severity="R", household=home, person=home.head, programme="dibao",
            acting_user=None, rule_text={"label": "名下有在用机动车", "evidence": {"visit": "入户调查记录"}}, fact="机动车",
            registered={"plate": "测A00001", "registered_on": "2016-05-18"}, required=["visit"], monthly_fen=82_500,
        )  # fmt: skip
    with scope(county):
        clue_actions.assign(one, responsible=town, acting_user=county)
        entry = watch.watch(one, acting_user=county)
    with scope(town):
        clue_actions.start_verifying(one, acting_user=town)
    sign_in("town")
    page.goto(f"{live_server.url}/clues/{one.no}/")
    page.get_by_role("link", name="登记家庭陈述").click()
    holds(page, axe, fits)
    page.locator("#text-0").fill("测A00001")
    page.locator("#text-1").fill("早就卖了，记不清哪天")
    page.locator("#look-1").select_option("open")
    page.locator("#label-3").fill("卖车协议")
    page.locator("#text-3").fill("有一张手写的协议")
    page.locator("#look-3").select_option("supports")
    page.get_by_role("button", name="登记").click()
    page.get_by_text("家庭陈述已登记").wait_for()
    expect(page.locator(".proof .mark", has_text="待查")).to_have_count(2)
    expect(page.locator(".proof .mark", has_text="一致")).to_have_count(1)
    expect(page.locator(".proof .mark", has_text="支持陈述")).to_have_count(1)
    holds(page, axe, fits)
    page.get_by_role("link", name="安排入户").click()
    holds(page, axe, fits)
    page.get_by_label("调查员二").select_option(str(other.pk))
    page.get_by_role("button", name="安排", exact=True).click()
    page.get_by_text("已安排").first.wait_for()
    _hand_in(one, town, other)
    page.reload()
    holds(page, axe, fits)
    page.get_by_role("button", name="作为证据").click()
    page.get_by_text("入户记录已作为证据入卷").wait_for()
    expect(page.locator(".needs .there", has_text="入户调查记录")).to_have_count(1)

    page.goto(f"{live_server.url}/watch/")
    holds(page, axe, fits)
    page.get_by_role("link", name="欧阳建家庭").click()
    holds(page, axe, fits)
    page.get_by_label("做了什么").select_option("medical")
    page.get_by_label("救助金额（元）").fill("1200")
    page.get_by_label("家庭情况和帮扶内容").fill("住院，转医疗救助")
    page.get_by_role("button", name="登记").click()
    page.get_by_text("已登记。").wait_for()
    expect(page.get_by_text("1,200.00").first).to_be_visible()
    page.get_by_label("结束原因").fill("子女接到身边照料")
    page.get_by_role("button", name="结束关注").click()
    page.get_by_text("已结束关注。").wait_for()
    with system_scope(COUNTY):
        entry.refresh_from_db()
        assert (entry.state, entry.looks) == ("ended", 1)


def _hand_in(one: Any, town: Any, other: Any) -> None:
    """The two fill in the form and sign, as on their phone."""
    from fieldkit import answers, png, signed

    from tuodi.verification.models import VisitTask
    from tuodi.verification.visit_actions import VisitForm, submit_visit
    from tuodi.verification.visit_evidence import PhotoInput

    with scope(town):
        task = VisitTask.objects.get(matter_no=one.no)
        form = VisitForm(
            answers=answers(),
            conclusion="true",
            investigators=(town, other),
            opinion="院内无车",
            started_at=clock.now(),
        )
        submit_visit(
            task, form, [PhotoInput(png(), "院内.png")], signed(town, other, family="欧阳建"), acting_user=town
        )
