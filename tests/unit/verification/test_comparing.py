"""Register beside statement: every mark has a case, and two sources that contradict each other decide nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tuodi.exchange.live import load_live_profile, read_rows
from tuodi.verification.comparing import MARKS, Heard, Item, compare

PENSION = {"待遇类别": "职工", "月养老金": "1200", "待遇状态": "正常"}
TAX = {"所得项目": "工资", "年应税所得": "20000", "所属年度": "2016"}
FUND = {"单位": "甲", "月缴存额": "200", "缴存基数": "2000", "余额": "1", "账户状态": "正常"}
CAR = {"号牌号码": "鄂H1", "机动车状态": "正常"}
HOME = {"用途": "住宅", "面积": "60", "权属状态": "现势"}
CARD = {"残疾类别": "肢体", "残疾等级": "2"}


def heard(kind: str, *rows: dict[str, str], **more: Any) -> Heard:
    profile = load_live_profile(kind)
    read = [
        {"values": dict(one.values), "active": one.active, "text": one.text, "faults": []}
        for one in read_rows(profile, rows)
    ]
    given = {
        "answer_id": 1,
        "source": kind,
        "source_label": profile.label,
        "profile": profile,
        "person_id": 7,
        "subject": "甲",
    }
    return Heard(**(given | {"found": bool(rows), "stale": False, "as_of": "2017-04-30", "rows": read} | more))


def marks(*answers: Heard, member: dict[str, Any] | None = None, household: dict[str, Any] | None = None) -> list[Item]:
    return compare(answers, {7: member or {}}, household or {}, ["甲", "乙"])


def of_income(items: list[Item]) -> list[tuple[str, Any]]:
    return [(item.mark, item.value) for item in items if item.income]


def incomes(kind: str, amount: str) -> dict[str, Any]:
    return {"incomes": [{"income_kind": kind, "income_amount": amount}]}


@pytest.mark.parametrize(
    ("member", "household", "mark"),
    [
        (incomes("pension", "14400"), {}, "agree"),
        (incomes("pension", "14399.99"), {}, "differ"),
        ({}, {}, "undeclared"),
        (incomes("wage", "14400"), {}, "undeclared"),
        ({}, {"income_year": "14400.00"}, "agree"),  # the boundary: within the declared total
        ({}, {"income_year": "14399.99"}, "differ"),
    ],
)
def test_an_income_beside_what_was_declared(member: dict[str, Any], household: dict[str, Any], mark: str) -> None:
    assert of_income(marks(heard("social_insurance", PENSION), member=member, household=household)) == [
        (mark, "14400.00")
    ]


def test_not_found_is_no_zero_and_declared_without_record_is_named() -> None:
    (item,) = marks(heard("social_insurance"))
    assert (item.mark, item.what, item.value) == ("none", "查无记录", None)
    items = marks(heard("social_insurance"), member=incomes("pension", "1"))
    assert of_income(items) == [("only_declared", None)]


def test_a_row_that_no_longer_holds_is_shown_and_feeds_nothing() -> None:
    items = marks(heard("social_insurance", PENSION | {"待遇状态": "终止"}))
    assert [(item.mark, item.value, item.declared) for item in items] == [("none", None, "已失效的登记")]


def test_two_rows_of_one_kind_are_added() -> None:
    assert of_income(marks(heard("social_insurance", PENSION, PENSION))) == [("undeclared", "28800.00")]


def test_two_sources_that_differ_decide_nothing_and_equal_ones_agree() -> None:
    items = marks(heard("tax", TAX), heard("housing_fund", FUND))
    assert {item.mark for item in items if item.income} == {"several"}
    same = marks(heard("tax", TAX | {"年应税所得": "24000"}), heard("housing_fund", FUND))
    assert {item.mark for item in same if item.income} == {"undeclared"}


def test_a_stale_answer_is_marked_whatever_it_says() -> None:
    items = marks(
        heard("disability", CARD, stale=True), member={"disability_kind": "physical", "disability_grade": "2"}
    )
    assert {item.mark for item in items if item.fact} == {"stale"}


def test_a_fact_agrees_differs_or_was_not_declared() -> None:
    found = {}
    for said in (None, "physical", "visual"):
        items = marks(heard("disability", CARD), member={"disability_kind": said} if said else {})
        found[said] = next(item.mark for item in items if item.fact == "disability_kind")
    assert found == {None: "undeclared", "physical": "agree", "visual": "differ"}


def test_property_nobody_declared_asks_an_officer_and_the_usual_home_does_not() -> None:
    (car,) = marks(heard("vehicle", CAR))
    assert (car.mark, car.open, car.asks) == ("undeclared", True, ["assets_ok"])
    (home,) = marks(heard("estate", HOME))
    assert (home.mark, home.open) == ("none", False)
    assert {one.mark for one in marks(heard("estate", HOME, HOME))} == {"undeclared"}
    (old,) = marks(heard("vehicle", CAR | {"机动车状态": "报废"}))
    assert (old.mark, old.open) == ("none", False)


@pytest.mark.parametrize(("spouse", "mark"), [("乙", "agree"), ("丙", "undeclared")])
def test_a_spouse_outside_the_family_is_named(spouse: str, mark: str) -> None:
    (item,) = marks(heard("marriage", {"登记类别": "结婚", "配偶姓名": spouse}))
    assert item.mark == mark


def test_a_supporter_outside_is_shown_and_feeds_no_member() -> None:
    items = marks(heard("social_insurance", PENSION, person_id=None))
    assert of_income(items) == []


def test_every_mark_has_a_word() -> None:
    assert all(MARKS.values())
    assert marks(heard("vehicle", CAR))[0].plain()["mark_label"] == "未申报"
