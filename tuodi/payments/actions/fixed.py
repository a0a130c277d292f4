"""Verbs of fixed amounts: a department's list taken in, approved by another officer, and the end of one person's."""

from __future__ import annotations

from datetime import date

from django.db import transaction
from django.db.models import Q

from tuodi.audit.actions import record
from tuodi.exchange import fixed_lists
from tuodi.exchange.payment_rows import RowFault
from tuodi.funds.programmes import Benefit, benefits
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.payments.actions import lists
from tuodi.payments.errors import FourEyesError, RunInputError
from tuodi.payments.models import FixedEntry, FixedList
from tuodi.payments.states import LIST_MOVES, ListState, PayProgramme, Period, move
from tuodi.people import secrets
from tuodi.people.actions import add_account
from tuodi.people.models import Account, Household, Person
from tuodi.people.queries import household_of
from tuodi.verification.rulebook import book, place_of

__all__ = ["decide_fixed_list", "end_fixed_entry", "import_fixed_list"]


@transaction.atomic
def import_fixed_list(
    *, acting_user: User, county: str, data: bytes, name: str, source: str, profile: str = "generic",
    programme: str = PayProgramme.FAMILY_PLANNING.value,
) -> FixedList:  # fmt: skip
    """Takes in a department's list: good rows wait for approval, bad ones are kept with their reasons. Nobody is paid by it yet.

    Args:
        programme: a fixed amount the packs of the county declare (`funds.programmes`); the list is of this one alone.

    A person must be registered in the county with a family, and must not stand on an approved or waiting list for those months.
    Where the packs set the amount of his basis, the list's must be that.

    Raises: RunInputError; ExchangeError for what is no table; AccessDeniedError, NotFoundError.
    """
    given = benefits(county).get(programme)
    if given is None:
        raise RunInputError("项目", "没有选择，或本县没有这项固定金额")
    layout = fixed_lists.for_cases(fixed_lists.load_profile(profile), given.cases)
    sent, read = lists.receive(
        lambda: fixed_lists.read(data, layout), acting_user=acting_user, county=county, data=data, name=name, source=source,
        purpose="fixed_list",
    )  # fmt: skip
    faults, good = list(read.faults), []
    for row in read.people:
        found = _judge(row, sent.known.get(row.id_text), given)
        if isinstance(found, RowFault):
            faults.append(found)
        else:
            good.append((row, sent.known[row.id_text], found))
    made = FixedList.objects.create(
        region=sent.region, programme=programme, file=sent.stored, file_name=sent.stored.name[:200], source=sent.source, rows=read.rows,
        taken=len(good),
        faults=lists.faults_as_json(faults),
        imported_at=clock.now(), imported_by=acting_user,
    )  # fmt: skip
    for row, person, household in good:
        FixedEntry.objects.create(
            region=household.region, list=made, programme=programme, household=household, person=person, basis=row.basis,
            period=row.period, amount_fen=row.amount_fen, start_month=row.start.yyyymm, end_month=row.end.yyyymm if row.end else None,
            account=_account(row, person), source=made.source,
        )  # fmt: skip
    record(
        "payments.import_fixed_list", actor=acting_user, subject_type="fixedlist", subject_id=made.pk, region=sent.region,
        after={"rows": made.rows, "taken": made.taken, "bad": made.bad, "source": made.source, "programme": programme},
    )  # fmt: skip
    return made


def _judge(row: fixed_lists.Listed, person: Person | None, given: Benefit) -> Household | RowFault:
    """The household a row is paid in, or why it is not taken."""
    if person is None:
        return RowFault(row.row_no, "身份证号", "本县没有登记此人", "请先在家庭档案登记，再报送这一行")
    if person.name != row.name:
        return RowFault(row.row_no, "姓名", "与本县登记的不一致", "请核对证件和姓名")
    if person.died_on is not None and person.died_on < row.start.first_day:
        return RowFault(row.row_no, "起始月份", f"此人已于 {person.died_on} 死亡", "请从名单中删去")
    household = household_of(person, clock.today())
    if household is None:
        return RowFault(row.row_no, "身份证号", "此人现在不属于任何家庭", "请先登记家庭，再报送这一行")
    standard = _standard(given, household.region, row.basis, row.start.first_day)
    if standard is not None and standard != (row.period, row.amount_fen):
        period, fen = standard
        told = f"{Period(period).label} {format_yuan(fen)} 元"
        return RowFault(row.row_no, "每次金额", f"本地规定这一情形是{told}", "请按规定的周期和金额更正")
    same = FixedEntry.objects.filter(person=person, programme=given.code).exclude(list__state=ListState.REFUSED)
    same = same.filter(Q(end_month__isnull=True) | Q(end_month__gte=row.start.yyyymm))
    if row.end is not None:
        same = same.filter(start_month__lte=row.end.yyyymm)
    if before := same.first():
        until = f"至 {before.end_month} " if before.end_month else "起"
        return RowFault(
            row.row_no, "起始月份", f"此人已登记 {before.start_month} {until}", "不必重复报送；变更的请先终止原登记"
        )
    return household


