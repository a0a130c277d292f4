"""Determinations: what was decided, on which facts and rules, with the whole explanation. Never changed."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from tuodi.org.rls import region_field
from tuodi.people.enums import Programme
from tuodi.people.fields import month_check


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
