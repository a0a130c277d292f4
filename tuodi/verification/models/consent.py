"""Consents to check a family's means (核对授权书), and the statutory supporters outside the family who need one too."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q

from tuodi.org.rls import region_field
from tuodi.people.fields import cipher_field, index_field, name_field


class Supporter(models.Model):
    """One row: a person outside the family who by law supports a member (法定赡养、抚养、扶养义务人)."""

    uid = models.UUIDField(default=uuid.uuid4, editable=False)  #: binds ciphertexts to this row, as `people.Person`
    region = region_field()  #: of the family
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")  #: who is supported
    relation = models.CharField("关系", max_length=16)  #: 子女、父母、配偶 …
    name = name_field("姓名")
    id_cipher = cipher_field("证件号码")
    id_index = index_field("证件索引")
    id_masked = models.CharField("证件号码（脱敏）", max_length=20, blank=True)
    id_check_ok = models.BooleanField("校验码正确", default=True)
    since = models.DateField("起")
    until = models.DateField("止", null=True)  #: the first day after; null = still so

    class Meta:
        verbose_name = "法定义务人"
        indexes = [
            models.Index("region", "id", name="verification_supp_region"),
            models.Index("household", name="verification_supp_family"),
        ]


class Consent(models.Model):
    """One row: one person lets the means check look at one family's registers, until it ends."""

    class Role(models.TextChoices):
        """Whose consent it is."""

        MEMBER = "member", "家庭成员"
        SUPPORTER = "supporter", "法定义务人"

    class Basis(models.TextChoices):
        """What it rests on."""

        SIGNED = "signed", "当面或线上签署"
        IMPORTED = "imported", "已有纸质授权"
        STATUTORY = "statutory", "依法核对，无须授权"

    region = region_field()
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    role = models.CharField("身份", max_length=10, choices=Role.choices)
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, null=True, related_name="+")
    supporter = models.ForeignKey(Supporter, on_delete=models.PROTECT, null=True, related_name="consents")
    basis = models.CharField("依据", max_length=10, choices=Basis.choices)
    signed_on = models.DateField("授权日期")
    valid_to = models.DateField("有效期至", null=True)  #: last day; null = for the time of assistance
    covers_bank = models.BooleanField("含金融资产", default=True)
    guardian_name = models.CharField("监护人", max_length=60, blank=True)  #: signs for who cannot
    document = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, null=True, related_name="+")
    paper_ref = models.CharField("纸质档号", max_length=80, blank=True)
    recorded_at = models.DateTimeField("登记时间")
    recorded_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    ended_on = models.DateField("终止日期", null=True)  #: the first day without it
    end_reason = models.CharField("终止原因", max_length=60, blank=True)

    class Meta:
        verbose_name = "核对授权"
        constraints = [
            models.CheckConstraint(
                condition=Q(role="member", person__isnull=False, supporter__isnull=True)
                | Q(role="supporter", person__isnull=True, supporter__isnull=False),
                name="verification_consent_who",
            ),
            models.CheckConstraint(
                condition=Q(ended_on__isnull=True) | Q(ended_on__gte=F("signed_on")), name="verification_consent_life"
            ),
        ]
        indexes = [
            models.Index("region", "id", name="verification_consent_region"),
            models.Index("household", name="verification_consent_family"),
            models.Index("person", name="verification_consent_person"),
        ]
