"""A provider's list of visits at once: the same rows as `thirdparty_actions.report`, written by the thousand."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q

from tuodi.audit.actions import record
from tuodi.kernel import clock
from tuodi.monitoring.models import ThirdPartyContract, ThirdPartyTask
from tuodi.monitoring.sweep_errors import WatchInputError
from tuodi.org import access
from tuodi.org.access import system_scope
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.org.models import DutyCode, Office, User

__all__ = ["Visit", "report_many"]

State, Opinion = ThirdPartyTask.State, ThirdPartyTask.Opinion


@dataclass(frozen=True)
class Visit:
    """One line of the list: the task, what the visitor thinks and why, whom he met, when."""

    task: int
    opinion: str
    visited_at: datetime
    reasons: str = ""
    met: str = ""


@transaction.atomic
def report_many(contract: ThirdPartyContract, visits: Sequence[Visit], *, acting_user: User) -> int:
    """Takes a provider's list of one visitor; all of it or, with the first wrong line named, nothing.

    Returns: tasks reported.
    Raises: WatchInputError names the line; AccessDeniedError without the duty; NotFoundError for a task that is absent,
        another's, decided already, or outside the contract's days.
    """
    if not access.has_duty(acting_user, DutyCode.THIRD_PARTY):
        raise AccessDeniedError(DutyCode.THIRD_PARTY, DutyCode.THIRD_PARTY.label)
    office = acting_user.office
    if office.kind != Office.Kind.PROVIDER or not office.is_active:
        raise NotFoundError("核查任务")
    now = clock.now()
    for line, one in enumerate(visits, 1):
        if one.opinion not in (Opinion.ELIGIBLE, Opinion.NOT_ELIGIBLE, Opinion.DOUBT):
            raise WatchInputError(f"第 {line} 行核查意见", "请选“符合条件”“不符合条件”或“有疑问”")
        if one.opinion != Opinion.ELIGIBLE and not one.reasons.strip():
            raise WatchInputError(f"第 {line} 行理由", "不符合条件或有疑问时必须写明理由")
        if one.visited_at > now or one.visited_at.date() < contract.first_day:
            raise WatchInputError(f"第 {line} 行入户时间", "不在合同期内，或晚于现在")
    with system_scope(office.place_code):
        wanted = {one.task for one in visits}
        own = ThirdPartyTask.objects.select_for_update(of=("self",)).filter(
            Q(visitor=acting_user) | Q(visitor__isnull=True),
            pk__in=wanted,
            contract=contract,
            contract__provider=office,
        )
        there = set(own.exclude(state=State.DECIDED).values_list("pk", flat=True))
        if (
            len(wanted) != len(visits)
            or there != wanted
            or not contract.first_day <= clock.today() <= contract.last_day
        ):
            raise NotFoundError("核查任务")
        with connection.cursor() as cursor:
            cursor.execute(
                "create temporary table tmp_visits (id bigint primary key, opinion text, reasons text, met text, at timestamptz) "
                "on commit drop"
            )
            with cursor.copy("copy tmp_visits from stdin") as copy:
                for one in visits:
                    copy.write_row(
                        (one.task, one.opinion, one.reasons.strip()[:2000], one.met.strip()[:60], one.visited_at)
                    )
            cursor.execute("analyze tmp_visits")
            cursor.execute(
                "update monitoring_thirdpartytask t set opinion = v.opinion, reasons = v.reasons, met = v.met, visited_at = v.at, "
                "state = %s, reported_at = %s, reported_by_id = %s, visitor_id = coalesce(t.visitor_id, %s) "
                "from tmp_visits v where t.id = v.id",
                [State.REPORTED, now, acting_user.pk, acting_user.pk],
            )
            done = int(cursor.rowcount)
            cursor.execute("drop table tmp_visits")
        left = ThirdPartyTask.objects.filter(contract=contract, state=State.ASSIGNED)
        if not left.exists():
            ThirdPartyContract.objects.filter(pk=contract.pk, state=ThirdPartyContract.State.ASSIGNED).update(
                state=ThirdPartyContract.State.REPORTED
            )
        listed = ",".join(map(str, sorted(wanted)))
        record(
            "monitoring.third_party_report_many", actor=acting_user, subject_type="thirdpartycontract", subject_id=contract.pk,
            region=contract.region,
            after={"tasks": done, "opinions": dict(Counter(one.opinion for one in visits)), "sha256": hashlib.sha256(listed.encode()).hexdigest()},
        )  # fmt: skip
    return done
