"""Spot checks by the county (入户抽查): a random sample of a period's cases, drawn once and reproducible for ever."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from tuodi.org.rls import region_field


class SpotCheck(models.Model):
    """One row: one draw. Population, seed, rate and list are fixed by a trigger the moment they are written.

    The sample is the cases with the smallest SHA-256 of seed and case number: anybody can draw it again.
    """

    region = region_field()  #: the county's own twelve characters
    no = models.CharField("抽查号", max_length=40, db_collation="C", unique=True)
    programme = models.CharField("项目", max_length=16)
    since = models.DateField("受理起")
    until = models.DateField("受理止")  #: last day, included
    percent = models.SmallIntegerField("抽查比例（%）")
    all_when = ArrayField(models.CharField(max_length=24), verbose_name="全查情形", default=list)
    clause = models.CharField("依据", max_length=60, blank=True)
    seed = models.CharField("随机种子", max_length=64)
    #: Numbers of all cases it was drawn from, sorted; with the seed they give the list again.
    population = ArrayField(models.CharField(max_length=40), verbose_name="总体", default=list)
    mandatory = models.IntegerField("必查")
    drawn = models.IntegerField("随机抽中")
    list_hash = models.CharField("名单校验值", max_length=64)
    drawn_at = models.DateTimeField("抽取时间")
    drawn_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "入户抽查"
        constraints = [
            models.CheckConstraint(condition=Q(until__gte=F("since")), name="verification_spot_period"),
            models.CheckConstraint(condition=Q(percent__gte=1, percent__lte=100), name="verification_spot_rate"),
        ]
        indexes = [models.Index("region", "id", name="verification_spot_region")]

    def __str__(self) -> str:
        return self.no


class SpotCheckItem(models.Model):
    """One row: one case on the list of a draw, and what the visit found. Never deleted; the result is written once."""

    class Result(models.TextChoices):
        """What the visit found beside the township's record."""

        OPEN = "", "未查"
        AGREE = "agree", "一致"
        DIFFER = "differ", "不一致"

    check_of = models.ForeignKey(SpotCheck, on_delete=models.PROTECT, related_name="items")
    region = region_field()  #: of the case
    position = models.IntegerField("序号")
    case = models.ForeignKey("cases.Case", on_delete=models.PROTECT, related_name="+")
    reason = models.CharField("入选原因", max_length=24)  #: random, or the mark that makes it mandatory
    task = models.ForeignKey("verification.VisitTask", on_delete=models.PROTECT, null=True, related_name="+")
    result = models.CharField("结果", max_length=8, choices=Result.choices, blank=True, default="")
    note = models.CharField("说明", max_length=300, blank=True)
    record = models.ForeignKey("verification.VisitRecord", on_delete=models.PROTECT, null=True, related_name="+")
    checked_at = models.DateTimeField("登记时间", null=True)
    checked_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "抽查对象"
        constraints = [
            models.UniqueConstraint("check_of", "position", name="verification_spotitem_place"),
            models.UniqueConstraint("check_of", "case", name="verification_spotitem_once"),
            models.CheckConstraint(
                condition=Q(result="") | Q(record__isnull=False, checked_at__isnull=False),
                name="verification_spotitem_seen",
            ),
        ]
        indexes = [
            models.Index("region", "id", name="verification_spotitem_region"),
            models.Index("case", name="verification_spotitem_case"),
        ]

    def __str__(self) -> str:
        return f"{self.check_of_id}/{self.position}"
