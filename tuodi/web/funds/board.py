"""The fund board: where each yuan is by source and programme, down to the entry and what it rests on."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.funds import chain, queries
from tuodi.funds.actions import reversal
from tuodi.funds.ledger import programme_label, source_label
from tuodi.funds.models import CashClaim, FundBook, FundPaper, HospitalAgreement, LedgerEntry, PettySpend, Population
from tuodi.funds.states import Account, PaperState, Source
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.org.models import DutyCode
from tuodi.payments.models import BankBatch, BankReturn, PayRun
from tuodi.web.chain import lines
from tuodi.web.chain.common import LINE_LABELS, NO_SOURCE, Asked
from tuodi.web.components import navigation, pages, places, posting, words
from tuodi.web.components.pages import Page
from tuodi.web.funds import trace
from tuodi.web.funds.common import ACCOUNTS, counties_of, place_of

COLOURS = ("#1f5a9e", "#6d9fd3", "#3f8f8a", "#d0a24a", "#b5533f", "#8a6bb1", "#66717f")


def _large(fen: int) -> dict[str, str]:
    """A sum for a tile, to the fen like all others, so that they can be added up by eye."""
    return {"value": words.yuan(fen), "unit": "元"}


def show(request: HttpRequest) -> HttpResponse:
    """The board of a place."""
    place = place_of(request)
    rows = queries.standing(place)
    kept = [one for one in rows if one.source]
    before = [one for one in rows if not one.source]
    sums = {account: sum(one.held.get(account, 0) for one in kept) for account, _ in ACCOUNTS}
    brought = sum(one.brought for one in kept)
    paid = sum(one.paid for one in kept)
    county = place[:6] if len(place) >= 6 else ""
    month = pages.month_of(request, default=pages.this_month())
    assert month is not None
    year = month.year
    waiting = queries.papers(place, state=PaperState.PROPOSED)
    context: dict[str, Any] = {
        "place": place,
        "county": county,
        "heading": places.name(place),
        "counties": counties_of(place),
        "figures": [
            {"label": "指标下达（减上缴）", **_large(brought)},
            {"label": "可用", **_large(sums[Account.AVAILABLE]), "share": pages.share(sums[Account.AVAILABLE], brought)},
            {"label": "占用和在途", **_large(sums[Account.RESERVED] + sums[Account.TRANSIT])},
            {"label": "退汇待处理", **_large(sums[Account.SUSPENSE])},
            {"label": "备用金和医院垫付", **_large(sums[Account.FLOAT] + sums[Account.HOSPITAL])},
            {"label": "已发到人", **_large(paid), "share": pages.share(paid, brought)},
        ],
        "balance": f"{words.yuan(brought)} ＝ 在手 {words.yuan(sum(sums.values()))} ＋ 已发 {words.yuan(paid)}",
        "balances": brought == sum(sums.values()) + paid,
        "accounts": [{"code": code, "label": label} for code, label in ACCOUNTS],
        "groups": _groups(kept, place),
        "sums": [brought, *(sums[account] for account, _ in ACCOUNTS), paid],
        "chain_href": f"{reverse('web:chain')}?place={place}",
        "before": sum(one.paid for one in before),
        "chart": _chart(kept),
        "idle": [
            {"county": places.name(one.standing.county), "name": queries.sub_label(one.standing.programme, one.standing.source),
             "fen": one.standing.held[Account.AVAILABLE], "days": one.days, "late": one.late, "limit": one.limit}
            for one in queries.idle(kept)[:8]
        ],
        "waiting": [{"href": reverse("web:fund-paper", args=[one.no]), "kind": one.get_kind_display(), "row": one} for one in waiting[:8]],
        "year": year,
        "may_keep": DutyCode.FUND_KEEP in navigation.held_duties(request),
        "may_review": DutyCode.FUND_REVIEW in navigation.held_duties(request),
    }  # fmt: skip
    if county:
        context |= _county(county, month)
    return render(request, "funds/board.html", context)


def _groups(rows: list[queries.Standing], place: str) -> list[dict[str, Any]]:
    """By programme, one line a source; over several counties the counties are added up."""
    found: dict[str, dict[str, list[int]]] = {}
    for one in rows:
        sums = found.setdefault(one.programme, {}).setdefault(one.source, [0] * (len(ACCOUNTS) + 2))
        for at, (account, _) in enumerate(ACCOUNTS):
            sums[at] += one.held.get(account, 0)
        sums[-2] += one.paid
        sums[-1] += one.brought + one.transferred
    groups = []
    for programme, sources in found.items():
        lines = []
        for source, sums in sources.items():
            cells = [
                {"label": label, "fen": sums[at], "href": _href(place, programme, source, code)}
                for at, (code, label) in enumerate(ACCOUNTS)
            ]
            lines.append(
                {
                    "label": source_label(source),
                    "href": _href(place, programme, source, ""),
                    "cells": cells,
                    "paid": sums[-2],
                    "came": sums[-1],
                }
            )
        totals = [sum(line["cells"][at]["fen"] for line in lines) for at in range(len(ACCOUNTS))]
        groups.append(
            {"label": programme_label(programme), "lines": lines, "totals": totals, "paid": sum(line["paid"] for line in lines), "came": sum(line["came"] for line in lines)}
        )  # fmt: skip
    return groups


def _href(place: str, programme: str, source: str, account: str) -> str:
    return (
        reverse("web:fund-entries")
        + "?"
        + urlencode({"place": place, "programme": programme, "source": source, "account": account})
    )


def _chart(rows: list[queries.Standing]) -> dict[str, Any] | None:
    names = list(dict.fromkeys(one.programme for one in rows))
    if not names:
        return None
    series = []
    places_of_money = [*ACCOUNTS, ("paid", "已发")]
    for at, (code, label) in enumerate(places_of_money):
        data = [
            sum(one.paid if code == "paid" else one.held.get(code, 0) for one in rows if one.programme == name)
            for name in names
        ]
        if any(data):
            series.append({"name": label, "data": [fen / 100 for fen in data], "color": COLOURS[at % len(COLOURS)]})
    told = "；".join(
        f"{programme_label(name)}在手 {words.yuan(sum(one.total for one in rows if one.programme == name))} 元，"
        f"已发 {words.yuan(sum(one.paid for one in rows if one.programme == name))} 元"
        for name in names
    )
    return {
        "data": {"labels": [programme_label(name) for name in names], "series": series, "unit": "元", "horizontal": True, "stacked": True},
        "text": f"各项资金在哪里的堆叠条形图：{told}；数字见下表",
    }  # fmt: skip


def _county(county: str, month: Month) -> dict[str, Any]:
    year = month.year
    book = FundBook.objects.filter(region=pad12(county)).first()
    people = Population.objects.filter(region=pad12(county), year=year).first()
    return {
        "book": book,
        "order": [str(Source(one).label) for one in book.draw_order] if book else [],
        "order_typed": "、".join(str(Source(one).label) for one in book.draw_order) if book else "",
        "month": month,
        "month_before": str(month.prev()),
        "month_after": str(month.next()),
        "plans": [{"label": programme_label(one.programme), "row": one} for one in queries.plans(county, month)],
        "matching": [{"label": programme_label(one.programme), "row": one} for one in queries.matching(county, year)],
        "population": people,
        "suspended": [
            {"run": run, "fen": fen, "no": PayRun.objects.filter(pk=run).values_list("no", flat=True).first() or ""}
            for run, fen in queries.suspended_runs(county)
        ],
    }


def entries(request: HttpRequest) -> HttpResponse:
    """Entries of one sub-account, or of all."""
    place = place_of(request)
    programme = pages.text_of(request, "programme", 16)
    source = pages.text_of(request, "source", 20) if "source" in request.GET else None
    account = pages.text_of(request, "account", 12)
    rows = queries.entries_of(place, programme=programme, source=source, account=account)
    found = pages.page_of(request, lambda start, stop: list(rows[start:stop].prefetch_related("postings")))
    wanted = {"programme": programme, "account": account}
    lines = []
    for one in found.items:
        moved = sum(
            side.debit_fen - side.credit_fen if account else side.debit_fen
            for side in one.postings.all()
            if all(not value or getattr(side, name) == value for name, value in wanted.items())
            and (source is None or side.source == source)
        )
        lines.append({"row": one, "href": reverse("web:fund-entry", args=[one.pk]), "fen": moved})
    titles = [programme_label(programme) if programme else "", source_label(source) if source is not None else ""]
    titles.append(str(Account(account).label) if account in Account.values else "")
    context = {
        "page": Page(lines, found.number, None, found.previous, found.next),
        "heading": " · ".join(one for one in titles if one) or "全部凭证",
        "place_name": places.name(place),
        "signed": bool(account),
    }
    return render(request, "funds/entries.html", context)


def entry(request: HttpRequest, pk: int) -> HttpResponse:
    """One entry: its sides, what it rests on, its seal."""
    row = queries.entry(request.user, pk)  # type: ignore[arg-type]
    sides = list(row.postings.order_by("id"))
    stages = chain.stages_of(row, sides)
    run_stages = [one for one in stages if one[0].code in LINE_LABELS]
    context = {
        "row": row,
        "sides": [
            {
                "row": one,
                "place": places.name(one.region),
                "programme": programme_label(one.programme),
                "source": source_label(one.source),
            }
            for one in sides
        ],
        "total": sum(one.debit_fen for one in sides),
        "origin": _origin(row),
        "seal": getattr(row, "seal", None),
        "reversed_by": LedgerEntry.objects.filter(reverses=row).first(),
        "bills": trace.bills_of(request, row),
        "family": trace.family_of(request, row),
        "behind": lines.behind_of(request, row, sum(fen for _, _, fen in run_stages)),
        "counts_in": [
            {
                "label": f"{one.label} · {queries.sub_label(side.programme, side.source)}",
                "fen": fen,
                "href": Asked(
                    row.region[:6], row.day.year, row.day.month, side.programme, side.source or NO_SOURCE
                ).href("web:chain-entries", stage=one.code),
            }
            for one, side, fen in stages
        ],
    }
    if navigation.may(request, [DutyCode.FUND_KEEP], pad12(row.region[:6])):
        waiting = FundPaper.objects.filter(target=row).exclude(state=PaperState.REFUSED).first()
        context |= {"may_ask": True, "why_not": reversal.why_not(row), "waiting": waiting}
    return render(request, "funds/entry.html", context)


def reverse_entry(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks that an entry be taken back; another decides on the paper."""
    row = queries.entry(request.user, pk)  # type: ignore[arg-type]
    done, paper = posting.attempt(
        request,
        lambda: reversal.propose_reversal(
            row,
            acting_user=request.user,  # type: ignore[arg-type]
            reason=posting.text(request, "reason", 300),
        ),
        lambda made: f"已提出冲正 {made.no}，待财政审核。",
    )
    href = reverse("web:fund-paper", args=[paper.no]) if done and paper else reverse("web:fund-entry", args=[pk])
    return posting.back(href)


