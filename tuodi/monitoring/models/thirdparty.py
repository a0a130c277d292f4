"""The third-party annual check (第三方年度核查, M32): contract, task list by village, what was found, what the county decided.

The provider's account sees none of these tables: its office has no range in the database (`org.access`). It is handed
the fields of its own tasks by `monitoring.thirdparty_queries`, one list at a time.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from tuodi.org.rls import region_field


class ThirdPartyContract(models.Model):
    """One row: one provider checks one place's families for one period, for a price."""

    class State(models.TextChoices):
        """Where it stands."""

        CONTRACTED = "contracted", "已签约"
        ASSIGNED = "assigned", "已派任务"
        REPORTED = "reported", "核查完毕"
        DECIDED = "decided", "区县已处理"
        EVALUATED = "evaluated", "已评估"

    region = region_field()
    place_code = models.CharField("范围", max_length=12, db_collation="C")  #: significant prefix
    no = models.CharField("合同号", max_length=40, db_collation="C", unique=True)
    provider = models.ForeignKey("org.Office", on_delete=models.PROTECT, related_name="+")
    first_day = models.DateField("起")
    last_day = models.DateField("止")
    scope = models.CharField("核查范围", max_length=200)
    services = ArrayField(models.CharField(max_length=40), verbose_name="服务内容", default=list)
    price_fen = models.BigIntegerField("合同价款（分）", null=True)  #: null = not stated
    state = models.CharField("状态", max_length=12, choices=State.choices, default=State.CONTRACTED)
    made_at = models.DateTimeField("登记时间")
    made_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    score = models.SmallIntegerField("评分", null=True)  #: 0 to 100; null = not yet evaluated
    evaluation = models.TextField("评估意见", blank=True)
    evaluated_at = models.DateTimeField("评估时间", null=True)
    evaluated_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "第三方核查合同"
        constraints = [
            models.CheckConstraint(condition=Q(last_day__gte=F("first_day")), name="monitoring_tp_period"),
            models.CheckConstraint(
                condition=Q(price_fen__isnull=True) | Q(price_fen__gte=0), name="monitoring_tp_price"
            ),
            models.CheckConstraint(
                condition=Q(score__isnull=True) | Q(score__gte=0, score__lte=100), name="monitoring_tp_score"
            ),
        ]
        indexes = [models.Index("region", "id", name="monitoring_tp_region")]

    def __str__(self) -> str:
        return self.no


class ThirdPartyTask(models.Model):
    """One row: one visit to one family (户次), its report and what the county made of it."""

    class State(models.TextChoices):
        """Where it stands."""

        ASSIGNED = "assigned", "待核查"
        REPORTED = "reported", "已核查"
        DECIDED = "decided", "已处理"

    class Opinion(models.TextChoices):
        """What the visitor thinks; empty = not visited yet."""

        NONE = "", "未核查"
        ELIGIBLE = "eligible", "符合条件"
        NOT_ELIGIBLE = "not", "不符合条件"
        DOUBT = "doubt", "有疑问"

    class Decision(models.TextChoices):
        """What the county does with it; empty = not decided."""

        NONE = "", "未处理"
        ACCEPT = "accept", "采纳，无须处理"
        CLUE = "clue", "转线索核实"
        REVIEW = "review", "转定期复核"
        REJECT = "reject", "不采纳"

    region = region_field()  #: of the family
    contract = models.ForeignKey(ThirdPartyContract, on_delete=models.PROTECT, related_name="tasks")
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    round = models.SmallIntegerField("轮次", default=1)  #: a family visited again in one contract
    programme = models.CharField("项目", max_length=16)
    category = models.CharField("城乡", max_length=8)
    visitor = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.ASSIGNED)
    visited_at = models.DateTimeField("入户时间", null=True)
    met = models.CharField("受访人", max_length=60, blank=True)
    opinion = models.CharField("核查意见", max_length=10, choices=Opinion.choices, blank=True, default="")
    reasons = models.TextField("理由", blank=True)
    visit_id = models.BigIntegerField("入户记录", null=True)  #: of the room verification
    reported_at = models.DateTimeField("提交时间", null=True)
    reported_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    decision = models.CharField("区县处理", max_length=10, choices=Decision.choices, blank=True, default="")
    decision_note = models.CharField("处理说明", max_length=300, blank=True)
    decided_at = models.DateTimeField("处理时间", null=True)
    decided_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    clue = models.ForeignKey("monitoring.Clue", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "第三方核查任务"
        constraints = [
            models.UniqueConstraint("contract", "household", "round", name="monitoring_tptask_once"),
            models.CheckConstraint(
                condition=Q(state="assigned", opinion="") | (~Q(state="assigned") & ~Q(opinion="")),
                name="monitoring_tptask_reported",
            ),
            models.CheckConstraint(condition=Q(state="decided") | Q(decision=""), name="monitoring_tptask_decided"),
            models.CheckConstraint(
                condition=~Q(opinion__in=("not", "doubt")) | ~Q(reasons=""), name="monitoring_tptask_reasons"
            ),
        ]
        indexes = [
            models.Index("region", "id", name="monitoring_tptask_region"),
            models.Index("visitor", "state", name="monitoring_tptask_mine"),
        ]


class ThirdPartyPhoto(models.Model):
    """One row: one photo of one visit, as it was taken."""

    task = models.ForeignKey(ThirdPartyTask, on_delete=models.PROTECT, related_name="photos")
    region = region_field()
    file = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, related_name="+")
    taken_at = models.DateTimeField("拍摄时间", null=True)
    latitude = models.DecimalField("纬度", max_digits=9, decimal_places=6, null=True)
    longitude = models.DecimalField("经度", max_digits=9, decimal_places=6, null=True)
    caption = models.CharField("说明", max_length=100, blank=True)
    added_at = models.DateTimeField("上传时间")
    added_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "第三方核查照片"
        constraints = [models.UniqueConstraint("task", "file", name="monitoring_tpphoto_once")]
        indexes = [models.Index("region", "id", name="monitoring_tpphoto_region")]
