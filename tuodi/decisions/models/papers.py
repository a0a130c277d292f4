"""Rows of what this room prints and posts beyond single cases: standing lists of granted families, case files."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tuodi.org.rls import region_field
from tuodi.people.enums import Programme

__all__ = ["CaseFile", "StandingEntry", "StandingList"]


class StandingList(models.Model):
    """One row: one issue of a village's standing publication (长期公示) of one programme. The next issue takes its place."""

    region = region_field()  #: of the village
    no = models.CharField("公示号", max_length=40, db_collation="C", unique=True)
    programme = models.CharField("项目", max_length=16, choices=Programme.choices)
    issued_on = models.DateField("公布日期")
    refresh_on = models.DateField("下次更新", null=True)  #: null = the region asks for none
    columns = models.JSONField("公布项目")  #: names of the allowed fields it shows
    issued_by = models.ForeignKey(
        "org.User", on_delete=models.PROTECT, null=True, related_name="+"
    )  #: null = the system
    office_name = models.CharField("公布单位", max_length=80)
    taken_down_on = models.DateField("撤下日期", null=True)  #: first day it is not read any more

    class Meta:
        verbose_name = "长期公示"
        constraints = [
            models.UniqueConstraint(
                "region", "programme", condition=Q(taken_down_on__isnull=True), name="decisions_standing_one"
            ),
        ]
        indexes = [models.Index("region", "id", name="decisions_standing_region")]

    def __str__(self) -> str:
        return self.no


class StandingEntry(models.Model):
    """One row: one unit on a standing list. `values` is all that is ever shown of it; the keys say whose entry it is."""

    listed = models.ForeignKey(StandingList, on_delete=models.PROTECT, related_name="entries")
    region = region_field()
    position = models.IntegerField("序号")
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, null=True, related_name="+")
    values = models.JSONField("公布内容")

    class Meta:
        verbose_name = "长期公示的户"
        constraints = [models.UniqueConstraint("listed", "position", name="decisions_standing_place")]
        indexes = [models.Index("region", "id", name="decisions_standentry_region")]

    def __str__(self) -> str:
        return f"{self.listed_id}.{self.position}"


class CaseFile(models.Model):
    """One row: one printing of a whole case as one PDF, until its bytes are destroyed."""

    class State(models.TextChoices):
        """Where it stands."""

        WAITING = "waiting", "排队中"
        MAKING = "making", "正在生成"
        READY = "ready", "可下载"
        FAILED = "failed", "没有生成"
        EXPIRED = "expired", "已过期"

    region = region_field()
    case = models.ForeignKey("cases.Case", on_delete=models.PROTECT, related_name="+")
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.WAITING)
    requested_at = models.DateTimeField("申请时间")
    requested_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    progress_done = models.IntegerField("已完成", default=0)  #: parts
    progress_total = models.IntegerField("共", default=0)
    #: [{name, state, note, first, pages}] in the order of the file; `state`: there, missing, unneeded.
    parts = models.JSONField("目录", default=list)
    pages = models.IntegerField("页数", null=True)
    sha256 = models.CharField("校验值", max_length=64, blank=True)
    stored = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField("生成时间", null=True)
    expires_on = models.DateField("有效期至", null=True)  #: last day it may be fetched
    error = models.CharField("没有生成的原因", max_length=300, blank=True)
    downloads = models.IntegerField("下载次数", default=0)

    class Meta:
        verbose_name = "案卷"
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="ready") | (Q(stored__isnull=False, pages__isnull=False) & ~Q(sha256="")),
                name="decisions_casefile_made",
            )
        ]
        indexes = [
            models.Index("region", "id", name="decisions_casefile_region"),
            models.Index("case", name="decisions_casefile_case"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id}.{self.pk}"
