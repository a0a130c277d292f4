"""Taking an entry back (冲正): one proposes with a reason, another decides; the entry stays and its reversal stands beside it.

Only what a person booked by a paper or by hand is reversed here. What a run, a bank file, a payment in cash or a clearing
booked is part of a chain of events, which goes on instead; the refusal says how.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Sum

from tuodi.audit.actions import record
from tuodi.cases.series import next_no
from tuodi.funds import hospital, ledger
from tuodi.funds.errors import FundInputError, FundShortError, FundStateError, NotReversibleError
from tuodi.funds.models import Balance, FundPaper, HospitalAgreement, LedgerEntry, Posting
from tuodi.funds.states import LIVING, Account, Kind, PaperKind, PaperState, move
from tuodi.kernel import clock
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.models import DutyCode, User

__all__ = ["book", "propose_reversal", "why_not"]

#: Kinds booked by a paper or by one person's hand, which nothing else follows.
_FREE = (
    Kind.APPROPRIATION, Kind.TRANSFER, Kind.HAND_BACK, Kind.ADVANCE, Kind.PETTY_BACK, Kind.HOSPITAL, Kind.HOSPITAL_BACK,
)  # fmt: skip
#: Kinds that are not reversed -> what to do instead.
_INSTEAD = {
    Kind.GRANT: "在发放批次里退回或取消审批",
    Kind.SEND: "等待银行的答复；没有答复的在“银行直联与对账”处理",
    Kind.PAID: "退票由银行回盘入账；多发的由发放批次追回",
    Kind.FAILED: "改正账户后由下一批补发",
    Kind.RETURNED: "改正账户后补发，或在资金看板“退汇转回可用”",
    Kind.WITHHELD: "由下一批重新测算",
    Kind.RECOVERED: "在追回台账里更正",
    Kind.WRITTEN_OFF: "在追回台账里更正",
    Kind.RELEASE: "再次发放时从可用资金支付，不必冲正",
    Kind.PETTY_SPEND: "现金已交给家庭；决定撤销的由备用金“现金追回”登记",
    Kind.PETTY_RETURN: "现金已收回；再次支付请作出新的决定",
    Kind.HOSPITAL_CLEAR: "清算错了的，与医院在下月单据里更正",
    Kind.ORDERED: "付款单照审批办完；单据错了的，随以后的清算更正，多付的由收款单位退回",
    Kind.TREASURY: "已由国库支付；多付的由收款单位退回后登记",
    Kind.REFUND: "退回的款项已入账，错登的与收款单位核对后另行登记",
}


def why_not(entry: LedgerEntry) -> str:
    """Why an entry cannot be taken back and what to do instead; empty = it can, as far as its kind goes."""
    if entry.reverses_id is not None:
        return "这是一张冲正凭证，不能再冲正。请按正确的内容另提单据。"
    if LedgerEntry.objects.filter(reverses=entry).exists():
        return "这张凭证已经冲正。"
    if entry.run_id is not None or entry.kind not in _FREE:
        return f"“{entry.get_kind_display()}”的凭证不能单独冲正：{_INSTEAD.get(Kind(entry.kind), '由发放批次处理')}。"
    if entry.postings.filter(account__in=[Account.TRANSIT, Account.SUSPENSE]).exists():
        return "这是银行到账或退回的预付款，不能单独冲正：多付的另提“收回医院预付款”。"
    return ""


def _possible(entry: LedgerEntry) -> None:
    """Nothing if the reversal leaves every account that holds money at or above zero.

    Raises: NotReversibleError. FundShortError naming each sub-account and gap.
    """
    if reason := why_not(entry):
        raise NotReversibleError(entry.pk, reason)
    gaps = []
    for side in entry.postings.select_related("entry").order_by("id"):
        if side.account not in LIVING or not side.debit_fen:
            continue
        there = _there(side)
        if there < side.debit_fen:
            label = ledger.sub_account_label(side.region, side.programme, side.source)
            gaps.append((f"{label}{side.get_account_display()}", side.debit_fen, there))
    if gaps:
        raise FundShortError(gaps)


def _there(side: Posting) -> int:
    """What the account of a side holds now, in fen; of hospitals' advances the one hospital's."""
    if side.account == Account.HOSPITAL and side.entry.origin == hospital.ORIGIN:
        held = hospital.sources(HospitalAgreement.objects.get(pk=side.entry.origin_id))
        return dict(held).get(side.source, 0)
    rows = Balance.objects.filter(
        region=side.region, programme=side.programme, source=side.source, account=side.account
    ).aggregate(dr=Sum("debit_fen"), cr=Sum("credit_fen"))
    return int(rows["dr"] or 0) - int(rows["cr"] or 0)


@transaction.atomic
def propose_reversal(entry: LedgerEntry, *, acting_user: User, reason: str) -> FundPaper:
    """Asks that an entry be taken back. Nothing moves before another agrees.

    Raises: NotReversibleError says what to do instead; FundShortError; FundStateError: asked already; FundInputError;
        AccessDeniedError, NotFoundError.
    """
    county = pad12(entry.region[:6])
    access.require(acting_user, DutyCode.FUND_KEEP, county)
    ledger.lock([entry.region])
    if not reason.strip():
        raise FundInputError("冲正理由", "没有填写")
    _possible(entry)
    if waiting := FundPaper.objects.filter(target=entry).exclude(state=PaperState.REFUSED).first():
        raise FundStateError(f"凭证 {entry.pk} 的冲正 {waiting.no} ", waiting.get_state_display(), "再次提出")
    first = entry.postings.order_by("id").first()
    assert first is not None
    fen = sum(one.debit_fen for one in entry.postings.all())
    paper = FundPaper.objects.create(
        region=county, no=next_no("fund", county, clock.today()), kind=PaperKind.REVERSAL, year=clock.today().year,
        programme=first.programme, target=entry, amount_fen=fen, reason=reason.strip()[:300], proposed_at=clock.now(),
        proposed_by=acting_user,
    )  # fmt: skip
    record(
        "funds.propose_reversal", actor=acting_user, subject_type="fund_paper", subject_id=paper.pk, region=county,
        after={"no": paper.no, "entry": entry.pk, "amount_fen": fen, "reason": paper.reason},
    )  # fmt: skip
    return paper


def book(paper: FundPaper, *, acting_user: User) -> LedgerEntry:
    """Books the reversal of an approved paper; the paper that booked the entry is marked 已冲正, so that its document may come anew.

    The caller (`papers.decide`) holds the county's lock and has checked who decides.

    Raises: NotReversibleError, FundShortError.
    """
    assert paper.target is not None
    _possible(paper.target)
    done = ledger.reverse(paper.target, user=acting_user, memo=f"{paper.no} 冲正凭证 {paper.target_id}：{paper.reason}")
    before = FundPaper.objects.select_for_update(of=("self",)).filter(entry=paper.target).first()
    if before is not None:
        move(before.no, before.state, PaperState.REVERSED)
        before.state = PaperState.REVERSED
        before.save(update_fields=["state"])
    return done
