"""A gateway of departments for demonstrations and tests: a real HTTP server on the loopback with signed replies.

    .venv/bin/python simulators/gateway.py --port 0 --client-key HEX [--data DIR] [--script FILE] [--clock 2017-09-08T09:00]

It prints one JSON line when it listens: the port, and each service's public key. Registers come from a folder (one
`<service>.json` or `.parquet` a service, rows with the person's number in `身份证号` and name in `姓名`), else they are made
up from the seed and the number, so that the same person always has the same car.

    POST /services/<service>   ask about one person; 200 reply, or 202 with a ticket
    GET  /tickets/<ticket>     what was promised
    GET  /health               which services there are and what they did
    POST /control              set one service's behaviour, or the clock (the simulator's own door, unsigned)

Behaviour of a service, in the script or by /control: `delay` seconds, `format` json|xml, `polls` (202 so often first),
`quota` a day, `as_of`, and `faults`: a list taken one a request, the last stays if `sticky`. Faults: ok, 500, timeout, half,
cut, wrong_person, wrong_name, wrong_query, twice, twice_other, bad_signature, other_key, unsigned, expired, replay, old,
future, multi, error, dtd, oversize, gzip, not_found.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import secrets
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from simulators.registers import made_up
from simulators.serving import run
from tuodi.crypto import sm2
from tuodi.exchange import wire
from tuodi.kernel import clock

__all__ = ["Departments", "key_of", "serve"]

#: Services a gateway without a data folder offers.
SERVICES = (
    "business", "disability", "estate", "fiscal", "housing_fund", "hukou", "marriage", "prison", "social_insurance", "tax", "vehicle",
    "bank_deposit",
)  # fmt: skip
_ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123


def key_of(seed: int, service: str) -> sm2.KeyPair:
    """A department's pair, the same for the same seed, so that a demo can know the public half beforehand."""
    number = int.from_bytes(sm2.sm3(f"{seed}|{service}".encode()), "big") % (_ORDER - 2) + 1
    return sm2.KeyPair.of(number.to_bytes(32, "big"))


@dataclass
class Service:
    """One department's service: its key, its register, how it behaves."""

    name: str
    pair: sm2.KeyPair
    rows: Mapping[str, list[dict[str, str]]] | None
    delay: float = 0.0
    format: str = "json"
    polls: int = 0
    quota: int | None = None
    as_of: date | None = None
    faults: list[str] = field(default_factory=list)
    sticky: bool = False
    asked: int = 0
    replays: dict[str, tuple[dict[str, str], bytes]] = field(default_factory=dict)

    def fault(self) -> str:
        """The next scripted fault, `ok` where none is left."""
        if not self.faults:
            return "ok"
        return self.faults[0] if self.sticky and len(self.faults) == 1 else self.faults.pop(0)


class Departments:
    """All services of one gateway, and what it remembers: nonces, tickets."""

    def __init__(self, *, seed: int, client: bytes, data: Path | None, services: tuple[str, ...] = SERVICES) -> None:
        self.seed, self.client, self.lock = seed, client, threading.Lock()
        folder = (
            {path.stem: path for path in sorted(data.iterdir()) if path.suffix in (".json", ".parquet")} if data else {}
        )
        self.services = {
            name: Service(name, key_of(seed, name), _register(folder[name]) if name in folder else None)
            for name in ({*folder} if data else {*services})
        }
        self.nonces: set[str] = set()
        self.tickets: dict[str, dict[str, Any]] = {}

    def set(self, name: str, wanted: Mapping[str, Any]) -> None:
        """Changes a service's behaviour."""
        service = self.services[name]
        for key in ("delay", "format", "polls", "quota", "sticky"):
            if key in wanted:
                setattr(service, key, wanted[key])
        if "faults" in wanted:
            service.faults = list(wanted["faults"])
        if "as_of" in wanted:
            service.as_of = date.fromisoformat(wanted["as_of"]) if wanted["as_of"] else None

    def seen(self, nonce: str) -> bool:
        """Whether a nonce came before; remembers it."""
        with self.lock:
            known = nonce in self.nonces
            self.nonces.add(nonce)
            return known


def _register(path: Path) -> dict[str, list[dict[str, str]]]:
    if path.suffix == ".json":
        rows = json.loads(path.read_text(encoding="utf-8"))
    else:
        import polars

        rows = polars.read_parquet(path).to_dicts()
    found: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        found.setdefault(str(row["身份证号"]).upper(), []).append(
            {k: "" if v is None else str(v) for k, v in row.items()}
        )
    return found


