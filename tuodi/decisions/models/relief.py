"""Rows of relief that is granted once: the months a grant is paid in, and emergencies that are relieved first."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tuodi.decisions.relief_states import Cause, ReliefState
from tuodi.org.rls import region_field
from tuodi.people.enums import Programme
from tuodi.people.fields import month_check


class GrantStage(models.Model):
    """One row: what one grant of a programme that is paid once gives in one month (一次审批、分阶段救助).

    A grant paid whole has one row. The roll's entry of a household and month is the sum of the stages that stand, so
    two grants for different causes are both paid, by one line. A stage paid from petty cash stands, but not on the roll.
    """

    region = region_field()
    determination = models.ForeignKey("decisions.Determination", on_delete=models.PROTECT, related_name="+")
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    programme = models.CharField("项目", max_length=16, choices=Programme.choices)
    month = models.IntegerField("发放月")  #: yyyymm
    amount_fen = models.BigIntegerField("金额（分）")
    in_cash = models.BooleanField("由备用金支付", default=False)  #: paid on the spot: it counts, and no run pays it
    planned_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    planned_at = models.DateTimeField("安排时间")
    ended_at = models.DateTimeField("失效时间", null=True)  #: null = it stands
    end_reason = models.CharField("失效原因", max_length=200, blank=True)

    class Meta:
        verbose_name = "救助分期"
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="decisions_stage_amount"),
            models.CheckConstraint(condition=month_check("month"), name="decisions_stage_month"),
            models.UniqueConstraint(
                "determination", "month", "in_cash", condition=Q(ended_at__isnull=True), name="decisions_stage_once"
            ),
        ]
        indexes = [
            models.Index("region", "id", name="decisions_stage_region"),
            models.Index("household", "programme", "month", name="decisions_stage_family"),
        ]

    def __str__(self) -> str:
        return f"{self.determination_id}/{self.month}"


class Relief(models.Model):
    """One row: an emergency of a family, from the report to the papers (先行救助).

    Relief first makes a provisional determination, which the next monthly run pays; the papers follow by `papers_due_on`.
    """

    class Source(models.TextChoices):
        """Who brought it."""

        COUNTER = "counter", "窗口"
        SPOT = "spot", "现场"
        DISCOVERY = "discovery", "主动发现"
        TICKET = "ticket", "热线工单"

    region = region_field()
    no = models.CharField("编号", max_length=40, db_collation="C", unique=True)
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")  #: who is relieved
    source = models.CharField("来源", max_length=12, choices=Source.choices)
    source_ref = models.CharField("来源编号", max_length=40, blank=True)  #: number of the discovery or ticket
    cause = models.CharField("事由", max_length=20, choices=Cause.choices)
    event_on = models.DateField("发生日期")
    story = models.TextField("情况")
    state = models.CharField("状态", max_length=12, choices=ReliefState.choices, default=ReliefState.REPORTED)
    reported_at = models.DateTimeField("接报时间")
    reported_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    respond_by = models.DateTimeField("响应时限")  #: hours from the report, of the region
    relieve_by = models.DateTimeField("救助时限")
    responded_at = models.DateTimeField("响应时间", null=True)
    responded_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    case = models.OneToOneField("cases.Case", on_delete=models.PROTECT, null=True, related_name="+")
    determination = models.OneToOneField(
        "decisions.Determination", on_delete=models.PROTECT, null=True, related_name="+"
    )  #: the provisional one
    asked_fen = models.BigIntegerField(
        "拟给金额（分）", null=True
    )  #: before the region's bounds; null = by the standard
    relieved_at = models.DateTimeField("先行救助时间", null=True)
    relieved_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    agreed_by = models.CharField("同意先行救助的负责人", max_length=40, blank=True)
    approver = models.CharField("审批机关", max_length=8, blank=True)  #: town, county; unknown = no ceiling, so county
    place_note = models.CharField("地点", max_length=100, blank=True)
    latitude = models.DecimalField("纬度", max_digits=9, decimal_places=6, null=True)
    longitude = models.DecimalField("经度", max_digits=9, decimal_places=6, null=True)
    photo = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, null=True, related_name="+")
    papers_due_on = models.DateField("补手续期限", null=True)  #: null = none yet, or 待定 (`papers_pending`)
    papers_pending = models.BooleanField("补手续期限待定", default=False)
    papers_note = models.CharField("期限说明", max_length=200, blank=True)
    #: Signatures in the stored form of visits: role, name, kind, strokes or reason, sha256.
    signatures = models.JSONField("签名", default=list)
    papers_at = models.DateTimeField("补齐时间", null=True)
    papers_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    papers_reason = models.TextField("补充说明", blank=True)
    alarmed_at = models.DateTimeField("超期提醒时间", null=True)  #: first time the overdue papers were found
    ended_at = models.DateTimeField("结束时间", null=True)
    ended_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    end_reason = models.CharField("结束原因", max_length=300, blank=True)

    class Meta:
        verbose_name = "急难求助"
        constraints = [
            models.CheckConstraint(
                condition=Q(asked_fen__isnull=True) | Q(asked_fen__gt=0), name="decisions_relief_asked"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["reported", "responded", "closed"])
                | Q(case__isnull=False, determination__isnull=False, relieved_at__isnull=False),
                name="decisions_relief_granted",
            ),
            # A deed done first has a day by which its papers are due, or says that the day is still open.
            models.CheckConstraint(
                condition=Q(relieved_at__isnull=True) | Q(papers_due_on__isnull=False) | Q(papers_pending=True),
                name="decisions_relief_due",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["withdrawn", "closed"]) | ~Q(end_reason=""), name="decisions_relief_ended"
            ),
        ]
        indexes = [
            models.Index("region", "id", name="decisions_relief_region"),
            models.Index("state", "region", name="decisions_relief_state"),
            models.Index("household", name="decisions_relief_family"),
        ]

    def __str__(self) -> str:
        return self.no
