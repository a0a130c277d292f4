"""What residents fill in and send from their phones: a draft, its papers, and what became of it."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from tuodi.intake.online_states import OnlineState
from tuodi.org.rls import region_field
from tuodi.people.enums import Programme


class OnlineApplication(models.Model):
    """One row: one application as a resident, or who helps him, fills it in; sent, it waits for an officer.

    Everything that was entered lies in one ciphertext (`content`): answers, members with their numbers, signatures. Only
    what the queue needs stands beside it, and only from the sending on.
    """

    uid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)  #: binds ciphertexts; names the page
    region = region_field()  #: the applicant's village: who accepts it
    no = models.CharField("网上申请号", max_length=40, db_collation="C", unique=True, null=True)  #: null = not sent
    state = models.CharField("状态", max_length=10, choices=OnlineState.choices, default=OnlineState.DRAFT)
    for_other = models.BooleanField("代办", default=False)
    #: Who fills it in: a resident with an account, or a member of staff for a family.
    account = models.ForeignKey("people.ResidentAccount", on_delete=models.PROTECT, null=True, related_name="+")
    staff = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    start_key = models.UUIDField("开始键", default=uuid.uuid4)  #: of the form that began it: pressed twice, one draft
    person = models.ForeignKey(
        "people.Person", on_delete=models.PROTECT, null=True, related_name="+"
    )  #: null = unknown
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, null=True, related_name="+")
    form_key = models.CharField("申请表", max_length=60)
    form_hash = models.CharField("申请表校验值", max_length=64)
    content = models.BinaryField("内容", editable=False)
    begun_at = models.DateTimeField("开始时间")
    saved_at = models.DateTimeField("保存时间")
    keep_until = models.DateField("保留至", null=True)  #: last day of a draft; null = sent
    # From the sending on.
    programme = models.CharField("项目", max_length=16, choices=Programme.choices, blank=True)  #: empty = 说不准
    applicant_name = models.CharField("申请人", max_length=60, blank=True)
    applicant_masked = models.CharField("证件号码（脱敏）", max_length=20, blank=True)
    agent_name = models.CharField("代办人", max_length=60, blank=True)
    members = models.SmallIntegerField("人数", default=0)
    sent_at = models.DateTimeField("提交时间", null=True)
    content_hash = models.CharField("内容校验值", max_length=64, blank=True)  #: of what was signed
    # One-time notice of what is missing (一次性告知).
    asked_at = models.DateTimeField("告知时间", null=True)
    asked_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    asked_items = models.JSONField("须补材料", default=list)
    asked_note = models.TextField("说明", blank=True)
    asked_until = models.DateField("补齐期限", null=True)
    supplied_at = models.DateTimeField("补齐时间", null=True)
    # How it ended.
    closed_at = models.DateTimeField("办结时间", null=True)
    closed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    reasons = models.TextField("理由", blank=True)
    application = models.OneToOneField("intake.Application", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "网上申请"
        constraints = [
            models.CheckConstraint(
                condition=Q(account__isnull=False, staff__isnull=True)
                | Q(account__isnull=True, staff__isnull=False, for_other=True),
                name="intake_online_who",
            ),
            models.CheckConstraint(
                condition=Q(state=OnlineState.DRAFT, no__isnull=True) | Q(no__isnull=False, sent_at__isnull=False),
                name="intake_online_sent",
            ),
            models.CheckConstraint(
                condition=~Q(state=OnlineState.REFUSED) | ~Q(reasons=""), name="intake_online_reasons"
            ),
            models.CheckConstraint(
                condition=~Q(state=OnlineState.ACCEPTED) | Q(application__isnull=False), name="intake_online_accepted"
            ),
            models.UniqueConstraint("account", "staff", "start_key", nulls_distinct=False, name="intake_online_once"),
        ]
        indexes = [
            models.Index("region", "state", "sent_at", name="intake_online_queue"),
            models.Index("account", name="intake_online_account"),
            models.Index("staff", name="intake_online_staff"),
            models.Index("keep_until", name="intake_online_keep"),
        ]

    def __str__(self) -> str:
        return self.no or f"草稿 {self.pk}"


class OnlinePaper(models.Model):
    """One row: one photograph that came with an online application, without its metadata."""

    online = models.ForeignKey(OnlineApplication, on_delete=models.PROTECT, related_name="papers")
    region = region_field()
    kind = models.CharField("材料", max_length=20)  #: option of the form's question, or mandate, signature, consent
    file = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, related_name="+")
    sha256 = models.CharField("校验值", max_length=64)  #: of the picture as kept
    source_sha256 = models.CharField("原件校验值", max_length=64)  #: of the bytes as sent
    media_type = models.CharField("类型", max_length=40)
    received_at = models.DateTimeField("收到时间")

    class Meta:
        verbose_name = "网上申请材料"
        constraints = [models.UniqueConstraint("online", "source_sha256", "kind", name="intake_online_paper_once")]
        indexes = [models.Index("region", "id", name="intake_online_paper_region")]

    def __str__(self) -> str:
        return f"{self.online_id}:{self.kind}"
