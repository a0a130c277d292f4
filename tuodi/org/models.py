"""Places, offices, users and duties. None of them is personal data of residents; no region policy applies here."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import Case, F, Func, Q, Value, When


class DutyCode(models.TextChoices):
    """What a member of staff may do. The law's steps, not ranks."""

    ACCEPT = "accept", "受理"
    REVIEW = "review", "初审"
    VISIT = "visit", "入户"
    CONFIRM = "confirm", "确认"
    FILE = "file", "备案"
    PAY_PREPARE = "pay_prepare", "发放编制"
    PAY_CHECK = "pay_check", "发放校验"
    PAY_APPROVE = "pay_approve", "发放审批"
    PAY_SEND = "pay_send", "送银行"
    FUND_KEEP = "fund_keep", "资金管理"
    FUND_REVIEW = "fund_review", "财政审核"
    PETTY_CASH = "petty_cash", "备用金"
    ROLL_IMPORT = "roll_import", "花名册导入"
    STANDARDS = "standards", "标准"
    STANDARDS_OPINION = "standards_opinion", "标准会签"
    STANDARDS_APPROVE = "standards_approve", "标准批准"
    AUDIT_VIEW = "audit_view", "审计"
    VERIFY = "verify", "经济状况核对"
    SWEEP = "sweep", "大数据比对"
    CLUE = "clue", "线索核实"
    CLUE_DECIDE = "clue_decide", "线索处理"
    CLUE_CLOSE = "clue_close", "线索销号"
    HAND_OVER = "hand_over", "数据移交"
    HAND_OVER_APPROVE = "hand_over_approve", "数据移交审批"
    THIRD_PARTY = "third_party", "第三方核查"
    COMPLAINT = "complaint", "投诉办理"
    APPEAL = "appeal", "复议申诉"
    SUPERVISE = "supervise", "监督"
    SYSADMIN = "sysadmin", "系统管理"
    SECURITY = "security", "安全管理"


#: Duties whose holder has no other: the three administrators (GB/T 22239-2019 8.1.4.2 d) and a third party's account.
ALONE = (DutyCode.SYSADMIN, DutyCode.SECURITY, DutyCode.AUDIT_VIEW, DutyCode.THIRD_PARTY)


class Place(models.Model):
    """One row: a place this site adds to, or corrects in, the shipped list of divisions, for a period.

    Standard areas that are no division (漳河新区) live here with a letter in the code.
    """

    #: Significant prefix: 42, 4208, 420802, 420802001, 4208Z1.
    code = models.CharField("代码", max_length=12, db_collation="C")
    name = models.CharField("名称", max_length=60)
    since = models.DateField("起", null=True, blank=True)  #: null = as far back as data goes
    until = models.DateField("止", null=True, blank=True)  #: the day after the last; null = still there
    successor_code = models.CharField("继任代码", max_length=12, db_collation="C", blank=True)

    class Meta:
        verbose_name = "地点"
        constraints = [
            models.UniqueConstraint("code", "since", name="org_place_once", nulls_distinct=False),
            models.CheckConstraint(condition=Q(until__isnull=True) | Q(until__gt=F("since")), name="org_place_period"),
        ]

    def __str__(self) -> str:
        return f"{self.name}({self.code})"


class Office(models.Model):
    """One row: an office with staff, from ministry to village; a facility or a bank branch is one too."""

    class Kind(models.TextChoices):
        """What the office is."""

        CIVIL_AFFAIRS = "civil_affairs", "民政部门"
        TOWN = "town", "乡镇（街道）"
        VILLAGE = "village", "村（社区）"
        FACILITY = "facility", "供养服务机构"
        BANK = "bank", "代发银行"
        SUPERVISION = "supervision", "监督机关"
        PROVIDER = "provider", "第三方服务机构"  # its staff see assigned tasks only, see `org.access`

    name = models.CharField("名称", max_length=80)
    kind = models.CharField("性质", max_length=20, choices=Kind.choices, default=Kind.CIVIL_AFFAIRS)
    #: The place it answers for, as a significant prefix; its staff see this range.
    place_code = models.CharField("管辖地", max_length=12, db_collation="C", db_index=True)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="children")
    is_active = models.BooleanField("在用", default=True)
    is_demo = models.BooleanField("演示", default=False)

    class Meta:
        verbose_name = "机构"
        constraints = [models.UniqueConstraint("name", "place_code", name="org_office_once")]

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    """Looks users up by their normalised account name."""

    def get_by_natural_key(self, username: str | None) -> User:
        """Account names are compared after full-width signs are folded and case is lowered."""
        return self.get(username=self.model.normalize_username(username or "").lower())


class User(AbstractBaseUser):
    """One row: a member of staff with an account. Accounts are never deleted, only disabled."""

    username = models.CharField("账号", max_length=40, unique=True)
    name = models.CharField("姓名", max_length=40)
    office = models.ForeignKey(Office, on_delete=models.PROTECT, related_name="users", verbose_name="机构")
    is_active = models.BooleanField("启用", default=True)
    is_demo = models.BooleanField("演示", default=False)
    must_change_password = models.BooleanField("须改密码", default=False)
    password_changed_at = models.DateTimeField("改密时间", null=True, blank=True)
    created_at = models.DateTimeField("建立时间", null=True, blank=True)

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    objects = UserManager()

    class Meta:
        verbose_name = "人员"

    def __str__(self) -> str:
        return f"{self.name}（{self.username}）"

    def get_full_name(self) -> str:
        """The person's name."""
        return self.name