def _origin(row: LedgerEntry) -> dict[str, str]:
    """What an entry rests on, with an address where there is a page."""
    if row.origin == "paper":
        paper = FundPaper.objects.filter(pk=row.origin_id).first()
        if paper:
            return {
                "label": f"{paper.get_kind_display()} {paper.no}",
                "href": reverse("web:fund-paper", args=[paper.no]),
            }
    if row.origin == "petty":
        spend = PettySpend.objects.filter(pk=row.origin_id).first()
        if spend:
            return {"label": f"备用金支出 {spend.no}", "href": reverse("web:petty-float", args=[spend.float_id])}
    if row.origin == "hospital":
        agreement = HospitalAgreement.objects.filter(pk=row.origin_id).first()
        if agreement:
            return {"label": f"定点医院 {agreement.name}", "href": reverse("web:hospital", args=[agreement.no])}
    if row.origin == "claim":
        claim = CashClaim.objects.select_related("spend").filter(pk=row.origin_id).first()
        if claim:
            return {
                "label": f"现金追回 {claim.spend.no}",
                "href": reverse("web:petty-float", args=[claim.spend.float_id]),
            }
    more = trace.origin_of(row)
    if more:
        return more
    if row.origin == "float":
        return {"label": "备用金", "href": reverse("web:petty-float", args=[row.origin_id])}
    run = PayRun.objects.filter(pk=row.run_id).first() if row.run_id else None
    what = ""
    if row.origin == "batch":
        what = BankBatch.objects.filter(pk=row.origin_id).values_list("no", flat=True).first() or ""
    elif row.origin == "return":
        what = BankReturn.objects.filter(pk=row.origin_id).values_list("file_name", flat=True).first() or ""
    if run is not None:
        return {"label": f"发放 {run.no}{f'，{what}' if what else ''}", "href": reverse("web:run", args=[run.pk])}
    # A run of a whole prefecture is no row of its counties: its number stands in the memo.
    return {"label": row.memo, "href": ""}
