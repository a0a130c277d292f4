"""Minors on the roll who are about to come of age (满龄核查): orphans, unattended children, tekun under age."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from tuodi.org.rls import region_field
from tuodi.people.enums import Programme


class ComingOfAge(models.Model):
    """One row: whether one person still at school stays on the roll after a birthday, or after the end of school.

    Raised some months ahead of `due_on` by the nightly job; for who stays because he is at school another follows when school
    is to end. Basis: [43] art 24; for children's programmes a value of the pack.
    """

    class State(models.TextChoices):
        """Moves are in `of_age.MOVES`."""

        OPEN = "open", "待核查"
        FOUND = "found", "已核查，待确认"
        KEPT = "kept", "在读，继续享受"
        ENDED = "ended", "已终止"
        GONE = "gone", "已不在册"

    region = region_field()
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    programme = models.CharField("项目", max_length=16, choices=Programme.choices)
    age = models.SmallIntegerField("满龄")  #: years, as the place's text had it
    due_on = models.DateField("满龄日期")  #: the birthday; for a later look, the day school was to end
    again = models.BooleanField("复查", default=False)  #: a later look at somebody who stayed because of school
    papers = ArrayField(models.CharField(max_length=40), verbose_name="须带材料", default=list)
    state = models.CharField("状态", max_length=6, choices=State.choices, default=State.OPEN)
    opened_on = models.DateField("派发日期")
    told_on = models.DateField("告知日期", null=True)
    told_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    told_how = models.CharField("告知方式", max_length=20, blank=True)
    school = models.CharField("就读阶段", max_length=20, blank=True)  #: code of the packs' `school`
    school_name = models.CharField("学校", max_length=80, blank=True)
    school_until = models.DateField("预计毕业", null=True)  #: null = not known: looked at again after the pack's months
    note = models.CharField("核查情况", max_length=500, blank=True)
    fact_set = models.ForeignKey("verification.FactSet", on_delete=models.PROTECT, null=True, related_name="+")
    found_on = models.DateField("核查日期", null=True)
    found_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    determination = models.ForeignKey("decisions.Determination", on_delete=models.PROTECT, null=True, related_name="+")
    settled_on = models.DateField("确认日期", null=True)
    settled_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        app_label = "monitoring"
        verbose_name = "满龄核查"
        constraints = [
            models.UniqueConstraint("person", "programme", "due_on", name="monitoring_ofage_once"),
            models.UniqueConstraint(
                "person", "programme", condition=Q(state__in=("open", "found")), name="monitoring_ofage_open"
            ),
        ]
        indexes = [
            models.Index("region", "id", name="monitoring_ofage_region"),
            models.Index("state", "due_on", name="monitoring_ofage_due"),
        ]
