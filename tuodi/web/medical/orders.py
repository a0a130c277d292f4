"""Orders to bodies: what waits, files to the bank and their answers, what came back; the accounts bodies are paid on."""

from __future__ import annotations

import io
from typing import Any

from django import forms
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.timezone import localtime

from tuodi.exchange.bank import bank_profiles
from tuodi.funds import orders as reads
from tuodi.funds import refunds
from tuodi.funds.actions import papers
from tuodi.funds.actions import payees as verbs
from tuodi.funds.ledger import source_label
from tuodi.funds.models import LedgerEntry, PayeeAccount, PayOrder
from tuodi.funds.states import DeskState, OrderStatus, PayeeState, PayWay, RefundState
from tuodi.kernel import clock
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.models import DutyCode
from tuodi.payments import actions, bank_queries, tasks
from tuodi.payments import orders as events
from tuodi.payments.models import BankItem, BankMessage, OrderEvent
from tuodi.payments.states import LineStatus, MessageState
from tuodi.web.bank import batches
from tuodi.web.components import navigation, pages, places, posting, words
from tuodi.web.components.pages import Page
from tuodi.web.components.uploads import UploadField
from tuodi.web.components.words import Look
from tuodi.web.county.run_page import LINE_LOOKS
from tuodi.web.funds.common import ORDERS, counties_at, offer, place_of
from tuodi.web.medical.premiums import DESK
from tuodi.web.medical.subjects import subject_of

TABS = (("open", "未办结"), ("all", "全部"))
PAYEES = {
    PayeeState.PROPOSED: Look("待审核", "warn", "clock"),
    PayeeState.ACTIVE: Look("在用", "ok", "check"),
    PayeeState.REPLACED: Look("已更换"),
    PayeeState.REFUSED: Look("不同意", "bad", "x"),
}
_AGAIN = (OrderStatus.FAILED, OrderStatus.RETURNED)
MAX_BYTES = 20 * 2**20


class AnswerForm(forms.Form):
    """The bank's file about a batch that was carried by hand."""

    file = UploadField(
        most=MAX_BYTES, refusal="文件超过 20 MB。", label="银行回盘", help_text="银行返回的原文件，不超过 20 MB"
    )


class PayeeForm(forms.Form):
    """An account a body is paid on."""

    county = forms.ChoiceField(label="县（市、区）")
    code = forms.CharField(label="机构编码", max_length=20, help_text="医院写定点医药机构编码，征收机构写其编码")
    holder = forms.CharField(label="户名", max_length=60)
    bank_name = forms.CharField(label="开户行", max_length=60)
    bank_code = forms.CharField(label="开户行行号", max_length=14, required=False, help_text="12 位；不知道的不填")
    account = forms.CharField(
        label="账号", max_length=40, widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})
    )
    basis = forms.CharField(label="依据", max_length=200, help_text="来函文号或协议条款")

    def __init__(self, *args: Any, request: HttpRequest, **options: Any) -> None:
        super().__init__(*args, **options)
        offer(self, "county", counties_at(place_of(request)))


def _line(one: PayOrder) -> dict[str, Any]:
    return {
        "row": one,
        "look": ORDERS[OrderStatus(one.status)],
        "place": places.name(one.region),
        "href": reverse("web:order", args=[one.no]),
    }


