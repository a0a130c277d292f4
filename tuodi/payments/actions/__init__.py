"""Verbs of the room: the monthly run, bank files and answers, the line to a bank. Each keeps the five beats."""

from __future__ import annotations

from tuodi.payments.actions.account_checks import import_account_check, make_account_check, send_account_check
from tuodi.payments.actions.adoption import open_adoption
from tuodi.payments.actions.answers import import_return
from tuodi.payments.actions.bank import hold_back, make_bank_files, reissue
from tuodi.payments.actions.claims import (
    agree,
    decide_write_off,
    propose_write_off,
    receive,
    set_manner,
)
from tuodi.payments.actions.decisions import confirm_decision, propose_item, propose_leftover, withdraw_decision
from tuodi.payments.actions.findings import ask_revoke_finding, decide_finding, decide_revoke_finding
from tuodi.payments.actions.fixed import decide_fixed_list, end_fixed_entry, import_fixed_list
from tuodi.payments.actions.handouts import (
    confirm_release,
    hand_out,
    propose_release,
    release_by_evidence,
    withdraw_release,
)
from tuodi.payments.actions.links import register_link
from tuodi.payments.actions.messages import collect, deliver
from tuodi.payments.actions.orders import import_order_return, make_order_files, reissue_orders
from tuodi.payments.actions.price import (
    end_price_member,
    enter_index,
    import_price_members,
    register_price_member,
    take_price_list,
)
from tuodi.payments.actions.price_decisions import (
    ask_revoke_price,
    decide_price,
    decide_revoke_price,
    propose_price,
    take_correction_list,
)
from tuodi.payments.actions.recall import confirm_recall, give_up_recall, propose_recall, withdraw_recall
from tuodi.payments.actions.refunds import confirm_refund, dismiss_refund, same_refund
from tuodi.payments.actions.run import approve, calculate, cancel, check, close, open_run, settle
from tuodi.payments.actions.simulation import ask_simulation, do_simulation
from tuodi.payments.actions.statements import import_statement, judge_again, resume_sending
from tuodi.payments.actions.turns import decide_turn, propose_turn

__all__ = [
    "agree",
    "approve",
    "ask_revoke_finding",
    "ask_revoke_price",
    "ask_simulation",
    "calculate",
    "cancel",
    "check",
    "close",
    "collect",
    "confirm_decision",
    "confirm_recall",
    "confirm_refund",
    "confirm_release",
    "decide_finding",
    "decide_fixed_list",
    "decide_price",
    "decide_revoke_finding",
    "decide_revoke_price",
    "decide_turn",
    "decide_write_off",
    "deliver",
    "dismiss_refund",
    "do_simulation",
    "end_fixed_entry",
    "end_price_member",
    "enter_index",
    "give_up_recall",
    "hand_out",
    "hold_back",
    "import_account_check",
    "import_fixed_list",
    "import_order_return",
    "import_price_members",
    "import_return",
    "import_statement",
    "judge_again",
    "make_account_check",
    "make_bank_files",
    "make_order_files",
    "open_adoption",
    "open_run",
    "propose_item",
    "propose_leftover",
    "propose_price",
    "propose_recall",
    "propose_release",
    "propose_turn",
    "propose_write_off",
    "receive",
    "register_link",
    "register_price_member",
    "reissue",
    "reissue_orders",
    "release_by_evidence",
    "resume_sending",
    "same_refund",
    "send_account_check",
    "set_manner",
    "settle",
    "take_correction_list",
    "take_price_list",
    "withdraw_decision",
    "withdraw_recall",
    "withdraw_release",
]
