"""Petty cash: the towns' floats for the county, and a town's own page on the phone: balance, pay, day book, count."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.decisions import grants
from tuodi.decisions.models import Determination
from tuodi.funds import claims as claimed
from tuodi.funds import petty as reads
from tuodi.funds.actions import claims as claim_actions
from tuodi.funds.actions import petty as actions
from tuodi.funds.actions import petty_care as care
from tuodi.funds.models import CashClaim, CashFollow, Float, FloatCount, PettySpend
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.models import DutyCode
from tuodi.org.places import tree
from tuodi.payments.cash import runs_that_pay
from tuodi.web.components import navigation, pages, places, posting, reading, words
from tuodi.web.components.words import Look
from tuodi.web.county.sheets import sheet
from tuodi.web.field import spot
from tuodi.web.funds.common import YuanField, amount_of, place_of

FOLLOW_LOOKS = {
    CashFollow.State.PROPOSED: Look("待审核", "warn", "clock"),
    CashFollow.State.APPROVED: Look("已更正", "ok", "check"),
    CashFollow.State.REFUSED: Look("不同意", "bad", "x"),
}


class OpenForm(forms.Form):
    """A town's petty cash, or another limit."""

    town = forms.ChoiceField(label="乡镇（街道）")
    limit = YuanField(label="单笔上限（元）", help_text="本地政策有更低上限的，按更低的")

    def __init__(self, *args: Any, request: HttpRequest, **options: Any) -> None:
        super().__init__(*args, **options)
        place, known = place_of(request), tree()
        self.fields["town"].choices = (  # type: ignore[attr-defined]
            [(code, known.name(code)) for code in known.children(place[:6]) if len(code) == 9]
            if len(place) >= 6
            else []
        )


