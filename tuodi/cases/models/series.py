"""Running numbers of cases, notices and decisions."""

from __future__ import annotations

from django.db import models


class NumberSeries(models.Model):
    """One row: the last number given in one series, place and day."""

    kind = models.CharField("系列", max_length=12)
    place = models.CharField("区划", max_length=12, db_collation="C")
    day = models.DateField("日期")
    last = models.IntegerField("末号", default=0)

    class Meta:
        verbose_name = "编号"
        constraints = [models.UniqueConstraint("kind", "place", "day", name="cases_series_once")]

    def __str__(self) -> str:
        return f"{self.kind}/{self.place}/{self.day}:{self.last}"
