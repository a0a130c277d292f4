"""What every file has that goes out with a second person's agreement: who asked, who agreed, what was made, how long it lies."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Q

from tuodi.org.rls import region_field

__all__ = ["GuardedFile", "guards"]


class GuardedFile(models.Model):
    """One row: one file somebody asked for. Above so many rows a second person must have agreed before it is made."""

    class State(models.TextChoices):
        """Where it stands."""

        WAITING = "waiting", "待审批"
        APPROVED = "approved", "待生成"
        READY = "ready", "可下载"
        REFUSED = "refused", "未批准"
        EXPIRED = "expired", "已过期"

    region = region_field()
    place_code = models.CharField("范围", max_length=12, db_collation="C")
    state = models.CharField("状态", max_length=10, choices=State.choices)
    expected = models.BigIntegerField("申请时行数")  #: counted when asked; decides whether a second person is needed
    limit_rows = models.BigIntegerField("免审批行数")  #: the parameter as it was
    rows = models.BigIntegerField("行数", null=True)  #: of the file; null = not made yet
    sha256 = models.CharField("文件校验值", max_length=64, blank=True)
    seconds = models.FloatField("用时", null=True)
    stored = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, null=True, related_name="+")
    requested_at = models.DateTimeField("申请时间")
    requested_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField("审批时间", null=True)
    approved_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    refuse_reason = models.CharField("不批准理由", max_length=200, blank=True)
    made_at = models.DateTimeField("生成时间", null=True)
    expires_on = models.DateField("有效期至", null=True)  #: last day it may be fetched
    downloads = models.SmallIntegerField("下载次数", default=0)

    class Meta:
        abstract = True


def guards(prefix: str) -> list[Any]:
    """The constraints of such a table: two people, nothing too large without the second, a ready file is whole."""
    return [
        models.CheckConstraint(
            condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("requested_by")), name=f"{prefix}_other"
        ),
        models.CheckConstraint(
            condition=~Q(state="ready")
            | Q(expected__lte=F("limit_rows"), rows__lte=F("limit_rows"))
            | Q(approved_by__isnull=False),
            name=f"{prefix}_approved",
        ),
        models.CheckConstraint(
            condition=~Q(state="ready") | (Q(rows__isnull=False, stored__isnull=False) & ~Q(sha256="")),
            name=f"{prefix}_made",
        ),
    ]
