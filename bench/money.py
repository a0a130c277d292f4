"""A month's money, step by step, against COPY of the same rows and opening the same fields. Usage, from the root:

    export TUODI_VAR=$PWD/var/money            # a state folder of its own, after `python -m tuodi migrate`
    .venv/bin/python bench/money.py fill 5301=68000 [5303=34000 5304=17000 ...]
    .venv/bin/python bench/money.py month 5301 --rounds 3

`fill` makes the roll of a place (`money_data.py`), its officers, fund books and line to a bank; places that are filled stay as they
are. `month` takes one month a round through the product's own actions: calculate, check and approve (fund books reserved, hands
noted), write and sign the files for the bank (ISO 20022) and lay them out, take its answers in, and reconcile its statement. The bank
is the simulated one, outside the time measured. After each step its floor is measured on the rows the step has just read and written,
so both meet the same machine:

* the rows read: COPY out of the same columns;
* the rows written: COPY into an equal table, with its indexes, checks and foreign keys, committed (`bare`: without foreign keys);
* rows changed (a status): COPY of the whole row into an equal table without indexes, which such a change does not touch;
* the encrypted fields the step opens: opened one by one with the cipher.

The least of the rounds counts on both sides. Beside the wall clock the CPU of this process and of the server together is given for
both, which is what is left to compare on a machine that others use too. Memory: the highest resident size of this process during the step.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import os
import pstats
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from common import REPOSITORY, ROOT, report
from money_floor import Meter, floor_of, know_server, marks

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tuodi.config.settings")
os.environ["TUODI_POLICIES"] = str(Path(__file__).parent / "pack" / "bands")  # a run of any sum is signed by three
os.environ["TUODI_DEMO"] = "1"  # the officers are demo accounts, which open nothing elsewhere

WHERE = "53"
PAYER = "5300017000000001"
FIRST = (2020, 7)
LAST = 202106  #: from July 2021 other rules hold, which ask for what the roll that is made does not say
OFFICERS = {"prepare": ("pay_prepare",), "check": ("pay_check", "pay_send"), "approve": ("pay_approve",), "approve2": ("pay_approve",), "approve3": ("pay_approve",), "keep": ("fund_keep",), "review": ("fund_review",)}  # fmt: skip
STEPS = ("calculate", "check", "approve", "file", "return", "reconcile")


def start() -> Any:
    """Django, and a superuser's link to the same database."""
    import django

    django.setup()
    from django.db import connection

    from tuodi.config import postgres

    layout = postgres.ensure_running()
    assert layout is not None, "bench/money.py works on the private server of a state folder"
    link = postgres.superuser_link(layout, str(connection.settings_dict["NAME"]))
    know_server(link)
    return link


@contextmanager
def at(user: Any, day: date) -> Iterator[None]:
    """Acts as a user on a day."""
    from tuodi.kernel import clock
    from tuodi.org.access import scope

    with clock.frozen(day), scope(user):
        yield


def officers() -> dict[str, Any]:
    """The people of the office, made when first asked for."""
    from tuodi.kernel import clock
    from tuodi.org import actions
    from tuodi.org.models import Office, User

    found = {}
    with clock.frozen(date(2019, 1, 4)):
        office, _ = Office.objects.get_or_create(name="测算机构", place_code=WHERE)
        for name, duties in OFFICERS.items():
            user = User.objects.filter(username=f"bench-{name}").first()
            if user is None:
                user = actions.add_user(
                    acting_user=None, username=f"bench-{name}", name=f"测算{name}"[:20], office=office, password="Ce-suan-2020-x", is_demo=True,
                )  # fmt: skip
                for duty in duties:
                    actions.grant_duty(acting_user=None, user=user, code=duty)
            found[name] = user
    return found


def fund_books(who: dict[str, Any], counties: list[str]) -> None:
    """Two sources of money for each programme of each county, by paper."""
    from tuodi.funds.actions import papers
    from tuodi.funds.models import FundBook
    from tuodi.kernel.places import pad12

    day = date(2020, 1, 6)
    with at(who["keep"], day):
        there = set(FundBook.objects.values_list("region", flat=True))
    for county in counties:
        if pad12(county) in there:
            continue
        for programme in ("dibao", "tekun"):
            for source in ("central", "province"):
                with at(who["keep"], day):
                    paper = papers.propose(
                        acting_user=who["keep"], county=county, kind="appropriation", amount_fen=10**12, reason="测算", programme=programme,
                        source=source, doc_no=f"测算〔2020〕{county}{programme}{source}", doc_day=day,
                    )  # fmt: skip
                with at(who["review"], day):
                    papers.decide(paper, acting_user=who["review"], approve=True)


