"""Verbs on papers: propose what brings, moves, plans or gives back money; another decides. Approval books at once.

Civil affairs proposes (资金管理), finance decides (财政审核). M36, M37, M42, M68.
"""

from __future__ import annotations

from datetime import date

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.cases.series import next_no
from tuodi.funds import hospital as hospitals
from tuodi.funds import ledger, orders, plans, refunds
from tuodi.funds.actions import public, reversal
from tuodi.funds.decide import decided
from tuodi.funds.errors import FundInputError, FundShortError, FundStateError, PurposeError
from tuodi.funds.ledger import Side, credit, debit, pair
from tuodi.funds.models import (
    Float,
    FundBook,
    FundPaper,
    HospitalAgreement,
    LedgerEntry,
    Population,
    PublicFund,
    StatementRefund,
)
from tuodi.funds.programmes import known, programme_label
from tuodi.funds.states import (
    Account,
    AgreementState,
    FundProgramme,
    Kind,
    OrderKind,
    PaperKind,
    PaperState,
    PayWay,
    RefundState,
    Source,
)
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.org.places import place_name

__all__ = ["decide", "enter_population", "open_fund", "propose", "release_suspense", "set_order", "set_pay_way"]

#: Kinds that name the sub-account's source.
_SOURCED = (PaperKind.APPROPRIATION, PaperKind.TRANSFER, PaperKind.HAND_BACK, PaperKind.CARRY)


@transaction.atomic
def open_fund(
    *, acting_user: User, county: str, name: str, owner: str, purposes: list[str], note: str = ""
) -> PublicFund:
    """Registers a public fund with what it may be used for. Its money comes by an appropriation paper.

    Raises: FundInputError, AccessDeniedError, NotFoundError.
    """
    region = pad12(county)
    access.require(acting_user, DutyCode.FUND_KEEP, region)
    if not name.strip() or not owner.strip():
        raise FundInputError("名称和管理单位", "都要填写")
    chosen = sorted(set(purposes))
    if not chosen or not set(chosen) <= set(known(region)) - {FundProgramme.POOL.value}:
        raise FundInputError("限定用途", "没有选择，或不认识")
    if PublicFund.objects.filter(region=region, name=name.strip()).exists():
        raise FundInputError("名称", f"“{name.strip()}”已登记")
    fund = PublicFund.objects.create(
        region=region, name=name.strip()[:60], owner=owner.strip()[:60], purposes=chosen, note=note.strip()[:200],
        opened_at=clock.now(), opened_by=acting_user,
    )  # fmt: skip
    record(
        "funds.open_fund", actor=acting_user, subject_type="public_fund", subject_id=fund.pk, region=region,
        after={"name": fund.name, "owner": fund.owner, "purposes": chosen},
    )  # fmt: skip
    return fund


def _locked_book(region: str) -> FundBook:
    row = FundBook.objects.select_for_update(of=("self",)).filter(region=region).first()
    if row is None:
        raise FundInputError("资金账", "还没有建立。第一笔指标下达后自动建账。")
    return row


@transaction.atomic
def set_order(*, acting_user: User, county: str, order: list[str]) -> FundBook:
    """Sets in which order a county's sources are drawn.

    Raises: FundInputError: not each source once, or no book yet.
    """
    region = pad12(county)
    access.require(acting_user, DutyCode.FUND_REVIEW, region)
    if sorted(order) != sorted(Source.values):
        raise FundInputError("动用顺序", f"应包括{'、'.join(Source.labels)}，各一次")
    row = _locked_book(region)
    before, row.draw_order = row.draw_order, order
    row.save(update_fields=["draw_order"])
    record(
        "funds.set_order", actor=acting_user, subject_type="fund_book", subject_id=row.pk, region=region,
        before={"order": before}, after={"order": order},
    )  # fmt: skip
    return row


