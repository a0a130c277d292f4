"""Files of orders to bodies (hospitals, collectors of premiums): made, answered and sent anew like those of a run.

What is paid was decided by two people when the order was raised; who sends it (送银行) decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.crypto.fields import decrypt
from tuodi.exchange.bank import SUMMARY_LENGTH, BankProfile, BatchHead, Payment, load_bank_profile
from tuodi.exchange.bank_files import Payer, write_file
from tuodi.files.store import put_bytes
from tuodi.funds import ledger
from tuodi.funds import orders as funds
from tuodi.funds.models import PayeeAccount, PayOrder
from tuodi.funds.states import DeskState, OrderStatus
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.payments import orders
from tuodi.payments.actions.answers import check_signature, take_answer
from tuodi.payments.actions.bank import link_to
from tuodi.payments.errors import NothingToSendError
from tuodi.payments.models import BankBatch, BankItem, BankMessage, BankReturn, OrderEvent
from tuodi.payments.states import LineStatus

__all__ = ["import_order_return", "make_order_files", "reissue_orders"]

_AGAIN = (OrderStatus.FAILED, OrderStatus.RETURNED)


@transaction.atomic
def make_order_files(
    *, acting_user: User, county: str, orders: Sequence[int] | None = None, profile: str = "generic-csv"
) -> list[BankBatch]:
    """Makes the files of a county's orders that wait, and hands them to the bank: one file a bank, no more lines than it takes.

    Args:
        orders: ids; None = all that wait. profile: bank layout (`sources/banks/`).

    Raises: NothingToSendError, FundInputError (a body without an account in force), NotFoundError, AccessDeniedError;
        ProfileError for an unknown layout.
    """
    region = pad12(county[:6])
    access.require(acting_user, DutyCode.PAY_SEND, region)
    layout = load_bank_profile(profile)
    found = _held(region, (OrderStatus.READY,), orders)
    if not found:
        raise NothingToSendError(region[:6], "没有待送银行的付款单")
    accounts = {one.pk: funds.require_payee(region, one.code, one.name) for one in found}
    made = _send(region, found, accounts, layout, acting_user, {})
    _audit("make_order_files", acting_user, region, made)
    return made


@transaction.atomic
def reissue_orders(
    *, acting_user: User, county: str, orders: Sequence[int] | None = None, profile: str | None = None
) -> list[BankBatch]:
    """Sends orders that failed or came back again, to the account the body has now; the amount stays as it was decided.

    Where the bank's code says that the account must be mended, only with another account.

    Args:
        orders: ids; None = all that can go. profile: None = that of each order's last file.

    Raises: NothingToSendError says why none can; FundInputError, NotFoundError, AccessDeniedError.
    """
    region = pad12(county[:6])
    access.require(acting_user, DutyCode.PAY_SEND, region)
    found = _held(region, _AGAIN, orders)
    last = {
        one.order_id: one
        for one in BankItem.objects.select_related("batch").filter(order__in=[row.pk for row in found]).order_by("id")
    }
    codes = {one.order_id: one.code for one in OrderEvent.objects.filter(order__in=list(last)).order_by("id")}
    ready: dict[str, list[PayOrder]] = {}
    accounts = {}
    for row in found:
        name = profile or last[row.pk].batch.profile
        account = funds.require_payee(region, row.code, row.name)
        same = account.pk == last[row.pk].account_id
        if same and load_bank_profile(name).class_of(codes.get(row.pk, "")) == "fix_account":
            continue
        accounts[row.pk] = account
        ready.setdefault(name, []).append(row)
    if not ready:
        why = "收款账户还没有更换" if found else "没有失败或退票的付款单"
        raise NothingToSendError(region[:6], why)
    made: list[BankBatch] = []
    for name, rows in sorted(ready.items()):
        made += _send(region, rows, accounts, load_bank_profile(name), acting_user, last)
    _audit("reissue_orders", acting_user, region, made)
    return made


@transaction.atomic
def import_order_return(
    batch: BankBatch, *, acting_user: User, data: bytes, name: str, signature: str = ""
) -> BankReturn:
    """Takes the bank's answer about a file of orders that was carried by hand: applied whole, or refused whole and kept.

    Raises: NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_SEND, batch.region)
    layout, fault = load_bank_profile(batch.profile), ""
    if layout.signed:
        link = link_to(batch.region[:6], layout.name)
        fault = check_signature(link, data, signature) if link else "没有登记银行直联，不能验证签名，没有读取"
    return take_answer(
        layout, data, name, acting_user=acting_user, region=batch.region, fault=fault, only=batch
    )  # fmt: skip


