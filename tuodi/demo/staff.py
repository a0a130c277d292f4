"""Places, offices and accounts of the demo: from the province to a village, each duty in its own hands."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from django.db import transaction

from tuodi.demo.generator.places import COUNTIES, place_rows, villages
from tuodi.kernel import clock
from tuodi.org import actions
from tuodi.org.models import Office, Place, User
from tuodi.org.places import tree

__all__ = [
    "COUNTY_TAGS",
    "DESK_TOWNS",
    "FAMILY_TOWN",
    "FAMILY_VILLAGE",
    "PILOT_TOWN",
    "PROVIDER",
    "Account",
    "accounts",
    "clue_officer",
    "confirmer",
    "grid_worker",
    "note_passwords",
    "set_up_places",
    "set_up_staff",
    "user",
]

#: Where the demo's family lives: a community of 东宝区 (the county approves) and a street of 掇刀区 (the town approves).
FAMILY_VILLAGE = "420802001001"
FAMILY_TOWN = FAMILY_VILLAGE[:9]
PILOT_TOWN = "420804001"
_SINCE = date(2016, 1, 4)
#: County or area -> how its accounts begin.
COUNTY_TAGS = {
    "420802": "dongbao", "420804": "duodao", "4208Z1": "zhanghe", "420821": "jingshan", "420822": "shayang",
    "420881": "zhongxiang", "4208Z2": "qujialing",
}  # fmt: skip
#: Towns whose counters work in the demo, beside those two; each takes calls, visitors and applications.
DESK_TOWNS = (
    "420802101", "420804100", "4208Z1102", "420821001", "420822100", "420881001", "420881100", "4208Z2451",
)  # fmt: skip
#: Of these, whose accounts have a password; and the villages whose grid worker has one.
_OPEN_DESKS = ("420802101", "420881001")
_GRIDS = (FAMILY_VILLAGE, "420804001001")
#: Who visited 掇刀's families, and the county whose towns confirm by themselves.
PROVIDER = "荆门市蓝天社会工作服务中心"
_TOWNS_CONFIRM = "420804"


@dataclass(frozen=True)
class Account:
    """One demo account: who, where, which duties."""

    username: str
    name: str
    place: str
    duties: tuple[str, ...]
    provider: bool = False  #: works for the third party
    signs_in: bool = True  #: has a password; the others wait for one, so that a demo need not hash a hundred


_PAY = (
    ("bz", "发放编制", "pay_prepare"),
    ("jy", "发放校验", "pay_check"),
    ("sp", "发放审批", "pay_approve"),
    ("yh", "送银行", "pay_send"),
)


def accounts() -> list[Account]:
    """Every demo account. Names are invented; the user name says place and duty."""
    rows = [
        Account("sheng", "省厅监督 向兰", "42", ("supervise",)),
        Account("guanli", "系统管理 石磊", "4208", ("sysadmin",)),
        Account("anquan", "安全管理 韩梅", "4208", ("security",)),
        Account("shenji", "审计 邹正", "4208", ("audit_view",)),
        Account("shi-dr", "市局花名册 龚敏", "4208", ("roll_import",)),
        Account("shi-bz", "市局标准 唐宁", "4208", ("standards",)),
        Account("shi-bzhq", "市财政统计物价会签 严俊", "4208", ("standards_opinion",)),
        Account("shi-bzpz", "市局标准批准 苏平", "4208", ("standards_approve",)),
        Account("dongbao-bzhq", "区政府标准会签 丁岚", "420802", ("standards_opinion",)),
        Account("shi-fy", "市局复议 曾琴", "4208", ("appeal", "complaint")),
    ]
    for short, label, duty in _PAY:
        name = {"pay_prepare": "吴江", "pay_check": "何静", "pay_approve": "陈建国", "pay_send": "刘洋"}[duty]
        rows.append(
            Account(
                f"shi-{short}f" if duty == "pay_prepare" else f"shi-{short}", f"市局{label} {name}", "4208", (duty,)
            )
        )
    for place, tag in (("420802", "dongbao"), ("420804", "duodao")):
        rows += [
            Account(f"{tag}-zj", "区资金管理 邱磊", place, ("fund_keep",)),
            Account(f"{tag}-cz", "区财政审核 贺琳", place, ("fund_review",)),
            Account(f"{tag}-hd", "区核对审核 李红", place, ("review", "visit")),
            Account(f"{tag}-qr", "区审批 王毅", place, ("confirm",)),
            Account(f"{tag}-ba", "区备案 孙丽", place, ("file",)),
            Account(f"{tag}-ts", "区投诉复议 邓平", place, ("appeal", "complaint")),
        ]
    for town, tag in ((FAMILY_TOWN, "jiedao"), (PILOT_TOWN, "pilot")):
        rows += [
            Account(f"{tag}-sl", "街道受理 张敏", town, ("accept",)),
            Account(f"{tag}-sh", "街道初审 周华", town, ("review", "visit")),
            Account(f"{tag}-rh", "街道入户 赵刚", town, ("visit",)),
            Account(f"{tag}-by", "街道备用金 马莉", town, ("petty_cash",)),
        ]
    rows.append(Account("pilot-qr", "街道确认 林涛", PILOT_TOWN, ("confirm",)))
    return rows + _checking() + _desks()


def _desks() -> list[Account]:
    """The counters of more towns, the stand-in and the grid worker of the family's street, and who hears complaints elsewhere."""
    rows = [Account("jiedao-sl2", "街道受理 柯英", FAMILY_TOWN, ("accept",))]
    for at, town in enumerate(DESK_TOWNS):
        told = town in _OPEN_DESKS
        clerk, reviewer = (("彭莉", "秦勇"), ("龚玲", "熊斌"), ("阮静", "谭毅"), ("卢敏", "丁峰"))[at % 4]
        rows += [
            Account(f"sl-{town.lower()}", f"乡镇受理 {clerk}", town, ("accept",), signs_in=told),
            Account(f"sh-{town.lower()}", f"乡镇初审 {reviewer}", town, ("review", "visit"), signs_in=told),
        ]
    for village in dict.fromkeys((*_GRIDS, *(_first_village(town) for town in DESK_TOWNS))):
        told = village == FAMILY_VILLAGE
        rows.append(Account(grid_worker(village), "网格员 毛小兰", village, ("visit",), signs_in=told))
    for place in ("420821", "420822", "420881"):
        rows.append(Account(f"{COUNTY_TAGS[place]}-ts", "县级投诉复议 左芸", place, ("appeal", "complaint")))
    return rows


