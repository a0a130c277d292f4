"""One bill of a hospital: its parts, how it was judged, its clearing down to the bookings, and what puts it right."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.funds.actions.corrections import Right, correct_bill
from tuodi.funds.models import HospitalBill, PayOrder
from tuodi.funds.states import AgreementState, BillState, OrderKind, OrderStatus, Verdict
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.org.models import DutyCode
from tuodi.verification import rulebook
from tuodi.web.components import navigation, places, posting, reading
from tuodi.web.components.form_parts import MonthField
from tuodi.web.components.uploads import UploadField
from tuodi.web.components.words import Look
from tuodi.web.funds.common import ORDERS, YuanField
from tuodi.web.funds.hospital import VERDICTS
from tuodi.web.medical.orders import MAX_BYTES

STATES = {
    BillState.PRE_SETTLED: Look("待核定", "warn", "clock"),
    BillState.SETTLED: Look("已核定", "info"),
    BillState.CLEARED: Look("已清算", "ok", "check"),
    BillState.WITHDRAWN: Look("已撤回"),
}
_PARTS = (
    ("total", "总费用"), ("basic", "基本医保支付"), ("catastrophic", "大病保险支付"), ("other", "其他支付"), ("outside", "目录外自费"),
    ("claimed", "医疗救助支付"), ("own", "个人支付"),
)  # fmt: skip


class CorrectionForm(forms.Form):
    """A bill as it should have been, with the hospital's letter."""

    month = MonthField(label="随哪个月清算", help_text="晚于原单据的月份，只付或扣回差额")
    total = YuanField(label="总费用（元）")
    basic = YuanField(label="基本医保支付（元）")
    catastrophic = YuanField(label="大病保险支付（元）")
    other = YuanField(label="其他支付（元）")
    outside = YuanField(label="目录外自费（元）", help_text="是个人支付的一部分")
    claimed = YuanField(label="医疗救助支付（元）")
    own = YuanField(label="个人支付（元）")
    reason = forms.CharField(label="更正理由", max_length=200)
    letter = UploadField(most=MAX_BYTES, refusal="文件超过 20 MB。", label="医院来函", help_text="不超过 20 MB")


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The page; a POST enters its correction."""
    user: Any = request.user
    rows = HospitalBill.objects.select_related(
        "agreement", "batch", "person", "household", "decided_by", "confirmed_by", "clearing__decided_by", "corrects"
    )
    row = access.one(rows, user=user, what="结算单据", pk=pk)
    reading.note_list(request, "医院结算单据", [row.household_id], [row.person_id])
    right = HospitalBill.objects.filter(corrects=row).exclude(state=BillState.WITHDRAWN).first()
    may = (
        row.state == BillState.CLEARED
        and right is None
        and row.agreement.state == AgreementState.ACTIVE
        and navigation.may(request, [DutyCode.FUND_KEEP], row.region)
    )
    before = {name: format_yuan(getattr(row, f"{name}_fen"), sep=False) for name, _ in _PARTS}
    first = {**before, "month": str(Month.of(clock.today()))}
    form = CorrectionForm(request.POST or None, request.FILES or None, initial=first) if may else None
    if request.method == "POST" and form is not None and form.is_valid():
        given = form.cleaned_data
        amounts = {name: given[name] for name, _ in _PARTS}
        letter = given["letter"]
        done, made = posting.attempt(
            request,
            lambda: correct_bill(
                row, acting_user=user, month=given["month"], right=Right(**amounts), reason=given["reason"], letter=letter.read(),
                letter_name=letter.name,
            ),
            lambda made: f"已登记更正 {made.bill_no}，随{Month.parse(str(made.batch.month)).label}清算。",
        )  # fmt: skip
        if done and made is not None:
            return posting.back(reverse("web:hospital-bill", args=[made.pk]))
    made_of = row.clearing
    order = (
        PayOrder.objects.filter(kind=OrderKind.CLEARING, subject_id=made_of.pk).first()
        if made_of and row.state == BillState.CLEARED
        else None
    )
    context = {
        "row": row,
        "place": places.name(row.region),
        "look": STATES[BillState(row.state)],
        "verdict": VERDICTS[Verdict(row.verdict)],
        "illness": rulebook.book().enums["illness_kind"].values.get(row.illness, ""),
        "parts": [
            {
                "label": label,
                "fen": getattr(row, f"{name}_fen"),
                "before": getattr(row.corrects, f"{name}_fen") if row.corrects else None,
            }
            for name, label in _PARTS
        ],
        "month_href": reverse("web:hospital-month", args=[row.agreement.no, row.batch.month]),
        "entry_href": reverse("web:fund-entry", args=[made_of.entry_id]) if made_of and made_of.entry_id else "",
        "order": order,
        "order_look": ORDERS[OrderStatus(order.status)] if order else None,
        "right": right,
        "family_href": reverse("web:family", args=[row.household_id])
        if row.household_id and navigation.READERS & set(navigation.held_duties(request))
        else "",
        "form": form,
        "most": row.net_accepted_fen,
    }
    return render(request, "medical/bill.html", context)
