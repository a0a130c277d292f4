"""The rows of the log, the heads of its chains, and requests that must not run twice.

`AuditEntry` is written by a database trigger's rules: sequence, previous hash and hash are computed there, under a
lock per place, so that the application cannot choose them. Triggers refuse update, delete and truncate even to the
owner; the runtime role has not even the right.
"""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models

from tuodi.audit.errors import AppendOnlyError


class AuditEntry(models.Model):
    """One row: one thing done to one subject, by one actor. Chained per (6-digit place, day), in order of `seq`."""

    place6 = models.CharField("区县", max_length=6, db_collation="C")
    day = models.DateField("链日")  #: the day of recording by the database's clock; chains never go back
    seq = models.BigIntegerField("序号")  #: 1, 2, 3 … within (place6, day)
    recorded_at = models.DateTimeField("入库时间")  #: database clock
    at = models.DateTimeField("业务时间")  #: the product's clock (a demo may set it)
    actor_id = models.BigIntegerField("人员", null=True)  #: null = the system itself, or somebody unknown
    actor_name = models.CharField("姓名", max_length=80)
    action = models.CharField("动作", max_length=60)  #: room.verb
    subject_type = models.CharField("对象类别", max_length=40)
    subject_id = models.CharField("对象编号", max_length=64)
    case_no = models.CharField("案号", max_length=40, blank=True)
    region = models.CharField("区划", max_length=12, db_collation="C")
    before = models.JSONField("前", null=True)
    after = models.JSONField("后", null=True)
    address = models.CharField("来源地址", max_length=45, blank=True)
    request_id = models.CharField("请求编号", max_length=64, blank=True)
    prev_hash = models.CharField("前值", max_length=64)
    hash = models.CharField("校验值", max_length=64)

    class Meta:
        verbose_name = "审计记录"
        constraints = [models.UniqueConstraint("place6", "day", "seq", name="audit_entry_chain")]
        indexes = [
            models.Index(fields=["region", "-id"], name="audit_entry_region"),
            models.Index("subject_type", "subject_id", name="audit_entry_subject"),
            models.Index("case_no", name="audit_entry_case"),
            models.Index(fields=["actor_id", "-id"], name="audit_entry_actor"),
            GinIndex(
                OpClass(models.F("after"), name="jsonb_path_ops"),
                name="audit_entry_shown",
                condition=models.Q(action__in=("web.view", "web.list")),
            ),
            models.Index(
                fields=["actor_id", "recorded_at"],
                name="audit_entry_reads",
                condition=models.Q(action__in=("web.view", "web.list")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.place6}/{self.day}/{self.seq} {self.action}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Refused: `audit.actions.record` writes."""
        raise AppendOnlyError

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        """Refused."""
        raise AppendOnlyError


class AuditHead(models.Model):
    """One row: the head of the chain of one place on one day. A missing tail shows against it."""

    place6 = models.CharField("区县", max_length=6, db_collation="C")
    day = models.DateField("链日")
    seq = models.BigIntegerField("末号")
    hash = models.CharField("末值", max_length=64)
    prev_hash = models.CharField("上一链末值", max_length=64)  #: the head before this chain; zeros for the first

    class Meta:
        verbose_name = "审计链首"
        constraints = [models.UniqueConstraint("place6", "day", name="audit_head_once")]

    def __str__(self) -> str:
        return f"{self.place6}/{self.day}:{self.seq}"


class IdempotentRequest(models.Model):
    """One row: a request with a key, and what came of it. The same key never acts twice."""

    key = models.CharField("请求键", max_length=80)
    actor_id = models.BigIntegerField("人员")  #: 0 = the system
    payload_hash = models.CharField("内容校验值", max_length=64)
    at = models.DateTimeField("时间")
    result = models.JSONField("结果", null=True)

    class Meta:
        verbose_name = "一次性请求"
        constraints = [models.UniqueConstraint("actor_id", "key", name="audit_request_once")]

    def __str__(self) -> str:
        return self.key
