"""The frame around each page: which entries a user sees, where he is, who he is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from tuodi.org import access
from tuodi.org.models import Duty
from tuodi.web.components import places, waiting


@dataclass(frozen=True)
class Entry:
    """One line of the navigation.

    Attributes:
        route: name of the URL.
        label: Chinese label.
        icon: icon name.
        duties: any of these duties shows it; empty means everyone.
        prefix: the entry is current for addresses below this prefix.
        also: further prefixes of pages that belong to it.
    """

    route: str
    label: str
    icon: str
    duties: frozenset[str] = frozenset()
    prefix: str = ""
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """Entries that belong together."""

    code: str
    title: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Link:
    """An entry made ready for one request.

    Attributes:
        waiting: how many pieces of work wait behind it, as shown (`7`, `99+`); empty = none, or it has no queue.
        current: the page is this one (`page`) or lies below it (`true`); empty = elsewhere.
    """

    href: str
    label: str
    icon: str
    current: str
    waiting: str = ""


@dataclass(frozen=True)
class Section:
    """A group made ready: what it shows while folded is its title and the sum of what waits inside."""

    code: str
    title: str
    links: tuple[Link, ...]
    open: bool
    waiting: str = ""


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
#: Who reads the fund board, and who has to do with towns' petty cash.
FUNDS = PAYMENT | {"fund_keep", "fund_review", "audit_view"}
#: Who oversees the whole way of money; others who pay find it by the board's figures.
CHAIN = frozenset({"supervise", "audit_view", "fund_keep", "fund_review", "pay_approve"})
#: Who has to do with what families were paid too much.
CLAIMS = PAYMENT | {"fund_review"}
#: Another department's lists of people with fixed amounts.
FIXED = PAYMENT
PETTY = frozenset({"petty_cash", "fund_keep", "fund_review", "supervise"})
#: Bills of hospitals name illnesses: for those who settle and supervise them alone.
HOSPITALS = frozenset({"fund_keep", "fund_review", "supervise"})
#: Who decides, sends and oversees what hospitals and other bodies are paid.
BODIES = PAYMENT | HOSPITALS
#: Who makes standards; who gives an opinion finds it on the page of proposals.
STANDARDS = frozenset({"standards", "standards_approve", "supervise"})

#: Groups by what a person does: code (kept by the browser), title, entries. A new page goes where its reader would look for it.
GROUPS: tuple[Group, ...] = (
    Group(
        "today",
        "今日工作",
        (
            Entry("web:workbench", "工作台", "home"),
            Entry("web:cases", "办件", "inbox", READERS, "/cases/", ("/papers/cases/", "/papers/case-files/")),
            Entry("web:field", "入户调查", "map-pin", VISITORS, "/field/"),
            Entry("web:own-checks", "核查任务", "clipboard-check", frozenset({"third_party"}), "/own-checks/"),
            Entry("web:emergencies", "急难救助", "alert-triangle", RELIEF, "/emergencies/"),
            Entry(
                "web:late-papers",
                "材料逾期",
                "clock",
                frozenset({"accept", "review", "confirm", "supervise"}),
                "/late-papers/",
            ),
            Entry("web:tellings", "待告知", "send", frozenset({"accept", "review", "visit", "confirm"}), "/tellings/"),
        ),
    ),
    Group(
        "door",
        "申请受理",
        (
            Entry("web:needs", "一门受理", "users", DOOR, "/needs/"),
            Entry("web:tickets", "热线工单", "speakerphone", DOOR, "/tickets/"),
            Entry("web:online", "网上申请", "device-mobile", frozenset({"accept"}), "/online/"),
            Entry(
                "web:help-others", "代办申请", "user-plus", frozenset({"accept", "review", "visit"}), "/online/help/"
            ),
            Entry("web:patrols", "主动发现", "search", PATROLS, "/patrols/"),
            Entry("web:notices", "公示", "flag", READERS | {"supervise"}, "/notices/"),
            Entry(
                "web:self-cares",
                "自理能力评估",
                "clipboard-check",
                frozenset({"accept", "review", "visit", "confirm"}),
                "/self-care/",
            ),
        ),
    ),
    Group(
        "families",
        "家庭与名册",
        (
            Entry(
                "web:families", "家庭档案", "users", READERS, "/families/", ("/papers/families/", "/determinations/")
            ),
            Entry("web:reviews-due", "定期核查", "calendar", LIFE | {"clue_decide"}, "/reviews-due/"),
            Entry("web:changes", "变化报告", "edit", LIFE | {"accept"}, "/changes/"),
            Entry("web:roll-notices", "调整告知书", "file-text", LIFE | {"accept"}, "/roll-notices/"),
            Entry("web:end-notices", "拟终止公示", "flag", LIFE | {"accept"}, "/end-notices/"),
            Entry("web:deaths", "死亡减员", "user", LIFE | {"accept", "clue", "clue_decide"}, "/deaths/"),
            Entry("web:exits", "渐退", "clock", LIFE | {"clue_decide", "pay_prepare"}, "/exits/"),
            Entry("web:job-refusals", "就业介绍和拒绝", "list-check", LIFE | {"accept"}, "/job-refusals/"),
            Entry("web:moves", "迁移", "arrow-right", LIFE | {"accept"}, "/moves/"),
            Entry("web:person-files", "特困和儿童台账", "file-text", LIFE | {"accept"}, "/person-files/"),
            Entry("web:of-age", "满龄核查", "calendar", LIFE | {"accept"}, "/of-age/"),
            Entry("web:pushes", "名单推送", "user-share", frozenset({"review", "confirm", "supervise"}), "/pushes/"),
            Entry("web:classes", "五类三层", "adjustments", LIFE | {"accept"}, "/classes/"),
            Entry("web:kin", "近亲属备案", "users", frozenset({"accept", "review", "confirm", "supervise"}), "/kin/"),
            Entry("web:imports", "名册导入", "upload", frozenset({"roll_import"}), "/imports/"),
            Entry(
                "web:exports",
                "花名册和台账导出",
                "file-spreadsheet",
                READERS | {"supervise", "hand_over_approve"},
                "/exports/",
            ),
        ),
    ),
    Group(
        "checks",
        "核对与线索",
        (
            Entry("web:checks", "经济核对", "clipboard-check", CHECKS, "/checks/"),
            Entry("web:sweeps", "大数据比对", "database-search", SWEEPS, "/sweeps/"),
            Entry("web:clues", "线索销号", "alert-triangle", LEDGER, "/clues/"),
            Entry("web:warnings", "监管预警", "bell", WARNED, "/warnings/"),
            Entry("web:watch-list", "后续关注", "shield-heart", WATCHERS, "/watch/"),
            Entry("web:returned", "返回线索", "mail-question", frozenset({"sweep", "hand_over"}), "/returned/"),
            Entry("web:sources", "数据来源", "building-bank", frozenset({"sweep", "verify", "supervise"}), "/sources/"),
        ),
    ),
    Group(
        "money",
        "资金与发放",
        (
            Entry("web:runs", "月度发放", "cash", PAYMENT, "/runs/"),
            Entry("web:fixed", "固定金额名单", "users", FIXED, "/fixed-amounts/"),
            Entry("web:claims", "多发追回", "refresh", CLAIMS, "/claims/"),
            Entry("web:bank", "银行直联与对账", "building-bank", PAYMENT, "/bank/"),
            Entry("web:funds", "资金看板", "chart-dots", FUNDS, "/funds/"),
            Entry("web:petty", "备用金", "cash", PETTY, "/petty/"),
            Entry("web:hospitals", "一站式结算", "shield-heart", HOSPITALS, "/hospitals/"),
            Entry("web:premiums", "资助参保", "users", HOSPITALS, "/premiums/"),
            Entry("web:emergency-fund", "疾病应急救助", "shield-heart", HOSPITALS, "/emergency-fund/"),
            Entry("web:funerals", "丧葬费用减免", "shield-heart", HOSPITALS, "/funerals/"),
            Entry("web:orders", "机构付款", "send", BODIES, "/orders/"),
            Entry("web:orders", "机构付款", "send", BODIES, "/orders/", ("/refunds/",)),
            Entry("web:simulations", "提标测算", "chart-dots", STANDARDS, "/simulations/"),
            Entry("web:prices", "价格联动", "chart-dots", STANDARDS | PAYMENT, "/prices/"),
            Entry("web:ledger-checks", "账务校验", "scale", frozenset({"audit_view", "supervise"})),
            Entry(
                "web:hand-overs",
                "数据移交",
                "package-export",
                frozenset({"hand_over", "hand_over_approve"}),
                "/hand-over/",
            ),
        ),
    ),
    Group(
        "oversight",
        "监督",
        (
            Entry(
                "web:spot-checks", "抽查", "list-check", frozenset({"review", "visit", "supervise"}), "/spot-checks/"
            ),
            Entry(
                "web:corrections",
                "备案纠正",
                "edit",
                frozenset({"review", "visit", "confirm", "file", "supervise"}),
                "/corrections/",
            ),
            Entry(
                "web:contracts",
                "第三方核查",
                "clipboard-check",
                frozenset({"clue_decide", "supervise"}),
                "/third-party/",
            ),
            Entry("web:chain", "全过程监督", "cash", CHAIN, "/chain/"),
            Entry("web:supervision", "线索监督", "chart-dots", frozenset({"supervise"}), "/supervision/"),
            Entry("web:complaints", "投诉举报", "message-report", frozenset({"complaint"}), "/complaints/"),
            Entry("web:appeals", "行政复议", "gavel", frozenset({"appeal"}), "/appeals/"),
            Entry("web:ratings", "好差评", "star", frozenset({"complaint"}), "/ratings/"),
        ),
    ),
    Group(
        "settings",
        "标准与设置",
        (
            Entry("web:standards", "标准与规则", "scale", prefix="/standards/"),
            Entry("web:procedures", "办理程序", "list-check", prefix="/procedures/"),
            Entry("web:accounts", "账号与职责", "user", frozenset({"sysadmin", "security"}), "/accounts/"),
            Entry("web:outbox", "消息", "send", frozenset({"sysadmin"}), "/outbox/"),
            Entry("web:security", "登录安全", "lock", frozenset({"security"})),
            Entry("web:audit", "审计日志", "history", frozenset({"audit_view"}), "/audit/"),
        ),
    ),
)
#: A reader with no more entries than this has them all open: folding would hide more than it tidies.
FEW = 9
#: Which groups the reader has folded or opened against what the page would do: `-door.checks` = door folded, checks open.
COOKIE = "tuodi_menu"
#: The phone shows the first four that the reader may open.
TABS = (
    "web:workbench",
    "web:own-checks",
    "web:field",
    "web:clues",
    "web:families",
    "web:cases",
    "web:runs",
    "web:petty",
)
_FLAT = {entry.route: entry for group in GROUPS for entry in group.entries}


@dataclass(frozen=True)
class Who:
    """The signed-in user as the top bar shows him."""

    name: str
    initial: str
    title: str
    place: str
    ancestors: tuple[str, ...]


def groups(request: HttpRequest | None) -> list[Section]:
    """Navigation groups with at least one entry for this user: the one of the page open, others as he left them."""
    duties = duties_of(request)
    waits = _waiting(request)
    kept = request.COOKIES.get(COOKIE, "") if request is not None else ""
    shown = [
        (
            group,
            [
                (entry, link)
                for entry in group.entries
                if _shown(entry, duties) and (link := _link(entry, request, waits))
            ],
        )
        for group in GROUPS
    ]
    all_open = sum(len(links) for _, links in shown) <= FEW
    sections = []
    for group, links in shown:
        if not links:
            continue
        here = any(link.current for _, link in links)
        wanted = all_open or group.code == "today"
        words = kept.split(".")
        is_open = here or (f"-{group.code}" not in words if wanted else group.code in words)
        total = sum(waits.get(entry.route, 0) for entry, _ in links)
        most = any(waits.get(entry.route, 0) >= waiting.MOST for entry, _ in links)
        sections.append(
            Section(group.code, group.title, tuple(link for _, link in links), is_open, _bounded(total, most=most))
        )
    return sections


def _shown(entry: Entry, duties: frozenset[str] | None) -> bool:
    return not entry.duties or duties is None or bool(entry.duties & duties)


def _waiting(request: HttpRequest | None) -> dict[str, int]:
    """What waits behind each entry; asked once a request."""
    if request is None or not getattr(request, "user", None) or not request.user.is_authenticated:
        return {}
    found: dict[str, int] | None = getattr(request, "_tuodi_waiting", None)
    if found is None:
        found = waiting.counts(request.user, held_rows(request))
        request._tuodi_waiting = found  # type: ignore[attr-defined]
    return found


def _bounded(number: int, *, most: bool = False) -> str:
    if not number:
        return ""
    return f"{waiting.MOST - 1}+" if most or number >= waiting.MOST else str(number)


def waiting_links(request: HttpRequest) -> list[Link]:
    """What waits for the reader, entry by entry, in the order of the navigation: for his first page."""
    duties, waits = duties_of(request), _waiting(request)
    entries = [entry for group in GROUPS for entry in group.entries if waits.get(entry.route) and _shown(entry, duties)]
    return [link for entry in entries if (link := _link(entry, request, waits))]


def tabs(request: HttpRequest | None) -> list[Link]:
    """The phone's entries, at most four; the drawer is the template's own fifth."""
    duties = duties_of(request)
    waits = _waiting(request)
    links = [_link(_FLAT[route], request, waits) for route in TABS if _shown(_FLAT[route], duties)]
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


@cache  # the addresses of a process do not change
def _href(route: str) -> str | None:
    try:
        return reverse(route)
    except NoReverseMatch:
        return None


def _link(entry: Entry, request: HttpRequest | None, waits: dict[str, int]) -> Link | None:
    href = _href(entry.route)
    if href is None:
        return None
    path = getattr(request, "path", "")
    below = bool(entry.prefix and path.startswith((entry.prefix, *entry.also)))
    current = "page" if path == href else "true" if below and not _nearer(entry, path) else ""
    return Link(href, entry.label, entry.icon, current, _bounded(waits.get(entry.route, 0)))


def _nearer(entry: Entry, path: str) -> bool:
    """Whether another entry's prefix fits the address more closely: `/online/help/` is not the page of `/online/`."""
    return any(len(other.prefix) > len(entry.prefix) and path.startswith(other.prefix) for other in _FLAT.values())


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
    return frozenset(duty.code for duty in _held(request))


def duties_of(request: HttpRequest | None) -> frozenset[str] | None:
    """The user's duty codes; None (no user: the style page) shows every entry."""
    if request is None or not getattr(request, "user", None) or not request.user.is_authenticated:
        return None
    return frozenset(held_duties(request))


def may_read(request: HttpRequest | None) -> bool:
    """Whether the signed-in user may look families up at all."""
    return bool(READERS & (duties_of(request) or frozenset()))
