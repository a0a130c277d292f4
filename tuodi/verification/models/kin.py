"""The register of applications by near relatives of staff and of village committees (近亲属备案, [57] art 11, [220] art 14)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tuodi.org.rls import region_field


class KinFiling(models.Model):
    """One row: a member of a family is a near relative of somebody who works on assistance, as declared or matched.

    `region` is the family's. A number of the official is never kept here, only who he is at work.
    """

    class Relation(models.TextChoices):
        """近亲属: the closed list of [57] art 11 and [220] art 14; what the family member is to the official."""

        SPOUSE = "spouse", "配偶"
        PARENT = "parent", "父母"
        CHILD = "child", "子女"
        SIBLING = "sibling", "兄弟姐妹"
        GRANDPARENT = "grandparent", "祖父母、外祖父母"
        GRANDCHILD = "grandchild", "孙子女、外孙子女"
        SELF = "self", "本人"
        UNSTATED = "unstated", "登记未写明"

    class Basis(models.TextChoices):
        """How it became known."""

        DECLARED = "declared", "申请人声明"
        MATCHED = "matched", "名册比对"

    class Role(models.TextChoices):
        """Whose relative."""

        STAFF = "staff", "社会救助经办人员"
        COMMITTEE = "committee", "村（居）民委员会成员"
        FISCAL = "fiscal", "财政供养人员"

    class State(models.TextChoices):
        """Where it stands; moves are in `states.KIN_MOVES`."""

        DECLARED = "declared", "已声明"
        MATCHED = "matched", "已比中"
        FILED = "filed", "已备案"
        VISITED = "visited", "已入户"
        DECIDED = "decided", "已决定"

    region = region_field()
    no = models.CharField("备案号", max_length=40, db_collation="C", blank=True)  #: empty until filed
    case = models.ForeignKey("cases.Case", on_delete=models.PROTECT, null=True, related_name="+")
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    basis = models.CharField("来源", max_length=10, choices=Basis.choices)
    relation = models.CharField("关系", max_length=12, choices=Relation.choices)
    role = models.CharField("对方身份", max_length=10, choices=Role.choices)
    staff_user = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")  #: has an account
    staff_name = models.CharField("对方姓名", max_length=40)
    staff_unit = models.CharField("对方单位", max_length=80, blank=True)
    source = models.CharField("依据", max_length=100, blank=True)  #: batch or list it was matched in
    state = models.CharField("状态", max_length=10, choices=State.choices)
    found_at = models.DateTimeField("发现时间")
    found_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")  #: null = matched
    filed_at = models.DateTimeField("备案时间", null=True)
    filed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    visit = models.ForeignKey("verification.VisitRecord", on_delete=models.PROTECT, null=True, related_name="+")
    decided_on = models.DateField("决定日期", null=True)
    decision = models.CharField("决定", max_length=8, blank=True)

    class Meta:
        verbose_name = "近亲属备案"
        constraints = [
            models.UniqueConstraint(
                "household", "person", "staff_name", "staff_unit", "relation", "case",
                name="verification_kin_once", nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(state__in=["declared", "matched"]) | Q(filed_at__isnull=False),
                name="verification_kin_filed",
            ),
            models.CheckConstraint(
                condition=~Q(state="visited") | Q(visit__isnull=False), name="verification_kin_visited"
            ),
        ]  # fmt: skip
        indexes = [
            models.Index("region", "id", name="verification_kin_region"),
            models.Index("region", "state", name="verification_kin_state"),
            models.Index("case", name="verification_kin_case"),
        ]

    def __str__(self) -> str:
        return self.no or f"{self.pk}"
