"""Which text and which value is in force: nearest place, latest start, per key; two dates; identity of compiled plans; the cache."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from enginekit import ROUNDING, WORDS, book_of, decide, family, indent

from tuodi.kernel.periods import Month
from tuodi.policy.book import Book
from tuodi.policy.faults import PolicyErrors
from tuodi.rules import FamilyErrors, library, load_book, plan_for

NATION = f"""
pack: {{place: cn, programme: t}}
parameters:
{indent(ROUNDING)}
  standard: {{label: 标准, unit: 元/人·月, by: [area_kind]}}
  generous: {{label: 从宽, unit: 是否, value: false, clause: DC}}
rules:
  n: {{label: 人数, unit: 人, clause: DC, formula: members.count(true)}}
  extra: {{label: 附加, unit: 元/月, clause: "57-14", formula: "0"}}
  eligible: {{label: 符合, unit: 是否, clause: DC, formula: "n > 0 or generous"}}
  due:
    - {{label: 应发, unit: 元/月, role: payable, clause: DC, to: 2021-06-30, formula: "payable(standard[area_kind] * n)"}}
    - {{label: 应发, unit: 元/月, role: payable, clause: "57-23", from: 2021-07-01, formula: "payable(standard[area_kind] * n + extra)"}}
programme: {{label: 某项目, eligible: eligible, amount: due}}
"""
CITY = """
pack: {place: "4208", programme: t}
places: {"4208Z1": {name: 漳河新区, parent: "4208"}}
parameters:
  standard:
    values:
      - {place: "420802", area_kind: urban, from: 2017-04-01, value: 575, clause: DC}
      - {place: "4208Z1", area_kind: urban, from: 2017-04-01, value: 555, clause: DC}
      - {place: "420821", area_kind: urban, from: 2017-04-01, value: 520, clause: DC}
      - {area_kind: urban, from: 2016-01-01, value: 400, clause: DC}
      - {area_kind: urban, from: 2017-01-01, value: 500, clause: DC}
      - {area_kind: urban, from: 2030-01-01, to: 2030-12-31, value: 900, clause: DC}
      - {area_kind: rural, from: 2017-01-01, value: 4500, unit: 元/人·年, clause: DC}
---
pack: {place: "420804", programme: t}
rules:
  extra: {clause: DC, amends: 57-14, formula: "rigid"}
---
pack: {place: "420881", programme: t}
parameters:
  generous: {value: true, clause: DC}
