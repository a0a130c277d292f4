"""Verbs of funerals (基本丧葬服务费用减免, M47): a body's bill for who was on a roll, decided by finance, paid like any body.

Money comes from the sub-account 临时救助: 乌海 2014 names the waiver beside the money of temporary assistance [unverified].
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from django.db import transaction
from django.utils.timezone import localtime

from tuodi.audit.actions import record
from tuodi.cases.series import next_no
from tuodi.files.store import put_bytes
from tuodi.funds import funerals, ledger, orders, refunds
from tuodi.funds.decide import decided
from tuodi.funds.errors import FundInputError, FundStateError
from tuodi.funds.models import FuneralReturn, FuneralWaiver
from tuodi.funds.states import DeskState, FundProgramme, OrderKind
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.people.models import Person

__all__ = ["ORIGIN", "decide_funeral", "propose_funeral", "receive_back"]

#: Of ledger entries that rest on a waiver.
ORIGIN = "funeral"


@transaction.atomic
def propose_funeral(
    person: Person, *, acting_user: User, county: str, code: str, body: str, charged: Mapping[str, int], cost_fen: int,
    evidence: bytes, evidence_name: str,
) -> FuneralWaiver:  # fmt: skip
    """Enters what a body charges for the funeral of somebody who was on dibao or tekun when he died; it waits for finance.

    Args:
        code: the body's number, by which its account is known. charged: item -> fen of the basic services.
        cost_fen: the whole bill; what is not waived of it is the family's.

    Raises: FundInputError naming the field; FundStateError: there is one already. AccessDeniedError, NotFoundError.
    """
    region = pad12(county[:6])
    access.require(acting_user, DutyCode.FUND_KEEP, region)
    ledger.lock([region])
    if person.died_on is None:
        raise FundInputError("去世人员", "：还没有登记死亡。请先在死亡减员登记。")
    if not re.fullmatch(r"[0-9A-Z]{6,20}", code.strip()):
        raise FundInputError("机构编码", "应为 6 至 20 位数字或大写字母")
    if not body.strip():
        raise FundInputError("殡葬服务机构", "没有填写")
    if not evidence:
        raise FundInputError("收费凭证", "没有上传")
    before = FuneralWaiver.objects.filter(person=person).exclude(state=DeskState.REFUSED).first()
    if before is not None:
        raise FundStateError(f"{person.name}的减免 {before.no} ", before.get_state_display(), "再登记")
    household, basis = funerals.basis_of(person, person.died_on)
    if household.region[:6] != region[:6]:
        raise FundInputError("去世人员", "不是本县的家庭")
    items, rule = funerals.judge(household.region, person.died_on, charged)
    waived = sum(int(str(one["waived_fen"])) for one in items)
    basic = sum(int(str(one["fen"])) for one in items)
    if cost_fen < basic:
        raise FundInputError("费用合计", f"应不少于各项之和 {format_yuan(basic)} 元")
    if not waived:
        raise FundInputError("减免项目", "按本地规定没有可减免的金额")
    stored = put_bytes(evidence, region=region, name=evidence_name, purpose="funeral_evidence", by_id=acting_user.pk)
    row = FuneralWaiver.objects.create(
        region=region, no=next_no("fund", region, clock.today()), person=person, household=household, basis=basis,
        died_on=person.died_on, code=code.strip(), body=body.strip()[:60], items=items, cost_fen=cost_fen, waived_fen=waived,
        rule=rule[:200], evidence=stored, proposed_at=clock.now(), proposed_by=acting_user,
    )  # fmt: skip
    _audit("propose_funeral", acting_user, row)
    return row


def _audit(action: str, actor: User, row: FuneralWaiver, **after: object) -> None:
    record(
        f"funds.{action}", actor=actor, subject_type="funeral_waiver", subject_id=row.pk, region=row.region,
        after={"no": row.no, "state": row.state, "waived_fen": row.waived_fen, **after},
    )  # fmt: skip


@transaction.atomic
def decide_funeral(waiver: FuneralWaiver, *, acting_user: User, approve: bool, note: str = "") -> FuneralWaiver:
    """Approves a waiver and pays the body, or refuses it with a reason. Never by who entered it.

    Raises: FundHandsError, FundStateError, FundShortError, PlanError, FundInputError, AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_REVIEW, waiver.region)
    ledger.lock([waiver.region])
    row = access.locked(FuneralWaiver.objects, waiver.pk, what="丧葬费用减免")
    after = DeskState.APPROVED if approve else DeskState.REFUSED
    decided(row, after, acting_user=acting_user, approve=approve, note=note, what=f"减免 {row.no} ", of=row.no)  # fmt: skip
    if approve:
        row.entry = orders.pay(
            region=row.region, kind=OrderKind.FUNERAL, subject_id=row.pk, programme=FundProgramme.TEMPORARY, code=row.code,
            name=row.body, fen=row.waived_fen, memo=f"{row.no} 基本丧葬服务费", user=acting_user, origin=ORIGIN,
            note=row.decision_note,
        )  # fmt: skip
    row.save(update_fields=["state", "decided_at", "decided_by", "decision_note", "entry"])
    _audit("decide_funeral", acting_user, row, note=row.decision_note)
    return row


