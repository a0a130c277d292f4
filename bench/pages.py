"""How fast the pages of one running server are against the plainest page of the same server.

Ratios say more than milliseconds: both sides ask the same server, in turn, so that a busy machine slows both. They are held
against two others: `one query` is `/healthz` (every middleware, one `select 1` in a transaction, no session, no template), `plain`
the plainest page a signed-in reader has, the form for a new password (session, user, range, duties; navigation and frame).

    TUODI_DEMO=1 TUODI_DEMO_TODAY=2017-09-11 TUODI_READING_LIMIT=0 ./run tuodi serve --port 8765 &
    .venv/bin/python -m bench.pages http://127.0.0.1:8765 <account> <password> [--rounds 40] \\
        [--resident "$(.venv/bin/python -m bench.load_cast session)"] [--save 70000.json] [--against 70000.json]

`--against` compares the p95 of each page with a run saved before, at another size of the roll. `--beside COMMAND` measures alone first, then
starts the command (a month's run, say) and measures until it ends: what a page takes meanwhile may be twice what it takes alone.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx

#: Page -> least share of the one-query view's speed it is to reach (1/10 of it = at most ten times as long).
FLOORS = {"case": 1 / 10, "list": 1 / 15, "number": 1 / 10, "progress": 1 / 8, "resident": 1 / 8}
#: At most so many times the p95 of the smaller roll.
GROWTH = 1.5
#: At most so many times the p95 of a page alone, while something else is at work.
BESIDE = 2.0


def signed_in(base: str, account: str, password: str) -> httpx.Client:
    """A client with a session of its own."""
    client = httpx.Client(base_url=base, follow_redirects=True, timeout=60)
    page = client.get("/login/").text
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    if token is None:
        raise SystemExit(f"{base}/login/ 没有登录表单。请核对地址。")
    answer = client.post(
        "/login/",
        data={"username": account, "password": password, "csrfmiddlewaretoken": token[1]},
        headers={"Referer": f"{base}/login/"},
    )
    if "/login/" in str(answer.url):
        raise SystemExit("账号或密码不对。")
    return client


def token_of(client: httpx.Client) -> str:
    """What a form of this session must carry."""
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', client.get("/families/").text)
    return found[1] if found else ""


def once(client: httpx.Client, path: str, data: dict[str, str] | None = None) -> float:
    """Seconds of one answer; a form's redirect is an answer."""
    began = time.perf_counter()
    if data is None:
        answer = client.get(path)
    else:
        answer = client.post(path, data=data, headers={"Referer": str(client.base_url)}, follow_redirects=False)
    took = time.perf_counter() - began
    if answer.status_code >= 400:
        raise SystemExit(f"{path}：{answer.status_code}")
    return took


def measure(
    clients: dict[str, httpx.Client],
    paths: dict[str, tuple[str, dict[str, str] | None]],
    goes_on: Callable[[int], bool],
    warm: int = 3,
) -> dict[str, list[float]]:
    """Times by name; the paths take turns, so that whatever else runs slows all alike. The first rounds warm caches and do not count."""
    times: dict[str, list[float]] = {name: [] for name in paths}
    number = 0
    while number < warm or goes_on(number - warm):
        for name, (path, data) in paths.items():
            took = once(clients.get(name, clients["staff"]), path, data)
            if number >= warm:
                times[name].append(took)
        number += 1
    return times


def high(taken: list[float]) -> float:
    """The 95th of a hundred."""
    return sorted(taken)[max(0, int(len(taken) * 0.95) - 1)]


