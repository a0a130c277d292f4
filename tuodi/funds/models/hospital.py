"""Designated hospitals (定点医院): the agreement, their bills of one-stop settlement (一站式结算), the clearing of a month."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from tuodi.funds.states import AgreementState, BillState, ClearingState, Verdict
from tuodi.org.rls import region_field
from tuodi.people.fields import month_check, name_field

#: Profile of a batch that is one correction: its file is the hospital's letter.
CORRECTION = "correction"


class HospitalAgreement(models.Model):
    """One row: the agreement of a county with a designated hospital. Its advance (预付款) is the ledger's."""

    region = region_field()  #: the county
    no = models.CharField("编号", max_length=40, db_collation="C", unique=True)
    name = models.CharField("医院名称", max_length=60)
    code = models.CharField("定点医药机构编码", max_length=20, db_collation="C")
    payee = models.CharField("收款账户", max_length=100)  #: bank and account of the hospital, as the agreement has them
    advance_limit_fen = models.BigIntegerField("预付款上限（分）")  #: 0 = settled afterwards, without an advance
    signed_on = models.DateField("签订日期")
    starts_on = models.DateField("起")
    ends_on = models.DateField("止")  #: the last day a discharge may fall on
    state = models.CharField("状态", max_length=10, choices=AgreementState.choices, default=AgreementState.PROPOSED)
    proposed_at = models.DateTimeField("提出时间")
    proposed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField("审核时间", null=True)
    decided_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    decision_note = models.CharField("审核意见", max_length=300, blank=True)
    ended_at = models.DateTimeField("终止时间", null=True)
    ended_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    end_reason = models.CharField("终止原因", max_length=200, blank=True)

    class Meta:
        verbose_name = "定点医院协议"
        constraints = [
            models.CheckConstraint(condition=Q(advance_limit_fen__gte=0), name="funds_agreement_limit"),
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="funds_agreement_period"),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by")),
                name="funds_agreement_four_eyes",
            ),
            models.CheckConstraint(
                condition=Q(state=AgreementState.PROPOSED) | Q(decided_by__isnull=False),
                name="funds_agreement_decided",
            ),
            models.UniqueConstraint(
                "region",
                "code",
                condition=Q(state__in=[AgreementState.PROPOSED, AgreementState.ACTIVE]),
                name="funds_agreement_once",
            ),
        ]

    def __str__(self) -> str:
        return self.no


class BillBatch(models.Model):
    """One row: a file of bills a hospital sent for a month, with the rows that could not be used. Frozen but for its withdrawal."""

    region = region_field()  #: the county
    agreement = models.ForeignKey(HospitalAgreement, on_delete=models.PROTECT, related_name="batches")
    no = models.CharField("编号", max_length=40, db_collation="C", unique=True)
    month = models.IntegerField("清算月份")  #: yyyymm
    file = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, related_name="+")
    file_name = models.CharField("文件名", max_length=200)
    profile = models.CharField("模板", max_length=40, db_collation="C")
    rows = models.IntegerField("行数")
    bad = models.IntegerField("问题行")
    faults = models.JSONField("问题", default=list)  #: [{row, field, reason, remedy}]; a row may have several
    imported_at = models.DateTimeField("导入时间")
    imported_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField("撤回时间", null=True)
    withdrawn_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    withdraw_reason = models.CharField("撤回原因", max_length=200, blank=True)

    class Meta:
        verbose_name = "结算单据批次"
        constraints = [
            models.CheckConstraint(condition=month_check("month"), name="funds_bills_month"),
            models.CheckConstraint(condition=Q(bad__gte=0, rows__gte=F("bad")), name="funds_bills_rows"),
            # One letter may correct several bills.
            models.UniqueConstraint(
                "agreement",
                "file",
                condition=Q(withdrawn_at__isnull=True) & ~Q(profile=CORRECTION),
                name="funds_bills_file_once",
            ),
        ]
        indexes = [models.Index(fields=["agreement", "month"], name="funds_bills_agreement")]

    @property
    def good(self) -> int:
        """Rows that became bills."""
        return self.rows - self.bad

    def __str__(self) -> str:
        return self.no