class StandIn(models.Model):
    """One row: an officer's whole queue covered by a colleague while he is away (AB岗). Its duties are `Duty` rows."""

    officer = models.ForeignKey(User, on_delete=models.PROTECT, related_name="away", verbose_name="A 岗")
    stand_in = models.ForeignKey(User, on_delete=models.PROTECT, related_name="covers", verbose_name="B 岗")
    since = models.DateField("起")
    until = models.DateField("止")  #: the first day without it
    reason = models.CharField("事由", max_length=80, blank=True)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField("设定时间")

    class Meta:
        verbose_name = "顶岗"
        constraints = [
            models.CheckConstraint(condition=Q(until__gte=F("since")), name="org_stand_in_period"),
            models.CheckConstraint(condition=~Q(officer=F("stand_in")), name="org_stand_in_another"),
        ]

    def __str__(self) -> str:
        return f"{self.stand_in} 代 {self.officer}"


class _Days(Func):
    """`daterange(since, until)`, half-open; an empty end is open."""

    function = "daterange"


class Duty(models.Model):
    """One row: a duty a user holds in a place range for a period; his own, or lent by a colleague (委托, AB岗).

    A lent row ends by itself, never reaches beyond the row it is lent from, and is cut short with it: by triggers.
    """

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="duties")
    code = models.CharField("职责", max_length=20, choices=DutyCode.choices)
    place_code = models.CharField("范围", max_length=12, db_collation="C")
    since = models.DateField("起")
    until = models.DateField("止", null=True, blank=True)  #: the first day without it; null = open
    granted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    #: The holder's own row this one is lent from; null = his own.
    lent_from = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="lent")
    #: The stand-in it belongs to; null = lent singly.
    stand_in = models.ForeignKey(StandIn, on_delete=models.PROTECT, null=True, blank=True, related_name="duties")

    class Meta:
        verbose_name = "职责"
        constraints = [
            ExclusionConstraint(
                name="org_duty_apart",
                expressions=[
                    (F("user"), RangeOperators.EQUAL),
                    (
                        Case(
                            When(code__in=[code.value for code in ALONE], then=F("code")),
                            default=Value("work"),
                            output_field=models.CharField(),
                        ),
                        RangeOperators.NOT_EQUAL,
                    ),
                    (_Days(F("since"), F("until")), RangeOperators.OVERLAPS),
                ],
            ),
            models.CheckConstraint(
                condition=Q(lent_from__isnull=True) | Q(until__isnull=False), name="org_duty_lent_ends"
            ),
            models.UniqueConstraint(
                "user", "code", "place_code", condition=Q(until__isnull=True), name="org_duty_open_once"
            ),
            models.CheckConstraint(condition=Q(until__isnull=True) | Q(until__gte=F("since")), name="org_duty_period"),
        ]

    def __str__(self) -> str:
        return f"{self.get_code_display()}@{self.place_code}"


class SecondFactor(models.Model):
    """One row: a user's code generator (RFC 6238). It counts from the moment a first code was confirmed."""

    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="factor")
    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    secret_cipher = models.BinaryField("密钥", null=True, editable=False)  #: `crypto.fields`, hexadecimal text
    confirmed_at = models.DateTimeField("启用时间", null=True)
    last_step = models.BigIntegerField("上次时间步", default=0)  #: a code of this step or an earlier one is spent
    failures = models.PositiveSmallIntegerField("连续错误", default=0)
    locked_until = models.DateTimeField("锁定至", null=True)

    class Meta:
        verbose_name = "第二因素"

    def __str__(self) -> str:
        return f"{self.user_id}"


class RecoveryCode(models.Model):
    """One row: a code for the day the telephone is lost; kept as a hash, used once."""

    factor = models.ForeignKey(SecondFactor, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField("校验值", max_length=64)
    used_at = models.DateTimeField("使用时间", null=True)

    class Meta:
        verbose_name = "恢复码"
        constraints = [models.UniqueConstraint("factor", "digest", name="org_recovery_once")]

    def __str__(self) -> str:
        return f"{self.factor_id}"


class OneTimeLink(models.Model):
    """One row: a link by which a user sets a new password, once and within its time. Only a hash of it is kept."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="links")
    digest = models.CharField("校验值", max_length=64, unique=True)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField("生成时间")
    until = models.DateTimeField("失效时间")
    used_at = models.DateTimeField("使用时间", null=True)

    class Meta:
        verbose_name = "一次性链接"
        indexes = [models.Index("user", name="org_link_user")]

    def __str__(self) -> str:
        return f"{self.user_id}"


class SignedIn(models.Model):
    """One row: a session of a user. `ended_at` null = it may still be alive (see the session limits)."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="sessions")
    session_key = models.CharField("会话", max_length=40, unique=True)
    began_at = models.DateTimeField("登录时间")
    seen_at = models.DateTimeField("最近使用")
    address = models.CharField("来源地址", max_length=45, blank=True)
    device = models.CharField("设备", max_length=120, blank=True)
    ended_at = models.DateTimeField("结束时间", null=True)
    ended_why = models.CharField("结束原因", max_length=40, blank=True)

    class Meta:
        verbose_name = "登录"
        indexes = [models.Index(fields=["user", "-began_at"], name="org_signed_in_user")]

    def __str__(self) -> str:
        return f"{self.user_id}@{self.began_at:%Y-%m-%d %H:%M}"
