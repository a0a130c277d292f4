"""Take a picture of every kind of page of a served demo and write docs/screens.md, which shows them. Run by hand.

Usage:
    ./run demo --no-serve
    TUODI_DEMO=1 TUODI_DEMO_TODAY=2017-09-11 ./run tuodi serve --port 8765 &
    .venv/bin/python scripts/screens.py http://127.0.0.1:8765 [--only NAME ...] [--look DIR]

Signs in with the demo accounts (`demo/accounts.txt` of the state folder); as a resident, with the code that lies in the demo's outbox.
A page that does not answer 200, scrolls sideways or says something in the console is named, and the run ends with 1. Pictures are
WebP of at most 80 KB. With `--look` nothing in docs changes: each page is taken whole, in every way it may be read (desk, desk in large type,
phone, phone in large type), into a folder, and what a browser can measure is named: what lies outside the screen, is cut off, lies
over another, or stands in a column of one character. The eye has to do the rest. Needs Debian's `chromium` and `fonts-noto-cjk`.
"""

from __future__ import annotations

import argparse
import base64
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "screenshots"
MOST = 80 * 1024
DESK = {"width": 1366, "height": 860}
PHONE = {"width": 360, "height": 760}
RESIDENT = "resident"
#: Every way a page may be read: width, and large type or not.
LOOKS = {"desk": (DESK, False), "desk-large": (DESK, True), "phone": (PHONE, False), "large": (PHONE, True)}
#: What a browser can say of a page: words, and where.
MEASURE = r"""
() => {
  const found = [], said = new Set();
  const say = (word, el) => {
    const at = `${word}: <${el.tagName.toLowerCase()}${el.className && typeof el.className === 'string' ? '.' + el.className.trim().split(/\s+/).join('.') : ''}> ${(el.innerText || el.value || '').trim().replace(/\s+/g, ' ').slice(0, 24)}`;
    if (!said.has(at) && found.length < 12) { said.add(at); found.push(at); }
  };
  const scrolled = (el) => {
    for (let up = el.parentElement; up; up = up.parentElement)
      if (['auto', 'scroll'].includes(getComputedStyle(up).overflowX)) return true;
    return false;
  };
  const shown = (el) => el.checkVisibility({opacityProperty: true, visibilityProperty: true});
  if (document.documentElement.scrollWidth > innerWidth) say('wider than the screen', document.body);
  const boxes = [];
  for (const el of document.querySelectorAll('main *')) {
    if (!shown(el) || el.closest('svg, canvas, .aside, .skip, option')) continue;
    const box = el.getBoundingClientRect(), style = getComputedStyle(el);
    if (!box.width || !box.height) continue;
    const size = parseFloat(style.fontSize);
    if (box.right > innerWidth + 1 && !scrolled(el)) say('outside', el);
    if (['hidden', 'clip'].includes(style.overflowX) && el.scrollWidth > el.clientWidth + 2 && el.clientWidth > 4) say('cut', el);
    if (['auto', 'scroll'].includes(style.overflowX) && el.scrollWidth > el.clientWidth + 2) say('scrolls', el);
    const own = [...el.childNodes].filter((one) => one.nodeType === 3).map((one) => one.data.trim()).join('');
    if (own.length > 2) {
      const room = el.clientWidth ? el.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) : box.width;
      const text = document.createRange();
      text.selectNodeContents(el);
      const lines = new Set([...text.getClientRects()].map((one) => Math.round(one.top)));
      if (room < 2.1 * size && lines.size > 2) say('squeezed', el);
      else if (el.matches('button, .button, .mark, .tabs a') && box.height > (el.matches('.mark') ? 2.4 : 3.6) * size) say('broken', el);
      if (size < 12) say('small type', el);
      boxes.push([el, box]);
    }
    if (el.matches('a, button, input, select, summary') && !el.closest('p, td, th, dd, li, caption') && el.type !== 'hidden' && (box.height < 24 || box.width < 24) && style.display !== 'inline' && !['checkbox', 'radio'].includes(el.type)) say('small target', el);
  }
  for (let i = 0; i < boxes.length; i++) for (let j = i + 1; j < Math.min(boxes.length, i + 40); j++) {
    const [a, one] = boxes[i], [b, two] = boxes[j];
    if (a.contains(b) || b.contains(a) || getComputedStyle(a).display === 'inline' || getComputedStyle(b).display === 'inline') continue;
    const wide = Math.min(one.right, two.right) - Math.max(one.left, two.left), high = Math.min(one.bottom, two.bottom) - Math.max(one.top, two.top);
    if (wide > 4 && high > 4) say('over another', b);
  }
  return found;
}
"""