def listing(request: HttpRequest) -> HttpResponse:
    """Floats in the reader's range; who has one only goes straight to it. A POST sets one up."""
    user: Any = request.user
    rows = list(Float.objects.filter(closed_at__isnull=True).order_by("region"))
    may_open = navigation.may(request, [DutyCode.FUND_KEEP], pad12(place_of(request)[:6]))
    if len(rows) == 1 and not may_open and request.method == "GET":
        return posting.back(reverse("web:petty-float", args=[rows[0].pk]))
    form = OpenForm(request.POST or None, request=request)
    if request.method == "POST" and form.is_valid():
        try:
            actions.open_float(acting_user=user, town=form.cleaned_data["town"], limit_fen=form.cleaned_data["limit"])
        except TuodiError as error:
            form.add_error(None, str(error))
        else:
            posting.succeed(request, "已设立。拨款请提出“预拨乡镇备用金”。")
            return posting.back(request.path)
    today = clock.today()
    month = Month.of(today)
    lines = []
    months = reads.months_of(rows, month)
    counted = set(FloatCount.objects.filter(month=month.prev().yyyymm).values_list("float", flat=True))
    for row in rows:
        sums = months[row.region]
        lines.append(
            {
                "href": reverse("web:petty-float", args=[row.pk]),
                "name": places.path(row.region),
                "limit": reads.limit_of(row, today),
                "sums": sums,
                "counted": row.pk in counted,
            }
        )
    return render(
        request, "funds/petty_list.html", {"lines": lines, "form": form if may_open else None, "month": month}
    )


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """A town's cash; a POST pays a grant, counts the month or takes cash back."""
    user: Any = request.user
    row = access.one(Float.objects.all(), user=user, what="备用金", pk=pk)
    if request.method == "POST":
        return _do(request, row)
    month = pages.month_of(request, default=pages.this_month())
    assert month is not None
    today = clock.today()
    may_pay = navigation.may(request, [DutyCode.PETTY_CASH], row.region)
    # What a run pays already is nothing for the cash box.
    by_run = (
        runs_that_pay(list(reads.standing(row).values_list("determination", flat=True).distinct())) if may_pay else {}
    )
    waiting = list(reads.payable(row, by_run.keys())[:30]) if may_pay else []
    ordinary = list(reads.ordinary(row, by_run.keys())[:30]) if may_pay else []
    to_pay = [*((one, reads.standing_grant(one)) for one in waiting), *((None, one) for one in ordinary)]
    spends = list(reads.spends(row)[:20])
    over, claims = claimed.claimable(row), claimed.claims_of(row)
    again, follows = claimed.to_follow(row), claimed.follows_of(row)
    # What a decision gives again is put right, and not claimed.
    righted = {one.spend.pk for one in again} | {
        one.spend_id for one in follows if one.state == CashFollow.State.PROPOSED
    }
    over = [(one, fen) for one, fen in over if one.pk not in righted]
    seen = [
        *waiting,
        *ordinary,
        *spends,
        *(one for one, _ in over),
        *(one.spend for one, _ in claims),
        *(one.spend for one in (*again, *follows)),
    ]
    reading.note_list(request, "备用金", [one.household_id for one in seen], [one.person_id for one in waiting])
    there, limit = reads.balance(row), reads.limit_of(row, today)
    before = Month.of(today).prev()
    last = reads.month_of(row, before)
    context = {
        "row": row,
        "name": places.path(row.region),
        "there": there,
        "limit": limit,
        "month": month,
        "sums": reads.month_of(row, month),
        "days": reads.days(row, month),
        "waiting": [_waiting(relief, granted, there, limit, user) for relief, granted in to_pay],
        "spends": [{"row": one, "name": one.household.head.name if one.household.head else "", "mine": ""} for one in spends],
        "counts": list(row.counts.select_related("counted_by", "check_row__checked_by").order_by("-month")[:12]),  # type: ignore[attr-defined]
        "may_check": navigation.may(request, [DutyCode.FUND_REVIEW], pad12(row.region[:6])),
        "requests": list(row.requests.select_related("asked_by", "paper", "refused_by").order_by("-id")[:6]),  # type: ignore[attr-defined]
        "may_ask": may_pay and row.closed_at is None and not reads.open_requests(row).exists(),
        "spent_since": format_yuan(reads.month_of(row, Month.of(today)).spent, sep=False),
        "may_close": navigation.may(request, [DutyCode.FUND_KEEP], pad12(row.region[:6])) and not there and row.closed_at is None,
        "sheet_href": f"{reverse('web:petty-ledger', args=[row.pk])}?month={month.yyyymm}",
        "count_month": before
        if may_pay and not FloatCount.objects.filter(float=row, month=before.yyyymm).exists() and row.opened_at.date() <= before.last_day
        else None,
        "count_ledger": last.closing,
        "over": [{"row": one, "fen": fen, "name": one.household.head.name} for one, fen in over],
        "claims": [
            {"row": one, "left": left, "name": one.spend.household.head.name, "typed": format_yuan(left, sep=False), "mine": one.opened_by_id == user.pk}
            for one, left in claims
        ],
        "again": [{"row": one, "name": one.spend.household.head.name} for one in again],
        "follows": [
            {"row": one, "name": one.spend.household.head.name, "look": FOLLOW_LOOKS[one.state], "mine": one.proposed_by_id == user.pk, "open": one.state == CashFollow.State.PROPOSED}
            for one in follows
        ],
        "may_claim": navigation.may(request, [DutyCode.FUND_KEEP], pad12(row.region[:6])),
        "may_review": navigation.may(request, [DutyCode.FUND_REVIEW], pad12(row.region[:6])),
        "may_write_off": navigation.may(request, [DutyCode.FUND_REVIEW], pad12(row.region[:6])),
        "may_pay": may_pay,
        "may_take": navigation.may(request, [DutyCode.FUND_KEEP], pad12(row.region[:6])) and there > 0,
    }  # fmt: skip
    return render(request, "funds/petty.html", context)


def _waiting(row: Any, granted: Determination, there: int, limit: int, user: Any) -> dict[str, Any]:
    """A grant to hand over: of an emergency (`row`), or of the ordinary procedure."""
    household = granted.household
    fen = sum(stage.amount_fen for stage in grants.stages_of(granted) if not stage.in_cash)
    locked = ""
    if granted.decided_by_id == user.pk:
        locked = "您作出的决定，由另一人支付。"
    elif fen > limit:
        locked = f"超过单笔上限 {words.yuan(limit)} 元，由月度发放支付。"
    elif fen > there:
        locked = f"余额不足，差 {words.yuan(fen - there)} 元。请先申请补足。"
    return {
        "name": row.person.name if row else household.head.name if household.head else household.no,
        "cause": row.get_cause_display() if row else granted.cause or "临时救助",
        "grant": granted,
        "fen": fen,
        "place": places.path(granted.region),
        "locked": locked,
        "href": reverse("web:emergency", args=[row.no]) if row else "",
    }


