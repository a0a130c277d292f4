"""The emergency fund (疾病应急救助): requests of hospitals, one request with its decision, identity and claim."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.files.store import open_plain
from tuodi.funds import emergencies as reads
from tuodi.funds import orders
from tuodi.funds.actions import emergencies as actions
from tuodi.funds.models import EmergencyCase, HospitalAgreement
from tuodi.funds.states import (
    AgreementState,
    ClaimFrom,
    DeskState,
    EmergencyReason,
    FundProgramme,
    OrderKind,
    OrderStatus,
)
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.money import format_yuan
from tuodi.org import access
from tuodi.org.models import DutyCode
from tuodi.web.components import navigation, pages, places, posting, words
from tuodi.web.components.pages import Page
from tuodi.web.components.uploads import UploadField
from tuodi.web.funds.common import ORDERS, YuanField, amount_of, over_plan, place_of
from tuodi.web.medical.premiums import DESK

_MOST = 20 * 2**20


class RequestForm(forms.Form):
    """A hospital's request."""

    agreement = forms.ModelChoiceField(label="定点医院", queryset=HospitalAgreement.objects.none())
    label = forms.CharField(label="患者称谓", max_length=40, help_text="身份不明的写医院的临时编号或特征")
    reason = forms.ChoiceField(label="申请事由", choices=EmergencyReason.choices)
    found = forms.CharField(label="发现经过", max_length=300, widget=forms.Textarea(attrs={"rows": 3}))
    admitted_on = forms.DateField(label="收治日期", widget=forms.DateInput(attrs={"type": "date"}))
    ended_on = forms.DateField(label="急救结束", widget=forms.DateInput(attrs={"type": "date"}))
    cost = YuanField(label="急救费用（元）")
    other = YuanField(label="其他渠道已付（元）", help_text="医保、责任人、家属已付的；没有填 0")
    asked = YuanField(label="申请金额（元）")
    evidence = UploadField(
        most=_MOST,
        refusal="文件超过 20 MB。",
        label="证明材料",
        help_text="病历、费用清单、公安协查或无力支付的证明，合成一个文件，不超过 20 MB",
    )

    def __init__(self, *args: Any, request: HttpRequest, **options: Any) -> None:
        super().__init__(*args, **options)
        limits = access.range_of(place_of(request))
        self.fields["agreement"].queryset = HospitalAgreement.objects.filter(  # type: ignore[attr-defined]
            region__gte=limits.low, region__lt=limits.high, state=AgreementState.ACTIVE
        ).order_by("name")
        self.fields["agreement"].label_from_instance = lambda one: one.name  # type: ignore[attr-defined]


class ReceiptForm(forms.Form):
    """Payer, voucher and day of money that came back."""

    payer = forms.CharField(max_length=60)
    voucher = forms.CharField(max_length=40)
    received_on = forms.DateField()


def listing(request: HttpRequest) -> HttpResponse:
    """Requests of the reader's range; a POST enters one."""
    user: Any = request.user
    may = DutyCode.FUND_KEEP in navigation.held_duties(request)
    form = RequestForm(request.POST or None, request.FILES or None, request=request) if may else None
    if request.method == "POST" and form is not None and form.is_valid():
        given = dict(form.cleaned_data)
        letter = given.pop("evidence")
        try:
            row = actions.propose_emergency(
                given.pop("agreement"), acting_user=user, cost_fen=given.pop("cost"), other_fen=given.pop("other"),
                asked_fen=given.pop("asked"), evidence=letter.read(), evidence_name=letter.name, **given,
            )  # fmt: skip
        except TuodiError as error:
            form.add_error(None, str(error))
        else:
            posting.succeed(request, f"已登记 {row.no}，按规则最多可付 {words.yuan(row.most_fen)} 元，待财政审核。")
            return posting.back(reverse("web:emergency-case", args=[row.no]))
    rows = reads.cases(place_of(request))
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    lines = [
        {"row": one, "place": places.name(one.region), "look": DESK[DeskState(one.state)], "left": reads.left(one) if one.claim_fen else None}
        for one in found.items
    ]  # fmt: skip
    context = {"page": Page(lines, found.number, None, found.previous, found.next), "form": form}
    return render(request, "medical/emergencies.html", context)


