"""Verbs of premiums paid for recipients (资助参保, M39): a year's list, its decision, the collector's answer, what comes back."""

from __future__ import annotations

from datetime import date

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.cases.series import next_no
from tuodi.exchange import premium_answers
from tuodi.exchange.payment_rows import RowFault
from tuodi.files.store import put_bytes
from tuodi.funds import ledger, orders, premiums, refunds
from tuodi.funds.decide import decided
from tuodi.funds.errors import FundInputError, FundStateError
from tuodi.funds.medical import plain_name
from tuodi.funds.models import PremiumAnswer, PremiumItem, PremiumList, PremiumRefund
from tuodi.funds.states import DeskState, FundProgramme, OrderKind, PremiumResult
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.people import secrets

__all__ = [
    "ORIGIN",
    "decide_premiums",
    "import_answer",
    "import_supplement",
    "propose_premiums",
    "receive_refund",
    "take_list",
]

#: Of ledger entries that rest on a list.
ORIGIN = "premium"


def _audit(action: str, actor: User, row: PremiumList, **after: object) -> None:
    record(
        f"funds.{action}", actor=actor, subject_type="premium_list", subject_id=row.pk, region=row.region,
        after={"no": row.no, "year": row.year, "state": row.state, "amount_fen": row.amount_fen, **after},
    )  # fmt: skip


@transaction.atomic
def propose_premiums(
    *, acting_user: User, county: str, year: int, on: date, code: str, collector: str
) -> tuple[PremiumList, list[premiums.Candidate]]:
    """Lists everybody of the rolls of a day whose premium of a year is paid, with the amount; it waits for finance.

    A later list of the year has those who came onto a roll since.

    Args:
        code: of the collector's account (`PayeeAccount`).

    Returns: The list, and who is not on it with the reason.

    Raises: FundInputError: a field, or nobody to list; AccessDeniedError, NotFoundError.
    """
    region = pad12(county[:6])
    access.require(acting_user, DutyCode.FUND_KEEP, region)
    if on > clock.today() or abs(year - on.year) > 1:
        raise FundInputError("名单日期", f" {on} 晚于今天，或与参保年度 {year} 不相邻")
    if not code.strip() or not collector.strip():
        raise FundInputError("征收机构和编码", "都要填写")
    ledger.lock([region])
    found = premiums.candidates(region, year, on)
    good = [one for one in found if one.fen]
    left = [one for one in found if not one.fen]
    if not good:
        unknown = sum(one.fen is None for one in left)
        why = f"，{unknown} 人不能认定（{next(one.why for one in left if one.fen is None)}）" if unknown else ""
        raise FundInputError("名单", f"没有可以资助的人{why}")
    row = PremiumList.objects.create(
        region=region, no=next_no("fund", region, clock.today()), year=year, on=on, code=code.strip()[:20],
        collector=collector.strip()[:60], persons=len(good), amount_fen=sum(one.fen or 0 for one in good),
        proposed_at=clock.now(), proposed_by=acting_user,
    )  # fmt: skip
    PremiumItem.objects.bulk_create(
        [
            PremiumItem(
                listed=row, region=region, year=year, person=one.person, household=one.household, name=one.person.name,
                id_masked=one.person.id_masked, basis=one.basis, amount_fen=one.fen, clauses=one.clauses,
            )
            for one in good
        ],
        batch_size=1000,
    )  # fmt: skip
    _audit("propose_premiums", acting_user, row, persons=row.persons, left_out=len(left))
    return row, left


