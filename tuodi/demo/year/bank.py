"""The bank at the other end: `simulators/bank` as a process of its own, its books kept on disk, spoken to with signed files.

A chapter that was killed starts the bank again on its books and goes on: messages are found from their rows and keep their
numbers, so nothing is paid twice.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx

from tuodi.demo.staff import user
from tuodi.demo.year.cast import Replay, as_user
from tuodi.kernel import clock
from tuodi.org.access import system_scope
from tuodi.org.places import place_name
from tuodi.payments import actions
from tuodi.payments.actions.messages import site_key
from tuodi.payments.models import BankItem, BankLink, BankMessage, BankStatement, PayRun, StatementLine
from tuodi.payments.states import ERRORS, LineStatus, MessageState

__all__ = ["PROFILE", "Bank", "listening"]

PROFILE = "iso20022"
_ROOT = Path(__file__).resolve().parents[3]
#: How long a file on its way through the drop folder is waited for, seconds.
_PATIENCE = 20.0


@dataclass
class Bank:
    """The bank of one place while its process runs."""

    replay: Replay
    url: str
    link: BankLink

    def control(self, day: date, **wanted: Any) -> dict[str, Any]:
        """The simulator's own door: what the bank itself does on a day."""
        at = {"clock": f"{day}T09:00:00+08:00"}
        reply = httpx.post(f"{self.url}/control", json={**at, **wanted}, trust_env=False, timeout=30)
        reply.raise_for_status()
        return reply.json()  # type: ignore[no-any-return]

    def deliver(self, run: PayRun | None, day: date, *, faults: Sequence[str] = ()) -> int:
        """Brings every message of a run (None: of orders to bodies) that the bank has not acknowledged: asked after first, sent again only where it has nothing.

        Returns: how many.
        """
        with system_scope(self.replay.place):
            waiting = BankMessage.objects.filter(batch__run=run).order_by("id")
            mine = [one.pk for one in waiting if one.state not in (MessageState.ACKNOWLEDGED, MessageState.REFUSED)]
        self.control(day, faults=list(faults) if mine else [])
        officer = user(self.replay.who("yh"))
        with clock.frozen(day):
            for number in mine:
                actions.deliver(number, acting_user=officer)
        return len(mine)

    def _collect(self, day: date) -> list[Any]:
        officer = user(self.replay.who("yh"))
        with clock.frozen(day):
            return actions.collect(self.link, acting_user=officer)

    def _wait(self, done: Any) -> None:
        """Files in a folder are on their way for a while; over HTTP they are there at once."""
        until = time.monotonic() + _PATIENCE
        while self.replay.way == "folder" and not done():
            if time.monotonic() > until:
                raise TimeoutError("银行模拟器没有取走或放入文件")
            time.sleep(0.05)

    def told(self, run: PayRun | None, day: date, *, pending: int = 0) -> int:
        """Lets the bank report on every batch with lines that have no result yet, and takes the reports in.

        Args:
            pending: how many payments of the first batch it says nothing definite about.
        Returns: files taken in.
        """
        with system_scope(self.replay.place):
            open_ = [LineStatus.SENT, LineStatus.UNKNOWN]
            items = BankItem.objects.filter(batch__run=run, status__in=open_).order_by("batch_id", "seq")
            batches: dict[str, list[int]] = {}
            for no, seq in items.values_list("batch__no", "seq"):
                batches.setdefault(no, []).append(seq)
        if not batches:
            return 0
        self._wait(lambda: set(batches) <= set(self.control(day)["taken"]))
        for at, (no, seqs) in enumerate(batches.items()):
            kept = seqs[:pending] if at == 0 else []
            self.control(day, report=no, pending=kept)
        return self._take(day)

    def _take(self, day: date) -> int:
        self._wait(lambda: not self.control(day)["files"])
        return len(self._collect(day))

    def give_back(self, run: PayRun | None, day: date, count: int) -> int:
        """Lets the bank send back payments that had arrived: the last ones of the run's first batch."""
        with system_scope(self.replay.place):
            rows = BankItem.objects.filter(batch__run=run, batch__is_reissue=False, status__in=["paid", "returned"])
            if rows.filter(status="returned").exists() or not rows.exists():
                return 0
            last = list(rows.order_by("-batch_id", "-seq").values_list("batch__no", "seq")[:count])
        for no in dict.fromkeys(no for no, _ in last):
            self.control(day, **{"return": no, "seqs": [seq for one, seq in last if one == no]})
        self._take(day)
        return len(last)

    def statement(self, day: date, *, poison: Sequence[tuple[int, bool, str]] = ()) -> BankStatement:
        """The account's statement up to a day, taken in once."""
        with system_scope(self.replay.place):
            known = BankStatement.objects.filter(link=self.link, to_day=day, state="applied").first()
        if known is not None:
            return known
        self.control(day, poison=[list(one) for one in poison], statement=True)
        self._take(day)
        with system_scope(self.replay.place):
            return BankStatement.objects.get(link=self.link, to_day=day, state="applied")

    def explain_leftovers(self, day: date) -> int:
        """Movements no payment explains: one writes down whose they are, another confirms. Nothing moves for them."""
        with system_scope(self.replay.place):
            left = list(
                StatementLine.objects.filter(statement__link=self.link, verdict__in=ERRORS)
                .exclude(decisions__state="confirmed").order_by("id")
            )  # fmt: skip
        for line in left:
            with as_user(self.replay, "jy", day) as checker:
                made = line.decisions.filter(state="proposed").first() or actions.propose_leftover(
                    line, acting_user=checker, reason="银行书面答复：他户业务误记本账户，次日冲正，与本期发放无关"
                )
            with as_user(self.replay, "sp", day) as approver:
                actions.confirm_decision(made, acting_user=approver)
        return len(left)

    def end_unknown(self, run: PayRun, day: date) -> int:
        """Payments the bank leaves open: decided by two people on its written word."""
        with system_scope(self.replay.place):
            left = list(BankItem.objects.filter(batch__run=run, status="unknown").order_by("id"))
        for item in left:
            with as_user(self.replay, "jy", day) as checker:
                made = item.decisions.filter(state="proposed").first() or actions.propose_item(
                    item, acting_user=checker, outcome="paid", reason="银行柜面书面答复：已入账，系统回执延迟"
                )
            with as_user(self.replay, "sp", day) as approver:
                actions.confirm_decision(made, acting_user=approver)
        return len(left)


