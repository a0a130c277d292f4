"""Designated hospitals: agreements, files of bills with their problem rows, and the clearing of a month (一站式结算)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.exchange.hospital_bills import profile_labels
from tuodi.funds import hospital as reads
from tuodi.funds import orders
from tuodi.funds.actions import clearing as clearings
from tuodi.funds.actions import hospital as actions
from tuodi.funds.models import BillBatch, HospitalAgreement, HospitalBill, HospitalClearing, LedgerEntry, PayOrder
from tuodi.funds.states import (
    Account,
    AgreementState,
    ClearingState,
    FundProgramme,
    OrderKind,
    OrderStatus,
    PayWay,
    Verdict,
)
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month, PeriodError
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.org.models import DutyCode
from tuodi.verification import rulebook
from tuodi.web.components import navigation, pages, places, posting, reading, words
from tuodi.web.components.form_parts import MonthField
from tuodi.web.components.pages import Page
from tuodi.web.components.uploads import UploadField
from tuodi.web.components.words import Look
from tuodi.web.funds.common import ORDERS, YuanField, amount_of, counties_at, offer, over_plan, place_of

MAX_BYTES = 20 * 2**20
AGREEMENTS = {
    AgreementState.PROPOSED: Look("待审核", "warn", "clock"),
    AgreementState.ACTIVE: Look("生效", "ok", "check"),
    AgreementState.REFUSED: Look("不同意", "bad", "x"),
    AgreementState.ENDED: Look("已终止"),
}
CLEARINGS = {
    ClearingState.PROPOSED: Look("待审核", "warn", "clock"),
    ClearingState.APPROVED: Look("已清算", "ok", "check"),
    ClearingState.REFUSED: Look("退回", "bad", "x"),
}
VERDICTS = {
    Verdict.AGREE: Look("一致", "ok", "check"),
    Verdict.OVER: Look("医院多算", "bad"),
    Verdict.UNDER: Look("医院少算", "warn"),
    Verdict.NOT_OBJECT: Look("不是对象", "bad"),
    Verdict.NOT_FOUND: Look("查无此人", "bad"),
    Verdict.DEAD: Look("入院前死亡", "bad"),
    Verdict.UNKNOWN: Look("不能认定", "unknown"),
}
_OPEN = Look("未清算")


class AgreementForm(forms.Form):
    """An agreement with a hospital."""

    county = forms.ChoiceField(label="县（市、区）")
    name = forms.CharField(label="医院名称", max_length=60)
    code = forms.CharField(label="定点医药机构编码", max_length=20)
    payee = forms.CharField(label="收款账户", max_length=100, help_text="协议写明的开户行、户名和账号")
    limit = YuanField(label="预付款上限（元）", help_text="医院最多持有的预付款；不预付的填 0")
    signed_on = forms.DateField(label="签订日期", widget=forms.DateInput(attrs={"type": "date"}))
    starts_on = forms.DateField(label="协议起始日", widget=forms.DateInput(attrs={"type": "date"}))
    ends_on = forms.DateField(label="协议截止日", widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, request: HttpRequest, **options: Any) -> None:
        super().__init__(*args, **options)
        offer(self, "county", counties_at(place_of(request)))


class BillsForm(forms.Form):
    """A file of bills for a month."""

    month = MonthField(label="清算月份", help_text="例如 2017-08；迟报的单据随以后的月份")
    file = UploadField(
        most=MAX_BYTES,
        refusal="文件超过 20 MB。请按科室或日期拆成几个文件。",
        label="结算单据",
        help_text="xlsx、xls 或 csv，一次出院一行，不超过 20 MB",
    )
    profile = forms.ChoiceField(label="模板")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        offer(self, "profile", list(profile_labels().items()))
        self.fields["month"].initial = str(Month.of(clock.today()).prev())


def listing(request: HttpRequest) -> HttpResponse:
    """Hospitals of the reader's range."""
    rows = reads.agreements(place_of(request))
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    held = reads.balances(found.items)
    waiting = dict(
        HospitalClearing.objects.filter(agreement__in=[one.pk for one in found.items], state=ClearingState.PROPOSED)
        .order_by("agreement", "-month")
        .values_list("agreement", "month")
    )
    lines = [
        {
            "row": one,
            "href": reverse("web:hospital", args=[one.no]),
            "place": places.name(one.region),
            "look": AGREEMENTS[AgreementState(one.state)],
            "held": held.get(one.pk, 0),
            "waiting": waiting.get(one.pk),
        }
        for one in found.items
    ]
    context = {
        "page": Page(lines, found.number, None, found.previous, found.next),
        "may_keep": DutyCode.FUND_KEEP in navigation.held_duties(request),
    }
    return render(request, "funds/hospitals.html", context)


