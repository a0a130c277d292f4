"""Fact sets: what is held to be so about a family on a day, and from where each fact is known."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from tuodi.org.rls import region_field


class FactSet(models.Model):
    """One row: one version of the facts of one family. A draft until frozen; then never changed (a trigger holds it).

    `facts` is the family file the rules read, with plain values. `provenance` says of each value where it is from:
    path (`household.income_year`, `members[1].birth`) -> source, date, evidence, officer. `declared` beside them is an answer
    from the phone that waits for an officer, `aside` one he has set aside (see `verification.declared`).
    """

    class Source(models.TextChoices):
        """Where a value is from; the same words as the fact declarations."""

        ENTERED = "entered", "申报"
        DECLARED = "declared", "网上申报"  #: said on the phone; an officer has yet to adopt it
        REGISTER = "register", "登记"
        VISIT = "visit", "入户调查"
        FINDING = "finding", "调查认定"
        LEDGER = "ledger", "发放台账"
        PRIOR = "prior", "上次决定"

    region = region_field()
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    case = models.ForeignKey("cases.Case", on_delete=models.PROTECT, null=True, related_name="+")  #: null = late facts
    number = models.SmallIntegerField("序号")  #: 1, 2, 3 … of the household
    facts = models.JSONField("事实")
    provenance = models.JSONField("来源", default=dict)
    #: Person of each member, in the order of `facts["members"]`.
    person_ids = ArrayField(models.BigIntegerField(), verbose_name="成员", default=list)
    as_of = models.DateField("事实日期")
    reason = models.CharField("缘由", max_length=200, blank=True)
    created_at = models.DateTimeField("建立时间")
    created_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    supersedes = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")
    sha256 = models.CharField("校验值", max_length=64, blank=True)  #: empty = draft
    frozen_at = models.DateTimeField("定稿时间", null=True)
    frozen_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "事实表"
        constraints = [
            models.UniqueConstraint("household", "number", name="verification_factset_once"),
            models.CheckConstraint(
                condition=Q(frozen_at__isnull=True, sha256="") | (Q(frozen_at__isnull=False) & ~Q(sha256="")),
                name="verification_factset_frozen",
            ),
        ]
        indexes = [
            models.Index("region", "id", name="verification_factset_region"),
            models.Index("case", name="verification_factset_case"),
        ]

    def __str__(self) -> str:
        return f"{self.household_id}.{self.number}"

    @property
    def is_frozen(self) -> bool:
        """Whether it may still be edited."""
        return self.frozen_at is not None
