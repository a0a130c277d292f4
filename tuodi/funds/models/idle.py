"""Money that lies (沉淀、滞留): a sub-account's balance that has not moved for longer than its place allows (M36, M37)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tuodi.funds.states import Account
from tuodi.org.rls import region_field

__all__ = ["IdleAlert"]


class IdleAlert(models.Model):
    """One row: a balance was found lying too long; it ends when the money moves. Nothing of persons."""

    region = region_field()  #: the county, of a float the town
    programme = models.CharField("项目", max_length=16)
    source = models.CharField("资金来源", max_length=20, db_collation="C")
    account = models.CharField("科目", max_length=12, choices=Account.choices)
    run_id = models.BigIntegerField("发放批次", default=0)  #: 0 = of no run
    amount_fen = models.BigIntegerField("金额（分）")
    still_since = models.DateField("最近变动")
    limit_days = models.IntegerField("允许天数")
    made_at = models.DateTimeField("提醒时间")
    #: What is being done about it, by whom; empty = nobody has said.
    handling = models.CharField("处理情况", max_length=300, blank=True)
    handled_at = models.DateTimeField("说明时间", null=True)
    handled_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField("已变动", null=True)  #: null = still lies

    class Meta:
        verbose_name = "资金沉淀提醒"
        constraints = [
            models.UniqueConstraint(
                "region",
                "programme",
                "source",
                "account",
                "run_id",
                condition=Q(ended_at__isnull=True),
                name="funds_idle_once",
            ),
            models.CheckConstraint(
                condition=Q(handled_by__isnull=True, handled_at__isnull=True, handling="")
                | (Q(handled_by__isnull=False, handled_at__isnull=False) & ~Q(handling="")),
                name="funds_idle_handled",
            ),
        ]
        indexes = [models.Index(fields=["region", "-id"], name="funds_idle_region")]
