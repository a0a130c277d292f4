"""Changes a family tells, or that somebody finds ([57] art 30): reported, checked, then decided or without effect.

What was told more than the months of the place after it happened may be admonished ([2022] 五(五)); that is a person's deed.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from tuodi.audit.actions import record
from tuodi.cases.guard import logs_blocks
from tuodi.cases.series import take_yearly
from tuodi.decisions.ends import end_unit
from tuodi.decisions.errors import NothingInForceError, ReasonsMissingError
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.kernel.workdays import add_months
from tuodi.monitoring import deaths
from tuodi.monitoring.deciding import Changed, collect, decide_change, units_of
from tuodi.monitoring.dynamic_errors import DynamicHandsError, DynamicInputError, DynamicStateError
from tuodi.monitoring.dynamic_states import REPORT_MOVES, move
from tuodi.monitoring.limits import limit
from tuodi.monitoring.models import ChangeReport, DeathMatter
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.org.models import DutyCode, User
from tuodi.people import actions as people
from tuodi.people.enums import PERSON_PROGRAMMES, LeaveReason, Relation
from tuodi.people.models import Account, Household, Person, RollEntry
from tuodi.people.moving import join_from
from tuodi.people.queries import members_on

__all__ = [
    "DUTIES", "Newcomer", "access_report", "admonish", "check_report", "close_without_effect", "counts", "decide_report", "first_month",
    "listing", "report_change", "withdraw_report",
]  # fmt: skip

State, Kind, Source = ChangeReport.State, ChangeReport.Kind, ChangeReport.Source
DUTIES = (DutyCode.ACCEPT, DutyCode.REVIEW, DutyCode.VISIT)
#: Changes that move no money: the officer who checks them closes them.
PLAIN = (Kind.ADDRESS, Kind.ACCOUNT)


@dataclass(frozen=True)
class Newcomer:
    """Somebody who joins a family. `id_text` empty = no number yet (a new-born child); then `birth` is needed."""

    name: str
    relation: str
    id_text: str = ""
    birth: date | None = None
    sex: str = ""


@transaction.atomic
def report_change(
    household: Household,
    *,
    kind: str,
    happened_on: date,
    text: str,
    acting_user: User | None,
    source: str = Source.COUNTER,
    person: Person | None = None,
    income_year_fen: int | None = None,
) -> ChangeReport:
    """Writes down what was told. Nothing changes yet.

    Args:
        acting_user: None = the resident's own phone, under his `subject_scope`; only of his own household, `source` online.
        person: whom it is about: needed for a death and for a member who left.
        income_year_fen: the family's income a year as told; needed for income.

    Raises: DynamicInputError, NotFoundError, AccessDeniedError.
    """
    if acting_user is None:
        subject = access.current_subject()
        if subject is None or household.pk not in subject.household_ids:
            raise NotFoundError("家庭")
        source = Source.ONLINE
    else:
        access.require_any(acting_user, DUTIES, household.region)
        if source == Source.ONLINE:
            raise DynamicInputError("来源", "手机申报由居民本人提交")
    today = clock.today()
    if kind not in Kind.values:
        raise DynamicInputError("变化", f"只能是：{'、'.join(Kind.labels)}")
    if source not in Source.values:
        raise DynamicInputError("来源", f"只能是：{'、'.join(Source.labels)}")
    if happened_on > today:
        raise DynamicInputError("发生日期", "不能晚于今天")
    if not text.strip():
        raise DynamicInputError("说明", "必须填写")
    if kind == Kind.INCOME and income_year_fen is None:
        raise DynamicInputError("现家庭年收入", "收入变化必须填写")
    if income_year_fen is not None and income_year_fen < 0:
        raise DynamicInputError("现家庭年收入", "不能小于 0")
    if kind in (Kind.DIED, Kind.LEFT):
        if person is None:
            raise DynamicInputError("成员", "请选择是哪一位成员")
        if not person.memberships.filter(household=household).exists():
            raise DynamicInputError("成员", "不是这个家庭的成员")
    last = add_months(happened_on, limit("change_report_limit", household.region, today))
    # A resident may read his reports, never write the table himself.
    with access.system_scope(household.region) if acting_user is None else nullcontext():
        row = ChangeReport.objects.create(
            region=household.region, no=take_yearly("change", household.region, today.year)[0], household=household,
            person=person, kind=kind, source=source, happened_on=happened_on, reported_on=today, text=text.strip()[:500],
            income_year_fen=income_year_fen, late=today > last, by_officer=acting_user,
        )  # fmt: skip
        _audit("report_change", acting_user, row, kind=kind, late=row.late)
    return row


@transaction.atomic
def admonish(report: ChangeReport, *, acting_user: User) -> ChangeReport:
    """Notes that a family was admonished for telling too late. Raises: DynamicInputError: it was in time, or told before."""
    row = _locked(report, acting_user, DUTIES)
    if not row.late:
        raise DynamicInputError("批评教育", "这次变化没有超过报告期限")
    if row.admonished_on is not None:
        raise DynamicInputError("批评教育", f"已于 {row.admonished_on} 登记")
    row.admonished_on, row.admonished_by = clock.today(), acting_user
    row.save(update_fields=["admonished_on", "admonished_by"])
    _audit("admonish", acting_user, row)
    return row


@transaction.atomic
def check_report(
    report: ChangeReport,
    *,
    checked: str,
    acting_user: User,
    facts: Mapping[str, Any] | None = None,
    newcomer: Newcomer | None = None,
) -> ChangeReport:
    """What the check showed; the register follows (who was born, joined or left), and the facts are frozen for the decision.

    A death opens its own matter with its own limit.

    Args:
        facts: household facts as found; for income, what was told counts unless another figure is given.

    Raises: DynamicInputError, DynamicStateError, FactFaultsError, errors of people; NotFoundError, AccessDeniedError.
    """
    row = _locked(report, acting_user, DUTIES)
    if not checked.strip():
        raise DynamicInputError("核实情况", "必须填写")
    move(REPORT_MOVES, row, State.CHECKED, "核实")
    found = dict(facts or {})
    if row.kind == Kind.INCOME and row.income_year_fen is not None:
        found.setdefault("income_year", format_yuan(row.income_year_fen, sep=False))
    if row.kind in (Kind.BORN, Kind.JOINED):
        _join(row, newcomer, acting_user)
    elif row.kind == Kind.LEFT and row.person is not None:
        people.remove_member(
            acting_user=acting_user, household=row.household, person=row.person, on=row.happened_on,
            reason=LeaveReason.MOVED,
        )  # fmt: skip
    elif row.kind == Kind.DIED and row.person is not None:
        deaths.record_death(
            row.person, died_on=row.happened_on, source=DeathMatter.Source.FAMILY, acting_user=acting_user
        )
    row.household.refresh_from_db()
    if row.kind not in (*PLAIN, Kind.DIED) and members_on(row.household, clock.today()):
        joined = row.kind in (Kind.BORN, Kind.JOINED)
        row.fact_set = collect(
            row.household,
            on=Month.of(clock.today()).next().first_day if joined else None,  # the day he counts from
            acting_user=acting_user,
            facts=found,
            reason=f"变化报告 {row.no}",
            evidence=checked.strip()[:100],
        )
    row.checked, row.checked_at, row.checked_by = checked.strip()[:500], clock.now(), acting_user
    row.save(update_fields=["state", "checked", "checked_at", "checked_by", "fact_set"])
    _audit("check_report", acting_user, row, facts=sorted(found), fact_set=row.fact_set_id)
    return row


def _join(row: ChangeReport, newcomer: Newcomer | None, user: User) -> None:
    if newcomer is None or not newcomer.name.strip():
        raise DynamicInputError("新成员", "请填写姓名和与户主关系")
    if newcomer.relation not in Relation.values or newcomer.relation == Relation.SELF:
        raise DynamicInputError("与户主关系", "请选择")
    if not newcomer.id_text.strip() and newcomer.birth is None:
        raise DynamicInputError("新成员", "没有证件号码的请填写出生日期")
    person = people.register_person(
        acting_user=user, region=row.household.region, name=newcomer.name, id_text=newcomer.id_text.strip() or None,
        birth=newcomer.birth, sex=newcomer.sex, address=row.household.address, is_demo=row.household.is_demo,
    )  # fmt: skip
    # He counts from the month after this check: a run reads the members of the first day of its month.
    join_from(
        acting_user=user, household=row.household, person=person, relation=newcomer.relation,
        on=Month.of(clock.today()).next().first_day,
    )  # fmt: skip
    row.person = person
    row.save(update_fields=["person"])


@logs_blocks
@transaction.atomic
def decide_report(
    report: ChangeReport, *, reasons: str, acting_user: User, effective: Month | None = None
) -> list[Changed]:
    """Decides what a checked change means for each unit the family has on the roll. Nothing changes: no effect.

    Args:
        effective: first month; None = when the change counts: who joined, from the month after the check; who left, from the
            month after he left; all else, from the next month.

    Raises: NothingInForceError: the family is not on the roll. ReasonsMissingError, DynamicHandsError, DynamicStateError,
        UnknownOutcomeError, WrongLevelError, NotFoundError, AccessDeniedError.
    """
    row = _locked(report, acting_user, (DutyCode.CONFIRM,))
    if not reasons.strip():
        raise ReasonsMissingError("变更")
    gone = row.household.closed_on is not None
    if row.state != State.CHECKED or (row.fact_set is None and not gone):
        raise DynamicStateError("确认", row.get_state_display())
    if row.checked_by_id == acting_user.pk:
        raise DynamicHandsError("核实", "确认")
    month = effective or first_month(row)
    units = [one for one in units_of(row.household, month) if one.programme not in ("temporary",)]
    if not units:
        raise NothingInForceError(row.household.no, "社会救助", str(month))
    found = []
    for one in units:
        if gone or row.fact_set is None:
            made = end_unit(
                row.household, acting_user=acting_user, programme=one.programme, effective=month, cause="members",
                reasons=f"变化报告 {row.no}：{reasons.strip()}", person=one.person,
            )  # fmt: skip
            found.append(Changed("stop", one.amount_fen, 0, made))
            continue
        found.append(
            decide_change(
                row.fact_set, one.programme, acting_user=acting_user, cause=_CAUSES.get(row.kind, "income"),
                reasons=f"变化报告 {row.no}：{reasons.strip()}", effective=month,
                person=one.person if one.programme in PERSON_PROGRAMMES else None,
            )
        )  # fmt: skip
    first = next((one.determination for one in found if one.determination is not None), None)
    move(REPORT_MOVES, row, State.DECIDED if first else State.NO_EFFECT, "确认")
    row.determination, row.answer = first, reasons.strip()[:500]
    row.closed_at, row.closed_by = clock.now(), acting_user
    row.save(update_fields=["state", "determination", "answer", "closed_at", "closed_by"])
    _audit("decide_report", acting_user, row, determination=first.no if first else None)
    return found


def first_month(row: ChangeReport) -> Month:
    """First month a checked change counts for, as the monthly run reads the members."""
    following = Month.of(clock.today()).next()
    if row.kind in (Kind.BORN, Kind.JOINED) and row.checked_at is not None:
        return Month.of(row.checked_at.astimezone(clock.BEIJING).date()).next()
    if row.kind == Kind.LEFT:
        after = Month.of(row.happened_on).next()
        start = (
            RollEntry.objects.filter(household=row.household, end_month__isnull=True).order_by("start_month").first()
        )
        return min(following, max(after, Month.parse(str(start.start_month)))) if start else following
    return following


_CAUSES = {
    Kind.BORN: "members",
    Kind.JOINED: "members",
    Kind.LEFT: "members",
    Kind.INCOME: "income",
    Kind.ASSETS: "income",
}


@transaction.atomic
def close_without_effect(
    report: ChangeReport,
    *,
    answer: str,
    acting_user: User,
    address: str = "",
    account: tuple[str, str, str] | None = None,
) -> ChangeReport:
    """Closes a change that moves no money; a new address or account is written into the register.

    A checked change of another kind is closed by the level that confirms.

    Args:
        account: (number, holder, bank code): the old accounts of the household's payee end, the next run pays into this one.

    Raises: DynamicInputError, DynamicStateError, NotFoundError, AccessDeniedError.
    """
    row = _locked(report, acting_user, DUTIES if report.kind in (*PLAIN, Kind.OTHER) else (DutyCode.CONFIRM,))
    if not answer.strip():
        raise DynamicInputError("答复", "必须填写")
    household = row.household
    if row.kind == Kind.ADDRESS:
        if not address.strip():
            raise DynamicInputError("新住址", "必须填写；迁出本乡镇的请办理迁移")
        household.address = address.strip()[:200]
        household.save(update_fields=["address"])
    if row.kind == Kind.ACCOUNT:
        if account is None or not account[0].strip() or not account[1].strip():
            raise DynamicInputError("新账户", "请填写账号和户名")
        payee = row.person or household.head
        kept = people.add_account(
            acting_user=acting_user, person=payee, number=account[0], holder=account[1].strip(), since=clock.today(),
            bank_code=account[2].strip(),
        )  # fmt: skip
        Account.objects.filter(person=payee, until__isnull=True).exclude(pk=kept.pk).update(until=clock.today())
    move(REPORT_MOVES, row, State.NO_EFFECT, "办结")
    row.answer, row.closed_at, row.closed_by = answer.strip()[:500], clock.now(), acting_user
    row.save(update_fields=["state", "answer", "closed_at", "closed_by"])
    _audit("close_report", acting_user, row)
    return row


@transaction.atomic
def withdraw_report(report: ChangeReport, *, answer: str, acting_user: User) -> ChangeReport:
    """Takes a report back that was entered by mistake. Raises as `close_without_effect`."""
    row = _locked(report, acting_user, DUTIES)
    if not answer.strip():
        raise DynamicInputError("撤回理由", "必须填写")
    move(REPORT_MOVES, row, State.WITHDRAWN, "撤回")
    row.answer, row.closed_at, row.closed_by = answer.strip()[:500], clock.now(), acting_user
    row.save(update_fields=["state", "answer", "closed_at", "closed_by"])
    _audit("withdraw_report", acting_user, row)
    return row


def listing(show: str, town: str, kind: str) -> QuerySet[ChangeReport]:
    """Reports: `open` (oldest first), `reported`, `checked`, `late`, `closed`."""
    rows = ChangeReport.objects.select_related("household__head", "person", "by_officer", "determination")
    if town:
        found = access.range_of(town)
        rows = rows.filter(region__gte=found.low, region__lt=found.high)
    if kind:
        rows = rows.filter(kind=kind)
    if show in (State.REPORTED, State.CHECKED):
        rows = rows.filter(state=show)
    elif show == "late":
        rows = rows.filter(late=True, admonished_on__isnull=True)
    elif show == "closed":
        return rows.exclude(state__in=[State.REPORTED, State.CHECKED]).order_by("-closed_at", "-id")
    else:
        rows = rows.filter(state__in=[State.REPORTED, State.CHECKED])
    return rows.order_by("reported_on", "id")


def counts() -> dict[str, int]:
    """How the reports in the reader's range stand. One query."""
    return ChangeReport.objects.aggregate(
        open=Count("pk", filter=Q(state__in=[State.REPORTED, State.CHECKED])),
        reported=Count("pk", filter=Q(state=State.REPORTED)),
        checked=Count("pk", filter=Q(state=State.CHECKED)),
        late=Count("pk", filter=Q(late=True, admonished_on__isnull=True)),
        closed=Count("pk", filter=~Q(state__in=[State.REPORTED, State.CHECKED])),
    )


def access_report(user: User, pk: int) -> ChangeReport:
    """One report in the user's range. Raises NotFoundError."""
    rows = ChangeReport.objects.select_related(
        "household__head",
        "person",
        "by_officer",
        "checked_by",
        "closed_by",
        "admonished_by",
        "fact_set",
        "determination",
    )
    return access.one(rows, user=user, what="变化报告", pk=pk)


def _locked(report: ChangeReport, user: User, duties: tuple[str, ...]) -> ChangeReport:
    row = access.locked(
        ChangeReport.objects.select_related("household__head", "person", "fact_set"), report.pk, what="变化报告"
    )
    access.require_any(user, duties, row.region)
    return row


def _audit(action: str, user: User | None, row: ChangeReport, **after: object) -> None:
    record(
        f"monitoring.{action}", actor=user, subject_type="changereport", subject_id=row.pk, region=row.region,
        after={"no": row.no, "state": row.state, **after},
    )  # fmt: skip