@transaction.atomic
def decide_premiums(listed: PremiumList, *, acting_user: User, approve: bool, note: str = "") -> PremiumList:
    """Approves a list and pays its collector as one sum, or refuses it with a reason. Never by who proposed it.

    Raises: FundHandsError, FundStateError, FundShortError, PlanError, FundInputError, AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_REVIEW, listed.region)
    ledger.lock([listed.region])
    row = access.locked(PremiumList.objects, listed.pk, what="资助参保名单")
    after = DeskState.APPROVED if approve else DeskState.REFUSED
    decided(row, after, acting_user=acting_user, approve=approve, note=note, what=f"名单 {row.no} ", of=row.no)  # fmt: skip
    if approve:
        row.entry = orders.pay(
            region=row.region, kind=OrderKind.PREMIUM, subject_id=row.pk, programme=FundProgramme.MEDICAL, code=row.code,
            name=row.collector, fen=row.amount_fen, memo=f"{row.year}年度资助参保", user=acting_user, origin=ORIGIN,
            note=row.decision_note,
        )  # fmt: skip
    else:
        PremiumItem.objects.filter(listed=row).update(live=False)
    row.save(update_fields=["state", "decided_at", "decided_by", "decision_note", "entry"])
    _audit("decide_premiums", acting_user, row, note=row.decision_note)
    return row


@transaction.atomic
def take_list(listed: PremiumList, *, acting_user: User) -> list[tuple[PremiumItem, str]]:
    """The list with whole identity numbers, for the collector. Taking it is on record with everybody on it.

    Raises: AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_KEEP, listed.region)
    rows = list(PremiumItem.objects.filter(listed=listed).select_related("person").order_by("pk"))
    _audit("take_premium_list", acting_user, listed, persons=[one.person_id for one in rows])
    return [(one, secrets.open_id(one.person)) for one in rows]


@transaction.atomic
def import_answer(
    listed: PremiumList, *, acting_user: User, data: bytes, name: str, profile: str = "generic"
) -> PremiumList:
    """Takes the collector's answer: each person insured, not insured or insured twice. Rows that fit nobody are kept with reasons.

    Who is not in it stays unanswered, is shown, and may be told by a later answer (`import_supplement`). What is due back is
    counted from all answers.

    Raises: FundInputError, FundStateError; ExchangeError for what is no table; AccessDeniedError, NotFoundError.
    """
    row = _answerable(listed, acting_user)
    if row.answered_at is not None:
        raise FundStateError(f"名单 {row.no} ", "已有回执", "导入回执")
    read, told, faults = _match(row, data, profile)
    row.answer = put_bytes(data, region=row.region, name=name, purpose="premium_answer", by_id=acting_user.pk)
    row.answered_at, row.answered_by, row.faults = clock.now(), acting_user, faults
    row.save(update_fields=["answer", "answered_at", "answered_by", "faults"])
    _audit(
        "import_premium_answer", acting_user, row, rows=read, told=told, faults=len(faults), due_back_fen=premiums.due_back(row)
    )  # fmt: skip
    return row


@transaction.atomic
def import_supplement(
    listed: PremiumList, *, acting_user: User, data: bytes, name: str, profile: str = "generic"
) -> PremiumAnswer:
    """Takes a later answer for exactly those of a list the collector said nothing of. It changes no answer given before.

    A row about somebody answered already is kept as a fault that says whether it tells the same.

    Raises: FundStateError: no answer yet, or everybody is answered; FundInputError: no row fits; ExchangeError for what is no
        table; AccessDeniedError, NotFoundError.
    """
    row = _answerable(listed, acting_user)
    if row.answered_at is None:
        raise FundStateError(f"名单 {row.no} ", "还没有回执", "导入补充回执")
    if not PremiumItem.objects.filter(listed=row, result="").exists():
        raise FundStateError(f"名单 {row.no} ", "全部已有回执", "导入补充回执")
    read, told, faults = _match(row, data, profile)
    made = PremiumAnswer.objects.create(
        listed=row, region=row.region, file=put_bytes(data, region=row.region, name=name, purpose="premium_answer", by_id=acting_user.pk),
        rows=read, told=told, faults=faults, answered_at=clock.now(), answered_by=acting_user,
    )  # fmt: skip
    _audit(
        "import_premium_supplement", acting_user, row, rows=read, told=told, faults=len(faults),
        left=PremiumItem.objects.filter(listed=row, result="").count(), due_back_fen=premiums.due_back(row),
    )  # fmt: skip
    return made


def _answerable(listed: PremiumList, user: User) -> PremiumList:
    access.require(user, DutyCode.FUND_KEEP, listed.region)
    ledger.lock([listed.region])
    row = access.locked(PremiumList.objects, listed.pk, what="资助参保名单")
    if row.state != DeskState.APPROVED:
        raise FundStateError(f"名单 {row.no} ", row.get_state_display(), "导入回执")
    if not orders.arrived(OrderKind.PREMIUM, row.pk):
        raise FundStateError(f"名单 {row.no} 的款项", "还没有到账", "导入回执")
    return row


