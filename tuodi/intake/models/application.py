"""Applications: who asked for what, through whom, with which papers. Frozen once accepted."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from tuodi.org.rls import region_field
from tuodi.people.enums import Programme


class Application(models.Model):
    """One row: one accepted application. Its case runs on in the room `cases`."""

    class Channel(models.TextChoices):
        """How it came in."""

        WINDOW = "window", "窗口"
        VILLAGE = "village", "村（社区）代办"
        ONLINE = "online", "网上"
        PHONE = "phone", "电话"
        DISCOVERED = "discovered", "主动发现"

    region = region_field()
    receipt_no = models.CharField("回执号", max_length=40, db_collation="C", unique=True)
    case = models.OneToOneField("cases.Case", on_delete=models.PROTECT, related_name="+")
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    applicant = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    programme = models.CharField("项目", max_length=16, choices=Programme.choices)
    channel = models.CharField("渠道", max_length=12, choices=Channel.choices)
    applied_on = models.DateField("申请日期")
    reason = models.TextField("申请理由", blank=True)
    #: The applicant declared that a member is a near relative of staff or of a village committee member ([57] art 11).
    declares_kin = models.BooleanField("声明近亲属关系", default=False)
    agent_uid = models.UUIDField(default=uuid.uuid4, editable=False)  #: binds the agent's ciphertext to this row
    agent_name = models.CharField("代办人", max_length=60, blank=True)  #: empty = no agent
    agent_relation = models.CharField("代办人关系", max_length=30, blank=True)
    agent_id_cipher = models.BinaryField("代办人证件", null=True, editable=False)
    agent_id_index = models.BinaryField("代办人证件索引", null=True, editable=False, max_length=32)
    agent_id_masked = models.CharField("代办人证件（脱敏）", max_length=20, blank=True)
    agent_user = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    has_mandate = models.BooleanField("有委托书", default=False)
    accepted_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    accepted_at = models.DateTimeField("受理时间")

    class Meta:
        verbose_name = "申请"
        constraints = [
            models.CheckConstraint(
                condition=Q(agent_name="") | Q(has_mandate=True) | Q(agent_user__isnull=False),
                name="intake_agent_mandate",
            )
        ]
        indexes = [models.Index("region", "id", name="intake_application_region")]

    def __str__(self) -> str:
        return self.receipt_no


class ApplicationMember(models.Model):
    """One row: a member of the family as declared on the day of application. The applicant is among them."""

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="members")
    region = region_field()
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    relation = models.CharField("与户主关系", max_length=16)
    programme = models.CharField("项目", max_length=16)

    class Meta:
        verbose_name = "申请家庭成员"
        constraints = [models.UniqueConstraint("application", "person", name="intake_member_once")]
        indexes = [models.Index("person", "programme", name="intake_member_person")]

    def __str__(self) -> str:
        return f"{self.application_id}:{self.person_id}"


class Material(models.Model):
    """One row: one paper asked for. What is missing is told once, on the receipt (一次性告知)."""

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="materials")
    region = region_field()
    name = models.CharField("材料", max_length=80)
    received_on = models.DateField("收到日期", null=True)  #: null = still owed
    file = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "申请材料"
        constraints = [models.UniqueConstraint("application", "name", name="intake_material_once")]

    def __str__(self) -> str:
        return f"{self.application_id}:{self.name}"
