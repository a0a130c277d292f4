"""Verbs on spot checks: draw the list of a period, send people out, enter what they found ([220] art 26, [43] art 16).

The draw is by seed and hash, so that anybody can repeat it from the row; the list is fixed the moment it is drawn, and
no case is drawn from twice, so that nobody draws until he likes the list.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from datetime import date

from django.db import connection, transaction

from tuodi.audit.actions import record as audit
from tuodi.cases.guard import check_hand, level_of, logs_blocks
from tuodi.cases.models import Case, Step
from tuodi.cases.series import next_no
from tuodi.cases.states import StepState
from tuodi.kernel import clock
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.org.models import DutyCode, User
from tuodi.policy.procedure import Sample
from tuodi.verification.models import SpotCheck, SpotCheckItem, VisitRecord, VisitTask
from tuodi.verification.visit_actions import plan_visit
from tuodi.verification.visit_errors import SpotCheckError
from tuodi.verification.visit_evidence import check_evidence, digest_of

__all__ = ["choose", "draw", "enter_result", "plan_item", "redraw_fits"]

#: Who draws and who enters results, at the county.
DUTIES = (DutyCode.REVIEW, DutyCode.VISIT)
RANDOM = "random"


def choose(seed: str, numbers: Iterable[str], size: int) -> list[str]:
    """The sample of a seed: the case numbers whose SHA-256 with the seed is smallest, in that order.

    It depends on nothing but its arguments: no generator, no order of the input.
    """

    def rank(number: str) -> str:
        return hashlib.sha256(f"{seed}|{number}".encode()).hexdigest()

    return sorted(set(numbers), key=lambda number: (rank(number), number))[:size]


@logs_blocks
def draw(
    *,
    acting_user: User,
    programme: str,
    since: date,
    until: date,
    percent: int | None = None,
    seed: str | None = None,
    filed: bool = False,
) -> SpotCheck:
    """Draws the list of a county for the cases accepted in a period that have reached the county and are not decided.

    Where townships confirm, `filed` draws from what they confirmed and the county has filed: those it looks at afterwards.

    Cases with a mark that asks for every one (kin, doubt, complaint) are all on the list; of the others so many of a
    hundred as their procedure asks, rounded up.

    Args:
        percent: More than the procedure asks; less is raised to it. Needed where the procedure names no rate.
        seed: For repeating a draw in tests; else made here from the system's source of randomness.
        filed: From filed cases instead of those that wait for the county.

    Raises:
        SpotCheckError: Nothing to draw from, no rate, a period that ends before it begins or in the future.
    """
    region = pad12(acting_user.office.place_code)
    if level_of(acting_user) != "COUN":
        raise SpotCheckError("由县（区）抽取，您的机构不是县（区）一级")
    with transaction.atomic():
        access.require_any(acting_user, DUTIES, region)
        if until < since or until > clock.today():
            raise SpotCheckError(f"受理日期 {since} 至 {until} 不对：止日不能早于起日，也不能晚于今天")
        with connection.cursor() as cursor:  # two draws at once would share cases
            cursor.execute("select pg_advisory_xact_lock(hashtext(%s))", [f"spot|{region}|{programme}"])
        cases = _population(acting_user, programme, since, until, filed=filed)
        if not cases:
            what = "由乡镇（街道）确认、已备案" if filed else "到了县级、尚未决定"
            raise SpotCheckError(f"这段时间没有{what}、也没有抽过的案件")
        texts = [sample for case in cases for sample in [sample_of(case)] if sample is not None]
        law = max(texts, key=lambda sample: sample.percent, default=None)
        if percent is not None and not 1 <= percent <= 100:
            raise SpotCheckError(f"比例 {percent}% 不对，应在 1% 到 100% 之间")
        if law is None and percent is None:
            raise SpotCheckError("这些案件的办理程序没有规定抽查比例，请填写本地的比例")
        rule = Sample(max(law.percent if law else 0, percent or 0), law.all_when if law else ("kin", "doubt", "complaint"),
                      law.clause if law else "")  # fmt: skip
        chosen = seed or secrets.token_hex(32)
        return _store(acting_user, region, programme, since, until, rule, chosen, cases)


def sample_of(case: Case) -> Sample | None:
    """What the case's own procedure says of the county's sample, or None."""
    return next((step.sample for step in case.procedure.steps if step.sample is not None), None)


def _population(user: User, programme: str, since: date, until: date, *, filed: bool) -> list[Case]:
    """Cases of the period that stand at the county undecided, or were filed with it, and were not drawn from before."""
    at_county = Step.objects.filter(state=StepState.OPEN, by_level="COUN").exclude(does="check").values("case")
    done = Step.objects.filter(state=StepState.DONE, by_level="COUN", does="file").values("case")
    covered = access.range_of(user.office.place_code)
    stage = (
        {"pk__in": done, "decision": "passed"} if filed else {"pk__in": at_county, "decision": "", "closed_on": None}
    )
    rows = Case.objects.filter(
        **stage,
        programme=programme,
        accepted_on__gte=since,
        accepted_on__lte=until,
        region__gte=covered.low,
        region__lt=covered.high,
    ).order_by("no")
    before = {
        number
        for numbers in SpotCheck.objects.filter(programme=programme).values_list("population", flat=True)
        for number in numbers
    }
    return [case for case in rows if case.no not in before]


def _store(
    user: User, region: str, programme: str, since: date, until: date, rule: Sample, seed: str, cases: Sequence[Case]
) -> SpotCheck:
    by_no = {case.no: case for case in cases}
    must = {case.no: mark for case in cases for mark in rule.all_when if mark in case.marks}
    rest = [number for number in by_no if number not in must]
    picked = choose(seed, rest, rule.size(len(rest)))
    listed = [*sorted(must), *picked]
    row = SpotCheck.objects.create(
        region=region,
        no=next_no("spot", region, clock.today()),
        programme=programme,
        since=since,
        until=until,
        percent=rule.percent,
        all_when=list(rule.all_when),
        clause=rule.clause,
        seed=seed,
        population=sorted(by_no),
        mandatory=len(must),
        drawn=len(picked),
        list_hash=digest_of({"list": listed}),
        drawn_at=clock.now(),
        drawn_by=user,
    )
    SpotCheckItem.objects.bulk_create(
        SpotCheckItem(
            check_of=row,
            region=by_no[number].region,
            position=place,
            case=by_no[number],
            reason=must.get(number, RANDOM),
        )
        for place, number in enumerate(listed, 1)
    )
    _audit("draw_spot_check", user, row, cases=len(by_no), mandatory=len(must), drawn=len(picked), seed=seed)
    return row


def redraw_fits(row: SpotCheck) -> bool:
    """Whether the list is the one its seed gives: the mandatory ones, then the draw from the rest of the population."""
    items = list(row.items.order_by("position").values_list("case__no", "reason"))
    listed = [number for number, _ in items]
    must = [number for number, reason in items if reason != RANDOM]
    rest = [number for number in row.population if number not in set(must)]
    again = choose(row.seed, rest, Sample(row.percent).size(len(rest)))
    return listed == [*must, *again] and row.list_hash == digest_of({"list": listed})


@logs_blocks
def plan_item(item: SpotCheckItem, *, acting_user: User, assigned: Sequence[User]) -> VisitTask:
    """Sends two people of the county to a family on the list.

    Raises:
        SpotCheckError: Planned already, or a result is in. VisitorsError, DutySeparationError.
    """
    with transaction.atomic():
        row = _lock(item, acting_user)
        if row.result or (row.task is not None and row.task.state != VisitTask.State.CANCELLED):
            raise SpotCheckError("这一户已经安排或已登记结果")
        if any(level_of(user) != "COUN" for user in assigned):
            raise SpotCheckError("抽查由县（区）人员入户，请选县（区）的人员")
        row.task = plan_visit(
            row.case.household,
            VisitTask.Purpose.SPOT_CHECK,
            acting_user=acting_user,
            matter_no=row.check_of.no,
            assigned=assigned,
            case=row.case,
        )
        row.save(update_fields=["task"])
        return row.task


@logs_blocks
def enter_result(item: SpotCheckItem, *, acting_user: User, agrees: bool, note: str = "") -> SpotCheckItem:
    """Enters whether the county's visit agrees with what the township found. Once; it rests on a signed record.

    Raises:
        SpotCheckError: No signed visit, in already, or a difference without words. EvidenceError.
    """
    with transaction.atomic():
        row = _lock(item, acting_user)
        if row.result:
            raise SpotCheckError("结果已登记，不能修改")
        task = row.task
        if task is None or task.state not in (VisitTask.State.SIGNED, VisitTask.State.REFUSED):
            raise SpotCheckError("还没有县级人员签名的入户记录，不能登记结果")
        if not agrees and not note.strip():
            raise SpotCheckError("不一致的，请写明哪些内容不一致")
        record = VisitRecord.objects.get(task=task, version=task.version)
        check_evidence(record)
        row.result = SpotCheckItem.Result.AGREE if agrees else SpotCheckItem.Result.DIFFER
        row.note, row.record = note.strip()[:300], record
        row.checked_at, row.checked_by = clock.now(), acting_user
        row.save(update_fields=["result", "note", "record", "checked_at", "checked_by"])
        _audit("enter_spot_result", acting_user, row.check_of, case=row.case.no, result=row.result)
        return row


def _lock(item: SpotCheckItem, user: User) -> SpotCheckItem:
    rows = SpotCheckItem.objects.select_for_update(of=("self",)).select_related("case__household", "check_of", "task")
    found = rows.filter(pk=item.pk).first()
    if found is None or not access.in_scope(user, found.region):
        raise NotFoundError("抽查对象")
    access.require_any(user, DUTIES, found.region)
    if level_of(user) != "COUN":
        raise SpotCheckError("由县（区）办理，您的机构不是县（区）一级")
    check_hand(found.case, user, None)
    return found


def _audit(action: str, actor: User, row: SpotCheck, **after: object) -> None:
    audit(
        f"verification.{action}",
        actor=actor,
        subject_type="spotcheck",
        subject_id=row.pk,
        region=row.region,
        after={"no": row.no, **after},
    )
