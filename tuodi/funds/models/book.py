"""Fund books of counties, public funds, and the papers that bring and move money."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from tuodi.funds.states import FundProgramme, PaperKind, PaperState, PayWay, Source
from tuodi.org.rls import region_field
from tuodi.people.fields import month_check

_SHIPPED_ORDER = [Source.CENTRAL.value, Source.PROVINCE.value, Source.PREFECTURE.value, Source.COUNTY.value]


def shipped_order() -> list[str]:
    """Central money first. No source of law sets an order: each book may have its own."""
    return [*_SHIPPED_ORDER, Source.SOCIETY.value]


class FundBook(models.Model):
    """One row: a county that keeps a fund book. From its first appropriation on, approving a run reserves money."""

    region = region_field(unique=True)
    #: How hospitals and other bodies are paid: by a file of ours to the bank, or by the treasury's own order.
    pay_way = models.CharField("机构付款方式", max_length=10, choices=PayWay.choices, default=PayWay.BANK)
    draw_order = ArrayField(models.CharField(max_length=12), verbose_name="动用顺序", default=shipped_order)
    opened_at = models.DateTimeField("建账时间")
    opened_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "资金账"


class PublicFund(models.Model):
    """One row: a public fund (公益基金、慈善资金) under civil affairs' co-ordination, with what it may be used for (M68)."""

    region = region_field()
    name = models.CharField("名称", max_length=60)
    owner = models.CharField("出资或管理单位", max_length=60)
    purposes = ArrayField(models.CharField(max_length=16, choices=FundProgramme.choices), verbose_name="限定用途")
    note = models.CharField("用途说明", max_length=200, blank=True)
    opened_at = models.DateTimeField("登记时间")
    opened_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    closed_on = models.DateField("停用日期", null=True)  #: null = in use
    closed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "公益基金"
        constraints = [
            models.UniqueConstraint("region", "name", name="funds_public_once"),
            models.CheckConstraint(
                condition=Q(closed_on__isnull=True, closed_by__isnull=True)
                | Q(closed_on__isnull=False, closed_by__isnull=False),
                name="funds_public_closed",
            ),
        ]

    @property
    def source(self) -> str:
        """Its sub-accounts' source."""
        return f"{Source.SOCIETY.value}:{self.pk}"

    def __str__(self) -> str:
        return self.name


