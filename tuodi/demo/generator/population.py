"""Families: who belongs to one, how old, how poor, with which card. One call makes one household.

Every identity number has a sequence of 900 to 995, every phone begins with 19900 and every card has 9900 after its
issuer: the data can be recognised as synthetic at a glance.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from tuodi.demo.generator.names import given_name, minority_name, surname
from tuodi.demo.generator.places import County, Village, villages
from tuodi.kernel.identity import make_id
from tuodi.kernel.luhn import luhn_digit

__all__ = ["BANKS", "Factory", "Household", "Person"]

#: Bank name -> first six digits of its cards. Passbooks (存折) have no check digit.
BANKS = {
    "农商银行": "622412",
    "农业银行": "622848",
    "邮储银行": "622188",
    "建设银行": "621700",
    "工商银行": "622202",
}
_BANK_WEIGHTS = (46, 22, 18, 8, 6)


@dataclass(slots=True)
class Person:
    """One person of one household. Months are running numbers (``Month.no``); ``until`` is the first month without."""

    no: int
    household: int
    name: str
    id_no: str
    male: bool
    birth: date
    relation: str
    phone: str
    health: str
    disability: str
    labour: str
    since: int
    until: int | None = None
    end_reason: str = ""
    died: date | None = None
    head_from: int | None = None
    relation_before: str = ""

    def relation_in(self, month: int) -> str:
        """Relation to the head in that month; an heir was something else before."""
        return self.relation_before if self.head_from is not None and month < self.head_from else self.relation


@dataclass(slots=True)
class Household:
    """One family or 五保 person on the roll.

    Attributes:
        no: Running number.
        card_no: 低保证号 or 五保证号.
        programme: ``dibao`` or ``tekun``.
        category: ``urban`` or ``rural``.
        first: First month inside the generated span.
        until: First month no longer on the roll; None = still on it at the end.
        start: Month the assistance began, often years before ``first``.
        share: Income as a share of the standard, before calibration.
        incomes: From month -> fen a month (urban) or a year (rural), of the whole household.
        places: From month -> village.
    """

    no: int
    card_no: str
    programme: str
    category: str
    county: County
    first: int
    start: int
    bank: str
    account: str
    account_kind: str
    form: str = ""
    self_care: str = ""
    until: int | None = None
    end_reason: str = ""
    members: list[Person] = field(default_factory=list)
    shares: dict[int, float] = field(default_factory=dict)
    places: dict[int, Village] = field(default_factory=dict)

    def present(self, month: int) -> list[Person]:
        """Members counted in that month, head first."""
        here = [p for p in self.members if p.since <= month and (p.until is None or month < p.until)]
        here.sort(key=lambda p: p.relation_in(month) not in ("户主", "本人"))
        return here

    def place(self, month: int) -> Village:
        """Village of residence in that month."""
        return self.places[max(m for m in self.places if m <= month)]


_HEALTH = ("健康", "一般", "体弱", "慢性病", "重病", "残疾")
_HEALTH_YOUNG = (70, 12, 2, 5, 4, 7)
_HEALTH_OLD = (14, 18, 24, 24, 9, 11)
_DISABLED = ("一级", "二级", "三级", "四级")


class Factory:
    """Makes households from one seeded source of chance; ids and accounts never repeat."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self._ids: set[str] = set()
        self._person = 0
        self._household = 0
        self._cards: dict[str, int] = {}
        self._weights: dict[tuple[str, bool], tuple[list[Village], list[int]]] = {}

    def household(self, county: County, programme: str, category: str, first: int, *, fresh: bool) -> Household:
        """One household that enters in month ``first``; not fresh = it has been on the roll for years."""
        rng = self.rng
        self._household += 1
        months_on = 0 if fresh else int(rng.triangular(1, 110, 30))
        prefix = {"urban": "C", "rural": "N"}[category] if programme == "dibao" else "W"
        key = county.code + prefix
        self._cards[key] = self._cards.get(key, 0) + 1
        bank, account, kind = self._account()
        home = Household(
            self._household, f"{county.code}{prefix}{self._cards[key]:05d}", programme, category, county, first,
            first - months_on, bank, account, kind,
        )  # fmt: skip
        home.places[first] = self.village(county, category == "urban")
        if programme == "tekun":
            self._wubao(home)
        else:
            self._family(home)
            home.shares[first] = self.share()
        return home

    def share(self) -> float:
        """Income as a share of the standard: most families have something, some nothing."""
        return 0.0 if self.rng.random() < 0.06 else self.rng.betavariate(1.7, 3.6)

    def village(self, county: County, urban: bool) -> Village:
        """A village or community, by weight."""
        key = (county.code, urban)
        if key not in self._weights:
            rows = [v for v in villages(county.code) if v.urban == urban]
            total, cum = 0, []
            for row in rows:
                total += row.weight
                cum.append(total)
            self._weights[key] = (rows, cum)
        rows, cum = self._weights[key]
        return self.rng.choices(rows, cum_weights=cum)[0]

    def _wubao(self, home: Household) -> None:
        rng = self.rng
        home.form = "集中供养" if rng.random() < 0.36 else "分散供养"
        home.self_care = rng.choices(("自理", "半自理", "不能自理"), (72, 18, 10))[0]
        male = rng.random() < 0.78
        head = self.person(home, surname(rng), male, int(rng.triangular(60, 92, 68)), "本人", home.first)
        if rng.random() < 0.035:
            self.person(home, surname(rng), not male, int(rng.triangular(58, 88, 66)), "配偶", home.first)
        head.labour = "无劳动能力"

    def _family(self, home: Household) -> None:
        rng = self.rng
        urban = home.category == "urban"
        size = rng.choices((1, 2, 3, 4, 5), (59, 25, 11.5, 3.5, 1) if urban else (52, 27, 13.5, 5.5, 2))[0]
        age = int(rng.triangular(44, 88, 62)) if size < 3 else int(rng.triangular(30, 66, 44))
        male = rng.random() < (0.62 if urban else 0.72)
        if rng.random() < 1 / 1800:
            family, name = "", minority_name(rng)
        else:
            family, name = surname(rng), ""
        self.person(home, family, male, age, "户主", home.first, name=name)
        father = family if male else surname(rng)
        while len(home.members) < size:
            kind = rng.random()
            taken = {p.relation for p in home.members}
            if kind < 0.42 and "配偶" not in taken:
                other = surname(rng) if male else father
                self.person(home, other, not male, max(22, age + rng.randint(-6, 5)), "配偶", home.first)
            elif kind < 0.90 and age >= 26:
                boy = rng.random() < 0.56
                self.person(
                    home,
                    father or surname(rng),
                    boy,
                    max(0, age - rng.randint(22, 38)),
                    "之子" if boy else "之女",
                    home.first,
                )
            elif kind < 0.96 and age < 62:
                man = rng.random() < 0.4
                if ("父亲" if man else "母亲") not in taken:
                    self.person(
                        home,
                        family if man else surname(rng),
                        man,
                        min(97, age + rng.randint(20, 33)),
                        "父亲" if man else "母亲",
                        home.first,
                    )
            elif age > 55:
                boy = rng.random() < 0.5
                self.person(
                    home, father or surname(rng), boy, rng.randint(1, 17), "孙子" if boy else "孙女", home.first
                )

    def person(
        self,
        home: Household,
        family: str,
        male: bool,
        age: int,
        relation: str,
        since: int,
        *,
        name: str = "",
        birth: date | None = None,
    ) -> Person:
        """One more member, with an id of the county's prefix (some of elsewhere, some of an abolished code)."""
        rng = self.rng
        self._person += 1
        if birth is None:
            birth = date((home.first - 1) // 12 - max(1, age), 1, 1) + timedelta(days=int(rng.random() * 365))
        draw = rng.random()
        prefixes = home.county.prefixes
        region = prefixes[0] if draw < 0.93 else prefixes[1] if draw < 0.985 else "420600"
        if draw > 0.9996:
            # A prefix no list knows, and permits of people from Hong Kong and Taiwan: rare, valid, to be warned of.
            region = "420890" if draw < 0.9999 else "810000" if draw < 0.99995 else "830000"
        seq = 900 + 2 * int(rng.random() * 48) + (1 if male else 0)
        while (id_no := make_id(region, birth, seq)) in self._ids or id_no.endswith("000"):
            seq = 900 + (seq - 900 + 2) % 96
            birth = birth if rng.random() < 0.9 else birth + timedelta(days=1)
        self._ids.add(id_no)
        year = birth.year
        if not name:
            name = family + given_name(rng, male, year)
        health = rng.choices(_HEALTH, _HEALTH_OLD if age >= 60 else _HEALTH_YOUNG)[0]
        disability = rng.choice(_DISABLED) if health == "残疾" else ""
        able = 16 <= age < 60 and health in ("健康", "一般") and not disability
        labour = (
            "有劳动能力" if able else "部分丧失" if 16 <= age < 70 and health in ("体弱", "慢性病") else "无劳动能力"
        )
        phone = f"19900{rng.randrange(1_000_000):06d}" if age >= 18 and rng.random() < 0.8 else ""
        one = Person(
            self._person, home.no, name, id_no, male, birth, relation, phone, health, disability, labour, since
        )
        home.members.append(one)
        return one

    def _account(self) -> tuple[str, str, str]:
        rng = self.rng
        bank = rng.choices(list(BANKS), _BANK_WEIGHTS)[0]
        if rng.random() < 0.14:
            return bank, f"8{self._household:05d}{rng.randrange(10**11):011d}", "存折"
        stem = f"{BANKS[bank]}9900{self._household:08d}"
        return bank, stem + luhn_digit(stem), "银行卡"
