"""Watch list, returned lists, statements and visits of a clue through their pages."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date
from typing import Any

import openpyxl
import pytest
from casekit import at, client_of
from cluekit import Hands, clue, home, taken_to
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from watchkit import number, people

from tuodi.kernel import clock
from tuodi.monitoring import watch
from tuodi.monitoring.models import ReturnedList, WatchEntry
from tuodi.verification.models import VisitTask

pytestmark = pytest.mark.django_db
COUNTY = "420802"
DAY = date(2017, 5, 8)


@pytest.fixture(autouse=True)
def _may() -> Any:
    with clock.frozen(DAY):
        yield


@pytest.fixture
def hands(make_user: Callable[..., Any]) -> Hands:
    return Hands(make_user, COUNTY)


def text_of(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status
    return str(answer.content.decode())


def watched(hands: Hands, **given: Any) -> WatchEntry:
    one = taken_to(hands, clue(home()), "handled")
    with at(hands.town, DAY):
        entry = watch.watch(one, acting_user=hands.town)
        if given:
            WatchEntry.objects.filter(pk=entry.pk).update(**given)
            entry.refresh_from_db()
    return entry


def test_watch_list_puts_overdue_looks_first_and_notes_aid_and_end(hands: Hands) -> None:
    later, late = watched(hands), watched(hands, next_look_on=date(2017, 5, 1), since=date(2017, 4, 1))
    client = client_of(hands.town)
    text = text_of(client.get("/watch/"))
    assert f"/watch/{late.pk}/" in text
    assert "走访逾期 7 天" in text
    assert f"/watch/{later.pk}/" not in text
    text = text_of(client.get("/watch/?show=all"))
    assert text.index(f"/watch/{late.pk}/") < text.index(f"/watch/{later.pk}/")
    here = f"/watch/{late.pk}/"
    assert "登记一次走访后才能结束" in text_of(client.get(here))
    refused = text_of(client.post(here, {"do": "end", "reason": "好转"}, follow=True))
    assert "还没有走访过" in refused
    wrong = client.post(
        here, {"do": "aid", "kind": "temporary", "on": "2017-05-08", "amount": "八百", "text": "<b>缺粮</b>"}
    )
    assert "不是金额" in text_of(wrong)
    assert "&lt;b&gt;缺粮" in text_of(wrong)
    given = {"do": "aid", "kind": "temporary", "on": "2017-05-08", "amount": "800", "text": "<b>缺粮</b>，发临时救助"}
    done = text_of(client.post(here, given, follow=True))
    assert "已登记" in done
    assert "800.00" in done
    assert "<b>缺粮" not in done
    listed = text_of(client.get("/watch/?show=open"))
    assert "登记金额 800.00 元" in listed
    assert "已结束关注" in text_of(client.post(here, {"do": "end", "reason": "生活稳定"}, follow=True))
    assert here in text_of(client.get("/watch/?show=ended"))
    assert "已经结束" in text_of(client.post(here, given, follow=True))


def test_watch_list_costs_the_same_with_many(hands: Hands) -> None:
    watched(hands)
    client = client_of(hands.town)
    client.get("/watch/?show=all")

    def cost() -> int:
        with CaptureQueriesContext(connection) as seen:
            text_of(client.get("/watch/?show=all"))
        return len(seen)

    few = cost()
    for _ in range(5):
        watched(hands)
    assert cost() == few <= 15


def test_watch_list_has_a_door_and_a_range(make_user: Callable[..., Any], hands: Hands) -> None:
    entry = watched(hands)
    assert client_of(make_user(COUNTY, "accept")).get("/watch/").status_code == 403
    other = client_of(make_user("420804", "clue"))
    assert other.get(f"/watch/{entry.pk}/").status_code == 404
    reader = client_of(hands.second)
    assert "人员办理" in text_of(reader.get(f"/watch/{entry.pk}/"))
    given = {"do": "aid", "kind": "look", "on": "2017-05-08", "text": "看过"}
    assert "职责" in text_of(reader.post(f"/watch/{entry.pk}/", given, follow=True))
    with at(hands.town, DAY):
        assert entry.aids.count() == 0


def book(rows: list[tuple[str, ...]]) -> SimpleUploadedFile:
    made = openpyxl.Workbook()
    for row in (("姓名", "身份证号", "问题", "说明"), *rows):
        made.active.append(list(row))
    body = io.BytesIO()
    made.save(body)
    return SimpleUploadedFile("返回.xlsx", body.getvalue())


def test_returned_list_is_taken_in_and_told_row_by_row(make_user: Callable[..., Any], hands: Hands) -> None:
    user = make_user("4208", "sweep")
    family = home()
    with at(user, DAY):
        head = people(family)[0]
        own = number(head)
    rows = [
        (head.name, own, "名下有商铺", ""),
        (head.name, own, "名下有商铺", ""),
        ("旁人", own, "有铺面", ""),
        ("某甲", "12345", "有车", ""),
    ]
    client = client_of(user)
    assert "请选择文件" in text_of(client.post("/returned/", {"sender": "市纪委"}))
    assert "表头" in text_of(
        client.post("/returned/", {"sender": "市纪委", "file": SimpleUploadedFile("a.csv", "甲,乙\n1,2\n".encode())})
    )
    answer = client.post(
        "/returned/", {"sender": "荆门市<i>纪委", "document": "荆纪〔2017〕9号", "file": book(rows)}, follow=True
    )
    text = text_of(answer)
    assert "生成线索 1 ＋ 已有线索 1 ＋ 不在册 0 ＋ 未采用 2 ＝ 4 行" in text
    assert "号码相符而姓名不符" in text
    assert "请与来文单位核对后重新提供" in text
    assert own not in text
    assert "<i>纪委" not in text
    with at(user, DAY):
        made = ReturnedList.objects.get()
    here = f"/returned/{made.pk}/"
    assert "某甲" not in text_of(client.get(f"{here}?result=raised"))
    sheet = b"".join(client.get(f"{here}faults.csv").streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    assert len(sheet.splitlines()) == 4
    assert here in text_of(client.get("/returned/"))
    assert client_of(hands.town).get("/returned/").status_code == 403
    assert client_of(make_user("4210", "sweep")).get(here).status_code == 404
    reader = client_of(make_user("4208", "hand_over"))
    assert "导入清单" not in text_of(reader.get("/returned/"))
    assert reader.post("/returned/", {"sender": "x", "file": book(rows)}).status_code == 200
    with at(user, DAY):
        assert ReturnedList.objects.count() == 1


def test_statement_and_visit_from_the_clue_page(make_user: Callable[..., Any], hands: Hands) -> None:
    one = taken_to(hands, clue(home()), "verifying")
    other = make_user("420802001", "visit")
    client = client_of(hands.town)
    here = f"/clues/{one.no}/"
    text = text_of(client.get(here))
    assert f"{here}statement/" in text
    assert f"{here}visits/" in text
    form = text_of(client.get(f"{here}statement/"))
    fields = [line.split('name="text-')[1].split('"')[0] for line in form.split("<input") if 'name="text-' in line]
    assert len(fields) == len(one.registered) + 3
    free = fields[-1]
    wrong = client.post(
        f"{here}statement/", {"text-0": "不是我的", "look-0": "differs", "signed_by": "本人", "signed_on": "五月"}
    )
    assert "不是日期" in text_of(wrong)
    assert 'value="不是我的"' in text_of(wrong)
    posted = {"text-0": "不是我的", "look-0": "differs", f"label-{free}": "卖车", f"text-{free}": "<u>卖了", f"look-{free}": "supports", "signed_by": "本人", "signed_on": "2017-05-08"}  # fmt: skip
    text = text_of(client.post(f"{here}statement/", posted, follow=True))
    assert "家庭陈述已登记" in text
    assert "不一致 1" in text
    assert "支持陈述 1" in text
    assert "<u>卖了" not in text
    assert 'value="不是我的"' in text_of(client.get(f"{here}statement/"))
    same = text_of(client.post(f"{here}visits/", {"first": str(other.pk), "second": str(other.pk)}))
    assert "同一人" in same
    done = client.post(
        f"{here}visits/", {"first": str(hands.town.pk), "second": str(other.pk), "note": "看车"}, follow=True
    )
    assert "已安排" in text_of(done)
    with at(hands.town, DAY):
        assert VisitTask.objects.get().matter_no == one.no
    assert client_of(hands.second).get(f"{here}statement/").status_code == 403
    assert client_of(make_user("420804", "clue")).get(f"{here}visits/").status_code == 404