def _do(request: HttpRequest, row: Float) -> HttpResponse:
    user: Any = request.user
    do = posting.text(request, "do", 10)
    if do == "pay":
        granted = Determination.objects.filter(pk=posting.number(request, "grant")).first()
        if granted is None:
            posting.refuse(request, "没有找到这笔救助，请刷新后再看。")
        else:
            posting.attempt(
                request,
                lambda: actions.pay_grant(
                    row, acting_user=user, determination=granted, receiver=posting.text(request, "receiver", 40),
                    receipt=spot.photo(request, "receipt") or b"",
                ),
                lambda done: f"已支付 {words.yuan(done.amount_fen)} 元，{done.no}，余额 {words.yuan(done.balance_fen)} 元。月度发放不再支付。",
            )  # fmt: skip
    elif do in ("claim", "write_off"):
        _claim(request, row, do)
    elif do in ("follow", "decide"):
        _follow(request, row, do)
    elif do in ("check", "close", "advance", "decline"):
        _care(request, row, do)
    else:
        fen = amount_of(request)
        if fen is None:
            pass
        elif do == "receive":
            claim = CashClaim.objects.filter(pk=posting.number(request, "claim"), spend__float=row).first()
            if claim is None:
                posting.refuse(request, "没有找到这笔追回，请刷新后再看。")
            else:
                posting.attempt(
                    request,
                    lambda: claim_actions.receive(
                        claim, acting_user=user, amount_fen=fen, payer=posting.text(request, "payer", 40)
                    ),
                    lambda done: f"已收 {words.yuan(done.amount_fen)} 元，{done.no}。",
                )  # fmt: skip
        elif do == "ask":
            posting.attempt(
                request,
                lambda: care.ask_refill(
                    row, acting_user=user, amount_fen=fen, reason=posting.text(request, "note", 300)
                ),
                "已报县级，由县级提出预拨。",
            )
        elif do == "count":
            posting.attempt(
                request,
                lambda: actions.count_cash(
                    row, acting_user=user, month=Month.of(clock.today()).prev(), counted_fen=fen,
                    note=posting.text(request, "note", 300),
                ),
                "已盘点。",
            )  # fmt: skip
        else:
            posting.attempt(
                request,
                lambda: actions.give_back(
                    row,
                    acting_user=user,
                    amount_fen=fen,
                    reason=posting.text(request, "note", 300),
                ),
                "已收回到县级子账户。",
            )
    return posting.back(request.path)


def _care(request: HttpRequest, row: Float, do: str) -> None:
    user: Any = request.user
    note = posting.text(request, "note", 300)
    if do == "check":
        count = row.counts.filter(pk=posting.number(request, "count")).first()  # type: ignore[attr-defined]
        if count is None:
            posting.refuse(request, "没有找到这次盘点，请刷新后再看。")
            return
        posting.attempt(request, lambda: care.check_count(count, acting_user=user, note=note), "已核对。")
    elif do == "close":
        posting.attempt(
            request, lambda: care.close_float(row, acting_user=user, reason=note), "已撤销，重新设立后可以再用。"
        )
    else:
        asked = row.requests.filter(pk=posting.number(request, "request")).first()  # type: ignore[attr-defined]
        if asked is None:
            posting.refuse(request, "没有找到这份申请，请刷新后再看。")
        elif do == "advance":
            posting.attempt(
                request,
                lambda: care.propose_refill(asked, acting_user=user),
                lambda made: f"已提出 {made.no}，待财政审核。",
            )
        else:
            posting.attempt(
                request, lambda: care.refuse_refill(asked, acting_user=user, reason=note), "已退回，理由已记录。"
            )


