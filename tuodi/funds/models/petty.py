"""Petty cash of towns (乡镇临时救助备用金): the float, what it paid, and the monthly count."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tuodi.org.rls import region_field
from tuodi.people.fields import month_check


class Float(models.Model):
    """One row: the petty cash of a town. Its balance is the ledger's."""

    region = region_field(unique=True)  #: the town
    limit_fen = models.BigIntegerField("单笔上限（分）")  #: set by the county; a pack's lower value goes before it
    opened_at = models.DateTimeField("设立时间")
    opened_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField("撤销时间", null=True)  #: null = in use

    class Meta:
        verbose_name = "备用金"
        constraints = [models.CheckConstraint(condition=Q(limit_fen__gt=0), name="funds_float_limit")]


class PettySpend(models.Model):
    """One row: one grant paid from petty cash, with its receipt. Append-only; the grant is then never in a run."""

    region = region_field()  #: the family's village
    float = models.ForeignKey(Float, on_delete=models.PROTECT, related_name="spends")
    no = models.CharField("编号", max_length=40, db_collation="C", unique=True)
    determination = models.OneToOneField("decisions.Determination", on_delete=models.PROTECT, related_name="+")
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    amount_fen = models.BigIntegerField("金额（分）")
    balance_fen = models.BigIntegerField("支付后余额（分）")
    receiver = models.CharField("领款人", max_length=40)
    receipt = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, related_name="+")
    paid_on = models.DateField("支付日期")
    paid_at = models.DateTimeField("支付时间")
    paid_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    entry = models.ForeignKey("funds.LedgerEntry", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "备用金支出"
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0, balance_fen__gte=0), name="funds_spend_amounts")
        ]
        indexes = [models.Index(fields=["float", "-paid_on"], name="funds_spend_float")]

    def __str__(self) -> str:
        return self.no


class CashClaim(models.Model):
    """One row: cash a family holds of a grant that was taken back or made smaller after it was paid on the spot.

    A claim moves no money: what comes back is a `CashReturn`, which is booked. Written off by another than who opened it.
    """

    region = region_field()  #: the family's village
    spend = models.OneToOneField(PettySpend, on_delete=models.PROTECT, related_name="claim")
    amount_fen = models.BigIntegerField("应追回（分）")
    reason = models.CharField("理由", max_length=300)
    opened_at = models.DateTimeField("提出时间")
    opened_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    written_off_fen = models.BigIntegerField("核销（分）", default=0)
    written_off_at = models.DateTimeField("核销时间", null=True)
    written_off_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    write_off_reason = models.CharField("核销依据", max_length=300, blank=True)

    class Meta:
        verbose_name = "现金追回"
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0, written_off_fen__gte=0, written_off_fen__lte=models.F("amount_fen")),
                name="funds_claim_amounts",
            ),
            models.CheckConstraint(
                condition=Q(written_off_by__isnull=True) | ~Q(written_off_by=models.F("opened_by")),
                name="funds_claim_four_eyes",
            ),
            models.CheckConstraint(
                condition=Q(written_off_fen=0) | (Q(written_off_by__isnull=False) & ~Q(write_off_reason="")),
                name="funds_claim_written_off",
            ),
        ]


class CashReturn(models.Model):
    """One row: cash a family brought back into a town's box for a claim. Append-only."""

    region = region_field()  #: the family's village
    claim = models.ForeignKey(CashClaim, on_delete=models.PROTECT, related_name="returns")
    no = models.CharField("编号", max_length=40, db_collation="C", unique=True)
    amount_fen = models.BigIntegerField("金额（分）")
    payer = models.CharField("交款人", max_length=40)
    received_on = models.DateField("收款日期")
    received_at = models.DateTimeField("收款时间")
    received_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    entry = models.ForeignKey("funds.LedgerEntry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "现金追回收款"
        constraints = [models.CheckConstraint(condition=Q(amount_fen__gt=0), name="funds_return_amount")]


class CashFollow(models.Model):
    """One row: a decision gave again what was paid in cash and claimed: what the family keeps, and what is payable once more.

    Proposed by one and decided by another. It books nothing, as the claim booked nothing: the cash the family keeps was spent when it
    was handed over; what it brought back was booked as less spent, and is spent anew by the run that pays it.
    """

    class State(models.TextChoices):
        """Where it stands."""

        PROPOSED = "proposed", "待审核"
        APPROVED = "approved", "已更正"
        REFUSED = "refused", "不同意"

    region = region_field()  #: the family's village
    spend = models.ForeignKey(PettySpend, on_delete=models.PROTECT, related_name="follows")
    claim = models.ForeignKey(
        CashClaim, on_delete=models.PROTECT, null=True, related_name="follows"
    )  #: null = nobody had claimed it
    determination = models.ForeignKey(
        "decisions.Determination", on_delete=models.PROTECT, related_name="+"
    )  #: that gives it again
    kept_fen = models.BigIntegerField("家庭手中的现金抵作救助（分）")
    reduced_fen = models.BigIntegerField("减少追回（分）")
    back_fen = models.BigIntegerField("已归还、应再发（分）")  #: of the grant, by the run or petty cash
    reason = models.CharField("理由", max_length=300)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.PROPOSED)
    proposed_at = models.DateTimeField("提出时间")
    proposed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField("决定时间", null=True)
    decided_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    opinion = models.CharField("意见", max_length=300, blank=True)

    class Meta:
        verbose_name = "现金追回更正"
        constraints = [
            models.CheckConstraint(
                condition=Q(kept_fen__gte=0, reduced_fen__gte=0, reduced_fen__lte=models.F("kept_fen"), back_fen__gte=0)
                & (Q(kept_fen__gt=0) | Q(back_fen__gt=0)),
                name="funds_follow_amounts",
            ),
            models.UniqueConstraint("spend", "determination", condition=~Q(state="refused"), name="funds_follow_once"),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=models.F("proposed_by")),
                name="funds_follow_four_eyes",
            ),
            models.CheckConstraint(
                condition=Q(state="proposed", decided_by__isnull=True)
                | Q(~Q(state="proposed"), decided_by__isnull=False, decided_at__isnull=False),
                name="funds_follow_decided",
            ),
        ]


