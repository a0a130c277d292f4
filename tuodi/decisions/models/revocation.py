"""Determinations that a higher level took away."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tuodi.decisions.models.determination import Determination
from tuodi.org.rls import region_field
from tuodi.people.fields import month_check


class Revocation(models.Model):
    """One row: a determination that a higher level took away after an appeal. Append-only; the determination stays.

    What is decided instead holds from `start_month` on, so that the months between are made good by the monthly run.
    """

    class Kind(models.TextChoices):
        """What happened to it."""

        AGAIN = "again", "撤销，责令重新作出"
        CHANGED = "changed", "变更"

    region = region_field()
    determination = models.OneToOneField(Determination, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField("方式", max_length=8, choices=Kind.choices)
    #: The case in which it is decided again; null = changed by the level above itself.
    case = models.OneToOneField("cases.Case", on_delete=models.PROTECT, null=True, related_name="+")
    #: The determination of the level above; null = decided again in a case.
    instead = models.OneToOneField(Determination, on_delete=models.PROTECT, null=True, related_name="+")
    start_month = models.IntegerField("效力起月")  #: yyyymm
    matter_no = models.CharField("复议决定号", max_length=40, db_collation="C")
    reasons = models.TextField("理由")
    revoked_on = models.DateField("日期")
    revoked_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "撤销变更"
        constraints = [
            models.CheckConstraint(condition=month_check("start_month"), name="decisions_revoked_month"),
            models.CheckConstraint(
                condition=Q(kind="again", case__isnull=False, instead__isnull=True)
                | Q(kind="changed", case__isnull=True, instead__isnull=False),
                name="decisions_revoked_way",
            ),
        ]
        indexes = [models.Index("region", "id", name="decisions_revoked_region")]

    def __str__(self) -> str:
        return f"{self.determination_id}:{self.kind}"
