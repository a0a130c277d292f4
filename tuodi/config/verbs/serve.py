"""`tuodi serve`: the workbench, by granian; with `--worker` (default) the job worker beside it."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
from typing import Any

from tuodi.config import postgres
from tuodi.config.errors import StartUpError

NEEDS_DATABASE = True
MIGRATE = True
#: How often it is looked whether worker and database still run.
CARE_SECONDS = 5


def register(subparsers: Any) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser("serve", help="打开工作台（网页服务和后台作业）")
    parser.add_argument("--host", default="127.0.0.1", help="监听地址（默认只限本机）")
    parser.add_argument("--port", type=int, default=8765, help="端口（默认 8765）")
    parser.add_argument("--workers", type=int, default=1, help="网页进程数")
    parser.add_argument("--no-worker", dest="worker", action="store_false", help="不启动后台作业进程")
    parser.set_defaults(run=run)


def _worker() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "tuodi", "worker"], env=os.environ | {"TUODI_DB_ROLE": "app"})


def web(host: str, port: int, workers: int = 1, application: str = "tuodi.config.wsgi:application") -> list[str]:
    """The command of the web server; a process of it that dies is started anew by the server itself."""
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port)]
    command += ["--workers", str(workers), "--blocking-threads", "4", "--no-ws", "--log-level", "warning"]
    return [*command, "--respawn-failed-workers", "--respawn-interval", "1", application]


def web_environment() -> dict[str, str]:
    """What its processes are told: a pool of connections with the limits of pages, the runtime role, collected files."""
    return os.environ | {"TUODI_POOL": "1", "TUODI_DB_ROLE": "app", "TUODI_STATIC": "collected"}


def _care_for_database() -> None:
    try:
        if postgres.bring_back():
            print("数据库服务意外结束，已重新启动。", flush=True)
    except StartUpError as error:  # tried again in a few seconds
        print(f"数据库服务意外结束，还没有启动成功：{error}", flush=True)


def run(args: argparse.Namespace) -> int:
    """Serves until interrupted; the worker ends with it. The worker, and a private database, are started anew where they died."""
    from django.core.management import call_command

    call_command("collectstatic", interactive=False, verbosity=0)
    children = [subprocess.Popen(web(args.host, args.port, args.workers), env=web_environment())]
    if args.worker:
        children.append(_worker())
    print(f"工作台：http://{args.host}:{args.port}/  （按 Ctrl+C 停止）", flush=True)

    def end(*_: Any) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return children[0].wait(CARE_SECONDS)
            _care_for_database()
            if args.worker and children[1].poll() is not None:
                print(f"后台作业进程已结束（{children[1].returncode}），重新启动。", flush=True)
                children[1] = _worker()
    except KeyboardInterrupt:
        print("正在停止 …")
        return 0
    finally:
        for child in children:
            child.terminate()
        for child in children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(10)
            if child.poll() is None:
                child.kill()
