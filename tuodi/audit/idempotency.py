"""Requests that must not act twice: a double click, a repeated import, a job run again.

with once(key, actor, payload) as request:
    if not request.done:
        request.result = {"id": act(...).pk}
return request.result
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction

from tuodi.audit.actions import Actor
from tuodi.audit.errors import RequestConflictError
from tuodi.kernel import clock

__all__ = ["Request", "in_turn", "once"]


@dataclass
class Request:
    """What `once` hands out: whether the work was done before, and its result (JSON-able)."""

    key: str
    done: bool
    result: Any = None


def in_turn(key: UUID) -> None:
    """Lets requests that bear one form's key pass one after the other, until the transaction ends.

    Asked before looking whether the form's row is there: a double click then finds it, and is not a broken unique key.
    """
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"tuodi.form:{key}"])


def fingerprint(payload: Any) -> str:
    """SHA-256 of a JSON-able payload, independent of key order."""
    text = json.dumps(payload, cls=DjangoJSONEncoder, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def once(key: str, actor: Actor | None, payload: Any) -> Iterator[Request]:
    """Runs its body as the first and only bearer of a key, or says that it was done.

    A second bearer at the same time waits for the first to end; if the first fails, the second acts.

    Raises: RequestConflictError if the key came before with another payload.
    """
    who = actor.pk if actor is not None else 0
    digest = fingerprint(payload)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "insert into audit_idempotentrequest (key, actor_id, payload_hash, at) values (%s, %s, %s, %s) "
            "on conflict (actor_id, key) do nothing returning id",
            [key, who, digest, clock.now()],
        )
        made = cursor.fetchone()
        if made is None:
            cursor.execute(
                "select payload_hash, result from audit_idempotentrequest where actor_id = %s and key = %s", [who, key]
            )
            known, result = cursor.fetchone()
            if known != digest:
                raise RequestConflictError(key)
            yield Request(key, done=True, result=json.loads(result) if isinstance(result, str) else result)
            return
        request = Request(key, done=False)
        yield request
        cursor.execute(
            "update audit_idempotentrequest set result = %s::jsonb where id = %s",
            [json.dumps(request.result, cls=DjangoJSONEncoder, ensure_ascii=False), made[0]],
        )
