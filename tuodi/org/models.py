"""Places, offices, users and duties. None of them is personal data of residents; no region policy applies here."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Q


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
    ROLL_IMPORT = "roll_import", "花名册导入"
    STANDARDS = "standards", "标准"
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


class Duty(models.Model):
    """One row: a duty a user holds in a place range for a period."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="duties")
    code = models.CharField("职责", max_length=20, choices=DutyCode.choices)
    place_code = models.CharField("范围", max_length=12, db_collation="C")
    since = models.DateField("起")
    until = models.DateField("止", null=True, blank=True)  #: the first day without it; null = open
    granted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = "职责"
        constraints = [
            models.UniqueConstraint(
                "user", "code", "place_code", condition=Q(until__isnull=True), name="org_duty_open_once"
            ),
            models.CheckConstraint(condition=Q(until__isnull=True) | Q(until__gte=F("since")), name="org_duty_period"),
        ]

    def __str__(self) -> str:
        return f"{self.get_code_display()}@{self.place_code}"
