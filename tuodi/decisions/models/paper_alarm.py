"""Papers that did not come in their time: told to the family once, to the officer, and up to the county."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tuodi.org.rls import region_field


class PaperAlarm(models.Model):
    """One row: papers of one matter that were not there on their last day. Raised once by the nightly job."""

    class Kind(models.TextChoices):
        """Which papers."""

        RELIEF = "relief", "先行救助手续"
        MATERIALS = "materials", "补正材料"

    region = region_field()
    kind = models.CharField("种类", max_length=10, choices=Kind.choices)
    case = models.ForeignKey("cases.Case", on_delete=models.PROTECT, related_name="+")
    no = models.CharField("编号", max_length=40, db_collation="C")  #: of the emergency, or of the case
    due_on = models.DateField("应补齐日")
    count = models.SmallIntegerField("项数", default=0)  #: papers owed; 0 = the emergency's own
    raised_on = models.DateField("提醒日期")
    officer = models.ForeignKey(
        "org.User", on_delete=models.PROTECT, related_name="+"
    )  #: first-contact officer (首问责任人)
    message = models.UUIDField("短信", null=True)  #: to the applicant; null = no phone on record, the officer tells him
    county_seen_on = models.DateField("县级阅知", null=True)
    county_seen_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    county_note = models.CharField("县级意见", max_length=300, blank=True)
    done_on = models.DateField("补齐日期", null=True)  #: null = still owed

    class Meta:
        app_label = "decisions"
        verbose_name = "材料逾期提醒"
        constraints = [models.UniqueConstraint("case", "kind", name="decisions_alarm_once")]
        indexes = [
            models.Index("region", "id", name="decisions_alarm_region"),
            models.Index(fields=["due_on"], name="decisions_alarm_open", condition=Q(done_on__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.kind}/{self.no}"