@transaction.atomic
def set_pay_way(*, acting_user: User, county: str, way: str) -> FundBook:
    """Sets how a county pays hospitals and other bodies from now on; what is decided already goes the way it was decided for.

    Raises: FundInputError: no such way, or no book yet. AccessDeniedError, NotFoundError.
    """
    region = pad12(county)
    access.require(acting_user, DutyCode.FUND_REVIEW, region)
    if way not in PayWay.values:
        raise FundInputError("机构付款方式", "没有选择")
    row = _locked_book(region)
    before, row.pay_way = row.pay_way, way
    row.save(update_fields=["pay_way"])
    record(
        "funds.set_pay_way", actor=acting_user, subject_type="fund_book", subject_id=row.pk, region=region,
        before={"way": before}, after={"way": way},
    )  # fmt: skip
    return row


@transaction.atomic
def enter_population(*, acting_user: User, county: str, year: int, residents: int, basis: str) -> Population:
    """Enters how many residents a county has in a year; entered again, the figure is replaced and the log keeps both.

    Raises: FundInputError, AccessDeniedError, NotFoundError.
    """
    region = pad12(county)
    access.require(acting_user, DutyCode.FUND_KEEP, region)
    if residents <= 0 or not basis.strip():
        raise FundInputError("人口和依据", "都要填写，人口大于 0")
    before = Population.objects.filter(region=region, year=year).first()
    row, _ = Population.objects.update_or_create(
        region=region,
        year=year,
        defaults={
            "residents": residents, "basis": basis.strip()[:100], "entered_at": clock.now(), "entered_by": acting_user,
        },
    )  # fmt: skip
    record(
        "funds.enter_population", actor=acting_user, subject_type="population", subject_id=row.pk, region=region,
        before={"residents": before.residents} if before else None,
        after={"year": year, "residents": residents, "basis": row.basis},
    )  # fmt: skip
    return row


