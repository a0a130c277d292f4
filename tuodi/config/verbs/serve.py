"""`tuodi serve`: the workbench, by granian; with `--worker` (default) the job worker beside it."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

from tuodi.config import postgres
from tuodi.config.errors import StartUpError

NEEDS_DATABASE = True
MIGRATE = True
#: How often it is looked whether web server, worker and database still run.
CARE_SECONDS = 2
#: A process that ends sooner was of no use; so often in a row means that it cannot run at all.
USEFUL_SECONDS, MOST_EARLY = 5, 3


def register(subparsers: Any) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser("serve", help="打开工作台（网页服务和后台作业）")
    parser.add_argument("--host", default="127.0.0.1", help="监听地址（默认只限本机）")
    parser.add_argument("--port", type=int, default=8765, help="端口（默认 8765）")
    parser.add_argument("--workers", type=int, default=1, help="网页进程数")
    parser.add_argument("--no-worker", dest="worker", action="store_false", help="不启动后台作业进程")
    parser.set_defaults(run=run)


@dataclass
class Child:
    """A process that is to run as long as the site does."""

    name: str
    command: list[str]
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    #: How often in a row it ended before it can have been of use.
    early: int = 0

    def care(self) -> int | None:
        """Starts it, also anew where it ended; its exit code where it will not stay up, else None."""
        if self.process is not None:
            code = self.process.poll()
            if code is None:
                return None
            self.early = self.early + 1 if time.monotonic() - self.began < USEFUL_SECONDS else 0
            if self.early >= MOST_EARLY:
                return code or 1
            print(f"{self.name}已结束（{code}），重新启动。", flush=True)
        self.process, self.began = subprocess.Popen(self.command, env=self.environment), time.monotonic()
        return None


def web(host: str, port: int, workers: int = 1, application: str = "tuodi.config.wsgi:application") -> Child:
    """The web server. It starts a process of its own anew when that dies, and ends itself when one dies twice within seconds."""
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port)]
    command += ["--workers", str(workers), "--blocking-threads", "4", "--no-ws", "--log-level", "warning"]
    command += ["--respawn-failed-workers", "--respawn-interval", "1", application]
    told = {"TUODI_POOL": "1", "TUODI_DB_ROLE": "app", "TUODI_STATIC": "collected"}
    return Child("网页服务", command, os.environ | told)


def worker() -> Child:
    """Background jobs."""
    return Child("后台作业进程", [sys.executable, "-m", "tuodi", "worker"], os.environ | {"TUODI_DB_ROLE": "app"})


def keep(children: list[Child]) -> int:
    """Keeps the children and a private database up until it is told to end.

    Returns: 0, or the code of the first child, the web server, where it does not stay up (its port is taken). Others are
        tried for ever: work that cannot be done now waits in the queue.
    """

    def end(*_: Any) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    try:
        while True:
            _care_for_database()
            for child in children:
                code = child.care()
                if code is None:
                    continue
                if child is children[0]:
                    return code
                child.early = 0
            time.sleep(CARE_SECONDS)
    except KeyboardInterrupt:
        print("正在停止 …", flush=True)
        return 0
    finally:
        running = [child.process for child in children if child.process is not None]
        for process in running:
            process.terminate()
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            if process.poll() is None:
                process.kill()


def _care_for_database() -> None:
    try:
        if postgres.bring_back():
            print("数据库服务意外结束，已重新启动。", flush=True)
    except StartUpError as error:  # tried again in a few seconds
        print(f"数据库服务意外结束，还没有启动成功：{error}", flush=True)


def run(args: argparse.Namespace) -> int:
    """Serves until interrupted; what dies meanwhile is started anew."""
    from django.core.management import call_command

    call_command("collectstatic", interactive=False, verbosity=0)
    children = [web(args.host, args.port, args.workers), *([worker()] if args.worker else [])]
    print(f"工作台：http://{args.host}:{args.port}/  （按 Ctrl+C 停止）", flush=True)
    return keep(children)
