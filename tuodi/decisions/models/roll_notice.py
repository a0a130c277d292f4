"""Written notices that what a unit gets changes."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import Q

from tuodi.cases.calendar import notice_end
from tuodi.decisions.models.determination import Determination
from tuodi.kernel.workdays import Calendar
from tuodi.org.rls import region_field
from tuodi.people.enums import Programme
from tuodi.people.fields import month_check


class RollNotice(models.Model):
    """One row: a written notice that what a unit gets changes (调整、渐退、停发、迁出告知书): 649 art 13, [57] art 32.

    Made with the determination it tells of; only the delivery is entered later. `appeal_until` counts from the delivery.
    """

    class Kind(models.TextChoices):
        """What it tells."""

        INCREASE = "increase", "增发"
        DECREASE = "decrease", "减发"
        GRACE = "grace", "渐退"
        STOP = "stop", "停发"
        MOVED = "moved", "迁出终止"

    class How(models.TextChoices):
        """How it reached the family."""

        HAND = "hand", "当面送达"
        POST = "post", "邮寄送达"
        LEFT = "left", "留置送达"
        ONLINE = "online", "电子送达"
        PUBLIC = "public", "公告送达"

    region = region_field()
    no = models.CharField("告知书号", max_length=40, db_collation="C", unique=True)
    kind = models.CharField("种类", max_length=10, choices=Kind.choices)
    determination = models.OneToOneField(Determination, on_delete=models.PROTECT, related_name="notice")
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, null=True, related_name="+")
    programme = models.CharField("项目", max_length=16, choices=Programme.choices)
    effective_month = models.IntegerField("起始月")  #: yyyymm
    until_month = models.IntegerField("止", null=True)  #: yyyymm, last month of a gradual exit
    before_fen = models.BigIntegerField("原月金额（分）", null=True)  #: null = not known
    after_fen = models.BigIntegerField("现月金额（分）")  #: 0 = stopped
    reasons = models.TextField("理由")
    clause = models.CharField("依据", max_length=200)
    appeal = models.TextField("救济途径")
    appeal_days = models.SmallIntegerField("复议期限（日）")
    made_on = models.DateField("作出日期")
    made_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    delivered_on = models.DateField("送达日期", null=True)
    delivered_how = models.CharField("送达方式", max_length=8, choices=How.choices, blank=True)
    received_by = models.CharField("签收人", max_length=60, blank=True)
    delivered_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "调整告知书"
        constraints = [
            models.CheckConstraint(condition=month_check("effective_month"), name="decisions_rnotice_month"),
            models.CheckConstraint(condition=Q(after_fen__gte=0) & ~Q(reasons=""), name="decisions_rnotice_reasons"),
            models.CheckConstraint(
                condition=Q(delivered_on__isnull=True, delivered_how="") | (Q(delivered_on__isnull=False) & ~Q(delivered_how="")),
                name="decisions_rnotice_delivery",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index("region", "id", name="decisions_rnotice_region"),
            models.Index("household", name="decisions_rnotice_family"),
        ]

    def __str__(self) -> str:
        return self.no

    @property
    def appeal_until(self) -> date | None:
        """Last day to ask for reconsideration: counted from the day after the delivery, else after the making; a last day
        off moves on. None = 待定: the year has no official calendar.
        """
        return self.appeal_until_by(None)

    def appeal_until_by(self, base: Calendar | None) -> date | None:
        """Like `appeal_until`, by a calendar that was looked up once for a whole list."""
        return notice_end(self.delivered_on or self.made_on, self.appeal_days, roll=True, base=base).on
