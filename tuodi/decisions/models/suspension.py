"""Payment held while something found about a family is being handled (停保)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tuodi.org.rls import region_field
from tuodi.people.enums import Programme
from tuodi.people.fields import month_check


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
