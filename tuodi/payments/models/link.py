"""The line to a bank: who pays from which account by which way, messages out with each try, statements in, decisions of people."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from tuodi.crypto.fields import decrypt
from tuodi.exchange.bank_files import RECALL_FORMS
from tuodi.org.rls import region_field
from tuodi.payments.states import DecisionState, LineStatus, MessageState, Verdict

if TYPE_CHECKING:
    from tuodi.payments.models.bank import BankBatch
    from tuodi.payments.models.recall import AccountInquiry, BankRecall


class BankLink(models.Model):
    """One row: an account a place pays from, and the way files take to its bank."""

    class Way(models.TextChoices):
        """How files travel."""

        FOLDER = "folder", "文件交换目录"
        HTTP = "http", "直联"

    region = region_field()
    place = models.CharField("范围", max_length=12, db_collation="C")  #: significant digits of the runs it pays
    label = models.CharField("名称", max_length=60)
    profile = models.CharField("文件格式", max_length=40)
    way = models.CharField("方式", max_length=8, choices=Way.choices)
    address = models.CharField("地址或目录", max_length=300)
    #: Programmes this account pays; empty = all that no other account of the place names.
    programmes = ArrayField(models.CharField(max_length=16), verbose_name="付款项目", default=list, blank=True)
    payer_name = models.CharField("付款户名", max_length=70)
    payer_account = models.CharField("付款账号", max_length=34)
    payer_agent = models.CharField("付款行", max_length=70, blank=True)
    bank_key = models.CharField("银行公钥", max_length=130)  #: hex; what the bank signs with
    #: Which message asks payments back, as agreed with the bank (`exchange.bank_files.RECALL_FORMS`); a table has one form.
    recall_form = models.CharField("撤销报文", max_length=16, default="camt.056")
    is_active = models.BooleanField("启用", default=True)
    #: Messages that ever left, counted here and in a mark outside the database. They differ after a restore.
    sent_no = models.BigIntegerField("已送序号", default=0)
    sent_on = models.DateField("最近送出日", null=True)

    class Meta:
        verbose_name = "银行直联"
        constraints = [
            # Several accounts at one bank pay different programmes; which, no two of them may both say (trigger).
            models.UniqueConstraint(
                fields=["place", "profile", "payer_account"], condition=Q(is_active=True), name="payments_link_once"
            ),
            models.CheckConstraint(condition=Q(recall_form__in=RECALL_FORMS), name="payments_link_recall_form"),
        ]

    def pays(self, programme: str) -> bool:
        """Whether payments of a programme leave its account; one that names none takes all that no other takes."""
        return not self.programmes or programme in self.programmes

    def __str__(self) -> str:
        return self.label


class BankMessage(models.Model):
    """One row: one file for a bank under one identifier, from before it leaves until the bank's word.

    The identifier is committed before anything is sent, and whatever is sent again is these bytes under it.
    """

    link = models.ForeignKey(BankLink, on_delete=models.PROTECT, related_name="messages")
    #: What it is about; exactly one of three.
    batch = models.OneToOneField("payments.BankBatch", on_delete=models.PROTECT, null=True, related_name="message")
    recall = models.OneToOneField("payments.BankRecall", on_delete=models.PROTECT, null=True, related_name="message")
    inquiry = models.OneToOneField(
        "payments.AccountInquiry", on_delete=models.PROTECT, null=True, related_name="message"
    )
    region = region_field()
    no = models.CharField("报文号", max_length=35, db_collation="C", unique=True)
    sha256 = models.CharField("文件校验值", max_length=64)
    state = models.CharField("状态", max_length=12, choices=MessageState.choices, default=MessageState.CREATED)
    signature = models.CharField("签名", max_length=128, blank=True)  #: hex; empty = not signed by agreement
    key_id = models.CharField("签名密钥", max_length=16, blank=True)
    made_at = models.DateTimeField("生成时间")
    made_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    signed_at = models.DateTimeField("签名时间", null=True)
    sent_at = models.DateTimeField("首次送出", null=True)
    answered_at = models.DateTimeField("银行受理或拒收", null=True)

    class Meta:
        verbose_name = "银行报文"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["created", "signed"]) | Q(sent_at__isnull=False), name="payments_message_sent"
            ),
            models.CheckConstraint(
                condition=Q(batch__isnull=False, recall__isnull=True, inquiry__isnull=True)
                | Q(batch__isnull=True, recall__isnull=False, inquiry__isnull=True)
                | Q(batch__isnull=True, recall__isnull=True, inquiry__isnull=False),
                name="payments_message_one",
            ),
        ]
        indexes = [models.Index(fields=["state", "id"], name="payments_message_state")]

    def __str__(self) -> str:
        return self.no

    @property
    def subject(self) -> BankBatch | BankRecall | AccountInquiry:
        """What it brings: its file and the file's name are kept there."""
        found = self.batch or self.recall or self.inquiry
        assert found is not None
        return found


