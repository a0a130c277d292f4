"""Home visits (入户调查, M13): the task, each version of its record, and the photographs taken."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from tuodi.org.rls import region_field


class VisitTask(models.Model):
    """One row: one visit to one family that somebody must make, and how it ended.

    A task carries no findings: those are in its records. `region` is the family's.
    """

    class Purpose(models.TextChoices):
        """Why the family is visited."""

        CASE = "case", "办件调查"
        CLUE = "clue", "线索核实"
        SPOT_CHECK = "spot_check", "县级抽查"
        KIN = "kin", "近亲属备案核查"
        THIRD_PARTY = "third_party", "第三方核查"
        REVIEW = "review", "定期复核"

    class State(models.TextChoices):
        """Where it stands; moves are in `states.VISIT_MOVES`."""

        PLANNED = "planned", "待入户"
        VISITED = "visited", "已入户，待签名"
        SIGNED = "signed", "已签名"
        REFUSED = "refused", "拒绝调查"
        CANCELLED = "cancelled", "已取消"

    region = region_field()
    no = models.CharField("任务号", max_length=40, db_collation="C", unique=True)
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    purpose = models.CharField("事由", max_length=12, choices=Purpose.choices)
    case = models.ForeignKey("cases.Case", on_delete=models.PROTECT, null=True, related_name="+")  #: null = no case
    #: Number of what it is for where that is no case: a clue, a spot check, a contract. Empty = the case itself.
    matter_no = models.CharField("事项号", max_length=40, db_collation="C", blank=True)
    place = models.CharField("地点", max_length=200, blank=True)
    note = models.CharField("交代事项", max_length=300, blank=True)
    #: Whose task it is: third-party visitors see the tasks of their own office and no other.
    office = models.ForeignKey("org.Office", on_delete=models.PROTECT, related_name="+")
    assigned_ids = ArrayField(models.BigIntegerField(), verbose_name="调查人员", default=list)  #: users
    planned_at = models.DateTimeField("安排时间")
    planned_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    due_on = models.DateField("应办结日", null=True)  #: null = no limit, or 待定 (`due_pending`)
    due_pending = models.BooleanField("期限待定", default=False)
    due_note = models.CharField("期限说明", max_length=200, blank=True)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.PLANNED)
    version = models.SmallIntegerField("记录版本", default=0)  #: of the newest record; 0 = none yet
    ended_reason = models.CharField("取消原因", max_length=200, blank=True)

    class Meta:
        verbose_name = "入户任务"
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="cancelled") | ~Q(ended_reason=""), name="verification_task_cancelled_why"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["planned", "cancelled"]) | Q(version__gt=0), name="verification_task_recorded"
            ),
        ]
        indexes = [
            models.Index("region", "id", name="verification_task_region"),
            models.Index("household", name="verification_task_family"),
            models.Index("case", name="verification_task_case"),
            models.Index("matter_no", name="verification_task_matter"),
            models.Index("office", "state", "due_on", name="verification_task_queue"),
        ]

    def __str__(self) -> str:
        return self.no


class VisitRecord(models.Model):
    """One row: one version of what was found on a visit. Never changed: a correction is a new row naming the old one.

    `evidence_hash` binds answers, basis, people, signatures and the hashes of all photographs together.
    """

    class Conclusion(models.TextChoices):
        """What the investigators conclude."""

        TRUE = "true", "情况属实"
        DIFFERS = "differs", "有出入"
        RECHECK = "recheck", "需再查"
        REFUSED = "refused", "拒绝调查"

    task = models.ForeignKey(VisitTask, on_delete=models.PROTECT, related_name="records")
    region = region_field()
    version = models.SmallIntegerField("版本")
    supersedes = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")
    correction_reason = models.CharField("更正理由", max_length=300, blank=True)  #: empty in the first version
    client_id = models.UUIDField("设备编号")  #: made on the device: the same submission again is the same row
    form_key = models.CharField("表单", max_length=40)
    form_hash = models.CharField("表单校验值", max_length=64)
    started_at = models.DateTimeField("入户时间", null=True)  #: as the investigators state it
    ended_at = models.DateTimeField("离开时间", null=True)
    device_at = models.DateTimeField("设备提交时间", null=True)  #: clock of the device when it was sent; null = desk
    received_at = models.DateTimeField("收到时间")
    skew_seconds = models.IntegerField("设备时差（秒）", null=True)  #: device minus server; null = not known
    latitude = models.DecimalField(
        "纬度", max_digits=9, decimal_places=6, null=True
    )  #: null = not allowed or not found
    longitude = models.DecimalField("经度", max_digits=9, decimal_places=6, null=True)
    accuracy_m = models.IntegerField("定位误差（米）", null=True)
    investigators = models.JSONField("调查人员")  #: list of {id, name, level}
    level = models.CharField("调查层级", max_length=6)  #: level of the office all of them belong to; empty = mixed
    at_home = models.CharField("在家人员", max_length=100, blank=True)
    answers = models.JSONField("填写内容", default=dict)  #: item -> value, or {fit, seen, note} where it is compared
    basis = models.JSONField("比对依据", default=dict)  #: item -> {declared, register}: what the form showed
    neighbours = models.JSONField("邻里访问", default=list)  #: list of {name, relation, said}
    conclusion = models.CharField("调查结论", max_length=8, choices=Conclusion.choices)
    opinion = models.TextField("调查意见", blank=True)
    refused_reason = models.CharField("拒绝调查情形", max_length=300, blank=True)
    signatures = models.JSONField(
        "签名", default=list
    )  #: list of {role, name, user, kind, sha256, strokes, at, reason}
    photo_hashes = ArrayField(models.CharField(max_length=64), verbose_name="照片校验值", default=list)
    evidence_hash = models.CharField("证据校验值", max_length=64)
    fact_set = models.ForeignKey("verification.FactSet", on_delete=models.PROTECT, null=True, related_name="+")
    submitted_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "入户调查记录"
        constraints = [
            models.UniqueConstraint("task", "version", name="verification_visit_version"),
            models.UniqueConstraint("task", "client_id", name="verification_visit_once"),
            models.CheckConstraint(
                condition=Q(version=1, supersedes__isnull=True)
                | (Q(version__gt=1, supersedes__isnull=False) & ~Q(correction_reason="")),
                name="verification_visit_names_old",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")), name="verification_visit_time"
            ),
        ]
        indexes = [models.Index("region", "id", name="verification_visit_region")]

    def __str__(self) -> str:
        return f"{self.task_id}.{self.version}"

    @property
    def no(self) -> str:
        """The number people quote: the task's, with the version behind a dot once there are several."""
        return self.task.no if self.version == 1 else f"{self.task.no}.{self.version}"


