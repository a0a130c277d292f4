"""Appeals against determinations (行政复议、申诉), decided by another level than who decided."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from tuodi.org.rls import region_field
from tuodi.oversight.states import AppealState, Outcome


class Appeal(models.Model):
    """One row: one appeal of one family against one determination."""

    uid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    region = region_field()
    no = models.CharField("复议号", max_length=40, db_collation="C", unique=True)
    determination = models.ForeignKey("decisions.Determination", on_delete=models.PROTECT, related_name="+")
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    applicant = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey("people.ResidentAccount", on_delete=models.PROTECT, null=True, related_name="+")
    client_key = models.UUIDField("提交键", unique=True)
    claim = models.TextField("请求")
    grounds = models.TextField("事实和理由")
    known_on = models.DateField("知道决定之日")
    filed_on = models.DateField("提出日期")
    file_by = models.DateField("提出期限", null=True)  #: null = 待定, then it is taken as in time
    late_reason = models.TextField("逾期理由", blank=True)
    received_by = models.ForeignKey(
        "org.User", on_delete=models.PROTECT, null=True, related_name="+"
    )  #: null = himself
    state = models.CharField("状态", max_length=14, choices=AppealState.choices, default=AppealState.FILED)
    against_level = models.CharField("原决定层级", max_length=6)
    check_due_on = models.DateField("审查期限", null=True)
    decide_due_on = models.DateField("决定期限", null=True)
    due_pending = models.BooleanField("期限待定", default=False)
    extended = models.BooleanField("已延长", default=False)
    accepted_at = models.DateTimeField("受理时间", null=True)
    accepted_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    outcome = models.CharField("结果", max_length=8, choices=Outcome.choices, blank=True, default="")
    reasons = models.TextField("决定理由", blank=True)  #: of the decision, or of not accepting
    decided_on = models.DateField("决定日期", null=True)
    decided_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "行政复议（申诉）"
        constraints = [
            models.CheckConstraint(
                condition=~Q(state__in=["decided", "not_accepted"]) | ~Q(reasons=""), name="oversight_appeal_reasons"
            ),
            models.CheckConstraint(
                condition=(Q(state="decided") & ~Q(outcome="") & Q(decided_on__isnull=False))
                | (~Q(state="decided") & Q(outcome="")),
                name="oversight_appeal_outcome",
            ),
            # One at a time against one determination.
            models.UniqueConstraint(
                "determination", condition=Q(state__in=["filed", "accepted"]), name="oversight_appeal_once"
            ),
        ]
        indexes = [
            models.Index("region", "state", "decide_due_on", name="oversight_appeal_queue"),
            models.Index("household", name="oversight_appeal_family"),
            models.Index("account", name="oversight_appeal_account"),
        ]

    def __str__(self) -> str:
        return self.no


class AppealStep(models.Model):
    """One row: something that happened to an appeal. Append-only."""

    appeal = models.ForeignKey(Appeal, on_delete=models.PROTECT, related_name="steps")
    region = region_field()
    what = models.CharField("事项", max_length=20)
    at = models.DateTimeField("时间")
    by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    text = models.TextField("内容", blank=True)

    class Meta:
        verbose_name = "复议办理"
        indexes = [models.Index("region", "id", name="oversight_astep_region")]

    def __str__(self) -> str:
        return f"{self.appeal_id}:{self.what}"
