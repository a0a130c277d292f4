"""Plants the oddities of real rosters at small known rates, at most one in a family, each with its expected verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from random import Random
from typing import Any

from tuodi.demo.generator.layouts import LAYOUTS
from tuodi.demo.generator.names import given_name, surname
from tuodi.demo.generator.records import FamilyRecord, MemberRecord, Plant, Roster
from tuodi.kernel.identity import check_digit
from tuodi.kernel.regions6 import lookup

__all__ = ["plant_all"]

#: One family in this many carries each kind of oddity.
_ONE_IN = 2200
#: Small rosters carry a part of the kinds only, at most one family in this many.
_SMALL = 30

_Apply = Callable[[FamilyRecord, MemberRecord, Random], None]


def _wide(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) for c in text)


def _id_15(id_no: str) -> str:
    return id_no[:6] + id_no[8:17]


def _bad_check(id_no: str, _: Random) -> str:
    right = id_no[-1]
    return id_no[:17] + ("1" if right != "1" else "2")


def _impossible(id_no: str, _: Random) -> str:
    body = id_no[:10] + "0230" + id_no[14:17]
    return body + check_digit(body)


def _future(id_no: str, _: Random) -> str:
    body = id_no[:6] + "2091" + id_no[10:17]
    return body + check_digit(body)


def _ident(kind: str, verdict: str, code: str, make: Callable[[str, Random], Any]) -> tuple[str, _Apply]:
    def apply(family: FamilyRecord, member: MemberRecord, rng: Random) -> None:
        member.raw["id_no"] = make(member.id_no, rng)
        member.plants.append(Plant(kind, "id_no", verdict, code))

    return kind, apply


def _cell(kind: str, column: str, verdict: str, code: str, make: Callable[[MemberRecord], Any]) -> tuple[str, _Apply]:
    def apply(family: FamilyRecord, member: MemberRecord, rng: Random) -> None:
        member.raw[column] = make(member)
        member.plants.append(Plant(kind, column, verdict, code))

    return kind, apply


def _home(kind: str, column: str, verdict: str, code: str, make: Callable[[FamilyRecord], Any]) -> tuple[str, _Apply]:
    """Household oddities are reported on the family's first row."""

    def apply(family: FamilyRecord, member: MemberRecord, rng: Random) -> None:
        family.raw[column] = make(family)
        family.members[0].plants.append(Plant(kind, column, verdict, code))

    return kind, apply


def _amount(family: FamilyRecord) -> str:
    """The amount in the office's own unit, exact."""
    wan = LAYOUTS[family.village.code[:6]].unit == "wan"
    unit, places = (1_000_000, 6) if wan else (100, 2)
    return f"{family.amount_fen // unit}.{family.amount_fen % unit:0{places}d}"


def _word(family: FamilyRecord) -> str:
    return "万元" if LAYOUTS[family.village.code[:6]].unit == "wan" else "元"


def _luhn_broken(family: FamilyRecord) -> str:
    return family.account[:-1] + str((int(family.account[-1]) + 1) % 10)