def _held(region: str, states: Iterable[str], wanted: Sequence[int] | None) -> list[PayOrder]:
    """Orders of a county in some state, held together with its money: first the money, as everywhere."""
    ledger.lock([region])
    rows = PayOrder.objects.select_for_update(of=("self",)).filter(region=region, status__in=list(states))
    if wanted is not None:
        rows = rows.filter(pk__in=list(wanted))
    # The treasury may have paid it already; only a refusal gives it back to the bank.
    rows = rows.exclude(turns__state=DeskState.PROPOSED)
    return list(rows.order_by("pk"))


def _audit(verb: str, user: User, region: str, made: list[BankBatch]) -> None:
    record(
        f"payments.{verb}", actor=user, subject_type="bankbatch", subject_id=made[0].pk, region=region,
        after={
            "batches": [one.no for one in made], "orders": sum(one.lines for one in made),
            "amount_fen": sum(one.amount_fen for one in made),
        },
    )  # fmt: skip


def _send(
    region: str, rows: Sequence[PayOrder], accounts: dict[int, PayeeAccount], layout: BankProfile, user: User,
    again: dict[int | None, BankItem],
) -> list[BankBatch]:  # fmt: skip
    by_bank: dict[str, list[PayOrder]] = {}
    for row in rows:
        by_bank.setdefault(accounts[row.pk].bank_code, []).append(row)
    made = []
    for bank in sorted(by_bank):
        mine = by_bank[bank]
        for at in range(0, len(mine), layout.max_lines):
            made.append(_batch(region, mine[at : at + layout.max_lines], accounts, layout, user, again))
    return made


def _batch(
    region: str, rows: list[PayOrder], accounts: dict[int, PayeeAccount], layout: BankProfile, user: User,
    again: dict[int | None, BankItem],
) -> BankBatch:  # fmt: skip
    county, month = region[:6], Month.of(clock.today())
    # The place, the month and the first order; a file with the same first order is another try of it.
    first = rows[0].pk
    tries = BankItem.objects.filter(order=first).count() + 1
    no = f"{county}{month.yyyymm}J{first:07d}{tries:03d}"[:30]
    total = sum(row.amount_fen for row in rows)
    payments, items = [], []
    for seq, row in enumerate(rows, start=1):
        account = accounts[row.pk]
        cipher = bytes(account.account_cipher)
        payments.append(
            Payment(
                seq, account.holder, decrypt(cipher, f"people.account|{account.uid}"), account.bank_code, row.amount_fen,
                row.memo[:SUMMARY_LENGTH], row.no,
            )
        )  # fmt: skip
        items.append(
            BankItem(
                region=row.region, seq=seq, order=row, amount_fen=row.amount_fen, account_id=account.pk, account_uid=account.uid,
                account_cipher=cipher, account_last4=account.last4, bank_code=account.bank_code, holder=account.holder,
                orig=again.get(row.pk),
            )
        )  # fmt: skip
    summary = (rows[0].memo if len(rows) == 1 else f"{month.label}机构付款")[:SUMMARY_LENGTH]
    head = BatchHead(no, len(rows), total, str(month), summary)
    link = link_to(county, layout.name)
    payer = Payer(link.payer_name, link.payer_account, link.payer_agent) if link else None
    data = write_file(layout, head, payments, payer=payer, at=clock.now(), day=clock.today())
    name = f"{no}{layout.suffix}"
    stored = put_bytes(data, region=region, name=name, purpose="bank_file", by_id=user.pk)
    batch = BankBatch.objects.create(
        run=None, region=region, no=no, bank_code=payments[0].bank_code, profile=layout.name, lines=len(rows), amount_fen=total,
        summary=summary, file=stored, file_name=name, sha256=stored.sha256, is_reissue=bool(again), made_at=clock.now(), made_by=user,
    )  # fmt: skip
    for item in items:
        item.batch = batch
    BankItem.objects.bulk_create(items)
    if link is not None:
        # Committed with the batch and before anything leaves: whatever happens later, the number is known.
        BankMessage.objects.create(
            link=link, batch=batch, region=region, no=no, sha256=stored.sha256, made_at=clock.now(), made_by=user
        )
    orders.step(batch, [(row.pk, "", "", "") for row in rows], LineStatus.SENT, user)
    return batch
