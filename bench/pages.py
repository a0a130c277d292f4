"""How fast the pages of one running server are against the plainest page of the same server.

Ratios say more than milliseconds: both sides ask the same server, in turn, so that a busy machine slows both. The page they
are held against is the plainest a signed-in reader has, the form for a new password: session, user, duties, nothing else.

    TUODI_DEMO=1 ./run tuodi serve --port 8765 &
    .venv/bin/python -m bench.pages http://127.0.0.1:8765 <account> <password> [--rounds 40]
"""

from __future__ import annotations

import argparse
import re
import statistics
import time

import httpx

#: Page -> least share of the plain page's speed it must reach (1/10 of it = at most ten times as long).
FLOORS = {"case": 1 / 10, "list": 1 / 15, "number": 1 / 10, "progress": 1 / 8}


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
    client: httpx.Client, paths: dict[str, tuple[str, dict[str, str] | None]], rounds: int
) -> dict[str, list[float]]:
    """Times by name; the paths take turns, so that whatever else runs slows all alike."""
    times: dict[str, list[float]] = {name: [] for name in paths}
    for number in range(rounds + 3):
        for name, (path, data) in paths.items():
            took = once(client, path, data)
            if number >= 3:  # the first rounds warm caches
                times[name].append(took)
    return times


def main() -> int:
    """Prints a table; ends with 1 where a ratio is below its floor."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("base")
    parser.add_argument("account")
    parser.add_argument("password")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--number", default="", help="a case number to search for; default the first in the list")
    args = parser.parse_args()
    client = signed_in(args.base, args.account, args.password)
    cases = client.get("/cases/?tab=all").text
    first = re.search(r'href="(/cases/\d+/)"', cases)
    number = args.number or (re.search(r"\d{6}-SL-\d{8}-\d{4}", cases) or [""])[0]
    if first is None or not number:
        raise SystemExit("办件列表是空的：请先装入演示数据，或换一个看得到办件的账号。")
    people = re.search(r'href="(/families/\d+/)"', client.get("/families/?q=wang").text)
    paths: dict[str, tuple[str, dict[str, str] | None]] = {
        "plain": ("/password/", None),
        "case": (first[1], None),
        "list": ("/families/?q=wang", None),
        "number": ("/families/", {"q": number, "csrfmiddlewaretoken": token_of(client)}),
        "progress": ("/cases/?tab=open", None),
    }
    if people:
        paths["family"] = (people[1], None)
    times = measure(client, paths, args.rounds)
    plain = statistics.median(times["plain"])
    below = 0
    print(f"{'page':10} {'median ms':>10} {'p95 ms':>8} {'ratio':>7} {'floor':>7}")
    for name, taken in times.items():
        middle = statistics.median(taken)
        ratio = plain / middle
        floor = FLOORS.get(name)
        missed = floor is not None and ratio < floor
        below += missed
        p95 = sorted(taken)[max(0, int(len(taken) * 0.95) - 1)]
        print(
            f"{name:10} {middle * 1000:10.1f} {p95 * 1000:8.1f} {ratio:7.2f} "
            f"{floor if floor is not None else float('nan'):7.2f}{'  below' if missed else ''}"
        )
    return 1 if below else 0


if __name__ == "__main__":
    raise SystemExit(main())
