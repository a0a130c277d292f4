"""One door: a family's visit with its needs, the cases and referrals it became, and what the applicant was told.

The first-contact officer (首问责任人) stays responsible from the first word to the last answer; a hand-over to his stand-in
(AB岗) is a row of its own, so that nobody can say he never had it.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from tuodi.intake.models.application import Application
from tuodi.org.rls import region_field

__all__ = ["Need", "NeedCase", "NeedNote", "Referral"]


class Need(models.Model):
    """One row: one visit of a registered family at the window, by phone or in the village."""

    class State(models.TextChoices):
        """Whether the first-contact officer still answers for it."""

        OPEN = "open", "办理中"
        CLOSED = "closed", "已办结"

    region = region_field()
    no = models.CharField("受理编号", max_length=40, db_collation="C", unique=True)
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    speaker = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+", verbose_name="来访人")
    channel = models.CharField("渠道", max_length=12, choices=Application.Channel.choices)
    place = models.CharField("地点", max_length=80, blank=True)
    kinds = ArrayField(models.CharField(max_length=24), verbose_name="需求", default=list)
    text = models.TextField("情况", blank=True)
    #: What the officer entered beside the register, as a family file: `{"household": {…}, "members": [{…}]}`.
    entered = models.JSONField("补充的事实", default=dict)
    #: Outcome of each programme when it was last assessed: [[programme, outcome, fingerprint], …]; empty = never.
    assessed = models.JSONField("评估结果", default=list)
    assessed_at = models.DateTimeField("评估时间", null=True)
    officer_a = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+", verbose_name="首问责任人")
    officer_b = models.ForeignKey(
        "org.User", on_delete=models.PROTECT, null=True, related_name="+", verbose_name="AB岗"
    )  #: null = no stand-in
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.OPEN)
    opened_at = models.DateTimeField("登记时间")
    closed_at = models.DateTimeField("办结时间", null=True)
    outcome = models.CharField("办理结果", max_length=300, blank=True)

    class Meta:
        verbose_name = "需求登记"
        constraints = [
            models.CheckConstraint(
                condition=Q(officer_b__isnull=True) | ~Q(officer_b=F("officer_a")), name="intake_need_two_officers"
            ),
            models.CheckConstraint(
                condition=Q(state="open", closed_at__isnull=True) | Q(state="closed", closed_at__isnull=False),
                name="intake_need_closed",
            ),
        ]
        indexes = [
            models.Index("region", "state", "id", name="intake_need_region"),
            models.Index("officer_a", "state", "id", name="intake_need_officer_a"),
            models.Index("officer_b", "state", "id", name="intake_need_officer_b"),
            models.Index("household", name="intake_need_household"),
        ]

    def __str__(self) -> str:
        return self.no


class NeedCase(models.Model):
    """One row: an application that a need became. Never changed."""

    need = models.ForeignKey(Need, on_delete=models.PROTECT, related_name="cases")
    region = region_field()
    application = models.OneToOneField(Application, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "需求转成的案件"

    def __str__(self) -> str:
        return f"{self.need_id}:{self.application_id}"


class Referral(models.Model):
    """One row: a programme handed to the department that handles it (转办), with the day its answer is due."""

    class Outcome(models.TextChoices):
        """What the department said."""

        WAITING = "", "待答复"
        GRANTED = "granted", "已救助"
        REFUSED = "refused", "不符合条件"
        RETURNED = "returned", "退回"

    need = models.ForeignKey(Need, on_delete=models.PROTECT, related_name="referrals")
    region = region_field()
    programme = models.CharField("项目", max_length=24)
    label = models.CharField("事项", max_length=60)
    department = models.CharField("承办部门", max_length=60)
    reason = models.TextField("转办说明", blank=True)
    clause = models.CharField("依据", max_length=60, blank=True)
    sent_on = models.DateField("转办日期")
    sent_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    due_on = models.DateField("应答复日", null=True)  #: null = no day is set, or 待定 (`due_pending`)
    due_pending = models.BooleanField("期限待定", default=False)
    answered_on = models.DateField("答复日期", null=True)
    answer = models.TextField("答复", blank=True)
    outcome = models.CharField("结果", max_length=10, choices=Outcome.choices, blank=True, default="")
    answered_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "转办"
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome="", answered_on__isnull=True) | (~Q(outcome="") & Q(answered_on__isnull=False)),
                name="intake_referral_answered",
            ),
            models.UniqueConstraint("need", "programme", condition=Q(outcome=""), name="intake_referral_once"),
        ]
        indexes = [models.Index("region", "outcome", "due_on", name="intake_referral_queue")]

    def __str__(self) -> str:
        return f"{self.need_id}:{self.programme}"


class NeedNote(models.Model):
    """One row: what the applicant was told, or who took over. Never changed."""

    class Kind(models.TextChoices):
        """What kind of note."""

        TOLD = "told", "告知进展"
        MATERIALS = "materials", "一次性告知"
        HANDED = "handed", "移交"
        CLOSED = "closed", "办结"

    class How(models.TextChoices):
        """How the applicant was told."""

        NONE = "", "—"
        PAPER = "paper", "书面"
        FACE = "face", "当面"
        PHONE = "phone", "电话"
        MESSAGE = "message", "短信"

    need = models.ForeignKey(Need, on_delete=models.PROTECT, related_name="notes")
    region = region_field()
    kind = models.CharField("类别", max_length=10, choices=Kind.choices)
    how = models.CharField("方式", max_length=8, choices=How.choices, blank=True, default="")
    text = models.TextField("内容")
    at = models.DateTimeField("时间")
    by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    to_user = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")  #: of a hand-over

    class Meta:
        verbose_name = "需求记录"
        indexes = [models.Index("region", "id", name="intake_neednote_region")]

    def __str__(self) -> str:
        return f"{self.need_id}:{self.kind}"
