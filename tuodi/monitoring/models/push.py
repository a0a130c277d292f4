"""Lists of assisted families pushed to other departments (M44, M54): what was sent, that it arrived, what came of each."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from tuodi.org.rls import region_field
from tuodi.people.enums import Programme


class ListPush(models.Model):
    """One row: one list of families given to one department, with the day its answer is due. Its families are `PushFamily`."""

    class State(models.TextChoices):
        """Moves are in `pushes.MOVES`."""

        MADE = "made", "已生成，待发送"
        SENT = "sent", "已发送，待反馈"
        ANSWERED = "answered", "已全部反馈"
        CANCELLED = "cancelled", "已撤销"

    region = region_field()  #: of the office that pushed
    no = models.CharField("推送号", max_length=40, db_collation="C", unique=True)
    topic = models.CharField("事项", max_length=24)  #: code of the packs' `pushes`
    label = models.CharField("事项名称", max_length=60)
    department = models.CharField("接收部门", max_length=60)
    programmes = ArrayField(models.CharField(max_length=16), verbose_name="对象")
    clause = models.CharField("依据", max_length=60, blank=True)
    month = models.IntegerField("名册月份")  #: yyyymm the families were on the roll
    families = models.IntegerField("户（人）数")
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.MADE)
    made_on = models.DateField("生成日期")
    made_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    sent_on = models.DateField("发送日期", null=True)
    sent_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    receipt = models.CharField("回执", max_length=200, blank=True)  #: who took it, as the department said
    receipt_on = models.DateField("回执日期", null=True)
    due_on = models.DateField("应反馈日", null=True)  #: null = not sent, no day is set, or 待定 (`due_pending`)
    due_pending = models.BooleanField("期限待定", default=False)
    closed_on = models.DateField("办结日期", null=True)
    why = models.CharField("撤销原因", max_length=200, blank=True)

    class Meta:
        app_label = "monitoring"
        verbose_name = "名单推送"
        constraints = [
            models.CheckConstraint(
                condition=Q(receipt_on__isnull=True, receipt="") | (Q(receipt_on__isnull=False) & ~Q(receipt="")),
                name="monitoring_push_receipt",
            ),
        ]
        indexes = [
            models.Index("region", "id", name="monitoring_push_region"),
            models.Index("state", "due_on", name="monitoring_push_due"),
        ]

    def __str__(self) -> str:
        return self.no


class PushFamily(models.Model):
    """One row: one family, or one entitled person, of a list, and what the department did about it.

    Dwellings in danger (危房) go on: approved > building > accepted > paid, with level, way and subsidy.
    """

    class Outcome(models.TextChoices):
        """What the department said; moves are in `pushes.OUTCOME_MOVES`."""

        WAITING = "waiting", "待反馈"
        HELPED = "helped", "已落实"
        REFUSED = "refused", "不符合条件"
        RETURNED = "returned", "退回"
        APPROVED = "approved", "已批准"
        BUILDING = "building", "施工中"
        ACCEPTED = "accepted", "已竣工验收"
        PAID = "paid", "补助已拨付"

    class Mode(models.TextChoices):
        """How a dwelling is made safe (乌海2014-10: 新建、修缮和置换)."""

        BUILD = "build", "新建"
        REPAIR = "repair", "修缮"
        EXCHANGE = "exchange", "置换"

    push = models.ForeignKey(ListPush, on_delete=models.PROTECT, related_name="rows")
    region = region_field()
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, null=True, related_name="+")
    programme = models.CharField("项目", max_length=16, choices=Programme.choices)
    outcome = models.CharField("结果", max_length=10, choices=Outcome.choices, default=Outcome.WAITING)
    answer = models.CharField("反馈", max_length=500, blank=True)
    answered_on = models.DateField("反馈日期", null=True)
    answered_by = models.ForeignKey(
        "org.User", on_delete=models.PROTECT, null=True, related_name="+"
    )  #: who entered it
    danger = models.CharField("危房等级", max_length=10, blank=True)  #: as the housing department certified it: C, D
    mode = models.CharField("改造方式", max_length=10, choices=Mode.choices, blank=True)
    subsidy_fen = models.BigIntegerField("补助（分）", null=True)  #: null = not told
    started_on = models.DateField("开工", null=True)
    accepted_on = models.DateField("竣工验收", null=True)

    class Meta:
        app_label = "monitoring"
        verbose_name = "推送对象"
        constraints = [
            models.UniqueConstraint(
                "push", "household", "person", "programme", nulls_distinct=False, name="monitoring_pushfamily_once"
            ),
            models.CheckConstraint(
                condition=Q(outcome="waiting", answered_on__isnull=True)
                | (~Q(outcome="waiting") & Q(answered_on__isnull=False)),
                name="monitoring_pushfamily_answered",
            ),
            models.CheckConstraint(
                condition=Q(subsidy_fen__isnull=True) | Q(subsidy_fen__gte=0), name="monitoring_pushfamily_subsidy"
            ),
        ]
        indexes = [
            models.Index("region", "id", name="monitoring_pushf_region"),
            models.Index("household", name="monitoring_pushf_family"),
        ]
