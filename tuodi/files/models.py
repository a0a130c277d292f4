"""Stored files. The bytes lie encrypted under `settings.FILES_DIR`; a row says whose they are and what they hash to."""

from __future__ import annotations

from django.db import models


class StoredFile(models.Model):
    """One row: one file in one place. The same bytes twice in one place are one row."""

    region = models.CharField("区划", max_length=12, db_collation="C")
    sha256 = models.CharField("内容校验值", max_length=64)  #: of the plain bytes
    size = models.BigIntegerField("字节数")  #: of the plain bytes
    name = models.CharField("文件名", max_length=200)
    media_type = models.CharField("类型", max_length=100)
    purpose = models.CharField("用途", max_length=40)  #: roll_import, bank_file, snapshot, attachment …
    stored_at = models.DateTimeField("存入时间")
    by_id = models.BigIntegerField("存入人", null=True)  #: null = the system

    class Meta:
        verbose_name = "文件"
        constraints = [models.UniqueConstraint("region", "sha256", "purpose", name="files_once")]
        indexes = [models.Index(fields=["region", "-id"], name="files_region")]

    def __str__(self) -> str:
        return f"{self.pk}"
