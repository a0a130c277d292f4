"""The working-day calendar: one row a year and version, as the State Council's notice prints it."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class WorkdayYear(models.Model):
    """One row: the arrangement of one year, in one version. The highest version counts; rows are never changed.

    Kept as the notice is written: Monday to Friday are worked except `days_off`, and `days_worked` are made-up
    weekends. A year without a row is unknown, never plain Monday to Friday.
    """

    year = models.IntegerField("年份")
    version = models.IntegerField("版本", default=1)
    document = models.CharField("依据文件", max_length=120)
    #: Weekdays that are off (legal holidays); weekend days inside a holiday may be listed too.
    days_off = ArrayField(models.DateField(), verbose_name="放假日", default=list)
    #: Weekend days that are worked (调休上班).
    days_worked = ArrayField(models.DateField(), verbose_name="调休上班日", default=list)
    entered_at = models.DateTimeField("录入时间")
    entered_by_id = models.BigIntegerField("录入人", null=True)  #: null = shipped with the product

    class Meta:
        verbose_name = "工作日历"
        constraints = [models.UniqueConstraint("year", "version", name="cases_workday_year_once")]

    def __str__(self) -> str:
        return f"{self.year}.{self.version}"