@contextmanager
def listening(replay: Replay, folder: Path, *, failing: float = 0.01) -> Iterator[Bank]:
    """The bank's process for one place; it ends with the chapter, and by itself if the chapter is killed."""
    folder.mkdir(parents=True, exist_ok=True)
    exchange = (folder / "交换").absolute()
    command = [
        sys.executable, "-m", "simulators.bank.server", "--attached", "--profile", PROFILE, "--client-key", site_key().public.hex(),
        "--account", replay.payer, "--failing", str(failing), "--clock", f"{replay.entered}T09:00", "--books", str(folder / "银行账簿"),
    ]  # fmt: skip
    if replay.way == "folder":
        exchange.mkdir(exist_ok=True)
        command += ["--folder", str(exchange)]
    process = subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        hello = json.loads(process.stdout.readline())
        url = f"http://127.0.0.1:{hello['port']}"
        address = str(exchange) if replay.way == "folder" else url
        yield Bank(replay, url, _link(replay, address, hello["key"]))
    finally:
        process.terminate()
        process.wait(timeout=10)


def _link(replay: Replay, address: str, key: str) -> BankLink:
    with clock.frozen(replay.entered), system_scope(replay.place):
        known = BankLink.objects.filter(place=replay.place, profile=PROFILE, is_active=True).first()
        if known is None:
            return actions.register_link(
                acting_user=None, place=replay.place, label="农商行直联（模拟）", profile=PROFILE, way=replay.way, address=address,
                payer_name=f"{place_name(replay.place)}救助资金专户", payer_account=replay.payer, payer_agent="402532000012", bank_key=key,
            )  # fmt: skip
        if known.address != address:
            # The same bank, listening at another port of this machine: messages on their way stay with their link.
            known.address = address
            known.save(update_fields=["address"])
        return known
