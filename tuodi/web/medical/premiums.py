"""Premiums paid for recipients (资助参保): lists of a year, one list with its answer and what comes back, its sheet for the collector."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Sum
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.funds import orders
from tuodi.funds import premiums as reads
from tuodi.funds.actions import premiums as actions
from tuodi.funds.models import PremiumItem, PremiumList
from tuodi.funds.states import DeskState, FundProgramme, OrderKind, OrderStatus, PremiumResult
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.money import format_yuan
from tuodi.org import access
from tuodi.org.models import DutyCode
from tuodi.web.components import navigation, pages, places, posting, reading, words
from tuodi.web.components.pages import Page
from tuodi.web.components.uploads import UploadField
from tuodi.web.components.words import Look
from tuodi.web.county import sheets
from tuodi.web.funds.common import ORDERS, amount_of, counties_at, offer, over_plan, place_of

DESK = {
    DeskState.PROPOSED: Look("待审核", "warn", "clock"),
    DeskState.APPROVED: Look("已同意", "ok", "check"),
    DeskState.REFUSED: Look("不同意", "bad", "x"),
}
RESULTS = {
    "": Look("没有回执"),
    PremiumResult.INSURED: Look("已参保", "ok", "check"),
    PremiumResult.NOT_INSURED: Look("未参保", "bad", "x"),
    PremiumResult.DOUBLE: Look("重复参保", "bad"),
}
_MOST = 20 * 2**20


class ListForm(forms.Form):
    """A list of a year."""

    county = forms.ChoiceField(label="县（市、区）")
    year = forms.IntegerField(label="参保年度", min_value=2000, max_value=2199)
    on = forms.DateField(
        label="名单日期", widget=forms.DateInput(attrs={"type": "date"}), help_text="按这一天的花名册、事实和规则列出"
    )
    collector = forms.CharField(label="征收机构", max_length=60, help_text="收款的税务或医保机构")
    code = forms.CharField(label="征收机构编码", max_length=20, help_text="与收款账户登记的编码一致")

    def __init__(self, *args: Any, request: HttpRequest, **options: Any) -> None:
        super().__init__(*args, **options)
        offer(self, "county", counties_at(place_of(request)))
        self.fields["year"].initial = clock.today().year
        self.fields["on"].initial = clock.today().isoformat()


class AnswerForm(forms.Form):
    """The collector's answer."""

    file = UploadField(
        most=_MOST,
        refusal="文件超过 20 MB。",
        label="征收机构回执",
        help_text="xlsx、xls 或 csv，一人一行：姓名、身份证号、处理结果",
    )


class RefundForm(forms.Form):
    """Voucher and day of money that came back; the amount is read beside it."""

    voucher = forms.CharField(max_length=40)
    received_on = forms.DateField()


def listing(request: HttpRequest) -> HttpResponse:
    """Lists of the reader's range; a POST makes one."""
    user: Any = request.user
    may = DutyCode.FUND_KEEP in navigation.held_duties(request)
    form = ListForm(request.POST or None, request=request) if may else None
    if request.method == "POST" and form is not None and form.is_valid():
        try:
            row, left = actions.propose_premiums(acting_user=user, **form.cleaned_data)
        except TuodiError as error:
            form.add_error(None, str(error))
        else:
            reasons: dict[str, int] = {}
            for one in left:
                reasons[one.why] = reasons.get(one.why, 0) + 1
            told = "；".join(f"{why} {n} 人" for why, n in sorted(reasons.items(), key=lambda one: -one[1])[:5])
            posting.succeed(
                request,
                f"已列出 {row.persons} 人，{words.yuan(row.amount_fen)} 元，待财政审核。{f'没有列入：{told}。' if told else ''}",
            )
            return posting.back(reverse("web:premium-list", args=[row.no]))
    rows = reads.lists(place_of(request))
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    lines = [
        {
            "row": one,
            "place": places.name(one.region),
            "look": DESK[DeskState(one.state)],
            "back": reads.due_back(one) if one.answered_at else None,
        }
        for one in found.items
    ]
    context = {"page": Page(lines, found.number, None, found.previous, found.next), "form": form}
    return render(request, "medical/premiums.html", context)


def _one(request: HttpRequest, no: str) -> PremiumList:
    rows = PremiumList.objects.select_related("proposed_by", "decided_by", "answered_by")
    return access.one(rows, user=request.user, what="资助参保名单", no=no)  # type: ignore[arg-type]


