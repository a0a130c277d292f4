"""What families are told of their matters (告知): one row an event, by message or by hand."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from tuodi.org.rls import region_field


class Telling(models.Model):
    """One row: one event a family is told of, once. Its words hold no amount, no illness and no number of a person.

    By message where a mobile number is on file; else, or where the family asked for it, an officer tells it himself.
    """

    class Way(models.TextChoices):
        """How it goes out."""

        MESSAGE = "message", "短信"
        HAND = "hand", "当面或书面"

    class Why(models.TextChoices):
        """Why not by message."""

        NONE = "", ""
        NO_PHONE = "no_phone", "没有登记手机号"
        WISH = "wish", "本人要求当面或书面告知"

    class How(models.TextChoices):
        """How an officer told it."""

        NONE = "", "—"
        FACE = "face", "当面"
        PAPER = "paper", "书面"
        PHONE = "phone", "电话"

    region = region_field()
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")  #: who is told
    event = models.CharField("事件", max_length=80)  #: `decision:420802-…`: what happened, never twice of a family
    template = models.CharField("模板", max_length=40)
    case_no = models.CharField("业务号", max_length=40, blank=True, db_collation="C")  #: empty = of no case
    text = models.CharField("内容", max_length=400)
    way = models.CharField("方式", max_length=8, choices=Way.choices)
    why = models.CharField("不发短信的原因", max_length=10, choices=Why.choices, blank=True, default="")
    #: Numbers of the outbox, the newest sending alone; empty = none was sent.
    messages = ArrayField(models.UUIDField(default=uuid.uuid4), verbose_name="消息", default=list)
    at = models.DateTimeField("时间")
    done_at = models.DateTimeField("告知时间", null=True)  #: by an officer; null = by message, or not yet
    done_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    how = models.CharField("告知方式", max_length=8, choices=How.choices, blank=True, default="")

    class Meta:
        verbose_name = "告知"
        constraints = [
            models.UniqueConstraint("household", "event", name="people_telling_once"),
            models.CheckConstraint(
                condition=Q(done_at__isnull=True, how="") | (Q(done_at__isnull=False) & ~Q(how="")),
                name="people_telling_done",
            ),
        ]
        indexes = [
            models.Index("region", "id", name="people_telling_region"),
            models.Index("case_no", name="people_telling_case"),
            GinIndex(fields=["messages"], name="people_telling_messages"),
            models.Index("region", condition=Q(done_at__isnull=True, way="hand"), name="people_telling_by_hand"),
        ]

    def __str__(self) -> str:
        return f"{self.event}"
