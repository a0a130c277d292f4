"""A month's run, its lines, what happened to them, why they differ, and what earlier months still owe."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Coalesce

from tuodi.org.rls import region_field
from tuodi.payments.labels import pay_label
from tuodi.payments.states import Basis, Cause, Held, LineStatus, PayProgramme, RunState
from tuodi.people.enums import AreaKind
from tuodi.people.fields import month_check

#: Components of a line in the order they are shown; `offset_fen` is never above 0, all others never below.
COMPONENTS = (
    "base_fen",
    "increment_fen",
    "care_fen",
    "grace_fen",
    "price_fen",
    "other_fen",
    "back_pay_fen",
    "offset_fen",
)


def _user(label: str) -> models.ForeignKey[object, object]:
    return models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+", verbose_name=label)


class PayRun(models.Model):
    """One row: the payment of one month in one place for some programmes."""

    region = region_field()
    place = models.CharField("范围", max_length=12, db_collation="C")  #: significant digits
    month = models.IntegerField("月份")  #: yyyymm paid for
    programmes = ArrayField(models.CharField(max_length=16), verbose_name="项目")
    no = models.CharField("批次号", max_length=40, db_collation="C", unique=True)
    state = models.CharField("状态", max_length=12, choices=RunState.choices, default=RunState.OPEN)
    #: How much of a month's amount may be kept back for what was overpaid, per mille.
    offset_permille = models.SmallIntegerField("抵扣比例（‰）", default=500)
    #: The same for claims found to rest on fraud.
    fraud_permille = models.SmallIntegerField("骗取抵扣比例（‰）", default=1000)
    #: How many people must approve, by the run's total when it was checked.
    approvers = models.SmallIntegerField("审批签字人数", default=1)
    #: How many earlier months are computed again for back pay and recovery.
    lookback_months = models.SmallIntegerField("回溯月数", default=12)
    #: Place facts of the price linkage (cpi, food … in percent as text) of the month before; empty = none.
    indices = models.JSONField("价格指数", default=dict)
    progress = models.JSONField("进度", default=dict)  #: phase, label, done, total (units), parts (counties written)
    #: What was in force: fingerprints and standards by place, for explaining later (codes -> fen as text).
    rules = models.JSONField("规则", default=dict)
    #: Encrypted Parquet as it was computed from and what came out; null before calculation.
    inputs = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, null=True, related_name="+")
    results = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, null=True, related_name="+")
    checks = models.JSONField("校验", default=list)  #: [{code, label, ok, detail}]
    lines = models.IntegerField("行数", default=0)  #: lines that are paid or offset; held ones apart
    households = models.IntegerField("户数", default=0)
    persons = models.IntegerField("人数", default=0)
    amount_fen = models.BigIntegerField("应发（分）", default=0)
    held_lines = models.IntegerField("暂缓行数", default=0)
    opened_at = models.DateTimeField("开账时间")
    opened_by = _user("开账人")
    calculated_at = models.DateTimeField("计算时间", null=True)
    calculated_by = _user("计算人")
    checked_at = models.DateTimeField("校验时间", null=True)
    checked_by = _user("校验人")
    approved_at = models.DateTimeField("审批时间", null=True)
    approved_by = _user("审批人")
    sent_at = models.DateTimeField("送银行时间", null=True)
    sent_by = _user("送银行人")
    settled_at = models.DateTimeField("结清时间", null=True)
    settled_by = _user("结清人")
    closed_at = models.DateTimeField("关账时间", null=True)
    closed_by = _user("关账人")

    class Meta:
        verbose_name = "月度发放"
        constraints = [
            models.UniqueConstraint(
                "place", "month", "programmes", condition=~Q(state=RunState.CANCELLED), name="payments_run_once"
            ),
            models.CheckConstraint(condition=month_check("month"), name="payments_run_month"),
            # Four eyes, whoever calls: who opened or computed a run cannot be its approver.
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True)
                | (~Q(approved_by=F("opened_by")) & ~Q(approved_by=F("calculated_by"))),
                name="payments_run_four_eyes",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=[*(s.value for s in (RunState.OPEN, RunState.CALCULATED, RunState.CHECKED)), "cancelled"]
                )
                | Q(approved_by__isnull=False, approved_at__isnull=False),
                name="payments_run_approved",
            ),
            models.CheckConstraint(
                condition=Q(offset_permille__gte=0, offset_permille__lte=1000), name="payments_run_share"
            ),
            models.CheckConstraint(
                condition=Q(fraud_permille__gte=0, fraud_permille__lte=1000, approvers__gte=1),
                name="payments_run_terms",
            ),
        ]
        indexes = [models.Index(fields=["region", "-month"], name="payments_run_region")]

    def __str__(self) -> str:
        return self.no


class PayLine(models.Model):
    """One row: what one entitled unit gets of one programme for one month. Amounts in fen, null = unknown (never zero).

    The unit is the household (`person` null) or one person. Components are payable each by itself; the line is their sum.
    """

    # No index of their own where another begins with the column: each costs every line that is written.
    run = models.ForeignKey(PayRun, on_delete=models.PROTECT, related_name="pay_lines", db_index=False)
    region = region_field()
    key = models.CharField("行号", max_length=40, db_collation="C")  #: same for the same unit, programme and month
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+", db_index=False)
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, null=True, related_name="+")
    roll_id = models.BigIntegerField("在册记录", null=True)  #: null = back pay for a unit no longer on the roll
    programme = models.CharField("项目", max_length=16, choices=PayProgramme.choices)
    month = models.IntegerField("月份")
    category = models.CharField("城乡", max_length=8, choices=AreaKind.choices)
    persons = models.SmallIntegerField("人数")
    income_year_fen = models.BigIntegerField("年收入（分）", null=True)  #: the fact used; null = not known
    base_fen = models.BigIntegerField("基本", null=True)
    increment_fen = models.BigIntegerField("增发", default=0)
    care_fen = models.BigIntegerField("照料护理", default=0)
    grace_fen = models.BigIntegerField("渐退", default=0)
    price_fen = models.BigIntegerField("价格补贴", default=0)
    other_fen = models.BigIntegerField("其他", default=0)
    back_pay_fen = models.BigIntegerField("补发", default=0)
    offset_fen = models.BigIntegerField("追回抵扣", default=0)  #: never above 0
    amount_fen = models.BigIntegerField("应发（分）", null=True)
    basis = models.CharField("依据", max_length=12, choices=Basis.choices)
    in_grace = models.BooleanField("渐退期", default=False)
    held = models.CharField("暂缓原因", max_length=16, choices=Held.choices, blank=True, default="")
    held_note = models.CharField("暂缓说明", max_length=300, blank=True)
    # The account as it was when the line was computed. The cipher opens with the account's uid.
    account_id = models.BigIntegerField("账户", null=True)
    account_uid = models.UUIDField(null=True)
    account_cipher = models.BinaryField(null=True)
    account_index = models.BinaryField(null=True)
    account_last4 = models.CharField("末四位", max_length=4, blank=True)
    bank_code = models.CharField("开户行代码", max_length=14, blank=True)
    holder = models.CharField("户名", max_length=60, blank=True)
    determination_id = models.BigIntegerField("决定", null=True)
    #: The care agreement by which somebody else is paid: the caregiver (`care`), or the facility (tekun); null = nobody else.
    agreement_id = models.BigIntegerField("照料服务协议", null=True)
    fingerprint = models.CharField("规则指纹", max_length=64, blank=True)
    status = models.CharField("状态", max_length=8, choices=LineStatus.choices, default=LineStatus.READY)
    live = models.BooleanField("有效", default=True)  #: false in a cancelled run

    class Meta:
        verbose_name = "发放行"
        constraints = [
            models.UniqueConstraint(
                "month",
                "programme",
                "household",
                Coalesce("person", Value(0)),
                condition=Q(live=True),
                name="payments_line_live_once",
            ),
            models.UniqueConstraint("run", "key", name="payments_line_key"),
            models.CheckConstraint(
                condition=Q(amount_fen__isnull=True)
                | Q(
                    amount_fen=F("base_fen")
                    + F("increment_fen")
                    + F("care_fen")
                    + F("grace_fen")
                    + F("price_fen")
                    + F("other_fen")
                    + F("back_pay_fen")
                    + F("offset_fen")
                ),
                name="payments_line_sum",
            ),
            models.CheckConstraint(
                condition=Q(amount_fen__isnull=True) | Q(amount_fen__gte=0), name="payments_line_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(
                    increment_fen__gte=0,
                    care_fen__gte=0,
                    grace_fen__gte=0,
                    price_fen__gte=0,
                    back_pay_fen__gte=0,
                    offset_fen__lte=0,
                ),
                name="payments_line_signs",
            ),
            # What is unknown is not paid; what is held carries its reason.
            models.CheckConstraint(
                condition=Q(amount_fen__isnull=False) | Q(status=LineStatus.HELD), name="payments_line_unknown_held"
            ),
            models.CheckConstraint(
                condition=(Q(status=LineStatus.HELD) & ~Q(held="")) | (~Q(status=LineStatus.HELD) & Q(held="")),
                name="payments_line_held",
            ),
        ]
        indexes = [
            models.Index(fields=["region", "month"], name="payments_line_region"),
            models.Index(fields=["household", "-month"], name="payments_line_household"),
            models.Index(fields=["run", "account_index"], name="payments_line_account"),
            # Few lines keep something back; what they have kept is asked for over all months.
            models.Index(fields=["household"], condition=Q(offset_fen__lt=0), name="payments_line_offset"),
        ]

    def __str__(self) -> str:
        return self.key

    def get_programme_display(self) -> str:
        """The programme in words, of a fixed amount as the packs have it."""
        return pay_label(self.programme)

    @property
    def what(self) -> str:
        """The programme in words; of a caregiver's line also whom he looks after. Only where names may be shown."""
        label = self.get_programme_display()
        return f"{label}（照料{self.household.head.name}）" if self.programme == "care" else label


