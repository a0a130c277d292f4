"""Bank files given out to be carried by hand, counted as the mark outside the database counts them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from tuodi.org.rls import region_field
from tuodi.payments.states import DecisionState


class Handout(models.Model):
    """One row: a bank file was given out for the first time; from then on the bank may have it. Append-only."""

    batch = models.OneToOneField("payments.BankBatch", on_delete=models.PROTECT, related_name="handout")
    region = region_field()
    place = models.CharField("范围", max_length=12, db_collation="C")  #: significant digits of the batch's region
    no = models.BigIntegerField("序号")  #: from 1, of its place
    at = models.DateTimeField("交出时间")
    by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "文件交出记录"
        constraints = [models.UniqueConstraint("place", "no", name="payments_handout_no")]


class HandoutRelease(models.Model):
    """One row: why files of a place may be carried again although the mark knew of more, or there was none."""

    class Kind(models.TextChoices):
        """What it rests on."""

        EVIDENCE = "evidence", "银行回盘或对账单"
        WORD = "word", "两人认定"

    region = region_field()
    place = models.CharField("范围", max_length=12, db_collation="C")
    kind = models.CharField("根据", max_length=8, choices=Kind.choices)
    no = models.BigIntegerField("标记序号")  #: up to which number of the mark it speaks
    day = models.DateField("标记日期")  #: that of the mark; of a lost mark the day it was proposed
    #: Numbers of files the mark knew and the database did not.
    files = ArrayField(models.CharField(max_length=30), verbose_name="文件", default=list)
    reason = models.CharField("理由", max_length=300)
    state = models.CharField("状态", max_length=10, choices=DecisionState.choices, default=DecisionState.PROPOSED)
    proposed_at = models.DateTimeField("提出时间")
    proposed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField("复核时间", null=True)
    closed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "恢复人工送取"
        constraints = [
            models.CheckConstraint(
                condition=Q(state="proposed", closed_by__isnull=True)
                | Q(state="withdrawn", closed_by__isnull=False)
                | (
                    Q(state="confirmed", closed_by__isnull=False)
                    & (Q(kind="evidence") | ~Q(closed_by=F("proposed_by")))
                ),
                name="payments_handout_release_four_eyes",
            ),
            models.UniqueConstraint("place", condition=Q(state="proposed"), name="payments_handout_release_open"),
        ]
