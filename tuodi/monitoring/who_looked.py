"""Who looked at or used a family's data: pages shown to staff, checks with departments, comparisons of the whole roll.

What the discipline body saw, and what was seen for a clue, is not shown while a clue about the family is open: it would
warn. After close-out it is there as 监督检查, without a name. Who complained is never shown: nothing here reads
complaints, objections or reports.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from tuodi.kernel import clock
from tuodi.kernel.masking import mask_name
from tuodi.monitoring.models import Clue, SweepRun
from tuodi.org.access import Subject, range_of, system_scope
from tuodi.org.models import Duty, DutyCode, Office, User
from tuodi.people.models import RollEntry
from tuodi.verification.models import CheckRequest

__all__ = ["KINDS", "MONTHS", "Seen", "who_looked"]

#: How far back it goes.
MONTHS = 12
MOST = 500
#: Kinds of use, with the word a filter has for each.
KINDS = {"staff": "工作人员", "check": "部门核对", "sweep": "定期比对", "supervision": "监督检查"}
#: Who holds one of these and opens a family with an open clue does it for the clue.
_CLUE_DUTIES = (
    DutyCode.CLUE,
    DutyCode.CLUE_DECIDE,
    DutyCode.CLUE_CLOSE,
    DutyCode.SWEEP,
    DutyCode.HAND_OVER,
    DutyCode.HAND_OVER_APPROVE,
    DutyCode.SUPERVISE,
    DutyCode.THIRD_PARTY,
)


@dataclass(frozen=True)
class Seen:
    """One use.

    Attributes:
        kind: of `KINDS`.
        who: masked name and office, or departments; no name for 监督检查.
        what: which data. why: for what.
    """

    at: datetime
    kind: str
    who: str
    what: str
    why: str


@dataclass(frozen=True)
class _Span:
    """A clue about the family: from when to when it was open (None = it is)."""

    begun: datetime
    ended: datetime | None

    def holds(self, at: datetime) -> bool:
        return self.begun <= at and (self.ended is None or at <= self.ended)


def who_looked(subject: Subject, *, since: datetime | None = None) -> list[Seen]:
    """All uses the family may read of, newest first. To be called in the family's own scope.

    Args:
        since: default a year back.
    """
    begin = since or clock.now() - timedelta(days=MONTHS * 31)
    entries = _entries(begin)
    with system_scope("cn"):
        spans = [_span(clue) for clue in Clue.objects.filter(household__in=subject.household_ids)]
        actors = _actors({entry["actor_id"] for entry in entries if entry["actor_id"]})
        clue_staff = _holding(actors, _CLUE_DUTIES)
        found = [
            *_pages(entries, actors, clue_staff, spans),
            *_checks(subject, spans, begin),
            *_sweeps(subject, begin),
        ]
    return sorted(found, key=lambda one: one.at, reverse=True)[:MOST]


def _entries(since: datetime) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute("select id, at, actor_id, actor_name, action, after from audit_seen(%s, %s)", [since, MOST])
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    for row in rows:
        if isinstance(row["after"], str):  # a raw cursor gives jsonb as text
            row["after"] = _json(row["after"])
    return rows


def _json(text: str) -> dict[str, Any]:
    found = json.loads(text)
    return found if isinstance(found, dict) else {}


def _span(clue: Clue) -> _Span:
    closed = clue.state == Clue.State.CLOSED
    begun = datetime(clue.found_on.year, clue.found_on.month, clue.found_on.day, tzinfo=clock.BEIJING)
    return _Span(begun, clue.closed_at if closed else None)


def _actors(numbers: Collection[int]) -> dict[int, User]:
    return {user.pk: user for user in User.objects.filter(pk__in=numbers).select_related("office")}


def _holding(actors: dict[int, User], duties: Iterable[str]) -> set[int]:
    """Who of them holds, or has held, one of some duties."""
    return set(Duty.objects.filter(user__in=actors, code__in=list(duties)).values_list("user_id", flat=True))


def _pages(
    entries: list[dict[str, Any]], actors: dict[int, User], clue_staff: set[int], spans: list[_Span]
) -> Iterable[Seen]:
    still_open = any(span.ended is None for span in spans)
    for entry in entries:
        after = entry["after"] or {}
        user = actors.get(entry["actor_id"])
        what = str(after.get("what") or ("完整证件号码" if entry["action"] == "people.reveal_id" else "家庭资料"))
        why = str(after.get("why") or after.get("reason") or "")
        body = user is not None and user.office.kind == Office.Kind.SUPERVISION
        within = any(span.holds(entry["at"]) for span in spans)
        for_clue = "clue" in after or (within and user is not None and user.pk in clue_staff)
        if body or for_clue:
            closed_since = any(span.ended is not None and span.ended >= entry["at"] for span in spans)
            if still_open or not closed_since:
                continue
            yield Seen(entry["at"], "supervision", "监督检查", what, "监督检查")
            continue
        if user is None:
            continue
        who = f"{mask_name(user.name)} · {user.office.name}"
        yield Seen(entry["at"], "staff", who, what, why or "办理您家的业务")


def _checks(subject: Subject, spans: list[_Span], since: datetime) -> Iterable[Seen]:
    """Questions to departments, with those that answered. One put for a clue is told after close-out only."""
    still_open = any(span.ended is None for span in spans)
    rows = (
        CheckRequest.objects.filter(household__in=subject.household_ids, sent_at__gte=since)
        .prefetch_related("answers__source")
        .order_by("-sent_at")[:MOST]
    )
    for row in rows:
        asked = list(row.answers.all())
        names = list(dict.fromkeys(answer.source.label for answer in asked))
        got = [answer.source.label for answer in asked if answer.status in ("found", "not_found")]
        left = [name for name in names if name not in got]
        what = "核对了 " + "、".join(names) if names else "发起了核对"
        if left:
            what += f"（{'、'.join(left)} 还没有回答）"
        if row.purpose == CheckRequest.Purpose.CLUE:
            if still_open:
                continue
            yield Seen(row.sent_at, "supervision", "监督检查", what, "监督检查")
            continue
        yield Seen(row.sent_at, "check", "政府部门和银行", what, f"{row.get_purpose_display()}，凭您家签的授权书")


def _sweeps(subject: Subject, since: datetime) -> Iterable[Seen]:
    """Comparisons of the whole roll while the family was on it. They say nothing of what was found."""
    first = RollEntry.objects.filter(household__in=subject.household_ids).order_by("start_month").first()
    if first is None:
        return
    runs = SweepRun.objects.filter(state=SweepRun.State.DONE, finished_at__gte=since).prefetch_related(
        "sources__batch__source"
    )
    for run in runs.order_by("-finished_at")[:100]:
        if subject.region not in range_of(run.place_code):
            continue
        if run.as_of.year * 100 + run.as_of.month < first.start_month:
            continue
        kinds = list(dict.fromkeys(source.batch.source.label for source in run.sources.all()))
        yield Seen(
            run.finished_at,
            "sweep",
            "民政部门",
            "与登记数据比对：" + "、".join(kinds) if kinds else "与登记数据比对",
            "在册家庭定期比对，每户都做",
        )