def bank_of(place: str) -> Any:
    """The simulated bank with the key its line is registered under."""
    from simulators.bank.core import Bank
    from tuodi.crypto import sm2

    key = ROOT / "money" / f"bank-{place}.key"
    key.parent.mkdir(parents=True, exist_ok=True)
    return Bank(profile="iso20022", pair=sm2.load_or_make(key), account=PAYER, failing=0.0, opening_fen=10**15)


def folder_of(place: str) -> Path:
    """Where files for the bank of a place lie."""
    return ROOT / "money" / f"drop-{place}"


def link_of(place: str, bank: Any) -> Any:
    """The line of a place to its bank."""
    from tuodi.kernel import clock
    from tuodi.org.access import system_scope
    from tuodi.payments import actions
    from tuodi.payments.models import BankLink

    with clock.frozen(date(2020, 1, 6)), system_scope(place):
        mine = BankLink.objects.filter(place=place, profile="iso20022", is_active=True)
        mine.update(
            address=str(folder_of(place))
        )  # a state folder that was copied would lay its files out in the first one's
        found = mine.first()
        return found or actions.register_link(
            acting_user=None, place=place, label="测算直联", profile="iso20022", way="folder", address=str(folder_of(place)),
            payer_name="测算社会救助资金专户", payer_account=PAYER, payer_agent="402532000012", bank_key=bank.pair.public.hex(),
        )  # fmt: skip


def fill(link: Any, wanted: list[str]) -> None:
    """Makes places."""
    import money_data

    who = officers()
    for one in wanted:
        place, _, persons = one.partition("=")
        began = time.perf_counter()
        homes = money_data.fill(link, place, int(persons))
        for table in money_data.FILLED:
            link.execute(f"vacuum analyze {table}")
        fund_books(who, money_data.counties(place))
        link_of(place, bank_of(place))
        print(f"{place}: {homes:,} families, {time.perf_counter() - began:.0f} s", flush=True)


# ---- steps


def peak_reset() -> None:
    """From here the highest resident size is counted anew."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")


def peak_mb() -> int:
    """The highest resident size since, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) // 1000
    return 0


class Office:
    """One month of one place."""

    def __init__(self, place: str, who: dict[str, Any], month: Any) -> None:
        self.place, self.who, self.month = place, who, month
        self.bank = bank_of(place)
        self.link = link_of(place, self.bank)
        self.run: Any = None

    def day(self, n: int) -> date:
        return date(self.month.year, self.month.month, n)

    def calculate(self) -> None:
        from tuodi.payments import actions

        with at(self.who["prepare"], self.day(2)):
            self.run = actions.open_run(
                acting_user=self.who["prepare"], place=self.place, month=self.month, programmes=("dibao", "tekun")
            )
        from tuodi.kernel import clock

        with clock.frozen(self.day(2)), nullcontext() if LONG else at(self.who["prepare"], self.day(2)):
            self.run = actions.calculate(self.run, acting_user=self.who["prepare"])

    def check(self) -> None:
        from tuodi.payments import actions

        with at(self.who["check"], self.day(3)):
            actions.check(self.run, acting_user=self.who["check"])

    def approve(self) -> None:
        from tuodi.payments import actions

        # As many signatures as the amount asks for; each reads the run again.
        for name in ("approve", "approve2", "approve3"):
            if self.run.state != "approved":
                with at(self.who[name], self.day(3)):
                    self.run = actions.approve(self.run, acting_user=self.who[name])

    def file(self) -> None:
        from tuodi.kernel import clock
        from tuodi.payments import actions
        from tuodi.payments.models import BankMessage

        with at(self.who["check"], self.day(4)):
            batches = actions.make_bank_files(self.run, acting_user=self.who["check"], profile="iso20022")
            wanted = list(BankMessage.objects.filter(batch__in=batches).order_by("id").values_list("pk", flat=True))
        with clock.frozen(self.day(4)):
            for pk in wanted:
                actions.deliver(pk, acting_user=self.who["check"])

    def answers(self) -> None:
        """The bank takes what lies there, pays, and lays out its answers."""
        from tuodi.kernel import clock

        with clock.frozen(self.day(5)):
            self.bank.now = clock.now()
            self.bank.stated_until = self.day(1) - timedelta(days=1)
            self.bank.sequence = self.month.yyyymm
            self.bank.numbers = self.month.yyyymm * 1_000_000 % 10**9
            self.bank.visit(folder_of(self.place))
            for no in list(self.bank.taken):
                self.bank.lay("answer", self.bank.report(no))
            self.bank.visit(folder_of(self.place))

    def collect(self) -> None:
        from tuodi.kernel import clock
        from tuodi.payments import actions

        with clock.frozen(self.day(6)):
            found = actions.collect(self.link, acting_user=self.who["check"])
        wrong = [one.faults for one in found if one.faults]
        assert found
        assert not wrong, wrong[:1]

    def statement(self) -> None:
        """The bank states what its account did."""
        self.bank.lay("statement", self.bank.write_statement(self.bank.statement()))
        self.bank.visit(folder_of(self.place))

    def close(self) -> None:
        """Settles and closes; not measured."""
        from tuodi.payments import actions

        with at(self.who["check"], self.day(9)):
            actions.settle(self.run, acting_user=self.who["check"])
        with at(self.who["approve"], self.day(9)):
            actions.close(self.run, acting_user=self.who["approve"])


