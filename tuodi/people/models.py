"""Persons, households, membership and what is known about them.

Each table carries `region` (12-character code of the village or town) and lies under row-level security. Periods are
half-open: `until` is the first day after; null = still so. Numbers, phones and accounts are ciphertext, bound to
their row by the person's or account's `uid` (see `people.secrets`).
"""

from __future__ import annotations

import uuid

from django.contrib.postgres.constraints import ExclusionConstraint
from django.db import models
from django.db.models import F, Func, Q

from tuodi.org.rls import region_field
from tuodi.people import enums
from tuodi.people.fields import cipher_field, index_field, month_check, month_period, name_field, period
from tuodi.people.resident_models import ResidentAccount, SignInTry
from tuodi.people.telling_models import Telling

__all__ = [
    "Account",
    "FormerName",
    "Household",
    "HouseholdChange",
    "HouseholdFacts",
    "MemberFacts",
    "Membership",
    "Person",
    "ResidentAccount",
    "RollEntry",
    "SignInTry",
    "Telling",
]


class Person(models.Model):
    """One row: one person as one county knows him."""

    uid = models.UUIDField(default=uuid.uuid4, editable=False)  #: binds ciphertexts to this row
    region = region_field()
    name = name_field("姓名")
    name_pinyin = name_field("拼音", 200)  #: sort key, `ou yang jian`
    name_joined = name_field("拼音连写", 200)  #: `ouyangjian`, as people type it
    name_initials = name_field("首字母", 40)
    id_cipher = cipher_field("证件号码")
    id_index = index_field("证件索引")
    id_masked = models.CharField("证件号码（脱敏）", max_length=20, blank=True)
    id_kind = models.CharField("证件类型", max_length=12, blank=True)  #: resident, permit; empty = none known
    id_check_ok = models.BooleanField("校验码正确", default=True)
    sex = models.CharField("性别", max_length=1, choices=enums.Sex.choices, blank=True)
    birth = models.DateField("出生日期", null=True)
    died_on = models.DateField("死亡日期", null=True)
    phone_cipher = cipher_field("电话")
    phone_masked = models.CharField("电话（脱敏）", max_length=20, blank=True)
    hukou_place = models.CharField("户籍地", max_length=12, db_collation="C", blank=True)
    hukou_kind = models.CharField("户口性质", max_length=12, choices=enums.HukouKind.choices, blank=True)
    address = models.CharField("住址", max_length=200, blank=True)
    is_demo = models.BooleanField("演示", default=False)
    created_at = models.DateTimeField("登记时间")

    class Meta:
        verbose_name = "人员"
        constraints = [
            # A county knows a number once; across counties see `people.queries.find_elsewhere`.
            models.UniqueConstraint(
                Func(F("region"), 1, 6, function="substr", output_field=models.CharField()),
                "id_index",
                name="people_person_id_once",
                condition=Q(id_index__isnull=False),
            ),
            models.CheckConstraint(
                condition=Q(died_on__isnull=True) | Q(birth__isnull=True) | Q(died_on__gte=F("birth")),
                name="people_person_life",
            ),
        ]
        indexes = [
            models.Index("region", "id", name="people_person_region"),
            models.Index("name", "region", name="people_person_name"),
            models.Index("name_pinyin", "region", name="people_person_pinyin"),
            models.Index("name_joined", "region", name="people_person_joined"),
            models.Index("name_initials", "region", name="people_person_initials"),
            models.Index("id_index", name="people_person_idindex"),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"  # names do not belong in logs


class FormerName(models.Model):
    """One row: a name a person bore until a day."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="former_names")
    region = region_field()
    name = name_field("曾用名")
    name_pinyin = name_field("拼音", 200)
    until = models.DateField("止")
    reason = models.CharField("原因", max_length=100, blank=True)

    class Meta:
        verbose_name = "曾用名"
        indexes = [models.Index("name", "region", name="people_former_name")]


class Household(models.Model):
    """One row: a family that applies or is assisted together (共同生活的家庭成员)."""

    region = region_field()
    no = models.CharField("家庭编号", max_length=24, db_collation="C", unique=True)
    head = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", verbose_name="户主")
    area_kind = models.CharField("城乡", max_length=8, choices=enums.AreaKind.choices)
    address = models.CharField("住址", max_length=200, blank=True)
    formed_on = models.DateField("立户日期")
    closed_on = models.DateField("销户日期", null=True)
    tell_by_hand = models.BooleanField(
        "当面或书面告知", default=False, db_default=False
    )  #: the family wants no messages
    is_demo = models.BooleanField("演示", default=False)

    class Meta:
        verbose_name = "家庭"
        constraints = [
            models.CheckConstraint(
                condition=Q(closed_on__isnull=True) | Q(closed_on__gte=F("formed_on")), name="people_household_life"
            ),
        ]
        indexes = [models.Index("region", "id", name="people_household_region")]

    def __str__(self) -> str:
        return self.no


class Membership(models.Model):
    """One row: a person belongs to a household for a period. A person is in one household at a time."""

    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="memberships")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="memberships")
    region = region_field()
    relation = models.CharField("与户主关系", max_length=16, choices=enums.Relation.choices)
    since = models.DateField("起")
    until = models.DateField("止", null=True)
    leave_reason = models.CharField("离开原因", max_length=12, choices=enums.LeaveReason.choices, blank=True)

    class Meta:
        verbose_name = "家庭成员"
        constraints = [
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gte=F("since")), name="people_membership_period"
            ),
            ExclusionConstraint(name="people_membership_apart", expressions=[("person", "="), period()]),
        ]
        indexes = [models.Index("region", "id", name="people_membership_region")]


class HouseholdChange(models.Model):
    """One row: something that happened to a household, with the other household it concerns."""

    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="changes")
    region = region_field()
    kind = models.CharField("变更", max_length=12, choices=enums.ChangeKind.choices)
    on = models.DateField("日期")
    other = models.ForeignKey(Household, on_delete=models.PROTECT, null=True, related_name="+")
    note = models.CharField("说明", max_length=200, blank=True)
    by_id = models.BigIntegerField("经办人", null=True)  #: null = the system

    class Meta:
        verbose_name = "家庭变更"
        indexes = [models.Index("region", "id", name="people_change_region")]


class Account(models.Model):
    """One row: a bank account benefits are paid into."""

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="accounts")
    region = region_field()
    account_cipher = cipher_field("账号")
    account_index = index_field("账号索引")
    last4 = models.CharField("末四位", max_length=4)
    bank_code = models.CharField("开户行代码", max_length=14, blank=True)
    holder = models.CharField("户名", max_length=60)
    since = models.DateField("起")
    until = models.DateField("止", null=True)

    class Meta:
        verbose_name = "账户"
        constraints = [
            models.UniqueConstraint(
                "person", "account_index", condition=Q(until__isnull=True), name="people_account_once"
            ),
        ]
        indexes = [
            models.Index("region", "id", name="people_account_region"),
            models.Index("account_index", name="people_account_idx"),
        ]


class RollEntry(models.Model):
    """One row: an entitlement of one unit for a run of months. Written only by the room `decisions`.

    The entitled unit is the household (dibao, edge, rigid_expense: `person` is null) or one person (tekun, child).
    """

    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="roll")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="roll")
    region = region_field()
    programme = models.CharField("项目", max_length=16, choices=enums.Programme.choices)
    category = models.CharField("城乡", max_length=8, choices=enums.AreaKind.choices)
    #: Classification of dibao families (A, B, C) where a region has one; empty = none.
    grade = models.CharField("类别", max_length=4, blank=True)
    form = models.CharField("供养方式", max_length=12, choices=enums.CareForm.choices, blank=True)
    self_care = models.CharField("自理能力", max_length=16, choices=enums.SelfCare.choices, blank=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+")
    amount_fen = models.BigIntegerField("月金额（分）")
    start_month = models.IntegerField("起始月")  #: yyyymm
    end_month = models.IntegerField("终止月", null=True)  #: yyyymm, the last month paid; null = open
    determination_id = models.BigIntegerField("决定编号", null=True)  #: of the room decisions; null = imported roll
    imported = models.BooleanField("导入", default=False)

    class Meta:
        verbose_name = "在册记录"
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gte=0), name="people_roll_amount"),
            models.CheckConstraint(condition=month_check("start_month"), name="people_roll_start"),
            models.CheckConstraint(
                condition=Q(end_month__isnull=True) | month_check("end_month"), name="people_roll_end"
            ),
            models.CheckConstraint(
                condition=Q(end_month__isnull=True) | Q(end_month__gte=F("start_month")), name="people_roll_months"
            ),
            models.CheckConstraint(
                condition=Q(programme__in=enums.PERSON_PROGRAMMES, person__isnull=False)
                | (~Q(programme__in=enums.PERSON_PROGRAMMES) & Q(person__isnull=True)),
                name="people_roll_unit",
            ),
            ExclusionConstraint(
                name="people_roll_household_apart",
                expressions=[("household", "="), ("programme", "="), month_period()],
                condition=Q(person__isnull=True),
            ),
            ExclusionConstraint(
                name="people_roll_person_apart",
                expressions=[("person", "="), ("programme", "="), month_period()],
                condition=Q(person__isnull=False),
            ),
        ]
        indexes = [
            models.Index("region", "id", name="people_roll_region"),
            models.Index("programme", "region", name="people_roll_programme"),
        ]


class HouseholdFacts(models.Model):
    """One row: the accepted facts of a household for a period. Money in fen; null = not known (never zero)."""

    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="facts")
    region = region_field()
    valid_from = models.DateField("起")
    valid_to = models.DateField("止", null=True)  #: the first day after; null = still valid
    area_kind = models.CharField("城乡", max_length=8, choices=enums.AreaKind.choices)
    income_year_fen = models.BigIntegerField("家庭年收入（分）", null=True)
    cost_medical_fen = models.BigIntegerField("医疗刚性支出（分／年）", null=True)
    assets_ok = models.BooleanField("财产符合规定", null=True)
    extra = models.JSONField("其他", default=dict)  #: facts a region or programme adds, as in the family file

    class Meta:
        verbose_name = "家庭事实"
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")), name="people_hfacts_period"
            ),
            ExclusionConstraint(
                name="people_hfacts_apart", expressions=[("household", "="), period("valid_from", "valid_to")]
            ),
        ]
        indexes = [models.Index("region", "id", name="people_hfacts_region")]


class MemberFacts(models.Model):
    """One row: the accepted facts of one member for a period. Null = not known."""

    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="member_facts")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="facts")
    region = region_field()
    valid_from = models.DateField("起")
    valid_to = models.DateField("止", null=True)
    own_income_year_fen = models.BigIntegerField("本人年收入（分）", null=True)
    disability_kind = models.CharField("残疾类别", max_length=16, null=True)
    disability_grade = models.SmallIntegerField("残疾等级", null=True)
    seriously_ill = models.BooleanField("重病", null=True)
    lost_labour = models.BooleanField("丧失劳动能力", null=True)
    school = models.CharField("就读阶段", max_length=16, null=True)
    self_care = models.CharField("自理能力", max_length=16, choices=enums.SelfCare.choices, null=True)
    extra = models.JSONField("其他", default=dict)

    class Meta:
        verbose_name = "成员事实"
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")), name="people_mfacts_period"
            ),
            ExclusionConstraint(
                name="people_mfacts_apart", expressions=[("person", "="), period("valid_from", "valid_to")]
            ),
        ]
        indexes = [
            models.Index("region", "id", name="people_mfacts_region"),
            models.Index("household", name="people_mfacts_household"),
        ]


class AtRisk(models.Model):
    """One row: a person stands on the list of those who easily fall into hardship, for one reason (急难对象数据库)."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="at_risk")
    region = region_field()  #: village of the person, which patrols him
    risk_class = models.CharField("类别", max_length=20, choices=enums.RiskClass.choices)
    source = models.CharField("来源", max_length=100)  #: survey, register or list it is from
    note = models.CharField("说明", max_length=200, blank=True)
    grid = models.CharField(
        "网格", max_length=40, blank=True
    )  #: as the village calls it; empty = the village is one grid
    listed_on = models.DateField("列入日期")
    listed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    last_checked = models.DateField("最近巡查", null=True)  #: null = not yet
    ended_on = models.DateField("移出日期", null=True)  #: null = still listed
    end_reason = models.CharField("移出原因", max_length=100, blank=True)

    class Meta:
        verbose_name = "急难风险对象"
        constraints = [
            models.UniqueConstraint(
                "person", "risk_class", condition=Q(ended_on__isnull=True), name="people_at_risk_once"
            ),
            models.CheckConstraint(
                condition=Q(ended_on__isnull=True) | (Q(ended_on__gte=F("listed_on")) & ~Q(end_reason="")),
                name="people_at_risk_ended",
            ),
        ]
        indexes = [models.Index("region", "id", name="people_at_risk_region")]