def beside(
    command: str, times: dict[str, list[float]], again: Callable[[Callable[[int], bool]], dict[str, list[float]]]
) -> int:
    """Measures while a command runs, against the times alone. Prints a table; returns how many pages are too slow."""
    with Path(os.devnull).open("w") as nowhere:
        busy = subprocess.Popen(shlex.split(command), stdout=nowhere)
        during = again(lambda _: busy.poll() is None)
        if busy.wait():
            raise SystemExit(f"命令以 {busy.returncode} 结束：{command}")
    below = 0
    print(
        f"\n{'page':10} {'rounds':>7} {'p95 alone':>10} {'meanwhile':>10} {'times':>6} {'median':>8}   at most {BESIDE}"
    )
    for name, taken in during.items():
        grown = high(taken) / high(times[name])
        below += grown > BESIDE
        middle = statistics.median(taken) / statistics.median(times[name])
        print(f"{name:10} {len(taken):7} {high(times[name]) * 1000:10.1f} {high(taken) * 1000:10.1f} {grown:6.2f} {middle:8.2f}  {'slow' if grown > BESIDE else ''}")  # fmt: skip
    return below


def main() -> int:
    """Prints a table; ends with 1 where a page is too slow, or slower than a larger roll may make it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("base")
    parser.add_argument("account")
    parser.add_argument("password")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--number", default="", help="a case number to search for; default the first in the list")
    parser.add_argument("--resident", default="", help="the session cookie of a resident, see bench.load_cast session")
    parser.add_argument("--save", type=Path, help="keep the p95 of each page")
    parser.add_argument("--against", type=Path, help="p95 kept of a smaller roll")
    parser.add_argument(
        "--beside", default="", metavar="COMMAND", help="then measure again while this runs, until it ends"
    )
    args = parser.parse_args()
    client = signed_in(args.base, args.account, args.password)
    cases = client.get("/cases/?tab=all").text
    first = re.search(r'href="(/cases/\d+/)"', cases)
    number = args.number or (re.search(r"\d{6}-SL-\d{8}-\d{4}", cases) or [""])[0]
    if first is None or not number:
        raise SystemExit("办件列表是空的：请先装入演示数据，或换一个看得到办件的账号。")
    people = re.search(r'href="(/families/\d+/)"', client.get("/families/?q=wang").text)
    paths: dict[str, tuple[str, dict[str, str] | None]] = {
        "one query": ("/healthz", None),
        "plain": ("/password/", None),
        "case": (first[1], None),
        "list": ("/families/?q=wang", None),
        "number": ("/families/", {"q": number, "csrfmiddlewaretoken": token_of(client)}),
        "progress": ("/cases/?tab=open", None),
    }
    if people:
        paths["family"] = (people[1], None)
    clients = {"staff": client}
    if args.resident:
        clients["resident"] = httpx.Client(base_url=args.base, cookies={"tuodi": args.resident}, timeout=60)
        paths["resident"] = ("/my/progress/", None)
        if clients["resident"].get("/my/progress/").status_code != 200:
            raise SystemExit("居民的会话已结束。请用 bench.load_cast session 重新取得。")
    times = measure(clients, paths, lambda done: done < args.rounds)
    before = json.loads(args.against.read_text()) if args.against else {}
    middle = {name: statistics.median(taken) for name, taken in times.items()}
    p95 = {name: high(taken) for name, taken in times.items()}
    below = 0
    print(
        f"{'page':10} {'median ms':>10} {'p95 ms':>8} {'÷ one query':>12} {'÷ plain':>8} {'at most':>8} {'p95 then':>9}"
    )
    for name in times:
        ratio = middle[name] / middle["one query"]
        most = 1 / FLOORS[name] if name in FLOORS else 0.0
        grown = p95[name] / before[name] if name in before else 0.0
        faults = [word for word, bad in (("slow", most and ratio > most), ("grown", grown > GROWTH)) if bad]
        below += bool(faults)
        print(
            f"{name:10} {middle[name] * 1000:10.1f} {p95[name] * 1000:8.1f} {ratio:12.1f} {middle[name] / middle['plain']:8.1f} "
            f"{most or float('nan'):8.0f} {grown or float('nan'):9.2f}  {' '.join(faults)}"
        )
    if args.save:
        args.save.write_text(json.dumps(p95))
    if args.beside:
        below += beside(args.beside, times, lambda goes_on: measure(clients, paths, goes_on, 0))
    return 1 if below else 0


if __name__ == "__main__":
    raise SystemExit(main())
