"""The roll a replay begins with, as the county's own table; and the short list of families that join each quarter."""

from __future__ import annotations

import csv
import io
import random
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tuodi.decisions.rosters import adopt_roster
from tuodi.demo.year.cast import Replay, as_user
from tuodi.intake import roster_actions
from tuodi.kernel import clock
from tuodi.kernel.identity import make_id
from tuodi.kernel.luhn import luhn_digit
from tuodi.kernel.periods import Month
from tuodi.org.access import scope
from tuodi.org.places import tree

__all__ = ["PROFILE", "bring_in", "card", "family_rows", "identity", "neighbour"]

PROFILE = "county-mixed"
_HEADER = (
    "救助类别", "乡镇", "村", "低保证号", "姓名", "身份证号", "与户主关系", "家庭年收入", "户月保障金额", "开户银行", "银行账号",
    "起始年月", "供养方式", "自理能力",
)  # fmt: skip
_SURNAMES = "安柏常杜费葛洪姬阚梁苗倪彭屈阮舒陶万项颜詹"
_GIVEN = (
    "保国", "承志", "丹桂", "尔康", "方正", "冠英", "海棠", "建业", "开元", "兰芝", "茂林", "念慈", "培根", "庆余", "如意", "守信",
    "桐花", "维新", "秀珍", "延年",
)  # fmt: skip
#: Number of people of a family and how often. Couples first, then parents and children.
_SIZES = ((1, 32), (2, 30), (3, 22), (4, 12), (5, 4))
_RELATIONS = ("户主", "配偶", "之子", "之女", "母亲")
_BORN = (1952, 1954, 2003, 2008, 1932)
#: Yuan a person and month: what a family was paid by until the first month (see the place's packs).
_STANDARDS = {
    "y17": {"urban": 500, "rural": 300, "tekun": 550},
    "y20": {"urban": 640, "rural": 375, "tekun": 832},
    "y21": {"urban": 830, "rural": 630, "tekun": 0},
}
_CARE = {"自理": 251, "半自理": 418, "不能自理": 835}


@dataclass(frozen=True)
class _Draw:
    """One family as drawn: programme word, area, people, income a month in yuan, form and self-care of tekun."""

    programme: str
    kind: str
    size: int
    income: int
    form: str = ""
    care: str = ""


def identity(replay: Replay, number: int, at: int, year: int) -> str:
    """The synthetic number of member `at` of family `number`; each replay has birthdays of its own."""
    shift = {"y17": 0, "y20": 1, "y21": 2}[replay.key]
    serial = number * 7 + at
    day = date(year + number // 2000, serial % 12 + 1, serial % 9 + 1 + shift * 9)
    seq = serial // 12 % 990 + 1
    return make_id("420899", day, seq + 1 if seq % 100 == 0 else seq)


def card(replay: Replay, number: int, turn: int = 0) -> str:
    """The bank card of family `number`; `turn` counts the ones it had."""
    body = f"6217{replay.key[1:]}{turn:02d}{number:010d}"
    return body + luhn_digit(body)


def neighbour(number: int) -> str:
    """The name of the neighbour who looks after person `number`."""
    return _SURNAMES[(number * 5 + 3) % len(_SURNAMES)] + _GIVEN[(number * 11 + 6) % len(_GIVEN)]


def _draw(replay: Replay, number: int) -> _Draw:
    luck = random.Random(f"{replay.key}/{number}")
    turn = number % 10
    standard = _STANDARDS[replay.key]
    if replay.key != "y21" and turn in ((8, 9) if replay.key == "y17" else (6, 7, 8, 9)):
        if replay.key == "y17":
            return _Draw("农村特困", "tekun", 1, 0, "分散供养", luck.choice(("自理", "半自理")))
        form = "集中供养" if turn < 8 else "分散供养"
        return _Draw("城市特困", "tekun", 1, 0, form, ("自理", "半自理", "不能自理")[number // 10 % 3])
    kind = "rural" if replay.key == "y17" and turn > 2 else "urban"
    size = luck.choices([size for size, _ in _SIZES], [share for _, share in _SIZES])[0]
    income = luck.randrange(0, standard[kind] * size * 9 // 10, 10)
    return _Draw("农村低保" if kind == "rural" else "城市低保", kind, size, income)


def _amount(replay: Replay, one: _Draw) -> int:
    standard = _STANDARDS[replay.key][one.kind]
    if one.kind == "tekun":
        return standard + (_CARE[one.care] if one.form == "集中供养" and replay.key != "y17" else 0)
    return standard * one.size - one.income


def family_rows(replay: Replay, number: int, start: Month) -> list[list[str]]:
    """The rows of one family, a row a person."""
    one = _draw(replay, number)
    known = tree()
    towns = [code for code in replay.towns if one.kind != "rural" or replay.key != "y17" or code[6:7] == "1"]
    if one.kind == "urban" and replay.key == "y17":
        towns = [code for code in replay.towns if code[6:7] == "0"]
    town = towns[number % len(towns)]
    villages = known.children(town, start.first_day)
    village = villages[number // 5 % len(villages)]
    rows = []
    for at in range(one.size):
        child = at in (2, 3)
        name = (
            _SURNAMES[(number + 7 * (at == 1) + 11 * (at == 4)) % len(_SURNAMES)]
            + _GIVEN[(number * 3 + at * 7) % len(_GIVEN)]
        )
        rows.append([
            one.programme, known.name(town), known.name(village), f"{replay.key.upper()}{number:06d}", name,
            identity(replay, number, at, _BORN[at] + (number % 9 if child else 0)),
            "本人" if one.kind == "tekun" else _RELATIONS[at],
            "" if one.kind == "tekun" else f"{one.income * 12}.00", f"{_amount(replay, one)}.00",
            ("农商银行", "邮储银行")[number % 2], card(replay, number), f"{start.yyyymm}", one.form, one.care,
        ])  # fmt: skip
    return rows


def bring_in(replay: Replay, numbers: range, start: Month, day: date, folder: Path) -> tuple[int, int]:
    """Writes a table of some families, has it read, confirmed, applied and adopted. Returns families and rows held back."""
    sink = io.StringIO()
    csv.writer(sink).writerows(
        [
            [f"{tree().name(replay.place)}救助花名册（{start.label}）"],
            _HEADER,
            *(row for n in numbers for row in family_rows(replay, n, start)),
        ]
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{replay.key}-{start.yyyymm}-花名册.csv"
    path.write_text(sink.getvalue(), encoding="utf-8", newline="")
    with as_user(replay, "dr", day) as clerk:
        staged = roster_actions.stage(
            path, profile=PROFILE, acting_user=clerk, place=replay.place, month=start, is_demo=True
        )
    with clock.frozen(day):
        roster_actions.preview(staged.pk, place=replay.place)
        with scope(clerk):
            roster_actions.confirm(staged.pk, acting_user=clerk)
        roster_actions.apply(staged.pk, place=replay.place)
        with scope(clerk):
            staged.refresh_from_db()
            adopt_roster(staged, acting_user=clerk)
    held = sum(n for verdict, n in staged.counts["rows"].items() if verdict not in ("new", "unchanged"))
    return staged.progress_done, held