def _match(row: PremiumList, data: bytes, profile: str) -> tuple[int, int, list[dict[str, object]]]:
    """Writes what an answer tells of people without one. Returns: rows read, people told, what is wrong with the other rows."""
    read = premium_answers.read(data, premium_answers.load_profile(profile))
    if not read.rows:
        raise FundInputError("文件", "里没有人员。请核对是否选错了文件。")
    items = {
        secrets.open_id(one.person): one
        for one in PremiumItem.objects.select_for_update(of=("self",)).filter(listed=row).select_related("person")
    }
    faults: list[RowFault] = list(read.faults)
    told: list[PremiumItem] = []
    for one in read.people:
        item = items.get(one.id_text)
        if item is None:
            faults.append(RowFault(one.row_no, "身份证号", "不在本名单", "请征收机构核对是否属于别的名单"))
        elif plain_name(item.name) != plain_name(one.name):
            faults.append(RowFault(one.row_no, "姓名", f"与名单的“{item.name}”不一致", "请核对是否同一人"))
        elif item.result:
            before = PremiumResult(item.result).label
            same = item.result == one.result
            reason = f"已有回执“{before}”" + (
                "，内容相同" if same else f"，与本行“{PremiumResult(one.result).label}”不同，没有改动"
            )
            faults.append(
                RowFault(
                    one.row_no, "处理结果", reason, "不用处理" if same else "请征收机构书面核实，已登记的回执不覆盖"
                )
            )
        else:
            item.result, item.result_note = PremiumResult(one.result), one.note
            item.live = item.result not in premiums.DUE_BACK
            told.append(item)
    if not told:
        raise FundInputError("回执", f"没有一行与名单中尚无回执的人相符：{faults[0].reason if faults else ''}")
    PremiumItem.objects.bulk_update(told, ["result", "result_note", "live"], batch_size=500)
    wrong: list[dict[str, object]] = [
        {"row": one.row_no, "field": one.field, "reason": one.reason, "remedy": one.remedy}
        for one in sorted(faults, key=lambda one: one.row_no)
    ]
    return read.rows, len(told), wrong


@transaction.atomic
def receive_refund(
    listed: PremiumList,
    *,
    acting_user: User,
    amount_fen: int,
    voucher: str,
    received_on: date,
    by_statement: bool = False,
) -> PremiumRefund:
    """Enters money the collector gave back, in parts or whole; it goes back to the sources it was drawn from.

    Args:
        by_statement: an entry of a statement says so (`actions.refunds`); else a voucher does, and the same money on a
            statement is refused.

    Raises: FundInputError, FundStateError: nothing is due back; AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_KEEP, listed.region)
    ledger.lock([listed.region])
    row = access.locked(PremiumList.objects.select_related("entry"), listed.pk, what="资助参保名单")
    due = premiums.due_back(row)
    if not due or row.entry is None:
        raise FundStateError(f"名单 {row.no} ", "没有应退回的款项", "登记退回")
    if not voucher.strip():
        raise FundInputError("凭证号", "没有填写")
    if row.refunds.filter(voucher=voucher.strip()).exists():  # type: ignore[attr-defined]
        raise FundInputError("凭证号", f" {voucher.strip()} 已登记过")
    if not 0 < amount_fen <= due:
        raise FundInputError("金额", f"应大于 0 元，不超过应退回的 {format_yuan(due)} 元")
    if received_on > clock.today():
        raise FundInputError("到账日期", "晚于今天")
    if not by_statement:
        refunds.refuse_told_twice(row, amount_fen, received_on)
    entry = orders.take_back(
        region=row.region, programme=FundProgramme.MEDICAL, spent=row.entry, origin=ORIGIN, subject_id=row.pk,
        fen=amount_fen, user=acting_user, memo=f"{row.no} {row.collector}退回，凭证 {voucher.strip()[:40]}",
    )  # fmt: skip
    made = PremiumRefund.objects.create(
        listed=row, region=row.region, amount_fen=amount_fen, voucher=voucher.strip()[:40], received_on=received_on,
        received_at=clock.now(), received_by=acting_user, entry=entry,
    )  # fmt: skip
    _audit("receive_premium_refund", acting_user, row, received_fen=amount_fen, left_fen=due - amount_fen)
    return made
