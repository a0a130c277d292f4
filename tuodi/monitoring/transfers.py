"""A family moves to another town or county with its file (迁移): proposed, handed over, taken, confirmed.

Nothing changes until the new place confirms; then in one deed the old place's roll ends with a month, the new place's begins
with the next, by the standards of the new place. Both places act, each in its own range; the system joins their halves.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Q, QuerySet

from tuodi.audit.actions import record
from tuodi.cases.guard import logs_blocks
from tuodi.cases.models import Case
from tuodi.cases.series import take_yearly
from tuodi.decisions.actions import store
from tuodi.decisions.appeal_time import ways_to_appeal
from tuodi.decisions.changes import require_confirmer
from tuodi.decisions.decide import ask, grace_end, rows_of
from tuodi.decisions.ends import end_unit
from tuodi.decisions.errors import ReasonsMissingError, UnknownOutcomeError
from tuodi.decisions.models import Determination, EndNotice, Suspension
from tuodi.decisions.models.end_notice import EndState
from tuodi.decisions.notices import notify
from tuodi.decisions.roll import accept_facts, splice
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.kernel.places import is_code, pad12, trim
from tuodi.monitoring.deciding import units_of
from tuodi.monitoring.dynamic_errors import DynamicHandsError, DynamicInputError, MoveBlockedError
from tuodi.monitoring.dynamic_states import OPEN_TRANSFERS, TRANSFER_MOVES, move
from tuodi.monitoring.models import (
    ChangeReport,
    Clue,
    DeathMatter,
    PeriodicReview,
    RefusalProposal,
    ReviewPlan,
    Transfer,
    TransferPart,
)
from tuodi.monitoring.transfer_file import digest, make_parts
from tuodi.monitoring.watch import watch_family
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.org.models import DutyCode, User
from tuodi.payments.claims import owed_by
from tuodi.people.enums import PERSON_PROGRAMMES, Programme
from tuodi.people.facts import REGISTERED, load_facts
from tuodi.people.models import Household, RollEntry
from tuodi.people.moving import Moved, transplant
from tuodi.people.queries import members_on
from tuodi.verification.actions import enter_facts, freeze, start_fact_set
from tuodi.verification.models import FactSet
from tuodi.verification.rulebook import book, place_of

__all__ = [
    "DUTIES", "access_transfer", "blocks", "confirm_transfer", "counts", "listing", "propose_transfer", "refuse_transfer",
    "send_transfer", "take_transfer", "withdraw_transfer",
]  # fmt: skip

State = Transfer.State
DUTIES = (DutyCode.ACCEPT, DutyCode.REVIEW)
#: Of the old place's last decision, never of the new place's first; those of a gradual exit go along where the packs say so.
_LEFT_BEHIND = ("area_kind",)
_OF_EXIT = ("last_amount", "paid_until")


@transaction.atomic
def propose_transfer(
    household: Household, *, to_region: str, moved_on: date, address: str, reason: str, acting_user: User
) -> Transfer:
    """The place a family leaves says where it moves to.

    Args:
        to_region: code of a town or village, 9 or 12 digits.

    Raises: DynamicInputError, MoveBlockedError: something running holds it up. NotFoundError, AccessDeniedError.
    """
    access.require_any(acting_user, DUTIES, household.region)
    code = "".join(to_region.split())
    if not is_code(code) or len(trim(code)) < 9:
        raise DynamicInputError("迁入地", "请填写乡镇（街道）或村（社区）的 9 位或 12 位代码")
    region = pad12(trim(code)) if len(trim(code)) in (9, 12) else code
    if region[:9] == household.region[:9]:
        raise DynamicInputError("迁入地", "与现住地是同一个乡镇（街道）；改住址请办理变化报告")
    if moved_on > clock.today():
        raise DynamicInputError("迁居日期", "不能晚于今天")
    for label, text in (("新住址", address), ("原因", reason)):
        if not text.strip():
            raise DynamicInputError(label, "必须填写")
    found = blocks(household)
    if found:
        raise MoveBlockedError(household.no, found)
    today = clock.today()
    row = Transfer.objects.create(
        region=household.region, to_region=region, no=take_yearly("move", household.region, today.year)[0],
        household=household, household_no=household.no, head_name=household.head.name,
        persons=len(members_on(household, today)), moved_on=moved_on, address=address.strip()[:200],
        reason=reason.strip()[:300], owed_fen=owed_by(household), proposed_by=acting_user, proposed_at=clock.now(),
    )  # fmt: skip
    _audit("propose_transfer", acting_user, row)
    return row


def blocks(household: Household) -> list[str]:
    """What of a family is running and must end first, in Chinese; empty = it may move."""
    found = []
    if household.closed_on is not None:
        found.append("家庭已销户")
    running = Case.objects.filter(household=household, decision="", closed_on__isnull=True).values_list("no", flat=True)
    found += [f"办件 {no} 还没有办结" for no in running]
    clues = Clue.objects.filter(household=household).exclude(state=Clue.State.CLOSED).values_list("no", flat=True)
    found += [f"线索 {no} 还没有销号" for no in clues]
    held = Suspension.objects.filter(household=household, lifted_at__isnull=True).values_list("notice_no", flat=True)
    found += [f"停保 {no} 还没有解除或处理" for no in held]
    told = ChangeReport.objects.filter(household=household, state__in=["reported", "checked"]).values_list(
        "no", flat=True
    )
    found += [f"变化报告 {no} 还没有办结" for no in told]
    ending = EndNotice.objects.filter(household=household, state__in=[EndState.POSTED, EndState.OBJECTED])
    found += [f"拟终止公示 {no} 还没有结束" for no in ending.values_list("no", flat=True)]
    if DeathMatter.objects.filter(household=household).exclude(state=DeathMatter.State.SETTLED).exists():
        found.append("死亡减员还没有办结")
    if RefusalProposal.objects.filter(household=household, state=RefusalProposal.State.PROPOSED).exists():
        found.append("拒绝就业的拟减发还没有决定")
    if PeriodicReview.objects.filter(household=household, state=PeriodicReview.State.FOUND).exists():
        found.append("定期核查已核查、还没有确认")
    if Transfer.objects.filter(household=household, state__in=OPEN_TRANSFERS).exists():
        found.append("已有正在办理的迁移")
    return found


@logs_blocks
@transaction.atomic
def send_transfer(transfer: Transfer, *, acting_user: User) -> Transfer:
    """The level that confirms in the old place hands the file over: its copy is sealed for the new place to read.

    Raises: DynamicHandsError, DynamicStateError, MoveBlockedError, WrongLevelError, NotFoundError, AccessDeniedError.
    """
    row = _locked(transfer, acting_user)
    programmes = _programmes(row.household)
    require_confirmer(acting_user, row.region, programmes[0] if programmes else Programme.DIBAO)
    if row.proposed_by_id == acting_user.pk:
        raise DynamicHandsError("提出迁移", "移交")
    move(TRANSFER_MOVES, row, State.SENT, "移交")
    found = [text for text in blocks(row.household) if text != "已有正在办理的迁移"]
    if found:
        raise MoveBlockedError(row.household_no, found)
    parts = make_parts(row, row.household, clock.today())
    # The copy lies in the new place's range, where the sender himself cannot write.
    with access.system_scope(access.NATION):
        TransferPart.objects.bulk_create(parts)
    row.file_hash, row.owed_fen = digest(parts), owed_by(row.household)
    row.sent_by, row.sent_at = acting_user, clock.now()
    row.save(update_fields=["state", "file_hash", "owed_fen", "sent_by", "sent_at"])
    _audit("send_transfer", acting_user, row, parts=len(parts), file_hash=row.file_hash)
    return row


@transaction.atomic
def take_transfer(
    transfer: Transfer, *, note: str, acting_user: User, facts: Mapping[str, Any] | None = None
) -> Transfer:
    """The new place has read the file and seen the family; what it found stands beside what the old place knew.

    Args:
        facts: household facts of the new place that differ (income, rent …), as in the family file.

    Raises: DynamicInputError, DynamicStateError, NotFoundError, AccessDeniedError.
    """
    row = _locked(transfer, acting_user, there=True)
    access.require_any(acting_user, (*DUTIES, DutyCode.VISIT), row.to_region)
    if not note.strip():
        raise DynamicInputError("核实情况", "必须填写")
    move(TRANSFER_MOVES, row, State.TAKEN, "接收核实")
    row.facts = {name: value for name, value in (facts or {}).items() if value not in (None, "")}
    row.taken_note, row.taken_by, row.taken_at = note.strip()[:500], acting_user, clock.now()
    row.save(update_fields=["state", "facts", "taken_note", "taken_by", "taken_at"])
    _audit("take_transfer", acting_user, row, facts=sorted(row.facts))
    return row


@transaction.atomic
def refuse_transfer(transfer: Transfer, *, why: str, acting_user: User) -> Transfer:
    """The new place sends the family's file back with the reason; it stays on the old place's roll, as if never sent."""
    row = _locked(transfer, acting_user, there=True)
    access.require_any(acting_user, (*DUTIES, DutyCode.CONFIRM), row.to_region)
    return _end(row, State.REFUSED, "退回", why, acting_user)


@transaction.atomic
def withdraw_transfer(transfer: Transfer, *, why: str, acting_user: User) -> Transfer:
    """The old place takes it back before the new one has looked. Raises as `refuse_transfer`."""
    row = _locked(transfer, acting_user)
    access.require_any(acting_user, (*DUTIES, DutyCode.CONFIRM), row.region)
    return _end(row, State.WITHDRAWN, "撤回", why, acting_user)


def _end(row: Transfer, state: str, what: str, why: str, user: User) -> Transfer:
    if not why.strip():
        raise ReasonsMissingError(what)
    move(TRANSFER_MOVES, row, state, what)
    row.why, row.closed_by, row.closed_at = why.strip()[:500], user, clock.now()
    row.save(update_fields=["state", "why", "closed_by", "closed_at"])
    _audit(f"{state}_transfer", user, row, why=row.why[:200])
    return row


@logs_blocks
@transaction.atomic
def confirm_transfer(transfer: Transfer, *, reasons: str, acting_user: User) -> Transfer:
    """The level that confirms in the new place takes the family on its roll, by its own standards and rules.

    In one deed: the old roll ends with the month `last_month`, the new begins with the next. The last month is the present one,
    or a later one the old place has paid already. A family the new place's rules do not fit is refused there with reasons,
    and watched; the old roll ends all the same, for it lives there no more.

    Raises:
        UnknownOutcomeError: a fact or a standard of the new place is missing; nothing is changed. MembershipError: the new county
        knows a member in another family. DynamicHandsError, DynamicStateError, MoveBlockedError, ReasonsMissingError,
        WrongLevelError, NotFoundError, AccessDeniedError.
    """
    row = _locked(transfer, acting_user, there=True)
    if not reasons.strip():
        raise ReasonsMissingError("迁入确认")
    move(TRANSFER_MOVES, row, State.DONE, "迁入确认")
    if row.taken_by_id == acting_user.pk:
        raise DynamicHandsError("接收核实", "确认")
    with access.system_scope(access.NATION):
        old = Household.objects.select_for_update(of=("self",)).select_related("head").get(pk=row.household_id)
        found = [text for text in blocks(old) if text != "已有正在办理的迁移"]
        if found:
            raise MoveBlockedError(row.household_no, found)
        start = _last_paid(old).next()
        units = units_of(old, start)
        for programme in {one.programme for one in units} or {Programme.DIBAO.value}:
            require_confirmer(acting_user, row.to_region, programme)
        moved = transplant(old, region=row.to_region, on=start.first_day, address=row.address, by=acting_user.pk)
        for one in units:
            end_unit(
                old, acting_user=None, programme=one.programme, effective=start, cause="move", person=one.person,
                reasons=f"迁往 {row.to_region}（{row.no}），自 {start} 起由迁入地保障", decided_by=row.sent_by,
            )  # fmt: skip
        told = (
            _decide(row, old, moved, units, start, reasons.strip(), acting_user)
            if units
            else ["没有在册项目，只迁档案"]
        )
        if carried := _carry_reviews(old, moved):
            told.append(f"{carried} 项到期未查的定期核查随迁")
        ReviewPlan.objects.filter(household=old, ended_on__isnull=True).update(ended_on=clock.today())
    row.last_month, row.outcome = start.prev().yyyymm, "；".join(told)[:300]
    row.new_household_id, row.new_household_no = moved.household.pk, moved.household.no
    row.closed_by, row.closed_at = acting_user, clock.now()
    row.save()
    _audit(
        "confirm_transfer", acting_user, row, last_month=row.last_month, new=row.new_household_no, outcome=row.outcome
    )
    return row


def _last_paid(old: Household) -> Month:
    """The present month, or a later one that an approved run of the old place has a line for."""
    now = Month.of(clock.today())
    with connection.cursor() as cursor:
        cursor.execute(
            "select max(l.month) from payments_payline l join payments_runs() r on r.id = l.run_id where l.live "
            "and l.household_id = %s and r.state in ('approved', 'sent', 'settled', 'closed')",
            [old.pk],
        )
        (month,) = cursor.fetchone()
    return max(now, Month.parse(str(month))) if month else now


def _decide(
    row: Transfer, old: Household, moved: Moved, units: list[RollEntry], start: Month, reasons: str, user: User
) -> list[str]:
    facts = _facts_of(row, old, moved, start)
    told = []
    common = {
        "region": moved.household.region, "kind": Determination.Kind.FAMILY, "fact_set": facts, "household": moved.household,
        "decided_on": clock.today(), "decided_by": user, "cause": "move", "appeal": ways_to_appeal(moved.household.region, clock.today()),
    }  # fmt: skip
    for programme in dict.fromkeys(one.programme for one in units):
        answer = ask(facts, programme, case_date=clock.today(), month=start)
        made = rows_of(
            answer, facts, common=common, start=start, end=grace_end(answer), reasons=f"{row.no} 迁入：{reasons}"
        )
        for one in (unit for unit in units if unit.programme == programme):
            who = moved.persons[one.person_id].pk if one.person_id else None
            fits = [each for each in made if each.person_id == who or programme not in PERSON_PROGRAMMES]
            if not fits or fits[0].outcome == "unknown" or (fits[0].outcome == "pass" and fits[0].amount_fen is None):
                raise UnknownOutcomeError(f"迁入家庭的{Programme(programme).label}", answer.missing)
            (decided,) = store(fits[:1], acting_user=user, action="confirm_transfer")
            label = Programme(programme).label
            if decided.outcome == "pass":
                account = moved.accounts.get(one.account_id) if one.account_id else None
                splice(decided, account=account or next(iter(moved.accounts.values()), None))
                accept_facts(decided)
                told.append(f"{label} {start} 起每月 {format_yuan(decided.amount_fen or 0)} 元")
            else:
                watch_family(moved.household, programme)
                told.append(f"{label}不符合迁入地规定")
            notify(decided, one.amount_fen)
    return told


def _facts_of(row: Transfer, old: Household, moved: Moved, start: Month) -> FactSet:
    """A frozen fact set of the new household: what the old place knew, and what the new one found."""
    day = start.first_day
    known = load_facts(old, start.prev().last_day)
    members = members_on(old, start.prev().last_day)
    left = _LEFT_BEHIND if _exit_follows(known["household"], start, row.to_region) else (*_LEFT_BEHIND, *_OF_EXIT)
    household = {name: value for name, value in known["household"].items() if name not in left}
    own = {
        moved.persons[one.person_id].pk: {name: value for name, value in facts.items() if name not in REGISTERED}
        for one, facts in zip(members, known["members"], strict=True)
        if one.person_id in moved.persons
    }
    draft = start_fact_set(
        acting_user=None, household=moved.household, on=day, reason=f"迁入 {row.no}，原编号 {row.household_no}"
    )
    present = set(draft.person_ids)
    enter_facts(
        draft, acting_user=None, household=household, evidence=f"迁出地档案 {row.no}", source=FactSet.Source.PRIOR,
        members={pk: facts for pk, facts in own.items() if facts and pk in present},
    )  # fmt: skip
    if row.facts:
        who = row.taken_by.name if row.taken_by else ""
        enter_facts(draft, acting_user=None, household=row.facts, evidence=f"迁入地核实：{who} {row.taken_note}"[:200])
    return freeze(draft, acting_user=None)


def _exit_follows(known: Mapping[str, Any], start: Month, to_region: str) -> bool:
    """Whether a gradual exit the old place decided runs on in the new one: the amount and the last month it named, no more.

    The new place's rules decide first: who is entitled there by its own standard is decided anew. `profile.grace_follows`.
    """
    if str(known.get("paid_until") or "") < start.first_day.isoformat():
        return False
    rules = book()
    row = rules.value("profile.grace_follows", rules.chain(place_of(to_region)), (), clock.today())
    return row is not None and bool(row.value)


def _carry_reviews(old: Household, moved: Moved) -> int:
    """Re-reviews that were due and not looked into go along with their day, where the unit is on the new roll. Returns how many.

    The old place's are dropped: it looks at the family no more.
    """
    rows = PeriodicReview.objects.filter(
        household=old, state__in=[PeriodicReview.State.DUE, PeriodicReview.State.ASSIGNED]
    )
    on_roll = {
        (one.programme, one.person_id): one for one in RollEntry.objects.filter(household=moved.household)
    }  # the unit as the new place took it
    n = 0
    for one in rows.select_related("plan"):
        who = moved.persons[one.person_id].pk if one.person_id in moved.persons else None
        if (one.programme, who) not in on_roll:
            continue
        common = {
            "region": moved.household.region,
            "household": moved.household,
            "person_id": who,
            "programme": one.programme,
        }
        plan = ReviewPlan.objects.create(
            **common, grade=one.plan.grade, basis=one.plan.basis, reason=one.plan.reason, months=one.plan.months,
            clause=one.plan.clause, last_on=one.plan.last_on, due_on=one.plan.due_on,
        )  # fmt: skip
        PeriodicReview.objects.create(plan=plan, **common, grade=one.grade, due_on=one.due_on, opened_at=clock.now())
        n += 1
    rows.update(state=PeriodicReview.State.DROPPED)
    return n


def _programmes(household: Household) -> list[str]:
    return [one.programme for one in units_of(household, Month.of(clock.today()))]


def listing(user: User, show: str) -> QuerySet[Transfer]:
    """Moves the reader's place sees: `in` (to be acted on here), `out`, `open`, `done`, `ended`. The oldest first; ended newest."""
    mine = access.range_of(user.office.place_code)
    rows = Transfer.objects.all()
    here = Q(to_region__gte=mine.low, to_region__lt=mine.high)
    gone = Q(region__gte=mine.low, region__lt=mine.high)
    if show == "in":
        return rows.filter(here, state__in=[State.SENT, State.TAKEN]).order_by("sent_at", "id")
    if show == "out":
        return rows.filter(gone, state__in=OPEN_TRANSFERS).order_by("proposed_at", "id")
    if show == "done":
        return rows.filter(state=State.DONE).order_by("-closed_at", "-id")
    if show == "ended":
        return rows.filter(state__in=[State.REFUSED, State.WITHDRAWN]).order_by("-closed_at", "-id")
    return rows.filter(state__in=OPEN_TRANSFERS).order_by("proposed_at", "id")