def show(request: HttpRequest, no: str) -> HttpResponse:
    """One list; a POST decides, takes the answer, or enters what came back."""
    row = _one(request, no)
    user: Any = request.user
    do = posting.text(request, "do", 10) if request.method == "POST" else ""
    form = AnswerForm(request.POST if do == "answer" else None, request.FILES if do == "answer" else None)
    if do == "answer":
        if form.is_valid():
            given = form.cleaned_data["file"]
            posting.attempt(
                request,
                lambda: (actions.import_supplement if row.answered_at else actions.import_answer)(
                    row, acting_user=user, data=given.read(), name=given.name
                ),
                lambda made: f"回执已登记，{len(made.faults)} 行有问题；应退回 {words.yuan(reads.due_back(row))} 元。",
            )
            return posting.back(request.path)
    elif do == "refund":
        _refund(request, row)
        return posting.back(request.path)
    elif do:
        approve = do == "approve"
        posting.attempt(
            request,
            lambda: actions.decide_premiums(
                row, acting_user=user, approve=approve, note=posting.text(request, "note", 300)
            ),
            "已同意，款项已占用。" if approve else "已退回，名单上的人可以重新列入。",
        )
        return posting.back(request.path)
    sums = reads.sums_of(row)
    tabs = [
        ("all", "全部"),
        *([("open", "没有回执")] if row.answered_at and "" in sums else []),
        *((code, RESULTS[PremiumResult(code)].word) for code in PremiumResult.values),
    ]
    chosen, links = pages.tabs_of(request, tabs, "all")
    items = PremiumItem.objects.filter(listed=row).order_by("pk")
    items = items if chosen == "all" else items.filter(result="" if chosen == "open" else chosen)
    found = pages.page_of(request, lambda start, stop: list(items[start:stop]))
    reading.note_list(
        request, "资助参保名单", [one.household_id for one in found.items], [one.person_id for one in found.items]
    )
    order = orders.order_of(OrderKind.PREMIUM, row.pk) if row.state == DeskState.APPROVED else None
    keep = navigation.may(request, [DutyCode.FUND_KEEP], row.region)
    review = navigation.may(request, [DutyCode.FUND_REVIEW], row.region)
    waiting, mine = row.state == DeskState.PROPOSED, row.proposed_by_id == user.pk
    due = reads.due_back(row)
    context = {
        "row": row,
        "place": places.name(row.region),
        "look": DESK[DeskState(row.state)],
        "figures": [
            {"label": "名单", "value": f"{row.persons:,}", "unit": "人", "foot": f"{words.yuan(row.amount_fen)} 元"},
            *(
                {"label": RESULTS[PremiumResult(code)].word, "value": f"{sums[code][0]:,}", "unit": "人", "foot": f"{words.yuan(sums[code][1])} 元"}
                for code in PremiumResult.values
                if code in sums
            ),
            *([{"label": "没有回执", "value": f"{sums[''][0]:,}", "unit": "人"}] if row.answered_at and "" in sums else []),
            *([{"label": "应退未退", "value": words.yuan(due), "unit": "元"}] if row.answered_at else []),
        ],
        "tabs": links,
        "page": Page(
            [{"row": one, "look": RESULTS[PremiumResult(one.result) if one.result else ""]} for one in found.items],
            found.number, None, found.previous, found.next,
        ),
        "order": order,
        "order_look": ORDERS[OrderStatus(order.status)] if order else None,
        "refunds": list(row.refunds.select_related("received_by").order_by("pk")),  # type: ignore[attr-defined]
        "back_total": row.refunds.aggregate(n=Sum("amount_fen"))["n"] or 0,  # type: ignore[attr-defined]
        "may_take": keep,
        "unanswered": sums.get("", (0, 0))[0] if row.answered_at else 0,
        "later": list(row.later_answers.select_related("answered_by").order_by("pk")),  # type: ignore[attr-defined]
        "form": form if keep and row.state == DeskState.APPROVED and (row.answered_at is None or "" in sums) and orders.arrived(OrderKind.PREMIUM, row.pk) else None,
        "due": format_yuan(due, sep=False) if keep and due else "",
        "today": clock.today(),
        "may_decide": review and waiting and not mine,
        "locked": "您提出的名单，由另一人审核。" if review and waiting and mine else "",
        **over_plan(row.region, FundProgramme.MEDICAL, row.amount_fen, asked=review and waiting and not mine),
    }  # fmt: skip
    return render(request, "medical/premium.html", context)


def _refund(request: HttpRequest, row: PremiumList) -> None:
    fen, form = amount_of(request), RefundForm(request.POST)
    if fen is None:
        return
    if not form.is_valid():
        posting.refuse(request, "凭证号和到账日期都要填写。")
        return
    posting.attempt(
        request,
        lambda: actions.receive_refund(row, acting_user=request.user, amount_fen=fen, **form.cleaned_data),  # type: ignore[arg-type]
        "退回已登记并记账。",
    )


def sheet(request: HttpRequest, no: str) -> HttpResponse | FileResponse:
    """The list with whole numbers, for the collector; taking it is on record."""
    row = _one(request, no)
    done, rows = posting.attempt(
        request,
        lambda: actions.take_list(row, acting_user=request.user),  # type: ignore[arg-type]
        "名单已下载，取用已记录。",
    )
    if not done or rows is None:
        return posting.back(reverse("web:premium-list", args=[no]))
    return sheets.sheet(
        request,
        name=f"资助参保名单-{row.year}-{row.no}",
        title=f"{places.name(row.region)} {row.year} 年度资助参保名单 {row.persons} 人 {format_yuan(row.amount_fen)} 元",
        columns=[("姓名", 12), ("身份证号", 22), ("身份", 20), ("资助额（元）", 14)],
        rows=[(one.name, number, one.basis, format_yuan(one.amount_fen, sep=False)) for one, number in rows],
        action="web.export_premium_list",
        subject="premium_list",
        subject_id=row.pk,
        what={"year": row.year, "no": row.no},
        note=f"付款一笔，见付款单；回执请按“姓名、身份证号、处理结果”逐人列明。收款单位：{row.collector}。",
    )
