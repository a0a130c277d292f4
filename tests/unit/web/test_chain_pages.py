"""The whole-chain view: figures that are their entries' sums and their lines' sums, doors, names, small numbers, the file."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import openpyxl
import pytest
from casekit import at, client_of, hire
from counting import questions
from django.db import connection
from django.test.utils import CaptureQueriesContext
from fundkit import Treasury, clean
from paykit import Staff, family, run_month

from tuodi.exchange.bank import BatchHead, Payment, load_bank_profile, write_return
from tuodi.funds import chain
from tuodi.funds.chain import Wanted
from tuodi.funds.models import LedgerEntry
from tuodi.funds.states import Kind
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.access import scope
from tuodi.payments import actions
from tuodi.payments import chain as line_chain
from tuodi.payments.items import one_item
from tuodi.payments.models import LineEvent, PayLine
from tuodi.payments.states import LineStatus

pytestmark = pytest.mark.django_db(transaction=True)
COUNTY, TOWN, VILLAGE = "420802", "420802001", "420802001001"
DAY, MARCH = date(2017, 6, 14), date(2017, 3, 1)
PROFILE = load_bank_profile("generic-csv")
YEAR = Wanted(COUNTY, date(2017, 1, 1), date(2017, 12, 31))


@pytest.fixture(autouse=True)
def _on_the_day() -> Any:
    with clock.frozen(DAY):
        yield


def text(answer: Any) -> str:
    assert answer.status_code == 200, answer.content.decode()[:300]
    return str(answer.content.decode())


def paid_month(make_user: Callable[..., Any], **more: Any) -> tuple[Treasury, Staff, Any]:
    """Four families of two villages and a town away; some money comes back from the bank."""
    staff, treasury = Staff(make_user), Treasury(make_user)
    for names in (("向桂英", "刘德福"), ("刘德英",), ("袁大珍",)):
        family(names=names, income=300 * len(names))
    family(names=("欧阳兰",), income=300, village="420802002001")
    treasury.do("appropriation", 1000, on=MARCH)
    treasury.do("appropriation", 3000, source="county", on=MARCH)
    treasury.do("transfer", 200, source="county", to_programme="tekun", on=MARCH)
    run = run_month(staff, Month(2017, 5), upto="return", **more)
    return treasury, staff, run


def test_each_figure_is_the_sum_of_its_entries_and_of_its_lines(make_user: Callable[..., Any]) -> None:
    treasury, _, run = paid_month(make_user, failing=0.5)
    clean()
    with scope(treasury.keep):
        rows = chain.figures(YEAR)
        sums = chain.add_up(rows)
        assert chain.off(sums) == 0
        lines = PayLine.objects.filter(run=run)
        assert sums["granted"] == sum(one.amount_fen for one in lines) > 0
        assert sums["sent"] == sums["granted"] == sums["paid"] + sums["failed"]
        assert sums["failed"] > 0
        assert (sums["moved_in"], sums["moved_out"]) == (200_00, 200_00)
        for stage in chain.STAGES:
            assert sum(chain.entries(YEAR, stage.code).values()) == sums[stage.code], stage.code
        for digits in (6, 9, 12):
            cells = line_chain.by_place(YEAR, digits)
            for stage in line_chain.STAGES:
                assert sum(one[stage].fen for one in cells.values() if stage in one) == sums[stage], (digits, stage)
        booked = 0
        for entry in LedgerEntry.objects.exclude(run_id=None):
            behind = line_chain.behind(entry)
            assert behind is not None
            counted = chain.stages_of(entry, entry.postings.all())
            fen = sum(part for stage, _, part in counted if stage.code in line_chain.STAGES)
            assert line_chain.sum_of(behind).fen == fen > 0, entry
            booked += 1
        assert booked >= 4
        before = Wanted(COUNTY, date(2018, 1, 1), date(2018, 12, 31))
        later = chain.add_up(chain.figures(before))
        assert later["opening"] == later["left"] == sums["left"]


FIGURE = re.compile(r"^[\u2212-]?[\d,]+\.\d\d$")


def in_fen(words: str) -> int:
    return int(words.replace(",", "").replace("\u2212", "-").replace(".", ""))


def whole(client: Any, address: str) -> list[str]:
    """All pages of a list."""
    found: list[str] = []
    while address:
        found.append(text(client.get(address)))
        following = re.search(r'href="([^"]+)" rel="next"', found[-1])
        address = f"{address.split('?')[0]}{html.unescape(following[1])}" if following else ""
    return found


def column(sheets: list[str], label: str) -> int:
    """The sum of a column of a list in fen."""
    return sum(in_fen(one) for sheet in sheets for one in re.findall(rf'data-label="{label}（元）">([^<]+)<', sheet))


def test_every_number_leads_to_what_it_is_made_of_to_the_fen(make_user: Callable[..., Any]) -> None:
    """By its links alone: figure -> entries -> lines -> components with clauses, for a year, each place and each sub-account."""
    treasury, staff, run = paid_month(make_user, failing=0.5)
    treasury.float(TOWN, 50)
    treasury.do("hand_back", 7, source="county", on=MARCH)
    with at(staff.check, DAY):
        failed = PayLine.objects.filter(run=run, status="failed").first()
        paid = PayLine.objects.filter(run=run, status="paid").first()
        assert failed is not None
        assert paid is not None
        item = paid.items.get()
        data = write_return(
            PROFILE,
            BatchHead(item.batch.no, 1, item.amount_fen, "2017-05", ""),
            [
                (
                    Payment(item.seq, item.holder, one_item(item).account(), "", item.amount_fen, "", ""),
                    "退票",
                    "9",
                    "",
                    "N9",
                )
            ],
            posted=DAY,
        )
        assert actions.import_return(run, acting_user=staff.check, data=data, name="退票.csv").state == "applied"
    client = client_of(hire(make_user, COUNTY, "supervise"))
    todo, seen, figures, lines, entries = [f"/chain/?place={COUNTY}&year=2017"], set(), 0, set(), set()
    while todo:
        address = todo.pop()
        if address in seen:
            continue
        seen.add(address)
        main = text(client.get(address)).split("<main", 1)[1]
        for tag, words in re.findall(r"<(\w+)[^>]*>([^<>]*\d\.\d\d[^<>]*)<", main):
            assert tag == "a" or set(re.findall(r"[\d,]+\.\d\d", words)) == {"0.00"}, (address, tag, words)
        for href, kind, words in re.findall(r'href="(/chain/(entries|lines)/\?[^"]+)"[^>]*>([^<]+)</a>', main):
            if not FIGURE.match(words):
                continue
            figures += 1
            sheets = whole(client, html.unescape(href))
            assert column(sheets, "计入本数" if kind == "entries" else "金额") == in_fen(words), (address, href, words)
            entries |= {one for sheet in sheets for one in re.findall(r'href="(/funds/entries/\d+/)"', sheet)}
            lines |= {one for sheet in sheets for one in re.findall(r'href="(/chain/lines/\d+/)"', sheet)}
        todo += [html.unescape(one) for one in re.findall(r'class="whole" href="(/chain/\?[^"]+)"', main)]
    assert len(seen) >= 4  # the county, two towns, their villages
    assert figures > 60
    followed = 0
    for address in entries:
        entry = text(client.get(address))
        assert "与凭证不符" not in entry
        if behind := re.search(r'href="(/chain/lines/\?entry=\d+)"', entry):
            booked = re.search(r'<span class="num">([\d,.]+) 元', entry)
            assert booked
            # What a run owes is booked on two sides, and so is each step of it.
            assert column(whole(client, behind[1]), "金额") in (in_fen(booked[1]), in_fen(booked[1]) // 2), address
            followed += 1
        else:
            assert re.search(r"<dt>依据</dt><dd[^>]*><a", entry), address
    assert followed >= 4
    assert lines
    for address in lines:
        parts = text(client.get(address)).split("金额由什么组成")[1].split("</table>")[0]
        rows = re.findall(
            r'data-label="依据">(.*?)</td><td class="n" data-label="金额（元）">([^<]+)<', parts, re.DOTALL
        )
        assert rows
        assert all("649号令" in clause or "第12条" in clause for clause, _ in rows)
        whole_line = re.search(r'合计</td>.*?data-label="金额（元）">([^<]+)<', parts, re.DOTALL)
        assert whole_line
        assert sum(in_fen(one) for _, one in rows) == in_fen(whole_line[1])


def test_stations_that_are_made_of_others_are_their_sums(make_user: Callable[..., Any]) -> None:
    treasury, *_ = paid_month(make_user, failing=0.5)
    with scope(treasury.keep):
        for one in chain.figures(YEAR):
            assert one.fen["moved"] == one.fen["moved_in"] - one.fen["moved_out"]
            assert one.fen["back"] == one.fen["failed"] + one.fen["returned"]


def test_books_that_run_ahead_of_the_clock_are_shown(make_user: Callable[..., Any]) -> None:
    """A replayed year on a site whose day is an earlier one: its year is offered, and shown unless another is asked for."""
    paid_month(make_user)
    client = client_of(hire(make_user, COUNTY, "supervise"))
    with clock.frozen(date(2014, 6, 14)):
        assert "2017 年" in text(client.get("/chain/"))
        assert "前后相等" in text(client.get("/chain/"))
        assert "没有资金记录" in text(client.get("/chain/?year=2014"))


def test_a_line_is_followed_from_the_board_of_its_place_to_the_clause_and_back_up(
    make_user: Callable[..., Any],
) -> None:
    paid_month(make_user)
    watcher = hire(make_user, "4208", "supervise")
    client = client_of(watcher)
    whole = text(client.get("/chain/"))
    assert "前后相等" in whole
    county = text(client.get(f"/chain/?place={COUNTY}&year=2017&month=5"))
    assert "与资金账相等" in county
    assert f"place={TOWN}&amp;year=2017&amp;month=5" in county
    town = text(client.get(f"/chain/?place={TOWN}&year=2017&month=5"))
    link = re.search(rf'href="(/chain/lines/\?place={VILLAGE}[^"]*stage=paid)"', town)
    assert link
    listed = text(client.get(link[1].replace("&amp;", "&")))
    assert "向桂英" in listed
    with at(watcher, DAY):
        line = PayLine.objects.get(household__head__name="向桂英")
        entries = {one.kind: one.pk for one in LedgerEntry.objects.exclude(run_id=None)}
    assert f"/chain/lines/{line.pk}/" in listed
    shown = text(client.get(f"/chain/lines/{line.pk}/"))
    for kind in ("grant", "send", "paid"):
        assert f"/funds/entries/{entries[kind]}/" in shown
    assert "第12条" in shown
    assert f"/families/{line.household_id}/?month=2017-05" in shown
    assert f"place={VILLAGE}" in shown
    entry = text(client.get(f"/funds/entries/{entries['paid']}/"))
    assert "与凭证相等" in entry
    assert "到账 · 城乡低保（中央）" in entry
    assert "stage=paid" in entry
    assert text(client.get(f"/chain/lines/?entry={entries['paid']}")).count("/chain/lines/") >= 4


def test_names_are_masked_and_few_families_put_together_for_finance_and_auditors(make_user: Callable[..., Any]) -> None:
    treasury, *_ = paid_month(make_user)
    with at(treasury.keep, DAY):
        alone = PayLine.objects.get(household__head__name="欧阳兰")
    for reader in (treasury.review, hire(make_user, COUNTY, "audit_view")):
        client = client_of(reader)
        town = text(client.get(f"/chain/?place={COUNTY}&year=2017"))
        assert "有少于 3 户的，合并列出" in town  # one family in the second town, three in the first
        assert "place=420802002" not in town
        assert "少于 3 户" in text(client.get("/chain/?place=420802002&year=2017"))
        few = text(client.get("/chain/lines/?place=420802002&year=2017&stage=paid"))
        assert "少于 3 户" in few
        assert f"/chain/lines/{alone.pk}/" not in few
        many = text(client.get(f"/chain/lines/?place={TOWN}&year=2017&stage=paid"))
        assert "向**" in many
        assert "向桂英" not in many
        one = text(client.get(f"/chain/lines/{alone.pk}/"))
        assert "欧阳兰" not in one
        assert "/families/" not in one
    with at(hire(make_user, COUNTY, "sysadmin"), DAY):
        from tuodi.audit.models import AuditEntry

        shown = AuditEntry.objects.filter(action="web.list", after__what="全过程监督")
        assert shown.count() == 2


def test_doors_and_range(make_user: Callable[..., Any]) -> None:
    paid_month(make_user)
    stranger, neighbour = hire(make_user, COUNTY, "accept"), hire(make_user, "420804", "supervise")
    paths = ("/chain/", "/chain/entries/", "/chain/lines/", "/chain/export/")
    for path in paths:
        assert client_of(stranger).get(path).status_code == 403, path
        assert client_of(neighbour).get(path).status_code == 200, path
        assert client_of(neighbour).post(path).status_code == 405, path
    other = text(client_of(neighbour).get(f"/chain/?place={COUNTY}"))
    assert "没有资金记录" in other  # his own county, which has none
    with at(hire(make_user, COUNTY, "supervise"), DAY):
        line, entry = PayLine.objects.first(), LedgerEntry.objects.first()
    assert line is not None
    assert entry is not None
    assert client_of(neighbour).get(f"/chain/lines/{line.pk}/").status_code == 404
    assert client_of(neighbour).get(f"/chain/lines/?entry={entry.pk}").status_code == 404
    for wrong in ("place=%00&year=99999&month=13", "year=abc&source=%27&stage=%3Cb%3E&programme=x", "entry=9" * 9):
        assert client_of(neighbour).get(f"/chain/lines/?{wrong}").status_code in (200, 404)
        assert client_of(neighbour).get(f"/chain/?{wrong}").status_code == 200


def test_pages_ask_a_fixed_number_of_questions(make_user: Callable[..., Any]) -> None:
    paid_month(make_user)
    client = client_of(hire(make_user, COUNTY, "supervise"))
    with scope(hire(make_user, COUNTY, "supervise")):
        line = PayLine.objects.first()
        entry = LedgerEntry.objects.filter(kind="paid").first()
    assert line is not None
    assert entry is not None
    for path in (
        f"/chain/?place={COUNTY}", f"/chain/?place={TOWN}", "/chain/entries/?stage=paid", f"/chain/lines/?place={TOWN}&stage=paid",
        f"/chain/lines/{line.pk}/", f"/chain/lines/?entry={entry.pk}", f"/funds/entries/{entry.pk}/",
    ):  # fmt: skip
        client.get(path)
        with CaptureQueriesContext(connection) as seen:
            assert client.get(path).status_code == 200
        assert len(questions(seen)) <= 25, path


def test_the_file_says_what_the_page_says_and_no_name_in_it_is_a_formula(make_user: Callable[..., Any]) -> None:
    from tuodi.funds.actions import papers

    treasury, *_ = paid_month(make_user)
    with at(treasury.keep, DAY):
        fund = papers.open_fund(
            acting_user=treasury.keep, county=COUNTY, name='=HYPERLINK("http://x")', owner="慈善会", purposes=["dibao"]
        )
    treasury.do("appropriation", 5, fund=fund, on=DAY)
    answer = client_of(treasury.review).get("/chain/export/?year=2017")
    book = openpyxl.load_workbook(io.BytesIO(b"".join(answer.streaming_content)))
    rows = [[cell.value for cell in row] for row in book.active.iter_rows()]
    head = rows[2]
    central = next(row for row in rows if row[1:3] == ["城乡低保", "中央"])
    assert central[head.index("结余（元）")] == 0
    assert central[head.index("到账（元）")] == 1000
    assert any(str(row[2]).startswith("'=HYPER") for row in rows[3:])
    below = client_of(treasury.review).get(f"/chain/export/?place={TOWN}&year=2017")
    assert b"".join(below.streaming_content)[:2] == b"PK"


def test_money_that_comes_back_later_is_seen_in_the_month_it_came_back(make_user: Callable[..., Any]) -> None:
    """A line that failed and was sent anew counts twice among what was sent, and its way shows both."""
    treasury, staff, run = paid_month(make_user, failing=1.0)
    from tuodi.payments import actions
    from tuodi.people import actions as people
    from tuodi.people.models import Account

    with at(staff.check, date(2017, 6, 5)):
        line = PayLine.objects.filter(run=run).order_by("id").first()
        assert line is not None
        account = Account.objects.get(pk=line.account_id)
        people.add_account(
            acting_user=None, person=account.person, number="62170000999999999", holder=account.holder,
            since=date(2017, 6, 5), bank_code="农商行",
        )  # fmt: skip
        actions.reissue(run, acting_user=staff.check, lines=[line.pk])
    june = Wanted(COUNTY, date(2017, 6, 1), date(2017, 6, 30))
    with scope(treasury.keep):
        sums = chain.add_up(chain.figures(june))
        assert sums["sent"] == line.amount_fen
        assert sums["granted"] == 0
        assert line_chain.by_place(june, 6)[COUNTY]["sent"].fen == line.amount_fen
        ways = line_chain.steps(PayLine.objects.get(pk=line.pk))
        assert [one.stage for one in ways] == ["granted", "sent", "failed", "sent"]
        assert all(one.entry for one in ways)
        assert ways[1].entry != ways[3].entry
        assert LineEvent.objects.filter(line=line, kind=LineStatus.SENT).count() == 2
    clean()


def test_every_kind_of_booking_has_its_place_in_the_chain() -> None:
    """A new kind is decided upon here, or it would be seen among the other movements only."""
    assert {str(one) for one in chain._KNOWN} == set(Kind.values)
    assert set(chain.BALANCE) <= set(chain.BY_CODE)
