"""What families were paid too much and owe: one claim a unit, agreements, receipts, write-offs. Signatures of a run.

What a claim is made of stands elsewhere: corrections below zero (`Arrear`) and what lines kept back (`PayLine.offset_fen`).
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce

from tuodi.org.rls import region_field
from tuodi.payments.labels import pay_label
from tuodi.payments.states import ClaimState, FindingState, Manner, PayProgramme, WriteOffReason, WriteOffState
from tuodi.people.fields import month_check


class Claim(models.Model):
    """One row: all that one unit was overpaid of one programme. It is settled when nothing is left and opens anew with the next."""

    region = region_field()  #: of the lines that were overpaid: the claim stays with the place that paid
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, null=True, related_name="+")
    programme = models.CharField("项目", max_length=16, choices=PayProgramme.choices)
    state = models.CharField("状态", max_length=8, choices=ClaimState.choices, default=ClaimState.OPEN)
    manner = models.CharField("追回方式", max_length=8, choices=Manner.choices, default=Manner.CAPPED)
    manner_reason = models.CharField("理由", max_length=300, blank=True)
    manner_at = models.DateTimeField("方式确定时间", null=True)
    manner_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    # Sums in fen, kept as their parts arrive: who reads a claim may not see a run of a wider range. The ledger check compares them.
    found_fen = models.BigIntegerField("多发（分）", default=0)
    kept_fen = models.BigIntegerField("已抵扣（分）", default=0)
    cash_fen = models.BigIntegerField("已收回（分）", default=0)
    written_fen = models.BigIntegerField("已核销（分）", default=0)
    opened_at = models.DateTimeField("产生时间")
    settled_at = models.DateTimeField("结清时间", null=True)

    class Meta:
        verbose_name = "追回事项"
        constraints = [
            models.UniqueConstraint("household", "programme", Coalesce("person", Value(0)), name="payments_claim_once"),
            models.CheckConstraint(
                condition=Q(state=ClaimState.OPEN, settled_at__isnull=True)
                | Q(state=ClaimState.SETTLED, settled_at__isnull=False),
                name="payments_claim_settled",
            ),
            models.CheckConstraint(
                condition=Q(found_fen__gte=0, kept_fen__gte=0, cash_fen__gte=0, written_fen__gte=0),
                name="payments_claim_sums",
            ),
            models.CheckConstraint(
                condition=Q(manner=Manner.CAPPED) | Q(manner_by__isnull=False), name="payments_claim_manner"
            ),
        ]
        indexes = [models.Index(fields=["region", "state", "-id"], name="payments_claim_region")]

    def __str__(self) -> str:
        return self.no

    @property
    def no(self) -> str:
        """The number as pages and papers show it."""
        return f"ZH{self.pk:07d}"

    def get_programme_display(self) -> str:
        """The programme in words, of a fixed amount as the packs have it."""
        return pay_label(self.programme)

    @property
    def what(self) -> str:
        """The programme in words; of a caregiver's claim also whom he looked after."""
        label = self.get_programme_display()
        return f"{label}（照料{self.household.head.name}）" if self.programme == "care" else label

    @property
    def left_fen(self) -> int:
        """What is still owed; below 0 where more came in than was overpaid: a withheld line took its correction along."""
        return self.found_fen - self.kept_fen - self.cash_fen - self.written_fen


class ClaimAgreement(models.Model):
    """One row: what a family has agreed to give back each month, with its paper. The newest that is not ended counts."""

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="agreements")
    region = region_field()
    monthly_fen = models.BigIntegerField("每月（分）")
    from_month = models.IntegerField("起始月份")  #: yyyymm; nothing is kept back before it
    in_cash = models.BooleanField("现金归还", default=False)  #: false = kept back from the month's payment
    signed_on = models.DateField("签订日期")
    paper = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField("登记时间")
    made_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField("终止时间", null=True)

    class Meta:
        verbose_name = "分期归还协议"
        constraints = [
            models.UniqueConstraint("claim", condition=Q(ended_at__isnull=True), name="payments_agreement_one"),
            models.CheckConstraint(condition=Q(monthly_fen__gt=0), name="payments_agreement_amount"),
            models.CheckConstraint(condition=month_check("from_month"), name="payments_agreement_month"),
        ]


class ClaimReceipt(models.Model):
    """One row: money a family gave back, with the number of its receipt. Append-only; booked to the sub-account it came from."""

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="receipts")
    region = region_field()
    amount_fen = models.BigIntegerField("金额（分）")
    receipt_no = models.CharField("收据号", max_length=60)
    received_on = models.DateField("收款日期")
    payer = models.CharField("缴款人", max_length=40)
    paper = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField("登记时间")
    by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "追回收款"
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="payments_receipt_amount"),
            models.UniqueConstraint("claim", "receipt_no", name="payments_receipt_once"),
        ]