def _standard(given: Benefit, region: str, basis: str, on: date) -> tuple[str, int] | None:
    """Period and fen the packs of a place set for a case; None where none does, and where the nation only stands in with nothing."""
    law = book()
    row = law.value(given.parameter, law.chain(place_of(region)), (basis,), on)
    if row is None or not row.value:
        return None
    yearly = "年" in row.unit
    return (Period.YEAR if yearly else Period.MONTH), int(row.value * (12 if yearly else 1))


def _account(row: fixed_lists.Listed, person: Person) -> Account | None:
    """The account a row names, under the duty of who takes the list in. One that is new stays closed until the list is approved."""
    if not row.account:
        return None
    index = secrets.account_index(row.account)
    known = person.accounts.filter(account_index=index, until__isnull=True).first()  # type: ignore[attr-defined]
    if known is not None:
        return known
    made = add_account(
        acting_user=None, person=person, number=row.account, holder=person.name, since=clock.today(), bank_code=row.bank
    )
    made.until = clock.today()
    made.save(update_fields=["until"])
    return made


@transaction.atomic
def decide_fixed_list(row: FixedList, *, acting_user: User, approve: bool, note: str = "") -> FixedList:
    """Approves or refuses a list that waits. From its approval its people are paid by the next run of the programme.

    Raises:
        FourEyesError: who took it in. RunInputError: refused without a reason, or somebody came onto another list meanwhile.
        StateError, NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_CHECK, row.region)
    found = access.locked(FixedList.objects, row.pk, what="主管部门名单")
    if found.imported_by_id == acting_user.pk:
        raise FourEyesError(found.file_name, "审核")
    after = ListState.APPROVED if approve else ListState.REFUSED
    move(found.file_name, LIST_MOVES, found.state, after, ListState)
    if not approve and not note.strip():
        raise RunInputError("审核意见", "不同意时必须填写")
    found.state, found.decided_at, found.decided_by = after, clock.now(), acting_user
    found.note = note.strip()[:200]
    found.save(update_fields=["state", "decided_at", "decided_by", "note"])
    if approve:
        _open_accounts(found)
        FixedEntry.objects.filter(list=found).update(active=True)
    record(
        "payments.decide_fixed_list", actor=acting_user, subject_type="fixedlist", subject_id=found.pk, region=found.region,
        before={"state": ListState.PROPOSED}, after={"state": found.state, "people": found.taken, "note": found.note},
    )  # fmt: skip
    return found


def _open_accounts(found: FixedList) -> None:
    """Opens the accounts a list brought; where the same number was opened meanwhile, that one is used."""
    for entry in FixedEntry.objects.filter(list=found, account__until__isnull=False).select_related("account"):
        account = entry.account
        assert account is not None
        same = Account.objects.filter(person=entry.person_id, account_index=account.account_index, until__isnull=True)
        if open_one := same.first():
            entry.account = open_one
            entry.save(update_fields=["account"])
        else:
            Account.objects.filter(pk=account.pk).update(until=None)


@transaction.atomic
def end_fixed_entry(entry: FixedEntry, *, acting_user: User, end: Month, reason: str) -> FixedEntry:
    """Ends a person's fixed amount with a month, the last one paid; what was paid beyond it is found by the next run.

    Raises: RunInputError; AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.PAY_PREPARE, entry.region)
    row = access.locked(FixedEntry.objects, entry.pk, what="固定金额对象")
    if not row.active:
        raise RunInputError("名单", "还没有审核生效，不用终止")
    if row.end_month is not None and row.end_month <= end.yyyymm:
        raise RunInputError("终止月份", f"已经登记为 {row.end_month}")
    if end.yyyymm < row.start_month:
        raise RunInputError("终止月份", f"早于起始月份 {row.start_month}")
    if not reason.strip():
        raise RunInputError("终止原因", "必须填写")
    before = row.end_month
    row.end_month, row.end_reason = end.yyyymm, reason.strip()[:200]
    row.save(update_fields=["end_month", "end_reason"])
    record(
        "payments.end_fixed_entry", actor=acting_user, subject_type="fixedentry", subject_id=row.pk, region=row.region,
        before={"end": before}, after={"end": row.end_month, "reason": row.end_reason},
    )  # fmt: skip
    return row
