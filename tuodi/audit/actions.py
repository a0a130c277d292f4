"""Writing the audit log."""

from __future__ import annotations

import json
from typing import Any, Protocol

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

from tuodi.audit.context import origin
from tuodi.kernel import clock

__all__ = ["Actor", "record"]

SYSTEM = "系统"


class Actor(Protocol):
    """A user, as this room sees one: it lies below `org` and knows no more."""

    @property
    def pk(self) -> Any:
        """Its number."""
        ...

    @property
    def name(self) -> str:
        """The person's name."""
        ...


def record(
    action: str,
    *,
    actor: Actor | None,
    subject_type: str,
    subject_id: object,
    region: str,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    case_no: str | None = None,
) -> None:
    """Appends one row, in the caller's transaction: either both the deed and its record exist, or neither.

    The chain of a place is locked until the transaction ends, so a long job records once for the whole, and work
    over several places records in the order of their codes (else two jobs may lock each other out).

    Args:
        action: `room.verb`, stable.
        actor: who; None = the system itself.
        subject_type: model name in lower case, with `subject_id` its number.
        region: 12-character place code of the subject; the chain is that of its first six.
        before: changed fields as they were; hold masked values only. Null = nothing before.
        after: changed fields as they are.
    """
    came = origin()
    with connection.cursor() as cursor:
        # No RETURNING: the policy lets everyone append, but read only his own range.
        cursor.execute(
            "insert into audit_auditentry (place6, day, seq, recorded_at, at, actor_id, actor_name, action, "
            "subject_type, subject_id, case_no, region, before, after, address, request_id, prev_hash, hash) "
            "values ('', 'epoch', 0, 'epoch', %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s::jsonb, %s, %s, '', '')",
            [
                clock.now(),
                actor.pk if actor is not None else None,
                actor.name if actor is not None else SYSTEM,
                action,
                subject_type,
                str(subject_id),
                case_no or "",
                region,
                _json(before),
                _json(after),
                came.address,
                came.request_id,
            ],
        )


def _json(value: dict[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