def _answer(service: Service, seed: int, ask: Mapping[str, Any], fault: str) -> dict[str, Any]:
    subject = dict(ask["subject"])
    number = str(subject["id_no"]).upper()
    rows = service.rows.get(number, []) if service.rows is not None else made_up(service.name, seed, number)
    rows = [] if fault == "not_found" else rows
    today = clock.today()
    as_of = service.as_of or today - timedelta(days=today.day)
    as_of = {"old": today - timedelta(days=800), "future": today + timedelta(days=30)}.get(fault, as_of)
    found = {
        "request_no": ask["request_no"],
        "query_no": ask["query_no"],
        "service": service.name,
        "subject": subject,
        "status": "FOUND" if rows else "NOT_FOUND",
        "as_of": as_of.isoformat(),
        "count": len(rows),
        "rows": rows,
        "message": "",
    }
    if fault == "multi":
        found |= {"status": "MULTI", "rows": [], "count": 0}
    elif fault == "error":
        found |= {"status": "ERROR", "rows": [], "count": 0, "message": "数据库维护"}
    elif fault == "wrong_person":
        found["subject"] = subject | {"id_no": number[:-4] + ("0010" if number[-4:] != "0010" else "0029")}
    elif fault == "wrong_name":
        found["subject"] = subject | {"name": "另一人"}
    elif fault == "wrong_query":
        found["query_no"] = f"x{ask['query_no']}"
    elif fault == "half":
        found["count"] = len(rows) + 1
    return found


def _json(answers: list[dict[str, Any]]) -> bytes:
    return json.dumps({"answers": answers}, ensure_ascii=False).encode()


def _xml(answers: list[dict[str, Any]]) -> bytes:
    """As provincial exchange platforms write: an element an answer, a `field` a column."""
    parts = ['<?xml version="1.0" encoding="UTF-8"?>', "<reply>"]
    for one in answers:
        parts.append("<answer>")
        parts += [
            f"<{k}>{escape(str(one[k]))}</{k}>"
            for k in ("request_no", "query_no", "service", "status", "as_of", "count", "message")
        ]
        parts.append(
            "<subject>" + "".join(f"<{k}>{escape(v)}</{k}>" for k, v in one["subject"].items()) + "</subject><rows>"
        )
        for row in one["rows"]:
            parts.append(
                "<row>" + "".join(f"<field name={quoteattr(k)}>{escape(v)}</field>" for k, v in row.items()) + "</row>"
            )
        parts.append("</rows></answer>")
    return "".join([*parts, "</reply>"]).encode()


_DTD = b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><reply><answer>&x;</answer></reply>'


