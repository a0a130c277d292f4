"""A place that pays over a line to a bank, with the bank listening for real: over HTTP on the loopback, or at a drop folder."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import httpx
from casekit import at
from django.db.models import Q
from paykit import Staff, family, run_month

from simulators.bank.core import Bank
from simulators.bank.server import serve
from tuodi.crypto.sm2 import KeyPair
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.access import system_scope
from tuodi.payments import actions, checks
from tuodi.payments.actions.messages import site_key
from tuodi.payments.models import BankItem, BankLink, BankMessage, BankRecall, PayLine, PayRun

ROOT = Path(__file__).resolve().parents[1]
MAY = Month(2017, 5)
DAY = date(2017, 5, 8)
ACCOUNT = "4200017000000001"


@contextmanager
def listening(bank: Bank, *, hang: float = 1.0) -> Iterator[str]:
    """The bank behind HTTP in a thread of its own; its address."""
    server = serve(bank, hang=hang)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


@contextmanager
def bank_process(
    *,
    client: KeyPair,
    profile: str = "iso20022",
    clock_at: str = "2017-05-08T00:00",
    hang: float = 20.0,
    folder: Path | None = None,
) -> Iterator[tuple[str, str]]:
    """The bank as a process of its own: its address and public key."""
    command = [
        sys.executable,
        "-m",
        "simulators.bank.server",
        "--profile",
        profile,
        "--client-key",
        client.public.hex(),
    ]
    command += ["--clock", clock_at, "--hang", str(hang), "--attached"] + (["--folder", str(folder)] if folder else [])
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        hello = json.loads(process.stdout.readline())
        yield f"http://127.0.0.1:{hello['port']}", hello["key"]
    finally:
        process.terminate()
        process.wait(timeout=10)


def tell(url: str, **wanted: Any) -> dict[str, Any]:
    """The simulator's own door."""
    return httpx.post(f"{url}/control", json=wanted, trust_env=False, timeout=30).json()  # type: ignore[no-any-return]


class Desk:
    """Officers, a bank and the line between them."""

    def __init__(
        self,
        make_user: Any,
        bank: Bank,
        address: str,
        *,
        way: str = "http",
        place: str = "420802",
        staff: Staff | None = None,
    ) -> None:
        self.staff, self.bank = staff or Staff(make_user, place), bank
        with system_scope(place):
            self.link: BankLink = actions.register_link(
                acting_user=None, place=place, label="农商行直联", profile=bank.layout.name, way=way, address=address,
                payer_name="东宝区民政局救助资金专户", payer_account=ACCOUNT, payer_agent="402532000012", bank_key=bank.pair.public.hex(),
            )  # fmt: skip

    @contextmanager
    def on(self, day: date = DAY) -> Iterator[None]:
        """A day on both clocks."""
        with clock.frozen(day):
            self.bank.now = clock.now()
            yield

    def send(self, run: PayRun) -> PayRun:
        """Makes the files of an approved run; nothing leaves yet."""
        with at(self.staff.check, DAY):
            actions.make_bank_files(run, acting_user=self.staff.check, profile=self.bank.layout.name)
            run.refresh_from_db()
        return run

    def month(self, homes: int = 3, *, month: Month = MAY) -> PayRun:
        """An approved run of some new families, with its files made."""
        for n in range(homes):
            family(village=f"42080200100{n % 9 + 1}")
        return self.send(run_month(self.staff, month, upto="approve"))

    def messages(self, run: PayRun) -> list[BankMessage]:
        with system_scope("420802"):
            mine = Q(batch__run=run) | Q(recall__batch__run=run) | Q(inquiry__run=run)
            return list(BankMessage.objects.filter(mine).order_by("id"))

    def ask_back(
        self, batch: Any, *seqs: int, purpose: str = "stop", code: str = "UPAY", day: date = DAY, bring: bool = True
    ) -> BankRecall:
        """One asks payments of a batch back (none named = all), another agrees, and the request goes to the bank."""
        with at(self.staff.check, day):
            made = actions.propose_recall(
                batch, acting_user=self.staff.check, purpose=purpose, reason_code=code, reason="送出后发现不应发放", seqs=list(seqs) or None
            )  # fmt: skip
        with at(self.staff.approve, day):
            made = actions.confirm_recall(made, acting_user=self.staff.approve)
        if bring:
            self.bring(made, day)
        return made

    def bring(self, recall: BankRecall, day: date = DAY) -> BankMessage:
        """Brings a request."""
        with self.on(day):
            with system_scope("420802"):
                number = BankMessage.objects.get(recall=recall).pk
            return actions.deliver(number, acting_user=self.staff.check)

    def words(self, recall: BankRecall) -> list[str]:
        """What the bank said of each payment asked back, in the order of the file."""
        with system_scope("420802"):
            return list(recall.lines.order_by("item__seq").values_list("word", flat=True))

    def deliver(self, run: PayRun, day: date = DAY) -> list[BankMessage]:
        """Brings every message of a run."""
        with self.on(day):
            return [actions.deliver(one.pk, acting_user=self.staff.check) for one in self.messages(run)]

    def collect(self, day: date = DAY) -> list[Any]:
        with self.on(day):
            return actions.collect(self.link, acting_user=self.staff.check)

    def statuses(self, run: PayRun) -> list[str]:
        """Statuses of the run's items in the order of the file."""
        with system_scope("420802"):
            return list(
                BankItem.objects.filter(batch__run=run).order_by("batch_id", "seq").values_list("status", flat=True)
            )

    def lines(self, run: PayRun) -> list[str]:
        with system_scope("420802"):
            return sorted(PayLine.objects.filter(run=run).values_list("status", flat=True))

    def clean(self, run: PayRun) -> None:
        """Debits and credits, batches, events, transit and payable of a run hold."""
        with system_scope("420802"):
            assert [one for one in checks.ledger(PayRun.objects.get(pk=run.pk)) if not one.ok] == []


def wire_up(settings: Any, tmp_path: Path, *, profile: str = "iso20022", failing: float = 0.0) -> Bank:
    """Keys and mark of this site in a folder of the test, and a bank that knows our key."""
    settings.BANK_KEY, settings.BANK_MARK = tmp_path / "bank_key", tmp_path / "bank_sent.json"
    return Bank(profile=profile, pair=KeyPair.generate(), client=site_key().public, account=ACCOUNT, failing=failing)


def chosen(items: Sequence[Any], *numbers: int) -> list[Any]:
    """Some of a list, by number from 1."""
    return [items[n - 1] for n in numbers]