@dataclass(frozen=True)
class Shot:
    """One page.

    Attributes:
        name: of the file. who: demo account, `resident`, or empty for anybody.
        path: where to begin; follow: links to go on by (CSS; the first that matches), one after the other.
        caption: one English line. sizes: of `desk`, `phone`, `large` (a phone in large type).
        search: words typed into the one search box, where the page is found by it.
    """

    name: str
    who: str
    path: str
    caption: str
    follow: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ("desk",)
    search: str = ""


GROUPS: tuple[tuple[str, tuple[Shot, ...]], ...] = (
    ("A resident's phone", (
        Shot("my-home", "", "/my/", "The start: look something up, do something, or call.", sizes=("phone", "large")),
        Shot("my-policies", "", "/my/policies/", "What there is, for whom, how much here.", sizes=("phone",)),
        Shot("my-policy", "", "/my/policies/dibao/", "One programme in plain words, with its source.", sizes=("phone",)),
        Shot("my-calculator", "", "/my/calculator/", "What one might get, before anybody is told a name.", sizes=("phone", "large")),
        Shot("my-sign-in", "", "/my/sign-in/", "In by name, number and a code.", sizes=("phone", "large")),
        Shot("my-progress", RESIDENT, "/my/progress/", "Where my application stands, who has it, until when.", sizes=("phone", "large")),
        Shot("my-decision", RESIDENT, "/my/decisions/", "The decision, how the amount comes about, how to object.", ("main a[href*='/my/decision/']",), ("phone", "large")),
        Shot("my-payments", RESIDENT, "/my/payments/", "What was paid, month by month.", sizes=("phone",)),
        Shot("my-data", RESIDENT, "/my/data/", "Who looked at my data, when and why.", sizes=("phone", "large")),
        Shot("my-notices", RESIDENT, "/my/notices/", "Notices about my family and from my village.", sizes=("phone",)),
        Shot("my-apply", RESIDENT, "/my/apply/", "Applications begun and sent, and a new one.", sizes=("phone", "large")),
        Shot("my-complaints", RESIDENT, "/my/complaints/", "Complaints and how they were answered.", sizes=("phone",)),
        Shot("my-appeals", RESIDENT, "/my/appeals/", "Appeals against a decision.", sizes=("phone",)),
        Shot("my-messages", RESIDENT, "/my/messages/", "What I was told, and how I want to be told.", sizes=("phone",)),
        Shot("my-ratings", RESIDENT, "/my/ratings/", "How the service was (好差评).", sizes=("phone",)),
    )),
    ("The counter", (
        Shot("sign-in", "", "/login/", "Staff sign in.", sizes=("desk", "phone")),
        Shot("workbench", "jiedao-sl", "/", "First page of a counter: what waits, what is late, what came in.", sizes=("desk", "phone")),
        Shot("menu", "jiedao-sl", "/#menu", "The menu on a phone: groups, with what waits in each.", sizes=("phone",)),
        Shot("door", "jiedao-sl", "/needs/", "One door: calls, visits, referrals, discoveries, phones in one queue.", sizes=("desk", "phone")),
        Shot("need", "jiedao-sl", "/needs/?from=need", "One visit: needs, likely programmes, what is missing.", ("main a.whole",), ("desk", "phone")),
        Shot("tickets", "jiedao-sl", "/tickets/", "Calls to the hotline.", sizes=("desk",)),
        Shot("ticket", "jiedao-sl", "/tickets/?show=all", "One call and what became of it.", ("main a.whole",)),
        Shot("family-new", "jiedao-sl", "/families/new/", "A family nobody knows yet."),
        Shot("online", "jiedao-sl", "/online/?show=all", "Applications sent from phones.", sizes=("desk", "phone")),
        Shot("online-one", "jiedao-sl", "/online/?show=all", "One of them: answers, signature, three ways to answer it.", ("main a.whole",)),
        Shot("help-others", "jiedao-sl", "/online/help/", "Applying on somebody's behalf (代办)."),
        Shot("cases", "jiedao-sl", "/cases/?tab=all", "Cases: narrowed, sorted, taken out, done in batches.", sizes=("desk", "phone")),
        Shot("case", "jiedao-sh", "/cases/?tab=all", "One case: steps, limits, who may do what next.", ("main a.whole",), ("desk", "phone")),
        Shot("case-papers", "jiedao-sh", "/cases/?tab=all", "The papers of a case, in the order offices keep them.", ("main a.whole", "main a[href^='/papers/cases/']")),
        Shot("family", "jiedao-sl", "/families/", "A family: facts with their sources, the decision as a tree, clause by clause.", ("main a.whole",), ("desk", "phone"), "王"),
        Shot("emergencies", "jiedao-sl", "/emergencies/", "Emergencies by the hour.", sizes=("desk", "phone")),
        Shot("emergency", "jiedao-sl", "/emergencies/?show=ended", "Relief first, papers after.", ("main a.whole",), ("desk", "phone")),
        Shot("patrols", "jiedao-sl", "/patrols/", "Patrols: coverage, what was found, what is overdue."),
        Shot("patrol-report", "jiedao-sl", "/patrols/report/", "Reporting a family in need."),
        Shot("emergency-new", "jiedao-sl", "/emergencies/new/", "An emergency reported."),
        Shot("at-risk", "jiedao-sl", "/patrols/at-risk/", "The list of persons at risk, and taking one off it.", sizes=("desk", "phone")),
        Shot("patrol-mine", "wg-420802001001", "/patrols/mine/", "A grid worker's visits on his phone.", sizes=("phone",)),
        Shot("self-cares", "dongbao-hd", "/self-care/", "Self-care assessments."),
        Shot("late-papers", "jiedao-sl", "/late-papers/", "Papers of emergencies that are late, and what becomes of them."),
        Shot("tellings", "jiedao-sl", "/tellings/", "Who has to be told something by hand, since no message may reach him."),
    )),
    ("In the village", (
        Shot("field", "jiedao-rh", "/field/", "Visits to make, also without a signal.", sizes=("phone",)),
        Shot("board", "jiedao-sl", "/notices/", "Public notices: what hangs where, until when."),
        Shot("notice", "jiedao-sl", "/notices/", "One notice, with the allowed fields only.", ("main a.whole",)),
    )),
    ("The county", (
        Shot("workbench-county", "dongbao-hd", "/", "First page of a county reviewer."),
        Shot("checks", "dongbao-hc", "/checks/", "Checks of means with the departments."),
        Shot("check-report", "dongbao-hc", "/checks/", "One check: each department, its answer, the differences.", ("main a.whole",)),
        Shot("reviews-due", "dongbao-hd", "/reviews-due/", "Periodic reviews, by class and interval.", sizes=("desk", "phone")),
        Shot("changes", "dongbao-hd", "/changes/?show=closed", "Changes families reported."),
        Shot("roll-notices", "dongbao-hd", "/roll-notices/", "Written notices of changes, and their delivery."),
        Shot("deaths", "dongbao-hd", "/deaths/?show=all", "Deaths and what becomes of the family's amount."),
        Shot("moves", "dongbao-hd", "/moves/?show=done", "Moves to another town or county, with the file."),
        Shot("end-notices", "dongbao-hd", "/end-notices/", "Notices before help ends."),
        Shot("kin", "dongbao-hd", "/kin/", "Relatives of officials, filed."),
        Shot("watch", "dongbao-xs", "/watch/", "Families cut off, looked after for a while."),
        Shot("classes-places", "dongbao-hd", "/classes/places/", "Five classes by place."),
        Shot("third-visits", "lantian-1", "/own-checks/", "A third party's own tasks."),
        Shot("exits", "dongbao-hd", "/exits/", "Gradual exits, month by month."),
        Shot("of-age", "dongbao-hd", "/of-age/", "Children who come of age."),
        Shot("pushes", "dongbao-hd", "/pushes/", "Lists given to other departments."),
        Shot("job-refusals", "dongbao-hd", "/job-refusals/?show=all", "Jobs offered and refused."),
        Shot("person-files", "dongbao-hd", "/person-files/", "Tekun and children: one person, one file."),
        Shot("classes", "dongbao-hd", "/classes/?show=confirmed", "Five classes in three layers (五类三层)."),
        Shot("corrections", "dongbao-hd", "/corrections/?show=all", "Filed decisions a spot check found otherwise."),
        Shot("spot-checks", "dongbao-hd", "/spot-checks/", "Spot checks drawn by a seed anybody can repeat."),
        Shot("exports", "dongbao-hd", "/exports/", "Rosters and ledgers taken out, above a limit by two people."),
        Shot("clues", "dongbao-xs", "/clues/", "The clue ledger, from finding to close-out."),
        Shot("change-one", "dongbao-hd", "/changes/?show=closed", "One reported change.", ("main a.whole",)),
        Shot("review-one", "dongbao-hd", "/reviews-due/", "One periodic review.", ("main a.whole",)),
        Shot("end-notice", "dongbao-hd", "/end-notices/", "One notice before help ends.", ("main a.whole",)),
        Shot("death-one", "dongbao-hd", "/deaths/?show=all", "One death.", ("main a.whole",)),
        Shot("person-file", "dongbao-hd", "/person-files/", "One person's file.", ("main a.whole",)),
        Shot("push-one", "dongbao-hd", "/pushes/", "One list given.", ("main a.whole",)),
        Shot("clue", "dongbao-xs", "/clues/?tab=all", "One clue: register against statement, days, locked deeds.", ("main a.whole",), ("desk", "phone")),
        Shot("warnings", "dongbao-hc", "/warnings/", "Early warnings and their receipts."),
    )),
    ("Money", (
        Shot("runs", "shi-bzf", "/runs/", "Months."),
        Shot("monthly-run", "shi-bzf", "/runs/", "One month: difference by cause, blockers, files to the banks.", ("main a.whole",)),
        Shot("funds", "dongbao-zj", "/funds/", "What each fund has, holds and has paid."),
        Shot("fund-papers", "dongbao-zj", "/funds/papers/", "Papers that move money between funds."),
        Shot("fund-entries", "dongbao-zj", "/funds/entries/", "The ledger, entry by entry."),
        Shot("ledger-checks", "shi-dd", "/ledger-checks/", "What must hold in the ledger, checked."),
        Shot("petty", "dongbao-zj", "/petty/", "Petty cash of the towns."),
        Shot("bank", "shi-yh", "/bank/", "Statements of the bank, entry by entry."),
        Shot("bank-todo", "shi-yh", "/bank/todo/", "What the bank did and nobody has explained."),
        Shot("fund-year", "dongbao-zj", "/funds/", "One fund's year.", ("main a[href*='/funds/year/']",)),
        Shot("fund-paper-new", "dongbao-zj", "/funds/papers/new/", "A new paper."),
        Shot("bank-statement", "shi-yh", "/bank/", "One statement.", ("main a[href*='/bank/statements/']",)),
        Shot("run-lines", "shi-bzf", "/runs/", "The lines of a month.", ("main a.whole", "main a[href$='/lines/']")),
        Shot("run-changes", "shi-bzf", "/runs/", "What changed against the month before.", ("main a.whole", "main a[href*='/changes/']")),
        Shot("run-accounts", "shi-bzf", "/runs/", "Accounts that need looking at before paying.", ("main a.whole", "main a[href*='/accounts/']")),
        Shot("imports", "shi-dr", "/imports/", "Rosters of offices, read with a preview."),
        Shot("hand-over", "shi-yj", "/hand-over/", "Payment rows handed over to another body, by two people."),
    )),
    ("Oversight", (
        Shot("sources", "shi-bd", "/sources/", "Registers: agreement, age, coverage."),
        Shot("sweeps", "shi-bd", "/sweeps/", "Sweeps of the whole roll."),
        Shot("tuning", "dongbao-xs", "/clues/tuning/", "How each rule does, and its limits."),
        Shot("returned", "shi-bd", "/returned/", "Clues that came back from the discipline body."),
        Shot("sweep", "shi-bd", "/sweeps/", "A sweep of the whole roll: what was compared, found, confirmed.", ("main tbody tr:last-child a.whole",)),
        Shot("supervision", "shi-dd", "/supervision/clues/", "Clues of a prefecture, county by county."),
        Shot("third-party", "shi-dd", "/third-party/", "The yearly check by a third party.", ("main a.whole",)),
        Shot("complaints", "dongbao-ts", "/complaints/?show=all", "Complaints, never seen by whom they are about."),
        Shot("appeals", "shi-fy", "/appeals/?show=all", "Appeals, by the day they must be decided."),
        Shot("ratings", "dongbao-ts", "/ratings/?show=all", "Ratings, the bad ones called back."),
        Shot("workbench-province", "sheng", "/", "First page of a province's supervisor."),
    )),
    ("Rules and procedures", (
        Shot("standards", "jiedao-sl", "/standards/?open=1", "Standards and rules in force here, clause by clause."),
        Shot("proposals", "shi-bz", "/standards/proposals/", "Standards proposed, weighed and adopted."),
        Shot("simulations", "shi-bz", "/simulations/", "What another standard would cost."),
        Shot("prices", "shi-bz", "/prices/", "Price linkage."),
        Shot("proposal", "shi-bz", "/standards/proposals/", "One proposal.", ("main a.whole",)),
        Shot("simulation", "shi-bz", "/simulations/", "One simulation.", ("main a.whole",)),
        Shot("procedures", "jiedao-sl", "/procedures/", "How a case runs here, as a picture.", sizes=("desk", "phone")),
    )),
    ("The system", (
        Shot("accounts", "guanli", "/accounts/", "Accounts and duties."),
        Shot("security", "anquan", "/security/", "Locked accounts, mass reading, missing second factors."),
        Shot("audit", "shenji", "/audit/", "The audit log, chained."),
        Shot("account-new", "guanli", "/accounts/new/", "A new account."),
        Shot("mine", "jiedao-sl", "/security/me/", "Everybody's own sessions, second factor and stand-ins."),
        Shot("outbox", "guanli", "/outbox/", "What the demo would have sent to phones."),
    )),
)  # fmt: skip