def ledger(request: HttpRequest, pk: int) -> FileResponse:
    """A month of a town's cash as a spreadsheet: each payment with its receipt's number, each day's balance. Logged."""
    row = access.one(Float.objects.all(), user=request.user, what="备用金", pk=pk)  # type: ignore[arg-type]
    month = pages.month_of(request, default=pages.this_month())
    assert month is not None
    sums = reads.month_of(row, month)
    spends = list(reads.spends(row).filter(paid_on__range=(month.first_day, month.last_day)).order_by("id"))
    reading.note_list(request, "备用金月账", [one.household_id for one in spends], [])
    lines: list[list[Any]] = [["期初", "", "", "", "", None, None, None, sums.opening / 100]]
    for one in reads.days(row, month):
        for spend in spends:
            if spend.paid_on == one.day:
                name = spend.household.head.name if spend.household.head else spend.household.no
                lines.append(
                    [
                        "支出",
                        one.day,
                        spend.no,
                        name,
                        spend.determination.no,
                        None,
                        spend.amount_fen / 100,
                        None,
                        spend.balance_fen / 100,
                    ]
                )
        lines.append(
            ["日结", one.day, "", "", "", one.advanced / 100, one.spent / 100, one.returned / 100, one.balance / 100]
        )
    lines.append(
        ["合计", "", "", "", "", sums.advanced / 100, sums.spent / 100, sums.returned / 100, sums.closing / 100]
    )
    return sheet(
        request, name=f"备用金月账-{places.name(row.region)}-{month.yyyymm}", title=f"{places.path(row.region)}备用金 {month.label}月账",
        columns=[("摘要", 10), ("日期", 12), ("编号", 24), ("户主", 14), ("决定", 24), ("拨入（元）", 14), ("支出（元）", 14), ("收回（元）", 14), ("余额（元）", 14)],
        rows=lines, action="web.export_petty_ledger", subject="float", subject_id=row.pk, what={"month": month.yyyymm},
        note="收据照片存在系统里，按编号查看。",
    )  # fmt: skip


def _claim(request: HttpRequest, row: Float, do: str) -> None:
    user: Any = request.user
    reason = posting.text(request, "reason", 300)
    if do == "claim":
        spend = PettySpend.objects.filter(pk=posting.number(request, "spend"), float=row).first()
        if spend is None:
            posting.refuse(request, "没有找到这笔支出，请刷新后再看。")
            return
        posting.attempt(
            request,
            lambda: claim_actions.open_claim(spend, acting_user=user, reason=reason),
            lambda made: f"已提出追回 {words.yuan(made.amount_fen)} 元，由乡镇收款。",
        )
        return
    claim = CashClaim.objects.filter(pk=posting.number(request, "claim"), spend__float=row).first()
    if claim is None:
        posting.refuse(request, "没有找到这笔追回，请刷新后再看。")
        return
    posting.attempt(
        request,
        lambda: claim_actions.write_off(claim, acting_user=user, reason=reason),
        lambda done: f"已核销 {words.yuan(done.written_off_fen)} 元，依据已记录。",
    )


def _follow(request: HttpRequest, row: Float, do: str) -> None:
    """A payment in cash whose grant is given again: proposed to be put right, or decided."""
    user: Any = request.user
    reason = posting.text(request, "reason", 300)
    if do == "follow":
        spend = PettySpend.objects.filter(pk=posting.number(request, "spend"), float=row).first()
        if spend is None:
            posting.refuse(request, "没有找到这笔支出，请刷新后再看。")
            return
        posting.attempt(
            request,
            lambda: claim_actions.propose_follow(spend, acting_user=user, reason=reason),
            "更正已提出，由另一人审核。",
        )
        return
    found = CashFollow.objects.filter(pk=posting.number(request, "follow"), spend__float=row).first()
    if found is None:
        posting.refuse(request, "没有找到这笔更正，请刷新后再看。")
        return
    agreed = posting.text(request, "answer", 6) == "agree"
    posting.attempt(
        request,
        lambda: claim_actions.decide_follow(found, acting_user=user, agreed=agreed, opinion=reason),
        lambda made: (
            f"已更正：{words.yuan(made.kept_fen)} 元抵作救助，追回减少 {words.yuan(made.reduced_fen)} 元。"
            if agreed
            else "已记为不同意。"
        ),
    )


def receipt(request: HttpRequest, no: str) -> HttpResponse:
    """The picture of a receipt. Looking is logged."""
    row = access.one(PettySpend.objects.select_related("receipt"), user=request.user, what="备用金支出", no=no)  # type: ignore[arg-type]
    reading.note_reading(request, "备用金收据", [row.household_id], [], region=row.region)
    return spot.picture(row.receipt)