class Handler(BaseHTTPRequestHandler):
    """One request. HTTP/1.1, so that connections are kept."""

    protocol_version = "HTTP/1.1"
    server_version = "departments"
    departments: Departments

    def log_message(self, *_: Any) -> None:
        """Silent: a log line would hold nothing useful and tests read the output."""

    def do_GET(self) -> None:
        """Health and tickets."""
        if self.path == "/health":
            known = self.departments.services.values()
            return self._plain(
                200, {"services": {one.name: {"asked": one.asked, "key": one.pair.public.hex()} for one in known}}
            )
        if not self.path.startswith("/tickets/"):
            return self._plain(404, {"error": "没有这个地址"})
        if not self._allowed(b""):
            return None
        kept = self.departments.tickets.get(self.path.removeprefix("/tickets/"))
        if kept is None:
            return self._plain(404, {"error": "没有这张回执"})
        service = self.departments.services[kept["service"]]
        if kept["polls"] > 0 and service.polls > 0:
            kept["polls"] -= 1
            return self._signed(
                service, 202, _plain_json({"ticket": self.path.removeprefix("/tickets/")}), "application/json"
            )
        return self._reply(service, kept["ask"], service.fault())

    def do_POST(self) -> None:
        """Questions, and the simulator's own control."""
        length = int(self.headers.get("Content-Length") or 0)
        if length > 1 << 20:
            self.close_connection = True
            return self._plain(413, {"error": "请求过大"})
        body = self.rfile.read(length)
        if self.path == "/control":
            wanted = json.loads(body)
            if "clock" in wanted:
                run_clock(datetime.fromisoformat(wanted["clock"]))
                return self._plain(200, {"ok": True})
            self.departments.set(wanted.pop("service"), wanted)
            return self._plain(200, {"ok": True})
        name = self.path.removeprefix("/services/")
        service = self.departments.services.get(name)
        if service is None:
            return self._plain(404, {"error": "没有这个服务"})
        if not self._allowed(body):
            return None
        with self.departments.lock:
            service.asked += 1
            over = service.quota is not None and service.asked > service.quota
        if over:
            return self._plain(429, {"error": "超过当日限额"})
        ask = json.loads(body)
        if service.polls > 0:
            ticket = secrets.token_hex(12)
            self.departments.tickets[ticket] = {"service": name, "ask": ask, "polls": service.polls - 1}
            return self._signed(service, 202, _plain_json({"ticket": ticket}), "application/json")
        return self._reply(service, ask, service.fault())

    def _allowed(self, body: bytes) -> bool:
        found = wire.check_request(
            self.departments.client, self.headers, method=self.command, path=self.path, body=body, now=clock.now()
        )
        if found is wire.Signature.OK and self.departments.seen(self.headers.get("X-Tuodi-Nonce", "")):
            found = wire.Signature.REPLAYED
        if found is not wire.Signature.OK:
            self._plain(401, {"error": "签名未通过", "reason": found.value})
            return False
        return True

    def _reply(self, service: Service, ask: dict[str, Any], fault: str) -> None:
        if service.delay:
            time.sleep(service.delay)
        if fault == "500":
            return self._plain(500, {"error": "内部错误"})
        if fault == "timeout":
            time.sleep(20)
            self.close_connection = True
            return None
        answer = _answer(service, self.departments.seed, ask, fault)
        answers = [answer]
        if fault == "twice":
            answers = [answer, answer]
        elif fault == "twice_other":
            answers = [answer, answer | {"status": "NOT_FOUND", "rows": [], "count": 0, "message": "更正"}]
        body = _xml(answers) if service.format == "xml" else _json(answers)
        kind = "application/xml" if service.format == "xml" else "application/json"
        if fault == "dtd":
            body, kind = _DTD, "application/xml"
        elif fault == "oversize":
            body = b'{"answers": [' + b" " * (3 << 20)
        return self._signed(service, 200, body, kind, fault)

    def _signed(self, service: Service, status: int, body: bytes, kind: str, fault: str = "ok") -> None:
        now = clock.now() - timedelta(hours=3) if fault == "expired" else clock.now()
        pair = key_of(self.departments.seed, "somebody else") if fault == "other_key" else service.pair
        nonce = self.headers.get("X-Tuodi-Nonce", "")
        if fault == "replay":
            nonce = hashlib.sha256(nonce.encode()).hexdigest()[:32]
        headers = wire.sign_reply(pair, status=status, path=self.path, nonce=nonce, body=body, now=now)
        if fault == "bad_signature":
            headers["X-Tuodi-Signature"] = headers["X-Tuodi-Signature"][::-1]
        elif fault == "unsigned":
            headers = {}
        if fault == "gzip":
            body, headers = gzip.compress(body), headers | {"Content-Encoding": "gzip"}
        length = len(body) + (200 if fault == "cut" else 0)
        if status == 202:
            headers["Retry-After"] = "0.4"
        self._send(status, body, kind, headers, length)
        if fault == "cut":
            self.close_connection = True

    def _plain(self, status: int, data: dict[str, Any]) -> None:
        body = _plain_json(data)
        self._send(status, body, "application/json", {}, len(body))

    def _send(self, status: int, body: bytes, kind: str, headers: Mapping[str, str], length: int) -> None:
        try:
            self.send_response(status)
            for name, value in {"Content-Type": kind, "Content-Length": str(length), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the asker has given up, as it may


def _plain_json(data: dict[str, Any]) -> bytes:
    return json.dumps(data, ensure_ascii=False).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def serve(departments: Departments, port: int = 0) -> ThreadingHTTPServer:
    """A server bound to the loopback, not yet serving."""
    handler = type("BoundHandler", (Handler,), {"departments": departments})
    return _Server(("127.0.0.1", port), handler)


def run_clock(begin: datetime) -> None:
    """Lets the gateway's clock run on from a moment: a demo or a test lives on another day than the machine."""
    started = time.monotonic()
    clock.set_clock(lambda: begin + timedelta(seconds=time.monotonic() - started))


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="部门数据网关模拟器（仅本机）")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=2017)
    parser.add_argument("--client-key", required=True, help="请求方 SM2 公钥（十六进制，65 字节）")
    parser.add_argument("--data", type=Path, help="登记数据文件夹；不给则按种子生成")
    parser.add_argument("--script", type=Path, help="各服务行为，JSON：{服务: {delay, faults, …}}")
    parser.add_argument("--clock", help="从这一时刻走起（演示用），如 2017-09-08T09:00")
    parser.add_argument("--attached", action="store_true", help="标准输入关闭时随之结束（由另一程序启动时用）")
    given = parser.parse_args(arguments)
    if given.clock:
        run_clock(datetime.fromisoformat(given.clock))
    departments = Departments(seed=given.seed, client=bytes.fromhex(given.client_key), data=given.data)
    for name, wanted in (json.loads(given.script.read_text(encoding="utf-8")) if given.script else {}).items():
        departments.set(name, wanted)
    server = serve(departments, given.port)
    keys = {one.name: one.pair.public.hex() for one in departments.services.values()}
    print(json.dumps({"port": server.server_port, "keys": keys}, ensure_ascii=False), flush=True)
    run(server, attached=given.attached)


if __name__ == "__main__":
    main()