_KINDS: dict[str, _Apply] = dict(
    [
        _ident("id_15", "new", "id_converted_15", lambda i, _: _id_15(i)),
        _ident("id_15_number", "new", "id_converted_15", lambda i, _: int(_id_15(i))),
        _ident("id_15_century", "quarantine", "id_century", lambda i, r: i[:6] + i[8:14] + r.choice(("996", "998"))),
        _ident("id_lower_x", "new", "id_uppercase", lambda i, _: i[:-1] + "x"),
        _ident("id_fullwidth", "new", "id_fullwidth", lambda i, _: _wide(i)),
        _ident("id_spaces", "new", "id_spaces", lambda i, _: f" {i[:6]} {i[6:14]} {i[14:]} "),
        _ident("id_tab", "new", "id_spaces", lambda i, _: f"{i}\t"),
        _ident("id_nbsp", "new", "id_spaces", lambda i, _: f"\u00a0{i}"),
        _ident("id_bom", "new", "id_invisible", lambda i, _: f"{i[:3]}\ufeff{i[3:]}"),
        _ident("id_zero_width", "new", "id_invisible", lambda i, _: f"{i[:6]}\u200b{i[6:]}"),
        _ident("id_apostrophe", "new", "id_apostrophe", lambda i, _: f"'{i}"),
        _ident("id_scientific", "quarantine", "id_damaged", lambda i, _: f"{i[0]}.{i[1:6]}E+17"),
        _ident("id_number", "quarantine", "id_damaged", lambda i, _: float(int(i[:15]) * 1000)),
        _ident("id_zeros", "quarantine", "id_trailing_zeros", lambda i, _: i[:15] + "000"),
        _ident("id_check", "quarantine", "id_check_digit", _bad_check),
        _ident("id_date", "quarantine", "id_birth", _impossible),
        _ident("id_future", "quarantine", "id_future", _future),
        _ident("id_missing", "quarantine", "id_empty", lambda i, _: ""),
        _ident("id_length", "quarantine", "id_length", lambda i, _: i[:-2]),
        _cell("name_spaces", "name", "new", "name_spaces", lambda m: f"{m.name[0]}\u3000{m.name[1:]}"),
        _cell("name_formula", "name", "error", "bad_name", lambda m: f'=HYPERLINK("http://x","{m.name}")'),
        _cell("name_missing", "name", "error", "bad_name", lambda m: ""),
        _cell("sex_differs", "sex", "new", "sex_differs", lambda m: "女" if m.sex == "男" else "男"),
        _cell("birth_differs", "birth", "new", "birth_differs", lambda m: date(m.birth.year, m.birth.month, m.birth.day % 28 + 1)),
        _cell("relation_unknown", "relation", "new", "relation_unknown", lambda m: "远房表亲" if m.relation not in ("户主", "本人") else "家长"),
        _cell("remark_dead", "remark", "new", "maybe_dead", lambda m: "2017年6月死亡"),
        _home("amount_text", "amount", "new", "", lambda f: _amount(f) + _word(f)),
        _home("amount_wide", "amount", "new", "", lambda f: _wide(_amount(f))),
        _home("amount_decimals", "amount", "error", "bad_amount", lambda f: _amount(f) + "777"),
        _home("amount_negative", "amount", "error", "bad_amount", lambda f: "-" + _amount(f)),
        _home("amount_pending", "amount", "error", "bad_amount", lambda f: "待定"),
        _home("amount_missing", "amount", "error", "bad_amount", lambda f: ""),
        _home("persons_differ", "persons", "new", "persons_differ", lambda f: f.persons + 1),
        _home("start_bad", "start", "error", "bad_month", lambda f: "2017-13"),
        _home("account_luhn", "account", "new", "account_luhn", _luhn_broken),
        _home("account_scientific", "account", "new", "account_damaged", lambda f: f"{f.account[0]}.{f.account[1:6]}E+18"),
        _home("account_missing", "account", "new", "account_missing", lambda f: ""),
        _home("village_unknown", "village", "error", "unknown_place", lambda f: "查无此村"),
        _home("village_long", "village", "new", "", lambda f: f.village.name + ("居委会" if f.village.urban else "村民委员会").removeprefix("村" if f.village.name.endswith("村") else "")),
    ]
)  # fmt: skip

_X_ONLY = {"id_lower_x"}
_CARD_ONLY = {"account_luhn"}


