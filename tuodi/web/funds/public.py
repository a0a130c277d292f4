"""One public fund: what came, whom it helped as far as the ledger tells, what is left; its closing."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.funds import public as reads
from tuodi.funds import queries
from tuodi.funds.actions import public as actions
from tuodi.funds.models import LedgerEntry, PettySpend, PublicFund
from tuodi.funds.programmes import programme_label
from tuodi.funds.states import Account, Kind
from tuodi.kernel.masking import mask_name
from tuodi.org import access
from tuodi.org.models import DutyCode
from tuodi.payments import chain
from tuodi.web.chain.common import FEW, names
from tuodi.web.components import navigation, pages, places, posting, reading, words
from tuodi.web.components.pages import Page
from tuodi.web.funds import trace
from tuodi.web.funds.common import ACCOUNTS

#: Lines named below one entry; the entry's own list has all.
_NAMED = 30
#: Papers shown at once; the list of entries has all.
_CAME = 50


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The fund; a POST closes it."""
    fund = access.one(
        PublicFund.objects.select_related("opened_by", "closed_by"),
        user=request.user,  # type: ignore[arg-type]
        what="公益基金",
        pk=pk,
    )
    if request.method == "POST":
        posting.attempt(
            request,
            lambda: actions.close_fund(fund, acting_user=request.user),  # type: ignore[arg-type]
            f"已停用 {fund.name}，不再接受新的资金。",
        )
        return posting.back(request.path)
    brought, spent = reads.sums(fund)
    held = reads.left(fund)
    in_hand = sum(one.fen for one in held if one.account != Account.RECEIVABLE)
    came, used = sum(brought.values()), sum(spent.values())
    shown = pages.page_of(request, lambda start, stop: reads.spent(fund, start, stop))
    context = {
        "fund": fund,
        "place": places.name(fund.region),
        "purposes": "、".join(programme_label(one) for one in fund.purposes),
        "figures": [
            {"label": "到账（减上缴，加追回）", "value": words.yuan(came), "unit": "元"},
            {"label": "已用（减退回）", "value": words.yuan(used), "unit": "元", "share": pages.share(used, came)},
            {"label": "余额", "value": words.yuan(in_hand), "unit": "元"},
        ],
        "balances": came - used == in_hand,
        "programmes": _programmes(fund, brought, spent, held),
        "came": _came(fund),
        "entries_href": _entries(fund),
        "page": Page(_whom(request, fund, shown.items), shown.number, None, shown.previous, shown.next),
        "held": [{"label": reads.part_label(fund, one), "fen": one.fen} for one in held],
        "waiting": reads.waiting(fund),
        "may": navigation.may(request, [DutyCode.FUND_KEEP], fund.region) and fund.closed_on is None,
    }
    return render(request, "funds/public_fund.html", context)


def _entries(fund: PublicFund, programme: str = "") -> str:
    wanted = {"place": fund.region[:6], "source": fund.source, "programme": programme}
    return f"{reverse('web:fund-entries')}?{urlencode(wanted)}"


def _programmes(
    fund: PublicFund, brought: dict[str, int], spent: dict[str, int], held: list[reads.Part]
) -> list[dict[str, Any]]:
    """By programme: what came, what was used, where the rest lies."""
    labels = {str(code): label for code, label in ACCOUNTS} | {str(Account.RECEIVABLE): "应收多发款"}
    rows = []
    for code in sorted({*brought, *spent, *(one.programme for one in held)}, key=queries.programme_rank):
        mine = [one for one in held if one.programme == code]
        rows.append(
            {
                "label": programme_label(code),
                "href": _entries(fund, code),
                "came": brought.get(code, 0),
                "used": spent.get(code, 0),
                "left": sum(one.fen for one in mine if one.account != Account.RECEIVABLE),
                "where": "，".join(f"{labels[one.account]} {words.yuan(one.fen)}" for one in mine),
            }
        )
    return rows


def _came(fund: PublicFund) -> list[dict[str, Any]]:
    rows = reads.brought(fund, 0, _CAME)
    found = LedgerEntry.objects.in_bulk([one.entry for one in rows])
    return [
        {"entry": found[one.entry], "programme": programme_label(one.programme), "fen": one.fen}
        for one in rows
        if one.entry in found
    ]


