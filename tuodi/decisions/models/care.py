"""Care of tekun persons: who looks after one, under what agreement ([43], 云南2020 一(三): 委托照料服务协议)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from tuodi.org.rls import region_field
from tuodi.people.enums import CareForm


class CareAgreement(models.Model):
    """One row: one agreement on the care of one tekun person, from a day to a day. Its terms never change (a trigger holds it).

    Dispersed support: the township entrusts a caregiver. Centralised: a facility takes the person in. Renewal is a new row
    that follows the old one.
    """

    region = region_field()
    no = models.CharField("协议号", max_length=40, db_collation="C", unique=True)
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    form = models.CharField("供养形式", max_length=12, choices=CareForm.choices)
    facility = models.CharField("供养服务机构", max_length=80, blank=True)  #: centralised only
    caregiver = models.CharField("照料服务人", max_length=40, blank=True)  #: dispersed only
    relation = models.CharField("与特困人员关系", max_length=40, blank=True)
    office = models.ForeignKey("org.Office", on_delete=models.PROTECT, related_name="+")  #: the entrusting party
    services = models.TextField("照料服务内容")
    frequency = models.CharField("看望频次", max_length=60, blank=True)
    subsidy_fen = models.BigIntegerField(
        "月照料补贴（分）", null=True
    )  #: to the caregiver; null = the place sets no amount
    since = models.DateField("起")
    until = models.DateField("止")  #: last day
    signed_on = models.DateField("签订日期")
    made_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    follows = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")
    ended_on = models.DateField("解除日期", null=True)  #: first day without it; null = runs to `until`
    ended_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    end_reason = models.CharField("解除原因", max_length=200, blank=True)

    class Meta:
        app_label = "decisions"
        verbose_name = "照料服务协议"
        constraints = [
            models.CheckConstraint(condition=Q(until__gte=F("since")), name="decisions_care_days"),
            models.CheckConstraint(
                condition=Q(subsidy_fen__isnull=True) | Q(subsidy_fen__gte=0), name="decisions_care_subsidy"
            ),
            models.CheckConstraint(
                condition=Q(form="centralised", caregiver="") & ~Q(facility="")
                | Q(form="dispersed", facility="") & ~Q(caregiver=""),
                name="decisions_care_party",
            ),
            models.CheckConstraint(
                condition=Q(ended_on__isnull=True) | ~Q(end_reason=""), name="decisions_care_end_reason"
            ),
        ]
        indexes = [
            models.Index("region", "until", name="decisions_care_region"),
            models.Index("person", "since", name="decisions_care_person"),
        ]

    def __str__(self) -> str:
        return self.no


class CarePayee(models.Model):
    """One row: into whose account the subsidy of one agreement goes. Append-only: the newest of an agreement counts.

    Apart from the agreement, whose terms never change: a caregiver's card does.
    """

    region = region_field()  #: of the agreement
    agreement = models.ForeignKey(CareAgreement, on_delete=models.PROTECT, related_name="payees")
    #: The caregiver, as the county knows him; who has no family on a roll has no household.
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey("people.Account", on_delete=models.PROTECT, related_name="+", db_index=False)
    made_at = models.DateTimeField("登记时间")
    made_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        app_label = "decisions"
        verbose_name = "照料服务人收款账户"
        indexes = [models.Index("region", "id", name="decisions_payee_region")]
