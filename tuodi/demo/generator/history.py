"""Eighteen months of the roll: who enters, leaves, dies, is born, moves, earns more; counts hit to the row.

The source prints 444,646 monthly payment rows from 2016-07 to 2017-04: 183,028 urban, 218,580 rural, 43,038 五保;
68,000 people on dibao in August 2017; and 2,464 households with 3,835 people in 掇刀区. All are met exactly.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import NamedTuple

from tuodi.demo.generator.names import surname
from tuodi.demo.generator.places import COUNTIES, County
from tuodi.demo.generator.population import Factory, Household, Person
from tuodi.kernel.periods import Month

__all__ = ["AS_OF", "COUNTED", "FIRST", "LAST", "Event", "Roll", "build", "plan_counts"]

FIRST = Month(2016, 7)
LAST = Month(2017, 12)
#: The month whose roster the offices send, and at which the source counts people.
AS_OF = Month(2017, 8)

_COUNTED_MONTHS = 10
#: Last month of the printed payment rows.
COUNTED = FIRST + (_COUNTED_MONTHS - 1)
_ROWS = {("dibao", "urban"): 183_028, ("dibao", "rural"): 218_580, ("tekun", "rural"): 43_038}
_DRIFT = {("dibao", "urban"): -14, ("dibao", "rural"): -9, ("tekun", "rural"): 6}
_PINNED = {("420804", "urban"): 1391, ("420804", "rural"): 1073}
_DUODAO_PEOPLE = 3835
_PEOPLE = 68_000


class Event(NamedTuple):
    """One thing that happened. ``month`` is the first month it shows on the roll; ``person`` 0 = the family."""

    month: int
    kind: str
    household: int
    person: int
    detail: str


@dataclass
class Roll:
    """All households that were ever on the roll in the span, and what happened, in order of time."""

    households: list[Household] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def on(self, month: int) -> Iterator[Household]:
        """Households on the roll in a month, in order of entry."""
        for home in self.households:
            if home.first <= month and (home.until is None or month < home.until):
                yield home


def plan_counts() -> dict[tuple[str, str, str], list[int]]:
    """Households for each (county, programme, category) and month; the first ten months sum to the printed rows."""
    months = LAST - FIRST + 1
    plan: dict[tuple[str, str, str], list[int]] = {(c.code, *k): [] for c in COUNTIES for k in _ROWS}
    for key, rows in _ROWS.items():
        drift = _DRIFT[key]
        middle = rows / _COUNTED_MONTHS
        totals = [round(middle + drift * (m - (_COUNTED_MONTHS - 1) / 2)) for m in range(months)]
        slack = rows - sum(totals[:_COUNTED_MONTHS])
        for m in range(abs(slack)):
            totals[m % _COUNTED_MONTHS] += 1 if slack > 0 else -1
        share = {
            c.code: {"urban": c.urban, "rural": c.rural}[key[1]] if key[0] == "dibao" else c.wubao for c in COUNTIES
        }
        for m, total in enumerate(totals):
            fixed: dict[str, int] = {}
            if key[0] == "dibao":
                # 掇刀 moves by a household now and then and stands on the printed count in the month of the source.
                fixed["420804"] = _PINNED["420804", key[1]] - (m - (AS_OF - FIRST)) // 3
            open_share = sum(s for code, s in share.items() if code not in fixed)
            rest = total - sum(fixed.values())
            exact = {code: rest * s / open_share for code, s in share.items() if code not in fixed}
            given = {code: int(x) for code, x in exact.items()} | fixed
            for code in sorted(exact, key=lambda c: int(exact[c]) - exact[c])[: total - sum(given.values())]:
                given[code] += 1
            for code, count in given.items():
                plan[code, *key].append(count)
    return plan


def build(rng: Random) -> Roll:
    """The whole history from one source of chance."""
    factory = Factory(rng)
    roll = Roll()
    counties = {c.code: c for c in COUNTIES}
    for (code, programme, category), counts in plan_counts().items():
        _one_list(roll, factory, rng, counties[code], programme, category, counts)
    _fit_people(roll, factory, rng)
    roll.events.sort()
    return roll


def _one_list(
    roll: Roll, factory: Factory, rng: Random, county: County, programme: str, category: str, counts: list[int]
) -> None:
    first = FIRST.no
    here = [factory.household(county, programme, category, first, fresh=False) for _ in range(counts[0])]
    everybody = list(here)
    for step in range(1, len(counts)):
        month = first + step
        staying: list[Household] = []
        for home in here:
            if _lives_on(roll, factory, rng, home, month):
                staying.append(home)
        # People whose means have grown leave as well; at least so many that the plan can be met.
        spare = len(staying) - counts[step]
        quota = max(spare, int(len(staying) * (0.0045 if programme == "dibao" else 0.0005)))
        leaving = set(rng.sample(range(len(staying)), max(0, quota)))
        for i in leaving:
            _leave(roll, staying[i], month, "收入超过标准" if programme == "dibao" else "有法定赡养人")
        here = [home for i, home in enumerate(staying) if i not in leaving]
        while len(here) < counts[step]:
            home = factory.household(county, programme, category, month, fresh=True)
            here.append(home)
            everybody.append(home)
            roll.events.append(Event(month, "新增", home.no, 0, ""))
    roll.households += everybody


def _leave(roll: Roll, home: Household, month: int, reason: str) -> None:
    home.until, home.end_reason = month, reason
    roll.events.append(Event(month, "退出", home.no, 0, reason))


def _lives_on(roll: Roll, factory: Factory, rng: Random, home: Household, month: int) -> bool:
    """One month of one family; False if nobody is left."""
    year = (month - 1) // 12
    draw = rng.random
    alive = 0
    for person in home.members:
        if person.until is not None:
            continue
        age = year - person.birth.year
        hazard = 0.0002 if age < 60 else 0.0013 if age < 75 else 0.0045
        chance = draw()
        if chance < hazard:
            _end(roll, home, person, month, "死亡")
            last = Month.from_no(month - 1)
            person.died = date(last.year, last.month, 1 + int(draw() * monthrange(last.year, last.month)[1]))
        elif chance > 0.9991 and 18 <= age < 45 and person.relation in ("之子", "之女"):
            _end(roll, home, person, month, "结婚迁出" if draw() < 0.6 else "就业迁出")
        else:
            alive += 1
    if not alive:
        _leave(roll, home, month, "死亡")
        return False
    _replace_head(roll, home, month)
    if home.programme == "dibao":
        _family_month(roll, factory, rng, home, month, year)
    return True


def _replace_head(roll: Roll, home: Household, month: int) -> None:
    here = home.present(month)
    if here[0].relation in ("户主", "本人"):
        return
    # The head died or left; the eldest takes over the card.
    heir = min(here, key=lambda p: p.birth)
    roll.events.append(Event(month, "户主变更", home.no, heir.no, ""))
    word = "本人" if home.programme == "tekun" else "户主"
    heir.head_from, heir.relation_before, heir.relation = month, heir.relation, word


def _family_month(roll: Roll, factory: Factory, rng: Random, home: Household, month: int, year: int) -> None:
    chance = rng.random()
    if chance < 0.006:
        home.shares[month] = factory.share()
        roll.events.append(Event(month, "收入变化", home.no, 0, ""))
    elif chance < 0.0065:
        village = factory.village(home.county, home.category == "urban")
        if village.code != home.place(month - 1).code:
            home.places[month] = village
            roll.events.append(Event(month, "县内迁移", home.no, 0, village.code))
    elif chance < 0.0075 and any(not p.male and 20 <= year - p.birth.year < 41 for p in home.present(month)):
        boy = rng.random() < 0.52
        last = Month.from_no(month - 1)
        birth = date(last.year, last.month, 1 + int(rng.random() * 28))
        head = home.present(month)[0]
        family = (head.name[:1] if "·" not in head.name else "") or surname(rng)
        baby = factory.person(home, family, boy, 0, "之子" if boy else "之女", month, birth=birth)
        roll.events.append(Event(month, "出生", home.no, baby.no, ""))


def _end(roll: Roll, home: Household, person: Person, month: int, reason: str) -> None:
    person.until, person.end_reason = month, reason
    roll.events.append(Event(month, reason, home.no, person.no, ""))


def _fit_people(roll: Roll, factory: Factory, rng: Random) -> None:
    """Add or leave out quiet members (present all the time, in no event) until the head counts are the printed ones."""
    month = AS_OF.no
    on = [h for h in roll.on(month) if h.programme == "dibao"]
    duodao = [h for h in on if h.county.code == "420804"]
    _fit(duodao, month, _DUODAO_PEOPLE, factory, rng)
    _fit([h for h in on if h.county.code != "420804"], month, _PEOPLE - _DUODAO_PEOPLE, factory, rng)


def _fit(homes: list[Household], month: int, target: int, factory: Factory, rng: Random) -> None:
    have = sum(len(h.present(month)) for h in homes)
    order = homes[:]
    rng.shuffle(order)
    for home in order:
        if have == target:
            return
        if have > target:
            quiet = [p for p in home.members[1:] if p.since == home.first and p.until is None and p.relation != "户主"]
            if quiet and home.members[0].until is None and home.members[0].head_from is None:
                home.members.remove(quiet[-1])
                have -= 1
        elif len(home.members) == 1 and home.members[0].until is None and home.members[0].birth.year < 1985:
            head = home.members[0]
            factory.person(home, surname(rng), not head.male, 2016 - head.birth.year, "配偶", home.first)
            have += 1
    raise RuntimeError(f"cannot fit {have} people to {target}")
