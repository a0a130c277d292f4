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
    for name, count in apply().items():
        print(f"{name}：{'未处理' if name.endswith('.left') else '重新加密'} {count} 条")
    print(_LEFT)
    return 0


#: What the lines `.left` mean.
_LEFT = (
    "未处理：staffkin.id 是只存索引、其证件号码不在本系统的工作人员近亲属备案，换索引密钥后须重新备案；"
    "storedfile 是文件不在的记录，请从备份恢复；registerbatch 是正在导入或文件不在的批次，稍后再运行一次。"
)


def apply() -> dict[str, int]:
    """Brings every stored value and file under the newest keys; safe to run again.

    Returns: how many changed, by what; `….left`: how many could not be.
    Raises: DecryptError naming the key that is missing.
    """
    from tuodi.cases.models import StaffKin
    from tuodi.files.rotation import reseal_files
    from tuodi.intake import rotation as intake
    from tuodi.monitoring.rollkeys import reseal_keys
    from tuodi.org.access import NATION, system_scope
    from tuodi.org.factor_actions import AAD
    from tuodi.org.models import SecondFactor
    from tuodi.oversight import rotation as oversight
    from tuodi.payments import rotation as payments
    from tuodi.people import rotation as people
    from tuodi.verification import rotation as verification

    factor = people.Column(SecondFactor, "secondfactor.secret", "secret_cipher", AAD)
    columns = (*people.COLUMNS, factor, *verification.COLUMNS, *intake.COLUMNS, *payments.COLUMNS, *oversight.COLUMNS)
    with system_scope(NATION):
        done = people.reseal(columns, followers=[people.Follower(StaffKin, "staffkin.id", "id_index", "id")])
        return done | reseal_files() | verification.reseal_batches() | reseal_keys()
