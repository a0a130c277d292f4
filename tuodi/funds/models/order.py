"""What a county pays to bodies (hospitals, collectors of premiums): their accounts, and the orders that leave by the bank."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q

from tuodi.funds.states import ADVANCES, DeskState, FundProgramme, OrderKind, OrderStatus, PayeeState
from tuodi.org.rls import region_field


class PayeeAccount(models.Model):
    """One row: an account of a body that a county pays. Frozen; the next one, once approved, replaces it.

    `code` names the body: the code of a hospital's agreement, or of the collector of premiums.
    """

    region = region_field()  #: the county
    code = models.CharField("机构编码", max_length=20, db_collation="C")
    holder = models.CharField("户名", max_length=60)
    bank_name = models.CharField("开户行", max_length=60)
    bank_code = models.CharField("开户行行号", max_length=14, blank=True)
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    account_cipher = models.BinaryField()  #: opens with `uid`
    last4 = models.CharField("末四位", max_length=4)
    basis = models.CharField("依据", max_length=200)  #: the body's letter, the agreement
    state = models.CharField("状态", max_length=10, choices=PayeeState.choices, default=PayeeState.PROPOSED)
    proposed_at = models.DateTimeField("提出时间")
    proposed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField("审核时间", null=True)
    decided_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    decision_note = models.CharField("审核意见", max_length=300, blank=True)

    class Meta:
        verbose_name = "机构收款账户"
        constraints = [
            models.UniqueConstraint(
                "region", "code", condition=Q(state=PayeeState.ACTIVE), name="funds_payee_one_active"
            ),
            models.UniqueConstraint(
                "region", "code", condition=Q(state=PayeeState.PROPOSED), name="funds_payee_one_waiting"
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by")), name="funds_payee_four_eyes"
            ),
            models.CheckConstraint(
                condition=Q(state=PayeeState.PROPOSED) | Q(decided_by__isnull=False), name="funds_payee_decided"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.holder} {self.bank_name} 尾号 {self.last4}"


class PayOrder(models.Model):
    """One row: one sum that one body is paid by the bank, decided by two people before. It is one line of one file at a time.

    What it pays is named by kind and number (`subject_id`): the clearing, the paper of the advance, the list of premiums,
    the emergency request. Its money was reserved by `entry`, by source; the sources of an order never change.
    """

    region = region_field()  #: the county
    no = models.CharField("编号", max_length=40, db_collation="C", unique=True)
    kind = models.CharField("种类", max_length=10, choices=OrderKind.choices)
    subject_id = models.BigIntegerField("来由编号")
    programme = models.CharField("项目", max_length=16, choices=FundProgramme.choices)
    code = models.CharField("机构编码", max_length=20, db_collation="C")
    name = models.CharField("收款单位", max_length=60)
    agreement = models.ForeignKey(
        "funds.HospitalAgreement", on_delete=models.PROTECT, null=True, related_name="orders"
    )  #: null = no hospital
    amount_fen = models.BigIntegerField("金额（分）")
    memo = models.CharField("用途", max_length=100)
    status = models.CharField("状态", max_length=8, choices=OrderStatus.choices, default=OrderStatus.READY)
    entry = models.ForeignKey("funds.LedgerEntry", on_delete=models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField("开立时间")
    made_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")  #: who approved what it pays

    class Meta:
        verbose_name = "机构付款单"
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="funds_order_amount"),
            # What was decided is paid once.
            models.UniqueConstraint("kind", "subject_id", name="funds_order_once"),
            models.CheckConstraint(
                condition=~Q(kind__in=ADVANCES) | Q(agreement__isnull=False), name="funds_order_hospital"
            ),
        ]
        indexes = [
            models.Index(fields=["region", "-id"], name="funds_order_region"),
            models.Index(fields=["region", "status"], condition=~Q(status="paid"), name="funds_order_open"),
        ]

    def __str__(self) -> str:
        return self.no


class OrderTurn(models.Model):
    """One row: an order the bank cannot pay is turned into one of the treasury's: proposed by one, decided by another.

    The treasury paid by its own voucher (`voucher`, `paid_on`); approved, the order is settled by it and leaves no file any more.
    """

    order = models.ForeignKey(PayOrder, on_delete=models.PROTECT, related_name="turns")
    region = region_field()
    voucher = models.CharField("国库支付凭证号", max_length=40, db_collation="C")
    paid_on = models.DateField("支付日期")
    reason = models.CharField("理由", max_length=200)  #: why the bank cannot pay it
    state = models.CharField("状态", max_length=10, choices=DeskState.choices, default=DeskState.PROPOSED)
    proposed_at = models.DateTimeField("提出时间")
    proposed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField("审核时间", null=True)
    decided_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    decision_note = models.CharField("审核意见", max_length=300, blank=True)

    class Meta:
        verbose_name = "改由国库支付"
        constraints = [
            models.UniqueConstraint("order", condition=~Q(state=DeskState.REFUSED), name="funds_order_turn_once"),
            models.UniqueConstraint(
                "region", "voucher", condition=~Q(state=DeskState.REFUSED), name="funds_order_turn_voucher"
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by")),
                name="funds_order_turn_four_eyes",
            ),
            models.CheckConstraint(
                condition=Q(state=DeskState.PROPOSED) | Q(decided_by__isnull=False), name="funds_order_turn_decided"
            ),
        ]