class RunReading(models.Model):
    """One row: what the check of a run found that rests on its lines alone. Holds for lines of just these versions (`payments.figures`)."""

    run = models.OneToOneField(PayRun, on_delete=models.PROTECT, primary_key=True, related_name="+")
    region = region_field()
    versions = models.CharField("行版本", max_length=40)  #: of the lines it was read from
    shared = models.BooleanField("有账户收多户")  #: an account stands in lines of several families
    #: The last approved run of the same range and programmes; null = none, or too much is new.
    before = models.ForeignKey(PayRun, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    #: Determinations of paid lines that are in none of `before`; empty where that is null.
    fresh = ArrayField(models.BigIntegerField(), verbose_name="新的决定", default=list)

    class Meta:
        verbose_name = "批次核对"


class LineEvent(models.Model):
    """One row: something that happened to a line after approval. Append-only; the last one is the line's status."""

    line = models.ForeignKey(PayLine, on_delete=models.PROTECT, related_name="events", db_index=False)
    region = region_field()
    kind = models.CharField("事件", max_length=8, choices=LineStatus.choices)
    at = models.DateTimeField("时间")
    by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+", db_index=False)
    batch = models.ForeignKey("payments.BankBatch", on_delete=models.PROTECT, null=True, related_name="+")
    returned = models.ForeignKey("payments.BankReturn", on_delete=models.PROTECT, null=True, related_name="+")
    code = models.CharField("返回码", max_length=10, blank=True)
    message = models.CharField("银行说明", max_length=100, blank=True)
    bank_seq = models.CharField("银行流水", max_length=40, blank=True)

    class Meta:
        verbose_name = "发放行事件"
        indexes = [
            models.Index(fields=["line", "id"], name="payments_event_line"),
            # Events lie in the order of time: this tells days apart and costs next to nothing when a run is booked.
            BrinIndex(fields=["at"], name="payments_event_at"),
        ]


class LineDifference(models.Model):
    """One row: one cause of the difference between a unit's line and last month's; a run's rows sum to the difference."""

    run = models.ForeignKey(PayRun, on_delete=models.CASCADE, related_name="differences")
    region = region_field()
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, null=True, related_name="+")
    programme = models.CharField("项目", max_length=16)
    cause = models.CharField("原因", max_length=14, choices=Cause.choices)
    amount_fen = models.BigIntegerField("差额（分）")  #: signed
    households = models.SmallIntegerField("户")  #: +1 enters, -1 leaves the paid lines, 0 stays
    persons = models.SmallIntegerField("人")  #: change of counted persons
    affected = models.SmallIntegerField("涉及人数", default=0)
    note = models.CharField("说明", max_length=200, blank=True)

    class Meta:
        verbose_name = "与上月差异"
        indexes = [
            models.Index(fields=["run", "cause", "region"], name="payments_diff_cause"),
            models.Index(fields=["household", "run"], name="payments_diff_household"),
        ]


