"""The ledger: double entry in fen. Append-only, held by the database even against the owner of the tables."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from tuodi.funds.states import LIVING, Account, Kind
from tuodi.org.rls import region_field

#: Account as SQL would list it, for constraints and triggers.
LIVING_CODES = [one.value for one in LIVING]


class LedgerEntry(models.Model):
    """One row: one booking. Its postings balance, as a whole and within each sub-account, checked at commit.

    What it rests on is named by kind and number (`origin`, `origin_id`), since rows of higher rooms move money too:
    `run`, `batch`, `return`, `receipt` and `write_off` (payments), `paper`, `petty`, `float` (this room).
    """

    Kind = Kind

    region = region_field()
    kind = models.CharField("类型", max_length=14, choices=Kind.choices)
    origin = models.CharField("来由", max_length=12, db_collation="C")
    origin_id = models.BigIntegerField("来由编号")
    run_id = models.BigIntegerField("发放批次", null=True)  #: null = not of a monthly run
    reverses = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="reversed_by")
    day = models.DateField("记账日")
    at = models.DateTimeField("时间")
    by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    memo = models.CharField("摘要", max_length=200)

    class Meta:
        verbose_name = "记账凭证"
        constraints = [
            models.CheckConstraint(
                condition=Q(reverses__isnull=True) | ~Q(reverses=F("id")), name="funds_entry_not_itself"
            )
        ]
        indexes = [
            models.Index(fields=["run_id", "id"], name="funds_entry_run"),
            models.Index(fields=["origin", "origin_id"], name="funds_entry_origin"),
            models.Index(fields=["region", "-id"], name="funds_entry_region"),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.memo}"


class Posting(models.Model):
    """One row: one side of a booking in one sub-account (county, programme, source). A float's region is its town."""

    entry = models.ForeignKey(LedgerEntry, on_delete=models.PROTECT, related_name="postings")
    region = region_field()
    account = models.CharField("科目", max_length=12, choices=Account.choices)
    programme = models.CharField("项目", max_length=16)
    source = models.CharField("资金来源", max_length=20, db_collation="C", default="")  #: empty = no fund book then
    debit_fen = models.BigIntegerField("借（分）", default=0)
    credit_fen = models.BigIntegerField("贷（分）", default=0)

    class Meta:
        verbose_name = "分录"
        constraints = [
            models.CheckConstraint(
                condition=Q(debit_fen__gt=0, credit_fen=0) | Q(debit_fen=0, credit_fen__gt=0),
                name="funds_posting_side",
            )
        ]
        indexes = [models.Index(fields=["region", "programme", "source", "account"], name="funds_posting_sub")]


class EntrySeal(models.Model):
    """One row: the seal of one entry in its county's chain. Written by the database at commit; nobody else may."""

    entry = models.OneToOneField(LedgerEntry, on_delete=models.PROTECT, primary_key=True, related_name="seal")
    region = region_field()
    chain = models.CharField("链", max_length=6, db_collation="C")  #: first six characters of the entry's region
    seq = models.BigIntegerField("序号")  #: 1, 2, 3 … within the chain
    prev_hash = models.CharField("前值", max_length=64)
    hash = models.CharField("校验值", max_length=64)

    class Meta:
        verbose_name = "凭证封签"
        constraints = [models.UniqueConstraint("chain", "seq", name="funds_seal_chain")]


class Balance(models.Model):
    """One row: the sums of one account of one sub-account, kept by a trigger as postings arrive.

    Derived: `ledger check` compares it with the postings, and no role of the product may write it. It makes boards fast
    and is where the database refuses to go below zero.
    """

    region = region_field()
    programme = models.CharField("项目", max_length=16)
    source = models.CharField("资金来源", max_length=20, db_collation="C")
    account = models.CharField("科目", max_length=12, choices=Account.choices)
    run_id = models.BigIntegerField("发放批次", default=0)  #: 0 = of no run, or an account kept over all runs
    debit_fen = models.BigIntegerField("借方合计（分）", default=0)
    credit_fen = models.BigIntegerField("贷方合计（分）", default=0)
    moved_on = models.DateField("最近变动", null=True)

    class Meta:
        verbose_name = "余额"
        constraints = [
            models.UniqueConstraint("region", "programme", "source", "account", "run_id", name="funds_balance_once"),
            models.CheckConstraint(
                condition=Q(source="") | ~Q(account__in=LIVING_CODES) | Q(debit_fen__gte=F("credit_fen")),
                name="funds_balance_not_negative",
            ),
        ]
        indexes = [models.Index(fields=["run_id", "account"], name="funds_balance_run")]


class LedgerCheck(models.Model):
    """One row: one run of the ledger check, with what it found and the heads of all chains then. Append-only."""

    at = models.DateTimeField("时间")
    ok = models.BooleanField("通过")
    entries = models.BigIntegerField("凭证数")
    findings = models.JSONField("发现", default=list)  #: [{rule, what, detail}]
    counts = models.JSONField("各条件不符数", default=dict)  #: rule -> rows
    heads = models.JSONField("链首", default=dict)  #: chain -> [seq, hash]

    class Meta:
        verbose_name = "账务校验"
