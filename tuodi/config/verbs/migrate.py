"""`tuodi migrate`: brings the tables up to date, as the owner."""

from __future__ import annotations

import argparse
from typing import Any

NEEDS_DATABASE = True
DATABASE_ROLE = "owner"


def register(subparsers: Any) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser("migrate", help="升级数据表（以属主身份）")
    parser.add_argument("app", nargs="?", help="只升级一个模块")
    parser.add_argument("target", nargs="?", help="升级（或退回）到某一步")
    parser.add_argument("--quiet", action="store_true", help="不显示过程")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Applies the migrations; where the tables are in use it gives way, tries again, and says so in the end."""
    from django.core.management import call_command

    from tuodi.config.migrating import patiently

    where = [name for name in (args.app, args.target) if name]
    patiently(lambda: call_command("migrate", *where, interactive=False, verbosity=0 if args.quiet else 1))
    if not where:
        from tuodi.config import keys
        from tuodi.people.models import Account, Person

        sealed = (
            Person.objects.exclude(id_cipher=None).exists()
            or Person.objects.exclude(phone_cipher=None).exists()
            or Account.objects.exclude(account_cipher=None).exists()
        )
        if keys.create_if_new(has_ciphertexts=sealed):
            print(f"已生成密钥文件 {keys.key_file()}。请立即备份到别处：密钥丢失后，证件号码和账号无法恢复。")