class VisitPhoto(models.Model):
    """One row: one photograph of a visit or a meeting, as it was received. Never changed.

    The stored file has no metadata; what the device or the file claimed about time and place is kept here as a claim.
    """

    region = region_field()
    task = models.ForeignKey(VisitTask, on_delete=models.PROTECT, null=True, related_name="photos")
    meeting = models.ForeignKey(
        "verification.ReviewMeeting", on_delete=models.PROTECT, null=True, related_name="photos"
    )
    file = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, related_name="+")
    sha256 = models.CharField("校验值", max_length=64)  #: of the stored picture
    source_sha256 = models.CharField("原图校验值", max_length=64)  #: of the bytes as they came
    caption = models.CharField("说明", max_length=40, blank=True)
    media_type = models.CharField("类型", max_length=20)
    width = models.IntegerField("宽")
    height = models.IntegerField("高")
    taken_at = models.DateTimeField("拍摄时间（声称）", null=True)  #: null = nobody said
    claim = models.CharField("时间来源", max_length=8, blank=True)  #: device, exif; empty = none
    latitude = models.DecimalField("纬度", max_digits=9, decimal_places=6, null=True)
    longitude = models.DecimalField("经度", max_digits=9, decimal_places=6, null=True)
    accuracy_m = models.IntegerField("定位误差（米）", null=True)
    received_at = models.DateTimeField("收到时间")
    skew_seconds = models.IntegerField("设备时差（秒）", null=True)  #: device clock minus server's when it was sent
    by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "现场照片"
        constraints = [
            models.UniqueConstraint(
                "task", "source_sha256", name="verification_photo_task_once", condition=Q(task__isnull=False)
            ),
            models.UniqueConstraint(
                "meeting", "source_sha256", name="verification_photo_meet_once", condition=Q(meeting__isnull=False)
            ),
            models.CheckConstraint(
                condition=Q(task__isnull=False, meeting__isnull=True) | Q(task__isnull=True, meeting__isnull=False),
                name="verification_photo_whose",
            ),
        ]
        indexes = [models.Index("region", "id", name="verification_photo_region")]

    def __str__(self) -> str:
        return f"{self.pk}"
