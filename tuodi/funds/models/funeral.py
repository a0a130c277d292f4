"""Basic funeral services waived for who was on dibao or tekun (M47), paid to the body that gave them."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from tuodi.funds.states import DeskState
from tuodi.org.rls import region_field

__all__ = ["FuneralReturn", "FuneralWaiver"]


class FuneralWaiver(models.Model):
    """One row: the basic services of one person's funeral that his family does not pay. Once a person.

    `items` is [{item, fen, waived_fen}] in fen, an item of `funeral_item` once; what is beyond them is the family's
    (`cost_fen` less `waived_fen`). The body is paid what is waived, like any body.
    """

    region = region_field()  #: the county
    no = models.CharField("编号", max_length=40, db_collation="C", unique=True)
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    basis = models.CharField("去世时在册", max_length=60)
    died_on = models.DateField("去世日期")
    code = models.CharField("机构编码", max_length=20, db_collation="C")
    body = models.CharField("殡葬服务机构", max_length=60)
    items = models.JSONField("减免项目")
    cost_fen = models.BigIntegerField("丧葬服务费用（分）")
    waived_fen = models.BigIntegerField("减免（分）")
    rule = models.CharField("依据", max_length=200)
    evidence = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, related_name="+")
    state = models.CharField("状态", max_length=10, choices=DeskState.choices, default=DeskState.PROPOSED)
    proposed_at = models.DateTimeField("登记时间")
    proposed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField("审核时间", null=True)
    decided_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    decision_note = models.CharField("审核意见", max_length=300, blank=True)
    entry = models.ForeignKey("funds.LedgerEntry", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "丧葬费用减免"
        constraints = [
            models.CheckConstraint(
                condition=Q(waived_fen__gt=0, waived_fen__lte=F("cost_fen")), name="funds_funeral_amounts"
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by")), name="funds_funeral_four_eyes"
            ),
            models.CheckConstraint(
                condition=Q(state=DeskState.PROPOSED) | Q(decided_by__isnull=False), name="funds_funeral_decided"
            ),
            models.UniqueConstraint("person", condition=~Q(state=DeskState.REFUSED), name="funds_funeral_once"),
        ]
        indexes = [models.Index(fields=["region", "-id"], name="funds_funeral_region")]

    def __str__(self) -> str:
        return self.no


class FuneralReturn(models.Model):
    """One row: money of a waiver its body gave back, booked at once as less spent. A voucher once a waiver. Append-only."""

    waiver = models.ForeignKey(FuneralWaiver, on_delete=models.PROTECT, related_name="returns")
    region = region_field()  #: the county
    amount_fen = models.BigIntegerField("金额（分）")
    reason = models.CharField("理由", max_length=200)
    voucher = models.CharField("凭证号", max_length=40, db_collation="C")
    received_on = models.DateField("到账日期")
    received_at = models.DateTimeField("登记时间")
    received_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    entry = models.OneToOneField("funds.LedgerEntry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "丧葬费用退款"
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="funds_funeral_return_amount"),
            models.UniqueConstraint("waiver", "voucher", name="funds_funeral_return_once"),
        ]