def new(request: HttpRequest) -> HttpResponse:
    """Proposes an agreement."""
    form = AgreementForm(request.POST or None, request=request)
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        limit = given.pop("limit")
        try:
            row = actions.propose_agreement(acting_user=request.user, advance_limit_fen=limit, **given)  # type: ignore[arg-type]
        except TuodiError as error:
            form.add_error(None, str(error))
        else:
            posting.succeed(request, f"已登记 {row.no}，待财政审核后生效。")
            return posting.back(reverse("web:hospital", args=[row.no]))
    return render(request, "funds/hospital_new.html", {"form": form})


def _agreement(request: HttpRequest, no: str) -> HospitalAgreement:
    rows = HospitalAgreement.objects.select_related("proposed_by", "decided_by", "ended_by")
    return access.one(rows, user=request.user, what="定点医院协议", no=no)  # type: ignore[arg-type]


def show(request: HttpRequest, no: str) -> HttpResponse:
    """One hospital: its agreement, advance, months and files; a POST decides, ends, or takes in bills."""
    row = _agreement(request, no)
    user: Any = request.user
    may_keep = navigation.may(request, [DutyCode.FUND_KEEP], row.region)
    may_review = navigation.may(request, [DutyCode.FUND_REVIEW], row.region)
    do = posting.text(request, "do", 10) if request.method == "POST" else ""
    form = BillsForm(request.POST if do == "import" else None, request.FILES if do == "import" else None)
    if do == "import":
        if form.is_valid():
            given = form.cleaned_data
            try:
                made = actions.import_bills(
                    row, acting_user=user, month=given["month"], data=given["file"].read(), name=given["file"].name,
                    profile=given["profile"],
                )  # fmt: skip
            except TuodiError as error:
                form.add_error(None, str(error))
            else:
                posting.succeed(request, f"已导入 {made.no}：{made.rows - made.bad} 张单据，{made.bad} 行有问题。")
                return posting.back(reverse("web:hospital-batch", args=[made.no]))
    elif do == "end":
        posting.attempt(
            request,
            lambda: actions.end_agreement(row, acting_user=user, reason=posting.text(request, "reason", 200)),
            "协议已终止。",
        )
        return posting.back(request.path)
    elif do:
        approve = do == "approve"
        posting.attempt(
            request,
            lambda: actions.decide_agreement(
                row, acting_user=user, approve=approve, note=posting.text(request, "note", 300)
            ),
            "协议已生效。" if approve else "已退回，理由已记录。",
        )
        return posting.back(request.path)
    active = row.state == AgreementState.ACTIVE
    mine = row.proposed_by_id == user.pk
    waiting = row.state == AgreementState.PROPOSED
    found = pages.page_of(request, lambda start, stop: list(reads.batches(row)[start:stop]))
    context = {
        "row": row,
        "place": places.name(row.region),
        "look": AGREEMENTS[AgreementState(row.state)],
        "held": reads.balance(row),
        "pending": reads.pending(row),
        "by_bank": orders.way_of(row.region) == PayWay.BANK,
        "payee": orders.payee_of(row.region, row.code),
        "orders": [{"row": one, "look": ORDERS[OrderStatus(one.status)]} for one in orders.of_hospital(row)[:12]],
        "months": [
            {
                "month": month,
                "sums": sums,
                "href": reverse("web:hospital-month", args=[row.no, month.yyyymm]),
                "look": CLEARINGS[ClearingState(made.state)] if made else _OPEN,
            }
            for month, sums, made in reads.months(row)
        ],
        "page": found,
        "moves": [{"row": one, "fen": _held(one)} for one in reads.entries(row).prefetch_related("postings")[:12]],
        "form": form if may_keep and active else None,
        "may_keep": may_keep and active,
        "may_decide": may_review and waiting and not mine,
        "locked": "您登记的协议，由另一人审核。" if may_review and waiting and mine else "",
    }
    return render(request, "funds/hospital.html", context)