#: What was looked at beyond the pictures kept here.
LOOKED_AT = (
    "Beside these pictures pages are looked at whole: at the desk and on the phone, each in large type (`--look DIR`, not kept). Every page named below",
    "was measured in all four ways (wider than the screen, cut, overlapping, a number or date broken over two lines, a head over the other edge than its",
    "numbers, a target under 44 px on the phone). Looked at by eye:",
    "",
    "- **At the desk in large type**: workbenches of a counter, a county and a province; door, a need, hotline and a call, new family, online applications and",
    "  one, cases and one, a family, an emergency, persons at risk, messages to tell; checks of means and one report; changes, notices of changes, a death, watch",
    "  list, classes, a person's file, periodic reviews, spot checks; clue ledger, a clue, warnings, supervision of clues, a sweep, a register, a contract, a roster,",
    "  a complaint, an appeal; standards, a proposal, procedures, price linkage and one month of it; months, a month, its changes, exceptions, bank lines, a",
    "  statement, a batch; fund board, papers, one paper and a new one, entries and one, a year, public funds, a hospital's agreement, petty cash and one town's;",
    "  claims and one; the whole chain, its entries, lines and one line; ledger checks; sign-in security, own sessions.",
    "- **On the phone in large type**: workbench, door, a need, a case, a family, a month, the whole chain, fund board, bank lines.",
    "- **On the phone**: one claim, one month of price linkage, petty cash of a town; of residents' pages start, decision, payments, apply, who looked.",
    "- **Residents' pages in large type (大字版)**: those shown below, but for who looked; not the questions of an application.",
    "",
    "Mended by it: amounts that broke inside a number, dates that broke at a hyphen, last lines of one character, actions that squeezed the heading, tables of many",
    "columns cut beside a narrow panel, tables that scroll without a sign of it, notes under the wrong label, boxes to tick over a name, totals without their",
    "label, headings that did not say what the page is, codes of clauses where people cite a document. The other pages in large type on the phone were only measured.",
    "Three ways were gone with the keyboard alone, start to end: accepting an application from a phone; opening, checking and approving a month by three people;",
    "verifying a clue up to its evidence. The jump to the content was out of sight on a scrolled page; it is seen now.",
)


