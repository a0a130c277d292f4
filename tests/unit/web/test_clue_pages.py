"""The clue ledger and a clue's page: who may come in, counts that balance, many at once with a reason each, nothing unescaped."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date
from typing import Any

import openpyxl
import pytest
from casekit import at, client_of
from cluekit import FOUND, Hands, clue, home, taken_to
from django.test import Client

from tuodi.audit.models import AuditEntry
from tuodi.kernel import clock
from tuodi.monitoring import ledger
from tuodi.monitoring.ledger import Wanted
from tuodi.monitoring.models import Clue

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


def page(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, path
    return answer.content.decode()


def test_only_who_works_on_clues_comes_in(make_user: Callable[..., Any], hands: Hands) -> None:
    one = clue(home())
    page(client_of(hands.town), "/warnings/", 403)
    page(client_of(hands.county), "/warnings/")
    for path in ("/clues/", f"/clues/{one.no}/", "/clues/export.xlsx"):
        page(client_of(make_user(COUNTY, "accept")), path, 403)
        page(client_of(make_user(COUNTY, "sysadmin")), path, 403)
        assert client_of(hands.town).get(path).status_code == 200, path
    assert Client().get("/clues/").status_code == 302


def test_clue_of_another_county_is_not_there(make_user: Callable[..., Any]) -> None:
    one = clue(home())
    other = client_of(make_user("420804", "clue_decide"))
    assert one.no not in page(other, "/clues/?tab=all")
    page(other, f"/clues/{one.no}/", 404)
    assert other.post(f"/clues/{one.no}/", {"do": "start"}).status_code == 404


def test_sweeps_and_supervision_have_doors_of_their_own(make_user: Callable[..., Any], hands: Hands) -> None:
    page(client_of(hands.town), "/sweeps/", 403)
    page(client_of(hands.county), "/sweeps/")
    page(client_of(hands.county), "/supervision/clues/", 403)
    page(client_of(make_user("42", "supervise")), "/supervision/clues/")
    page(client_of(make_user("42", "supervise")), "/sweeps/4711/", 404)


def test_counts_balance_and_filters_narrow(hands: Hands) -> None:
    open_one = taken_to(hands, clue(home()), "verifying")
    true_one = taken_to(hands, clue(home(names=("周德顺", "王秀英"))), "confirmed")
    false_one = taken_to(hands, clue(home()), "confirmed", verdict="refuted")
    client = client_of(hands.county)
    text = page(client, "/clues/?tab=all")
    assert "查实 1 ＋ 查否 1 ＋ 未结 1 ＝ 3" in text
    for query, there, gone in (
        ("verdict=confirmed", true_one, false_one),
        ("state=verifying", open_one, true_one),
        ("state=closed", false_one, open_one),
        ("q=周德", true_one, false_one),
        (f"q={open_one.no}", open_one, true_one),
        ("severity=R&place=420802001&rule=VEHICLE&source=vehicle&verdict=refuted&why=sold", false_one, open_one),
        (f"responsible={hands.town.pk}&verdict=open", open_one, true_one),
    ):
        text = page(client, f"/clues/?tab=all&{query}")
        assert there.no in text, query
        assert gone.no not in text, query
        assert (
            "查实 1 ＋ 查否 1 ＋ 未结 1 ＝ 3" in text or "q=" in query or "source=" in query or "responsible=" in query
        )


def test_nonsense_in_the_address_narrows_nothing(hands: Hands) -> None:
    one = clue(home())
    text = page(
        client_of(hands.county),
        "/clues/?tab=x&state=x&verdict=9&severity=Q&due=no&place=%27%3B--&run=x&responsible=-1&after=a.b.c&page=9",
    )
    assert one.no in text


def test_identity_number_is_not_taken_from_the_address(hands: Hands) -> None:
    answer = client_of(hands.county).get("/clues/?tab=all&q=420899195001013009", follow=True)
    assert "420899195001013009" not in answer.redirect_chain[-1][0]
    assert "不要放在网址里" in answer.content.decode()
    assert "420899195001013009" not in answer.content.decode()


def test_pages_follow_each_other_without_gap_or_repeat(hands: Hands) -> None:
    """Forwards and back again give the same order: limit first, then without a limit, closed last."""
    rows = [clue(home()) for _ in range(7)]
    with at(hands.county, DAY):
        for place, row in enumerate(rows):
            Clue.objects.filter(pk=row.pk).update(deadline=date(2017, 5, 30 - place) if place < 4 else None)
        wanted = ledger.select(Wanted(), user=hands.county, today=DAY)
        there, after = [], None
        while True:
            part = ledger.slice_of(wanted, size=3, after=after)
            there += [one.pk for one in part.items]
            if not part.more_after:
                break
            after = part.last
        back, before = [one.pk for one in part.items], part.first
        while before is not None and part.more_before:
            part = ledger.slice_of(wanted, size=3, before=before)
            back = [one.pk for one in part.items] + back
            before = part.first
    expected = [row.pk for row in (*reversed(rows[:4]), *rows[4:])]
    assert there == expected
    assert back == expected


def test_many_are_assigned_and_each_refusal_has_its_reason(hands: Hands) -> None:
    fresh = [clue(home()) for _ in range(2)]
    closed = taken_to(hands, clue(home()), "confirmed", verdict="refuted")
    answer = client_of(hands.county).post(
        "/clues/bulk/", {"do": "assign", "assign-who": str(hands.town.pk), "clue": [one.pk for one in (*fresh, closed)]}
    )
    text = answer.content.decode()
    assert "办成 2 ＋ 未办 1 ＝ 3" in text
    assert "不能办理“派发”" in text
    with at(hands.county, DAY):
        assert {one.state for one in Clue.objects.filter(pk__in=[row.pk for row in fresh])} == {"assigned"}
        assert Clue.objects.get(pk=closed.pk).state == "closed"


def test_nearest_officer_gets_the_clues_of_his_town(make_user: Callable[..., Any], hands: Hands) -> None:
    other = make_user("420802002", "clue")
    here, there = clue(home()), clue(home(village="420802002001"))
    nowhere = clue(home(village="420802003001"))
    answer = client_of(hands.county).post(
        "/clues/bulk/", {"do": "assign", "assign-who": "nearest", "clue": [here.pk, there.pk, nowhere.pk]}
    )
    assert "办成 2 ＋ 未办 1 ＝ 3" in answer.content.decode()
    assert "没有“线索核实”人员" in answer.content.decode()
    with at(hands.county, DAY):
        found = {one.pk: one.responsible_id for one in Clue.objects.all()}
    assert found == {here.pk: hands.town.pk, there.pk: other.pk, nowhere.pk: None}


def test_one_piece_of_evidence_answers_many(hands: Hands) -> None:
    rows = [taken_to(hands, clue(home()), "verifying") for _ in range(3)]
    answer = client_of(hands.town).post(
        "/clues/bulk/",
        {
            "do": "propose", "propose-verdict": "refuted", "propose-why": "sold", "propose-conclusion": "车管所书面答复：均已转移登记",
            "propose-title": "车管所答复", "propose-text": "三辆均已转移登记", "propose-kind": ["visit"], "clue": [row.pk for row in rows],
        },
    )  # fmt: skip
    assert "办成 3 ＋ 未办 0 ＝ 3" in answer.content.decode()
    answer = client_of(hands.county).post(
        "/clues/bulk/",
        {"do": "decide", "decide-verdict": "refuted", "every": "1", "keep": "tab=all&state=verifying"},
    )
    assert "办成 3 ＋ 未办 0 ＝ 3" in answer.content.decode()
    with at(hands.county, DAY):
        assert {(one.state, one.verdict) for one in Clue.objects.all()} == {("closed", "refuted")}


def test_bulk_without_choice_or_duty_changes_nothing(hands: Hands) -> None:
    one = clue(home())
    for user, data in (
        (hands.county, {"do": "assign", "assign-who": str(hands.town.pk)}),
        (hands.county, {"do": "assign", "assign-who": "", "clue": [one.pk]}),
        (hands.town, {"do": "assign", "assign-who": str(hands.town.pk), "clue": [one.pk]}),
        (hands.county, {"do": "erase", "clue": [one.pk]}),
        (hands.county, {"do": "decide", "decide-verdict": "maybe", "clue": [one.pk]}),
    ):
        answer = client_of(user).post("/clues/bulk/", data)
        assert answer.status_code == 303
    assert client_of(hands.county).get("/clues/bulk/").status_code == 405
    with at(hands.county, DAY):
        assert Clue.objects.get(pk=one.pk).state == "generated"


def test_one_clue_goes_its_whole_way_through_its_page(hands: Hands) -> None:
    one = clue(home())
    path = f"/clues/{one.no}/"

    def post(user: Any, **data: str) -> str:
        answer = client_of(user).post(path, data, follow=True)
        assert answer.status_code == 200
        return answer.content.decode()

    assert "指定责任人" in page(client_of(hands.county), path)
    assert "已派发" in post(hands.county, do="assign", **{"assign-who": str(hands.town.pk)})
    assert "已开始核实" in post(hands.town, do="start")
    assert "还缺：入户调查记录" in page(client_of(hands.town), path)
    assert "还缺少证据" in post(
        hands.town, do="propose", **{"propose-verdict": "confirmed", "propose-conclusion": "在用"}
    )
    given = {"evidence-kind": "visit", "evidence-title": "入户调查", "evidence-text": "院内停放"}
    assert "证据已入卷" in post(hands.town, do="evidence", **given)
    assert "结论已提出" in post(
        hands.town, do="propose", **{"propose-verdict": "confirmed", "propose-conclusion": "在用"}
    )
    assert "结论已下" in post(hands.county, do="decide", **{"decide-verdict": "confirmed"})
    assert "先停保、再处理" in page(client_of(hands.county), path)
    assert "停保告知书已出具" in post(hands.county, do="suspend")
    assert "不是金额" in post(
        hands.county, do="handle", **{"handle-action": "keep", "handle-text": "说明", "handle-recover": "一千"}
    )
    assert "处理已登记" in post(hands.county, do="handle", **{"handle-action": "keep", "handle-text": "工作所需"})
    assert "由“线索销号”人员办理" in page(client_of(hands.county), path)
    assert "复查已登记" in post(hands.second, do="check", **{"check-note": "已核对"})
    assert "已销号" in post(hands.second, do="close", **{"close-follow": "十月底回访"})
    assert "十月底回访" in page(client_of(hands.second), path)
    assert "先补充再重开" in page(client_of(hands.second), path)


def test_names_and_statements_are_never_markup(hands: Hands) -> None:
    evil = "<script>alert(1)</script>"
    one = clue(
        home(names=("<b>甲</b>", "乙")),
        registered={"plate": evil, "<i>列</i>": "x"},
        stated={"plate": f'"><img src=x onerror=1>{evil}'},
        rule_text={
            "label": f"规则{evil}",
            "clause": evil,
            "formula": evil,
            "evidence": {"visit": evil},
            "values": {evil: evil},
        },
    )
    taken_to(hands, one, "confirmed")
    client = client_of(hands.county)
    for path in ("/clues/?tab=all", f"/clues/{one.no}/", f"/clues/?tab=all&q={evil}&run={evil}&why={evil}"):
        text = page(client, path)
        assert "<script>alert" not in text, path
        assert "<b>甲" not in text, path
        assert "<img src=x" not in text, path
        assert "<i>列" not in text, path


def test_sheet_is_masked_marked_logged_and_holds_no_formula(hands: Hands, as_owner: Callable[..., Any]) -> None:
    taken_to(hands, clue(home(names=("=HYPERLINK(1)", "乙"))), "verifying")
    answer = client_of(hands.county).get("/clues/export.xlsx?tab=all&state=verifying")
    assert answer["Content-Type"].endswith("sheet")
    sheet = openpyxl.load_workbook(io.BytesIO(b"".join(answer.streaming_content))).active
    cells = [str(cell.value) for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert "'=HYPERLINK(1)" in cells
    assert not any(cell.data_type == "f" for row in sheet.iter_rows() for cell in row)
    assert any("420899********" in cell for cell in cells)
    assert hands.county.username in sheet["A2"].value
    assert hands.county.username in sheet.oddFooter.center.text
    with as_owner():
        entry = AuditEntry.objects.get(action="web.export_clues")
        assert entry.after["rows"] == 1
        assert entry.after["filter"]["state"] == "verifying"


def test_evidence_files_open_for_who_may_see_the_clue_and_no_web_page_gets_in(
    hands: Hands, make_user: Callable[..., Any]
) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    one = taken_to(hands, clue(home()), "verifying")
    client = client_of(hands.town)

    def send(name: str, body: bytes) -> str:
        data = {
            "do": "evidence",
            "evidence-kind": "statement",
            "evidence-title": "笔录",
            "evidence-file": SimpleUploadedFile(name, body),
        }
        return client.post(f"/clues/{one.no}/", data, follow=True).content.decode()

    assert "不是 PDF、JPG、PNG 或 WebP" in send("a.pdf", b"<html><script>1</script>")
    assert "证据已入卷" in send("笔录.pdf", b"%PDF-1.4 x")
    with at(hands.town, FOUND):
        (kept,) = one.evidence.filter(file__isnull=False)
    answer = client.get(f"/clues/{one.no}/files/{kept.pk}/")
    assert b"".join(answer.streaming_content) == b"%PDF-1.4 x"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert client_of(make_user("420804", "clue")).get(f"/clues/{one.no}/files/{kept.pk}/").status_code == 404


def test_limit_of_an_unknown_year_is_pending_and_never_guessed(hands: Hands) -> None:
    one = clue(home())
    with at(hands.county, DAY):
        Clue.objects.filter(pk=one.pk).update(state="assigned", assigned_at=clock.now(), deadline_pending=True)
    text = page(client_of(hands.county), f"/clues/{one.no}/")
    assert "期限待定" in text
    assert "期限待定" in page(client_of(hands.county), "/clues/?tab=all&due=pending")


def test_what_waits_for_the_reader_is_offered_and_narrows_the_list(hands: Hands) -> None:
    done, other = taken_to(hands, clue(home()), "proposed"), clue(home())
    text = page(client_of(hands.county), "/clues/?tab=all")
    assert "queue=to_decide" in text
    assert "queue=to_assign" not in text
    text = page(client_of(hands.county), "/clues/?tab=all&queue=to_decide")
    assert done.no in text
    assert other.no not in text
    assert other.no not in page(client_of(hands.county), "/clues/?tab=all&queue=to_assign")  # not his to assign


def test_a_rule_is_weighed_before_it_is_changed(make_user: Callable[..., Any], hands: Hands) -> None:
    taken_to(hands, clue(home()), "confirmed", verdict="refuted")
    client = client_of(hands.county)
    page(client_of(hands.town), "/clues/tuning/", 403)
    assert "名下有非豁免机动车" in page(client, "/clues/tuning/")
    text = page(client, "/clues/tuning/?rule=VEHICLE")
    assert "已有结论 1" in text
    assert "1 条没有登记内容" in text
    assert "已卖" in text or "转让" in text
    wrong = client.post(
        "/clues/tuning/?rule=VEHICLE", {"change": "rules: {nonsense: {formula: '1 +'}}"}
    ).content.decode()
    assert "规则修改不能使用" in wrong
    page(client, "/clues/tuning/?run=4711", 404)
    watcher = client_of(make_user(COUNTY, "supervise"))
    supervision = page(watcher, "/supervision/clues/")
    assert "处理结果" in supervision
    assert "查否原因" in supervision
    assert "/clues/tuning/?place=420802&amp;rule=VEHICLE" in supervision
