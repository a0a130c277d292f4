"""Writing messages and carrying them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

from procrastinate.contrib.django import app

from tuodi.crypto.fields import decrypt, encrypt
from tuodi.kernel import clock
from tuodi.kernel.masking import mask_phone
from tuodi.messages import texts
from tuodi.messages.adapters import Letter, carrier
from tuodi.messages.errors import CarryError
from tuodi.messages.models import Message, State

__all__ = ["BACK_OFF", "carry", "read", "resend", "send"]

#: Waits before each further try; after the last one the message has failed and says so.
BACK_OFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 720))
#: How long a try may take before somebody else may take the message up.
LEASE = timedelta(minutes=2)

Scope = Callable[[], AbstractContextManager[Any]]


def _aad(kind: str, number: uuid.UUID) -> str:
    return f"outbox.{kind}|{number}"


def send(template: str, to: str, context: dict[str, object], *, region: str) -> uuid.UUID:
    """Queues one message in the caller's transaction: no deed, no message. May be called in any scope, or in none.

    Args:
        template: of `texts.yaml`.
        to: the full phone number.
        context: exactly the facts the template names.
        region: 12-character code of the person written to.
    Returns: the message's number.
    Raises: TemplateError, also for a text that would hold an identity number.
    """
    return _queue(template, to, texts.fill(template, context), region)


def resend(template: str, to: str, text: str, *, region: str) -> uuid.UUID:
    """Queues a text that was filled before, to the number that holds now. As `send`."""
    return _queue(template, to, text, region)


def _queue(template: str, to: str, text: str, region: str) -> uuid.UUID:
    number, now = uuid.uuid4(), clock.now()
    chosen = texts.template(template)
    at_once = carrier().at_once
    Message(
        id=number,
        region=region,
        to_cipher=encrypt(to, _aad("to", number)),
        to_masked=mask_phone(to),
        template=template,
        text_cipher=encrypt(text, _aad("text", number)),
        state=State.SENT if at_once else State.QUEUED,
        due_at=now,
        expires_at=now + timedelta(minutes=chosen.minutes) if chosen.minutes else None,
        created_at=now,
        sent_at=now if at_once else None,
    ).save(force_insert=True)
    if not at_once:
        app.configure_task("outbox.carry").defer(message=str(number))  # in this transaction: no message, no job
    return number


def read(message: Message) -> tuple[str, str]:
    """Number and text, in full. For carriers, and for the outbox page of a demo."""
    return decrypt(message.to_cipher, _aad("to", message.pk)), decrypt(message.text_cipher, _aad("text", message.pk))


def carry(scope: Scope, message: str | None = None) -> tuple[int, int]:
    """Carries what is due, one by one, and never inside a transaction: a gateway may take its time.

    Args:
        scope: opens a transaction that sees all messages to be carried.
        message: only this one; None = all that are due.
    Returns: how many were sent and how many could not be.
    """
    sent = failed = 0
    chosen = carrier()
    while (taken := _take(scope, message)) is not None:
        try:
            chosen.carry(taken)
        except CarryError as error:
            failed += 1
            _settle(scope, taken.id, error.reason)
        else:
            sent += 1
            _settle(scope, taken.id, "")
        if message:
            break
    return sent, failed


def _take(scope: Scope, wanted: str | None) -> Letter | None:
    """The next due message, leased: two workers never carry the same one at the same time."""
    now = clock.now()
    with scope():
        Message.objects.filter(state=State.QUEUED, expires_at__lte=now).update(
            state=State.FAILED, fault="过了有效时间，没有再送"
        )
        due = Message.objects.filter(state=State.QUEUED, due_at__lte=now)
        if wanted:
            due = due.filter(pk=wanted)
        row = due.select_for_update(skip_locked=True).order_by("due_at", "id").first()
        if row is None:
            return None
        row.due_at = now + LEASE
        row.tries += 1
        row.save(update_fields=["due_at", "tries"])
        to, text = read(row)
        return Letter(str(row.pk), row.channel, to, row.template, text)


def _settle(scope: Scope, number: str, fault: str) -> None:
    now = clock.now()
    with scope():
        row = Message.objects.select_for_update().get(pk=number)
        if not fault:
            row.state, row.sent_at, row.fault = State.SENT, now, ""
        elif row.tries > len(BACK_OFF):
            row.state, row.fault = State.FAILED, fault[:200]
        else:
            row.due_at, row.fault = now + BACK_OFF[row.tries - 1], fault[:200]
        row.save(update_fields=["state", "sent_at", "fault", "due_at"])