class Walker:
    """A browser with one signed-in page for each account."""

    def __init__(self, browser: Any, base: str, accounts: dict[str, str]) -> None:
        self.browser, self.base, self.accounts = browser, base, accounts
        self.pages: dict[str, Any] = {}
        self.faults: list[str] = []

    def page(self, who: str) -> Any:
        """The page of an account, signed in at the first asking."""
        if who not in self.pages:
            context = self.browser.new_context(locale="zh-CN", viewport=DESK, device_scale_factor=1)
            page = context.new_page()
            page.on(
                "console", lambda said: self.faults.append(f"{page.url}: {said.text}") if said.type == "error" else None
            )
            page.on("pageerror", lambda error: self.faults.append(f"{page.url}: {error}"))
            if who == RESIDENT:
                self._resident(page)
            elif who:
                page.goto(f"{self.base}/login/")
                page.get_by_label("账号").fill(who)
                page.get_by_label("密码").fill(self.accounts[who])
                page.get_by_role("button", name="登录").click()
                page.wait_for_load_state()
            self.pages[who] = page
        return self.pages[who]

    def _resident(self, page: Any) -> None:
        name, number = resident()
        page.goto(f"{self.base}/my/sign-in/")
        page.get_by_label("姓名").fill(name)
        page.get_by_label("身份证号码").fill(number)
        page.get_by_role("button", name="获取短信验证码").click()
        page.get_by_label("短信验证码").wait_for()
        outbox = self.page("guanli")
        outbox.goto(f"{self.base}/outbox/")
        code = re.search(r"验证码 ?(\d{6})", outbox.locator("main").inner_text())
        assert code is not None, "no code in the outbox"
        page.get_by_label("短信验证码").fill(code[1])
        page.get_by_role("button", name="登录", exact=True).click()
        page.wait_for_load_state()

    def take(self, shot: Shot) -> list[str]:
        """The pictures of one page; their names."""
        page = self.page(shot.who)
        page.set_viewport_size(DESK)
        if not self._go(page, shot):
            return []
        made = []
        for size in shot.sizes:
            name = shot.name if size == "desk" else f"{shot.name}-{size}"
            page.set_viewport_size(DESK if size == "desk" else PHONE)
            if size == "large":
                self._large(page, on=True)
            page.evaluate("scrollTo(0, 0)")
            page.wait_for_timeout(250)
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                self.faults.append(f"{name}: wider than the screen at {page.url}")
            (OUT / f"{name}.webp").write_bytes(self._picture(page))
            made.append(name)
            if size == "large":
                self._large(page, on=False)
        return made

    def look(self, shot: Shot, into: Path) -> None:
        """The page whole in every way it may be read, into a folder; what can be measured is noted as a fault."""
        page = self.page(shot.who)
        page.set_viewport_size(DESK)
        if not self._go(page, shot):
            return
        where = page.url
        for name, (size, large) in LOOKS.items():
            page.context.add_cookies([{"name": "tuodi_type", "value": "large" if large else "", "url": self.base}])
            page.set_viewport_size(size)
            page.goto(where)
            page.wait_for_timeout(200)
            self.faults += [f"{shot.name}-{name}: {one}" for one in page.evaluate(MEASURE)]
            page.screenshot(path=into / f"{shot.name}-{name}.png", full_page=True)
        page.context.clear_cookies(name="tuodi_type")

    def _go(self, page: Any, shot: Shot) -> bool:
        """Whether the page could be reached."""
        answer = page.goto(self.base + shot.path)
        status = answer.status if answer else 200  # only the fragment has changed
        if shot.search:
            page.locator("main input[name=q]").fill(shot.search)
            page.keyboard.press("Enter")
            page.wait_for_url("**?q=*")
        for selector in shot.follow:
            link = page.locator(selector).first
            if not link.count():
                self.faults.append(f"{shot.name}: nothing to follow at {page.url} ({selector})")
                return False
            answer = page.goto(self.base + link.get_attribute("href"))
            status = answer.status
        if status != 200:
            self.faults.append(f"{shot.name}: {status} at {page.url}")
        return bool(status == 200)

    def _large(self, page: Any, *, on: bool) -> None:
        button = page.get_by_role("button", name="大字版" if on else "标准版")
        button.first.click()
        page.wait_for_load_state()

    def _picture(self, page: Any) -> bytes:
        session = page.context.new_cdp_session(page)
        for quality in (60, 48, 36, 24):
            given = session.send("Page.captureScreenshot", {"format": "webp", "quality": quality})
            found = base64.b64decode(given["data"])
            if len(found) <= MOST:
                break
        session.detach()
        return found


