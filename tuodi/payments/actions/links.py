"""Registering a line to a bank."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.crypto import sm2
from tuodi.exchange.bank import load_bank_profile
from tuodi.exchange.bank_files import RECALL_FORMS
from tuodi.exchange.bank_transport import BankAddressError
from tuodi.kernel import clock
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.payments.actions.messages import transport_of, write_mark
from tuodi.payments.actions.run import payable_at
from tuodi.payments.errors import RunInputError
from tuodi.payments.models import BankLink

__all__ = ["register_link"]


@transaction.atomic
def register_link(
    *, acting_user: User | None, place: str, label: str, profile: str, way: str, address: str, payer_name: str, payer_account: str,
    payer_agent: str = "", bank_key: str = "", programmes: Sequence[str] = (), recall_form: str = "camt.056",
) -> BankLink:  # fmt: skip
    """Registers from which account a place pays and how files travel; links of that format that pay the same are closed.

    A place may have several accounts at one bank, each for programmes of its own and one for the rest.

    Args:
        acting_user: None = the system (the command line of the machine).
        programmes: those the account pays; none = all that no other account of the place names.
        recall_form: of `RECALL_FORMS`, for a line of ISO 20022.
        bank_key: the bank's public SM2 key, 130 hex digits, as handed over on paper.

    Raises: RunInputError, ProfileError, BankAddressError, ForbiddenAddressError, AccessDeniedError.
    """
    region = pad12(place)
    if acting_user is not None:
        access.require(acting_user, DutyCode.SYSADMIN, region)
    layout = load_bank_profile(profile)
    if way not in BankLink.Way.values:
        raise RunInputError("方式", "只能是 folder 或 http")
    if not payer_name.strip() or not re.fullmatch(r"\d{6,34}", payer_account):
        raise RunInputError("付款账户", "须有户名和 6 到 34 位数字账号")
    if (layout.signed or way == BankLink.Way.HTTP) and not _usable(bank_key):
        raise RunInputError("银行公钥", "应是 130 位十六进制的 SM2 公钥")
    if way == BankLink.Way.FOLDER and not Path(address).is_absolute():
        raise BankAddressError("文件交换目录须写绝对路径")
    if recall_form not in RECALL_FORMS or (recall_form != "camt.056" and layout.format != "iso20022"):
        raise RunInputError("撤销报文", f"ISO 20022 直联只能是 {'、'.join(RECALL_FORMS)}；表格式的不选")
    wanted = sorted(set(programmes))
    if not set(wanted) <= set(offered := payable_at(place)):
        raise RunInputError("付款项目", f"只能是 {'、'.join(offered)}")
    before = BankLink.objects.filter(place=place, profile=profile, is_active=True)
    same = before.filter(programmes__overlap=wanted) if wanted else before.filter(programmes=[])
    (same | before.filter(payer_account=payer_account)).update(is_active=False)
    link = BankLink(
        region=region, place=place, label=label.strip()[:60], profile=profile, way=way, address=address, payer_name=payer_name.strip(),
        payer_account=payer_account, programmes=wanted, payer_agent=payer_agent.strip(), bank_key=bank_key.lower(),
        recall_form=recall_form,
    )  # fmt: skip
    transport_of(link)
    link.save()
    write_mark(link, 0, clock.today())
    record(
        "payments.register_link", actor=acting_user, subject_type="banklink", subject_id=link.pk, region=region,
        after={"label": link.label, "profile": profile, "way": way, "account": payer_account[-4:], "programmes": wanted, "recall": recall_form},
    )  # fmt: skip
    return link


def _usable(key: str) -> bool:
    try:
        return sm2.check_public(bytes.fromhex(key))
    except ValueError:
        return False
