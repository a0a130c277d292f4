"""The bank as a process of its own, on the loopback, with signed replies; and, if asked, at a drop folder.

    .venv/bin/python -m simulators.bank.server --profile iso20022 --client-key HEX [--port 0] [--folder DIR] [--clock 2017-05-08T09:00]

It prints one JSON line when it listens: the port and its public key.

    POST /messages?no=…     hand in a file             GET /messages/<no>   what became of it
    GET  /inbox             files for us               GET /inbox/<name>    one of them; POST /inbox/<name>/taken
    POST /control           the simulator's own door (unsigned): faults, answers, returns, statements, days

Faults of the next files handed in (`{"faults": […]}`): ok, 500_after, 500_before, cut_after, timeout_after, refuse, unsigned.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from dataclasses import replace
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from simulators.bank.core import Bank
from simulators.gateway import key_of
from simulators.serving import run
from tuodi.exchange import wire
from tuodi.exchange.bank_files import StatementEntry
from tuodi.exchange.bank_transport import SIGNATURE_HEADER

__all__ = ["serve"]


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server_version = "bank"
    bank: Bank
    lock: threading.RLock
    hang: float
    books: Path | None

    def log_message(self, *_: Any) -> None:
        """Silent: account numbers must not get into a log."""

    def do_GET(self) -> None:
        """Questions and files for us."""
        if not self._allowed(b""):
            return None
        path = urlsplit(self.path).path
        with self.lock:
            if path.startswith("/messages/"):
                no = unquote(path.removeprefix("/messages/"))
                known = self.bank.taken.get(no) or self.bank.asked.get(no)
                return self._json(200, {"result": "accepted" if known else "absent"})
            if path == "/inbox":
                return self._json(200, {"files": sorted(self.bank.inbox)})
            found = self.bank.inbox.get(unquote(path.removeprefix("/inbox/")))
        if found is None:
            return self._json(404, {"error": "没有这份文件"})
        return self._signed(200, found[0], {SIGNATURE_HEADER: found[1]} if found[1] else {})

    def do_POST(self) -> None:
        """Files from us, receipts, and control."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        if parts.path == "/control":
            with self.lock:
                data = json.dumps(control(self.bank, json.loads(body)), ensure_ascii=False).encode()
                self._keep()
            return self._send(200, data, {})
        if not self._allowed(body):
            return None
        if parts.path.startswith("/inbox/") and parts.path.endswith("/taken"):
            with self.lock:
                self.bank.inbox.pop(unquote(parts.path.removeprefix("/inbox/").removesuffix("/taken")), None)
                self._keep()
            return self._json(200, {"result": "accepted"})
        if parts.path != "/messages":
            return self._json(404, {"error": "没有这个地址"})
        return self._submit(parse_qs(parts.query).get("no", [""])[0], body)

    def _submit(self, no: str, body: bytes) -> None:
        with self.lock:
            fault = self.bank.submit_faults.pop(0) if self.bank.submit_faults else "ok"
            if fault == "500_before":
                return self._json(500, {"error": "系统忙"})
            if fault == "refuse":
                return self._json(200, {"result": "refused", "reason": "付款账户余额不足"})
            word, reason = self.bank.submit(no, body, self.headers.get(SIGNATURE_HEADER, ""))
            self._keep()
        if fault == "500_after":
            return self._json(500, {"error": "系统忙"})
        if fault == "timeout_after":
            time.sleep(self.hang)
        if fault in ("cut_after", "timeout_after"):
            self.close_connection = True
            self.connection.close()
            return None
        if fault == "unsigned":
            return self._send(200, json.dumps({"result": word}).encode(), {})
        return self._json(200, {"result": word, "reason": reason})

    def _keep(self) -> None:
        if self.books is not None:
            self.bank.keep(self.books)

    def _allowed(self, body: bytes) -> bool:
        found = wire.check_request(
            self.bank.client, self.headers, method=self.command, path=self.path, body=body, now=self.bank.now
        )
        if found is not wire.Signature.OK:
            self._json(401, {"error": "签名未通过", "reason": found.value})
            return False
        return True

    def _json(self, status: int, told: dict[str, Any]) -> None:
        self._signed(status, json.dumps(told, ensure_ascii=False).encode(), {})

    def _signed(self, status: int, body: bytes, more: dict[str, str]) -> None:
        nonce = self.headers.get("X-Tuodi-Nonce", "")
        signed = wire.sign_reply(
            self.bank.pair, status=status, path=self.path, nonce=nonce, body=body, now=self.bank.now
        )
        self._send(status, body, {**signed, **more})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        try:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True


