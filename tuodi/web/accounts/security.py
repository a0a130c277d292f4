"""The security manager's page: locked accounts, missing second factors, alarms about much reading, what is lent."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.audit.models import AuditEntry
from tuodi.kernel import clock
from tuodi.org import access, lending_actions, lockouts
from tuodi.org.models import Duty, DutyCode, SecondFactor, User
from tuodi.web.accounts.mine import lent_line
from tuodi.web.accounts.staff import in_range, running_duties
from tuodi.web.components import places, posting


def show(request: HttpRequest) -> HttpResponse:
    """The page; a POST takes back what is lent."""
    user: Any = request.user
    if request.method == "POST":
        _recall(request, user)
        return posting.back(reverse("web:security"))
    accounts = {
        one.username: one for one in in_range(user).filter(username__in=[o.username for o in lockouts.locked()])
    }
    names = list(accounts)
    context = {
        "locked": [
            {
                "row": row,
                "account": accounts[row.username],
                "href": reverse("web:account", args=[accounts[row.username].pk]),
            }
            for row in lockouts.locked(names)
        ],
        "lacking": [
            {"account": one, "href": reverse("web:account", args=[one.pk]), "duties": sorted(labels)}
            for one, labels in _lacking(user)
        ],
        "alarms": AuditEntry.objects.filter(action="org.reading_alarm").order_by("-id")[:20],
        "limit": settings.READING_LIMIT,
        "lent": [lent_line(one) for one in _lent(user)],
        "place_names": places.names(user.office.place_code),
    }
    return render(request, "accounts/security.html", context)


def _lacking(user: User) -> list[tuple[User, set[str]]]:
    """Accounts in range whose duties ask for a second factor that is not set up."""
    rows = (
        running_duties()
        .filter(
            code__in=settings.SECOND_FACTOR_DUTIES, user__in=in_range(user), user__is_active=True, user__is_demo=False
        )
        .exclude(user__in=SecondFactor.objects.filter(confirmed_at__isnull=False).values("user"))
        .select_related("user__office")
        .order_by("user__username")[:200]
    )
    found: dict[int, tuple[User, set[str]]] = {}
    for duty in rows:
        found.setdefault(duty.user_id, (duty.user, set()))[1].add(duty.get_code_display())
    return list(found.values())


def _lent(user: User) -> list[Duty]:
    here = access.range_of(user.office.place_code)
    rows = Duty.objects.filter(
        lent_from__isnull=False, until__gt=clock.today(), place_code__gte=here.low, place_code__lt=here.high
    ).filter(until__gt=F("since"))
    return list(rows.select_related("lent_from__user", "user__office").order_by("since", "pk")[:200])


def _recall(request: HttpRequest, user: User) -> None:
    number = posting.text(request, "lent", 18)
    chosen = [one for one in _lent(user) if str(one.pk) == number]
    if not chosen:
        posting.refuse(request, "没有这项委托，请刷新页面后重试。")
        return
    posting.attempt(
        request, lambda: lending_actions.recall(acting_user=user, lent=chosen), "已收回，对方下一次操作时即失效。"
    )


DUTIES = (DutyCode.SECURITY,)