def _first_village(town: str) -> str:
    return next(village.code for village in villages(town[:6]) if village.code.startswith(town))


def grid_worker(village: str) -> str:
    """User name of the grid worker of a village."""
    return f"wg-{village.lower()}"


def _checking() -> list[Account]:
    """Who looks after registers, clues and hand-overs: each duty in its own hands, in every county and town."""
    rows = [
        Account("shi-bd", "市局大数据比对 彭程", "4208", ("sweep",)),
        Account("shi-yj", "市局数据移交 谢芳", "4208", ("hand_over",)),
        Account("shi-ys", "市局移交审批 郑国平", "4208", ("hand_over_approve",)),
        Account("shi-dd", "市局督办 魏红", "4208", ("supervise",)),
    ]
    for place, tag in COUNTY_TAGS.items():
        rows += [
            Account(f"{tag}-hc", "县级核对 汪洁", place, ("verify",)),
            Account(f"{tag}-xs", "县级线索处理 余勇", place, ("clue_decide",)),
            Account(f"{tag}-xh", "县级线索销号 夏敏", place, ("clue_close",)),
        ]
        if place not in ("420802", "420804"):
            rows += [
                Account(f"{tag}-hd", "县级核对审核 田玉", place, ("review", "visit")),
                Account(f"{tag}-qr", "县级审批 袁志刚", place, ("confirm",)),
            ]
        towns = _towns(place)
        for town in towns:
            at_hand = town in (towns[0], FAMILY_TOWN, PILOT_TOWN)
            rows.append(Account(clue_officer(town), "乡镇线索核实 何苗", town, ("clue", "visit"), signs_in=at_hand))
            if place == _TOWNS_CONFIRM and town != PILOT_TOWN:
                rows.append(Account(confirmer(town), "街道确认 林涛", town, ("confirm",), signs_in=False))
    rows += [
        Account(f"lantian-{at}", f"第三方核查 {name}", _TOWNS_CONFIRM, ("third_party",), provider=True)
        for at, name in enumerate(("单文", "仇静", "查晓"), 1)
    ]
    return rows


