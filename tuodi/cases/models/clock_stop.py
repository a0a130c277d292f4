"""The clock of a case standing still while the family is waited for with papers."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from tuodi.cases.models.case import Case
from tuodi.org.rls import region_field


class ClockStop(models.Model):
    """One row: once that papers were asked for and the clock stood still. Only where the case's text says so."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="stops")
    region = region_field()
    what = models.CharField("要求补正", max_length=300)  #: everything at once (一次性告知)
    asked_on = models.DateField("告知日期")
    asked_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    answered_on = models.DateField("补齐日期", null=True)  #: null = still waited for
    answered_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    note = models.CharField("补齐说明", max_length=300, blank=True)

    class Meta:
        verbose_name = "补正停算"
        constraints = [
            models.UniqueConstraint("case", condition=Q(answered_on__isnull=True), name="cases_stop_one_open"),
            models.CheckConstraint(
                condition=Q(answered_on__isnull=True) | Q(answered_on__gte=F("asked_on")), name="cases_stop_days"
            ),
        ]
        indexes = [models.Index("region", "answered_on", name="cases_stop_region")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.asked_on}"