def listing(request: HttpRequest) -> HttpResponse:
    """Orders of the reader's range; a POST makes files, or sends what came back again."""
    place = place_of(request)
    user: Any = request.user
    if request.method == "POST":
        county = posting.text(request, "county", 6)
        if posting.text(request, "do", 10) == "again":
            posting.attempt(
                request,
                lambda: actions.reissue_orders(acting_user=user, county=county),
                lambda made: f"已生成重发文件 {'、'.join(one.no for one in made)}。",
            )
        else:
            posting.attempt(
                request,
                lambda: actions.make_order_files(
                    acting_user=user, county=county, profile=posting.text(request, "profile", 40)
                ),
                lambda made: f"已生成 {'、'.join(one.no for one in made)}。",
            )
        return posting.back(request.get_full_path())
    chosen, tabs = pages.tabs_of(request, TABS, "open")
    rows = reads.of_place(place)
    mine = rows.exclude(turns__state=DeskState.PROPOSED)  # the treasury may have paid those
    waiting = mine.filter(status=OrderStatus.READY).order_by()
    again = mine.filter(status__in=_AGAIN).order_by()
    shown = rows.exclude(status__in=reads.SETTLED) if chosen == "open" else rows
    found = pages.page_of(request, lambda start, stop: list(shown[start:stop]))
    sums = dict.fromkeys(OrderStatus.values, 0)
    for status, fen in rows.order_by().values_list("status", "amount_fen"):
        sums[status] += fen
    may_send = navigation.may(request, [DutyCode.PAY_SEND], pad12(place))
    may_keep = bool({DutyCode.FUND_KEEP, DutyCode.FUND_REVIEW} & set(navigation.held_duties(request)))
    context = {
        "page": Page([_line(one) for one in found.items], found.number, None, found.previous, found.next),
        "tabs": tabs,
        "heading": dict(TABS)[chosen],
        "figures": [
            {"label": "待送银行", "value": words.yuan(sums["ready"]), "unit": "元"},
            {"label": "在途", "value": words.yuan(sums["sent"] + sums["unknown"]), "unit": "元"},
            {"label": "失败和退票", "value": words.yuan(sums["failed"] + sums["returned"]), "unit": "元"},
            {"label": "已到账", "value": words.yuan(sums["paid"] + sums["treasury"]), "unit": "元"},
        ],
        "sendable": _counties(waiting) if may_send else [],
        "again": _counties(again) if may_send else [],
        "profiles": list(bank_profiles().items()),
        "may_keep": may_keep,
        "refunds": refunds.of_place(place).filter(state=RefundState.PROPOSED).count() if may_keep else 0,
    }
    return render(request, "medical/orders.html", context)


def _counties(rows: Any) -> list[dict[str, Any]]:
    sums: dict[str, list[int]] = {}
    for region, fen in rows.values_list("region", "amount_fen"):
        sums.setdefault(region[:6], []).append(fen)
    return [
        {"county": county, "name": places.name(county), "n": len(fens), "fen": sum(fens)}
        for county, fens in sorted(sums.items())
    ]


def show(request: HttpRequest, no: str) -> HttpResponse:
    """One order: what it pays, each station with who and when, its bookings."""
    user: Any = request.user
    row = access.one(PayOrder.objects.select_related("agreement", "made_by"), user=user, what="付款单", no=no)
    if request.method == "POST":
        _turn(request, row)
        return posting.back(request.path)
    turns = list(row.turns.select_related("proposed_by", "decided_by").order_by("-id"))  # type: ignore[attr-defined]
    waiting = next((one for one in turns if one.state == DeskState.PROPOSED), None)
    review = navigation.may(request, [DutyCode.FUND_REVIEW], row.region)
    told = list(events.events_of([row]))
    items = list(BankItem.objects.select_related("batch").filter(order=row).order_by("-id"))
    happened = [
        {
            "css": {"paid": "ok", "failed": "bad", "returned": "bad"}.get(one.kind, ""),
            "when": f"{localtime(one.at):%Y-%m-%d %H:%M}",
            "title": str(LineStatus(one.kind).label),
            "text": "　".join(part for part in (one.by.name, one.batch.no, one.code, one.message) if part),
        }
        for one in reversed(told)
    ]
    happened.append(
        {"css": "", "when": f"{localtime(row.made_at):%Y-%m-%d %H:%M}", "title": "审批占用", "text": row.made_by.name}
    )
    context = {
        "row": row,
        "look": ORDERS[OrderStatus(row.status)],
        "place": places.name(row.region),
        "subject": _subject(request, row),
        "events": happened,
        "items": [
            {
                "row": one,
                "look": LINE_LOOKS[LineStatus(one.status)],
                "href": reverse("web:order-batch", args=[one.batch_id]),
            }
            for one in items
        ],
        "entries": [
            {"row": one, "href": reverse("web:fund-entry", args=[one.pk])}
            for one in LedgerEntry.objects.filter(origin=reads.ORIGIN, origin_id=row.pk).order_by("id")
        ]
        if set(navigation.FUNDS) & set(navigation.held_duties(request))
        else [],
        "parts": [(source_label(source), fen) for source, fen in reads.sources(row)],
        "payee": reads.payee_of(row.region, row.code),
        "needs_account": row.status in _AGAIN and waiting is None,
        "turns": [{"row": one, "look": DESK[DeskState(one.state)]} for one in turns],
        "waiting": waiting,
        "may_turn": waiting is None
        and row.status in (OrderStatus.READY, *_AGAIN)
        and navigation.may(request, [DutyCode.FUND_KEEP], row.region),
        "may_decide": review and waiting is not None and waiting.proposed_by_id != user.pk,
        "refunds": list(row.statement_refunds.select_related("paper").order_by("id")),  # type: ignore[attr-defined]
        "today": clock.today(),
    }
    return render(request, "medical/order.html", context)