def plant_all(lists: list[Roster], rng: Random) -> None:
    """Change the rosters in place. Natural oddities (rare characters, permits, unknown prefixes) are marked too."""
    for roster in lists:
        free = list(roster.families)
        rng.shuffle(free)
        kinds = [*_KINDS, "duplicate_row", "double_household", "name_conflict"]
        written = LAYOUTS[roster.county.code].columns
        kinds = [kind for kind in kinds if kind != "birth_differs" or "birth" in written]
        rng.shuffle(kinds)
        for kind in kinds[: max(3, len(roster.families) // _SMALL)]:
            for _ in range(max(1, round(len(roster.families) / _ONE_IN))):
                _plant(roster, free, kind, rng)
        for family in roster.families:
            for member in family.members:
                _mark_natural(member)
    _double_programmes(lists, rng)


def _plant(roster: Roster, free: list[FamilyRecord], kind: str, rng: Random) -> None:
    family = _pick(free, kind)
    if family is None:
        return
    at = int(rng.random() * len(family.members))
    member = family.members[at]
    if kind in _X_ONLY:
        member = next(m for m in family.members if m.id_no.endswith("X"))
    if kind in _KINDS:
        _KINDS[kind](family, member, rng)
    elif kind == "duplicate_row":
        again = replace(member, raw={}, plants=[Plant(kind, "id_no", "duplicate", "duplicate")])
        family.members.append(again)
    else:
        _second_household(roster, family, member, kind, rng)


def _pick(free: list[FamilyRecord], kind: str) -> FamilyRecord | None:
    for i in range(len(free) - 1, -1, -1):
        family = free[i]
        if kind in _X_ONLY and not any(m.id_no.endswith("X") for m in family.members):
            continue
        if kind in _CARD_ONLY and len(family.account) != 19:
            continue
        if kind.startswith("id_15") and any(m.birth.year >= 2000 for m in family.members):
            continue
        if kind in ("name_spaces",) and any(len(m.name) < 2 or "·" in m.name for m in family.members):
            continue
        if any(lookup(m.id_no[:6]) is None or m.id_no[:2] in ("81", "83") for m in family.members):
            continue
        return free.pop(i)
    return None


def _second_household(roster: Roster, family: FamilyRecord, member: MemberRecord, kind: str, rng: Random) -> None:
    """A further household, not in the truth, that claims one person of another."""
    name = member.name
    verdict, code = "double", "double_household"
    if kind == "name_conflict":
        name = surname(rng) + given_name(rng, member.sex == "男", 1950)
        verdict, code = "name_conflict", "name_conflict"
        # Which of the two is right cannot be told from the file, so neither goes on the roll.
        member.plants.append(Plant(kind, "id_no", verdict, code))
    twin = replace(
        member,
        name=name,
        relation="本人" if roster.key == "wubao" else "户主",
        raw={},
        plants=[Plant(kind, "id_no", verdict, code)],
    )
    at = roster.families.index(family)
    claim = replace(family, card_no=family.card_no + "Z", members=[twin], persons=1, raw={}, plants=[], extra=True)
    roster.families.insert(min(len(roster.families), at + 1 + int(rng.random() * 30)), claim)


def _double_programmes(lists: list[Roster], rng: Random) -> None:
    """Some on dibao are listed as 五保 as well, or by a second county: told only once the first file is applied."""
    for dibao, wubao in zip(lists[1::3], lists[2::3], strict=True):
        for _ in range(2):
            family = rng.choice(
                [
                    f
                    for f in dibao.families
                    if f.persons == 1 and not f.raw and not f.extra and not any(m.plants or m.raw for m in f.members)
                ]
            )
            twin = replace(
                family.members[0],
                relation="本人",
                plants=[Plant("double_programme", "id_no", "double", "double_receipt")],
            )
            family.members[0].plants.append(Plant("double_programme_first", "id_no", "new", ""))
            wubao.families.append(
                replace(
                    family,
                    card_no=family.card_no + "W",
                    amount_fen=62600,
                    income_fen=0,
                    form="分散供养",
                    self_care="自理",
                    grade="",
                    members=[twin],
                    extra=True,
                )
            )
    first, second = lists[1], lists[4]
    for _ in range(3):
        family = rng.choice(
            [
                f
                for f in first.families
                if f.persons == 1 and not f.raw and not any(m.plants or m.raw for m in f.members)
            ]
        )
        home = rng.choice(second.families)
        twin = replace(family.members[0], plants=[Plant("double_county", "id_no", "double", "double_county")])
        family.members[0].plants.append(Plant("double_county_first", "id_no", "new", ""))
        second.families.append(
            replace(family, card_no=family.card_no + "K", village=home.village, members=[twin], extra=True)
        )


def _mark_natural(member: MemberRecord) -> None:
    if "id_no" in member.raw:
        return
    region = lookup(member.id_no[:6])
    if region is None:
        member.plants.append(Plant("id_unknown_region", "id_no", "new", "id_unknown_region"))
    elif member.id_no.startswith(("81", "83")):
        member.plants.append(Plant("permit", "id_no", "new", ""))
    if "name" in member.raw:
        return
    if "䶮" in member.name:
        # Half of the old machines write the private-use code point of the time before Unicode 3.
        if int(member.id_no[-4:-1]) % 4 < 2:
            member.raw["name"] = member.name.replace("䶮", "\ue863")
            member.plants.append(Plant("name_pua", "name", "new", "name_private_use"))
        else:
            member.plants.append(Plant("name_rare", "name", "new", ""))
    elif "㛃" in member.name or "𬭎" in member.name:
        member.plants.append(Plant("name_rare", "name", "new", ""))
    if "·" in member.name:
        dot = "·•・\uff0e"[int(member.id_no[-4:-1]) % 4]
        member.raw["name"] = member.name.replace("·", dot)
        member.plants.append(Plant("name_dot", "name", "new", "" if dot == "·" else "name_dot"))
