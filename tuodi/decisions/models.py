"""Determinations: what was decided, on which facts and rules, with the whole explanation. Never changed."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import models
from django.db.models import F, Q

from tuodi.decisions.papers_models import CaseFile, StandingEntry, StandingList
from tuodi.decisions.relief_models import GrantStage, Relief
from tuodi.org.rls import region_field
from tuodi.people.enums import Programme
from tuodi.people.fields import month_check

__all__ = [
    "CaseFile",
    "Determination",
    "GrantStage",
    "Relief",
    "RollNotice",
    "StandingEntry",
    "StandingList",
    "Suspension",
]


class Determination(models.Model):
    """One row: one decision about one entitled unit and programme. Append-only, held by the database.

    The unit is the household (`person` null) or one person (tekun). A later decision never touches an earlier one; it
    says which one it follows (`follows`) and from which month.
    """

    class Kind(models.TextChoices):
        """What it rests on."""

        FAMILY = "family", "家庭认定"
        PROVISIONAL = "provisional", "先行救助"
        IMPORTED = "imported", "花名册导入"
        BATCH = "batch", "批量名单"
        ENDED = "ended", "终止"  # the unit is no more: its person died, the family moved away. No rule decides it

    class Outcome(models.TextChoices):
        """What the rules answered."""

        PASS = "pass", "符合"
        FAIL = "fail", "不符合"
        UNKNOWN = "unknown", "未知"

    region = region_field()
    no = models.CharField("决定书号", max_length=40, db_collation="C", unique=True)
    kind = models.CharField("类型", max_length=12, choices=Kind.choices)
    case = models.ForeignKey("cases.Case", on_delete=models.PROTECT, null=True, related_name="+")
    fact_set = models.ForeignKey("verification.FactSet", on_delete=models.PROTECT, null=True, related_name="+")
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, null=True, related_name="+")
    programme = models.CharField("项目", max_length=16, choices=Programme.choices)
    place = models.CharField("规则地区", max_length=12, db_collation="C")  #: significant digits
    case_date = models.DateField("规则日期")  #: picks the rule texts
    month = models.IntegerField("标准月份")  #: yyyymm; picks the standards
    #: Rule texts and structural parameters in force, by hash; empty for an imported roll.
    fingerprint = models.CharField("规则指纹", max_length=64, blank=True)
    outcome = models.CharField("结论", max_length=8, choices=Outcome.choices)
    amount_fen = models.BigIntegerField("月金额（分）", null=True)  #: null = none granted
    components = models.JSONField("构成", default=dict)  #: name -> fen
    explanation = models.JSONField("计算说明", null=True)  #: the graph of values; null for an imported roll
    start_month = models.IntegerField("起始月", null=True)  #: yyyymm, first month it holds for; null = refused
    end_month = models.IntegerField("终止月", null=True)  #: yyyymm, last month granted; null = open
    decided_on = models.DateField("决定日期")
    decided_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    cause = models.CharField("事由", max_length=60, blank=True)  #: application, death, income, standard …
    reasons = models.TextField("理由", blank=True)
    appeal = models.TextField("救济途径", blank=True)
    follows = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")
    source_ref = models.CharField("来源", max_length=80, blank=True)  #: imported: the roster batch and row

    class Meta:
        verbose_name = "决定"
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_fen__isnull=True) | Q(amount_fen__gte=0), name="decisions_amount_positive"
            ),
            models.CheckConstraint(condition=month_check("month"), name="decisions_month"),
            models.CheckConstraint(
                condition=Q(start_month__isnull=True) | month_check("start_month"), name="decisions_start"
            ),
            models.CheckConstraint(
                condition=Q(end_month__isnull=True) | Q(end_month__gte=F("start_month")), name="decisions_months"
            ),
            models.CheckConstraint(
                condition=Q(explanation__isnull=False) | Q(kind__in=["imported", "batch", "ended"]),
                name="decisions_explained",
            ),
            models.CheckConstraint(condition=~Q(outcome="fail") | ~Q(reasons=""), name="decisions_fail_reasons"),
            models.UniqueConstraint("source_ref", condition=Q(kind="imported"), name="decisions_imported_once"),
        ]
        indexes = [
            models.Index("region", "id", name="decisions_region"),
            models.Index("household", "programme", "start_month", name="decisions_household"),
            models.Index("case", name="decisions_case"),
        ]

    def __str__(self) -> str:
        return self.no


class Suspension(models.Model):
    """One row: payment of one unit is held from a month on, because something found about it is being handled (停保).

    The determination and the roll stay as they are: the monthly run holds the line while the suspension stands, and
    pays the held months back once it is lifted without a stop. Made only after a person has confirmed what was found.
    """

    region = region_field()
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(
        "people.Person", on_delete=models.PROTECT, null=True, related_name="+"
    )  #: entitled person
    programme = models.CharField("项目", max_length=16, choices=Programme.choices)
    from_month = models.IntegerField("停发起月")  #: yyyymm, first month held
    until_month = models.IntegerField("停发止月", null=True)  #: yyyymm, last month held; null = still standing
    matter_no = models.CharField("事由编号", max_length=40, db_collation="C")  #: the clue's number
    reasons = models.TextField("理由")
    appeal = models.TextField("救济途径")
    notice_no = models.CharField("告知书号", max_length=40, db_collation="C", unique=True)
    made_at = models.DateTimeField("决定时间")
    made_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    lifted_at = models.DateTimeField("解除时间", null=True)
    lifted_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    lift_reason = models.CharField("解除理由", max_length=300, blank=True)

    class Meta:
        verbose_name = "停保"
        constraints = [
            models.CheckConstraint(condition=month_check("from_month"), name="decisions_susp_from"),
            models.CheckConstraint(
                condition=Q(until_month__isnull=True) | month_check("until_month"), name="decisions_susp_until"
            ),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True, until_month__isnull=True)
                | Q(lifted_at__isnull=False, until_month__isnull=False),
                name="decisions_susp_lifted",
            ),
            models.UniqueConstraint(
                "household", "person", "programme", "matter_no", nulls_distinct=False, name="decisions_susp_once"
            ),
        ]
        indexes = [
            models.Index("region", "id", name="decisions_susp_region"),
            models.Index("household", "programme", name="decisions_susp_family"),
        ]

    def __str__(self) -> str:
        return self.notice_no


class RollNotice(models.Model):
    """One row: a written notice that what a unit gets changes (调整、渐退、停发、迁出告知书): 649 art 13, [57] art 32.

    Made with the determination it tells of; only the delivery is entered later. `appeal_until` counts from the delivery.
    """

    class Kind(models.TextChoices):
        """What it tells."""

        INCREASE = "increase", "增发"
        DECREASE = "decrease", "减发"
        GRACE = "grace", "渐退"
        STOP = "stop", "停发"
        MOVED = "moved", "迁出终止"

    class How(models.TextChoices):
        """How it reached the family."""

        HAND = "hand", "当面送达"
        POST = "post", "邮寄送达"
        LEFT = "left", "留置送达"
        ONLINE = "online", "电子送达"
        PUBLIC = "public", "公告送达"

    region = region_field()
    no = models.CharField("告知书号", max_length=40, db_collation="C", unique=True)
    kind = models.CharField("种类", max_length=10, choices=Kind.choices)
    determination = models.OneToOneField(Determination, on_delete=models.PROTECT, related_name="notice")
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, null=True, related_name="+")
    programme = models.CharField("项目", max_length=16, choices=Programme.choices)
    effective_month = models.IntegerField("起始月")  #: yyyymm
    until_month = models.IntegerField("止", null=True)  #: yyyymm, last month of a gradual exit
    before_fen = models.BigIntegerField("原月金额（分）", null=True)  #: null = not known
    after_fen = models.BigIntegerField("现月金额（分）")  #: 0 = stopped
    reasons = models.TextField("理由")
    clause = models.CharField("依据", max_length=200)
    appeal = models.TextField("救济途径")
    appeal_days = models.SmallIntegerField("复议期限（日）")
    made_on = models.DateField("作出日期")
    made_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    delivered_on = models.DateField("送达日期", null=True)
    delivered_how = models.CharField("送达方式", max_length=8, choices=How.choices, blank=True)
    received_by = models.CharField("签收人", max_length=60, blank=True)
    delivered_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "调整告知书"
        constraints = [
            models.CheckConstraint(condition=month_check("effective_month"), name="decisions_rnotice_month"),
            models.CheckConstraint(condition=Q(after_fen__gte=0) & ~Q(reasons=""), name="decisions_rnotice_reasons"),
            models.CheckConstraint(
                condition=Q(delivered_on__isnull=True, delivered_how="") | (Q(delivered_on__isnull=False) & ~Q(delivered_how="")),
                name="decisions_rnotice_delivery",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index("region", "id", name="decisions_rnotice_region"),
            models.Index("household", name="decisions_rnotice_family"),
        ]

    def __str__(self) -> str:
        return self.no

    @property
    def appeal_until(self) -> date:
        """Last day to ask for reconsideration: counted from the day after the delivery, else after the making."""
        return (self.delivered_on or self.made_on) + timedelta(days=self.appeal_days)
