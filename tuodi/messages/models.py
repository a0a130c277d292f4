"""The outbox."""

from __future__ import annotations

import uuid

from django.db import models


class State(models.TextChoices):
    """Where a message stands."""

    QUEUED = "queued", "待发送"
    SENT = "sent", "已发送"
    FAILED = "failed", "未送达"


class Channel(models.TextChoices):
    """How it goes out."""

    SMS = "sms", "短信"


class Message(models.Model):
    """One row: one text to one number. Written by `outbox.send` in the transaction that has something to say."""

    #: Made here, not by the database: a row may be appended where it may not be read (see migration 0002).
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    region = models.CharField("区划", max_length=12, db_collation="C")  #: of the person written to
    channel = models.CharField("渠道", max_length=8, choices=Channel.choices, default=Channel.SMS)
    to_cipher = models.BinaryField("号码", editable=False)
    to_masked = models.CharField("号码（脱敏）", max_length=20)
    template = models.CharField("模板", max_length=40)
    text_cipher = models.BinaryField("内容", editable=False)
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.QUEUED)
    tries = models.SmallIntegerField("次数", default=0)
    due_at = models.DateTimeField("下次发送时间")
    expires_at = models.DateTimeField("失效时间", null=True)  #: null = never; past it the message is not sent any more
    created_at = models.DateTimeField("提交时间")
    sent_at = models.DateTimeField("送出时间", null=True)
    fault = models.CharField("未送出原因", max_length=200, blank=True)

    class Meta:
        verbose_name = "消息"
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(state=State.SENT) | models.Q(sent_at__isnull=False), name="outbox_sent_when"
            )
        ]
        indexes = [
            models.Index("state", "due_at", name="outbox_due"),
            models.Index("created_at", name="outbox_created"),
        ]

    def __str__(self) -> str:
        return f"{self.template}:{self.pk}"
