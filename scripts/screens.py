"""Take a picture of every kind of page of a served demo and write docs/screens.md, which shows them. Run by hand.

Usage:
    ./run demo --no-serve
    TUODI_DEMO=1 TUODI_DEMO_TODAY=2017-09-11 ./run tuodi serve --port 8765 &
    TUODI_DEMO=1 TUODI_DEMO_TODAY=2018-01-12 TUODI_VAR=COPY ./run tuodi serve --port 8766 &
    .venv/bin/python scripts/screens.py http://127.0.0.1:8765 --late http://127.0.0.1:8766 [--only NAME ...] [--look DIR]

Pages of the replayed years are taken of the demo as it stands after them (`--late`, a copy of the same state, since a later day moves
what is due). Of a what-if, whose drafts the demo lacks, two invented ones are made there first.
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
from pathlib import Path
from typing import Any

from screen_list import GROUPS, LOOKED_AT, MONEY, RESIDENT, Shot

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "screenshots"
MOST = 80 * 1024
DESK = {"width": 1366, "height": 860}
PHONE = {"width": 360, "height": 760}
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

#: Standards a what-if is shown with: invented, as the drafts say themselves.
DRAFTS = {
    "2018 年城乡低保提标（甲）": {
        "东宝区": "620", "掇刀区": "620", "漳河新区": "620", "京山县": "545", "沙洋县": "545", "钟祥市": "545", "屈家岭管理区": "545", "荆门市": "4900",
    },
    "2018 年城乡低保提标（乙）": {
        "东宝区": "600", "掇刀区": "600", "漳河新区": "600", "京山县": "525", "沙洋县": "525", "钟祥市": "525", "屈家岭管理区": "525", "荆门市": "4700",
    },
}  # fmt: skip


class Walker:
    """A browser with one signed-in page for each account."""

    def __init__(self, browser: Any, base: str, accounts: dict[str, str], late: str = "") -> None:
        self.browser, self.accounts = browser, accounts
        self.bases = {False: base, True: late or base}
        self.pages: dict[tuple[str, bool], Any] = {}
        self.faults: list[str] = []

    def page(self, who: str, late: bool = False) -> Any:
        """The page of an account, signed in at the first asking."""
        base = self.bases[late]
        if (who, late) not in self.pages:
            context = self.browser.new_context(locale="zh-CN", viewport=DESK, device_scale_factor=1)
            page = context.new_page()
            page.on(
                "console", lambda said: self.faults.append(f"{page.url}: {said.text}") if said.type == "error" else None
            )
            page.on("pageerror", lambda error: self.faults.append(f"{page.url}: {error}"))
            if who == RESIDENT:
                self._resident(page, base)
            elif who:
                page.goto(f"{base}/login/")
                page.get_by_label("账号").fill(who)
                page.get_by_label("密码").fill(self.accounts[who])
                page.get_by_role("button", name="登录").click()
                page.wait_for_load_state()
            self.pages[who, late] = page
        return self.pages[who, late]

    def what_if(self) -> None:
        """Two invented drafts and what they would cost, unless there is one already."""
        page, base = self.page("shi-bz", True), self.bases[True]
        page.goto(f"{base}/simulations/")
        if page.locator("main a.whole").count():
            return
        for title, values in DRAFTS.items():
            page.goto(f"{base}/standards/proposals/")
            page.get_by_label("名称").fill(title)
            page.get_by_label("拟执行日").fill("2018-04-01")
            page.get_by_label("数值为假设").check()
            page.get_by_role("button", name="起草方案").click()
            page.wait_for_url("**/proposals/*/")
            for place, value in values.items():
                kind = "农村" if place == "荆门市" else "城市"
                page.locator(f"input[aria-label^='{place} 低保标准 {kind} 拟定值']").first.fill(value)
            page.get_by_role("button", name="保存并检查").click()
            page.wait_for_load_state()
        page.goto(f"{base}/simulations/")
        for field, title in zip(("#a", "#b"), DRAFTS, strict=True):
            page.select_option(
                field, value=page.locator(f"{field} option", has_text=title).first.get_attribute("value")
            )
        page.get_by_role("button", name="开始测算").click()
        page.get_by_role("heading", name="现行与方案").wait_for(timeout=300_000)

    def _resident(self, page: Any, base: str) -> None:
        name, number = resident()
        page.goto(f"{base}/my/sign-in/")
        page.get_by_label("姓名").fill(name)
        page.get_by_label("身份证号码").fill(number)
        page.get_by_role("button", name="获取短信验证码").click()
        page.get_by_label("短信验证码").wait_for()
        outbox = self.page("guanli")
        outbox.goto(f"{base}/outbox/")
        code = re.search(r"验证码 ?(\d{6})", outbox.locator("main").inner_text())
        assert code is not None, "no code in the outbox"
        page.get_by_label("短信验证码").fill(code[1])
        page.get_by_role("button", name="登录", exact=True).click()
        page.wait_for_load_state()

    def take(self, shot: Shot) -> list[str]:
        """The pictures of one page; their names."""
        page = self.page(shot.who, shot.after_the_year)
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
        page = self.page(shot.who, shot.after_the_year)
        page.set_viewport_size(DESK)
        if not self._go(page, shot):
            return
        where = page.url
        for name, (size, large) in LOOKS.items():
            page.context.add_cookies(
                [{"name": "tuodi_type", "value": "large" if large else "", "url": self.bases[shot.after_the_year]}]
            )
            page.set_viewport_size(size)
            page.goto(where)
            page.wait_for_timeout(200)
            self.faults += [f"{shot.name}-{name}: {one}" for one in page.evaluate(MEASURE)]
            page.screenshot(path=into / f"{shot.name}-{name}.png", full_page=True)
        page.context.clear_cookies(name="tuodi_type")

    def _go(self, page: Any, shot: Shot) -> bool:
        """Whether the page could be reached."""
        base = self.bases[shot.after_the_year]
        answer = page.goto(base + shot.path)
        status = answer.status if answer else 200  # only the fragment has changed
        if shot.press and page.get_by_role("button", name=shot.press).count():
            page.get_by_role("button", name=shot.press).click()
            page.wait_for_load_state()
        if shot.search:
            page.locator("main input[name=q]").fill(shot.search)
            page.keyboard.press("Enter")
            page.wait_for_url("**?q=*")
        for selector in shot.follow:
            link = page.locator(selector).first
            if not link.count():
                self.faults.append(f"{shot.name}: nothing to follow at {page.url} ({selector})")
                return False
            answer = page.goto(base + link.get_attribute("href"))
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


def _code(addresses: str) -> str:
    return ", ".join(f"`{one}`" for one in addresses.split(", "))


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
        if title == "Funds":
            lines += [
                "### Every page of money",
                "",
                "| Address | Who works there | What is done |",
                "| --- | --- | --- |",
            ]
            lines += [f"| {_code(addresses)} | {who} | {what} |" for addresses, who, what in MONEY]
            lines += [""]
    (ROOT / "docs" / "screens.md").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def main() -> int:
    """Takes the pictures asked for; ends with 1 where a page has a fault."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("base")
    parser.add_argument("--late", default="", help="the same demo as it stands after its replayed years")
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
        walker = Walker(browser, args.base.rstrip("/"), accounts, args.late.rstrip("/"))
        if not args.only or "simulation" in args.only:
            walker.what_if()
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