def resident() -> tuple[str, str]:
    """Name and number of an invented resident with a phone, a decision and payments."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tuodi.config.settings")
    os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    os.environ["TUODI_DEMO"] = "1"
    sys.path.insert(0, str(ROOT))
    import django

    django.setup()
    from tuodi.decisions.models import Determination
    from tuodi.org.access import NATION, system_scope
    from tuodi.people.models import ResidentAccount
    from tuodi.people.secrets import open_id

    with system_scope(NATION):
        decided = Determination.objects.exclude(kind="imported").filter(case__isnull=False).values("household__head")
        accounts = ResidentAccount.objects.select_related("person").order_by("id")
        account = accounts.filter(person__in=decided).first() or accounts.first()
        assert account is not None, "no resident has a phone in this demo"
        return account.person.name, open_id(account.person)


def write_page(taken: dict[str, list[str]]) -> None:
    """docs/screens.md: every picture there is, with its line."""
    lines = [
        "Every kind of page of the demo, as `scripts/screens.py` takes them. All people and numbers are invented.",
        "",
        *LOOKED_AT,
        "",
    ]
    for title, shots in GROUPS:
        lines += [f"## {title}", ""]
        for shot in shots:
            names = [one for one in taken.get(shot.name, []) if (OUT / f"{one}.webp").exists()]
            if not names:
                continue
            lines.append(f"**{shot.caption}** `{shot.path.split('#')[0]}`")
            lines.append("")
            lines.append(
                " ".join(
                    f"![{shot.caption} ({one.removeprefix(shot.name).lstrip('-') or 'desk'})](screenshots/{one}.webp)"
                    for one in names
                )
            )
            lines.append("")
    (ROOT / "docs" / "screens.md").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def main() -> int:
    """Takes the pictures asked for; ends with 1 where a page has a fault."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("base")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument(
        "--look", type=Path, help="take every page whole, in every way it may be read, into this folder"
    )
    args = parser.parse_args()
    state = Path(os.environ.get("TUODI_VAR") or ROOT / "var")
    rows = (line.split("\t") for line in (state / "demo" / "accounts.txt").read_text(encoding="utf-8").splitlines())
    accounts = {row[0]: row[1] for row in rows if len(row) > 1}
    (args.look or OUT).mkdir(parents=True, exist_ok=True)
    taken: dict[str, list[str]] = {}
    browser_path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path,
            args=["--no-sandbox", "--disable-gpu", "--lang=zh-CN"],
            env={**os.environ, "LANGUAGE": "zh_CN"},
        )
        walker = Walker(browser, args.base.rstrip("/"), accounts)
        for _, shots in GROUPS:
            for shot in shots:
                if args.look:
                    if not args.only or shot.name in args.only:
                        known = len(walker.faults)
                        try:
                            walker.look(shot, args.look)
                        except Exception as error:
                            walker.faults.append(f"{shot.name}: {str(error).splitlines()[0]}")
                        print(shot.name, *walker.faults[known:], sep="\n    ", flush=True)
                    continue
                if args.only and shot.name not in args.only:
                    names = [shot.name if one == "desk" else f"{shot.name}-{one}" for one in shot.sizes]
                    taken[shot.name] = names
                    continue
                try:
                    taken[shot.name] = walker.take(shot)
                except Exception as error:
                    walker.faults.append(f"{shot.name}: {str(error).splitlines()[0]}")
                print(shot.name, ", ".join(taken.get(shot.name, [])), flush=True)
        browser.close()
    if not args.look:
        write_page(taken)
    for fault in walker.faults:
        print(fault, file=sys.stderr)
    return 1 if walker.faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
