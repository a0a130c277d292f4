"""The frame around each page: which entries a user sees, where he is, who he is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from tuodi.org import access
from tuodi.org.models import Duty
from tuodi.web.components import places


@dataclass(frozen=True)
class Entry:
    """One line of the navigation.

    Attributes:
        route: name of the URL.
        label: Chinese label.
        icon: icon name.
        duties: any of these duties shows it; empty means everyone.
        prefix: the entry is current for addresses below this prefix.
    """

    route: str
    label: str
    icon: str
    duties: frozenset[str] = frozenset()
    prefix: str = ""


@dataclass(frozen=True)
class Link:
    """An entry made ready for one request."""

    href: str
    label: str
    icon: str
    current: bool
    count: int | None = None


CASEWORK = frozenset({"accept", "review", "visit", "confirm", "file"})
PAYMENT = frozenset({"pay_prepare", "pay_check", "pay_approve", "pay_send", "supervise"})
#: Who goes out to families; third parties see the tasks of their own office only.
VISITORS = frozenset({"visit", "clue", "third_party"})
#: Who reads families and cases: all who work on them, not those who only keep the system or its log.
READERS = CASEWORK | PAYMENT | {"roll_import", "verify", "clue", "clue_decide", "clue_close", "appeal"}
CHECKS = frozenset({"verify", "accept"})
#: Who keeps the roll right after the grant.
LIFE = frozenset({"review", "visit", "confirm", "supervise"})
#: Who sees the emergency queue; who patrols and who reads what was found.
RELIEF = frozenset({"accept", "review", "visit", "confirm", "file", "supervise"})
PATROLS = frozenset({"accept", "review", "visit", "confirm", "supervise"})
#: Who sits at the one door.
DOOR = frozenset({"accept"})
#: Who sees the clue ledger, and what sweeps found.
LEDGER = frozenset({"sweep", "verify", "clue", "clue_decide", "clue_close", "supervise"})
#: Who looks after families that were cut off.
WATCHERS = frozenset({"clue", "clue_decide", "clue_close", "visit", "supervise"})
WARNED = frozenset({"sweep", "verify", "clue_decide", "supervise"})
SWEEPS = frozenset({"sweep", "verify", "clue_decide", "clue_close", "supervise"})

GROUPS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        "办理",
        (
            Entry("web:workbench", "工作台", "home"),
            Entry("web:needs", "一门受理", "users", DOOR, "/needs/"),
            Entry("web:tickets", "热线工单", "speakerphone", DOOR, "/tickets/"),
            Entry("web:cases", "办件", "inbox", READERS, "/cases/"),
            Entry("web:emergencies", "急难救助", "alert-triangle", RELIEF, "/emergencies/"),
            Entry("web:patrols", "主动发现", "search", PATROLS, "/patrols/"),
            Entry("web:online", "网上申请", "device-mobile", frozenset({"accept"}), "/online/"),
            Entry(
                "web:help-others", "代办申请", "user-plus", frozenset({"accept", "review", "visit"}), "/online/help/"
            ),
            Entry("web:checks", "经济核对", "clipboard-check", CHECKS, "/checks/"),
            Entry("web:field", "入户调查", "map-pin", VISITORS, "/field/"),
            Entry("web:own-checks", "核查任务", "clipboard-check", frozenset({"third_party"}), "/own-checks/"),
            Entry(
                "web:spot-checks", "抽查", "list-check", frozenset({"review", "visit", "supervise"}), "/spot-checks/"
            ),
            Entry("web:notices", "公示", "flag", READERS | {"supervise"}, "/notices/"),
            Entry(
                "web:self-cares",
                "自理能力评估",
                "clipboard-check",
                frozenset({"accept", "review", "visit", "confirm"}),
                "/self-care/",
            ),
            Entry("web:kin", "近亲属备案", "users", frozenset({"accept", "review", "confirm", "supervise"}), "/kin/"),
        ),
    ),
    ("对象", (Entry("web:families", "家庭档案", "users", READERS, "/families/"),)),
    (
        "动态管理",
        (
            Entry("web:reviews-due", "定期核查", "calendar", LIFE | {"clue_decide"}, "/reviews-due/"),
            Entry("web:changes", "变化报告", "edit", LIFE | {"accept"}, "/changes/"),
            Entry("web:roll-notices", "调整告知书", "file-text", LIFE | {"accept"}, "/roll-notices/"),
            Entry("web:deaths", "死亡减员", "user", LIFE | {"accept", "clue", "clue_decide"}, "/deaths/"),
            Entry("web:exits", "渐退", "clock", LIFE | {"clue_decide", "pay_prepare"}, "/exits/"),
            Entry("web:job-refusals", "就业介绍和拒绝", "list-check", LIFE | {"accept"}, "/job-refusals/"),
            Entry("web:moves", "迁移", "arrow-right", LIFE | {"accept"}, "/moves/"),
            Entry("web:person-files", "特困和儿童台账", "file-text", LIFE | {"accept"}, "/person-files/"),
            Entry("web:classes", "五类三层", "adjustments", LIFE | {"accept"}, "/classes/"),
        ),
    ),
    (
        "监测",
        (
            Entry("web:sweeps", "大数据比对", "database-search", SWEEPS, "/sweeps/"),
            Entry("web:clues", "线索销号", "alert-triangle", LEDGER, "/clues/"),
            Entry("web:warnings", "监管预警", "bell", WARNED, "/warnings/"),
            Entry("web:watch-list", "后续关注", "shield-heart", WATCHERS, "/watch/"),
            Entry(
                "web:contracts",
                "第三方核查",
                "clipboard-check",
                frozenset({"clue_decide", "supervise"}),
                "/third-party/",
            ),
            Entry("web:supervision", "线索监督", "chart-dots", frozenset({"supervise"}), "/supervision/"),
        ),
    ),
    (
        "监督",
        (
            Entry("web:complaints", "投诉举报", "message-report", frozenset({"complaint"}), "/complaints/"),
            Entry("web:appeals", "行政复议", "gavel", frozenset({"appeal"}), "/appeals/"),
            Entry("web:ratings", "好差评", "star", frozenset({"complaint"}), "/ratings/"),
        ),
    ),
    (
        "资金",
        (
            Entry("web:runs", "月度发放", "cash", PAYMENT, "/runs/"),
            Entry("web:bank", "银行直联与对账", "building-bank", PAYMENT, "/bank/"),
        ),
    ),
    (
        "管理",
        (
            Entry(
                "web:hand-overs",
                "数据移交",
                "package-export",
                frozenset({"hand_over", "hand_over_approve"}),
                "/hand-over/",
            ),
            Entry(
                "web:exports",
                "导出",
                "file-spreadsheet",
                READERS | {"supervise", "hand_over_approve"},
                "/exports/",
            ),
            Entry("web:returned", "返回线索", "mail-question", frozenset({"sweep", "hand_over"}), "/returned/"),
            Entry("web:imports", "名册导入", "upload", frozenset({"roll_import"}), "/imports/"),
            Entry("web:sources", "数据来源", "building-bank", frozenset({"sweep", "verify", "supervise"}), "/sources/"),
            Entry("web:standards", "标准与规则", "scale", prefix="/standards/"),
            Entry("web:accounts", "账号与职责", "user", frozenset({"sysadmin", "security"}), "/accounts/"),
            Entry("web:security", "登录安全", "lock", frozenset({"security"})),
            Entry("web:audit", "审计日志", "history", frozenset({"audit_view"}), "/audit/"),
            Entry("web:procedures", "办理程序", "list-check", prefix="/procedures/"),
        ),
    ),
)
#: The phone shows the first four that the reader may open.
TABS = ("web:workbench", "web:own-checks", "web:field", "web:clues", "web:families", "web:cases", "web:runs")


@dataclass(frozen=True)
class Who:
    """The signed-in user as the top bar shows him."""

    name: str
    initial: str
    title: str
    place: str
    ancestors: tuple[str, ...]


def groups(request: HttpRequest | None) -> list[tuple[str, list[Link]]]:
    """Navigation groups with at least one entry for this user."""
    duties = _duties(request)
    shown = []
    for title, entries in GROUPS:
        links = [
            _link(entry, request) for entry in entries if not entry.duties or duties is None or entry.duties & duties
        ]
        ready = [link for link in links if link]
        if ready:
            shown.append((title, ready))
    return shown


def tabs(request: HttpRequest | None) -> list[Link]:
    """The phone's entries, at most four; the drawer is the template's own fifth."""
    duties = _duties(request)
    flat = {entry.route: entry for _, entries in GROUPS for entry in entries}
    entries = [flat[route] for route in TABS]
    links = [_link(entry, request) for entry in entries if not entry.duties or duties is None or entry.duties & duties]
    return [link for link in links if link][:4]


def who(request: HttpRequest | None) -> Who | None:
    """Name, title and place of the signed-in user; None for a visitor."""
    user = getattr(request, "user", None)
    if request is None or user is None or not user.is_authenticated:
        return None
    chain = places.names(user.office.place_code)
    return Who(
        name=user.name,
        initial=user.name[:1],
        title=user.office.name,
        place=chain[-1] if chain else "",
        ancestors=tuple(chain[:-1]),
    )


def _link(entry: Entry, request: HttpRequest | None) -> Link | None:
    try:
        href = reverse(entry.route)
    except NoReverseMatch:
        return None
    path = getattr(request, "path", "")
    current = path == href or bool(entry.prefix and path.startswith(entry.prefix))
    return Link(href, entry.label, entry.icon, current)


def held_duties(request: HttpRequest) -> dict[str, str]:
    """Code and label of the duties the signed-in user holds today; asked once a request."""
    return {duty.code: duty.get_code_display() for duty in _held(request)}


def held_rows(request: HttpRequest) -> list[Duty]:
    """The duties themselves, asked once a request."""
    return _held(request)


def may(request: HttpRequest, duties: Iterable[str], region: str) -> bool:
    """Whether the user holds one of some duties in a region: what a page offers. The action itself asks anew."""
    wanted = set(duties)
    return any(duty.code in wanted and region in access.range_of(duty.place_code) for duty in _held(request))


def _held(request: HttpRequest) -> list[Duty]:
    held: list[Duty] | None = getattr(request, "_tuodi_duties", None)
    if held is None:
        held = access.duties_of(request.user)
        request._tuodi_duties = held  # type: ignore[attr-defined]
    return held


def _duties(request: HttpRequest | None) -> frozenset[str] | None:
    """The user's duty codes; None (no user: the style page) shows every entry."""
    if request is None or not getattr(request, "user", None) or not request.user.is_authenticated:
        return None
    return frozenset(held_duties(request))


def may_read(request: HttpRequest | None) -> bool:
    """Whether the signed-in user may look families up at all."""
    return bool(READERS & (_duties(request) or frozenset()))
