"""The third-party annual check (M32): contract, task list, report, the county's decision, evaluation of the provider.

A provider's account has no range of its own (`org.access.NOTHING`): the actions and queries for it open the place of the
contract only after asking that the task is its own, and hand out the task's fields and nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q

from tuodi.audit.actions import record
from tuodi.files.store import put_bytes
from tuodi.kernel import clock
from tuodi.kernel.places import pad12
from tuodi.monitoring.clue_actions import new_clue
from tuodi.monitoring.models import ThirdPartyContract, ThirdPartyPhoto, ThirdPartyTask
from tuodi.monitoring.series import numbers
from tuodi.monitoring.sweep_errors import WatchInputError, WatchStateError
from tuodi.monitoring.thirdparty_visits import matter_of, record_for, visit_of
from tuodi.org import access
from tuodi.org.access import system_scope
from tuodi.org.copying import copy_rows
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.org.models import DutyCode, Office, User
from tuodi.people.models import Household, RollEntry
from tuodi.verification.models import VisitTask
from tuodi.verification.visit_actions import plan_own_visit

__all__ = ["add_photo", "assign", "decide", "evaluate", "make_contract", "open_visit", "own_task", "report"]

State, TaskState = ThirdPartyContract.State, ThirdPartyTask.State
Opinion, Decision = ThirdPartyTask.Opinion, ThirdPartyTask.Decision
_PHOTO = 10 * 1024 * 1024
_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"


def _note(verb: str, actor: User | None, kind: str, row: Any, **after: Any) -> None:
    record(
        f"monitoring.third_party_{verb}", actor=actor, subject_type=kind, subject_id=row.pk, region=row.region, after=after
    )  # fmt: skip


@transaction.atomic
def make_contract(
    *, acting_user: User, place: str, provider: Office, first_day: date, last_day: date, scope: str,
    services: Sequence[str] = (), price_fen: int | None = None,
) -> ThirdPartyContract:  # fmt: skip
    """Registers a contract with a provider. Raises: WatchInputError, NotFoundError, AccessDeniedError."""
    region = pad12(place)
    access.require(acting_user, DutyCode.CLUE_DECIDE, region)
    if provider.kind != Office.Kind.PROVIDER or not provider.is_active:
        raise WatchInputError("服务机构", f"“{provider.name}”不是在用的第三方服务机构")
    if last_day < first_day:
        raise WatchInputError("合同期", "止日早于起日")
    if not scope.strip():
        raise WatchInputError("核查范围", "没有填写")
    if price_fen is not None and price_fen < 0:
        raise WatchInputError("合同价款", "小于零")
    made = ThirdPartyContract.objects.create(
        region=region, place_code=place, no=numbers("thirdparty", place, clock.today())[0], provider=provider,
        first_day=first_day, last_day=last_day, scope=scope.strip()[:200],
        services=[text.strip()[:40] for text in services if text.strip()], price_fen=price_fen,
        made_at=clock.now(), made_by=acting_user,
    )  # fmt: skip
    _note("contract", acting_user, "thirdpartycontract", made, no=made.no, provider=provider.name, price_fen=price_fen)
    return made


@transaction.atomic
def assign(
    contract: ThirdPartyContract, *, acting_user: User, households: Iterable[Household] | None = None,
    villages: Sequence[str] = (), every: int = 1, round: int = 1, visitors: Sequence[User] = (),
) -> int:  # fmt: skip
    """Puts families on the task list: named ones, or those on the roll of some villages (none = the whole place).

    Args:
        villages: significant prefixes inside the contract's place.
        every: a full list is 1; n takes each n-th family, chosen by a hash so that nobody can know or steer it.
        round: 2 … for another visit to the same family.
        visitors: staff of the provider among whom villages are shared out; none = assigned within the provider later.
    Returns: tasks made; families that have one of this round already are passed over.
    Raises: WatchInputError, WatchStateError, NotFoundError, AccessDeniedError.
    """
    row = _contract(contract)
    access.require(acting_user, DutyCode.CLUE_DECIDE, row.region)
    if row.state not in (State.CONTRACTED, State.ASSIGNED, State.REPORTED):
        raise WatchStateError(f"合同 {row.no}", row.get_state_display(), "再派任务")
    if every < 1 or round < 1:
        raise WatchInputError("抽查比例或轮次", "应是 1 以上的整数")
    for user in visitors:
        if user.office_id != row.provider_id:
            raise WatchInputError("核查人", f"{user.name} 不是“{row.provider.name}”的人员")
    inside = access.range_of(row.place_code)
    for village in villages:
        if not inside.covers(access.range_of(village)):
            raise WatchInputError("村（社区）", f"{village} 不在合同范围内")
    month = clock.today().year * 100 + clock.today().month
    roll = RollEntry.objects.filter(
        Q(end_month__isnull=True) | Q(end_month__gte=month), region__gte=inside.low, region__lt=inside.high
    )
    if households is not None:
        roll = roll.filter(household__in=[one.pk for one in households])
    if villages:
        wanted = Q()
        for village in villages:
            span = access.range_of(village)
            wanted |= Q(region__gte=span.low, region__lt=span.high)
        roll = roll.filter(wanted)
    there = set(ThirdPartyTask.objects.filter(contract=row, round=round).values_list("household_id", flat=True))
    chosen: dict[int, tuple[str, str, str]] = {}
    for household, region, programme, category in roll.order_by("region", "household_id", "id").values_list(
        "household_id", "household__region", "programme", "category"
    ):
        if household not in there and household not in chosen and _drawn(row.no, round, household, every):
            chosen[household] = (region, programme, category)
    shared = _share(sorted({region for region, _p, _c in chosen.values()}), visitors)
    made = copy_rows(
        ThirdPartyTask,
        [
            "region", "contract_id", "household_id", "round", "programme", "category", "visitor_id", "state", "met",
            "opinion", "reasons", "decision", "decision_note",
        ],
        (
            (region, row.pk, household, round, programme, category, shared.get(region), TaskState.ASSIGNED, "", "", "", "", "")
            for household, (region, programme, category) in chosen.items()
        ),
    )  # fmt: skip
    if made and row.state != State.ASSIGNED:
        row.state = State.ASSIGNED
        row.save(update_fields=["state"])
    _note("assign", acting_user, "thirdpartycontract", row, no=row.no, tasks=made, round=round, every=every)
    return made


def _drawn(no: str, round: int, household: int, every: int) -> bool:
    return every == 1 or hashlib.sha256(f"{no}|{round}|{household}".encode()).digest()[0] % every == 0


def _share(villages: Sequence[str], visitors: Sequence[User]) -> dict[str, int]:
    """Village by village in turn: one visitor knows a village."""
    return {village: visitors[at % len(visitors)].pk for at, village in enumerate(villages)} if visitors else {}


def _contract(contract: ThirdPartyContract) -> ThirdPartyContract:
    return access.locked(ThirdPartyContract.objects.select_related("provider"), contract.pk, what="第三方核查合同")


@contextmanager
def own_task(task_id: int, user: User) -> Iterator[ThirdPartyTask]:
    """One task of the provider's own, locked, in the scope of its place.

    Raises: AccessDeniedError without the duty; NotFoundError for a task that is absent, another's, or outside the contract's days.
    """
    if not access.has_duty(user, DutyCode.THIRD_PARTY):
        raise AccessDeniedError(DutyCode.THIRD_PARTY, DutyCode.THIRD_PARTY.label)
    if user.office.kind != Office.Kind.PROVIDER or not user.office.is_active:
        raise NotFoundError("核查任务")
    with system_scope(user.office.place_code):
        task = (
            ThirdPartyTask.objects.select_for_update(of=("self",))
            .select_related("contract", "household__head")
            .filter(pk=task_id, contract__provider=user.office)
            .filter(Q(visitor=user) | Q(visitor__isnull=True))
            .first()
        )
        today = clock.today()
        if task is None or not task.contract.first_day <= today <= task.contract.last_day:
            raise NotFoundError("核查任务")
        yield task


def open_visit(task_id: int, *, acting_user: User) -> VisitTask:
    """The form of the visit to an own task's family, made at the first asking; the task is the visitor's from then on.

    Raises: WatchStateError, VisitorsError, AccessDeniedError, NotFoundError.
    """
    with own_task(task_id, acting_user) as task:
        if task.state == TaskState.DECIDED:
            raise WatchStateError("这项核查任务", task.get_state_display(), "再入户")
        found = visit_of(task)
        if found is not None:
            return found
        made = plan_own_visit(
            task.household, acting_user=acting_user, matter_no=matter_of(task), due=task.contract.last_day
        )
        task.visitor = acting_user
        task.save(update_fields=["visitor"])
        _note("visit", acting_user, "thirdpartytask", task, visit=made.no)
        return made


def report(
    task_id: int, *, acting_user: User, opinion: str, reasons: str = "", met: str = "", visited_at: datetime | None = None,
    visit_id: int | None = None,
) -> ThirdPartyTask:  # fmt: skip
    """What the visitor found. May be corrected until the county has decided.

    Args:
        visited_at: null = when the visit's record says, else now; never later than now.
        visit_id: of the signed record of this family's visit; null = the task's own, where there is one.
    Raises: WatchInputError, WatchStateError, AccessDeniedError, NotFoundError.
    """
    with own_task(task_id, acting_user) as task:
        if task.state == TaskState.DECIDED:
            raise WatchStateError("这项核查任务", task.get_state_display(), "再改核查意见")
        if opinion not in (Opinion.ELIGIBLE, Opinion.NOT_ELIGIBLE, Opinion.DOUBT):
            raise WatchInputError("核查意见", "请选“符合条件”“不符合条件”或“有疑问”")
        if opinion != Opinion.ELIGIBLE and not reasons.strip():
            raise WatchInputError("理由", "不符合条件或有疑问时必须写明理由")
        visit = record_for(task, visit_id)
        when = visited_at or (visit.started_at or visit.received_at if visit else clock.now())
        if when > clock.now() or when.astimezone(clock.BEIJING).date() < task.contract.first_day:
            raise WatchInputError("入户时间", "不在合同期内，或晚于现在")
        before = {"opinion": task.opinion, "state": task.state}
        task.opinion, task.reasons, task.met = opinion, reasons.strip()[:2000], met.strip()[:60]
        task.visited_at, task.visit_id, task.state = when, visit.pk if visit else None, TaskState.REPORTED
        task.reported_at, task.reported_by, task.visitor = clock.now(), acting_user, task.visitor or acting_user
        task.save()
        record(
            "monitoring.third_party_report", actor=acting_user, subject_type="thirdpartytask", subject_id=task.pk,
            region=task.region, before=before,
            after={"opinion": opinion, "state": task.state, "visit": visit.no if visit else ""},
        )  # fmt: skip
        _close_if(task.contract, State.ASSIGNED, State.REPORTED, {"state": TaskState.ASSIGNED})
        return task


def _close_if(contract: ThirdPartyContract, before: str, after: str, left: dict[str, str]) -> None:
    """The contract goes on once no task of a state is left."""
    ThirdPartyContract.objects.filter(pk=contract.pk, state=before).exclude(
        pk__in=ThirdPartyTask.objects.filter(contract=contract, **left).values("contract_id")
    ).update(state=after)


def add_photo(
    task_id: int, data: bytes, *, acting_user: User, name: str = "photo.jpg", caption: str = "",
    taken_at: datetime | None = None, latitude: Decimal | None = None, longitude: Decimal | None = None,
) -> ThirdPartyPhoto:  # fmt: skip
    """Adds a photo to an own task (JPEG or PNG, at most 10 MB), kept under its hash. Raises as `report`."""
    if not data.startswith((_JPEG, _PNG)):
        raise WatchInputError("照片", "不是 JPEG 或 PNG 图片")
    if len(data) > _PHOTO:
        raise WatchInputError("照片", "超过 10 MB")
    if (latitude is None) != (longitude is None) or (latitude is not None and not -90 <= latitude <= 90) or (
        longitude is not None and not -180 <= longitude <= 180
    ):  # fmt: skip
        raise WatchInputError("拍摄位置", "经纬度须同时填写且在范围内")
    with own_task(task_id, acting_user) as task:
        if task.state == TaskState.DECIDED:
            raise WatchStateError("这项核查任务", task.get_state_display(), "再加照片")
        stored = put_bytes(
            data, region=task.region, name=name, purpose="third_party",
            media_type="image/png" if data.startswith(_PNG) else "image/jpeg", by_id=acting_user.pk,
        )  # fmt: skip
        photo, _made = ThirdPartyPhoto.objects.get_or_create(
            task=task, file=stored,
            defaults={
                "region": task.region, "taken_at": taken_at, "latitude": latitude, "longitude": longitude,
                "caption": caption.strip()[:100], "added_at": clock.now(), "added_by": acting_user,
            },
        )  # fmt: skip
        _note("photo", acting_user, "thirdpartytask", task, sha256=stored.sha256)
        return photo


@transaction.atomic
def decide(task: ThirdPartyTask, decision: str, *, acting_user: User, note: str = "") -> ThirdPartyTask:
    """What the county makes of a report; 转线索核实 opens a clue, which then goes its own way.

    Raises: WatchInputError, WatchStateError, NotFoundError, AccessDeniedError.
    """
    row = access.locked(ThirdPartyTask.objects.select_related("household__head", "contract"), task.pk, what="核查任务")
    access.require(acting_user, DutyCode.CLUE_DECIDE, row.region)
    if row.state != TaskState.REPORTED:
        raise WatchStateError("这项核查任务", row.get_state_display(), "作出处理")
    if decision not in (Decision.ACCEPT, Decision.CLUE, Decision.REVIEW, Decision.REJECT):
        raise WatchInputError("区县处理", "请选一种处理")
    if row.opinion == Opinion.ELIGIBLE and decision == Decision.CLUE:
        raise WatchInputError("区县处理", "核查意见是“符合条件”，没有可转的线索")
    if row.opinion == Opinion.NOT_ELIGIBLE and decision == Decision.ACCEPT:
        raise WatchInputError("区县处理", "核查意见是“不符合条件”，请转线索核实、转定期复核，或写明不采纳的理由")
    if decision == Decision.REJECT and not note.strip():
        raise WatchInputError("处理说明", "不采纳时必须写明理由")
    if decision == Decision.CLUE:
        row.clue = new_clue(
            acting_user=acting_user, household=row.household, person=row.household.head, source="third_party",
            rule_code="THIRD_PARTY", fact=f"第三方核查：{row.get_opinion_display()}（{row.contract.no} 第 {row.round} 轮）",
            rule_text={"label": "第三方核查认为不符合条件", "clause": row.contract.no},
            severity="O" if row.opinion == Opinion.NOT_ELIGIBLE else "Y", programme=row.programme, category=row.category,
            registered={"opinion": row.get_opinion_display(), "reasons": row.reasons, "contract": row.contract.no},
            outcomes=["stop", "decrease", "recompute", "recover", "keep"], default_action="recompute",
        )  # fmt: skip
    row.decision, row.decision_note, row.state = decision, note.strip()[:300], TaskState.DECIDED
    row.decided_at, row.decided_by = clock.now(), acting_user
    row.save()
    clue = row.clue.no if row.clue else ""
    _note("decide", acting_user, "thirdpartytask", row, opinion=row.opinion, decision=decision, clue=clue)
    ThirdPartyContract.objects.filter(pk=row.contract_id, state=State.REPORTED).exclude(
        pk__in=ThirdPartyTask.objects.filter(contract_id=row.contract_id).exclude(state=TaskState.DECIDED).values("contract_id")
    ).update(state=State.DECIDED)  # fmt: skip
    return row


@transaction.atomic
def evaluate(contract: ThirdPartyContract, *, acting_user: User, score: int, text: str) -> ThirdPartyContract:
    """The county's view of the provider's work, once all reports are decided. Raises as `decide`."""
    row = _contract(contract)
    access.require(acting_user, DutyCode.CLUE_DECIDE, row.region)
    if row.state != State.DECIDED:
        raise WatchStateError(f"合同 {row.no}", row.get_state_display(), "评估（还有未核查或未处理的任务）")
    if not 0 <= score <= 100:
        raise WatchInputError("评分", "应在 0 到 100 之间")
    if not text.strip():
        raise WatchInputError("评估意见", "没有填写")
    row.score, row.evaluation, row.state = score, text.strip(), State.EVALUATED
    row.evaluated_at, row.evaluated_by = clock.now(), acting_user
    row.save()
    _note("evaluate", acting_user, "thirdpartycontract", row, no=row.no, score=score)
    return row
