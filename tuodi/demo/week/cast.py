"""Who plays in the week of work: counters, families of the roll, families invented for it; and a scene that plays once."""

from __future__ import annotations

import struct
import uuid
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from django.db import transaction
from django.db.models import Count, Q

from tuodi.audit.actions import record
from tuodi.audit.models import AuditEntry
from tuodi.decisions.models import Determination
from tuodi.demo.generator.places import villages
from tuodi.demo.staff import (
    COUNTY_TAGS,
    DESK_TOWNS,
    FAMILY_TOWN,
    PILOT_TOWN,
    clue_officer,
    confirmer,
    user,
)
from tuodi.intake.family_actions import NewMember, register_family
from tuodi.kernel import clock
from tuodi.kernel.identity import make_id
from tuodi.kernel.luhn import luhn_digit
from tuodi.kernel.places import pad12
from tuodi.monitoring.models import Clue
from tuodi.org.access import scope, system_scope
from tuodi.org.models import User
from tuodi.people import actions as people
from tuodi.people.models import Account, Household, Person, ResidentAccount, RollEntry
from tuodi.people.residents import register_phone

__all__ = [
    "DESKS",
    "PLACE",
    "TODAY",
    "Desk",
    "Tell",
    "account_of",
    "acting",
    "desk_at",
    "families_of",
    "fresh",
    "invent",
    "key",
    "moment",
    "of",
    "once",
    "open_account",
    "paper",
    "persons_of",
    "pick",
    "played",
    "remembered",
    "settle",
    "staff",
    "strokes",
]  # fmt: skip

PLACE = "4208"
#: The day the workbench of the demo opens on.
TODAY = date(2017, 9, 11)
_DONE = "demo.scene"
Tell = Callable[[str], None]

_SURNAMES = "敖卜柴邓樊戈郝纪靳康雷麻聂欧庞祁饶沙谈危翁奚燕臧翟占"
_GIVEN = (
    "春梅", "德林", "桂枝", "华安", "金凤", "立群", "明秀", "平安", "秋生", "荣华", "尚文", "天佑", "玉兰", "志远", "长福", "翠云",
    "冬生", "凤仪", "广才", "红英",
)  # fmt: skip


@dataclass(frozen=True)
class Desk:
    """One counter: its place and the user names of its officers. `second` is empty where nobody stands in."""

    town: str
    village: str
    accept: str
    review: str
    visit: str
    second: str = ""

    @property
    def villages(self) -> tuple[str, ...]:
        """Up to four villages whose families come to it, its own first."""
        return tuple(one.code for one in villages(self.town[:6]) if one.code.startswith(self.town))[:4]

    @property
    def county(self) -> str:
        """Six characters."""
        return self.town[:6]

    @property
    def tag(self) -> str:
        """How the accounts of its county begin."""
        return COUNTY_TAGS[self.county]

    @property
    def confirm(self) -> str:
        """Who confirms dibao for a family of the town."""
        return confirmer(self.town)


def _desk(town: str) -> Desk:
    village = next(one.code for one in villages(town[:6]) if one.code.startswith(town))
    if town in (FAMILY_TOWN, PILOT_TOWN):
        own = "jiedao" if town == FAMILY_TOWN else "pilot"
        return Desk(town, village, f"{own}-sl", f"{own}-sh", f"{own}-rh", "jiedao-sl2" if own == "jiedao" else "")
    return Desk(town, village, f"sl-{town.lower()}", f"sh-{town.lower()}", clue_officer(town))


#: The counters, the family's street first.
DESKS = tuple(_desk(town) for town in (FAMILY_TOWN, PILOT_TOWN, *DESK_TOWNS))


def desk_at(region: str) -> Desk:
    """The counter of a village's town."""
    return next(desk for desk in DESKS if region.startswith(desk.town))


def moment(day: date, hour: int = 9, minute: int = 0) -> datetime:
    """A time of the story. On its last day everything happens before the offices open: the reader's clock stands on that day."""
    if day == TODAY:
        hour //= 3
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=clock.BEIJING)


_staff: dict[str, User] = {}


