"""What an order pays, and where its page is."""

from __future__ import annotations

from django.urls import reverse

from tuodi.funds.models import EmergencyCase, FundPaper, FuneralWaiver, HospitalClearing, PayOrder, PremiumList
from tuodi.funds.states import OrderKind
from tuodi.kernel.periods import Month

__all__ = ["subject_of"]


def subject_of(row: PayOrder) -> tuple[str, str]:
    """(words, address) of the clearing, paper, list or request an order pays."""
    pk = row.subject_id
    if row.kind in (OrderKind.CLEARING, OrderKind.REFILL):
        made = HospitalClearing.objects.select_related("agreement").filter(pk=pk).first()
        if made is not None:
            month = Month.parse(str(made.month)).label
            return f"{made.agreement.name}{month}清算 {made.no}", reverse(
                "web:hospital-month", args=[made.agreement.no, made.month]
            )
    elif row.kind == OrderKind.ADVANCE:
        paper = FundPaper.objects.filter(pk=pk).first()
        if paper is not None:
            return f"资金单据 {paper.no}", reverse("web:fund-paper", args=[paper.no])
    elif row.kind == OrderKind.PREMIUM:
        listed = PremiumList.objects.filter(pk=pk).first()
        if listed is not None:
            return f"资助参保名单 {listed.no}", reverse("web:premium-list", args=[listed.no])
    elif row.kind == OrderKind.EMERGENCY:
        case = EmergencyCase.objects.filter(pk=pk).first()
        if case is not None:
            return f"疾病应急救助 {case.no}", reverse("web:emergency-case", args=[case.no])
    elif row.kind == OrderKind.FUNERAL:
        waiver = FuneralWaiver.objects.filter(pk=pk).first()
        if waiver is not None:
            return f"丧葬费用减免 {waiver.no}", reverse("web:funeral", args=[waiver.no])
    return row.memo, ""
