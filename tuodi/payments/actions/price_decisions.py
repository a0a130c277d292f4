"""Verbs on the difference of a corrected price index: one proposes to pay, get back or leave it, another decides; the same way back.

A decision books nothing itself. The next run pays what is owed as back pay in the line that carried the subsidy, or finds it
overpaid and opens the claim; what approved runs have booked is never booked again (`payments_price_owed`, and a trigger).
"""

from __future__ import annotations

import polars as pl
from django.db import IntegrityError, transaction

from tuodi.audit.actions import record
from tuodi.files.scans import scan_of
from tuodi.files.store import put_bytes
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.payments import price_corrections
from tuodi.payments.actions.claims import MAX_PAPER
from tuodi.payments.errors import CorrectionError, FourEyesError
from tuodi.payments.models import PayRun, PriceCorrection, PriceDecision, PriceIndex
from tuodi.payments.price_corrections import Carried, carried_otherwise
from tuodi.payments.prices import facts_of, index_of
from tuodi.payments.states import CORRECTION_MOVES, CorrectionKind, CorrectionState, move
from tuodi.people import secrets
from tuodi.verification.rulebook import book as site_book

__all__ = ["ask_revoke_price", "decide_price", "decide_revoke_price", "propose_price", "take_correction_list"]


def _note(verb: str, row: PriceDecision, user: User, **after: object) -> None:
    record(
        f"payments.{verb}", actor=user, subject_type="pricedecision", subject_id=row.pk, region=row.region,
        after={"no": row.no, "state": row.state, "month": row.index_month, "kind": row.kind, "amount_fen": row.amount_fen, **after},
    )  # fmt: skip


def _carried(run: PayRun, index: PriceIndex) -> Carried:
    newest = index_of(run.place, Month.parse(str(index.month)))
    if newest is None or newest.pk != index.pk:
        raise CorrectionError("这一行指数已被更正，请打开最新的一行再办理。", field="指数")
    found = next((one for one in carried_otherwise(index) if one.run.pk == run.pk), None)
    if found is None:
        raise CorrectionError(f"{run.no} 就是按现在的指数发放的，没有差额。", field="指数")
    return found


@transaction.atomic
def propose_price(
    run: PayRun, index: PriceIndex, *, acting_user: User, kind: str, short: bool, reason: str, document: str, paper: bytes,
) -> PriceDecision:  # fmt: skip
    """Proposes what is done about those whom a run paid less, or more, for a month than the figures that count now give.

    The shares of everybody concerned are kept with it, to the fen, one a person; nothing moves until another person decides.

    Args:
        kind: of `CorrectionKind`. short: about those who were paid less; else about those who were paid more.
        document, paper: what it rests on: its name and number, and the scan.

    Raises: CorrectionError names what is wrong, or that one waits already; NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_CHECK, run.region)
    locked = access.locked(PayRun.objects.all(), run.pk, what="发放批次")
    if (
        kind not in CorrectionKind.values
        or (kind == CorrectionKind.PAY and not short)
        or (kind == CorrectionKind.CLAIM and short)
    ):
        raise CorrectionError("请选择办法：少发的补发，多发的追回，或者不作调整。", field="办法")
    if len(reason.strip()) < 4:
        raise CorrectionError("请写明理由（至少 4 个字）。", field="理由")
    if not document.strip():
        raise CorrectionError("请填写依据文件的名称或文号。", field="依据文件")
    one = _carried(locked, index)
    month = Month.parse(str(index.month))
    if price_corrections.left_alone(locked, month, one.now, short=short):
        raise CorrectionError("对现在的指数已决定不作调整；要另作决定，请先撤销该决定。", field="办法")
    rows = price_corrections.persons(one, month, site_book(fresh=True))
    delta = pl.col("now_fen") - pl.col("amount_fen")
    rows = rows.filter(delta > 0 if short else delta < 0)
    if rows.is_empty():
        raise CorrectionError(f"{month.label}没有{'少发' if short else '多发'}的人。", field="指数")
    found = scan_of(paper) if 0 < len(paper) <= MAX_PAPER else None
    if found is None:
        raise CorrectionError("依据文件：请上传 PDF、JPG 或 PNG，不超过 12 MB。", field="依据文件")
    stored = put_bytes(
        paper, region=locked.region, name=f"{locked.no}-{index.month}-更正.{found[0]}", purpose="price_paper", media_type=found[1], by_id=acting_user.pk
    )  # fmt: skip
    try:
        with transaction.atomic():
            made = PriceDecision.objects.create(
                region=locked.region, run=locked, index=index, index_month=index.month, short=short, kind=kind, facts=dict(one.now),
                households=rows["household_id"].n_unique(), persons=rows.height, amount_fen=int(rows.select(delta.abs().sum()).item()),
                outside_fen=int(rows.filter(pl.col("programme").is_null()).select(delta.abs().sum()).item()),
                reason=reason.strip()[:500], document=document.strip()[:200], paper=stored, proposed_at=clock.now(), proposed_by=acting_user,
            )  # fmt: skip
            PriceCorrection.objects.bulk_create(
                (
                    PriceCorrection(
                        decision=made, region=row["region"], run=locked, index_month=index.month, household_id=row["household_id"],
                        person_id=row["person_id"], group=row["group"], programme=row["programme"] or "", own=row["own"],
                        before_fen=row["amount_fen"], after_fen=row["now_fen"], seq=None if kind == CorrectionKind.LEAVE else row["seq"],
                    )
                    for row in rows.iter_rows(named=True)
                ),
                batch_size=5000,
            )  # fmt: skip
    except IntegrityError as error:
        if not any(name in str(error) for name in ("payments_price_decision_open", "payments_price_correction_once")):
            raise
        raise CorrectionError(f"{month.label}的差额已有待审批的决定，请先办完。", field="办法") from error
    _note("propose_price", made, acting_user, persons=made.persons, households=made.households, document=made.document)
    return made


def _locked(row: PriceDecision) -> PriceDecision:
    return access.locked(PriceDecision.objects.select_related("run", "index"), row.pk, what="价格补贴更正决定")


@transaction.atomic
def decide_price(row: PriceDecision, *, acting_user: User, agreed: bool, opinion: str = "") -> PriceDecision:
    """Another person decides; agreed, the runs that follow pay it back or find it overpaid.

    Raises:
        FourEyesError: he proposed it, or entered the index it rests on. CorrectionError: the index was corrected once more, or no
            reason for a refusal. StateError, NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_APPROVE, row.region)
    found = _locked(row)
    after = CorrectionState.APPROVED if agreed else CorrectionState.REFUSED
    move(f"决定 {found.no}", CORRECTION_MOVES, found.state, after, CorrectionState)
    if found.proposed_by_id == acting_user.pk:
        raise FourEyesError(f"决定 {found.no}", "审批", "提出")
    if found.index.entered_by_id == acting_user.pk:
        raise FourEyesError(f"决定 {found.no}", "审批", "登记指数")
    if not agreed and not opinion.strip():
        raise CorrectionError("不同意的，请写明意见。", field="意见")
    if agreed:
        newest = index_of(found.run.place, Month.parse(str(found.index_month)))
        if newest is None or facts_of(newest, found.run.place) != found.facts:
            raise CorrectionError("提出以后指数又有更正，金额已不对。请不同意，按最新的指数重新提出。", field="指数")
    found.state, found.opinion, found.decided_at, found.decided_by = (
        after,
        opinion.strip()[:300],
        clock.now(),
        acting_user,
    )
    found.save()
    parts = PriceCorrection.objects.filter(decision=found)
    if not agreed:
        parts.update(live=False)
    elif found.kind != CorrectionKind.LEAVE:
        parts.update(counts=True)
    _note("decide_price", found, acting_user, agreed=agreed, opinion=found.opinion)
    return found


