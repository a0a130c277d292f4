"""The register of data sources (数据共享目录, M26) and the batches of registers they sent.

Rows about departments and files, none about a person: no region policy. Who may read or change them is asked of
`org.access` with `place_code`; what a batch holds lies encrypted outside the database (see `matching.sealed`).
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q


class DataSource(models.Model):
    """One row: one department's register as one place may ask it, under one agreement."""

    class State(models.TextChoices):
        """Where the agreement stands."""

        ASKED = "asked", "已致函"
        AGREED = "agreed", "已签协议"
        TESTING = "testing", "联调"
        LIVE = "live", "接入"
        SUSPENDED = "suspended", "暂停"

    class Mode(models.TextChoices):
        """How answers come."""

        REAL_TIME = "real_time", "实时接口"
        BATCH = "batch", "批量文件"
        MANUAL = "manual", "人工函询"
        NONE = "none", "未接入"

    code = models.CharField("代码", max_length=40, db_collation="C")  #: vehicle, bank-2 …; unique in its place
    kind = models.CharField(
        "登记种类", max_length=30, db_collation="C"
    )  #: vehicle: the rules' collection is reg_vehicle
    place_code = models.CharField("使用范围", max_length=12, db_collation="C")  #: significant prefix
    label = models.CharField("名称", max_length=60)
    department = models.CharField("部门", max_length=60)
    agreement_no = models.CharField("协议文号", max_length=80, blank=True)
    agreed_on = models.DateField("签订日期", null=True, blank=True)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.ASKED)
    mode = models.CharField("方式", max_length=10, choices=Mode.choices, default=Mode.NONE)
    profile = models.CharField("文件模板", max_length=40, blank=True)  #: sources/registers/<profile>.yaml
    service = models.CharField("接口名", max_length=40, blank=True)  #: path of the department's service at the gateway
    #: SM2 public key (hex, uncompressed) that signs its replies; empty = replies are not signed.
    reply_key = models.CharField("验签公钥", max_length=130, blank=True)
    needs_consent = models.BooleanField("须授权", default=True)
    freshness_days = models.SmallIntegerField("有效天数", default=90)  #: an answer or batch older than this is stale
    retention_days = models.SmallIntegerField("保存天数", default=90)  #: a batch is destroyed after; hits stay
    quota_per_day = models.IntegerField("每日限额", null=True, blank=True)  #: null = none agreed
    contact = models.CharField("联系方式", max_length=100, blank=True)
    note = models.CharField("说明", max_length=200, blank=True)
    last_success_at = models.DateTimeField("最近成功", null=True, blank=True)
    last_tried_at = models.DateTimeField("最近尝试", null=True, blank=True)
    failures = models.SmallIntegerField("连续失败", default=0)
    paused_until = models.DateTimeField("熔断至", null=True, blank=True)  #: circuit breaker; null = closed
    used_on = models.DateField("用量日期", null=True, blank=True)
    used = models.IntegerField("当日用量", default=0)

    class Meta:
        verbose_name = "数据来源"
        constraints = [
            models.UniqueConstraint("place_code", "code", name="verification_source_once"),
            models.CheckConstraint(condition=Q(used__gte=0), name="verification_source_used"),
            models.CheckConstraint(condition=~Q(mode="real_time") | ~Q(service=""), name="verification_source_service"),
            models.CheckConstraint(condition=~Q(mode="batch") | ~Q(profile=""), name="verification_source_profile"),
        ]

    def __str__(self) -> str:
        return f"{self.code}@{self.place_code}"


class RegisterBatch(models.Model):
    """One row: one delivery of one source (a register as of a day, in one or several files)."""

    class State(models.TextChoices):
        """Where the delivery stands."""

        IMPORTING = "importing", "导入中"
        READY = "ready", "可用"
        REFUSED = "refused", "未通过"
        SUPERSEDED = "superseded", "已被新批次替代"
        PURGED = "purged", "已销毁"

    source = models.ForeignKey(DataSource, on_delete=models.PROTECT, related_name="batches")
    place_code = models.CharField("使用范围", max_length=12, db_collation="C")
    batch_no = models.CharField("批次号", max_length=40, db_collation="C")
    profile = models.CharField("文件模板", max_length=40)
    as_of = models.DateField("数据日期")  #: day the register is true of, as the department says
    state = models.CharField("状态", max_length=12, choices=State.choices, default=State.IMPORTING)
    file_names = ArrayField(models.CharField(max_length=200), verbose_name="文件", default=list)
    file_hashes = ArrayField(models.CharField(max_length=64), verbose_name="文件校验值", default=list)  #: SHA-256, raw
    rows = models.BigIntegerField("行数", default=0)  #: = accepted + duplicates + rejected
    accepted = models.BigIntegerField("采用", default=0)
    unkeyed = models.BigIntegerField("待人工", default=0)  #: of accepted: no usable number, kept for manual review
    duplicates = models.BigIntegerField("重复", default=0)
    rejected = models.BigIntegerField("未采用", default=0)
    reasons = models.JSONField("原因", default=dict)  #: code -> [label, rows]; notes, warnings and rejections apart
    sealed = models.CharField(
        "密文文件", max_length=200, blank=True
    )  #: path below FILES_DIR; empty = none or destroyed
    sealed_bytes = models.BigIntegerField("密文大小", default=0)
    faults = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, null=True, related_name="+")
    received_at = models.DateTimeField("收到时间")
    received_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    seconds = models.FloatField("用时", null=True)
    retain_until = models.DateField("保存至")
    purged_at = models.DateTimeField("销毁时间", null=True)
    note = models.CharField("说明", max_length=300, blank=True)  #: why it was refused, in a sentence

    class Meta:
        verbose_name = "登记批次"
        constraints = [
            models.UniqueConstraint("source", "batch_no", name="verification_batch_once"),
            models.CheckConstraint(
                condition=Q(rows=F("accepted") + F("duplicates") + F("rejected")) | Q(state="importing"),
                name="verification_batch_balance",
            ),
        ]
        indexes = [models.Index("source", "as_of", name="verification_batch_as_of")]

    def __str__(self) -> str:
        return f"{self.source_id}/{self.batch_no}"
