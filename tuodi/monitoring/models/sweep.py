"""Sweeps (大数据比对): the whole roll against registers, and the register rows that hit somebody on it."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from tuodi.org.rls import region_field
from tuodi.people.fields import month_check


class SweepRun(models.Model):
    """One row: one comparison of one place's roll with a set of register batches. Never edited once done."""

    class Trigger(models.TextChoices):
        """What started it."""

        MANUAL = "manual", "人工发起"
        SCHEDULE = "schedule", "定期"
        ARRIVAL = "arrival", "新数据到达"

    class State(models.TextChoices):
        """How far it is."""

        OPEN = "open", "等待"
        MATCHING = "matching", "比对"
        JUDGING = "judging", "判断"
        RAISING = "raising", "生成线索"
        DONE = "done", "完成"
        FAILED = "failed", "失败"

    region = region_field()
    no = models.CharField("比对编号", max_length=40, db_collation="C", unique=True)  #: BD-4208-2017-0001
    place_code = models.CharField("范围", max_length=12, db_collation="C")  #: significant prefix
    trigger = models.CharField("发起", max_length=10, choices=Trigger.choices)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.OPEN)
    as_of = models.DateField("比对日期")  #: the day whose rules and roll hold
    first_month = models.IntegerField(
        "数据期起", null=True
    )  #: yyyymm of the payment rows compared; null = the roll today
    last_month = models.IntegerField("数据期止", null=True)
    programmes = ArrayField(models.CharField(max_length=16), verbose_name="项目", default=list)
    fingerprint = models.CharField("规则指纹", max_length=64, blank=True)
    rows = models.JSONField(
        "比对行数", default=dict
    )  #: {"dibao/urban": 183028, …}: monthly payment rows, else roll rows
    persons = models.IntegerField("人数", default=0)
    unconsented = models.IntegerField("无授权", default=0)  #: on the roll, not compared: listed
    unkeyed = models.IntegerField("无法比对", default=0)  #: without a usable number
    register_rows = models.BigIntegerField("登记行数", default=0)
    hits = models.IntegerField("命中", default=0)
    raised = models.IntegerField("线索", default=0)
    known = models.IntegerField("已有结论", default=0)  #: answered before and unchanged: not raised again
    declared = models.IntegerField("已申报", default=0)  #: what the family had declared itself
    #: Who was not compared and why (无授权, 无法比对), as an encrypted list; null = nobody, or not done yet.
    lists = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, null=True, related_name="+")
    done = models.SmallIntegerField("进度", default=0)  #: 0 to 100
    tries = models.SmallIntegerField("次数", default=0)  #: how often it was begun: a killed sweep starts anew
    timings = models.JSONField("用时", default=dict)  #: phase -> seconds
    error = models.CharField("失败原因", max_length=300, blank=True)
    opened_at = models.DateTimeField("发起时间")
    opened_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    finished_at = models.DateTimeField("完成时间", null=True)

    class Meta:
        verbose_name = "比对"
        constraints = [
            models.CheckConstraint(
                condition=Q(first_month__isnull=True) | month_check("first_month"), name="monitoring_run_first"
            ),
            models.CheckConstraint(
                condition=Q(last_month__isnull=True) | month_check("last_month"), name="monitoring_run_last"
            ),
        ]
        indexes = [models.Index("region", "id", name="monitoring_run_region")]

    def __str__(self) -> str:
        return self.no


class SweepSource(models.Model):
    """One row: what one register batch gave in one sweep."""

    run = models.ForeignKey(SweepRun, on_delete=models.PROTECT, related_name="sources")
    region = region_field()
    batch = models.ForeignKey("verification.RegisterBatch", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField("登记种类", max_length=30, db_collation="C")
    rows = models.BigIntegerField("登记行数", default=0)
    matched = models.IntegerField("号码相符", default=0)  #: rows whose number is on the roll
    name_conflicts = models.IntegerField("姓名不符", default=0)
    hits = models.IntegerField("命中", default=0)  #: rows a rule looked at and found true
    declared = models.IntegerField("已申报", default=0)
    known = models.IntegerField("已有结论", default=0)
    raised = models.IntegerField("线索", default=0)
    seconds = models.FloatField("用时", default=0)

    class Meta:
        verbose_name = "比对来源"
        constraints = [models.UniqueConstraint("run", "batch", name="monitoring_source_once")]
        indexes = [models.Index("region", "id", name="monitoring_source_region")]


class Hit(models.Model):
    """One row: one register row about one person on the roll, as one batch had it. Kept when the batch is destroyed."""

    region = region_field()  #: of the family
    run = models.ForeignKey(SweepRun, on_delete=models.PROTECT, related_name="+")
    batch = models.ForeignKey("verification.RegisterBatch", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField("登记种类", max_length=30, db_collation="C")
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    #: SHA-256 of what makes it the same thing over time (the plate, the certificate number).
    fact_key = models.CharField("事项", max_length=64, db_collation="C")
    #: SHA-256 of key and values the rules look at: another hash is a changed fact.
    fact_hash = models.CharField("事项内容", max_length=64, db_collation="C")
    row_hash = models.CharField("原始行校验值", max_length=64, db_collation="C")
    line_no = models.BigIntegerField("原始行号")
    data = models.JSONField("登记内容")  #: canonical column -> value as printed; money in fen
    as_of = models.DateField("数据日期")
    stale = models.BooleanField("陈旧", default=False)
    name_state = models.CharField("姓名核对", max_length=10)  #: same, former, conflict, absent
    check_state = models.CharField("号码核对", max_length=12)  #: ok, converted15, bad_check

    class Meta:
        verbose_name = "命中"
        constraints = [
            models.UniqueConstraint("person", "kind", "fact_hash", name="monitoring_hit_once"),
        ]
        indexes = [
            models.Index("region", "id", name="monitoring_hit_region"),
            models.Index("household", name="monitoring_hit_family"),
        ]