@transaction.atomic
def propose(
    *, acting_user: User, county: str, kind: str, amount_fen: int, reason: str, programme: str, source: str = "",
    fund: PublicFund | None = None, to_programme: str = "", town: str = "", year: int | None = None,
    month: Month | None = None, doc_no: str = "", doc_day: date | None = None, hospital: HospitalAgreement | None = None,
    by_statement: bool = False,
) -> FundPaper:  # fmt: skip
    """Writes a paper that waits for its decision. Nothing moves yet.

    Args:
        source: of `Source`; with `fund` it is the fund's own. to_programme: of a transfer. town: of an advance.
        month: of a plan; its source may be left open. doc_no, doc_day: 指标文号 and its day, of an appropriation.
        hospital: whose advance is paid or taken back. by_statement: an entry of a statement shows the money (`actions.refunds`).
        A reversal is proposed by `reversal.propose_reversal`.

    Raises: FundInputError naming the field; PurposeError; AccessDeniedError, NotFoundError.
    """
    region = pad12(county)
    access.require(acting_user, DutyCode.FUND_KEEP, region)
    today = clock.today()
    if kind not in PaperKind.values or kind == PaperKind.REVERSAL:
        raise FundInputError("种类", f"“{kind}”不认识")
    if amount_fen <= 0:
        raise FundInputError("金额", "应大于 0 元")
    if programme not in known(region):
        raise FundInputError("项目", f"“{programme}”不认识")
    if not reason.strip():
        raise FundInputError("用途或理由", "没有填写")
    if fund is not None:
        if fund.region != region:
            raise FundInputError("公益基金", "不是本县的基金")
        public.refuse_closed(fund, kind)
        source = fund.source
    if kind in _SOURCED and not (fund or source in set(Source.values) - {Source.SOCIETY.value}):
        raise FundInputError("资金来源", "没有选择；社会资金请选择已登记的公益基金")
    if kind == PaperKind.PLAN and source and not (fund or source in set(Source.values) - {Source.SOCIETY.value}):
        raise FundInputError("资金来源", f"“{source}”不认识")
    if kind == PaperKind.APPROPRIATION:
        if not doc_no.strip() or doc_day is None:
            raise FundInputError("指标文号和日期", "都要填写")
        if doc_day > today:
            raise FundInputError("发文日期", f" {doc_day} 晚于今天")
        same = FundPaper.objects.filter(
            region=region, kind=kind, doc_no=doc_no.strip(), programme=programme, source=source
        ).exclude(state__in=[PaperState.REFUSED, PaperState.REVERSED])
        if found := same.first():
            raise FundInputError("指标文号", f" {doc_no.strip()} 的这一项已登记为 {found.no}")
        _purpose(fund, programme)
    if kind == PaperKind.TRANSFER:
        if to_programme not in known(region) or to_programme == programme:
            raise FundInputError("调入项目", "没有选择，或与调出项目相同")
        _purpose(fund, to_programme)
    if kind == PaperKind.ADVANCE:
        if programme != FundProgramme.TEMPORARY:
            raise FundInputError("项目", "备用金只从临时救助子账户预拨")
        if not Float.objects.filter(region=pad12(town[:9]), closed_at__isnull=True).exists():
            raise FundInputError("乡镇", "还没有设立备用金。请先设立并定单笔上限。")
        if not town.startswith(region[:6]):
            raise FundInputError("乡镇", "不在本县")
    if kind in _HOSPITAL:
        _hospital(kind, hospital, region, programme, amount_fen)
    if kind == PaperKind.HOSPITAL_BACK and hospital is not None and not by_statement:
        ledger.lock([region])  # nobody confirms the same money on a statement meanwhile
        refunds.refuse_told_twice(hospital, amount_fen, today)
    if kind == PaperKind.PLAN and month is None:
        raise FundInputError("月份", "没有填写")
    paper = FundPaper.objects.create(
        region=region, no=next_no("fund", region, today), kind=kind,
        year=year or (month.year if month else today.year), month=month.yyyymm if month else None, programme=programme,
        source=source if kind in (*_SOURCED, PaperKind.PLAN) else "", fund=fund, to_programme=to_programme if kind == PaperKind.TRANSFER else "",
        town=pad12(town[:9]) if kind == PaperKind.ADVANCE else "", hospital=hospital if kind in _HOSPITAL else None, amount_fen=amount_fen, doc_no=doc_no.strip()[:60],
        doc_day=doc_day, reason=reason.strip()[:300], proposed_at=clock.now(), proposed_by=acting_user,
    )  # fmt: skip
    _audit("propose", acting_user, paper)
    return paper


def _hospital(kind: str, row: HospitalAgreement | None, region: str, programme: str, fen: int) -> None:
    """Refuses an advance above what the agreement allows, or a return of more than the hospital holds."""
    row = row and HospitalAgreement.objects.filter(pk=row.pk, region=region, state=AgreementState.ACTIVE).first()
    if row is None:
        raise FundInputError("定点医院", "没有选择，或协议没有生效")
    if programme != FundProgramme.MEDICAL:
        raise FundInputError("项目", "医院预付款只从医疗救助子账户拨付")
    held = hospitals.balance(row)
    way = hospitals.pending(row)
    if kind == PaperKind.HOSPITAL and held + way + fen > row.advance_limit_fen:
        raise FundInputError(
            "金额",
            f"：{row.name}已持有 {format_yuan(held)} 元，在途 {format_yuan(way)} 元，加上本笔超过协议上限 {format_yuan(row.advance_limit_fen)} 元",
        )
    if kind == PaperKind.HOSPITAL_BACK and fen > held:
        raise FundInputError("金额", f"：{row.name}持有 {format_yuan(held)} 元，不足收回 {format_yuan(fen)} 元")


def _purpose(fund: PublicFund | None, programme: str) -> None:
    if fund is not None and programme not in fund.purposes:
        allowed = "、".join(programme_label(one) for one in fund.purposes)
        raise PurposeError(fund.name, programme_label(programme), allowed)