class BankAttempt(models.Model):
    """One row: a try to bring a message or to ask about it begins, or its outcome. Append-only.

    A `leave` without a `word` after it is a try whose end nobody saw: the bank may have the file.
    """

    class Kind(models.TextChoices):
        """What the row says."""

        LEAVE = "leave", "送出"
        WORD = "word", "银行答复"
        ASK = "ask", "查询"

    message = models.ForeignKey(BankMessage, on_delete=models.PROTECT, related_name="attempts")
    region = region_field()
    kind = models.CharField("类别", max_length=6, choices=Kind.choices)
    word = models.CharField("结果", max_length=10, blank=True)
    detail = models.CharField("说明", max_length=200, blank=True)
    at = models.DateTimeField("时间")
    by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")  #: null = the timetable

    class Meta:
        verbose_name = "送出记录"
        indexes = [models.Index(fields=["message", "id"], name="payments_attempt_message")]


class BankStatement(models.Model):
    """One row: a statement of the account, reconciled line by line or refused whole. Append-only. Amounts in fen."""

    class State(models.TextChoices):
        """What became of it."""

        APPLIED = "applied", "已对账"
        REFUSED = "refused", "整份拒收"

    link = models.ForeignKey(BankLink, on_delete=models.PROTECT, related_name="statements")
    region = region_field()
    no = models.CharField("对账单号", max_length=35, blank=True)
    sequence = models.BigIntegerField("序号", null=True)
    from_day = models.DateField("起始日", null=True)
    to_day = models.DateField("截止日", null=True)
    opening_fen = models.BigIntegerField("期初余额（分）", null=True)
    closing_fen = models.BigIntegerField("期末余额（分）", null=True)
    entries = models.IntegerField("笔数", default=0)
    debit_fen = models.BigIntegerField("借方（分）", default=0)
    credit_fen = models.BigIntegerField("贷方（分）", default=0)
    state = models.CharField("状态", max_length=8, choices=State.choices)
    faults = ArrayField(models.CharField(max_length=300), verbose_name="拒收原因", default=list)
    file = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, related_name="+")
    file_name = models.CharField("文件名", max_length=200)
    sha256 = models.CharField("文件校验值", max_length=64)
    imported_at = models.DateTimeField("导入时间")
    imported_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "银行对账单"
        constraints = [
            models.UniqueConstraint("link", "no", condition=Q(state="applied"), name="payments_statement_once")
        ]


class StatementLine(models.Model):
    """One row: one movement of the account as the bank booked it, and what it was found to be."""

    statement = models.ForeignKey(BankStatement, on_delete=models.PROTECT, related_name="lines", db_index=False)
    region = region_field()
    row_no = models.IntegerField("行号")
    amount_fen = models.BigIntegerField("金额（分）")
    debit = models.BooleanField("借方")  #: money left the account
    reference = models.CharField("参考号", max_length=40, blank=True)
    bank_ref = models.CharField("银行流水", max_length=40, blank=True)
    booked_on = models.DateField("记账日", null=True)
    item = models.ForeignKey("payments.BankItem", on_delete=models.PROTECT, null=True, related_name="statement_lines")
    verdict = models.CharField("核对结果", max_length=16, choices=Verdict.choices)

    class Meta:
        verbose_name = "对账明细"
        constraints = [
            models.UniqueConstraint("statement", "row_no", name="payments_statement_line_no"),
            # One payment leaves the account once and comes back once.
            models.UniqueConstraint(
                "item", "debit", condition=Q(verdict__in=["matched", "settled"]), name="payments_statement_line_once"
            ),
            models.CheckConstraint(
                condition=~Q(verdict__in=["matched", "settled"]) | Q(item__isnull=False),
                name="payments_statement_line_item",
            ),
        ]
        indexes = [models.Index(fields=["verdict", "statement"], name="payments_statement_verdict")]