def staff(username: str) -> User:
    """An account, looked up once a scene."""
    if username not in _staff:
        _staff[username] = user(username)
    return _staff[username]


@contextmanager
def acting(username: str, when: date | datetime) -> Iterator[User]:
    """An officer at work: the clock stands at the moment, his range is open."""
    officer = staff(username)
    with clock.frozen(when if isinstance(when, datetime) else moment(when)), scope(officer):
        yield officer


def once(name: str, play: Callable[[], tuple[str, dict[str, Any]] | str], tell: Tell) -> None:
    """Plays a scene whole or not at all, and never again. Its last deed is a row of the log that says what came of it.

    Args:
        play: Returns the sentence to tell, and what later scenes must know.
    """
    _staff.clear()
    said = played(name)
    if said is None:
        with transaction.atomic():
            found = play()
            text, kept = (found, {}) if isinstance(found, str) else found
            said = {"said": text, **kept}
            with system_scope(PLACE):
                record(_DONE, actor=None, subject_type="demo", subject_id=name, region=pad12(PLACE), after=said)
    if said["said"]:
        tell(f"  {said['said']}")


def played(name: str) -> dict[str, Any] | None:
    """What a scene left behind; None = it has not been played."""
    with system_scope(PLACE):
        return AuditEntry.objects.filter(action=_DONE, subject_id=name).values_list("after", flat=True).first()


def remembered(name: str, what: str) -> Any:
    """One thing a scene left behind for later ones; None = nothing."""
    return (played(name) or {}).get(what)


def key(name: str) -> uuid.UUID:
    """The key of a form: the same in every demo."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"demo/{name}")


def pick() -> tuple[str, dict[str, Any]]:
    """The families of the roll that play: of each counter those nobody has looked into, by number. Read once, then kept."""
    pool: dict[str, dict[str, list[Any]]] = {}
    busy = Clue.objects.values("household_id")
    decided = Determination.objects.filter(kind=Determination.Kind.FAMILY, case__isnull=True).values("household_id")
    for desk in DESKS:
        with system_scope(desk.town):
            standing = RollEntry.objects.filter(
                region__startswith=desk.town, imported=True, start_month__lte=201708
            ).filter(Q(end_month__isnull=True) | Q(end_month__gte=201709))
            free = standing.exclude(household__in=busy).exclude(household__in=decided)
            rows = (
                Household.objects.filter(
                    pk__in=free.filter(programme="dibao", amount_fen__gt=15_000).values("household_id"),
                    facts__income_year_fen__gt=0, closed_on__isnull=True,
                )
                .annotate(persons=Count("memberships", filter=Q(memberships__until__isnull=True), distinct=True))
                .order_by("no")
            )  # fmt: skip
            pool[desk.town] = {
                "many": list(rows.filter(persons__gte=2, persons__lte=4).values_list("pk", flat=True)[:12]),
                "one": list(rows.filter(persons=1).values_list("pk", flat=True)[:8]),
                "tekun": [
                    list(pair)
                    for pair in free.filter(programme="tekun").order_by("household__no", "person_id")
                    .values_list("household_id", "person_id")[:6]
                ],
            }  # fmt: skip
    many = sum(len(of["many"]) + len(of["one"]) for of in pool.values())
    return f"从名册里选出演示用的在册家庭 {many} 户", {"pool": pool}


def families_of(desk: Desk, kind: str, first: int, count: int = 1) -> list[Household]:
    """Some of the families picked: `many` have several members, `one` has one. Fewer where the roll is small."""
    pool = remembered("pick", "pool") or {}
    wanted = pool.get(desk.town, {}).get(kind, [])[first : first + count]
    with system_scope(desk.county):
        found = {home.pk: home for home in Household.objects.filter(pk__in=wanted).select_related("head")}
    return [found[pk] for pk in wanted if pk in found]


def persons_of(desk: Desk) -> list[tuple[Household, Person]]:
    """Tekun persons picked, with their households."""
    pool = remembered("pick", "pool") or {}
    pairs = pool.get(desk.town, {}).get("tekun", [])
    with system_scope(desk.county):
        homes = Household.objects.in_bulk([home for home, _ in pairs])
        people = Person.objects.in_bulk([person for _, person in pairs])
    return [(homes[home], people[person]) for home, person in pairs]


@dataclass(frozen=True)
class Invented:
    """A family nobody has registered yet."""

    number: int
    members: tuple[NewMember, ...]

    @property
    def head(self) -> str:
        """The head's name."""
        return self.members[0].name