@transaction.atomic
def ask_revoke_price(row: PriceDecision, *, acting_user: User, reason: str) -> PriceDecision:
    """Asks for a decision to be taken back, as long as no approved run has booked anything of it.

    Raises: CorrectionError: something of it is booked, or no reason; StateError, NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_CHECK, row.region)
    found = _locked(row)
    move(f"决定 {found.no}", CORRECTION_MOVES, found.state, CorrectionState.REVOKING, CorrectionState)
    if len(reason.strip()) < 4:
        raise CorrectionError("请写明撤销理由（至少 4 个字）。", field="撤销理由")
    _untouched(found)
    found.state, found.revoke_reason = CorrectionState.REVOKING, reason.strip()[:300]
    found.revoke_asked_at, found.revoke_asked_by = clock.now(), acting_user
    found.save()
    _note("ask_revoke_price", found, acting_user, reason=found.revoke_reason)
    return found


def _untouched(row: PriceDecision) -> None:
    if not price_corrections.untouched(row):
        raise CorrectionError(
            f"决定 {row.no} 已有批次审批入账，不能撤销。指数再有更正的，按差额另作决定。", field="决定"
        )


@transaction.atomic
def decide_revoke_price(row: PriceDecision, *, acting_user: User, agreed: bool) -> PriceDecision:
    """Another person takes a decision back, or lets it stand. A run calculated with it is calculated anew before its approval.

    Raises: FourEyesError, CorrectionError: a run has booked it meanwhile; StateError, NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_APPROVE, row.region)
    found = _locked(row)
    if found.state != CorrectionState.REVOKING:
        raise CorrectionError(f"决定 {found.no} 没有待审批的撤销申请。", field="决定")
    if found.revoke_asked_by_id == acting_user.pk:
        raise FourEyesError(f"决定 {found.no} 的撤销", "审批", "提出")
    if not agreed:
        found.state = CorrectionState.APPROVED
        found.save(update_fields=["state"])
    else:
        _untouched(found)
        found.state, found.revoked_at, found.revoked_by = CorrectionState.REVOKED, clock.now(), acting_user
        found.save()
        PriceCorrection.objects.filter(decision=found).update(live=False, counts=False)
    _note("decide_revoke_price", found, acting_user, agreed=agreed)
    return found


@transaction.atomic
def take_correction_list(row: PriceDecision, *, acting_user: User) -> list[tuple[PriceCorrection, str]]:
    """What a decision changes for groups other departments pay, with whole identity numbers, for them. Taking it is on record.

    Raises: CorrectionError: it does not stand, or nobody is on it. AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.PAY_CHECK, row.region)
    if row.kind == CorrectionKind.LEAVE or row.state not in (CorrectionState.APPROVED, CorrectionState.REVOKING):
        raise CorrectionError("审批生效以后才能移交名单。", field="名单")
    rows = list(
        PriceCorrection.objects.filter(decision=row, programme="", counts=True)
        .select_related("person", "household")
        .order_by("region", "id")
    )
    if not rows:
        raise CorrectionError("没有由其他部门办理的对象。", field="名单")
    _note("take_correction_list", row, acting_user, persons=sorted(one.person_id for one in rows))
    return [(one, secrets.open_id(one.person)) for one in rows]


def hold_run(run: PayRun) -> None:
    """Holds the decisions a run books until the transaction ends: taking one back waits, and then sees what was booked."""
    list(
        PriceDecision.objects.select_for_update(of=("self",))
        .filter(pk__in=PriceCorrection.objects.filter(
            counts=True, household__in=run.arrears.filter(cause="price_back").values("household")  # type: ignore[attr-defined]
        ).values("decision"))
        .order_by("pk")
    )  # fmt: skip
