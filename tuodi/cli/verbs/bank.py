"""`tuodi bank`: register a line to a bank, bring what waits, fetch what the bank has, see how each line stands."""

from __future__ import annotations

import argparse
from typing import Any

NEEDS_DATABASE = True


def register(subparsers: Any) -> None:
    """Adds the verb."""
    from tuodi.exchange.bank_files import RECALL_FORMS

    parser = subparsers.add_parser("bank", help="银行直联：登记、送出、取回、查看状态")
    verbs = parser.add_subparsers(dest="verb", required=True)
    link = verbs.add_parser("link", help="登记直联（付款账户和文件往来方式）")
    link.add_argument("--place", required=True, help="范围，如 420802")
    link.add_argument("--label", required=True, help="名称，如 农商行直联")
    link.add_argument("--profile", required=True, help="文件格式，见 sources/banks/")
    link.add_argument("--way", required=True, choices=("folder", "http"))
    link.add_argument("--address", required=True, help="https 地址，或文件交换目录的绝对路径")
    link.add_argument("--payer-name", required=True)
    link.add_argument("--payer-account", required=True)
    link.add_argument("--payer-agent", default="", help="付款行联行号或名称")
    link.add_argument("--programmes", default="", help="这个账户付哪些项目，如 dibao,tekun；不写为其余各项")
    link.add_argument(
        "--recall-form", default="camt.056", choices=RECALL_FORMS, help="请求撤销用哪种报文，按与银行的约定"
    )
    link.add_argument("--bank-key", default="", help="银行 SM2 公钥，130 位十六进制，以纸面核对为准")
    verbs.add_parser("key", help="显示本单位的签名公钥（交给银行）")
    verbs.add_parser("deliver", help="送出待送报文，查询没有答复的报文")
    collect = verbs.add_parser("collect", help="取回银行文件")
    collect.add_argument("--user", required=True, help="以哪个账号办理")
    verbs.add_parser("status", help="每条直联的状态；有暂停、久无答复或缺口时以 1 结束")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ends with 0, or 1 where something is to be seen to."""
    return {"link": _link, "key": _key, "deliver": _deliver, "collect": _collect, "status": _status}[args.verb](args)


def _link(args: argparse.Namespace) -> int:
    from tuodi.org.access import system_scope
    from tuodi.payments import actions

    with system_scope(args.place):
        link = actions.register_link(
            acting_user=None, place=args.place, label=args.label, profile=args.profile, way=args.way, address=args.address,
            payer_name=args.payer_name, payer_account=args.payer_account, payer_agent=args.payer_agent, bank_key=args.bank_key,
            programmes=[one.strip() for one in args.programmes.split(",") if one.strip()],
            recall_form=args.recall_form,
        )  # fmt: skip
    print(f"已登记：{link.label}（{link.get_way_display()}，{link.profile}）")
    return 0


def _key(args: argparse.Namespace) -> int:
    from tuodi.payments.actions.messages import site_key

    pair = site_key()
    print(f"{pair.id}  {pair.public.hex()}")
    return 0


def _deliver(args: argparse.Namespace) -> int:
    from tuodi.payments import tasks

    blocked = tasks.deliver_due()
    for why in blocked:
        print(why)
    print("已送出、查询完毕。")
    return 1 if blocked else 0


def _collect(args: argparse.Namespace) -> int:
    from tuodi.org.access import NATION, system_scope
    from tuodi.org.models import User
    from tuodi.payments import actions, bank_queries

    user = User.objects.select_related("office").filter(username=args.user).first()
    if user is None:
        print(f"没有账号“{args.user}”。请用 --user 写明经办人账号。")
        return 2
    with system_scope(NATION):
        links = list(bank_queries.links().filter(is_active=True))
    refused = 0
    for link in links:
        for one in actions.collect(link, acting_user=user):
            print(f"{link.label}　{one.file_name}：{one.get_state_display()}")
            for fault in one.faults[:5]:
                print(f"  {fault}")
            refused += bool(one.faults)
    return 1 if refused else 0


def _status(args: argparse.Namespace) -> int:
    from tuodi.org.access import NATION, system_scope
    from tuodi.payments import bank_queries
    from tuodi.payments.actions.messages import block_of

    wrong = 0
    with system_scope(NATION):
        for link in bank_queries.links().filter(is_active=True):
            block, silent, gaps = block_of(link), bank_queries.silent(link), bank_queries.gaps(link)
            left = bank_queries.leftovers(link).count()
            wrong += bool(block) + len(silent) + len(gaps) + left
            print(
                f"{link.label}：已送 {link.sent_no} 份，对账遗留 {left} 笔"
                + (f"，暂停送出（{block}）" if block else "")
            )
            for one in silent:
                print(f"  {one.no} 自 {one.since} 起没有结果，{one.lines} 笔")
            for gap in gaps:
                print(f"  对账单缺口：{gap.after} 之后，{gap.from_day} 至 {gap.to_day}")
    return 1 if wrong else 0