def show(request: HttpRequest, no: str) -> HttpResponse:
    """One request; a POST decides, notes the identity, takes money in, or writes off."""
    user: Any = request.user
    rows = EmergencyCase.objects.select_related(
        "agreement", "proposed_by", "decided_by", "identified_by", "written_off_by", "evidence"
    )
    row = access.one(rows, user=user, what="疾病应急救助", no=no)
    if request.method == "POST":
        _do(request, row)
        return posting.back(request.path)
    keep = navigation.may(request, [DutyCode.FUND_KEEP], row.region)
    review = navigation.may(request, [DutyCode.FUND_REVIEW], row.region)
    waiting, mine = row.state == DeskState.PROPOSED, row.proposed_by_id == user.pk
    order = orders.order_of(OrderKind.EMERGENCY, row.pk) if row.state == DeskState.APPROVED else None
    left = reads.left(row)
    top = min(row.asked_fen, row.most_fen)
    context = {
        "row": row,
        "place": places.name(row.region),
        "look": DESK[DeskState(row.state)],
        "figures": [
            {"label": "急救费用", "value": words.yuan(row.cost_fen), "unit": "元", "foot": f"其他渠道已付 {words.yuan(row.other_fen)} 元"},
            {"label": "申请", "value": words.yuan(row.asked_fen), "unit": "元"},
            {"label": "规则最多", "value": words.yuan(row.most_fen), "unit": "元"},
            *([{"label": "核定支付", "value": words.yuan(row.granted_fen), "unit": "元"}] if row.granted_fen else []),
            *([{"label": "未追回", "value": words.yuan(left), "unit": "元"}] if row.claim_fen else []),
        ],
        "order": order,
        "order_look": ORDERS[OrderStatus(order.status)] if order else None,
        "returns": list(row.returns.select_related("received_by").order_by("pk")),
        "top": format_yuan(top, sep=False),
        "granted": format_yuan(row.granted_fen or 0, sep=False),
        "claimants": ClaimFrom.choices,
        "may_decide": review and waiting and not mine,
        "locked": "您登记的申请，由另一人审核。" if review and waiting and mine else "",
        "may_identify": keep and row.state == DeskState.APPROVED and row.identified_by_id is None,
        "may_receive": keep and left and orders.arrived(OrderKind.EMERGENCY, row.pk),
        "may_write_off": review and left and row.identified_by_id != user.pk,
        "left": format_yuan(left, sep=False),
        "today": clock.today(),
        **over_plan(row.region, FundProgramme.EMERGENCY, top, asked=review and waiting and not mine),
    }  # fmt: skip
    return render(request, "medical/emergency.html", context)


def _do(request: HttpRequest, row: EmergencyCase) -> None:
    user: Any = request.user
    do = posting.text(request, "do", 10)
    if do in ("approve", "refuse"):
        fen = amount_of(request) if do == "approve" else None
        if do == "refuse" or fen is not None:
            posting.attempt(
                request,
                lambda: actions.decide_emergency(
                    row, acting_user=user, approve=do == "approve", granted_fen=fen, note=posting.text(request, "note", 300)
                ),
                "已同意并付款。" if do == "approve" else "已退回，理由已记录。",
            )  # fmt: skip
    elif do == "identify":
        claim_from = posting.text(request, "claim_from", 12)
        fen = amount_of(request) if claim_from else 0
        if fen is not None:
            posting.attempt(
                request,
                lambda: actions.identify(
                    row, acting_user=user, identity=posting.text(request, "identity", 200), claim_from=claim_from, claim_fen=fen
                ),
                "身份已登记。",
            )  # fmt: skip
    elif do == "receive":
        fen, form = amount_of(request), ReceiptForm(request.POST)
        if fen is not None and not form.is_valid():
            posting.refuse(request, "交款人、凭证号和到账日期都要填写。")
        elif fen is not None:
            posting.attempt(
                request,
                lambda: actions.receive(row, acting_user=user, amount_fen=fen, **form.cleaned_data),
                "收款已登记并记账。",
            )
    elif do == "write_off":
        posting.attempt(
            request,
            lambda: actions.write_off(row, acting_user=user, reason=posting.text(request, "reason", 200)),
            "已核销。",
        )


def evidence(request: HttpRequest, no: str) -> FileResponse:
    """What the hospital sent with its request."""
    rows = EmergencyCase.objects.select_related("evidence")
    row = access.one(rows, user=request.user, what="疾病应急救助", no=no)  # type: ignore[arg-type]
    return FileResponse(open_plain(row.evidence), as_attachment=True, filename=row.evidence.name)
