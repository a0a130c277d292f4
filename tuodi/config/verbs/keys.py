"""`tuodi keys marks|rotate|apply`: the encryption keys (docs/howto/keys.md)."""

from __future__ import annotations

import argparse
import os
from typing import Any

NEEDS_DATABASE = True


def register(subparsers: Any) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser("keys", help="密钥：核对标记、轮换、重新加密")
    parser.add_argument(
        "what", choices=["marks", "rotate", "apply"], help="marks 显示标记；rotate 加新密钥；apply 重新加密"
    )
    parser.add_argument("--kind", choices=["field", "index"], default="field", help="rotate：哪一种密钥")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Shows public marks, adds a key to the key file, or brings every stored value under the newest keys."""
    from tuodi.config.keys import key_file
    from tuodi.crypto import keyring

    if args.what == "marks":
        for name, mark in keyring.active().check_values().items():
            print(f"{name}  {mark}")
        return 0
    if args.what == "rotate":
        if os.environ.get(keyring.ENV):
            print(f"密钥来自环境变量 {keyring.ENV}，请在密钥管理处增加新密钥。")
            return 2
        keyring.install(keyring.rotate_file(key_file(), args.kind))
        print(f"已在 {key_file()} 中加入新密钥。请重做备份，重启所有进程，再运行 tuodi keys apply。")
        return 0
    from tuodi.org.access import NATION, system_scope
    from tuodi.people.rotation import reseal

    with system_scope(NATION):
        for name, count in reseal().items():
            print(f"{name}：重新加密 {count} 条")
    return 0
