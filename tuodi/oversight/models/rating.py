"""Ratings of the service (好差评): voluntary, one a matter and step; who rated is hidden from whom he rated."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from tuodi.org.rls import region_field
from tuodi.oversight.states import Grade, RatingState


class Rating(models.Model):
    """One row: one rating of one step of one matter."""

    class Stage(models.TextChoices):
        """What was rated."""

        ACCEPT = "accept", "申请受理"
        VISIT = "visit", "入户调查"
        DECISION = "decision", "审核确认"
        PAYMENT = "payment", "资金发放"
        COMPLAINT = "complaint", "投诉答复"
        ONLINE = "online", "网上服务"

    uid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    region = region_field()
    matter_no = models.CharField("业务号", max_length=40, db_collation="C")
    stage = models.CharField("环节", max_length=10, choices=Stage.choices)
    office = models.ForeignKey("org.Office", on_delete=models.PROTECT, null=True, related_name="+")
    grade = models.SmallIntegerField("评价", choices=Grade.choices)
    tags = ArrayField(models.CharField(max_length=20), verbose_name="方面", default=list)
    text = models.TextField("说明", blank=True)
    #: Read only to refuse a second rating and to call back a bad one; no page of the rated office shows it.
    account = models.ForeignKey("people.ResidentAccount", on_delete=models.PROTECT, related_name="+")
    given_on = models.DateField("评价日期")
    state = models.CharField("状态", max_length=10, choices=RatingState.choices, default=RatingState.GIVEN)
    due_on = models.DateField("整改期限", null=True)
    due_pending = models.BooleanField("期限待定", default=False)
    verified = models.BooleanField("属实", null=True)  #: null = not verified yet
    finding = models.TextField("核实情况", blank=True)
    mended = models.TextField("整改情况", blank=True)
    mended_on = models.DateField("整改日期", null=True)
    called_on = models.DateField("回访日期", null=True)
    call_note = models.TextField("回访情况", blank=True)
    handled_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "好差评"
        constraints = [
            models.UniqueConstraint("account", "matter_no", "stage", name="oversight_rating_once"),
            models.CheckConstraint(condition=Q(grade__gte=1, grade__lte=5), name="oversight_rating_grade"),
            models.CheckConstraint(condition=~Q(state="given") | Q(grade__gte=3), name="oversight_rating_bad_followed"),
        ]
        indexes = [
            models.Index("region", "state", "due_on", name="oversight_rating_queue"),
            models.Index("account", name="oversight_rating_account"),
        ]

    def __str__(self) -> str:
        return f"{self.matter_no}:{self.stage}"
