"""Live checks of one family (联网核对): the request, each department's answer about each person, the frozen report."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tuodi.org.rls import region_field
from tuodi.verification.check_states import RequestState


class CheckRequest(models.Model):
    """One row: one question about one family, put to every live source at once.

    A dispute starts another round under the same number; answers of earlier rounds stay.
    """

    class Purpose(models.TextChoices):
        """Why the family is checked."""

        APPLICATION = "application", "新申请"
        REVIEW = "review", "定期复核"
        CHANGE = "change", "家庭情况变化"
        CLUE = "clue", "线索核查"

    region = region_field()
    no = models.CharField("核对编号", max_length=40, db_collation="C", unique=True)
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    case = models.ForeignKey("cases.Case", on_delete=models.PROTECT, null=True, related_name="+")
    purpose = models.CharField("目的", max_length=12, choices=Purpose.choices)
    programme = models.CharField("项目", max_length=16, blank=True)
    state = models.CharField("状态", max_length=10, choices=RequestState.choices, default=RequestState.OPENED)
    round = models.SmallIntegerField("轮次", default=1)
    #: Who is not asked about and why: {name, role, why}; and sources that are not asked: {label, why}.
    left_out = models.JSONField("未核对人员", default=list)
    not_asked = models.JSONField("未询问来源", default=list)
    opened_at = models.DateTimeField("发起时间")
    opened_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    sent_at = models.DateTimeField("发出时间", null=True)  #: of the last sending
    valid_to = models.DateField("有效期至")  #: last day; answers after it are not used
    disputed_at = models.DateTimeField("异议时间", null=True)
    dispute = models.CharField("异议内容", max_length=500, blank=True)

    class Meta:
        verbose_name = "核对请求"
        indexes = [
            models.Index("region", "id", name="verification_check_region"),
            models.Index("household", name="verification_check_family"),
            models.Index("case", name="verification_check_case"),
        ]

    def __str__(self) -> str:
        return self.no


class CheckAnswer(models.Model):
    """One row: one source asked about one person in one round, with what it said.

    Only FOUND and NOT_FOUND are answers. The others are none: nothing may be taken for zero because of them.
    """

    class Status(models.TextChoices):
        """What came."""

        WAITING = "waiting", "等待答复"
        FOUND = "found", "查有记录"
        NOT_FOUND = "not_found", "查无记录"
        MULTI = "multi", "一号多人"
        ERROR = "error", "答复有误"
        TIMEOUT = "timeout", "未答复"

    region = region_field()
    request = models.ForeignKey(CheckRequest, on_delete=models.PROTECT, related_name="answers")
    round = models.SmallIntegerField("轮次")
    source = models.ForeignKey("verification.DataSource", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, null=True, related_name="+")
    supporter = models.ForeignKey("verification.Supporter", on_delete=models.PROTECT, null=True, related_name="+")
    consent = models.ForeignKey("verification.Consent", on_delete=models.PROTECT, related_name="+")
    status = models.CharField("结果", max_length=10, choices=Status.choices, default=Status.WAITING)
    reason = models.CharField("原因代码", max_length=20, blank=True)
    note = models.CharField("说明", max_length=300, blank=True)
    attempts = models.SmallIntegerField("次数", default=0)
    asked_at = models.DateTimeField("询问时间", null=True)
    answered_at = models.DateTimeField("答复时间", null=True)
    seconds = models.FloatField("用时", null=True)
    as_of = models.DateField("数据日期", null=True)
    stale = models.BooleanField("数据过期", default=False)
    late = models.BooleanField("迟到", default=False)  #: came after a report was made
    #: [{values, active, text, faults}], identity numbers masked; empty unless found.
    rows = models.JSONField("内容", default=list)
    signature = models.CharField("签名", max_length=10, blank=True)
    ticket = models.CharField("回执", max_length=64, blank=True)
    raw = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "核对答复"
        constraints = [
            models.CheckConstraint(
                condition=Q(person__isnull=False, supporter__isnull=True)
                | Q(person__isnull=True, supporter__isnull=False),
                name="verification_answer_who",
            ),
            models.UniqueConstraint(
                "request", "round", "source", "person", "supporter",
                name="verification_answer_once", nulls_distinct=False,
            ),
            models.CheckConstraint(condition=Q(status="found") | Q(rows=[]), name="verification_answer_rows"),
        ]  # fmt: skip
        indexes = [
            models.Index("region", "id", name="verification_answer_region"),
            models.Index("request", "round", name="verification_answer_of"),
        ]

    @property
    def is_usable(self) -> bool:
        """Whether the department has said something that counts."""
        return self.status in (self.Status.FOUND, self.Status.NOT_FOUND)


class CheckReport(models.Model):
    """One row: what the answers of a request came to on a day. Never changed; a later one of the same request replaces it."""

    region = region_field()
    request = models.ForeignKey(CheckRequest, on_delete=models.PROTECT, related_name="reports")
    no = models.CharField("报告编号", max_length=40, db_collation="C", unique=True)
    version = models.SmallIntegerField("版次")  #: 1, 2 … of the request
    content = models.JSONField("内容")  #: see `verification.report.content_of`
    sha256 = models.CharField("校验值", max_length=64)
    complete = models.BooleanField("答复齐全")
    file = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField("生成时间")
    made_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    valid_to = models.DateField("有效期至")

    class Meta:
        verbose_name = "核对报告"
        constraints = [models.UniqueConstraint("request", "version", name="verification_report_once")]
        indexes = [models.Index("region", "id", name="verification_report_region")]

    def __str__(self) -> str:
        return self.no

    @property
    def missing(self) -> list[str]:
        """Names of what had not been answered."""
        return [gap["who"] for gap in self.content["missing"]]