class HospitalClearing(models.Model):
    """One row: the clearing (清算) of a hospital's month: claimed, accepted, refused, and from where it is paid, in fen.

    Frozen when proposed; where the money comes from is known when it is approved, and booked then. A correction counts with
    what it changes of the bill it names, so a month may come out below zero: that much the hospital then holds in advance.
    """

    region = region_field()  #: the county
    agreement = models.ForeignKey(HospitalAgreement, on_delete=models.PROTECT, related_name="clearings")
    no = models.CharField("编号", max_length=40, db_collation="C", unique=True)
    month = models.IntegerField("清算月份")  #: yyyymm
    bills = models.IntegerField("单据数")
    claimed_fen = models.BigIntegerField("医院申报（分）")
    accepted_fen = models.BigIntegerField("核定支付（分）")
    refused_fen = models.BigIntegerField("不予支付（分）")
    replenish_fen = models.BigIntegerField("补足预付款（分）")
    advance_fen = models.BigIntegerField("冲抵预付款（分）", null=True)  #: null = not approved
    paid_fen = models.BigIntegerField("支付差额（分）", null=True)  #: accepted beyond the advance; null = not approved
    state = models.CharField("状态", max_length=10, choices=ClearingState.choices, default=ClearingState.PROPOSED)
    proposed_at = models.DateTimeField("提出时间")
    proposed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField("审核时间", null=True)
    decided_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    decision_note = models.CharField("审核意见", max_length=300, blank=True)
    entry = models.ForeignKey("funds.LedgerEntry", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "医院清算"
        constraints = [
            models.CheckConstraint(
                condition=Q(claimed_fen=F("accepted_fen") + F("refused_fen"), replenish_fen__gte=0, bills__gt=0),
                name="funds_clearing_sums",
            ),
            models.CheckConstraint(
                condition=~Q(state=ClearingState.APPROVED) | Q(accepted_fen=F("advance_fen") + F("paid_fen")),
                name="funds_clearing_paid",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by")),
                name="funds_clearing_four_eyes",
            ),
            models.CheckConstraint(
                condition=Q(state=ClearingState.PROPOSED) | Q(decided_by__isnull=False),
                name="funds_clearing_decided",
            ),
            models.CheckConstraint(condition=month_check("month"), name="funds_clearing_month"),
            models.UniqueConstraint(
                "agreement", "month", condition=~Q(state=ClearingState.REFUSED), name="funds_clearing_once"
            ),
        ]
        indexes = [models.Index(fields=["region", "-id"], name="funds_clearing_region")]

    def __str__(self) -> str:
        return self.no


class HospitalBill(models.Model):
    """One row: one discharge of one patient as the hospital settled it at its window, and what the rules give. In fen.

    What is compared: `claimed_fen` (the hospital's 医疗救助支付) with `computed_fen` (the rules of the place on the day of
    discharge, of `compliant_fen`, within what is left of the year). What is paid to the hospital is `accepted_fen`.
    """

    region = region_field()  #: the county
    agreement = models.ForeignKey(HospitalAgreement, on_delete=models.PROTECT, related_name="bills")
    batch = models.ForeignKey(BillBatch, on_delete=models.PROTECT, related_name="bills")
    row_no = models.IntegerField("行号")
    bill_no = models.CharField("单据号", max_length=40, db_collation="C")
    person = models.ForeignKey(
        "people.Person", on_delete=models.PROTECT, null=True, related_name="+"
    )  #: null = unknown here
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, null=True, related_name="+")
    name = name_field("姓名")
    id_masked = models.CharField("证件号码（脱敏）", max_length=20)
    admitted_on = models.DateField("入院日期")
    discharged_on = models.DateField("出院日期")
    illness = models.CharField("疾病类别", max_length=24, db_collation="C", blank=True)  #: empty = not stated
    total_fen = models.BigIntegerField("总费用（分）")
    basic_fen = models.BigIntegerField("基本医保支付（分）")
    catastrophic_fen = models.BigIntegerField("大病保险支付（分）")
    other_fen = models.BigIntegerField("其他支付（分）")
    outside_fen = models.BigIntegerField("目录外自费（分）")
    claimed_fen = models.BigIntegerField("医疗救助支付（分）")
    own_fen = models.BigIntegerField("个人支付（分）")
    verdict = models.CharField("核对", max_length=12, choices=Verdict.choices)
    basis = models.CharField("当日身份", max_length=60, blank=True)  #: programmes of the rolls he stood on that day
    used_fen = models.BigIntegerField("本年已获救助（分）", default=0)
    computed_fen = models.BigIntegerField("规则测算（分）", null=True)  #: null = the rules cannot tell
    missing = models.CharField("不能认定的原因", max_length=200, blank=True)
    clauses = models.CharField("依据", max_length=300, blank=True)
    checked_at = models.DateTimeField("核对时间")
    state = models.CharField("状态", max_length=12, choices=BillState.choices, default=BillState.PRE_SETTLED)
    accepted_fen = models.BigIntegerField("核定支付（分）", null=True)  #: null = not judged
    reason = models.CharField("核定理由", max_length=200, blank=True)
    decided_at = models.DateTimeField("核定时间", null=True)
    decided_by = models.ForeignKey(
        "org.User", on_delete=models.PROTECT, null=True, related_name="+"
    )  #: null = rules agree
    confirmed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    clearing = models.ForeignKey(HospitalClearing, on_delete=models.PROTECT, null=True, related_name="items")
    #: The cleared bill this one puts right, in a later clearing: only the difference is paid or taken back. null = none
    corrects = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="corrections")
    correct_reason = models.CharField("更正理由", max_length=200, blank=True)  #: of a correction

    class Meta:
        verbose_name = "结算单据"
        constraints = [
            models.UniqueConstraint(
                "corrects",
                condition=Q(corrects__isnull=False) & ~Q(state=BillState.WITHDRAWN),
                name="funds_bill_corrected_once",
            ),
            models.CheckConstraint(
                condition=Q(
                    total_fen=F("basic_fen") + F("catastrophic_fen") + F("other_fen") + F("claimed_fen") + F("own_fen")
                ),
                name="funds_bill_parts",
            ),
            models.CheckConstraint(
                condition=Q(
                    basic_fen__gte=0,
                    catastrophic_fen__gte=0,
                    other_fen__gte=0,
                    claimed_fen__gte=0,
                    own_fen__gte=0,
                    outside_fen__gte=0,
                    outside_fen__lte=F("own_fen"),
                ),
                name="funds_bill_amounts",
            ),
            # Never more than the hospital gave, never more than the rules give, and less only with a reason.
            models.CheckConstraint(
                condition=Q(accepted_fen__isnull=True)
                | (
                    Q(accepted_fen__gte=0, accepted_fen__lte=F("claimed_fen"))
                    & (Q(computed_fen__isnull=True) | Q(accepted_fen__lte=F("computed_fen")))
                    & (Q(verdict=Verdict.AGREE) | ~Q(reason=""))
                ),
                name="funds_bill_accepted",
            ),
            # Who judged a difference does not confirm it.
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | Q(confirmed_by__isnull=True) | ~Q(decided_by=F("confirmed_by")),
                name="funds_bill_four_eyes",
            ),
            models.CheckConstraint(
                condition=~Q(state=BillState.CLEARED)
                | Q(accepted_fen__isnull=False, clearing__isnull=False, confirmed_by__isnull=False),
                name="funds_bill_cleared",
            ),
            models.UniqueConstraint(
                "agreement", "bill_no", condition=~Q(state=BillState.WITHDRAWN), name="funds_bill_once"
            ),
        ]
        indexes = [
            models.Index(fields=["person", "discharged_on"], name="funds_bill_person"),
            models.Index(fields=["batch", "verdict"], name="funds_bill_batch"),
        ]

    @property
    def compliant_fen(self) -> int:
        """个人自付合规医疗费用: the only base a rule counts from (M43)."""
        return self.total_fen - self.basic_fen - self.catastrophic_fen - self.other_fen - self.outside_fen

    @property
    def net_accepted_fen(self) -> int:
        """What its clearing pays for it: of a correction the difference to the bill it names."""
        return (self.accepted_fen or 0) - ((self.corrects.accepted_fen or 0) if self.corrects else 0)

    @property
    def net_claimed_fen(self) -> int:
        """What the hospital claims with it, of a correction the difference."""
        return self.claimed_fen - (self.corrects.claimed_fen if self.corrects else 0)