class ClaimWriteOff(models.Model):
    """One row: what is given up of a claim, proposed by one and decided by another."""

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="write_offs")
    region = region_field()
    amount_fen = models.BigIntegerField("金额（分）")
    reason = models.CharField("原因", max_length=12, choices=WriteOffReason.choices)
    text = models.CharField("说明", max_length=500)
    paper = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, null=True, related_name="+")
    state = models.CharField("状态", max_length=10, choices=WriteOffState.choices, default=WriteOffState.PROPOSED)
    proposed_at = models.DateTimeField("提出时间")
    proposed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField("决定时间", null=True)
    decided_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    opinion = models.CharField("意见", max_length=300, blank=True)

    class Meta:
        verbose_name = "核销"
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="payments_write_off_amount"),
            models.UniqueConstraint(
                "claim", condition=Q(state=WriteOffState.PROPOSED), name="payments_write_off_one_open"
            ),
            # Four eyes, whoever calls.
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by")),
                name="payments_write_off_four_eyes",
            ),
            models.CheckConstraint(
                condition=Q(state=WriteOffState.PROPOSED, decided_by__isnull=True)
                | Q(~Q(state=WriteOffState.PROPOSED), decided_by__isnull=False, decided_at__isnull=False),
                name="payments_write_off_decided",
            ),
        ]


class ClaimFinding(models.Model):
    """One row: money a unit was paid too much by what people determined (a confirmed clue), which no run found: its months are `ClaimMonth`."""

    region = region_field()  #: the family's
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, null=True, related_name="+")
    programme = models.CharField("项目", max_length=16, choices=PayProgramme.choices)
    claim = models.ForeignKey(
        Claim, on_delete=models.PROTECT, null=True, related_name="findings"
    )  #: null until it is approved
    origin = models.CharField("来由", max_length=8)  #: clue
    origin_id = models.BigIntegerField("来由编号")
    origin_no = models.CharField("来由号", max_length=40)
    amount_fen = models.BigIntegerField("金额（分）")
    reason = models.CharField("理由", max_length=500)
    paper = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, null=True, related_name="+")
    state = models.CharField("状态", max_length=10, choices=FindingState.choices, default=FindingState.PROPOSED)
    proposed_at = models.DateTimeField("提出时间")
    proposed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField("决定时间", null=True)
    decided_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    opinion = models.CharField("意见", max_length=300, blank=True)
    revoke_reason = models.CharField("撤销理由", max_length=300, blank=True)
    revoke_asked_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    revoked_at = models.DateTimeField("撤销时间", null=True)
    revoked_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "认定多发"
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="payments_finding_amount"),
            # What a clue recovers becomes a claim once.
            models.UniqueConstraint(
                "origin",
                "origin_id",
                condition=~Q(state__in=[FindingState.REFUSED, FindingState.REVOKED]),
                name="payments_finding_once",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by")),
                name="payments_finding_four_eyes",
            ),
            models.CheckConstraint(
                condition=Q(revoked_by__isnull=True) | ~Q(revoked_by=F("revoke_asked_by")),
                name="payments_finding_revoke_eyes",
            ),
            models.CheckConstraint(
                condition=Q(state=FindingState.PROPOSED, decided_by__isnull=True)
                | Q(~Q(state=FindingState.PROPOSED), decided_by__isnull=False, decided_at__isnull=False),
                name="payments_finding_decided",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[FindingState.PROPOSED, FindingState.REFUSED]) | Q(claim__isnull=False),
                name="payments_finding_claim",
            ),
        ]
        indexes = [models.Index(fields=["household", "programme"], name="payments_finding_home")]


class ClaimMonth(models.Model):
    """One row: one month of a finding and what it was overpaid. Append-only."""

    finding = models.ForeignKey(ClaimFinding, on_delete=models.PROTECT, related_name="months")
    region = region_field()
    for_month = models.IntegerField("所属月份")
    amount_fen = models.BigIntegerField("多发（分）")

    class Meta:
        verbose_name = "认定多发的月份"
        constraints = [
            models.UniqueConstraint("finding", "for_month", name="payments_finding_month_once"),
            models.CheckConstraint(condition=month_check("for_month"), name="payments_finding_month"),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="payments_finding_month_amount"),
        ]


class RunSignature(models.Model):
    """One row: one person's approval of a run as it was calculated then. Void once the run is calculated anew."""

    run = models.ForeignKey("payments.PayRun", on_delete=models.PROTECT, related_name="signatures")
    region = region_field()
    user = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField("签字时间")
    amount_fen = models.BigIntegerField("签字时应发（分）")
    note = models.CharField("超用款计划的理由", max_length=300, blank=True)
    #: He has the hand of payment in the case of every determination the run pays by; false = one may have been out of his sight.
    hands = models.BooleanField("经手已全部记下", default=False)
    voided_at = models.DateTimeField("失效时间", null=True)

    class Meta:
        verbose_name = "审批签字"
        constraints = [
            models.UniqueConstraint("run", "user", condition=Q(voided_at__isnull=True), name="payments_signature_once")
        ]
