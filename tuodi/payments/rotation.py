"""What this room keeps enciphered, for a change of keys: the account as it was when a line was computed or sent, and
accounts of bodies (of the room below, which has no other cipher).

The index of a line is left as it was made: it finds lines of one run that share an account, and all of them have it from
the same key.
"""

from __future__ import annotations

from tuodi.funds.models import PayeeAccount
from tuodi.payments.models import AccountProposal, BankItem, PayLine
from tuodi.people.rotation import Column

__all__ = ["COLUMNS"]

COLUMNS = (
    Column(PayLine, "payline.account", "account_cipher", "people.account", uid="account_uid"),
    Column(BankItem, "bankitem.account", "account_cipher", "people.account", uid="account_uid"),
    Column(AccountProposal, "proposal.account", "account_cipher", "people.account", uid="account_uid"),
    Column(PayeeAccount, "payee.account", "account_cipher", "people.account"),
)
