"""What a sweep found that is no clue: it needs a person's eyes before anything follows from it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tuodi.org.rls import region_field


class SweepFinding(models.Model):
    """One row: one thing about one person on the roll that a sweep could not take for a match, or must not pass over.

    Found once: the same finding in a later sweep is the row there is.
    """

    class Kind(models.TextChoices):
        """What it is."""

        NAME_CONFLICT = "name_conflict", "号码相符、姓名不符"
        BAD_CHECK = "bad_check", "校验码不符"
        CROSS_REGION = "cross_region", "跨地区重复享受"

    class Settled(models.TextChoices):
        """What a person made of it; empty = still to be looked at."""

        OPEN = "", "待核对"
        SAME = "same", "系同一人"  # the other name counts as a former one from the next sweep on
        OTHER = "other", "不是同一人"
        CLUE = "clue", "已转线索"
        NOTED = "noted", "已核对，无问题"

    region = region_field()  #: of the family
    run = models.ForeignKey("monitoring.SweepRun", on_delete=models.PROTECT, related_name="findings")
    batch = models.ForeignKey("verification.RegisterBatch", on_delete=models.PROTECT, null=True, related_name="+")
    kind = models.CharField("类别", max_length=16, choices=Kind.choices)
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    fact_hash = models.CharField("事项内容", max_length=64, db_collation="C")  #: what makes it the same finding
    other_name = models.CharField("登记姓名", max_length=60, blank=True)  #: as the register writes it
    #: name_conflict, bad_check: register kind and line; cross_region: the other counties. Never a whole number.
    data = models.JSONField("内容", default=dict)
    found_on = models.DateField("发现日期")
    settled = models.CharField("核对结果", max_length=8, choices=Settled.choices, blank=True, default="")
    settled_at = models.DateTimeField("核对时间", null=True)
    settled_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    note = models.CharField("核对说明", max_length=300, blank=True)

    class Meta:
        verbose_name = "比对待核事项"
        constraints = [
            models.UniqueConstraint("person", "kind", "fact_hash", name="monitoring_finding_once"),
            models.CheckConstraint(
                condition=Q(settled="", settled_at__isnull=True) | (~Q(settled="") & Q(settled_at__isnull=False)),
                name="monitoring_finding_settled",
            ),
        ]
        indexes = [
            models.Index("region", "kind", "id", name="monitoring_finding_region"),
            models.Index("run", name="monitoring_finding_run"),
        ]