class Arrear(models.Model):
    """One row: an earlier month of a unit whose due amount now differs from what was granted for it.

    Positive = to be paid back to the family, negative = overpaid, to be offset. Counts once its run is approved.
    """

    run = models.ForeignKey(PayRun, on_delete=models.CASCADE, related_name="arrears")
    region = region_field()
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, null=True, related_name="+")
    programme = models.CharField("项目", max_length=16)
    for_month = models.IntegerField("所属月份")
    due_fen = models.BigIntegerField("应发（分）")
    granted_fen = models.BigIntegerField("已发（分）")  #: what lines and earlier corrections granted for that month
    amount_fen = models.BigIntegerField("差额（分）")
    cause = models.CharField("原因", max_length=14, choices=Cause.choices)
    note = models.CharField("说明", max_length=200, blank=True)

    class Meta:
        verbose_name = "往月差额"
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_fen=F("due_fen") - F("granted_fen")) & ~Q(amount_fen=0), name="payments_arrear_sum"
            ),
            # What a corrected index changes of a month stands beside what the month itself turned out.
            models.UniqueConstraint(
                "run",
                "programme",
                "household",
                Coalesce("person", Value(0)),
                "for_month",
                Case(When(cause=Cause.PRICE_BACK, then=1), default=0),
                name="payments_arrear_once",
            ),
        ]
        indexes = [models.Index(fields=["household", "for_month"], name="payments_arrear_household")]
