"""Files to banks and their answers."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from tuodi.org.rls import region_field
from tuodi.payments.states import BatchState, LineStatus


class BankBatch(models.Model):
    """One row: one file to one bank."""

    #: null = orders to bodies (`funds.PayOrder`), which are of no month
    run = models.ForeignKey("payments.PayRun", on_delete=models.PROTECT, null=True, related_name="batches")
    region = region_field()
    no = models.CharField("批次号", max_length=30, db_collation="C", unique=True)  #: the reference the bank repeats
    bank_code = models.CharField("银行代码", max_length=14, blank=True)
    profile = models.CharField("文件格式", max_length=40)
    lines = models.IntegerField("笔数")
    amount_fen = models.BigIntegerField("金额（分）")
    summary = models.CharField("摘要", max_length=20)
    file = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, related_name="+")
    file_name = models.CharField("文件名", max_length=100)
    sha256 = models.CharField("文件校验值", max_length=64)
    is_reissue = models.BooleanField("补发批次", default=False)
    state = models.CharField("状态", max_length=16, choices=BatchState.choices, default=BatchState.SENT)
    made_at = models.DateTimeField("生成时间")
    made_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "银行批次"
        constraints = [models.CheckConstraint(condition=Q(lines__gt=0, amount_fen__gt=0), name="payments_batch_full")]
        indexes = [models.Index(fields=["region", "-id"], name="payments_batch_region")]

    def __str__(self) -> str:
        return self.no


class BankItem(models.Model):
    """One row: one line in one file: a line of a run, or an order to a body. It is in one file at a time; a reissue names
    the item it follows."""

    # No index of their own where another begins with the column: a change of status writes every one of them.
    batch = models.ForeignKey(BankBatch, on_delete=models.PROTECT, related_name="items", db_index=False)
    region = region_field()
    seq = models.IntegerField("序号")  #: from 1, unique in the batch
    line = models.ForeignKey(
        "payments.PayLine", on_delete=models.PROTECT, null=True, related_name="items", db_index=False
    )  #: null = an order
    order = models.ForeignKey(
        "funds.PayOrder", on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )  #: null = a line
    amount_fen = models.BigIntegerField("金额（分）")
    account_id = models.BigIntegerField("账户")
    account_uid = models.UUIDField()
    account_cipher = models.BinaryField()
    account_last4 = models.CharField("末四位", max_length=4)
    bank_code = models.CharField("开户行代码", max_length=14, blank=True)
    holder = models.CharField("户名", max_length=60)
    orig = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")
    status = models.CharField("结果", max_length=8, choices=LineStatus.choices, default=LineStatus.SENT)
    #: Its money is out or on its way; it asks for somebody. Indexes are over these: from sent to paid neither changes, and no index with it.
    holds = models.GeneratedField(
        expression=Q(status__in=["sent", "unknown", "paid"]), output_field=models.BooleanField(), db_persist=True
    )
    asks = models.GeneratedField(
        expression=Q(status__in=["unknown", "failed", "returned"]), output_field=models.BooleanField(), db_persist=True
    )

    class Meta:
        verbose_name = "银行明细"
        constraints = [
            models.UniqueConstraint("batch", "seq", name="payments_item_seq"),
            # Never two files at once for one line, nor a second after the money arrived.
            models.UniqueConstraint("line", condition=Q(holds=True), name="payments_item_one_open"),
            models.UniqueConstraint(
                "order", condition=Q(holds=True, order__isnull=False), name="payments_item_one_order"
            ),
            models.CheckConstraint(
                condition=Q(line__isnull=False, order__isnull=True) | Q(line__isnull=True, order__isnull=False),
                name="payments_item_one_of",
            ),
        ]
        indexes = [
            models.Index(fields=["line", "-id"], name="payments_item_line"),
            models.Index(fields=["order", "-id"], condition=Q(order__isnull=False), name="payments_item_order"),
            # Nearly all are paid: what went wrong is found without reading them.
            models.Index(fields=["batch"], condition=Q(asks=True), name="payments_item_asks"),
        ]


class BankReturn(models.Model):
    """One row: one answer of a bank, applied or refused whole; the file is kept either way."""

    class State(models.TextChoices):
        """What became of it."""

        APPLIED = "applied", "已入账"
        REFUSED = "refused", "整份拒收"

    #: null = a file of the bank's that belongs to no run known here, or one about orders to bodies
    run = models.ForeignKey("payments.PayRun", on_delete=models.PROTECT, null=True, related_name="returns")
    batch = models.ForeignKey(BankBatch, on_delete=models.PROTECT, null=True, related_name="returns")
    link = models.ForeignKey("payments.BankLink", on_delete=models.PROTECT, null=True, related_name="returns")
    #: set where it answers a request to give payments back
    recall = models.ForeignKey("payments.BankRecall", on_delete=models.PROTECT, null=True, related_name="returns")
    kind = models.CharField("报文类别", max_length=10, blank=True)  #: pain.002 …; empty = a table
    message_id = models.CharField("银行报文号", max_length=35, blank=True)
    region = region_field()
    file = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, related_name="+")
    file_name = models.CharField("文件名", max_length=200)
    sha256 = models.CharField("文件校验值", max_length=64)
    state = models.CharField("状态", max_length=8, choices=State.choices)
    rows = models.IntegerField("行数", default=0)
    paid_lines = models.IntegerField("成功笔数", default=0)
    paid_fen = models.BigIntegerField("成功金额（分）", default=0)
    failed_lines = models.IntegerField("失败笔数", default=0)
    failed_fen = models.BigIntegerField("失败金额（分）", default=0)
    unknown_lines = models.IntegerField("未知笔数", default=0)
    returned_lines = models.IntegerField("退票笔数", default=0)
    faults = ArrayField(models.CharField(max_length=300), verbose_name="拒收原因", default=list)
    imported_at = models.DateTimeField("导入时间")
    imported_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "银行回盘"
        constraints = [
            models.UniqueConstraint(
                "batch", "sha256", condition=Q(state="applied"), name="payments_return_applied_once"
            ),
            models.UniqueConstraint(
                "batch",
                "kind",
                "message_id",
                condition=Q(state="applied") & ~Q(message_id=""),
                name="payments_return_message_once",
            ),
        ]
        indexes = [models.Index(fields=["region", "-id"], name="payments_return_region")]


class OrderEvent(models.Model):
    """One row: something that happened to an order to a body. Append-only; the last one is the order's status."""

    order = models.ForeignKey("funds.PayOrder", on_delete=models.PROTECT, related_name="+", db_index=False)
    region = region_field()
    kind = models.CharField("事件", max_length=8, choices=LineStatus.choices)
    at = models.DateTimeField("时间")
    by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+", db_index=False)
    batch = models.ForeignKey(BankBatch, on_delete=models.PROTECT, related_name="+")
    returned = models.ForeignKey(BankReturn, on_delete=models.PROTECT, null=True, related_name="+")
    code = models.CharField("返回码", max_length=10, blank=True)
    message = models.CharField("银行说明", max_length=100, blank=True)
    bank_seq = models.CharField("银行流水", max_length=40, blank=True)

    class Meta:
        verbose_name = "付款单事件"
        indexes = [models.Index(fields=["order", "id"], name="payments_order_event")]
