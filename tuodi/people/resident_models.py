"""Residents who sign in. A resident is no `User`: he holds no duty and sees his own family's rows only."""

from __future__ import annotations

import uuid

from django.db import models

from tuodi.org.rls import region_field
from tuodi.people.fields import cipher_field, index_field


class ResidentAccount(models.Model):
    """One row: one person who has signed in, or was given a phone for it at the counter."""

    uid = models.UUIDField(default=uuid.uuid4, editable=False)  #: binds the ciphertext to this row
    person = models.OneToOneField("people.Person", on_delete=models.PROTECT, related_name="+")
    region = region_field()
    phone_cipher = cipher_field("手机号")  #: where codes go; null = the number in the person's record
    phone_index = index_field("手机号索引")
    phone_masked = models.CharField("手机号（脱敏）", max_length=20, blank=True)
    opened_at = models.DateTimeField("开通时间")
    last_sign_in = models.DateTimeField("上次登录", null=True)
    locked_until = models.DateTimeField("锁定至", null=True)  #: null or past = open
    #: Whom the identity provider calls him (`iss sub`), once he came that way; empty = never.
    provider_subject = models.CharField("统一身份标识", max_length=255, blank=True)
    is_active = models.BooleanField("启用", default=True)

    class Meta:
        verbose_name = "居民账号"
        indexes = [models.Index("phone_index", name="people_resident_phone")]

    def __str__(self) -> str:
        return f"{self.pk}"


class SignInTry(models.Model):
    """One row: a code asked for. Written alike whether there is such a person or not; kept a day."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    region = region_field()  #: of the person; the nation's for nobody
    id_index = models.BinaryField("证件索引", max_length=32)
    person = models.ForeignKey("people.Person", on_delete=models.CASCADE, null=True, related_name="+")  #: null = nobody
    address = models.CharField("来源地址", max_length=45, blank=True)
    at = models.DateTimeField("时间")
    code_hash = models.BinaryField("验证码校验值", max_length=32)  #: keyed, bound to this row
    expires_at = models.DateTimeField("失效时间")
    used_at = models.DateTimeField("使用时间", null=True)  #: a code works once
    wrong = models.SmallIntegerField("输错次数", default=0)

    class Meta:
        verbose_name = "居民登录尝试"
        indexes = [
            models.Index("id_index", "at", name="people_try_number"),
            models.Index("address", "at", name="people_try_address"),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"