"""


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return book_of(tmp_path_factory.mktemp("l"), NATION, CITY)


def due(book: Book, place: str, on: date, **more: object) -> int | None:
    return decide(book, "t.due", family(1, **more), place=place, on=on)


@pytest.mark.parametrize(
    ("place", "on", "fen"),
    [
        ("420802", date(2017, 5, 10), 57500),  # its own value
        ("420802001", date(2017, 5, 10), 57500),  # a town takes its district's
        ("420804", date(2017, 5, 10), 50000),  # no own value: the city's
        ("420802", date(2017, 2, 10), 50000),  # before its own begins: the city's
        ("420804", date(2016, 5, 10), 40000),  # the city's earlier value
        ("420804", date(2015, 5, 10), None),  # before any: 未知, not 0
        ("4208Z1", date(2017, 5, 10), 55500),  # a standard area that is no division
        ("4208Z1001", date(2017, 5, 10), 55500),  # and a town in it
        ("420882", date(2019, 5, 10), 52000),  # 京山市 takes what 京山县 was given
        ("420902", date(2017, 5, 10), None),  # another city
        ("4208", date(2030, 6, 10), 90000),
        ("4208", date(2030, 12, 10), 50000),  # the value for 2030 has ended: the open one before it stands again
    ],
)
def test_value_by_place_and_month_paid_for(book: Book, place: str, on: date, fen: int | None) -> None:
    assert due(book, place, on) == fen


def test_one_key_may_come_from_near_and_the_other_from_far(book: Book) -> None:
    assert due(book, "420802", date(2017, 5, 10), area_kind="rural") == 37500


def test_the_month_picks_the_value_and_the_case_date_the_text(book: Book) -> None:
    """Decided on 30 June 2021 under the old text; a month later the new one adds the local extra."""
    old, new = plan_for(book, "420804", date(2021, 6, 30)), plan_for(book, "420804", date(2021, 7, 1))
    fam = family(1, rigid=7)
    assert old.decide(fam)[0].amount_fen == 50000
    assert new.decide(fam)[0].amount_fen == 50700
    late = plan_for(book, "420802", date(2017, 3, 20), Month(2017, 4))
    assert late.decide(fam)[0].amount_fen == 57500
    assert plan_for(book, "420802", date(2017, 3, 20), Month(2017, 3)).decide(fam)[0].amount_fen == 50000


def test_an_override_keeps_label_unit_and_role_from_above(book: Book) -> None:
    text = book.rule_texts(book.chain("420804"), date(2021, 8, 1))["t.extra"]
    assert (text.formula, text.label, text.unit_text, text.clause) == ("rigid", "附加", "元/月", "DC")


def test_equal_texts_share_one_plan_and_a_structural_value_sets_them_apart(book: Book) -> None:
    on, names = date(2022, 1, 5), ("t.eligible", "t.due")
    a, b = (plan_for(book, p, on).model(names) for p in ("420802", "420882"))
    assert a is b
    generous = plan_for(book, "420881", on).model(names)
    assert generous.fingerprint != a.fingerprint
    assert plan_for(book, "420804", on).model(names).fingerprint != a.fingerprint
    fam = family(0)
    assert plan_for(book, "420881", on).decide(fam)[0].outcome == "pass"
    assert plan_for(book, "420802", on).decide(fam)[0].outcome == "fail"


def test_the_fingerprint_survives_another_load_and_ignores_numbers(tmp_path: Path, book: Book) -> None:
    """An old decision recomputes: same texts, same identity, whatever standards did meanwhile."""
    again = book_of(tmp_path, NATION, CITY.replace("value: 575", "value: 600"))
    on, names = date(2022, 1, 5), ("t.eligible", "t.due")
    first, second = (plan_for(x, "420802", on).model(names).fingerprint for x in (book, again))
    assert first == second
    changed = book_of(
        tmp_path,
        NATION.replace("* n + extra", "* n - extra").replace(
            "payable(standard[area_kind] * n - extra", "payable(max(standard[area_kind] * n - extra, 0)"
        ),
        CITY,
    )
    assert plan_for(changed, "420802", on).model(names).fingerprint != first


def test_supposed_values_win_and_leave_the_book_alone(book: Book) -> None:
    plan = plan_for(book, "420802", date(2017, 5, 10))
    fam = family(1)
    [result] = plan.decide(fam | {"assume": {"t.standard": 800}})
    assert result.amount_fen == 80000
    assert result.plan.assumed
    assert plan.decide(fam)[0].amount_fen == 57500
    rows = [{"area_kind": "urban", "value": 9600, "unit": "元/人·年"}]
    assert plan.decide(fam | {"assume": {"t.standard": rows}})[0].amount_fen == 80000
    assert plan.decide(family(0) | {"assume": {"t.generous": True}})[0].outcome == "pass"


def test_a_wrong_supposition_is_told(book: Book) -> None:
    plan = plan_for(book, "420802", date(2017, 5, 10))
    with pytest.raises(FamilyErrors, match=r"是否想写“t\.standard”"):
        plan.decide(family(1) | {"assume": {"t.standrd": 1}})
    with pytest.raises(FamilyErrors, match="不是数"):
        plan.decide(family(1) | {"assume": {"t.standard": "五百"}})


# ---- the cache of checked books


def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "packs"
    folder.mkdir()
    for name, text in (("w", WORDS), ("n", NATION), ("c", CITY)):
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def test_a_checked_book_is_read_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, cache = _folder(tmp_path), tmp_path / "cache"
    load_book([folder], cache=cache)
    monkeypatch.setattr(library, "read_book", lambda *_: pytest.fail("读了文件，没有用缓存"))
    book = load_book([folder], cache=cache)
    assert due(book, "420802", date(2017, 5, 10)) == 57500
    assert all(p.stat().st_mode & 0o077 == 0 for p in cache.glob("*.pickle"))


def test_a_changed_file_misses_the_cache_and_a_corrupt_cache_is_ignored(tmp_path: Path) -> None:
    folder, cache = _folder(tmp_path), tmp_path / "cache"
    load_book([folder], cache=cache)
    (folder / "c.yaml").write_text(CITY.replace("value: 575", "value: 600"), encoding="utf-8")
    assert due(load_book([folder], cache=cache), "420802", date(2017, 5, 10)) == 60000
    for stored in cache.glob("*.pickle"):
        stored.write_bytes(b"\x80\x05broken")
    assert due(load_book([folder], cache=cache), "420802", date(2017, 5, 10)) == 60000


def test_an_unchecked_book_is_never_kept_for_who_asks_for_a_checked_one(tmp_path: Path) -> None:
    pack, cache = tmp_path / "packs", tmp_path / "cache"
    pack.mkdir()
    text = 'instruments:\n  DC: {title: 约定, number: "-", kind: convention}\nrules:\n'
    text += '  broken: {label: 坏, unit: 是否, clause: DC, formula: "no_such_name"}\n'
    (pack / "a.yaml").write_text(text, encoding="utf-8")
    load_book([pack], cache=cache, check=False)
    with pytest.raises(PolicyErrors, match="no_such_name"):
        load_book([pack], cache=cache)