class TurnForm(forms.Form):
    """The treasury's voucher for an order the bank cannot pay."""

    voucher = forms.CharField(label="国库支付凭证号", max_length=40)
    paid_on = forms.DateField(label="支付日期")
    reason = forms.CharField(label="理由", max_length=200)


def _turn(request: HttpRequest, row: PayOrder) -> None:
    """Proposes that the treasury paid an order, or decides on it."""
    user: Any = request.user
    do = posting.text(request, "do", 10)
    if do == "turn":
        form = TurnForm(request.POST)
        if not form.is_valid():
            posting.refuse(request, "凭证号、支付日期和理由都要填写。")
            return
        posting.attempt(
            request,
            lambda: actions.propose_turn(row, acting_user=user, **form.cleaned_data),
            "已提出改由国库支付，待财政审核；审核前不再送银行。",
        )
        return
    turn = row.turns.filter(state=DeskState.PROPOSED).first()  # type: ignore[attr-defined]
    if turn is None:
        posting.refuse(request, "没有待审核的事项，页面可能已过时。")
        return
    approve = do == "approve"
    posting.attempt(
        request,
        lambda: actions.decide_turn(turn, acting_user=user, approve=approve, note=posting.text(request, "note", 300)),
        "已同意，按国库支付入账。" if approve else "已退回，付款单仍由银行付。",
    )


def _subject(request: HttpRequest, row: PayOrder) -> dict[str, str]:
    """What an order pays, with its page where the reader may open it."""
    label, href = subject_of(row)
    allowed = set(navigation.HOSPITALS) & set(navigation.held_duties(request))
    return {"label": label, "href": href if allowed or row.kind == "advance" else ""}


def batch(request: HttpRequest, pk: int) -> HttpResponse:
    """A file of orders: its message, answers, lines; a POST brings it, takes an answer, or says how an unknown one ended."""
    user: Any = request.user
    found = bank_queries.access_order_batch(user, pk)
    here = reverse("web:order-batch", args=[pk])
    duties = navigation.held_duties(request)
    message = BankMessage.objects.select_related("link").filter(batch=found).first()
    do = posting.text(request, "do", 10) if request.method == "POST" else ""
    form = AnswerForm(request.POST if do == "answer" else None, request.FILES if do == "answer" else None)
    if do == "bring" and DutyCode.PAY_SEND in duties and message is not None:
        tasks.deliver_message.defer(message_id=message.pk, user_id=user.pk)
        posting.succeed(request, "已交后台送出；先问银行是否收到，再决定是否送。稍后刷新查看。")
        return posting.back(here)
    if do == "answer":
        if form.is_valid():
            given = form.cleaned_data["file"]
            posting.attempt(
                request,
                lambda: actions.import_order_return(found, acting_user=user, data=given.read(), name=given.name),
                lambda made: (
                    "回盘已入账。" if made.state == "applied" else f"整份拒收，没有入账：{'；'.join(made.faults[:3])}"
                ),
            )
            return posting.back(here)
    elif request.method == "POST":
        item = found.items.filter(pk=posting.number(request, "item")).first()
        if item is None:
            posting.refuse(request, "没有这一笔，页面可能已过时。")
        else:
            posting.attempt(
                request,
                lambda: actions.propose_item(
                    item, acting_user=user, outcome=posting.text(request, "outcome", 8), reason=posting.text(request, "reason", 300)
                ),
                "认定已提交，由另一人复核后入账。",
            )  # fmt: skip
        return posting.back(here)
    status = request.GET.get("status", "")
    rows = found.items.select_related("order").order_by("seq")
    rows = rows.filter(status=status) if status in LineStatus.values else rows
    page = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    may_send = DutyCode.PAY_SEND in duties
    context = {
        "batch": found,
        "file_href": reverse("web:order-file", args=[pk]) if may_send else "",
        "message": batches.message_of(message) if message else None,
        "may_bring": message is not None
        and may_send
        and message.state in (MessageState.CREATED, MessageState.SIGNED, MessageState.SENT),
        "answers": [batches.answered(one) for one in bank_queries.returns_of(found)],
        "totals": batches.totals(found, status),
        "page": Page(_items(page.items), page.number, None, page.previous, page.next),
        "may_decide": DutyCode.PAY_CHECK in duties,
        "all_href": here,
        "orders_href": reverse("web:orders"),
        "form": form if may_send and message is None else None,
    }
    return render(request, "bank/batch.html", context)