def _audit(action: str, actor: User, paper: FundPaper, **after: object) -> None:
    record(
        f"funds.{action}", actor=actor, subject_type="fund_paper", subject_id=paper.pk, region=paper.region,
        after={"no": paper.no, "kind": paper.kind, "state": paper.state, "amount_fen": paper.amount_fen, **after},
    )  # fmt: skip


@transaction.atomic
def decide(paper: FundPaper, *, acting_user: User, approve: bool, note: str = "") -> FundPaper:
    """Approves a paper and books it, or refuses it with a reason. Never by who proposed it.

    Raises:
        FundHandsError. FundStateError: decided already. FundShortError: with sub-account and gap. PlanError: beyond the month's plans.
        FundInputError: refused without a reason. AccessDeniedError, NotFoundError.
    """
    access.require(acting_user, DutyCode.FUND_REVIEW, paper.region)
    paper = access.locked(FundPaper.objects.select_related("fund", "hospital", "target"), paper.pk, what="资金单据")
    after = PaperState.APPROVED if approve else PaperState.REFUSED
    decided(paper, after, acting_user=acting_user, approve=approve, note=note, what=paper.no, of=paper.no)  # fmt: skip
    if approve:
        paper.entry = _book(paper, acting_user)
    paper.save(update_fields=["state", "decided_at", "decided_by", "decision_note", "entry"])
    if not approve:
        # What a statement showed waits to be confirmed anew.
        StatementRefund.objects.filter(paper=paper).update(
            state=RefundState.PROPOSED, paper=None, of=None, decided_at=None, decided_by=None,
            note=f"资金单据 {paper.no} 不同意：{paper.decision_note}"[:200],
        )  # fmt: skip
    _audit("decide", acting_user, paper, note=paper.decision_note)
    return paper


_HOSPITAL = (PaperKind.HOSPITAL, PaperKind.HOSPITAL_BACK)
_KINDS = {
    PaperKind.HOSPITAL: Kind.HOSPITAL,
    PaperKind.HOSPITAL_BACK: Kind.HOSPITAL_BACK,
    PaperKind.APPROPRIATION: Kind.APPROPRIATION,
    PaperKind.TRANSFER: Kind.TRANSFER,
    PaperKind.ADVANCE: Kind.ADVANCE,
    PaperKind.HAND_BACK: Kind.HAND_BACK,
}


def _book(paper: FundPaper, user: User) -> LedgerEntry | None:
    """What an approved paper moves; plans and carry-overs move nothing."""
    ledger.lock([paper.region])
    if paper.kind == PaperKind.REVERSAL:
        return reversal.book(paper, acting_user=user)
    if paper.kind not in _KINDS:
        return None
    if paper.fund_id is not None:
        public.refuse_closed(PublicFund.objects.get(pk=paper.fund_id), paper.kind)
    at = (paper.region, paper.programme, paper.source)
    fen = paper.amount_fen
    if paper.kind == PaperKind.APPROPRIATION:
        FundBook.objects.get_or_create(region=paper.region, defaults={"opened_at": clock.now(), "opened_by": user})
        sides = pair(*at, Account.AVAILABLE, Account.APPROPRIATED, fen)
    elif paper.kind == PaperKind.TRANSFER:
        _enough(paper)
        sides = pair(*at, Account.TRANSFER, Account.AVAILABLE, fen)
        sides += pair(paper.region, paper.to_programme, paper.source, Account.AVAILABLE, Account.TRANSFER, fen)
    elif paper.kind == PaperKind.HAND_BACK:
        _enough(paper)
        sides = pair(*at, Account.APPROPRIATED, Account.AVAILABLE, fen)
    elif paper.kind == PaperKind.ADVANCE:
        sides = _advance(paper)
    elif paper.kind == PaperKind.HOSPITAL and orders.way_of(paper.region) == PayWay.BANK:
        return _order(paper, user)
    else:
        sides = _to_hospital(paper)
    # What moves a hospital's advance names the hospital, so that its balance is a sum over its own entries.
    origin = (hospitals.ORIGIN, paper.hospital_id) if paper.hospital_id else ("paper", paper.pk)
    return ledger.book(
        # An advance is the town's entry: its cashier reads it, and the county as well.
        sides, kind=_KINDS[PaperKind(paper.kind)], region=paper.town or paper.region, origin=origin[0], origin_id=origin[1] or 0, user=user,
        memo=f"{paper.no} {paper.doc_no or paper.reason}",
    )  # fmt: skip


