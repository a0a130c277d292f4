"""Payments asked back of a bank before it executes them (撤销), and accounts asked about by message."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from tuodi.org.rls import region_field
from tuodi.payments.states import RecallPurpose, RecallReason, RecallState, RecallWord


class BankRecall(models.Model):
    """One row: a request that a bank give back payments of one file, proposed by one person and sent by another's word.

    The number and the file are made when the second person agrees, before anything leaves.
    """

    batch = models.ForeignKey("payments.BankBatch", on_delete=models.PROTECT, related_name="recalls")
    region = region_field()
    no = models.CharField("撤销编号", max_length=35, db_collation="C", unique=True)
    purpose = models.CharField("撤回后", max_length=6, choices=RecallPurpose.choices)
    reason_code = models.CharField("原因", max_length=4, choices=RecallReason.choices)
    reason = models.CharField("说明", max_length=300)
    state = models.CharField("状态", max_length=10, choices=RecallState.choices, default=RecallState.PROPOSED)
    proposed_at = models.DateTimeField("提出时间")
    proposed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField("复核时间", null=True)
    decided_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    file = models.ForeignKey(
        "files.StoredFile", on_delete=models.PROTECT, null=True, related_name="+"
    )  #: null = not yet agreed to
    file_name = models.CharField("文件名", max_length=100, blank=True)
    sha256 = models.CharField("文件校验值", max_length=64, blank=True)
    closed_at = models.DateTimeField("答复或不再等的时间", null=True)
    note = models.CharField("不再等的理由", max_length=300, blank=True)

    class Meta:
        verbose_name = "撤销请求"
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | Q(state=RecallState.WITHDRAWN) | ~Q(decided_by=F("proposed_by")),
                name="payments_recall_four_eyes",
            ),
            models.CheckConstraint(
                condition=Q(state=RecallState.PROPOSED, decided_by__isnull=True)
                | Q(state=RecallState.WITHDRAWN, decided_by__isnull=False)
                | (
                    Q(state__in=[RecallState.ASKED, RecallState.GIVEN_UP, RecallState.ANSWERED], file__isnull=False)
                    & Q(decided_by__isnull=False)
                ),
                name="payments_recall_decided",
            ),
        ]
        indexes = [models.Index(fields=["batch", "-id"], name="payments_recall_batch")]

    def __str__(self) -> str:
        return self.no


class RecallLine(models.Model):
    """One row: one payment that is asked back, and the bank's word about it."""

    recall = models.ForeignKey(BankRecall, on_delete=models.PROTECT, related_name="lines", db_index=False)
    item = models.ForeignKey("payments.BankItem", on_delete=models.PROTECT, related_name="recalls", db_index=False)
    region = region_field()
    word = models.CharField("银行答复", max_length=10, choices=RecallWord.choices, default=RecallWord.ASKED)
    code = models.CharField("代码", max_length=10, blank=True)
    message = models.CharField("银行说明", max_length=100, blank=True)
    at = models.DateTimeField("答复时间", null=True)

    class Meta:
        verbose_name = "撤销明细"
        constraints = [
            models.UniqueConstraint("recall", "item", name="payments_recall_line_once"),
            # One request at a time for one payment.
            models.UniqueConstraint(
                "item", condition=Q(word__in=[RecallWord.ASKED, RecallWord.RETURNING]), name="payments_recall_line_open"
            ),
        ]


class AccountInquiry(models.Model):
    """One row: a message that asks a bank whether accounts of a run can take money. What it says is `AccountCheck`."""

    run = models.ForeignKey("payments.PayRun", on_delete=models.PROTECT, related_name="inquiries")
    region = region_field()
    no = models.CharField("校验批次", max_length=35, db_collation="C", unique=True)
    #: Ids of the lines in the order of the file: a run calculated anew has others, and an old answer then fits none.
    lines = ArrayField(models.BigIntegerField(), verbose_name="行")
    file = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, related_name="+")
    file_name = models.CharField("文件名", max_length=100)
    sha256 = models.CharField("文件校验值", max_length=64)
    made_at = models.DateTimeField("生成时间")
    made_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "账户校验请求"
        indexes = [models.Index(fields=["run", "-id"], name="payments_inquiry_run")]

    def __str__(self) -> str:
        return self.no
