"""Rosters that offices send: the file, its families and rows with their verdicts, and what was accepted from it.

A row here is a proposal. Nothing touches persons, households or the roll until the import is confirmed; what is then
accepted is frozen in `AcceptedRoster`, from which `decisions` writes the roll.
"""

from __future__ import annotations

import uuid

from django.db import models

from tuodi.org.rls import region_field
from tuodi.people.fields import cipher_field, index_field

__all__ = ["AcceptedRoster", "RosterFamily", "RosterImport", "RosterRow", "Verdict"]


class Verdict(models.TextChoices):
    """What an import says about a row or a family."""

    PENDING = "pending", "待核对"
    NEW = "new", "新增"
    UNCHANGED = "unchanged", "无变化"
    CHANGED = "changed", "有变化（待办理）"
    DUPLICATE = "duplicate", "文件内重复"
    DOUBLE = "double", "重复享受"
    NAME_CONFLICT = "name_conflict", "同号不同名"
    QUARANTINE = "quarantine", "证件号待更正"
    ERROR = "error", "有错误"
    WAITS = "waits", "随户暂缓"
    HELD = "held", "暂缓"  # of a family: at least one of its rows cannot be used


#: Verdicts of a row that keep its whole family off the roll: an amount is for all members or for none.
HOLDING = (Verdict.QUARANTINE, Verdict.ERROR, Verdict.NAME_CONFLICT, Verdict.DOUBLE)


class RosterImport(models.Model):
    """One row: one sheet of one file, read with one profile."""

    class State(models.TextChoices):
        """Where an import stands."""

        STAGED = "staged", "已上传"
        READING = "reading", "正在核对"
        PREVIEWED = "previewed", "待确认"
        APPLYING = "applying", "正在写入"
        APPLIED = "applied", "已写入"
        DROPPED = "dropped", "已放弃"

    region = region_field()
    file = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, related_name="+")
    file_name = models.CharField("文件名", max_length=200)
    sheet = models.CharField("工作表", max_length=100, blank=True)
    profile = models.CharField("模板", max_length=60)
    title = models.CharField("标题", max_length=400, blank=True)
    month = models.IntegerField("名册月份")  #: yyyymm the roster speaks of
    #: Hash of what was read, whatever the bytes: the same list under another name or format is recognised by it.
    content_hash = models.CharField("内容指纹", max_length=64, blank=True)
    repeats = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")
    state = models.CharField("状态", max_length=12, choices=State.choices, default=State.STAGED)
    problem = models.CharField("未能读完的原因", max_length=400, blank=True)  #: set when reading failed; state dropped
    progress_done = models.IntegerField("已处理", default=0)
    progress_total = models.IntegerField("总数", default=0)
    header_row = models.IntegerField("表头行", default=0)
    columns = models.JSONField("列", default=dict)  #: field -> header as written
    ignored = models.JSONField("未用的列", default=list)
    skipped = models.JSONField("跳过的行", default=dict)  #: totals, blank, headers, notes -> count
    counts = models.JSONField("统计", default=dict)  #: rows, families: verdict -> count; absent: families not listed
    is_demo = models.BooleanField("演示", default=False)
    staged_at = models.DateTimeField("上传时间")
    staged_by_id = models.BigIntegerField("上传人", null=True)  #: null = the system
    previewed_at = models.DateTimeField("核对完成", null=True)
    confirmed_at = models.DateTimeField("确认时间", null=True)
    confirmed_by_id = models.BigIntegerField("确认人", null=True)
    applied_at = models.DateTimeField("写入完成", null=True)

    class Meta:
        verbose_name = "花名册导入"
        constraints = [
            models.UniqueConstraint("region", "file", "sheet", "profile", "month", name="intake_import_once"),
        ]
        indexes = [models.Index(fields=["region", "-id"], name="intake_import_region")]

    def __str__(self) -> str:
        return f"{self.pk}"