LONG = True  #: calculate outside a transaction, as the job process does: each county commits by itself


def next_month(place: str) -> Any:
    """The first month of a place without a run."""
    from tuodi.kernel.periods import Month
    from tuodi.org.access import system_scope
    from tuodi.payments.models import PayRun

    with system_scope(place):
        last = PayRun.objects.filter(place=place).exclude(state="cancelled").order_by("-month").first()
    found = Month.parse(str(last.month)).next() if last else Month(*FIRST)
    if found.yyyymm > LAST:
        raise SystemExit(f"{place}: the year of its roll is used up; fill another place")
    return found


def month(link: Any, place: str, args: argparse.Namespace) -> None:
    """Takes months through their steps and prints the table."""
    who = officers()
    best: dict[str, tuple[float, ...]] = {}
    details: dict[str, Any] = {}
    for _ in range(args.rounds):
        office = Office(place, who, next_month(place))
        print(f"-- {place} {office.month}, load {os.getloadavg()[0]:.1f}", flush=True)
        does: dict[str, tuple[Callable[[], None] | None, Callable[[], None]]] = {
            "calculate": (None, office.calculate), "check": (None, office.check), "approve": (None, office.approve), "file": (None, office.file),
            "return": (office.answers, office.collect), "reconcile": (office.statement, office.collect),
        }  # fmt: skip
        for step, (before, deed) in does.items():
            if before:
                before()
            seen = marks(link)
            peak_reset()
            profiler = cProfile.Profile() if args.profile in (step, "all") else None
            meter = Meter()
            if profiler:
                profiler.enable()
            deed()
            if profiler:
                profiler.disable()
            (own, used), high = meter.stop(), peak_mb()
            if profiler:
                pstats.Stats(profiler).sort_stats("cumulative").print_stats(45)
            floor = floor_of(step, link, office.run, seen)
            whole, bare, busy = floor.total(), floor.total(foreign=False), floor.total_cpu()
            found = (own, whole, bare, used, busy)
            best[step] = tuple(map(min, best[step], found)) if step in best else found
            details[step] = {"rows": floor.rows, "peak_mb": high}
            parts = ", ".join(f"{name} {seconds:.2f} ({floor.rows[name]:,})" for name, seconds in floor.parts.items())
            print(f"{step:10} {own:7.2f} s ({high} MB)  floor {whole:6.2f}  ratio {own / whole:5.2f}  CPU {used:.2f} / {busy:.2f} = {used / busy:.2f}  | {parts}", flush=True)  # fmt: skip
        office.close()
    print(f"\n{place}, {office.run.lines:,} lines paid, {office.run.persons:,} persons; least of {args.rounds} rounds")
    print(
        "| step | s | floor s | ratio | ratio without foreign keys | CPU s | ratio of CPU | peak MB |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- |"
    )
    for step, (own, whole, bare, used, busy) in best.items():
        print(
            f"| {step} | {own:.2f} | {whole:.2f} | {own / whole:.2f} | {own / bare:.2f} | {used:.2f} | {used / busy:.2f} | "
            f"{details[step]['peak_mb']} |"
        )
    report(
        place=place,
        lines=office.run.lines,
        **{step: [round(one[0] / one[1], 2), round(one[3] / one[4], 2)] for step, one in best.items()},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    filling = verbs.add_parser("fill")
    filling.add_argument("places", nargs="+", metavar="PLACE=PERSONS")
    monthly = verbs.add_parser("month")
    monthly.add_argument("place")
    monthly.add_argument("--rounds", type=int, default=3)
    monthly.add_argument("--profile", choices=(*STEPS, "all"), help="where one step spends its time (slows it down)")
    args = parser.parse_args()
    sys.path.insert(0, str(REPOSITORY))
    link = start()
    if args.verb == "fill":
        fill(link, args.places)
    else:
        month(link, args.place, args)


if __name__ == "__main__":
    main()
