"""The ledger: double entry in fen. Append-only, held by the database even against the owner of the tables."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tuodi.org.rls import region_field


class Account(models.TextChoices):
    """The few accounts a monthly run moves money between."""

    FUND = "fund", "专户可用资金"
    TRANSIT = "transit", "在途（已送银行）"
    PAYABLE = "payable", "应付救助金"
    RECEIVABLE = "receivable", "应收多发款"
    EXPENSE = "expense", "救助支出"


class LedgerEntry(models.Model):
    """One row: one booking. Its postings balance, checked at commit."""

    class Kind(models.TextChoices):
        """What was booked."""

        GRANT = "grant", "审批"
        SEND = "send", "送银行"
        PAID = "paid", "到账"
        FAILED = "failed", "失败退回"
        RETURNED = "returned", "退票"
        WITHHELD = "withheld", "停保扣留"

    region = region_field()
    run = models.ForeignKey("payments.PayRun", on_delete=models.PROTECT, related_name="entries")
    batch = models.ForeignKey("payments.BankBatch", on_delete=models.PROTECT, null=True, related_name="+")
    returned = models.ForeignKey("payments.BankReturn", on_delete=models.PROTECT, null=True, related_name="+")
    kind = models.CharField("类型", max_length=10, choices=Kind.choices)
    at = models.DateTimeField("时间")
    by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    memo = models.CharField("摘要", max_length=100)

    class Meta:
        verbose_name = "记账凭证"
        indexes = [models.Index(fields=["run", "id"], name="payments_entry_run")]


class Posting(models.Model):
    """One row: one side of a booking, for one county and programme."""

    entry = models.ForeignKey(LedgerEntry, on_delete=models.PROTECT, related_name="postings")
    region = region_field()
    account = models.CharField("科目", max_length=12, choices=Account.choices)
    programme = models.CharField("项目", max_length=16)
    debit_fen = models.BigIntegerField("借（分）", default=0)
    credit_fen = models.BigIntegerField("贷（分）", default=0)

    class Meta:
        verbose_name = "分录"
        constraints = [
            models.CheckConstraint(
                condition=Q(debit_fen__gt=0, credit_fen=0) | Q(debit_fen=0, credit_fen__gt=0),
                name="payments_posting_side",
            )
        ]
        indexes = [models.Index(fields=["account", "region"], name="payments_posting_account")]
