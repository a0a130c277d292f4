"""Hotline tickets (热线工单, M03) and who sits at which line on which day."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from tuodi.intake.models.need import Need
from tuodi.org.rls import region_field
from tuodi.people.fields import cipher_field

__all__ = ["DutyTurn", "Ticket"]


class Ticket(models.Model):
    """One row: one call on one of the region's lines. All lines fill one queue."""

    class State(models.TextChoices):
        """Where a ticket stands."""

        OPEN = "open", "待派"
        ASSIGNED = "assigned", "已派"
        CLOSED = "closed", "已办结"

    class Topic(models.TextChoices):
        """What the call is about."""

        HELP = "help", "求助"
        ADVICE = "advice", "咨询"
        PROGRESS = "progress", "查进度"
        COMPLAINT = "complaint", "投诉举报"
        OTHER = "other", "其他"

    region = region_field()
    no = models.CharField("工单号", max_length=40, db_collation="C", unique=True)
    uid = models.UUIDField(default=uuid.uuid4, editable=False)  #: binds the caller's ciphertext to this row
    line = models.CharField("热线", max_length=16)
    called_at = models.DateTimeField("来电时间")
    caller_name = models.CharField("来电人", max_length=60, blank=True)  #: empty = anonymous
    caller_phone = cipher_field("来电号码")
    caller_masked = models.CharField("来电号码（脱敏）", max_length=20, blank=True)
    topic = models.CharField("事由", max_length=12, choices=Topic.choices)
    text = models.TextField("内容")
    urgent = models.BooleanField("紧急", default=False)
    officer_a = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+", verbose_name="首问责任人")
    assigned_to = models.ForeignKey(
        "org.User", on_delete=models.PROTECT, null=True, related_name="+", verbose_name="承办人"
    )  #: null = nobody yet
    assigned_at = models.DateTimeField("派单时间", null=True)
    need = models.ForeignKey(Need, on_delete=models.PROTECT, null=True, related_name="tickets")
    case = models.ForeignKey("cases.Case", on_delete=models.PROTECT, null=True, related_name="+")
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.OPEN)
    called_back_at = models.DateTimeField("回访时间", null=True)
    result = models.TextField("回访结果", blank=True)
    closed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "热线工单"
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="closed") | (Q(called_back_at__isnull=False) & ~Q(result="")),
                name="intake_ticket_called_back",
            ),
            models.CheckConstraint(
                condition=Q(state="open", assigned_to__isnull=True) | ~Q(state="open"), name="intake_ticket_assigned"
            ),
        ]
        indexes = [
            models.Index("region", "state", "id", name="intake_ticket_region"),
            models.Index("assigned_to", "state", "id", name="intake_ticket_assigned_to"),
        ]

    def __str__(self) -> str:
        return self.no


class DutyTurn(models.Model):
    """One row: who answers one line of a place on one day (值班). Staff's data, kept with the place it is for."""

    region = region_field()
    line = models.CharField("热线", max_length=16)
    day = models.DateField("日期")
    user = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    set_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "热线值班"
        constraints = [models.UniqueConstraint("region", "line", "day", "user", name="intake_turn_once")]
        indexes = [models.Index("region", "day", name="intake_turn_region")]

    def __str__(self) -> str:
        return f"{self.line}/{self.day}"