def _towns(place: str) -> list[str]:
    return sorted({village.code[:9] for village in villages(place)})


def clue_officer(code: str) -> str:
    """User name of who looks into the clues of a town (or of the town a village lies in)."""
    return f"xz-{code[:9].lower()}"


def confirmer(code: str) -> str:
    """User name of who confirms a change of dibao for a family of a village: the county, in 掇刀 the town."""
    if not code.startswith(_TOWNS_CONFIRM):
        return f"{COUNTY_TAGS[code[:6]]}-qr"
    return "pilot-qr" if code.startswith(PILOT_TOWN) else f"qr-{code[:9]}"


@transaction.atomic
def set_up_places() -> int:
    """Standard areas and the places the demo's roll names that the shipped list lacks. Returns how many rows were made."""
    known = tree()
    made = [
        Place(code=row.code, name=row.name, since=row.since, until=row.until, successor_code=row.successor or "")
        for row in place_rows()
        if not known.known(row.code)
    ]
    Place.objects.bulk_create(made)
    return len(made)


def _office(place: str) -> Office:
    own = {6: "民政局", 9: "民政办", 12: ""}.get(len(place), "")
    name = {2: "湖北省民政厅", 4: "荆门市民政局"}.get(len(place)) or f"{tree().name(place)}{own}"
    parent = Office.objects.filter(place_code={4: "42", 6: "4208", 9: place[:6], 12: place[:9]}.get(len(place), ""))
    return actions.add_office(acting_user=None, name=name, place_code=place, parent=parent.first(), is_demo=True)


@transaction.atomic
def set_up_staff(passwords: Path) -> dict[str, str]:
    """Makes the accounts that are not there yet with random passwords, and notes them in a file only its owner can read.

    Returns: user name -> password of the accounts made now; empty on a second run.
    """
    with clock.frozen(_SINCE):
        for place in ("42", "4208", *(c.code for c in COUNTIES), FAMILY_TOWN, PILOT_TOWN):
            _office(place)
        provider = actions.add_office(
            acting_user=None, name=PROVIDER, place_code=_TOWNS_CONFIRM, kind=Office.Kind.PROVIDER, is_demo=True
        )
        made: dict[str, str] = {}
        for row in accounts():
            if User.objects.filter(username=row.username).exists():
                continue
            password = actions.make_password() if row.signs_in else None
            account = actions.add_user(
                acting_user=None,
                username=row.username,
                name=row.name.split(" ")[-1],
                office=provider if row.provider else _office(row.place),
                password=password,
                is_demo=True,
            )
            for duty in row.duties:
                actions.grant_duty(acting_user=None, user=account, code=duty)
            if password is not None:
                made[row.username] = password
    if made:
        labels = {a.username: a.name for a in accounts()}
        note_passwords(passwords, [f"{name}\t{word}\t{labels[name]}\n" for name, word in made.items()])
    return made


def note_passwords(passwords: Path, lines: list[str]) -> None:
    """Adds lines to the file of names and passwords, which only its owner can read."""
    passwords.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(passwords, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8") as sink:
        sink.writelines(lines)


def user(username: str) -> User:
    """A demo account by its user name."""
    return User.objects.select_related("office").get(username=username, is_demo=True)
