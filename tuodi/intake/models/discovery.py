"""Patrols of a village's grids, and what was found on them or by chance."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from tuodi.intake.discovery_states import DiscoveryState, EventType, PatrolState
from tuodi.org.rls import region_field
from tuodi.people.enums import RiskClass
from tuodi.people.fields import month_check


class PatrolTask(models.Model):
    """One row: one person at risk is looked in on in one month (每月定期巡查)."""

    region = region_field()  #: the village
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, null=True, related_name="+")
    month = models.IntegerField("巡查月")  #: yyyymm
    due_on = models.DateField("期限")  #: last day of the month
    grid = models.CharField("网格", max_length=40, blank=True)
    risk_classes = ArrayField(models.CharField(max_length=20, choices=RiskClass.choices), verbose_name="类别")
    patroller = models.ForeignKey(
        "org.User", on_delete=models.PROTECT, null=True, related_name="+"
    )  #: null = anyone there
    state = models.CharField("状态", max_length=12, choices=PatrolState.choices, default=PatrolState.PLANNED)
    done_at = models.DateTimeField("巡查时间", null=True)
    done_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    note = models.CharField("情况", max_length=500, blank=True)
    photo = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, null=True, related_name="+")
    latitude = models.DecimalField("纬度", max_digits=9, decimal_places=6, null=True)
    longitude = models.DecimalField("经度", max_digits=9, decimal_places=6, null=True)
    planned_at = models.DateTimeField("安排时间")

    class Meta:
        verbose_name = "巡查任务"
        constraints = [
            models.UniqueConstraint("person", "month", name="intake_patrol_once"),
            models.CheckConstraint(condition=month_check("month"), name="intake_patrol_month"),
            models.CheckConstraint(
                condition=Q(state__in=["planned", "dropped"]) | Q(done_at__isnull=False, done_by__isnull=False),
                name="intake_patrol_done",
            ),
        ]
        indexes = [
            models.Index("region", "month", name="intake_patrol_region"),
            models.Index("state", "due_on", name="intake_patrol_due"),
        ]

    def __str__(self) -> str:
        return f"{self.person_id}/{self.month}"


class Discovery(models.Model):
    """One row: hardship somebody of staff or of a village found before anybody asked (主动发现)."""

    region = region_field()  #: where it was found
    no = models.CharField("编号", max_length=40, db_collation="C", unique=True)
    task = models.OneToOneField(PatrolTask, on_delete=models.PROTECT, null=True, related_name="discovery")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, null=True, related_name="+")
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, null=True, related_name="+")
    name = models.CharField("姓名", max_length=60)  #: also of somebody who is on no register yet
    event_type = models.CharField("困难", max_length=20, choices=EventType.choices)
    urgent = models.BooleanField("急难", default=False)  #: stands in the emergency queue until it is answered
    story = models.TextField("情况")
    place_note = models.CharField("地点", max_length=100, blank=True)
    photo = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, null=True, related_name="+")
    latitude = models.DecimalField("纬度", max_digits=9, decimal_places=6, null=True)
    longitude = models.DecimalField("经度", max_digits=9, decimal_places=6, null=True)
    state = models.CharField("状态", max_length=12, choices=DiscoveryState.choices, default=DiscoveryState.REPORTED)
    reported_at = models.DateTimeField("上报时间")
    reported_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    #: The case it became, an application of any programme or an emergency; null = none (yet).
    case = models.ForeignKey("cases.Case", on_delete=models.PROTECT, null=True, related_name="+")
    matter_no = models.CharField("转办编号", max_length=40, db_collation="C", blank=True)
    answered_at = models.DateTimeField("处理时间", null=True)
    answered_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.CharField("处理说明", max_length=300, blank=True)

    class Meta:
        verbose_name = "主动发现"
        constraints = [
            models.CheckConstraint(
                condition=Q(state="reported") | Q(answered_at__isnull=False), name="intake_discovery_answered"
            ),
            models.CheckConstraint(condition=~Q(state="no_need") | ~Q(reason=""), name="intake_discovery_reason"),
            models.CheckConstraint(
                condition=~Q(state="converted") | ~Q(matter_no=""), name="intake_discovery_converted"
            ),
        ]
        indexes = [
            models.Index("region", "id", name="intake_discovery_region"),
            models.Index("state", "urgent", name="intake_discovery_state"),
        ]

    def __str__(self) -> str:
        return self.no
