"""Medical money beside hospitals' bills: premiums of the insured paid for recipients (资助参保), and the emergency fund (疾病应急救助)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from tuodi.funds.states import ClaimFrom, DeskState, EmergencyReason, PremiumResult
from tuodi.org.rls import region_field
from tuodi.people.fields import name_field


class PremiumList(models.Model):
    """One row: a list of people whose personal premium of a year a county pays, to its collector (M39). Frozen when proposed."""

    region = region_field()  #: the county
    no = models.CharField("编号", max_length=40, db_collation="C", unique=True)
    year = models.SmallIntegerField("参保年度")
    on = models.DateField("名单日期")  #: rolls, facts and rules are those of this day
    code = models.CharField("征收机构编码", max_length=20, db_collation="C")
    collector = models.CharField("征收机构", max_length=60)
    persons = models.IntegerField("资助人数")
    amount_fen = models.BigIntegerField("金额（分）")
    state = models.CharField("状态", max_length=10, choices=DeskState.choices, default=DeskState.PROPOSED)
    proposed_at = models.DateTimeField("提出时间")
    proposed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField("审核时间", null=True)
    decided_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    decision_note = models.CharField("审核意见", max_length=300, blank=True)
    entry = models.ForeignKey("funds.LedgerEntry", on_delete=models.PROTECT, null=True, related_name="+")
    answer = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField("回执时间", null=True)  #: null = the collector has not answered
    answered_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    faults = models.JSONField("回执问题", default=list)  #: [{row, field, reason, remedy}]

    class Meta:
        verbose_name = "资助参保名单"
        constraints = [
            models.CheckConstraint(condition=Q(persons__gt=0, amount_fen__gt=0), name="funds_premium_some"),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by")), name="funds_premium_four_eyes"
            ),
            models.CheckConstraint(
                condition=Q(state=DeskState.PROPOSED) | Q(decided_by__isnull=False), name="funds_premium_decided"
            ),
        ]
        indexes = [models.Index(fields=["region", "-id"], name="funds_premium_region")]

    def __str__(self) -> str:
        return self.no


class PremiumItem(models.Model):
    """One row: one person of a list, what is paid for him by the rules, and what the collector says of it."""

    listed = models.ForeignKey(PremiumList, on_delete=models.PROTECT, related_name="items")
    region = region_field()
    year = models.SmallIntegerField("参保年度")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, null=True, related_name="+")
    name = name_field("姓名")
    id_masked = models.CharField("证件号码（脱敏）", max_length=20)
    basis = models.CharField("身份", max_length=60)
    amount_fen = models.BigIntegerField("资助额（分）")
    clauses = models.CharField("依据", max_length=300, blank=True)
    result = models.CharField(
        "回执", max_length=12, choices=PremiumResult.choices, blank=True
    )  #: empty = no answer yet
    result_note = models.CharField("说明", max_length=200, blank=True)
    #: Counts against being listed again in the year: not when the list was refused, nor when the collector gave the money back.
    live = models.BooleanField("有效", default=True)

    class Meta:
        verbose_name = "资助参保人员"
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="funds_premium_item_amount"),
            models.UniqueConstraint("person", "year", condition=Q(live=True), name="funds_premium_once"),
        ]
        indexes = [models.Index(fields=["listed", "result"], name="funds_premium_item")]


class PremiumAnswer(models.Model):
    """One row: a later answer of the collector, about people of a list it had said nothing of. Append-only.

    The first answer stands in the list itself. No answer changes what an earlier one said.
    """

    listed = models.ForeignKey(PremiumList, on_delete=models.PROTECT, related_name="later_answers")
    region = region_field()
    file = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, related_name="+")
    rows = models.IntegerField("行数")
    told = models.IntegerField("登记人数")
    faults = models.JSONField("问题行", default=list)  #: [{row, field, reason, remedy}]; rows = told + rows with faults
    answered_at = models.DateTimeField("回执时间")
    answered_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "资助参保补充回执"
        constraints = [models.CheckConstraint(condition=Q(told__gt=0), name="funds_premium_answer_some")]


class PremiumRefund(models.Model):
    """One row: money the collector gave back of a list, booked at once. Append-only."""

    listed = models.ForeignKey(PremiumList, on_delete=models.PROTECT, related_name="refunds")
    region = region_field()
    amount_fen = models.BigIntegerField("金额（分）")
    voucher = models.CharField("凭证号", max_length=40, db_collation="C")
    received_on = models.DateField("到账日期")
    received_at = models.DateTimeField("登记时间")
    received_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    entry = models.ForeignKey("funds.LedgerEntry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "资助参保退回"
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="funds_premium_refund_amount"),
            models.UniqueConstraint("listed", "voucher", name="funds_premium_refund_once"),
        ]


class EmergencyCase(models.Model):
    """One row: emergency treatment of somebody without identity, or who cannot pay, that a hospital asks the fund for (M41).

    `label` is how the hospital calls the patient until he is known. Once he is known, what the fund paid is claimed from
    whoever should have (`claim_from`).
    """

    region = region_field()  #: the county
    agreement = models.ForeignKey("funds.HospitalAgreement", on_delete=models.PROTECT, related_name="+")
    no = models.CharField("编号", max_length=40, db_collation="C", unique=True)
    label = models.CharField("患者称谓", max_length=40)
    reason = models.CharField("申请事由", max_length=14, choices=EmergencyReason.choices)
    found = models.CharField("发现经过", max_length=300)
    admitted_on = models.DateField("收治日期")
    ended_on = models.DateField("急救结束")
    cost_fen = models.BigIntegerField("急救费用（分）")
    other_fen = models.BigIntegerField("其他渠道已付（分）")
    asked_fen = models.BigIntegerField("申请金额（分）")
    evidence = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, related_name="+")
    most_fen = models.BigIntegerField("最多可付（分）")  #: by the rule of the place on the day of the request
    rule = models.CharField("依据", max_length=200)
    state = models.CharField("状态", max_length=10, choices=DeskState.choices, default=DeskState.PROPOSED)
    proposed_at = models.DateTimeField("登记时间")
    proposed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField("审核时间", null=True)
    decided_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    decision_note = models.CharField("审核意见", max_length=300, blank=True)
    granted_fen = models.BigIntegerField("核定支付（分）", null=True)  #: null = not granted
    entry = models.ForeignKey("funds.LedgerEntry", on_delete=models.PROTECT, null=True, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, null=True, related_name="+")
    identity = models.CharField("查明身份", max_length=200, blank=True)  #: name and how it was found; empty = unknown
    identified_on = models.DateField("查明日期", null=True)
    identified_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    claim_from = models.CharField("追偿对象", max_length=12, choices=ClaimFrom.choices, blank=True)
    claim_fen = models.BigIntegerField("追偿金额（分）", default=0)
    written_off_fen = models.BigIntegerField("核销（分）", default=0)
    write_off_reason = models.CharField("核销依据", max_length=200, blank=True)
    written_off_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "疾病应急救助"
        constraints = [
            models.CheckConstraint(
                condition=Q(cost_fen__gt=0, other_fen__gte=0, asked_fen__gt=0)
                & Q(asked_fen__lte=F("cost_fen") - F("other_fen"), ended_on__gte=F("admitted_on")),
                name="funds_emergency_amounts",
            ),
            models.CheckConstraint(
                condition=Q(granted_fen__isnull=True)
                | Q(granted_fen__gt=0, granted_fen__lte=F("asked_fen")) & Q(granted_fen__lte=F("most_fen")),
                name="funds_emergency_granted",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by")), name="funds_emergency_four_eyes"
            ),
            models.CheckConstraint(
                condition=Q(state=DeskState.PROPOSED) | Q(decided_by__isnull=False), name="funds_emergency_decided"
            ),
            models.CheckConstraint(
                condition=Q(claim_fen=0)
                | Q(claim_fen__gt=0, identified_by__isnull=False, claim_fen__lte=F("granted_fen")),
                name="funds_emergency_claim",
            ),
            models.CheckConstraint(
                condition=Q(written_off_fen=0)
                | Q(written_off_by__isnull=False, written_off_fen__lte=F("claim_fen"))
                & ~Q(written_off_by=F("identified_by")),
                name="funds_emergency_written_off",
            ),
        ]
        indexes = [models.Index(fields=["region", "-id"], name="funds_emergency_region")]

    def __str__(self) -> str:
        return self.no


class EmergencyReturn(models.Model):
    """One row: money of a claim that came back to the emergency fund, booked at once. Append-only."""

    case = models.ForeignKey(EmergencyCase, on_delete=models.PROTECT, related_name="returns")
    region = region_field()
    amount_fen = models.BigIntegerField("金额（分）")
    payer = models.CharField("交款人", max_length=60)
    voucher = models.CharField("凭证号", max_length=40, db_collation="C")
    received_on = models.DateField("到账日期")
    received_at = models.DateTimeField("登记时间")
    received_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    entry = models.ForeignKey("funds.LedgerEntry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "疾病应急救助追偿"
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="funds_emergency_return_amount"),
            models.UniqueConstraint("case", "voucher", name="funds_emergency_return_once"),
        ]
