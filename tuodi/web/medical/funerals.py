"""Funerals of who was on a roll: what bodies charge, entered by civil affairs, decided by finance, paid like any body."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.files.store import open_plain
from tuodi.funds import funerals as reads
from tuodi.funds import orders
from tuodi.funds.actions import funerals as actions
from tuodi.funds.models import FuneralReturn, FuneralWaiver
from tuodi.funds.states import DeskState, FundProgramme, OrderKind, OrderStatus
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.masking import mask_name
from tuodi.org import access
from tuodi.org.models import DutyCode
from tuodi.people.queries import search_people
from tuodi.web.components import navigation, pages, places, posting, reading, words
from tuodi.web.components.pages import Page
from tuodi.web.components.uploads import UploadField
from tuodi.web.funds.common import ORDERS, YuanField, counties_at, offer, over_plan, place_of
from tuodi.web.medical.premiums import DESK

_MOST = 20 * 2**20


class WaiverForm(forms.Form):
    """A body's bill for one funeral."""

    county = forms.ChoiceField(label="县（市、区）")
    person = forms.CharField(label="去世人员证件号码", max_length=18, help_text="已登记死亡的低保、特困对象")
    body = forms.CharField(label="殡葬服务机构", max_length=60)
    code = forms.CharField(label="机构编码", max_length=20, help_text="收款账户按编码登记")
    cost = YuanField(label="费用合计（元）", help_text="机构全部收费；减免以外的由家庭支付")
    evidence = UploadField(
        most=_MOST, refusal="文件超过 20 MB。", label="收费凭证", help_text="死亡证明和收费单，合成一个文件"
    )

    def __init__(self, *args: Any, request: HttpRequest, **options: Any) -> None:
        super().__init__(*args, **options)
        offer(self, "county", counties_at(place_of(request)))
        self.known = reads.items_known()
        for item, label in self.known.items():
            self.fields[f"item_{item}"] = YuanField(label=f"{label}（元）", required=False)
        self.order_fields(
            ["county", "person", "body", "code", *(f"item_{item}" for item in self.known), "cost", "evidence"]
        )

    def charged(self) -> dict[str, int]:
        """Item -> fen."""
        return {item: self.cleaned_data.get(f"item_{item}") or 0 for item in self.known}


def listing(request: HttpRequest) -> HttpResponse:
    """Waivers of the reader's range; a POST enters one."""
    user: Any = request.user
    may = DutyCode.FUND_KEEP in navigation.held_duties(request)
    form = WaiverForm(request.POST or None, request.FILES or None, request=request) if may else None
    if request.method == "POST" and form is not None and form.is_valid():
        given = form.cleaned_data
        person = search_people(given["person"]).first() if given["person"].strip()[:17].isdigit() else None
        if person is None:
            form.add_error("person", "本县没有登记此人。请核对证件号码。")
        else:
            try:
                row = actions.propose_funeral(
                    person, acting_user=user, county=given["county"], code=given["code"], body=given["body"], charged=form.charged(),
                    cost_fen=given["cost"] or 0, evidence=given["evidence"].read(), evidence_name=given["evidence"].name,
                )  # fmt: skip
            except TuodiError as error:
                form.add_error(None, str(error))
            else:
                posting.succeed(request, f"已登记 {row.no}，减免 {words.yuan(row.waived_fen)} 元，待财政审核。")
                return posting.back(reverse("web:funeral", args=[row.no]))
    rows = reads.waivers(place_of(request))
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    reading.note_list(
        request, "丧葬费用减免", [one.household_id for one in found.items], [one.person_id for one in found.items]
    )
    lines = [
        {
            "row": one,
            "name": mask_name(one.person.name),
            "place": places.name(one.region),
            "look": DESK[DeskState(one.state)],
        }
        for one in found.items
    ]
    context = {"page": Page(lines, found.number, None, found.previous, found.next), "form": form}
    return render(request, "medical/funerals.html", context)


def show(request: HttpRequest, no: str) -> HttpResponse:
    """One waiver; a POST decides it."""
    user: Any = request.user
    row = _one(request, no)
    if request.method == "POST":
        if posting.text(request, "do", 10) == "receive":
            return _receive(request, row)
        approve = posting.text(request, "do", 10) == "approve"
        posting.attempt(
            request,
            lambda: actions.decide_funeral(
                row, acting_user=user, approve=approve, note=posting.text(request, "note", 300)
            ),
            "已同意并付款。" if approve else "已退回，理由已记录。",
        )
        return posting.back(request.path)
    reading.note_reading(request, "丧葬费用减免", [row.household_id], [row.person_id], region=row.region)
    review = navigation.may(request, [DutyCode.FUND_REVIEW], row.region)
    waiting, mine = row.state == DeskState.PROPOSED, row.proposed_by_id == user.pk
    order = orders.order_of(OrderKind.FUNERAL, row.pk) if row.state == DeskState.APPROVED else None
    known = reads.items_known()
    left = reads.left(row) if row.state == DeskState.APPROVED else 0
    keep = navigation.may(request, [DutyCode.FUND_KEEP], row.region)
    context = {
        "row": row,
        "returns": list(FuneralReturn.objects.filter(waiver=row).select_related("received_by").order_by("pk")),
        "left": words.yuan(left),
        "may_receive": keep and left > 0 and orders.arrived(OrderKind.FUNERAL, row.pk),
        "today": clock.today(),
        "place": places.name(row.region),
        "look": DESK[DeskState(row.state)],
        "items": [{**one, "label": known.get(one["item"], one["item"])} for one in row.items],
        "own": row.cost_fen - row.waived_fen,
        "order": order,
        "order_look": ORDERS[OrderStatus(order.status)] if order else None,
        "may_decide": review and waiting and not mine,
        "locked": "您登记的减免，由另一人审核。" if review and waiting and mine else "",
        **over_plan(row.region, FundProgramme.TEMPORARY, row.waived_fen, asked=review and waiting and not mine),
    }
    return render(request, "medical/funeral.html", context)


class BackForm(forms.Form):
    """Money a body gave back."""

    amount = YuanField(label="金额（元）")
    reason = forms.CharField(label="理由", max_length=200)
    voucher = forms.CharField(label="凭证号", max_length=40)
    received_on = forms.DateField(label="到账日期")


def _receive(request: HttpRequest, row: FuneralWaiver) -> HttpResponse:
    user: Any = request.user
    form = BackForm(request.POST)
    if not form.is_valid():
        told = "；".join(f"{form.fields[name].label}：{''.join(errors)}" for name, errors in form.errors.items())
        posting.refuse(request, told)
        return posting.back(request.path)
    given = form.cleaned_data
    posting.attempt(
        request,
        lambda: actions.receive_back(
            row, acting_user=user, amount_fen=given["amount"], reason=given["reason"], voucher=given["voucher"],
            received_on=given["received_on"],
        ),
        "已登记退款，冲减支出。",
    )  # fmt: skip
    return posting.back(request.path)


def _one(request: HttpRequest, no: str) -> FuneralWaiver:
    rows = FuneralWaiver.objects.select_related("person", "household", "proposed_by", "decided_by", "evidence")
    return access.one(rows, user=request.user, what="丧葬费用减免", no=no)  # type: ignore[arg-type]


def evidence(request: HttpRequest, no: str) -> FileResponse:
    """The body's bill. Looking is logged."""
    row = _one(request, no)
    reading.note_reading(request, "丧葬收费凭证", [row.household_id], [row.person_id], region=row.region)
    return FileResponse(open_plain(row.evidence), as_attachment=True, filename=row.evidence.name)
