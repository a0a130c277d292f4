"""The check of the ledger, for auditors: the last runs and what they found; one may be run now."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tuodi.funds.models import LedgerCheck
from tuodi.org.access import NATION, system_scope
from tuodi.payments import invariants
from tuodi.web.components import posting
from tuodi.web.components.words import Look


def show(request: HttpRequest) -> HttpResponse:
    """The last checks. A POST runs one over all money of the site, and keeps it."""
    if request.method == "POST":
        with system_scope(NATION):
            made = invariants.keep(invariants.check())
        posting.succeed(request, f"已校验 {made.entries:,} 张凭证。")
        return posting.back(request.path)
    rows = list(LedgerCheck.objects.order_by("-id")[:30])
    last = rows[0] if rows else None
    context = {
        "last": last,
        "rules": [
            {
                "code": code,
                "label": label,
                "look": Look("通过", "ok", "check") if not last.counts.get(code) else Look(f"{last.counts[code]} 处不符", "bad", "x"),
                "findings": [one for one in last.findings if one["rule"] == code],
            }
            for code, label in invariants.RULES.items()
        ]
        if last
        else [],
        "rows": rows,
    }  # fmt: skip
    return render(request, "funds/checks.html", context)
