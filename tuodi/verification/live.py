"""Sending a request to the departments and taking in what they answer.

The network is never waited for inside a transaction: what to ask is read in one, each answer is written in one of its
own, and a job killed in between finds the rest still waiting.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from tuodi.audit.actions import record
from tuodi.cases.states import move
from tuodi.crypto.sm2 import KeyPair, load_or_make
from tuodi.exchange.gateway import BREAK_AFTER, Answer, Envelope, Gate, Link, Query, Status, Subject, Target, ask_all
from tuodi.exchange.live import load_live_profile, read_rows
from tuodi.exchange.outward import check_address
from tuodi.files.store import put_bytes
from tuodi.kernel import clock
from tuodi.org.access import system_scope
from tuodi.people import secrets
from tuodi.people.models import FormerName
from tuodi.verification.check_states import REQUEST_MOVES, RequestState
from tuodi.verification.models import CheckAnswer, CheckRequest, DataSource

__all__ = ["fetch_late", "link", "own_key", "send", "take_answer"]

#: How long a source that failed `BREAK_AFTER` times in a row is left alone.
PAUSE = timedelta(minutes=10)
#: Failures that say something about the source, not about the one question.
_FAULTS = ("timeout", "unreachable", "half", "format", "signature", "oversize", "refused", "entities")
_ENDED = {
    Status.FOUND: CheckAnswer.Status.FOUND,
    Status.NOT_FOUND: CheckAnswer.Status.NOT_FOUND,
    Status.MULTI: CheckAnswer.Status.MULTI,
    Status.ERROR: CheckAnswer.Status.ERROR,
    Status.TIMEOUT: CheckAnswer.Status.TIMEOUT,
}
#: Not asked again by sending: they have spoken, or a person must look first.
_SETTLED = (CheckAnswer.Status.FOUND, CheckAnswer.Status.NOT_FOUND, CheckAnswer.Status.MULTI)


def own_key() -> KeyPair:
    """The site's signing pair, made when first needed. Raises KeyringError."""
    return load_or_make(settings.GATEWAY_KEY)


def link() -> Link:
    """The way to the gateway as configured. Raises GatewayUrlError, ForbiddenAddressError, KeyringError."""
    return Link(check_address(settings.GATEWAY_URL, local=settings.OUTWARD_LOCAL), own_key(), clock.now)


def send(request_id: int, *, place: str, way: Link | None = None, timeout: float = 8.0, patience: float = 30.0) -> int:
    """Asks whatever of a request's round has not been answered, all at once. Safe to run again.

    Call it outside a transaction: it opens short ones itself, in the scope of the place.

    Args:
        place: Significant prefix the request lies in.
        way: None = as configured.
        timeout, patience: Of one attempt and of one question in all, seconds.

    Returns: how many answers count now that did not before.
    """
    with system_scope(place):
        request = CheckRequest.objects.select_for_update(of=("self",)).select_related("opened_by").get(pk=request_id)
        envelope, queries = _queries(request, timeout, patience)
        request.sent_at = clock.now()
        request.save(update_fields=["sent_at"])
        record(
            "verification.send",
            actor=request.opened_by,
            subject_type="checkrequest",
            subject_id=request.pk,
            region=request.region,
            case_no=request.case.no if request.case else None,
            after={"no": request.no, "round": request.round, "questions": len(queries)},
        )
    usable = 0
    for answer in ask_all(queries, envelope=envelope, link=way or link()) if queries else ():
        with system_scope(place):
            usable += take_answer(int(answer.query.no.rpartition("-")[2]), answer)
    with system_scope(place):
        request = CheckRequest.objects.select_for_update(of=("self",)).get(pk=request_id)
        _settle(request)
    return usable


def fetch_late(place: str, *, way: Link | None = None) -> int:
    """Looks again for what departments promised with a ticket and had not delivered. Returns how many came."""
    today = clock.today()
    with system_scope(place):
        waiting = list(
            CheckAnswer.objects.exclude(ticket="")
            .filter(status=CheckAnswer.Status.TIMEOUT, request__valid_to__gte=today)
            .order_by("request_id")
            .values_list("request_id", flat=True)
            .distinct()
        )
    return sum(send(request_id, place=place, way=way, patience=3.0) for request_id in waiting)