def _whom(request: HttpRequest, fund: PublicFund, rows: list[reads.Moves]) -> list[dict[str, Any]]:
    """What was spent, down to the family where the ledger tells: cash by its spend, a run's lines where the fund paid them all.

    Who may not read families sees masked names, and none where an entry, or the cash of a page, is of fewer than three families.
    """
    open_ = names(request)
    entries = LedgerEntry.objects.in_bulk([one.entry for one in rows])
    whole = reads.of_others(list(entries))
    spends = {
        one.entry_id: one
        for one in PettySpend.objects.filter(entry__in=entries).select_related("household__head", "determination__case")
    }
    few = len({one.household_id for one in spends.values()}) < FEW
    seen: set[int] = set()
    found: list[dict[str, Any]] = []
    for one in rows:
        entry = entries[one.entry]
        base = {
            "entry": entry,
            "programme": programme_label(one.programme),
            "fen": one.fen,
            "name": "",
            "href": "",
            "note": "",
        }
        total = whole[one.entry, one.programme]
        part = "" if total == one.fen else f"全部 {words.yuan(total)} 元，其中本基金 {words.yuan(one.fen)} 元"
        spend = spends.get(one.entry)
        if spend is not None:
            if open_:
                seen.add(spend.household_id)
            found.append(base | _cash(spend, open_, few) | ({"part": part} if part else {}))
            continue
        found += _lines(base, one, part, open_, seen)
    if seen:
        reading.note_list(request, "公益基金用于哪些家庭", sorted(seen), [])
    return found


def _cash(spend: PettySpend, open_: bool, few: bool) -> dict[str, Any]:
    case = spend.determination.case
    head = spend.household.head.name
    if not open_ and few:
        return {"note": "备用金；涉及的家庭少于 3 户，不列出姓名"}
    return {
        "name": head if open_ else mask_name(head),
        "href": reverse("web:family", args=[spend.household_id]) if open_ else "",
        "case": case.no if case is not None and open_ else "",
        "case_href": reverse("web:case", args=[case.pk]) if case is not None and open_ else "",
        "note": f"备用金 {spend.no}",
    }


def _lines(base: dict[str, Any], one: reads.Moves, part: str, open_: bool, seen: set[int]) -> list[dict[str, Any]]:
    """The rows of one entry: its lines where their sum is what the fund paid of it, else the entry as a whole."""
    entry: LedgerEntry = base["entry"]
    rows = chain.behind(entry)
    if rows is None:
        origin = trace.origin_of(entry)
        return [
            base | {"name": origin.get("label", ""), "href": origin.get("href", ""), "note": entry.memo, "part": part}
        ]
    rows = rows.filter(programme=one.programme)
    cell = chain.sum_of(rows)
    href = f"{reverse('web:chain-lines')}?entry={entry.pk}"
    sign = -1 if entry.kind == Kind.RETURNED else 1
    count = f"{cell.lines} 笔，{cell.families} 户"
    if not open_ and cell.families < FEW:
        return [base | {"note": "涉及的家庭少于 3 户，不单独列出", "part": part}]
    if part or sign * cell.fen != one.fen:
        return [base | {"name": count, "href": href, "note": "同一笔有几个资金来源，分不到户", "part": part}]
    shown = chain.part_of(rows, 0, _NAMED)
    made = []
    for line in shown:
        who = (line.person or line.household.head).name
        if open_:
            seen.add(line.household_id)
        made.append(
            base
            | {
                "name": who if open_ else mask_name(who),
                "href": reverse("web:chain-line", args=[line.pk]),
                "note": f"{line.month // 100} 年 {line.month % 100} 月",
                "fen": sign * (line.amount_fen or 0),
            }
        )
    rest = one.fen - sum(row["fen"] for row in made)
    if cell.lines > len(made):
        made.append(base | {"name": f"其余 {cell.lines - len(made)} 笔", "href": href, "fen": rest})
    return made
