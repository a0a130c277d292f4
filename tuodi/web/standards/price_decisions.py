"""The difference of a corrected index: proposed on the round's page, decided on a page of its own with every family's part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.org.models import DutyCode
from tuodi.payments import actions, price_corrections
from tuodi.payments.actions.claims import MAX_PAPER
from tuodi.payments.models import PayRun, PriceCorrection, PriceDecision, PriceIndex
from tuodi.payments.price_corrections import carried_otherwise
from tuodi.payments.prices import index_of
from tuodi.payments.states import CorrectionKind, CorrectionState
from tuodi.people.enums import Programme
from tuodi.web.components import law, navigation, pages, places, posting, reading
from tuodi.web.components.words import Look
from tuodi.web.county.sheets import sheet
from tuodi.web.field import spot

LOOKS = {
    CorrectionState.PROPOSED: Look("待审批", "warn", "clock"),
    CorrectionState.APPROVED: Look("已生效", "ok", "check"),
    CorrectionState.REFUSED: Look("不同意", "bad", "x"),
    CorrectionState.REVOKING: Look("待撤销审批", "warn", "clock"),
    CorrectionState.REVOKED: Look("已撤销", "", "x"),
}


def sections(
    request: HttpRequest, index: PriceIndex, labels: Mapping[str, str], *, compare: bool
) -> list[dict[str, Any]]:
    """Runs that paid the month by other figures than those that count now, what was decided about each, and (asked for) the difference."""
    month = Month.parse(str(index.month))
    newest = index_of(index.place, month)
    if newest is None or newest.pk != index.pk:
        return []
    carried = {one.run.pk: one for one in carried_otherwise(index)}
    decided = PriceDecision.objects.filter(index_month=index.month).values_list("run", flat=True)
    runs = {one.run.pk: one.run for one in carried.values()}
    runs |= {row.pk: row for row in PayRun.objects.filter(pk__in=set(decided) - set(runs)).order_by("id")}
    out = []
    for pk, run in runs.items():
        one = carried.get(pk)
        everybody = price_corrections.persons(one, month, law.book()) if one is not None and compare else None
        rows = price_corrections.by_county(everybody) if everybody is not None else []
        short = sum(row.more for row in rows)
        over = sum(row.less for row in rows)
        out.append(
            {
                "run": run, "no": run.no, "href": reverse("web:run", args=[pk]), "open": one is not None,
                "was": one.facts.get("cpi", "—") if one else "", "food_was": one.facts.get("food", "—") if one else "",
                "now": one.now.get("cpi", "—") if one else "", "food_now": one.now.get("food", "—") if one else "",
                "rows": [{"place": places.name(row.county), "group": labels.get(row.group, row.group), "row": row} for row in rows],
                "total": sum(row.delta_fen for row in rows), "settled": compare and one is not None and not short and not over,
                "decisions": [_brief(row) for row in price_corrections.decisions_of(run, month)],
                "asks": [
                    {"short": which, "word": word, "n": n, "ways": ways}
                    for which, word, n, ways in (
                        (True, "少发", short, [("pay", "补发"), ("leave", "不作调整")]),
                        (False, "多发", over, [("claim", "追回"), ("leave", "不作调整")]),
                    )
                    if n
                ] if navigation.may(request, [DutyCode.PAY_CHECK], run.region) else [],
            }
        )  # fmt: skip
    return out


def _brief(row: PriceDecision) -> dict[str, Any]:
    return {
        "row": row, "look": LOOKS[CorrectionState(row.state)], "href": reverse("web:price-decision", args=[row.pk]),
        "kind": CorrectionKind(row.kind).label, "word": "少发" if row.short else "多发",
    }  # fmt: skip


def propose(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes the proposal of the round's page."""
    index = PriceIndex.objects.filter(pk=pk).first()
    run = PayRun.objects.filter(pk=posting.number(request, "run")).first()
    if index is None or run is None:
        raise NotFoundError("价格指数")
    given: Any = request.FILES.get("paper")
    done, row = posting.attempt(
        request,
        lambda: actions.propose_price(
            run, index, acting_user=request.user, kind=posting.text(request, "kind", 6), short=posting.text(request, "which", 5) == "short",  # type: ignore[arg-type]
            reason=posting.text(request, "reason", 500), document=posting.text(request, "document", 200),
            paper=given.read(MAX_PAPER + 1) if given else b"",
        ),
        lambda made: f"决定 {made.no} 已提出，等另一人审批。",
    )  # fmt: skip
    if done and row is not None:
        return posting.back(reverse("web:price-decision", args=[row.pk]))
    return posting.back(reverse("web:price-round", args=[pk]) + "?compare=1")


