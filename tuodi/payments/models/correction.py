"""Decisions about the difference of a price index that was corrected after its subsidy was paid, and each person's part."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from tuodi.org.rls import region_field
from tuodi.payments.states import CorrectionKind, CorrectionState
from tuodi.people.fields import month_check

__all__ = ["PriceCorrection", "PriceDecision"]

_DECIDED = (CorrectionState.APPROVED, CorrectionState.REFUSED, CorrectionState.REVOKING, CorrectionState.REVOKED)


class PriceDecision(models.Model):
    """One row: what is done about those whom one run paid less (or more) for an index month than the figures that count now give."""

    region = region_field()  #: the run's place, in full
    run = models.ForeignKey("payments.PayRun", on_delete=models.PROTECT, related_name="+")  #: that paid the month
    index = models.ForeignKey(
        "payments.PriceIndex", on_delete=models.PROTECT, related_name="+"
    )  #: the row that counts now
    index_month = models.IntegerField("指数月份")
    short = models.BooleanField(
        "少发"
    )  #: true = about those who were paid less; false = about those who were paid more
    kind = models.CharField("办法", max_length=6, choices=CorrectionKind.choices)
    facts = models.JSONField(
        "更正后的指数"
    )  #: as the rules are asked by; tells whether a decision is about the figures of today
    households = models.IntegerField("户数")
    persons = models.IntegerField("人数")
    amount_fen = models.BigIntegerField("差额（分）")  #: what is paid, got back or left, without sign
    outside_fen = models.BigIntegerField("其他部门发放的（分）")  #: of it, of groups other departments pay
    reason = models.CharField("理由", max_length=500)
    document = models.CharField("依据文件", max_length=200)
    paper = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, related_name="+")
    state = models.CharField("状态", max_length=10, choices=CorrectionState.choices, default=CorrectionState.PROPOSED)
    proposed_at = models.DateTimeField("提出时间")
    proposed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField("决定时间", null=True)
    decided_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    opinion = models.CharField("意见", max_length=300, blank=True)
    revoke_reason = models.CharField("撤销理由", max_length=300, blank=True)
    revoke_asked_at = models.DateTimeField("申请撤销时间", null=True)
    revoke_asked_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    revoked_at = models.DateTimeField("撤销时间", null=True)
    revoked_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "价格补贴更正决定"
        constraints = [
            models.UniqueConstraint(
                "run",
                "index_month",
                "short",
                condition=Q(state=CorrectionState.PROPOSED),
                name="payments_price_decision_open",
            ),
            models.CheckConstraint(condition=month_check("index_month"), name="payments_price_decision_month"),
            models.CheckConstraint(
                condition=Q(
                    amount_fen__gt=0,
                    outside_fen__gte=0,
                    outside_fen__lte=F("amount_fen"),
                    households__gt=0,
                    persons__gt=0,
                ),
                name="payments_price_decision_sums",
            ),
            models.CheckConstraint(
                condition=Q(kind=CorrectionKind.PAY, short=True)
                | Q(kind=CorrectionKind.CLAIM, short=False)
                | Q(kind=CorrectionKind.LEAVE),
                name="payments_price_decision_kind",
            ),
            # Four eyes, whoever calls.
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by")),
                name="payments_price_decision_four_eyes",
            ),
            models.CheckConstraint(
                condition=Q(revoked_by__isnull=True) | ~Q(revoked_by=F("revoke_asked_by")),
                name="payments_price_decision_revoke_eyes",
            ),
            models.CheckConstraint(
                condition=Q(state=CorrectionState.PROPOSED, decided_by__isnull=True)
                | Q(state__in=_DECIDED, decided_by__isnull=False, decided_at__isnull=False),
                name="payments_price_decision_decided",
            ),
            models.CheckConstraint(
                condition=~Q(state=CorrectionState.REVOKED) | Q(revoked_by__isnull=False, revoked_at__isnull=False),
                name="payments_price_decision_revoked",
            ),
        ]
        indexes = [models.Index(fields=["region", "index_month"], name="payments_price_decision_region")]

    def __str__(self) -> str:
        return self.no

    @property
    def no(self) -> str:
        """The number as pages and explanations show it."""
        return f"JG{self.pk:06d}"


class PriceCorrection(models.Model):
    """One row: one person's part of a decision: his share of the index month before and after it.

    What families are paid or owe is the sum of rows that count, less what approved runs have booked of it (`price_decided`).
    """

    decision = models.ForeignKey(PriceDecision, on_delete=models.PROTECT, related_name="parts")
    region = region_field()  #: of the share
    run = models.ForeignKey("payments.PayRun", on_delete=models.PROTECT, related_name="+")  #: that paid the share
    index_month = models.IntegerField("指数月份")
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    group = models.CharField("对象类别", max_length=24)
    programme = models.CharField(
        "项目", max_length=16, blank=True
    )  #: of the line that carries it; empty = paid by another department
    own = models.BooleanField("本人的行")  #: true = the line is the person's own; false = the family's
    before_fen = models.BigIntegerField("更正前（分）")  #: with decisions of before
    after_fen = models.BigIntegerField("更正后（分）")
    #: Which correction of the person's share it is, from 1; null = left as it is. One person has each once.
    seq = models.SmallIntegerField("次序", null=True)
    live = models.BooleanField("有效", default=True)  #: false once refused or revoked
    counts = models.BooleanField("已决定", default=False)  #: paid or got back by the runs that follow

    class Meta:
        verbose_name = "价格补贴更正份额"
        constraints = [
            models.UniqueConstraint(
                "person", "index_month", "seq", condition=Q(live=True), name="payments_price_correction_once"
            ),
            models.UniqueConstraint("decision", "person", name="payments_price_correction_person"),
            models.CheckConstraint(
                condition=Q(before_fen__gte=0, after_fen__gte=0) & ~Q(before_fen=F("after_fen")),
                name="payments_price_correction_amounts",
            ),
            models.CheckConstraint(
                condition=Q(counts=False) | Q(live=True, seq__isnull=False), name="payments_price_correction_counts"
            ),
        ]
        indexes = [models.Index(fields=["household", "index_month"], name="payments_price_corr_home")]
