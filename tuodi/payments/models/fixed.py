"""Fixed amounts another department determines (计划生育家庭扶助 …): its lists, and who stands on them."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.db import models
from django.db.models import F, Q

from tuodi.org.rls import region_field
from tuodi.payments.labels import pay_label
from tuodi.payments.states import ListState, PayProgramme, Period
from tuodi.people.fields import month_check, month_period

__all__ = ["FixedEntry", "FixedList"]


class FixedList(models.Model):
    """One row: a list a department sent, with the rows that could not be used. Its people are paid once another officer approves it."""

    region = region_field()  #: the county
    programme = models.CharField("项目", max_length=16, choices=PayProgramme.choices)
    file = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, related_name="+")
    file_name = models.CharField("文件名", max_length=200)
    source = models.CharField("出处", max_length=200)
    rows = models.IntegerField("行数")
    taken = models.IntegerField("登记")
    faults = models.JSONField("问题", default=list)  #: [{row, field, reason, remedy}]; a row may have several
    state = models.CharField("状态", max_length=8, choices=ListState.choices, default=ListState.PROPOSED)
    imported_at = models.DateTimeField("导入时间")
    imported_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField("审核时间", null=True)
    decided_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    note = models.CharField("审核意见", max_length=200, blank=True)

    def get_programme_display(self) -> str:
        """The fixed amount in words, as the packs have it."""
        return pay_label(self.programme)

    class Meta:
        verbose_name = "主管部门名单"
        constraints = [
            models.CheckConstraint(
                condition=Q(taken__gte=0, rows__gte=models.F("taken")), name="payments_fixed_list_rows"
            ),
            models.CheckConstraint(
                condition=Q(state=ListState.PROPOSED, decided_by__isnull=True, decided_at__isnull=True)
                | Q(decided_by__isnull=False, decided_at__isnull=False) & ~Q(state=ListState.PROPOSED),
                name="payments_fixed_list_decided",
            ),
            # Four eyes, whoever calls.
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("imported_by")), name="payments_fixed_list_eyes"
            ),
        ]
        indexes = [models.Index(fields=["region", "-id"], name="payments_fixed_list_region")]

    @property
    def bad(self) -> int:
        """Rows that were not registered."""
        return self.rows - self.taken


class FixedEntry(models.Model):
    """One row: a person on a list, paid its amount each month or once a year in the month it begins with."""

    region = region_field()
    list = models.ForeignKey(FixedList, on_delete=models.PROTECT, related_name="entries")
    programme = models.CharField("项目", max_length=16, choices=PayProgramme.choices)
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+", db_index=False)
    basis = models.CharField(
        "情形", max_length=24, db_collation="C"
    )  #: a case of the fixed amount, as its packs have it
    period = models.CharField("发放周期", max_length=5, choices=Period.choices)
    amount_fen = models.BigIntegerField("每次金额（分）")
    start_month = models.IntegerField("起始月份")
    end_month = models.IntegerField("终止月份", null=True)
    end_reason = models.CharField("终止原因", max_length=200, blank=True)
    #: The account of the list; null = none was given, the person's newest is used.
    account = models.ForeignKey("people.Account", on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    source = models.CharField("出处", max_length=200)
    active = models.BooleanField("生效", default=False)  #: its list was approved

    def get_programme_display(self) -> str:
        """The fixed amount in words, as the packs have it."""
        return pay_label(self.programme)

    class Meta:
        verbose_name = "固定金额对象"
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="payments_fixed_amount"),
            models.CheckConstraint(condition=month_check("start_month"), name="payments_fixed_month"),
            models.CheckConstraint(
                condition=Q(end_month__isnull=True) | Q(end_month__gte=F("start_month")),
                name="payments_fixed_months",
            ),
            ExclusionConstraint(
                name="payments_fixed_apart",
                expressions=[("person", "="), ("programme", "="), month_period()],
                condition=Q(active=True),
            ),
        ]
        indexes = [models.Index(fields=["region", "programme"], name="payments_fixed_region")]
