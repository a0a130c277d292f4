"""Price linkage: indices as published, people of groups outside our programmes, and who was given a share in which run."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tuodi.org.rls import region_field
from tuodi.people.enums import AreaKind
from tuodi.people.fields import month_check

__all__ = ["PriceIndex", "PriceList", "PriceMember", "PriceReminder", "PriceShare"]


class PriceIndex(models.Model):
    """One row: the year-on-year indices of one month as a statistics office published them. Append-only; the newest row of a month counts."""

    place = models.CharField("地区", max_length=12, db_collation="C")  #: significant digits; nearer ones win
    month = models.IntegerField("指数月份")
    cpi = models.DecimalField("居民消费价格同比涨幅（%）", max_digits=5, decimal_places=1)
    food = models.DecimalField(
        "食品价格同比涨幅（%）", max_digits=5, decimal_places=1, null=True
    )  #: null = not published
    grain = models.DecimalField("粮食价格同比涨幅（%）", max_digits=5, decimal_places=1, null=True)
    source = models.CharField("出处", max_length=200)
    published_on = models.DateField("公布日")
    hypothetical = models.BooleanField("假设", default=False)
    entered_at = models.DateTimeField("登记时间")
    entered_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "价格指数"
        constraints = [models.CheckConstraint(condition=month_check("month"), name="payments_index_month")]
        indexes = [models.Index(fields=["place", "month", "-id"], name="payments_index_place")]


class PriceList(models.Model):
    """One row: a list of people of outside groups a department sent, with the rows that could not be used. Append-only."""

    region = region_field()  #: the county
    file = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, related_name="+")
    file_name = models.CharField("文件名", max_length=200)
    source = models.CharField("出处", max_length=200)
    rows = models.IntegerField("行数")
    taken = models.IntegerField("登记")
    faults = models.JSONField("问题", default=list)  #: [{row, field, reason, remedy}]; a row may have several
    imported_at = models.DateTimeField("导入时间")
    imported_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "价格补贴对象名单"
        constraints = [
            models.CheckConstraint(
                condition=Q(taken__gte=0, rows__gte=models.F("taken")), name="payments_price_list_rows"
            )
        ]
        indexes = [models.Index(fields=["region", "-id"], name="payments_price_list_region")]

    @property
    def bad(self) -> int:
        """Rows that were not registered."""
        return self.rows - self.taken


class PriceMember(models.Model):
    """One row: a person of a covered group that is no programme of ours, for some months (优抚对象, 领取失业保险金人员 …)."""

    region = region_field()
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    group = models.CharField("对象类别", max_length=24, db_collation="C")  #: a value of the packs' `price_group`
    area_kind = models.CharField("城乡", max_length=8, choices=AreaKind.choices)
    start_month = models.IntegerField("起始月份")
    end_month = models.IntegerField("终止月份", null=True)
    source = models.CharField("出处", max_length=200)
    entered_at = models.DateTimeField("登记时间")
    entered_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "价格补贴对象"
        constraints = [
            models.UniqueConstraint("person", "group", "start_month", name="payments_price_member_once"),
            models.CheckConstraint(
                condition=Q(end_month__isnull=True) | Q(end_month__gte=models.F("start_month")),
                name="payments_price_member_months",
            ),
        ]
        indexes = [models.Index(fields=["region", "group"], name="payments_price_member_region")]


class PriceShare(models.Model):
    """One row: one person's share for one index month. One person has one, whatever the groups he is in."""

    run = models.ForeignKey("payments.PayRun", on_delete=models.PROTECT, related_name="+")
    region = region_field()
    index_month = models.IntegerField("指数月份")
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    group = models.CharField("对象类别", max_length=24)  #: dibao, tekun, or the group outside our programmes
    amount_fen = models.BigIntegerField("金额（分）")
    #: In the family's line of the run; false = paid by the department that keeps the group's roll, listed for it.
    in_line = models.BooleanField("随本批发放")
    live = models.BooleanField("有效", default=True)  #: false in a cancelled or recalculated run

    class Meta:
        verbose_name = "价格补贴份额"
        constraints = [
            models.UniqueConstraint("person", "index_month", condition=Q(live=True), name="payments_price_once"),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="payments_price_positive"),
        ]
        indexes = [models.Index(fields=["run", "index_month", "region"], name="payments_price_run")]


class PriceReminder(models.Model):
    """One row: a place was reminded that a triggered month is near its last day and nothing of it is paid. Nothing of persons."""

    region = region_field()  #: the place of the month's run, in full
    place = models.CharField("发放地", max_length=12, db_collation="C")  #: the same, significant digits
    index_month = models.IntegerField("指数月份")
    index = models.ForeignKey(PriceIndex, on_delete=models.PROTECT, related_name="+")  #: the row that triggered
    due_on = models.DateField("发放期限", null=True)  #: null = the calendar of that year is not out yet
    made_at = models.DateTimeField("提醒时间")
    ended_at = models.DateTimeField("不再需要", null=True)  #: a corrected index does not trigger any more

    class Meta:
        verbose_name = "价格补贴到期提醒"
        constraints = [
            models.UniqueConstraint("place", "index_month", name="payments_price_reminder_once"),
            models.CheckConstraint(condition=month_check("index_month"), name="payments_price_reminder_month"),
        ]
