"""Profiles of live sources: every shipped one is sound, values are read, numbers never stay in clear."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from simulators.registers import SHARES, made_up
from tuodi.exchange.errors import ProfileError
from tuodi.exchange.live import live_kinds, load_live_profile, mask_numbers, read_rows
from tuodi.kernel.identity import make_id
from tuodi.verification.rulebook import book

NUMBER = make_id("420899", date(1960, 1, 2), 11)


def test_every_profile_reads_what_the_simulator_writes_without_a_fault() -> None:
    assert set(SHARES) <= set(live_kinds())
    for service in SHARES:
        number = next(n for n in (f"4208991960010{i:04d}" for i in range(5000)) if made_up(service, 1, n))
        (row,) = read_rows(load_live_profile(service), made_up(service, 1, number))
        assert (service, row.faults, row.unknown) == (service, (), 0)
        assert not row.text.startswith("—")


def test_profiles_speak_of_declared_facts_and_income_kinds_only(db: None) -> None:
    declared = {(fact.level, fact.name) for fact in book().draft.facts}
    kinds = set(book().enums["income_kind"].values)
    for kind in live_kinds():
        profile = load_live_profile(kind)
        assert {("household", name) for name in profile.asks} <= declared
        assert {("members", feed.fact) for feed in profile.feeds if feed.fact} <= declared
        assert {feed.income for feed in profile.feeds if feed.income} <= kinds


def test_money_dates_and_codes_are_read_and_what_cannot_be_is_named() -> None:
    business = load_live_profile("business")
    (row,) = read_rows(
        business, [{"名称": "小店", "注册资本": "3.5", "登记状态": "存续", "成立日期": "2014/5/6", "别的": "x"}]
    )
    assert row.values["capital_fen"] == 3_500_000  # 3.5 万元 in fen
    assert (row.values["status"], row.values["registered_on"], row.active, row.unknown) == (
        "active",
        "2014-05-06",
        True,
        1,
    )
    (row,) = read_rows(business, [{"登记状态": "注销", "成立日期": "2014-02-30", "注册资本": "很多"}])
    assert row.active is False
    assert {label for label, _ in row.faults} == {"成立日期", "注册资本"}
    assert row.values["capital_fen"] is None
    (row,) = read_rows(business, [{"登记状态": "筹建"}])
    assert (row.active, [label for label, _ in row.faults]) == (True, ["经营状态"])  # unknown ends nothing


def test_a_number_inside_another_is_masked() -> None:
    (row,) = read_rows(
        load_live_profile("disability"), [{"残疾证号": f"{NUMBER}42", "残疾类别": "肢体", "残疾等级": "二级"}]
    )
    assert NUMBER not in str(row.values)
    assert row.values["cert_no"].endswith("42")
    assert row.values["grade"] == "2"
    assert mask_numbers(f"持有人{NUMBER}，电话") == mask_numbers(mask_numbers(f"持有人{NUMBER}，电话"))
    assert NUMBER not in mask_numbers(f"持有人{NUMBER}，电话")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("label: 甲\ncolumns: {a: {label: 甲, headers: [甲]}}\nshow: '{b}'", "没有这些列：b"),
        ("label: 甲\ncolumns: {}\nshow: x\nsurprise: 1", "surprise"),
        ("label: 甲\ncolumns: {}\nshow: x\nfeeds: [{fact: a, income: wage, value: true, label: 乙}]", "有且只有一个"),
        ("- 1", "YAML"),
    ],
)
def test_a_faulty_profile_is_refused(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "bad.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ProfileError, match=why):
        load_live_profile("bad", tmp_path)


@pytest.mark.parametrize("name", ["nothing", "../rosters/common", ""])
def test_an_unknown_profile_is_refused(name: str) -> None:
    with pytest.raises(ProfileError, match="没有这个实时来源模板"):
        load_live_profile(name)
