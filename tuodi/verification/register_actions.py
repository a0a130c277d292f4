"""The register of data sources: adding one, and every later change of its agreement and terms.

Importing a delivery and destroying it are in `register_imports`, reading in `register_queries`.
"""

from __future__ import annotations

import re
from typing import Any

from django.db import IntegrityError, transaction

from tuodi.audit.actions import record
from tuodi.crypto.sm2 import check_public
from tuodi.exchange.registers import KINDS, load_register
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.verification import source_states
from tuodi.verification.models import DataSource
from tuodi.verification.register_errors import SourceInputError
from tuodi.verification.register_imports import (
    import_register,
    purge_expired,
    receive_register,
    resume_imports,
)

__all__ = ["add_source", "change_source", "import_register", "purge_expired", "receive_register", "resume_imports"]

_TERMS = (
    "label", "department", "agreement_no", "agreed_on", "mode", "profile", "service", "reply_key", "needs_consent",
    "freshness_days", "retention_days", "quota_per_day", "contact", "note",
)  # fmt: skip


@transaction.atomic
def add_source(
    *, acting_user: User | None, code: str, kind: str, place_code: str, label: str, department: str, **terms: Any
) -> DataSource:
    """Adds a department's register to a place's list; it begins as asked for.

    Args:
        code: Short name, unique in the place: vehicle, bank-2.
        kind: One of `exchange.registers.KINDS`.
        terms: agreement_no, agreed_on, mode, profile, service, reply_key, needs_consent, freshness_days (else the
            profile's), retention_days, quota_per_day, contact, note; also `state`, for lists taken over from before.
    Raises: NotFoundError, AccessDeniedError; SourceInputError; ProfileError.
    """
    region = pad12(place_code)
    _door(acting_user, region)
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", code):
        raise SourceInputError("代码", f"“{code}”只能用小写字母、数字、短横和下划线，最多 40 个")
    if kind not in KINDS:
        raise SourceInputError("登记种类", f"“{kind}”不在目录中，可用：{'、'.join(KINDS)}")
    state = terms.pop("state", DataSource.State.ASKED)
    if terms.get("profile") and "freshness_days" not in terms:
        terms["freshness_days"] = load_register(terms["profile"]).freshness_days
    source = DataSource(
        code=code, kind=kind, place_code=place_code, label=label, department=department, state=state, **terms
    )
    _check(source)
    try:
        with transaction.atomic():
            source.save()
    except IntegrityError as error:
        raise SourceInputError("代码", f"“{code}”在这个范围已有一个来源，请换一个代码") from error
    after = {"code": code, "kind": kind, "department": department, "state": source.state, "mode": source.mode}
    _note("add_source", source, acting_user, after=after)
    return source


@transaction.atomic
def change_source(
    source: DataSource, *, acting_user: User | None, state: str | None = None, **terms: Any
) -> DataSource:
    """Changes terms of a source and, if asked, moves its agreement on. Only what differs is written and recorded.

    Raises: NotFoundError, AccessDeniedError; MoveRefusedError; SourceInputError; ProfileError.
    """
    _door(acting_user, pad12(source.place_code))
    row = DataSource.objects.select_for_update().get(pk=source.pk)
    unknown = set(terms) - set(_TERMS)
    if unknown:
        raise SourceInputError("字段", f"“{min(unknown)}”不能更改")
    before = {name: getattr(row, name) for name, value in terms.items() if getattr(row, name) != value}
    for name in before:
        setattr(row, name, terms[name])
    if state is not None and state != row.state:
        before["state"] = row.state
        source_states.move(row, state)
    if not before:
        return row
    _check(row)
    row.save(update_fields=list(before))
    _note("change_source", row, acting_user, before=before, after={name: getattr(row, name) for name in before})
    return row


def _door(acting_user: User | None, region: str) -> None:
    if acting_user is not None:
        access.require(acting_user, DutyCode.SWEEP, region)


def _check(source: DataSource) -> None:
    if not source.label.strip() or not source.department.strip():
        raise SourceInputError("名称和部门", "都要填写")
    if source.freshness_days < 1 or source.retention_days < 1:
        raise SourceInputError("天数", "应大于 0")
    if source.quota_per_day is not None and source.quota_per_day < 0:
        raise SourceInputError("每日限额", "不能是负数")
    if source.mode == DataSource.Mode.BATCH and not source.profile:
        raise SourceInputError("文件模板", "没有填写；批量文件要有模板")
    if source.mode == DataSource.Mode.REAL_TIME and not source.service:
        raise SourceInputError("接口名", "没有填写；实时接口要有接口名")
    if source.service and not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", source.service):
        raise SourceInputError("接口名", "只能用字母、数字、短横和下划线，最多 40 个")
    if source.reply_key and not _is_key(source.reply_key):
        raise SourceInputError("验签公钥", "不是有效的 SM2 公钥，应为 130 位十六进制、04 开头，请向部门核对")
    if source.profile:
        profile = load_register(source.profile)
        if profile.kind != source.kind:
            raise SourceInputError(
                "文件模板", f"“{profile.label}”是{KINDS[profile.kind]}的模板，来源是{KINDS[source.kind]}"
            )


def _is_key(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9a-f]{130}", text)) and check_public(bytes.fromhex(text))


def _note(
    verb: str,
    source: DataSource,
    actor: User | None,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    record(
        f"verification.{verb}",
        actor=actor,
        subject_type="datasource",
        subject_id=source.pk,
        region=pad12(source.place_code),
        before=before,
        after=after,
    )
