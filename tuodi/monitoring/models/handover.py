"""Monthly payment rows of earlier years, their hand-over to the discipline body, lists it sends back (M27); exports of rolls and ledgers."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from tuodi.monitoring.models.guarded import GuardedFile, guards
from tuodi.org.rls import region_field
from tuodi.people.fields import month_check


class PaymentHistory(models.Model):
    """One row: one county's monthly payment rows out of one imported file. The rows lie encrypted in `stored`.

    Grain of the rows inside: one family, month and programme, with its amount in fen (`monitoring.history`).
    """

    region = region_field()  #: of the county
    place_code = models.CharField("区县", max_length=12, db_collation="C")
    profile = models.CharField("文件模板", max_length=40)
    file_name = models.CharField("文件名", max_length=200)
    file_sha256 = models.CharField("文件校验值", max_length=64, db_collation="C")  #: of the whole file as it came
    first_month = models.IntegerField("起始月")
    last_month = models.IntegerField("终止月")
    rows = models.BigIntegerField("行数")
    rows_by = models.JSONField("分项行数", default=dict)  #: {"dibao/urban": 183028, …}
    amount_fen = models.BigIntegerField("金额（分）")
    rejected = models.BigIntegerField("未采用", default=0)  #: of the whole file
    stored = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, related_name="+")
    faults = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, null=True, related_name="+")
    imported_at = models.DateTimeField("导入时间")
    imported_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "历史发放数据"
        constraints = [
            models.UniqueConstraint("place_code", "file_sha256", name="monitoring_history_once"),
            models.CheckConstraint(condition=month_check("first_month"), name="monitoring_history_first"),
            models.CheckConstraint(condition=month_check("last_month"), name="monitoring_history_last"),
        ]
        indexes = [models.Index("region", "id", name="monitoring_history_region")]


class HandOver(GuardedFile):
    """One row: one export of monthly payment rows for one receiver. Only who asked for it may fetch the file."""

    class Format(models.TextChoices):
        """What file it is."""

        XLSX = "xlsx", "Excel 工作簿"
        CSV = "csv", "CSV（压缩包）"

    no = models.CharField("移交编号", max_length=40, db_collation="C", unique=True)  #: YJ-4208-2017-0001
    receiver = models.CharField("接收单位", max_length=80)
    purpose = models.CharField("用途", max_length=200)
    basis = models.CharField("依据文号", max_length=80)
    first_month = models.IntegerField("起始月")
    last_month = models.IntegerField("终止月")
    programmes = ArrayField(models.CharField(max_length=16), verbose_name="项目", default=list)
    profile = models.CharField("列模板", max_length=40)
    format = models.CharField("格式", max_length=4, choices=Format.choices)
    rows_by = models.JSONField("分项行数", default=dict)
    amount_fen = models.BigIntegerField("金额（分）", null=True)
    receipt_by = models.CharField("签收人", max_length=60, blank=True)
    receipt_on = models.DateField("签收日期", null=True)

    class Meta:
        verbose_name = "数据移交"
        constraints = guards("monitoring_handover")
        indexes = [models.Index("region", "id", name="monitoring_handover_region")]

    def __str__(self) -> str:
        return self.no


class Export(GuardedFile):
    """One row: one roster or ledger taken out as a spreadsheet. Only who asked for it may fetch the file."""

    no = models.CharField("导出编号", max_length=40, db_collation="C", unique=True)  #: DC-4208-2017-0001
    kind = models.CharField("内容", max_length=24, db_collation="C")  #: key of `monitoring.ledgers`
    choices = models.JSONField("范围条件", default=dict)  #: {programme, month, since, until}
    reason = models.CharField("用途", max_length=200, blank=True)  #: required above the limit
    progress_done = models.BigIntegerField("已写行数", default=0)
    fault = models.CharField("没有生成的原因", max_length=200, blank=True, default="")  #: of the machine; empty = none

    class Meta:
        verbose_name = "导出"
        constraints = [
            *guards("monitoring_export"),
            models.CheckConstraint(
                condition=Q(expected__lte=F("limit_rows")) | ~Q(reason=""), name="monitoring_export_reason"
            ),
        ]
        indexes = [models.Index("region", "id", name="monitoring_export_region")]

    def __str__(self) -> str:
        return self.no


class ReturnedList(models.Model):
    """One row: one list of persons the discipline body sent back; each of its rows is counted once."""

    region = region_field()
    place_code = models.CharField("范围", max_length=12, db_collation="C")
    no = models.CharField("编号", max_length=40, db_collation="C", unique=True)
    hand_over = models.ForeignKey(HandOver, on_delete=models.PROTECT, null=True, related_name="returned")
    sender = models.CharField("来文单位", max_length=80)
    document = models.CharField("文号", max_length=80, blank=True)
    file_name = models.CharField("文件名", max_length=200)
    sha256 = models.CharField("文件校验值", max_length=64, db_collation="C")
    rows = models.IntegerField("行数")
    raised = models.IntegerField("生成线索", default=0)
    known = models.IntegerField(
        "已有", default=0
    )  #: the same person and matter stands in the ledger, or twice in the list
    unmatched = models.IntegerField("不在册", default=0)  #: nobody of that number on this place's roll
    rejected = models.IntegerField("未采用", default=0)  #: no usable number, another name, no matter
    faults = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, null=True, related_name="+")
    received_at = models.DateTimeField("收到时间")
    received_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "返回线索清单"
        constraints = [
            models.UniqueConstraint("place_code", "sha256", name="monitoring_returned_once"),
            models.CheckConstraint(
                condition=Q(rows=F("raised") + F("known") + F("unmatched") + F("rejected")),
                name="monitoring_returned_balance",
            ),
        ]
        indexes = [models.Index("region", "id", name="monitoring_returned_region")]


class ReturnedRow(models.Model):
    """One row: one row of a returned list and what became of it. Written once, with its list."""

    class Result(models.TextChoices):
        """What became of it; the names of the list's own counts."""

        RAISED = "raised", "生成线索"
        KNOWN = "known", "已有"
        UNMATCHED = "unmatched", "不在册"
        REJECTED = "rejected", "未采用"

    region = region_field()
    returned = models.ForeignKey(ReturnedList, on_delete=models.PROTECT, related_name="lines")
    row_no = models.IntegerField("行号")  #: as the sheet counts, from 1
    name = models.CharField("姓名", max_length=60, blank=True)
    id_masked = models.CharField("证件号码", max_length=40, blank=True, db_collation="C")
    matter = models.CharField("问题", max_length=200, blank=True)
    result = models.CharField("结果", max_length=10, choices=Result.choices)
    why = models.CharField("原因", max_length=200, blank=True)  #: empty for a clue raised
    #: The clue it raised, or the one that stood there; null for the others.
    clue = models.ForeignKey("monitoring.Clue", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "返回清单的行"
        constraints = [
            models.UniqueConstraint("returned", "row_no", name="monitoring_retrow_once"),
            models.CheckConstraint(
                condition=~Q(result__in=("raised", "known")) | Q(clue__isnull=False), name="monitoring_retrow_clue"
            ),
        ]
        indexes = [models.Index("region", "id", name="monitoring_retrow_region")]