class RosterFamily(models.Model):
    """One row: one family of a file."""

    imported = models.ForeignKey(RosterImport, on_delete=models.CASCADE, related_name="families")
    region = region_field()
    no = models.IntegerField("序号")  #: running number in the file, from 1
    key = models.CharField("户标识", max_length=160)
    first_row = models.IntegerField("首行")
    uid = models.UUIDField(default=uuid.uuid4, editable=False)  #: binds the account's ciphertext to this row
    programme = models.CharField("项目", max_length=16, blank=True)
    category = models.CharField("城乡", max_length=8, blank=True)
    amount_fen = models.BigIntegerField("月金额（分）", null=True)
    start_month = models.IntegerField("起始月", null=True)  #: yyyymm; null = not written
    account_cipher = cipher_field("账号")
    account_index = index_field("账号索引")
    #: county, town, village, card_no, head_name, persons, income_year_fen, grade, bank_code, holder, form, self_care.
    data = models.JSONField(default=dict)
    verdict = models.CharField("结论", max_length=14, choices=Verdict.choices, default=Verdict.PENDING)
    #: Proposed changes against the roll: [[field, label, now, proposed], …]; nothing of it is applied.
    changes = models.JSONField("拟变更", default=list)
    household_id = models.BigIntegerField("家庭", null=True)  #: plain number; the household it was matched or made
    applied_at = models.DateTimeField("写入时间", null=True)

    class Meta:
        verbose_name = "花名册家庭"
        constraints = [models.UniqueConstraint("imported", "no", name="intake_family_once")]
        indexes = [models.Index("imported", "verdict", "no", name="intake_family_verdict")]


class RosterRow(models.Model):
    """One row: one person's line of a file."""

    imported = models.ForeignKey(RosterImport, on_delete=models.CASCADE, related_name="rows")
    region = region_field()
    row_no = models.IntegerField("行号")  #: as the spreadsheet shows it
    family_no = models.IntegerField("户序号")
    name = models.CharField("姓名", max_length=60)
    id_index = index_field("证件索引")  #: null = the number cannot be used
    id_masked = models.CharField("证件号码（脱敏）", max_length=40, blank=True)
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    secret = cipher_field("密文")  #: JSON of id_no and phone
    #: sex, birth, relation, health, disability, labour, hukou, remark.
    data = models.JSONField(default=dict)
    verdict = models.CharField("结论", max_length=14, choices=Verdict.choices, default=Verdict.PENDING)
    faults = models.JSONField("发现", default=list)  #: [[level, code, field, shown (masked), reason, remedy], …]
    person_id = models.BigIntegerField("人员", null=True)

    class Meta:
        verbose_name = "花名册行"
        constraints = [models.UniqueConstraint("imported", "row_no", name="intake_row_once")]
        indexes = [
            models.Index("imported", "verdict", "row_no", name="intake_row_verdict"),
            models.Index("imported", "family_no", name="intake_row_family"),
            models.Index("id_index", name="intake_row_idindex"),
        ]


class AcceptedRoster(models.Model):
    """One row: one entitled unit taken over from a confirmed roster. Frozen; `decisions` makes the roll from it.

    A family that has become part of the register: dibao one row a household (`person` null), tekun one row a person.
    """

    imported = models.ForeignKey(RosterImport, on_delete=models.PROTECT, related_name="accepted")
    region = region_field()
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, null=True, related_name="+")
    programme = models.CharField("项目", max_length=16)
    category = models.CharField("城乡", max_length=8)
    grade = models.CharField("类别", max_length=4, blank=True)
    form = models.CharField("供养方式", max_length=12, blank=True)
    self_care = models.CharField("自理能力", max_length=16, blank=True)
    account = models.ForeignKey("people.Account", on_delete=models.PROTECT, null=True, related_name="+")
    amount_fen = models.BigIntegerField("月金额（分）")
    persons = models.IntegerField("人数")
    card_no = models.CharField("证号", max_length=60, blank=True)
    start_month = models.IntegerField("起始月")  #: yyyymm of the first month paid, as the roster says
    as_of_month = models.IntegerField("名册月份")  #: yyyymm
    accepted_at = models.DateTimeField("接受时间")

    class Meta:
        verbose_name = "接受的花名册"
        constraints = [
            models.UniqueConstraint(
                "household", "person", "programme", "as_of_month", name="intake_accepted_once", nulls_distinct=False
            ),
        ]
        indexes = [
            models.Index("region", "id", name="intake_accepted_region"),
            models.Index("imported", "id", name="intake_accepted_import"),
        ]