def counts(user: User) -> dict[str, int]:
    """How the moves the reader's place sees stand. One query."""
    mine = access.range_of(user.office.place_code)
    return Transfer.objects.aggregate(
        **{
            "in": Count(
                "pk", filter=Q(to_region__gte=mine.low, to_region__lt=mine.high, state__in=[State.SENT, State.TAKEN])
            ),
            "out": Count("pk", filter=Q(region__gte=mine.low, region__lt=mine.high, state__in=OPEN_TRANSFERS)),
            "open": Count("pk", filter=Q(state__in=OPEN_TRANSFERS)),
            "done": Count("pk", filter=Q(state=State.DONE)),
            "ended": Count("pk", filter=Q(state__in=[State.REFUSED, State.WITHDRAWN])),
        }
    )


def access_transfer(user: User, pk: int) -> Transfer:
    """One move that the user's place sees: as the place it leaves or the one it comes to. Raises NotFoundError."""
    rows = Transfer.objects.select_related(
        "proposed_by__office", "sent_by__office", "taken_by__office", "closed_by__office"
    )
    row = rows.filter(pk=pk).first()
    if row is None or not (access.in_scope(user, row.region) or access.in_scope(user, row.to_region)):
        raise NotFoundError("迁移")
    return row


def _locked(transfer: Transfer, user: User, *, there: bool = False) -> Transfer:
    row = Transfer.objects.select_for_update(of=("self",)).filter(pk=transfer.pk).first()
    if row is None or not access.in_scope(user, row.to_region if there else row.region):
        raise NotFoundError("迁移")
    return row


def _audit(action: str, user: User, row: Transfer, **after: object) -> None:
    record(
        f"monitoring.{action}", actor=user, subject_type="transfer", subject_id=row.pk, region=row.region,
        after={"no": row.no, "state": row.state, "to": row.to_region, **after},
    )  # fmt: skip