def _items(items: list[BankItem]) -> list[dict[str, Any]]:
    last: dict[int, OrderEvent] = {}
    for event in OrderEvent.objects.filter(order__in=[one.order_id for one in items]).order_by("id"):
        if event.batch_id in {one.batch_id for one in items}:
            last[event.order_id] = event
    waiting = {one.item_id: one for one in bank_queries.proposals().filter(item__in=[one.pk for one in items])}
    shown = []
    for one in items:
        assert one.order is not None
        event = last.get(one.order.pk)
        shown.append(
            {
                "pk": one.pk, "seq": one.seq, "name": one.order.name, "holder": one.holder, "last4": one.account_last4,
                "fen": one.amount_fen, "look": LINE_LOOKS[LineStatus(one.status)], "code": event.code if event else "",
                "message": event.message if event else "", "unknown": one.status == LineStatus.UNKNOWN,
                "proposal": waiting.get(one.pk), "family_href": reverse("web:order", args=[one.order.no]),
                "again": one.orig_id is not None,
            }
        )  # fmt: skip
    return shown


def file(request: HttpRequest, pk: int) -> FileResponse:
    """The bank file of a batch of orders, once its mark outside the database is written."""
    with access.scope(request.user):  # type: ignore[arg-type]
        found = bank_queries.access_order_batch(request.user, pk)  # type: ignore[arg-type]
    done, body = actions.hand_out(found.pk, acting_user=request.user)  # type: ignore[arg-type]
    return FileResponse(io.BytesIO(body), as_attachment=True, filename=done.file_name)


file.own_transactions = True  # type: ignore[attr-defined]


def payees(request: HttpRequest) -> HttpResponse:
    """Accounts of bodies, those that wait first; a POST enters one, or decides."""
    user: Any = request.user
    place = place_of(request)
    do = posting.text(request, "do", 10) if request.method == "POST" else ""
    form = PayeeForm(
        request.POST if do == "new" else None, request=request, initial={"code": pages.text_of(request, "code", 20)}
    )
    if do == "new":
        if form.is_valid():
            done, _ = posting.attempt(
                request,
                lambda: verbs.propose_payee(acting_user=user, **form.cleaned_data),
                "账户已登记，待财政审核。审核以前仍付到原账户。",
            )
            if done:
                return posting.back(request.path)
    elif do:
        rows = PayeeAccount.objects.all()
        row = access.one(rows, user=user, what="收款账户", pk=posting.number(request, "payee"))
        approve = do == "approve"
        posting.attempt(
            request,
            lambda: verbs.decide_payee(row, acting_user=user, approve=approve, note=posting.text(request, "note", 300)),
            "账户已生效，以后付到这个账户。" if approve else "已退回，理由已记录。",
        )
        return posting.back(request.path)
    limits = access.range_of(place)
    found = PayeeAccount.objects.filter(region__gte=limits.low, region__lt=limits.high)
    found = found.select_related("proposed_by", "decided_by").order_by("-id")
    page = pages.page_of(request, lambda start, stop: list(found[start:stop]))
    lines = [
        {
            "row": one,
            "look": PAYEES[PayeeState(one.state)],
            "place": places.name(one.region),
            "may_decide": one.state == PayeeState.PROPOSED
            and one.proposed_by_id != user.pk
            and navigation.may(request, [DutyCode.FUND_REVIEW], one.region),
        }
        for one in page.items
    ]
    context = {
        "page": Page(lines, page.number, None, page.previous, page.next),
        "form": form if DutyCode.FUND_KEEP in navigation.held_duties(request) else None,
    }
    return render(request, "medical/payees.html", context)


def way(request: HttpRequest) -> HttpResponse:
    """Sets how a county pays bodies."""
    county = posting.text(request, "county", 6)
    posting.attempt(
        request,
        lambda: papers.set_pay_way(
            acting_user=request.user,  # type: ignore[arg-type]
            county=county,
            way=posting.text(request, "way", 10),
        ),
        lambda row: f"机构付款方式已改为“{PayWay(row.pay_way).label}”，以后的审批照此办理。",
    )
    return posting.back(f"{reverse('web:funds')}?place={county}")