def _held(one: LedgerEntry) -> int:
    """What an entry did to the advance, in fen."""
    sides = [side for side in one.postings.all() if side.account == Account.HOSPITAL]
    return sum(side.debit_fen - side.credit_fen for side in sides)


def _bill(one: HospitalBill) -> dict[str, Any]:
    return {
        "row": one,
        "look": VERDICTS[Verdict(one.verdict)],
        "illness": _illness(one.illness),
        "gap": None if one.computed_fen is None else one.claimed_fen - one.computed_fen,
        "most": format_yuan(_most(one), sep=False),
    }


def _most(one: HospitalBill) -> int:
    return one.claimed_fen if one.computed_fen is None else min(one.claimed_fen, one.computed_fen)


def _illness(code: str) -> str:
    kinds = rulebook.book().enums["illness_kind"].values
    return kinds.get(code, "")


def _note(request: HttpRequest, rows: list[HospitalBill]) -> None:
    reading.note_list(request, "医院结算单据", [one.household_id for one in rows], [one.person_id for one in rows])


def batch(request: HttpRequest, no: str) -> HttpResponse:
    """A file of bills: problem rows and bills as they were judged; a POST withdraws it."""
    user: Any = request.user
    rows = BillBatch.objects.select_related("agreement", "imported_by", "withdrawn_by")
    row = access.one(rows, user=user, what="单据批次", no=no)
    if request.method == "POST":
        posting.attempt(
            request,
            lambda: actions.withdraw_batch(row, acting_user=user, reason=posting.text(request, "reason", 200)),
            "已撤回，单据可以重新报送。",
        )
        return posting.back(request.path)
    bills = row.bills.select_related("person", "household").order_by("row_no")  # type: ignore[attr-defined]
    found = pages.page_of(request, lambda start, stop: list(bills[start:stop]))
    _note(request, list(found.items))
    month = Month.parse(str(row.month))
    made = reads.clearing_of(row.agreement, month)
    open_ = made is None or made.state == ClearingState.REFUSED
    context = {
        "row": row,
        "month": month,
        "good": row.rows - row.bad,
        "month_href": reverse("web:hospital-month", args=[row.agreement.no, row.month]),
        "page": Page([_bill(one) for one in found.items], found.number, None, found.previous, found.next),
        "may_withdraw": open_
        and row.withdrawn_at is None
        and navigation.may(request, [DutyCode.FUND_KEEP], row.region),
    }
    return render(request, "funds/hospital_batch.html", context)


TABS = (("differ", "有差异"), ("all", "全部"))