def _queries(request: CheckRequest, timeout: float, patience: float) -> tuple[Envelope, list[Query]]:
    rows = list(
        request.answers.filter(round=request.round)
        .exclude(status__in=_SETTLED)
        .select_related("source", "person", "supporter", "consent")
        .order_by("id")
    )
    today = clock.today()
    rows = [row for row in rows if _still_allowed(row, today)]
    former: dict[int, list[str]] = {}
    for person_id, name in FormerName.objects.filter(
        person__in=[row.person_id for row in rows if row.person_id]
    ).values_list("person_id", "name"):
        former.setdefault(person_id, []).append(name)
    targets: dict[int, Target] = {}
    queries = []
    for row in rows:
        target = targets.get(row.source_id) or _target(row.source, today, timeout, patience)
        targets[row.source_id] = target
        holder = row.person or row.supporter
        if holder is None:
            continue
        subject = Subject(
            ref=str(row.pk),
            id_no=secrets.open_id(holder),  # type: ignore[arg-type]  # a supporter has the same columns
            name=holder.name,
            other_names=tuple(former.get(row.person_id or 0, ())),
            consent_no=str(row.consent_id),
        )
        queries.append(Query(f"{request.no}-{request.round}-{row.pk}", target, subject, row.ticket))
    envelope = Envelope(
        request_no=request.no,
        purpose=request.purpose,
        programme=request.programme,
        operator=request.opened_by.name if request.opened_by else "系统",
        period_from=today.replace(year=today.year - 1, day=min(today.day, 28)),
        period_to=today,
    )
    return envelope, queries


def _still_allowed(row: CheckAnswer, today: date) -> bool:
    """A consent withdrawn between opening and sending closes the question."""
    consent = row.consent
    if (consent.ended_on is None or consent.ended_on > today) and (
        consent.valid_to is None or consent.valid_to >= today
    ):
        return True
    row.status, row.reason, row.note = CheckAnswer.Status.ERROR, "consent", "授权已终止，没有询问"
    row.save(update_fields=["status", "reason", "note"])
    return False


def _target(source: DataSource, today: date, timeout: float, patience: float) -> Target:
    left = None
    if source.quota_per_day is not None:
        left = max(source.quota_per_day - (source.used if source.used_on == today else 0), 0)
    return Target(
        code=str(source.pk),
        service=source.service,
        reply_key=bytes.fromhex(source.reply_key) if source.reply_key else None,
        timeout=timeout,
        patience=patience,
        gate=Gate(paused_until=source.paused_until, quota_left=left),
    )


@transaction.atomic
def take_answer(answer_id: int, heard: Answer) -> bool:
    """Writes what came for one question; what must not be used is kept and named, and changes nothing.

    Returns: whether it counts as an answer that was not there before.
    """
    row = CheckAnswer.objects.select_related("source", "request").get(pk=answer_id)
    request = CheckRequest.objects.select_for_update(of=("self",)).get(pk=row.request_id)
    row = CheckAnswer.objects.select_for_update(of=("self",)).select_related("source").get(pk=answer_id)
    now = clock.now()
    _book_source(row.source_id, heard, now)
    raw = _keep(row, request, heard)
    if row.is_usable or row.round != request.round:
        # Answered already: the first answer stands, whatever comes after it.
        same = raw is not None and raw.pk == row.raw_id
        row.note = _joined(row.note, "又收到一次相同的答复" if same else "又收到一次不同的答复，没有采用，须向对方查明")
        row.save(update_fields=["note"])
        _note(request, row, "repeated_answer", same=same)
        return False
    if now.date() > request.valid_to:
        row.note = _joined(row.note, f"有效期 {request.valid_to:%Y-%m-%d} 之后才到的答复，没有采用")
        row.save(update_fields=["note"])
        _note(request, row, "answer_after_close")
        return False
    row.status, row.reason, row.note = _ENDED[heard.status], heard.reason[:20], heard.note[:300]
    row.attempts += heard.attempts
    row.asked_at = heard.asked_at or row.asked_at
    row.answered_at, row.seconds = heard.answered_at, round(heard.seconds, 3)
    row.as_of, row.signature, row.ticket, row.raw = heard.as_of, str(heard.signature), heard.ticket, raw
    row.rows = _rows(row.source, heard) if heard.status is Status.FOUND else []
    row.stale = _is_stale(row.source, heard.as_of, now.date()) if row.is_usable else False
    row.late = row.is_usable and request.reports.filter(content__round=request.round).exists()
    row.save()
    if row.is_usable:
        _move(request)
    return row.is_usable