class FloatCount(models.Model):
    """One row: a month's count of a town's cash against the ledger. Append-only; counted by a town, seen by the county."""

    region = region_field()  #: the town
    float = models.ForeignKey(Float, on_delete=models.PROTECT, related_name="counts")
    month = models.IntegerField("月份")  #: yyyymm
    opening_fen = models.BigIntegerField("期初（分）")
    advanced_fen = models.BigIntegerField("拨入（分）")
    spent_fen = models.BigIntegerField("支出（分）")
    returned_fen = models.BigIntegerField("交回（分）")
    ledger_fen = models.BigIntegerField("账面余额（分）")
    counted_fen = models.BigIntegerField("实存（分）")
    note = models.CharField("差异说明", max_length=300, blank=True)
    counted_at = models.DateTimeField("盘点时间")
    counted_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "备用金盘点"
        constraints = [
            models.UniqueConstraint("float", "month", name="funds_count_once"),
            models.CheckConstraint(condition=month_check("month"), name="funds_count_month"),
            models.CheckConstraint(
                condition=Q(ledger_fen=models.F("counted_fen")) | ~Q(note=""), name="funds_count_explained"
            ),
            models.CheckConstraint(
                condition=Q(
                    ledger_fen=models.F("opening_fen")
                    + models.F("advanced_fen")
                    - models.F("spent_fen")
                    - models.F("returned_fen")
                ),
                name="funds_count_sums",
            ),
        ]


class FloatRequest(models.Model):
    """One row: a town asks for its cash to be filled up. The county answers with an advance paper, which finance decides, or refuses."""

    region = region_field()  #: the town
    float = models.ForeignKey(Float, on_delete=models.PROTECT, related_name="requests")
    amount_fen = models.BigIntegerField("金额（分）")
    balance_fen = models.BigIntegerField("申请时余额（分）")
    reason = models.CharField("用途", max_length=300)
    asked_at = models.DateTimeField("申请时间")
    asked_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    paper = models.OneToOneField("funds.FundPaper", on_delete=models.PROTECT, null=True, related_name="+")
    refused_at = models.DateTimeField("不同意时间", null=True)
    refused_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    refusal = models.CharField("不同意的理由", max_length=300, blank=True)

    class Meta:
        verbose_name = "备用金补足申请"
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="funds_refill_amount"),
            models.CheckConstraint(
                condition=Q(refused_at__isnull=True, refused_by__isnull=True, refusal="")
                | (Q(refused_at__isnull=False, refused_by__isnull=False, paper__isnull=True) & ~Q(refusal="")),
                name="funds_refill_refused",
            ),
            # One question at a time.
            models.UniqueConstraint(
                "float", condition=Q(paper__isnull=True, refused_at__isnull=True), name="funds_refill_once"
            ),
        ]


class FloatCheck(models.Model):
    """One row: finance looked at a month's count of a town's cash (M23: finance checks). Append-only, once a count."""

    region = region_field()  #: the town
    count = models.OneToOneField(FloatCount, on_delete=models.PROTECT, related_name="check_row")
    note = models.CharField("核对意见", max_length=300, blank=True)
    checked_at = models.DateTimeField("核对时间")
    checked_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "备用金财政核对"