def month(request: HttpRequest, no: str, number: int) -> HttpResponse:
    """A hospital's month: what is claimed and accepted, each difference, and its clearing; a POST is one of its verbs."""
    row = _agreement(request, no)
    try:
        when = Month.parse(str(number))
    except PeriodError as error:
        raise NotFoundError("月份") from error
    if request.method == "POST":
        return _do(request, row, when)
    user: Any = request.user
    chosen, tabs = pages.tabs_of(request, TABS, "differ")
    bills = reads.bills_of_month(row, when)
    if chosen == "differ":
        bills = bills.exclude(verdict=Verdict.AGREE)
    found = pages.page_of(request, lambda start, stop: list(bills[start:stop]))
    _note(request, list(found.items))
    sums, made, held = reads.sums_of(row, when), reads.clearing_of(row, when), reads.balance(row)
    open_ = made is None or made.state == ClearingState.REFUSED
    may_keep = navigation.may(request, [DutyCode.FUND_KEEP], row.region) and open_
    may_review = navigation.may(request, [DutyCode.FUND_REVIEW], row.region) and not open_
    hands = bool(made) and (
        made.proposed_by_id == user.pk  # type: ignore[union-attr]
        or HospitalBill.objects.filter(clearing=made, decided_by=user).exists()
    )
    waiting = made is not None and made.state == ClearingState.PROPOSED
    advance = min(held, sums.accepted)
    by_bank = PayOrder.objects.filter(
        kind__in=[OrderKind.CLEARING, OrderKind.REFILL], subject_id=made.pk if made else 0
    )
    context = {
        "row": row,
        "month": when,
        "sums": sums,
        "tabs": tabs,
        "heading": dict(TABS)[chosen],
        "clearing": made,
        "look": CLEARINGS[ClearingState(made.state)] if made else _OPEN,
        "held": held,
        "figures": [
            {"label": "医院申报", "value": words.yuan(sums.claimed), "unit": "元"},
            {"label": "规则测算", "value": words.yuan(sums.computed), "unit": "元"},
            {"label": "核定支付", "value": words.yuan(sums.accepted), "unit": "元", "share": pages.share(sums.accepted, sums.claimed)},
            {"label": "有差异", "value": f"{sums.differ:,}", "unit": "张"},
            {"label": "待核定", "value": f"{sums.open:,}", "unit": "张"},
        ],
        "page": Page([_bill(one) for one in found.items], found.number, None, found.previous, found.next),
        "orders": [{"row": one, "look": ORDERS[OrderStatus(one.status)]} for one in by_bank.order_by("pk")],
        "open": open_,
        "may_keep": may_keep,
        "may_propose": may_keep and sums.bills and not sums.open and when < Month.of(clock.today()) and row.state == AgreementState.ACTIVE,
        "may_decide": may_review and waiting and not hands,
        "locked": "您提出或核定过其中的单据，由另一人审核。" if may_review and waiting and hands else "",
        "advance": made.advance_fen if made and made.advance_fen is not None else advance,
        "rest": made.paid_fen if made and made.paid_fen is not None else sums.accepted - advance,
        "refill": format_yuan(max(min(max(advance, 0), row.advance_limit_fen - (held - advance)), 0), sep=False),
    }  # fmt: skip
    if context["may_decide"] and made is not None:
        context |= over_plan(
            row.region, FundProgramme.MEDICAL, max(sums.accepted - held, 0) + made.replenish_fen, asked=True
        )
    return render(request, "funds/hospital_month.html", context)


def _do(request: HttpRequest, row: HospitalAgreement, when: Month) -> HttpResponse:
    user: Any = request.user
    do = posting.text(request, "do", 10)
    if do == "recheck":
        posting.attempt(
            request,
            lambda: actions.recheck(row, acting_user=user, month=when),
            lambda changed: f"已重新核对，{changed} 张的结果有变化。" if changed else "已重新核对，没有变化。",
        )
    elif do == "rules":
        posting.attempt(
            request,
            lambda: actions.accept_rules(row, acting_user=user, month=when),
            lambda done: f"已按规则核定 {done} 张。",
        )
    elif do == "bill":
        bill = reads.bills_of_month(row, when).filter(pk=posting.number(request, "bill")).first()
        fen = amount_of(request) if bill else None
        if bill is None:
            posting.refuse(request, "没有找到这张单据，请刷新后再看。")
        elif fen is not None:
            posting.attempt(
                request,
                lambda: actions.decide_bill(
                    bill, acting_user=user, accepted_fen=fen, reason=posting.text(request, "reason", 200)
                ),
                f"单据 {bill.bill_no} 已核定。",
            )
    elif do == "propose":
        fen = amount_of(request)
        if fen is not None:
            posting.attempt(
                request,
                lambda: clearings.propose_clearing(row, acting_user=user, month=when, replenish_fen=fen),
                lambda made: f"已提出 {made.no}，待财政审核。",
            )
    else:
        made = reads.clearing_of(row, when)
        if made is None:
            posting.refuse(request, "这个月还没有提出清算。")
        else:
            approve = do == "approve"
            posting.attempt(
                request,
                lambda: clearings.decide_clearing(
                    made, acting_user=user, approve=approve, note=posting.text(request, "note", 300)
                ),
                "已清算并记账。" if approve else "已退回，理由已记录。",
            )
    return posting.back(request.get_full_path())
