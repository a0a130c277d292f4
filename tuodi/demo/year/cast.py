"""Which places are played anew, over which months, and who works there.

荆门's year stands in a standard area of its own (`policies-hypothetical/year-replay`), for the prefecture's own roll is paid
by the chapters before. 宽城 and a district of 云南 stand where they are; nothing else of the demo happens there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from tuodi.demo.staff import user
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org import actions
from tuodi.org.access import scope
from tuodi.org.models import Office, Place, User
from tuodi.org.places import tree

__all__ = ["JINGMEN", "KUANCHENG", "REPLAYS", "YUNNAN", "Replay", "as_user", "set_up"]

_SINCE = date(2016, 1, 4)


@dataclass(frozen=True)
class Replay:
    """One place and its months.

    Attributes:
        key: begins the user names. place: county, significant digits. first, last: months paid.
        towns: codes of nine characters; the first is where relief is given in cash.
        families: on the roll when it begins. town_confirms: dibao is confirmed by the township.
        payer: the account paid from. way: how files travel to the bank.
    """

    key: str
    title: str
    place: str
    first: Month
    last: Month
    towns: tuple[str, ...]
    families: int
    town_confirms: bool
    payer: str
    way: str

    @property
    def months(self) -> list[Month]:
        """Every month paid, in order."""
        return [self.first + n for n in range(12) if self.first + n <= self.last]

    @property
    def year(self) -> int:
        """The calendar year that is settled."""
        return self.first.year

    @property
    def entered(self) -> date:
        """The day the roster is brought in: in the month before the first."""
        before = self.first.prev()
        return date(before.year, before.month, 15)

    def who(self, role: str) -> str:
        """User name of an officer of the place."""
        return f"{self.key}-{role}"


JINGMEN = Replay(
    "y17", "荆门 2017 年（年度重放区）", "4299Z1", Month(2017, 1), Month(2017, 12),
    ("4299Z1001", "4299Z1002", "4299Z1101", "4299Z1102"), 1500, False, "4200017000000017", "http",
)  # fmt: skip
KUANCHENG = Replay(
    "y21", "长春市宽城区 2021 年下半年", "220103", Month(2021, 7), Month(2021, 12), ("220103005",), 200, True,
    "2200017000000021", "folder",
)  # fmt: skip
YUNNAN = Replay(
    "y20", "云南（昆明市五华区）2020 年下半年", "530102", Month(2020, 7), Month(2020, 12), ("530102002",), 200, False,
    "5300017000000020", "http",
)  # fmt: skip
REPLAYS = (JINGMEN, KUANCHENG, YUNNAN)

#: The area's own places, which no list has.
_AREA = (
    ("4299", "年度重放（演示）"), ("4299Z1", "荆门年度重放区"),
    ("4299Z1001", "长宁街道"), ("4299Z1001001", "东门社区"), ("4299Z1001002", "河堤社区"),
    ("4299Z1002", "白龙街道"), ("4299Z1002001", "白龙社区"), ("4299Z1002002", "车站社区"),
    ("4299Z1101", "石桥镇"), ("4299Z1101001", "石桥村"), ("4299Z1101002", "双井村"), ("4299Z1101003", "陈集村"),
    ("4299Z1102", "曾集镇"), ("4299Z1102001", "曾集村"), ("4299Z1102002", "杨林村"), ("4299Z1102003", "柴湖村"),
)  # fmt: skip
#: Role -> whether it sits in the first town, its label, duties.
_ROLES = {
    "dr": (False, "花名册", ("roll_import",)),
    "bz": (False, "发放编制", ("pay_prepare",)),
    "jy": (False, "发放校验", ("pay_check",)),
    "sp": (False, "发放审批", ("pay_approve",)),
    "yh": (False, "送银行", ("pay_send",)),
    "zj": (False, "资金管理", ("fund_keep",)),
    "cz": (False, "财政审核", ("fund_review",)),
    "hd": (False, "变化核实", ("review", "visit")),
    "qr": (False, "审批", ("confirm",)),
    "bzn": (False, "标准拟订", ("standards",)),
    "bzh": (False, "标准会签", ("standards_opinion",)),
    "bzp": (False, "标准批准", ("standards_approve",)),
    "jd": (False, "督查", ("supervise",)),
    "sl": (True, "街道受理", ("accept",)),
    "by": (True, "街道备用金", ("petty_cash",)),
    "tq": (True, "街道审批", ("confirm",)),
}
_NAMES = (
    "韦青",
    "骆平",
    "覃芳",
    "滕飞",
    "莫兰",
    "宫达",
    "匡义",
    "尹丽",
    "费明",
    "岑雪",
    "梅玲",
    "仲良",
    "卞强",
    "娄静",
    "邬琼",
    "艾军",
)


@transaction.atomic
def set_up(replay: Replay) -> None:
    """Places, offices and officers of a place; those there are stay. No password: the system administrator sets one."""
    with clock.frozen(_SINCE):
        if replay.key == "y17":
            known = tree()
            rows = [
                Place(code=code, name=name, since=date(2010, 1, 1)) for code, name in _AREA if not known.known(code)
            ]
            Place.objects.bulk_create(rows)
        for name, (role, (in_town, _, duties)) in zip(_NAMES, _ROLES.items(), strict=True):
            username = replay.who(role)
            if User.objects.filter(username=username).exists():
                continue
            place = replay.towns[0] if in_town else replay.place
            account = actions.add_user(
                acting_user=None, username=username, name=name, office=_office(place), password=None, is_demo=True
            )
            for duty in duties:
                actions.grant_duty(acting_user=None, user=account, code=duty)


def _office(place: str) -> Office:
    suffix = "民政局" if len(place) == 6 else "民政办"
    parent = Office.objects.filter(place_code=place[:6]).first() if len(place) > 6 else None
    return actions.add_office(
        acting_user=None, name=f"{tree().name(place)}{suffix}", place_code=place, parent=parent, is_demo=True
    )


@contextmanager
def as_user(replay: Replay, role: str, when: date | datetime) -> Iterator[User]:
    """An officer at work on a day: his range is open, and a transaction with it."""
    officer = user(replay.who(role))
    with clock.frozen(when), scope(officer):
        yield officer
