"""Money of bodies that a bank's statement shows coming back: proposed as a refund of an order until a person has said what it is."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tuodi.funds.states import RefundState
from tuodi.org.rls import region_field


class StatementRefund(models.Model):
    """One row: one credit entry of a statement that may be a refund of an order to a body. It is booked at most once.

    `line_id` is the entry of the statement (room payments). What it became stands in one of `premium`, `emergency`, `funeral`, `paper`:
    booked by this entry (`booked`), or entered by voucher before and found to be the same money (`same`).
    """

    region = region_field()  #: the county
    line_id = models.BigIntegerField("对账明细", unique=True)
    statement_no = models.CharField("对账单号", max_length=35)
    code = models.CharField("机构编码", max_length=20, db_collation="C")
    name = models.CharField("机构", max_length=60)
    order = models.ForeignKey(
        "funds.PayOrder", on_delete=models.PROTECT, null=True, related_name="+"
    )  #: named by the bank's reference; null = found by the account, so that it may be of several orders
    amount_fen = models.BigIntegerField("金额（分）")
    booked_on = models.DateField("记账日")
    bank_ref = models.CharField("银行流水", max_length=40, blank=True)
    state = models.CharField("状态", max_length=10, choices=RefundState.choices, default=RefundState.PROPOSED)
    made_at = models.DateTimeField("发现时间")
    of = models.ForeignKey("funds.PayOrder", on_delete=models.PROTECT, null=True, related_name="statement_refunds")
    premium = models.OneToOneField("funds.PremiumRefund", on_delete=models.PROTECT, null=True, related_name="+")
    emergency = models.OneToOneField("funds.EmergencyReturn", on_delete=models.PROTECT, null=True, related_name="+")
    funeral = models.OneToOneField("funds.FuneralReturn", on_delete=models.PROTECT, null=True, related_name="+")
    paper = models.OneToOneField("funds.FundPaper", on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField("确认时间", null=True)
    decided_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    note = models.CharField("说明", max_length=200, blank=True)

    class Meta:
        verbose_name = "对账单退款"
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="funds_statement_refund_amount"),
            models.CheckConstraint(
                condition=Q(state=RefundState.PROPOSED, decided_by__isnull=True)
                | ~Q(state=RefundState.PROPOSED) & Q(decided_at__isnull=False),
                name="funds_statement_refund_decided",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=[RefundState.PROPOSED, RefundState.DISMISSED],
                    premium__isnull=True, emergency__isnull=True, funeral__isnull=True, paper__isnull=True,
                )
                | Q(state__in=[RefundState.BOOKED, RefundState.SAME], of__isnull=False)
                & (
                    Q(premium__isnull=False, emergency__isnull=True, funeral__isnull=True, paper__isnull=True)
                    | Q(premium__isnull=True, emergency__isnull=False, funeral__isnull=True, paper__isnull=True)
                    | Q(premium__isnull=True, emergency__isnull=True, funeral__isnull=False, paper__isnull=True)
                    | Q(premium__isnull=True, emergency__isnull=True, funeral__isnull=True, paper__isnull=False)
                ),
                name="funds_statement_refund_one",
            ),
        ]  # fmt: skip
        indexes = [models.Index(fields=["region", "-id"], name="funds_statement_refund")]

    @property
    def voucher(self) -> str:
        """The number it is entered under: the bank's own, else its place in the statement."""
        return (self.bank_ref or f"{self.statement_no}-{self.line_id}")[:40]