def _rows(source: DataSource, heard: Answer) -> list[dict[str, Any]]:
    read = read_rows(load_live_profile(source.kind), heard.rows)
    return [
        {"values": dict(one.values), "active": one.active, "text": one.text, "faults": [list(f) for f in one.faults]}
        for one in read
    ]


def _is_stale(source: DataSource, as_of: date | None, today: date) -> bool:
    return as_of is None or (today - as_of).days > source.freshness_days


def _keep(row: CheckAnswer, request: CheckRequest, heard: Answer) -> Any:
    """The reply as it came, encrypted, used or not: what a department said must be provable."""
    if not heard.raw:
        return None
    ending = "xml" if "xml" in heard.media_type else "json"
    return put_bytes(
        heard.raw,
        region=row.region,
        name=f"{request.no}-{row.source.service}-{row.pk}.{ending}",
        purpose="check_reply",
        media_type=heard.media_type or "application/octet-stream",
    )


def _book_source(source_id: int, heard: Answer, now: datetime) -> None:
    """Quota and breaker of a source. A ticket fetched is no new question."""
    if not heard.asked:
        return
    source = DataSource.objects.select_for_update().get(pk=source_id)
    if not heard.query.ticket:
        source.used = source.used + 1 if source.used_on == now.date() else 1
        source.used_on = now.date()
    source.last_tried_at = now
    word = heard.reason.split(":")[0]
    if word in _FAULTS or word.startswith("http_"):
        source.failures = min(source.failures + 1, 30_000)
        if source.failures >= BREAK_AFTER:
            source.paused_until = now + PAUSE
    elif heard.status in (Status.FOUND, Status.NOT_FOUND, Status.MULTI):
        source.failures, source.paused_until, source.last_success_at = 0, None, now
    source.save(update_fields=["used", "used_on", "last_tried_at", "failures", "paused_until", "last_success_at"])


def _move(request: CheckRequest) -> None:
    """Where a request stands by its answers; a request with a report stays reported until something new counts."""
    if request.state == RequestState.DISPUTED:
        return  # a person decides what comes next
    states = list(request.answers.filter(round=request.round).values_list("status", flat=True))
    whole = all(state in (CheckAnswer.Status.FOUND, CheckAnswer.Status.NOT_FOUND) for state in states)
    after = RequestState.COMPLETE if whole else RequestState.PARTLY
    if request.state != after:
        move(f"核对 {request.no} ", REQUEST_MOVES, request.state, after)
        request.state = after
        request.save(update_fields=["state"])


def _settle(request: CheckRequest) -> None:
    """After a sending nobody is waited for any more, though nobody may have answered."""
    if request.state in (RequestState.OPENED, RequestState.RECHECKED):
        _move(request)


def _joined(note: str, more: str) -> str:
    return "；".join(part for part in (note, more) if part)[-300:]


def _note(request: CheckRequest, row: CheckAnswer, action: str, **after: Any) -> None:
    record(
        f"verification.{action}",
        actor=None,
        subject_type="checkanswer",
        subject_id=row.pk,
        region=row.region,
        after={"request": request.no, "source": row.source.code, **after},
    )


def names_of(rows: Iterable[CheckAnswer]) -> list[str]:
    """Source and person of answers, for sentences."""
    return [f"{row.source.label} · {(row.person or row.supporter).name}" for row in rows]  # type: ignore[union-attr]
