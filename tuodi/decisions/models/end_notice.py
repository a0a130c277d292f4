"""Public notices that support of a tekun person is about to end ([43] art 26)."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import Q

from tuodi.decisions.models.determination import Determination
from tuodi.org.rls import region_field
from tuodi.people.enums import Programme


class EndState(models.TextChoices):
    """Where a notice stands. Moves are in `end_notices.MOVES`."""

    POSTED = "posted", "公示中"
    OBJECTED = "objected", "有异议，调查核实"
    REPOSTED = "reposted", "已重新公示"
    DECIDED = "decided", "已决定终止"
    WITHDRAWN = "withdrawn", "不终止，已撤下"


class EndNotice(models.Model):
    """One row: one round of the public notice (拟终止公示) before the support of one person ends.

    The day after the posting is day 1; the county decides after the last day, if nobody objected. What was posted is frozen by
    a trigger; a new round is a row of its own that `follows` the one before.
    """

    region = region_field()
    no = models.CharField("公示号", max_length=40, db_collation="C", unique=True)
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    programme = models.CharField("项目", max_length=16, choices=Programme.choices)
    fact_set = models.ForeignKey("verification.FactSet", on_delete=models.PROTECT, related_name="+")
    ground = models.CharField("终止情形", max_length=300)
    place = models.CharField("公示地点", max_length=80)  #: the village's board, or the facility the person lives in
    clause = models.CharField("依据", max_length=60)
    posted_on = models.DateField("公示日期")
    posted_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    days = models.SmallIntegerField("公示天数")
    last_day = models.DateField("公示截止")
    follows = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")
    state = models.CharField("状态", max_length=10, choices=EndState.choices, default=EndState.POSTED)
    objection = models.TextField("异议", blank=True)
    objected_on = models.DateField("异议日期", null=True)
    objected_by = models.ForeignKey(
        "org.User", on_delete=models.PROTECT, null=True, related_name="+"
    )  #: who took it in
    answer_due_on = models.DateField("核实期限", null=True)  #: null without an objection, or 待定 (`answer_pending`)
    answer_pending = models.BooleanField("核实期限待定", default=False)
    answer = models.TextField("核实情况", blank=True)
    answered_on = models.DateField("核实日期", null=True)
    answered_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    determination = models.ForeignKey(Determination, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        app_label = "decisions"
        verbose_name = "拟终止供养公示"
        constraints = [
            models.UniqueConstraint(
                "person", "programme", condition=Q(state__in=("posted", "objected")), name="decisions_endnotice_once"
            ),
            models.CheckConstraint(condition=Q(days__gte=1), name="decisions_endnotice_days"),
            models.CheckConstraint(
                condition=~Q(state=EndState.DECIDED) | Q(determination__isnull=False),
                name="decisions_endnotice_decided",
            ),
        ]
        indexes = [
            models.Index("region", "id", name="decisions_endnotice_region"),
            models.Index("state", "last_day", name="decisions_endnotice_due"),
        ]

    def __str__(self) -> str:
        return self.no

    def is_over(self, today: date) -> bool:
        """Whether the days have passed and nobody objected: the county may decide."""
        return self.state == EndState.POSTED and today > self.last_day