class FundPaper(models.Model):
    """One row: one paper that brings, moves, plans or gives back money of a county. Books once it is approved.

    A reversal names the entry it takes back; an advance to a hospital and its return name the agreement.
    An appropriation brings `amount_fen` to (programme, source); a transfer takes it to `to_programme`; an advance takes it
    to a town's petty cash; a plan is for a month and books nothing; a carry-over states what stays for the next year.
    """

    region = region_field()  #: the county
    no = models.CharField("编号", max_length=40, db_collation="C", unique=True)
    kind = models.CharField("种类", max_length=14, choices=PaperKind.choices)
    year = models.SmallIntegerField("年度")
    month = models.IntegerField("月份", null=True)  #: yyyymm, of a plan
    programme = models.CharField("项目", max_length=16, choices=FundProgramme.choices)
    source = models.CharField(
        "资金来源", max_length=20, db_collation="C", blank=True
    )  #: empty for advances, and for plans over all sources
    fund = models.ForeignKey(PublicFund, on_delete=models.PROTECT, null=True, related_name="+")
    to_programme = models.CharField("调入项目", max_length=16, choices=FundProgramme.choices, blank=True)
    town = models.CharField("乡镇", max_length=12, db_collation="C", blank=True)  #: region of an advance's town
    hospital = models.ForeignKey("funds.HospitalAgreement", on_delete=models.PROTECT, null=True, related_name="+")
    #: The entry a reversal takes back, once: what was refused may be proposed anew.
    target = models.ForeignKey("funds.LedgerEntry", on_delete=models.PROTECT, null=True, related_name="+")
    amount_fen = models.BigIntegerField("金额（分）")
    doc_no = models.CharField("文号", max_length=60, blank=True)  #: of an appropriation: 指标文号
    doc_day = models.DateField("发文日期", null=True)
    reason = models.CharField("用途或理由", max_length=300)
    state = models.CharField("状态", max_length=10, choices=PaperState.choices, default=PaperState.PROPOSED)
    proposed_at = models.DateTimeField("提出时间")
    proposed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField("审核时间", null=True)
    decided_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    decision_note = models.CharField("审核意见", max_length=300, blank=True)
    entry = models.ForeignKey("funds.LedgerEntry", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "资金单据"
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="funds_paper_amount"),
            # Four eyes, whoever calls.
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by")), name="funds_paper_four_eyes"
            ),
            models.CheckConstraint(
                condition=Q(state=PaperState.PROPOSED, decided_by__isnull=True, decided_at__isnull=True)
                | (~Q(state=PaperState.PROPOSED) & Q(decided_by__isnull=False, decided_at__isnull=False)),
                name="funds_paper_decided",
            ),
            models.CheckConstraint(
                condition=~Q(kind=PaperKind.APPROPRIATION) | (~Q(doc_no="") & Q(doc_day__isnull=False) & ~Q(source="")),
                name="funds_paper_document",
            ),
            models.CheckConstraint(
                condition=~Q(kind=PaperKind.TRANSFER) | (~Q(to_programme="") & ~Q(to_programme=F("programme"))),
                name="funds_paper_transfer",
            ),
            models.CheckConstraint(condition=~Q(kind=PaperKind.ADVANCE) | ~Q(town=""), name="funds_paper_town"),
            models.CheckConstraint(
                condition=~Q(kind=PaperKind.PLAN) | (Q(month__isnull=False) & month_check("month")),
                name="funds_paper_month",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=[PaperKind.HOSPITAL, PaperKind.HOSPITAL_BACK]) | Q(hospital__isnull=False),
                name="funds_paper_hospital",
            ),
            models.CheckConstraint(
                condition=~Q(kind=PaperKind.REVERSAL) | Q(target__isnull=False), name="funds_paper_target"
            ),
            models.UniqueConstraint(
                "target",
                condition=Q(target__isnull=False) & ~Q(state=PaperState.REFUSED),
                name="funds_paper_target_once",
            ),
            # The same document brings the same sub-account its money once.
            models.UniqueConstraint(
                "region",
                "programme",
                "source",
                "doc_no",
                condition=Q(kind=PaperKind.APPROPRIATION) & ~Q(state__in=[PaperState.REFUSED, PaperState.REVERSED]),
                name="funds_paper_document_once",
            ),
        ]
        indexes = [
            models.Index(fields=["region", "-id"], name="funds_paper_region"),
            models.Index(fields=["region", "kind", "year"], name="funds_paper_year"),
        ]

    def __str__(self) -> str:
        return self.no


class Population(models.Model):
    """One row: the residents of a county in a year, for what finance must put up per head (M42)."""

    region = region_field()
    year = models.SmallIntegerField("年度")
    residents = models.IntegerField("人口")
    basis = models.CharField("依据", max_length=100)  #: where the figure is from
    entered_at = models.DateTimeField("登记时间")
    entered_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "年度人口"
        constraints = [
            models.UniqueConstraint("region", "year", name="funds_population_once"),
            models.CheckConstraint(condition=Q(residents__gt=0), name="funds_population_some"),
        ]


class YearEnd(models.Model):
    """One row: the settled year of a county: what each sub-account had, got, paid and left, as it was then. Append-only."""

    region = region_field()
    year = models.SmallIntegerField("年度")
    figures = models.JSONField("决算")  #: [{programme, source, opening, appropriated, …}] in fen
    settled_at = models.DateTimeField("结算时间")
    settled_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "年终结算"
        constraints = [models.UniqueConstraint("region", "year", name="funds_year_once")]
