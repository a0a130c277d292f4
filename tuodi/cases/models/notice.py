"""Public notices and the objections to them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from tuodi.cases.models.case import Case, Step
from tuodi.org.rls import region_field


class Notice(models.Model):
    """One row: one posting of one notice. What it shows is frozen when it is posted."""

    class Result(models.TextChoices):
        """How it ended."""

        RUNNING = "", "公示中"
        CLEAR = "clear", "无异议"
        OBJECTED = "objected", "有异议"

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="notices")
    step = models.OneToOneField(Step, on_delete=models.PROTECT, related_name="notice")
    region = region_field()
    no = models.CharField("公示号", max_length=40, db_collation="C", unique=True)
    stage = models.CharField("阶段", max_length=10)
    posted_on = models.DateField("张贴日期")
    days = models.SmallIntegerField("天数")  #: calendar days; 0 = standing publication
    last_day = models.DateField("截止日", null=True)  #: inclusive; null = standing, or 待定 (roll into an unknown year)
    last_day_pending = models.BooleanField("截止日待定", default=False)
    roll = models.BooleanField("遇休息日顺延", default=False)
    where = ArrayField(models.CharField(max_length=60), verbose_name="张贴地点", default=list)
    content = models.JSONField("公示内容")  #: only what the procedure allows; checked by the action
    posted_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    result = models.CharField("结果", max_length=8, choices=Result.choices, blank=True, default="")
    closed_at = models.DateTimeField("结束时间", null=True)
    closed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "公示"
        constraints = [
            models.CheckConstraint(
                condition=Q(last_day__isnull=True) | Q(last_day__gte=F("posted_on")), name="cases_notice_days"
            )
        ]
        indexes = [models.Index("region", "result", "last_day", name="cases_notice_region")]

    def __str__(self) -> str:
        return self.no


class NoticeObjection(models.Model):
    """One row: one objection to a notice. The objector's name is never shown to the family."""

    notice = models.ForeignKey(Notice, on_delete=models.PROTECT, related_name="objections")
    region = region_field()
    received_on = models.DateField("收到日期")
    from_name = models.CharField("提出人", max_length=60, blank=True)  #: empty = anonymous
    text = models.TextField("内容")
    #: Null = sent by a resident himself, from his phone (`account`).
    received_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    account = models.ForeignKey("people.ResidentAccount", on_delete=models.PROTECT, null=True, related_name="+")
    client_key = models.UUIDField("提交键", null=True, unique=True)  #: of the form: sent twice, one objection
    reply_due_on = models.DateField("处理期限", null=True)
    reply_due_pending = models.BooleanField("处理期限待定", default=False)

    class Meta:
        verbose_name = "公示异议"
        constraints = [
            models.CheckConstraint(
                condition=Q(received_by__isnull=False) | Q(account__isnull=False), name="cases_objection_by"
            )
        ]
        indexes = [models.Index("region", "id", name="cases_objection_region")]

    def __str__(self) -> str:
        return f"{self.notice_id}:{self.pk}"
