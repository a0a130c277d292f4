"""Cases and their steps."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from tuodi.cases.states import CaseState, Decision, StepState
from tuodi.org.rls import region_field
from tuodi.policy.procedure import Does, Procedure

_texts: dict[str, Procedure] = {}


class Case(models.Model):
    """One row: one matter of one family, run under one procedure text that never changes for it."""

    class Kind(models.TextChoices):
        """What started it."""

        APPLICATION = "application", "申请"
        CHANGE = "change", "变更"
        REVIEW = "review", "复核"

    region = region_field()
    no = models.CharField("业务号", max_length=40, db_collation="C", unique=True)
    kind = models.CharField("类型", max_length=12, choices=Kind.choices, default=Kind.APPLICATION)
    programme = models.CharField("项目", max_length=16)
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    applicant = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    accepted_on = models.DateField("受理日期")
    #: Name of the procedure text, its SHA-256, and the whole text: what the case runs under to its end.
    procedure_key = models.CharField("程序", max_length=60)
    procedure_hash = models.CharField("程序校验值", max_length=64)
    procedure_text = models.JSONField("程序全文")
    marks = ArrayField(models.CharField(max_length=24), verbose_name="情形", default=list)
    state = models.CharField("状态", max_length=16, choices=CaseState.choices, default=CaseState.ACCEPTED)
    decision = models.CharField("决定", max_length=8, choices=Decision.choices, blank=True, default="")
    decided_on = models.DateField("决定日期", null=True)
    due_on = models.DateField("总期限", null=True)  #: null = the text sets none, or 待定 (`due_pending`)
    due_pending = models.BooleanField("总期限待定", default=False)
    due_note = models.CharField("期限说明", max_length=200, blank=True)
    closed_on = models.DateField("办结日期", null=True)
    end_reason = models.CharField("终止原因", max_length=300, blank=True)

    class Meta:
        verbose_name = "案件"
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_on__isnull=True) | Q(decided_on__gte=F("accepted_on")), name="cases_decided_after"
            ),
            # One running application of a family and programme; several emergencies may befall one family.
            models.UniqueConstraint(
                "household",
                "programme",
                condition=Q(decision="", closed_on__isnull=True) & ~Q(programme="temporary"),
                name="cases_one_running",
            ),
        ]
        indexes = [
            models.Index("region", "id", name="cases_case_region"),
            models.Index("state", "region", name="cases_case_state"),
            models.Index("household", name="cases_case_household"),
            models.Index(fields=["-accepted_on", "-id"], name="cases_case_recent"),
        ]

    def __str__(self) -> str:
        return self.no

    @property
    def procedure(self) -> Procedure:
        """The text the case runs under, as frozen in its row. Read once a process for each text: the hash names it."""
        if self.procedure_hash not in _texts:
            _texts[self.procedure_hash] = Procedure.from_json(self.procedure_text)
        return _texts[self.procedure_hash]

    @property
    def is_running(self) -> bool:
        """Whether the decision is still to come."""
        return self.decision == "" and self.closed_on is None


class Step(models.Model):
    """One row: one step of one case, in one round. An objection starts the next round beside the old rows."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="steps")
    region = region_field()
    name = models.CharField("步骤", max_length=40)
    label = models.CharField("名称", max_length=60)
    position = models.SmallIntegerField("次序")
    round = models.SmallIntegerField("轮次", default=1)
    does = models.CharField("类别", max_length=10)
    by_level = models.CharField("层级", max_length=6)
    duty = models.CharField("职责", max_length=20)
    state = models.CharField("状态", max_length=8, choices=StepState.choices, default=StepState.WAITING)
    opened_on = models.DateField("开始待办", null=True)
    start_due_on = models.DateField("应启动日", null=True)
    started_on = models.DateField("启动日", null=True)
    due_on = models.DateField("应办结日", null=True)  #: null = no limit, or 待定 (`due_pending`)
    due_pending = models.BooleanField("期限待定", default=False)
    due_note = models.CharField("期限说明", max_length=200, blank=True)
    done_at = models.DateTimeField("办理时间", null=True)
    #: Day the step counts as completed for limits that begin with it: a notice's last day, else the day it was done.
    completed_on = models.DateField("完成日", null=True)
    done_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    #: Whose duty it was, where it was lent to `done_by` (代办); null = his own.
    done_for = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    with_ids = ArrayField(models.BigIntegerField(), verbose_name="共同办理人", default=list)
    result = models.CharField("结果", max_length=16, blank=True)
    opinion = models.TextField("意见", blank=True)
    data = models.JSONField("内容", default=dict)

    class Meta:
        verbose_name = "办理步骤"
        constraints = [
            models.UniqueConstraint("case", "name", "round", name="cases_step_once"),
            models.CheckConstraint(
                condition=~Q(state=StepState.DONE) | Q(done_at__isnull=False, completed_on__isnull=False),
                name="cases_step_done",
            ),
        ]
        indexes = [
            models.Index("region", "state", "due_on", name="cases_step_queue"),
            models.Index("done_by", name="cases_step_done_by"),
            # The queues: what is open, by the day it is due. Small however many cases are closed.
            models.Index("due_on", "id", name="cases_step_open_due", condition=Q(state="open")),
        ]

    def __str__(self) -> str:
        return f"{self.case_id}/{self.name}.{self.round}"

    @property
    def kind(self) -> Does:
        """What the step does, as the procedure names it."""
        return Does(self.does)

    def summary(self) -> dict[str, Any]:
        """The fields the audit log keeps."""
        return {"step": self.name, "round": self.round, "state": self.state, "result": self.result}