def control(bank: Bank, wanted: dict[str, Any]) -> dict[str, Any]:
    """Does what a test or a demo asks of the bank itself: one word, or several in one order."""
    if "clock" in wanted:
        bank.now = datetime.fromisoformat(wanted["clock"])
    if "faults" in wanted:
        bank.submit_faults = list(wanted["faults"])
    if "days" in wanted:
        bank.pass_day(int(wanted["days"]))
    if "failing" in wanted:
        bank.failing = float(wanted["failing"])
    if "report" in wanted:
        pending = set(wanted.get("pending", ()))
        told = [
            replace(one, status="PDNG") if one.payment.seq in pending else one for one in bank.told(wanted["report"])
        ]
        bank.lay(
            "report",
            bank.report(wanted["report"], told=told, forge=wanted.get("forge", "")),
            signature=wanted.get("signature", "good"),
        )
    if "slow" in wanted:
        bank.slow = bool(wanted["slow"])
    if "execute" in wanted:
        bank.execute(wanted["execute"], wanted.get("seqs"))
    if "answer" in wanted:
        bank.lay("answer", bank.answer_request(wanted["answer"]))
    if "return" in wanted:
        bank.lay("return", bank.give_back(wanted["return"], wanted["seqs"]))
    if "poison" in wanted:
        # Lines nobody can explain: [fen, debit, reference]. They get into the next statement.
        for fen, debit, reference in wanted["poison"]:
            bank.poison.append(StatementEntry(0, fen, debit, reference, f"X{len(bank.poison) + 1}", None))
            bank.balance += -fen if debit else fen
    if wanted.get("statement"):
        bank.lay("statement", bank.write_statement(bank.statement()))
    return {"files": sorted(bank.inbox), "taken": bank.totals()}


def serve(bank: Bank, port: int = 0, *, hang: float = 20.0, books: Path | None = None) -> ThreadingHTTPServer:
    """A server bound to the loopback, not yet serving.

    Args:
        hang: seconds a scripted time-out takes. books: file the bank's books are kept in after each request.
    """
    bound = {"bank": bank, "lock": threading.RLock(), "hang": hang, "books": books}
    handler = type("BoundHandler", (Handler,), bound)
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    return server


def _at_folder(bank: Bank, root: Path, lock: threading.RLock, books: Path | None) -> None:
    while True:
        with lock:
            before = len(bank.taken), len(bank.inbox)
            bank.visit(root)
            if books is not None and before != (len(bank.taken), len(bank.inbox)):
                bank.keep(books)
        time.sleep(0.1)


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="银行模拟器（仅本机）")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=2017)
    parser.add_argument("--profile", default="iso20022")
    parser.add_argument("--client-key", required=True, help="我方 SM2 公钥（十六进制，65 字节）")
    parser.add_argument("--account", default="4200017000000001")
    parser.add_argument("--failing", type=float, default=0.0, help="失败比例")
    parser.add_argument("--clock", default="2017-05-08T09:00")
    parser.add_argument("--hang", type=float, default=20.0)
    parser.add_argument("--folder", type=Path, help="文件交换目录")
    parser.add_argument("--books", type=Path, help="账簿文件：重新启动时接着记")
    parser.add_argument("--attached", action="store_true", help="标准输入关闭时随之结束")
    given = parser.parse_args(arguments)
    moment = datetime.fromisoformat(given.clock)
    if moment.tzinfo is None:
        moment = datetime.fromisoformat(f"{given.clock}+08:00")
    pair = key_of(given.seed, "bank")
    bank = Bank(
        profile=given.profile, pair=pair, client=bytes.fromhex(given.client_key), account=given.account, seed=given.seed,
        failing=given.failing, now=moment,
    )  # fmt: skip
    if given.books:
        bank.restore(given.books)
        bank.now = max(bank.now, moment)
    server = serve(bank, given.port, hang=given.hang, books=given.books)
    print(json.dumps({"port": server.server_port, "key": pair.public.hex()}), flush=True)
    if given.folder:
        lock = server.RequestHandlerClass.lock  # type: ignore[attr-defined]
        threading.Thread(target=_at_folder, args=(bank, given.folder, lock, given.books), daemon=True).start()
    run(server, attached=given.attached)


if __name__ == "__main__":
    main()