def _enough(paper: FundPaper) -> None:
    sums = ledger.balance_of(Account.AVAILABLE, paper.region, paper.programme)
    there = sum(fen for _, source, fen in sums if source == paper.source)
    if there < paper.amount_fen:
        name = ledger.sub_account_label(paper.region, paper.programme, paper.source)
        raise FundShortError([(name, paper.amount_fen, there)])


def _advance(paper: FundPaper) -> list[Side]:
    sides = []
    for source, part in plans.draw(paper.region, paper.programme, paper.amount_fen, paper.decision_note):
        sides.append(debit(paper.town, paper.programme, source, Account.FLOAT, part))
        sides.append(credit(paper.region, paper.programme, source, Account.AVAILABLE, part))
    return sides


def _order(paper: FundPaper, user: User) -> LedgerEntry | None:
    """An advance that leaves by a file of ours: reserved now, with the hospital once the bank says so."""
    of = paper.hospital
    assert of is not None
    _hospital(paper.kind, of, paper.region, paper.programme, paper.amount_fen)
    parts = plans.draw(paper.region, paper.programme, paper.amount_fen, paper.decision_note)
    order = orders.raise_order(
        region=paper.region, kind=OrderKind.ADVANCE, subject_id=paper.pk, programme=paper.programme, code=of.code,
        name=of.name, parts=parts, memo=f"{paper.no} 预付款", user=user, agreement=of,
    )  # fmt: skip
    return order.entry


def _to_hospital(paper: FundPaper) -> list[Side]:
    assert paper.hospital is not None
    _hospital(paper.kind, paper.hospital, paper.region, paper.programme, paper.amount_fen)
    sides = []
    if paper.kind == PaperKind.HOSPITAL_BACK:
        parts, _ = ledger.share(paper.amount_fen, hospitals.sources(paper.hospital))
        for source, part in parts:
            sides += pair(paper.region, paper.programme, source, Account.AVAILABLE, Account.HOSPITAL, part)
        return sides
    for source, part in plans.draw(paper.region, paper.programme, paper.amount_fen, paper.decision_note):
        sides += pair(paper.region, paper.programme, source, Account.HOSPITAL, Account.AVAILABLE, part)
    return sides


@transaction.atomic
def release_suspense(*, acting_user: User, county: str, run_id: int) -> LedgerEntry:
    """Makes what a bank sent back of a run available again; who is paid anew later is paid from available money.

    Raises: FundStateError: nothing is in suspense. AccessDeniedError, NotFoundError.
    """
    region = pad12(county)
    access.require(acting_user, DutyCode.FUND_KEEP, region)
    ledger.lock([region])
    there = ledger.held(Account.SUSPENSE, [county], run_id=run_id)
    sides: list[Side] = []
    for (_, programme), sums in sorted(there.items()):
        for source, fen in sums:
            sides += pair(region, programme, source, Account.AVAILABLE, Account.SUSPENSE, fen)
    entry = ledger.book(
        sides, kind=Kind.RELEASE, region=region, origin="run", origin_id=run_id, user=acting_user, run_id=run_id,
        memo=f"{place_name(region)} 退汇转回可用",
    )  # fmt: skip
    if entry is None:
        raise FundStateError("退汇待处理", "没有余额", "转回可用")
    record(
        "funds.release_suspense", actor=acting_user, subject_type="ledger_entry", subject_id=entry.pk, region=region,
        after={"run": run_id, "amount_fen": sum(one.debit_fen for one in sides)},
    )  # fmt: skip
    return entry