def _row(request: HttpRequest, pk: int) -> PriceDecision:
    if not navigation.may_read(request):
        raise NotFoundError("价格补贴更正决定")
    rows = PriceDecision.objects.select_related(
        "run", "index", "proposed_by", "decided_by", "revoke_asked_by", "revoked_by", "paper"
    )
    return access.one(rows, user=request.user, what="价格补贴更正决定", pk=pk)  # type: ignore[arg-type]


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One decision: sums, how far it got, every family's part, and the deeds of the reader's duties."""
    row = _row(request, pk)
    user: Any = request.user
    parts = (
        PriceCorrection.objects.filter(decision=row)
        .select_related("household__head", "person")
        .order_by("region", "household", "person")
    )
    page = pages.page_of(request, lambda start, stop: list(parts[start:stop]), total=row.persons)
    reading.note_list(
        request, "价格补贴更正", [one.household_id for one in page.items], [one.person_id for one in page.items]
    )
    labels = {**dict(Programme.choices), **law.book().enums["price_group"].values}
    may_check = navigation.may(request, [DutyCode.PAY_CHECK], row.region)
    may_approve = navigation.may(request, [DutyCode.PAY_APPROVE], row.region)
    booked = price_corrections.booked_of(row)
    locked = ""
    if row.state == CorrectionState.PROPOSED:
        locked = (
            "您提出的决定，由另一人审批。" if row.proposed_by_id == user.pk
            else "您登记了这个指数，由另一人审批。" if row.index.entered_by_id == user.pk
            else "" if may_approve else "由“发放审批”人员审批。"
        )  # fmt: skip
    elif row.state == CorrectionState.REVOKING:
        locked = (
            "您申请的撤销，由另一人审批。"
            if row.revoke_asked_by_id == user.pk
            else ""
            if may_approve
            else "由“发放审批”人员审批。"
        )
    untouched = price_corrections.untouched(row)
    counting = row.state in (CorrectionState.APPROVED, CorrectionState.REVOKING) and row.kind != CorrectionKind.LEAVE
    context = {
        "row": row, "look": LOOKS[CorrectionState(row.state)], "kind": CorrectionKind(row.kind).label,
        "word": "少发" if row.short else "多发", "place": places.name(row.run.place), "month": Month.parse(str(row.index_month)).yyyymm,
        "booked": booked, "counting": counting,
        "page": pages.Page(
            [
                {
                    "name": one.person.name, "home": one.household.head.name if one.household.head else one.household.no,
                    "href": reverse("web:family", args=[one.household_id]), "place": places.path(one.region), "group": labels.get(one.group, one.group),
                    "before": one.before_fen, "after": one.after_fen, "delta": one.after_fen - one.before_fen, "ours": bool(one.programme),
                }
                for one in page.items
            ],
            page.number, page.total, page.previous, page.next,
        ),
        "may_decide": row.state == CorrectionState.PROPOSED and not locked, "may_revoke": row.state == CorrectionState.REVOKING and not locked,
        "may_take": counting and row.outside_fen > 0 and may_check,
        "may_ask": row.state == CorrectionState.APPROVED and may_check and untouched, "untouched": untouched, "locked": locked,
        "round_href": reverse("web:price-round", args=[row.index_id]), "run_href": reverse("web:run", args=[row.run_id]),
    }  # fmt: skip
    return render(request, "standards/price_decision.html", context)


def do(request: HttpRequest, pk: int) -> HttpResponse:
    """Decides, asks for a decision to be taken back, or takes it back."""
    row = _row(request, pk)
    user: Any = request.user
    what, agreed = posting.text(request, "do", 12), posting.text(request, "answer", 6) == "agree"
    if what == "decide":
        posting.attempt(
            request,
            lambda: actions.decide_price(
                row, acting_user=user, agreed=agreed, opinion=posting.text(request, "opinion", 300)
            ),
            lambda made: _done(made) if agreed else "已记为不同意。",
        )
    elif what == "ask":
        posting.attempt(
            request,
            lambda: actions.ask_revoke_price(row, acting_user=user, reason=posting.text(request, "reason", 300)),
            "已申请撤销，等另一人审批。",
        )
    elif what == "revoke":
        posting.attempt(
            request,
            lambda: actions.decide_revoke_price(row, acting_user=user, agreed=agreed),
            "决定已撤销。" if agreed else "决定维持不变。",
        )
    else:
        posting.refuse(request, "这个操作现在不能办理，页面可能已过时。请看下面的最新状态。")
    return posting.back(reverse("web:price-decision", args=[row.pk]))


def _done(row: PriceDecision) -> str:
    if row.kind == CorrectionKind.PAY:
        return f"决定 {row.no} 已生效，下一期发放自动补发。"
    if row.kind == CorrectionKind.CLAIM:
        return f"决定 {row.no} 已生效，下一期发放审批后立追回事项，按月抵扣。"
    return f"决定 {row.no} 已生效，差额不作调整。"


def paper(request: HttpRequest, pk: int) -> HttpResponse:
    """The document a decision rests on."""
    return spot.picture(_row(request, pk).paper)


_COLUMNS = (
    ("姓名", 10),
    ("身份证号", 20),
    ("对象类别", 22),
    ("住地", 34),
    ("更正前（元）", 12),
    ("更正后（元）", 12),
    ("差额（元）", 12),
)


def hand_over(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of groups other departments pay as a sheet for them; taking it is on record."""
    row = _row(request, pk)
    done, rows = posting.attempt(
        request, lambda: actions.take_correction_list(row, acting_user=request.user), "名单已下载，取用已记录。"  # type: ignore[arg-type]
    )  # fmt: skip
    if not done or rows is None:
        return posting.back(reverse("web:price-decision", args=[pk]))
    labels = law.book().enums["price_group"].values
    month = Month.parse(str(row.index_month))
    return sheet(
        request,
        name=f"价格补贴更正移交名单-{row.index_month}-{row.no}",
        title=f"{places.name(row.run.place)} {month.label} 价格临时补贴更正移交名单：{len(rows)} 人 {format_yuan(row.outside_fen)} 元",
        columns=_COLUMNS,
        rows=[
            (
                one.person.name, number, labels.get(one.group, one.group), places.path(one.region), format_yuan(one.before_fen, sep=False),
                format_yuan(one.after_fen, sep=False), format_yuan(one.after_fen - one.before_fen, sep=False),
            )
            for one, number in rows
        ],
        action="web.export_price_list",
        subject="pricedecision",
        subject_id=pk,
        what={"decision": row.no, "month": row.index_month},
        note="由管理这一类对象名单的部门补发或追回，一人只办一次。",
    )  # fmt: skip