@cache
def invent(number: int, size: int = 1) -> Invented:
    """Family `number` of the week: always the same names and numbers, of the area 420899 that does not exist."""

    def one(at: int, relation: str, year: int) -> NewMember:
        serial = 301 + (number * 5 + at) % 690
        serial += not serial % 100
        given = _GIVEN[(number * 7 + at * 3) % len(_GIVEN)]
        surname = _SURNAMES[(number + (9 * at if relation == "spouse" else 0)) % len(_SURNAMES)]
        birth = date(year, number % 12 + 1, (number * 5 + at) % 27 + 1)
        phone = f"1380000{number:04d}" if at == 0 else ""
        return NewMember(surname + given, make_id("420899", birth, serial), relation, phone)

    born = 1948 + number * 7 % 32
    shape = (("self", born), ("spouse", born + 2), ("child", 2004 + number % 8), ("child", 2009 + number % 5))
    return Invented(number, tuple(one(at, *who) for at, who in enumerate(shape[:size])))


def settle(desk: Desk, number: int, size: int, when: date | datetime, *, area: str = "urban") -> Household:
    """Registers an invented family at a counter."""
    with acting(desk.accept, when) as clerk:
        return register_family(
            acting_user=clerk, place=of(desk.villages, number), area_kind=area, members=invent(number, size).members,
            address=f"{number % 9 + 1} 组 {number % 30 + 1} 号",
        )  # fmt: skip


def account_of(desk: Desk, person: Person, when: date | datetime) -> ResidentAccount:
    """The resident's account: his phone is registered at the counter where it is not yet."""
    with acting(desk.accept, when) as clerk:
        found = ResidentAccount.objects.filter(person=person).first()
        if found is None:
            # Of what is the same in every demo: row numbers are not, once a demo was killed.
            digits = zlib.crc32(f"{person.name}{person.birth}".encode()) % 10**8
            found = register_phone(acting_user=clerk, person=person, phone=f"139{digits:08d}")
        return ResidentAccount.objects.select_related("person").get(pk=found.pk)


def fresh(row: Any) -> Any:
    """The row as it is now."""
    with system_scope(PLACE):
        row.refresh_from_db()
    return row


def open_account(officer: User, person: Person, number: int) -> Account:
    """A bank account for a family invented for the week; said twice, it is the same."""
    card = f"62284800{number:010d}"
    return people.add_account(
        acting_user=officer, person=person, number=card + str(luhn_digit(card)), bank_code="农业银行",
        holder=person.name, since=clock.today(),
    )  # fmt: skip


def strokes(seed: int) -> list[list[list[int]]]:
    """A signature as a finger would draw it."""
    return [
        [[90 + 35 * at, 90 + (seed * 37 + at * at * 53) % 110] for at in range(9)],
        [[430, 80 + seed % 40], [470, 210], [540, 120 + seed % 60], [600, 190]],
    ]


def paper(seed: int, *, width: int = 480, height: int = 640) -> bytes:
    """A picture that stands for a photographed paper: lines of grey on white, no text. PNG."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    blank = b"\0" + b"\xf4" * width
    rows = []
    for line in range(height // 28):
        long = width - 90 - (seed * 61 + line * 97) % 170
        shade = (0x55 if 50 < x < long and (x * 7 + line * 13 + seed) % 19 > 3 else 0xF4 for x in range(width))
        rows += [b"\0" + bytes(shade)] * 10 + [blank] * 18 if 2 <= line < height // 28 - 2 else [blank] * 28
    rows += [blank] * (height % 28)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(b"".join(rows))), chunk(b"IEND", b""),
        )
    )  # fmt: skip


def of(rows: Sequence[Any], at: int) -> Any:
    """One of several, round and round."""
    return rows[at % len(rows)]
