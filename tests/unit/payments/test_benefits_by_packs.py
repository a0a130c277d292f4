"""Fixed amounts that exist because packs say so: their list, run, sub-account, words and claim, without a line of code."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at, hire
from django.test import Client
from fundkit import Treasury, clean
from openpyxl import Workbook
from packkit import laid_over
from paykit import LATER, Staff, balanced, family, pay_day, run_month

from tuodi.funds import queries
from tuodi.funds.errors import FundInputError
from tuodi.funds.programmes import benefits
from tuodi.kernel.periods import Month
from tuodi.org.access import system_scope
from tuodi.payments import actions
from tuodi.payments.clauses import parts_of
from tuodi.payments.errors import RunInputError
from tuodi.payments.explain import stated_text
from tuodi.payments.models import BankLink, Claim, FixedEntry, PayLine
from tuodi.people.secrets import open_id

pytestmark = pytest.mark.django_db(transaction=True)
VILLAGE = "420802001001"
MAY, JUNE = Month(2017, 5), Month(2017, 6)
PACK = """pack: {place: "4208", programme: two_subsidies}
instruments:
  测试补贴: {title: 测试用的残疾人两项补贴办法, number: 测〔2016〕1号, issuer: 测试, issued: 2016-01-01, in_force: 2016-01-01, kind: hypothetical}
enums:
  two_case: {label: 补贴种类, values: {living: 困难残疾人生活补贴, nursing: 重度残疾人护理补贴}}
parameters:
  support:
    label: 残疾人两项补贴
    unit: 元/人·月
    by: [two_case]
    values: [{two_case: living, from: 2016-01-01, value: 50, clause: 测试补贴}]
"""


HEAD = ("姓名", "身份证号", "扶助情形", "发放周期", "每次金额", "起始月份", "终止月份", "银行账号", "开户银行")


def table(path, *rows) -> bytes:
    book = Workbook()
    for row in (HEAD, *rows):
        book.active.append(list(row))
    book.save(path)
    return path.read_bytes()


def number(home) -> str:
    with system_scope("420802"):
        return open_id(home.head)


@pytest.fixture
def pack(tmp_path, monkeypatch):
    with laid_over(tmp_path, monkeypatch, PACK):
        yield


def test_a_pack_brings_a_benefit_from_list_to_claim(pack, make_user, tmp_path) -> None:
    staff, treasury = Staff(make_user), Treasury(make_user)
    assert set(benefits("420802")) == {"family_planning", "two_subsidies"}
    assert "two_subsidies" not in benefits("150302")
    assert "routine_medical" in benefits("150302")  # 乌海's, of another place
    treasury.do("appropriation", 1000, programme="two_subsidies")
    with pytest.raises(FundInputError, match="项目"):
        treasury.propose("appropriation", 1000, programme="routine_medical")
    living, nursing, wrong = (family(village=VILLAGE, names=(name,)) for name in ("向桂英", "刘德福", "苗兰芝"))
    data = table(
        tmp_path / "两补.xlsx",
        ("向桂英", number(living), "困难残疾人生活补贴", "按月", 50, "2017-05", "", "", ""),
        (
            "刘德福",
            number(nursing),
            "重度残疾人护理补贴",
            "按月",
            100,
            "2017-05",
            "",
            "",
            "",
        ),  # no pack sets it: the list's
        ("苗兰芝", number(wrong), "困难残疾人生活补贴", "按月", 80, "2017-05", "", "", ""),
        ("彭庆余", number(wrong), "独生子女死亡", "按月", 80, "2017-05", "", "", ""),
    )
    words = {"county": "420802", "data": data, "name": "两补.xlsx", "source": "区残联 2017 年名册"}
    with at(staff.prepare, pay_day(MAY)):
        with pytest.raises(RunInputError, match="没有这项固定金额"):
            actions.import_fixed_list(acting_user=staff.prepare, programme="routine_medical", **words)
        made = actions.import_fixed_list(acting_user=staff.prepare, programme="two_subsidies", **words)
        assert (made.taken, {(one["row"], one["field"]) for one in made.faults}) == (
            2,
            {(4, "每次金额"), (5, "扶助情形"), (5, "身份证号")},
        )
        assert made.get_programme_display() == "残疾人两项补贴"
        with pytest.raises(RunInputError, match="残疾人两项补贴由主管部门核定，单独成批"):
            actions.open_run(
                acting_user=staff.prepare, place="420802", month=MAY, programmes=["dibao", "two_subsidies"]
            )
        with pytest.raises(RunInputError, match="只能是"):
            actions.open_run(acting_user=staff.prepare, place="420802", month=MAY, programmes=["routine_medical"])
    with at(staff.check, pay_day(MAY)):
        actions.decide_fixed_list(made, acting_user=staff.check, approve=True)
    run = run_month(staff, MAY, programmes=["two_subsidies"])
    assert run.no == "FF-420802-TWOSUBSIDIES-201705"
    dibao = run_month(staff, MAY)  # the same family, another programme, money of its own
    with at(staff.check, LATER):
        lines = {
            (one.programme, one.person.name if one.person else ""): one
            for one in PayLine.objects.select_related("person")
        }
        line = lines["two_subsidies", "向桂英"]
        part = parts_of(line)[0]
        assert (line.amount_fen, lines["two_subsidies", "刘德福"].amount_fen, line.what) == (
            50_00,
            100_00,
            "残疾人两项补贴",
        )
        assert "名单" in stated_text(line)
        assert queries.sub_label("two_subsidies", "central") == "残疾人两项补贴（中央）"
        assert {one.programme for one in PayLine.objects.filter(run=dibao)} == {"dibao"}
    assert (part.label, part.why) == ("残疾人两项补贴", "困难残疾人生活补贴，区残联 2017 年名册")
    assert "测〔2016〕1号" in part.clause or "测试" in part.clause
    assert treasury.held(programme="two_subsidies") == {"available": 850_00, "paid": 150_00}
    with at(staff.prepare, date(2017, 6, 2)):
        entry = FixedEntry.objects.get(person=living.head)
        actions.end_fixed_entry(entry, acting_user=staff.prepare, end=Month(2017, 5), reason="残疾证注销")
    june = run_month(staff, JUNE, programmes=["two_subsidies"])
    with at(staff.check, LATER):
        assert [one.person.name for one in PayLine.objects.filter(run=june, base_fen__gt=0)] == ["刘德福"]
        assert not Claim.objects.exists()
    balanced(staff, june)
    clean()


def test_pages_speak_of_it_and_of_what_an_account_pays(pack, make_user, client: Client) -> None:
    staff = Staff(make_user)
    with at(staff.prepare, pay_day(MAY)):
        BankLink.objects.create(
            region="420802000000", place="420802", label="代发专户", profile="generic-csv", way="folder", address="/tmp/bank",
            payer_name="东宝区民政局", payer_account="17550101040099999", programmes=["care", "two_subsidies"],
        )  # fmt: skip
    asked = {
        staff.prepare: ("/runs/", "/fixed-amounts/", "/claims/"),
        staff.check: ("/bank/",),
        hire(make_user, "420802", "fund_keep"): ("/funds/papers/new/?kind=plan", "/funds/public/", "/chain/"),
    }
    for user, addresses in asked.items():
        client.force_login(user, backend="tuodi.org.backends.StaffBackend")
        for address in addresses:
            found = client.get(address)
            assert found.status_code == 200, address
            assert "残疾人两项补贴" in found.content.decode(), address
