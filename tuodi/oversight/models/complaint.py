"""Complaints and what was done about them. Who complains is never shown to whom it is about."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from tuodi.org.rls import region_field
from tuodi.oversight.states import ComplaintState


class Complaint(models.Model):
    """One row: one complaint about an office, a member of staff or a matter, answered by somebody it is not about."""

    class About(models.TextChoices):
        """What it is about."""

        ATTITUDE = "attitude", "服务态度"
        DELAY = "delay", "办事拖延"
        NOT_TAKEN = "not_taken", "不受理、不答复"
        FAVOUR = "favour", "优亲厚友、不公"
        MONEY = "money", "克扣、截留、收费"
        DATA = "data", "个人信息被乱用"
        REPORT = "report", "举报他人不符合条件"
        OTHER = "other", "其他"

    class Channel(models.TextChoices):
        """How it came."""

        ONLINE = "online", "网上"
        WINDOW = "window", "窗口"
        PHONE = "phone", "电话"
        LETTER = "letter", "来信"
        NOTICE = "notice", "公示异议逾期转入"

    uid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)  #: binds the ciphertext; names the page
    region = region_field()
    no = models.CharField("投诉号", max_length=40, db_collation="C", unique=True)
    about = models.CharField("事由", max_length=12, choices=About.choices)
    channel = models.CharField("渠道", max_length=8, choices=Channel.choices)
    #: Null = not against one office, or one person; either is kept away from it.
    office = models.ForeignKey("org.Office", on_delete=models.PROTECT, null=True, related_name="+")
    staff = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    staff_words = models.CharField("被投诉人（原话）", max_length=60, blank=True)
    case_no = models.CharField("业务号", max_length=40, db_collation="C", blank=True)
    text = models.TextField("内容")
    account = models.ForeignKey("people.ResidentAccount", on_delete=models.PROTECT, null=True, related_name="+")
    from_name = models.CharField("投诉人", max_length=60, blank=True)  #: empty = anonymous
    phone_cipher = models.BinaryField("联系电话", null=True, editable=False)
    phone_masked = models.CharField("联系电话（脱敏）", max_length=20, blank=True)
    client_key = models.UUIDField("提交键", unique=True)  #: of the form: sent twice, one complaint
    received_on = models.DateField("收到日期")
    received_by = models.ForeignKey(
        "org.User", on_delete=models.PROTECT, null=True, related_name="+"
    )  #: null = himself
    state = models.CharField("状态", max_length=10, choices=ComplaintState.choices, default=ComplaintState.OPEN)
    level = models.CharField("答复层级", max_length=6)  #: TOWN, COUN, PREF, PROV
    due_on = models.DateField("答复期限", null=True)
    due_pending = models.BooleanField("期限待定", default=False)
    answer = models.TextField("答复", blank=True)
    answered_at = models.DateTimeField("答复时间", null=True)
    answered_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    content = models.BooleanField("满意", null=True)  #: what the complainant said of the answer; null = nothing

    class Meta:
        verbose_name = "投诉举报"
        constraints = [
            models.CheckConstraint(
                condition=~Q(state__in=["answered", "closed"]) | ~Q(answer=""), name="oversight_complaint_answer"
            ),
            models.CheckConstraint(
                condition=Q(answered_by__isnull=True) | Q(staff__isnull=True) | ~Q(answered_by=models.F("staff")),
                name="oversight_complaint_apart",
            ),
        ]
        indexes = [
            models.Index("region", "state", "due_on", name="oversight_complaint_queue"),
            models.Index("account", name="oversight_complaint_account"),
        ]

    def __str__(self) -> str:
        return self.no


class ComplaintStep(models.Model):
    """One row: something that happened to a complaint. Append-only."""

    complaint = models.ForeignKey(Complaint, on_delete=models.PROTECT, related_name="steps")
    region = region_field()
    what = models.CharField("事项", max_length=20)
    at = models.DateTimeField("时间")
    by = models.ForeignKey(
        "org.User", on_delete=models.PROTECT, null=True, related_name="+"
    )  #: null = resident, system
    level = models.CharField("层级", max_length=6, blank=True)
    text = models.TextField("内容", blank=True)

    class Meta:
        verbose_name = "投诉办理"
        indexes = [models.Index("region", "id", name="oversight_cstep_region")]

    def __str__(self) -> str:
        return f"{self.complaint_id}:{self.what}"