@transaction.atomic
def receive_back(
    waiver: FuneralWaiver, *, acting_user: User, amount_fen: int, reason: str, voucher: str, received_on: date,
    by_statement: bool = False,
) -> FuneralReturn:  # fmt: skip
    """Enters money of a waiver the body gave back, in parts or whole: less spent, into the sources it was drawn from.

    Args:
        by_statement: an entry of a statement says so (`actions.refunds`); else a voucher does.

    Raises: FundInputError, FundStateError: not paid, or nothing is left; AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_KEEP, waiver.region)
    ledger.lock([waiver.region])
    row = access.locked(FuneralWaiver.objects.select_related("entry"), waiver.pk, what="丧葬费用减免")
    if row.entry is None or not orders.arrived(OrderKind.FUNERAL, row.pk):
        raise FundStateError(f"减免 {row.no} 的款项", "还没有到账", "退款")
    left = funerals.left(row)
    if not left:
        raise FundStateError(f"减免 {row.no} 的款项", "已全部退回", "退款")
    if not reason.strip() or not voucher.strip():
        raise FundInputError("理由和凭证号", "都要填写")
    if FuneralReturn.objects.filter(waiver=row, voucher=voucher.strip()[:40]).exists():
        raise FundInputError("凭证号", f" {voucher.strip()[:40]} 已登记过")
    if not 0 < amount_fen <= left:
        raise FundInputError("金额", f"应大于 0 元，不超过没有退回的 {format_yuan(left)} 元")
    if row.decided_at is None or not localtime(row.decided_at).date() <= received_on <= clock.today():
        raise FundInputError("到账日期", "早于付款审批，或晚于今天")
    if not by_statement:
        refunds.refuse_told_twice(row, amount_fen, received_on)
    entry = orders.take_back(
        region=row.region, programme=FundProgramme.TEMPORARY, spent=row.entry, origin=ORIGIN, subject_id=row.pk, fen=amount_fen,
        user=acting_user, memo=f"{row.no} {row.body}退回，凭证 {voucher.strip()[:40]}",
    )  # fmt: skip
    made = FuneralReturn.objects.create(
        waiver=row, region=row.region, amount_fen=amount_fen, reason=reason.strip()[:200], voucher=voucher.strip()[:40],
        received_on=received_on, received_at=clock.now(), received_by=acting_user, entry=entry,
    )  # fmt: skip
    record(
        "funds.receive_funeral", actor=acting_user, subject_type="funeral_waiver", subject_id=row.pk, region=row.region,
        after={"no": row.no, "amount_fen": amount_fen, "left_fen": left - amount_fen, "voucher": made.voucher},
    )  # fmt: skip
    return made
