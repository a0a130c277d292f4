"""Self-care assessments of tekun persons (生活自理能力评估, [43] art 20-23): six activities, by the body the place names."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from tuodi.org.rls import region_field
from tuodi.people.enums import SelfCare

__all__ = ["ITEMS", "SelfCareAssessment", "SelfCarePaper"]

#: The six activities: name of the fact it decides -> what the form says.
ITEMS: dict[str, str] = {
    "fails_eating": "自主吃饭",
    "fails_dressing": "自主穿衣",
    "fails_bed": "自主上下床",
    "fails_toilet": "自主如厕",
    "fails_walking": "室内自主行走",
    "fails_bathing": "自主洗澡",
}


class SelfCareAssessment(models.Model):
    """One row: one assessment of one person, from its order to its result. Frozen once assessed (a trigger holds it)."""

    class Cause(models.TextChoices):
        """Why it was ordered."""

        FIRST = "first", "认定评估"
        CHANGE = "change", "情况变化"
        PERIODIC = "periodic", "定期复核"

    class Body(models.TextChoices):
        """Who assesses; the codes are those of the policy packs (`tekun.assessor`)."""

        COUNTY_OFFICE = "county_office", "县级民政部门"
        THIRD_PARTY = "third_party", "第三方机构"
        LABOUR_COMMITTEE = "labour_committee", "劳动能力鉴定委员会"

    class State(models.TextChoices):
        """Where it stands; moves are in `self_care_states.MOVES`."""

        ORDERED = "ordered", "待评估"
        ASSESSED = "assessed", "已评估"
        CANCELLED = "cancelled", "已取消"

    region = region_field()
    no = models.CharField("评估号", max_length=40, db_collation="C", unique=True)
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    case = models.ForeignKey("cases.Case", on_delete=models.PROTECT, null=True, related_name="+")  #: null = after it
    cause = models.CharField("事由", max_length=10, choices=Cause.choices)
    change_text = models.CharField("变化情况", max_length=300, blank=True)  #: what was reported
    reported_on = models.DateField("报告日期", null=True)  #: of a change; the limit runs from it
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.ORDERED)
    body = models.CharField("评估机构类别", max_length=20, choices=Body.choices)
    body_name = models.CharField("评估机构", max_length=80)
    ordered_on = models.DateField("委托日期")
    ordered_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    due_on = models.DateField("应办结日", null=True)  #: null = no limit, or 待定 (`due_pending`)
    due_pending = models.BooleanField("期限待定", default=False)
    due_note = models.CharField("期限说明", max_length=200, blank=True)
    assessed_on = models.DateField("评估日期", null=True)
    assessors = models.JSONField("评估人员", default=list)  #: names
    place = models.CharField("评估地点", max_length=100, blank=True)
    #: Fact -> whether the person fails it; all six once assessed.
    items = models.JSONField("六项指标", default=dict)
    failed = models.SmallIntegerField("不能达到项数", null=True)
    result = models.CharField("结论", max_length=16, choices=SelfCare.choices, blank=True)
    opinion = models.TextField("书面评定结论", blank=True)
    entered_at = models.DateTimeField("登记时间", null=True)
    entered_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    fact_set = models.ForeignKey("verification.FactSet", on_delete=models.PROTECT, null=True, related_name="+")
    evidence_hash = models.CharField("证据校验值", max_length=64, blank=True)  #: empty until assessed
    ended_reason = models.CharField("取消原因", max_length=200, blank=True)

    class Meta:
        verbose_name = "自理能力评估"
        constraints = [
            models.UniqueConstraint("person", condition=Q(state="ordered"), name="verification_selfcare_one_open"),
            models.CheckConstraint(
                condition=~Q(state="assessed")
                | Q(assessed_on__isnull=False, failed__isnull=False, entered_at__isnull=False)
                & ~Q(result="")
                & ~Q(evidence_hash=""),
                name="verification_selfcare_assessed",
            ),
            models.CheckConstraint(
                condition=Q(failed__isnull=True) | Q(failed__gte=0, failed__lte=len(ITEMS)),
                name="verification_selfcare_failed",
            ),
            models.CheckConstraint(
                condition=Q(reported_on__isnull=True) | Q(ordered_on__gte=F("reported_on")),
                name="verification_selfcare_reported",
            ),
        ]
        indexes = [
            models.Index("region", "state", "due_on", name="verification_selfcare_queue"),
            models.Index("person", "id", name="verification_selfcare_person"),
            models.Index("case", name="verification_selfcare_case"),
        ]

    def __str__(self) -> str:
        return self.no


class SelfCarePaper(models.Model):
    """One row: one photograph or scanned paper of one assessment. Append-only."""

    assessment = models.ForeignKey(SelfCareAssessment, on_delete=models.PROTECT, related_name="papers")
    region = region_field()
    file = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, related_name="+")
    sha256 = models.CharField("校验值", max_length=64)
    caption = models.CharField("说明", max_length=40, blank=True)
    media_type = models.CharField("类型", max_length=20)
    added_at = models.DateTimeField("加入时间")
    added_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "评估材料"
        constraints = [models.UniqueConstraint("assessment", "sha256", name="verification_selfcare_paper_once")]
        indexes = [models.Index("region", "id", name="verification_scpaper_region")]

    def __str__(self) -> str:
        return f"{self.assessment_id} {self.caption}"