class BankDecision(models.Model):
    """One row: what a person says of an unknown line or of a leftover of a statement; counts once another confirmed it."""

    region = region_field()
    item = models.ForeignKey("payments.BankItem", on_delete=models.PROTECT, null=True, related_name="decisions")
    leftover = models.ForeignKey(StatementLine, on_delete=models.PROTECT, null=True, related_name="decisions")
    outcome = models.CharField(
        "认定", max_length=8, choices=LineStatus.choices, blank=True
    )  #: paid or failed, for an item
    reason = models.CharField("理由", max_length=300)
    state = models.CharField("状态", max_length=10, choices=DecisionState.choices, default=DecisionState.PROPOSED)
    proposed_at = models.DateTimeField("提出时间")
    proposed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField("复核时间", null=True)
    closed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "人工认定"
        constraints = [
            models.CheckConstraint(
                condition=Q(item__isnull=False, leftover__isnull=True, outcome__in=["paid", "failed"])
                | Q(item__isnull=True, leftover__isnull=False, outcome=""),
                name="payments_decision_one",
            ),
            models.CheckConstraint(
                condition=Q(state="proposed", closed_by__isnull=True)
                | Q(state="withdrawn", closed_by__isnull=False)
                | (Q(state="confirmed", closed_by__isnull=False) & ~Q(closed_by=F("proposed_by"))),
                name="payments_decision_four_eyes",
            ),
            models.UniqueConstraint("item", condition=Q(state="proposed"), name="payments_decision_item"),
            models.UniqueConstraint(
                "leftover", condition=Q(state__in=["proposed", "confirmed"]), name="payments_decision_leftover"
            ),
        ]


class AccountProposal(models.Model):
    """One row: whom or which account a bank proposes instead of what it was asked about. It changes nothing by itself.

    A person may take it over by a report of change of the family, or the page of the care agreement. Only ever added.
    """

    check_of = models.OneToOneField("payments.AccountCheck", on_delete=models.PROTECT, related_name="proposal")
    region = region_field()
    holder = models.CharField("户名", max_length=60, blank=True)  #: empty = the bank names none
    bank_code = models.CharField("开户行代码", max_length=14, blank=True)
    account_uid = models.UUIDField(default=uuid.uuid4, editable=False)
    account_cipher = models.BinaryField(null=True)  #: opens with the uid; null = the bank names no account
    last4 = models.CharField("末四位", max_length=4, blank=True)

    class Meta:
        verbose_name = "银行提议的账户"

    def number(self) -> str:
        """The account, opened; empty = the bank names none. Raises DecryptError."""
        if self.account_cipher is None:
            return ""
        return decrypt(bytes(self.account_cipher), f"people.account|{self.account_uid}")


class AccountCheck(models.Model):
    """One row: what a bank said of an account before money went to it (账户预校验); of an account the last row counts."""

    run = models.ForeignKey("payments.PayRun", on_delete=models.PROTECT, related_name="account_checks")
    line = models.ForeignKey("payments.PayLine", on_delete=models.PROTECT, related_name="account_checks")
    region = region_field()
    account_id = models.BigIntegerField("账户")
    no = models.CharField("校验批次", max_length=35, db_collation="C")
    ok = models.BooleanField("通过")
    code = models.CharField("返回码", max_length=10, blank=True)
    message = models.CharField("银行说明", max_length=100, blank=True)
    at = models.DateTimeField("时间")
    by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "账户预校验"
        constraints = [models.UniqueConstraint("no", "line", name="payments_account_check_once")]
        indexes = [models.Index(fields=["account_id", "-id"], name="payments_account_check")]
