"""A small town with one of each protected thing, its officers and a stranger's, for the tests of attacks. All synthetic."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from casekit import Office, at
from cluekit import Hands, clue
from decisionkit import granted
from django.test import Client
from django.urls import reverse
from paykit import Staff, person, run_month
from paykit import family as paid_family

from tuodi.audit.models import AuditEntry
from tuodi.files import store
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.monitoring import clue_actions as ledger
from tuodi.org import access
from tuodi.org.models import DutyCode
from tuodi.people import actions
from tuodi.web.urls import urlpatterns

BACKEND = "tuodi.org.backends.StaffBackend"
PASSWORD = "Tuodi-2017-x"
HOME, ELSEWHERE = "420802", "420804"
DAY = date(2021, 9, 30)
#: All one person may hold together: whoever has them stands before no closed door, so what he is refused, his range refuses.
EVERYTHING = tuple(
    sorted(
        set(DutyCode.values)
        - {
            "sysadmin",
            "security",
            "audit_view",
            "third_party",
            "pay_check",
            "pay_approve",
            "fund_review",
            "standards_opinion",
            "standards_approve",
            "hand_over_approve",
        }
    )
)


def signed_in(user: Any, **headers: str) -> Client:
    client = Client(**headers)
    client.force_login(user, backend=BACKEND)
    return client


def logged(action: str, **lookup: Any) -> list[AuditEntry]:
    with access.system_scope("cn"):
        return list(AuditEntry.objects.filter(action=action, **lookup).order_by("id"))


@dataclass
class Town:
    """What there is in 东宝区; `args` are the addresses of real objects by route name."""

    office: Office
    staff: Staff
    hands: Hands
    household: Any
    paid: Any
    case: Any
    determination: Any
    clue: Any
    evidence: Any
    run: Any
    args: dict[str, tuple[Any, ...]]


def applicants() -> Any:
    """A family not on the roll. Its numbers meet none of `paykit`'s, whose families stand beside it."""
    with clock.frozen(date(2016, 1, 4)), access.system_scope("420802001001"):
        head, wife = (person("420802001001", name, date(1975, 5, 5)) for name in ("欧阳建", "单晓月"))
        return actions.form_household(
            acting_user=None,
            region=head.region,
            head=head,
            area_kind="urban",
            on=date(2015, 1, 1),
            members=[(wife, "spouse")],
        )


def town(make_user: Callable[..., Any]) -> Town:
    """One of each, made by those who may."""
    office, staff, hands = Office("420802001001", make_user), Staff(make_user), Hands(make_user)
    household = applicants()
    determination = granted(office, household)
    case = determination.case
    paid = paid_family()
    run = run_month(staff, Month(2017, 5), upto="open")
    one = clue(paid)
    with at(hands.verify, date(2017, 5, 5)):
        ledger.assign(one, acting_user=hands.verify, responsible=hands.town)
    with at(hands.town, date(2017, 5, 5)):
        ledger.start_verifying(one, acting_user=hands.town)
        paper = store.put_bytes(
            b"%PDF-1.4 paper", region=one.region, name="a.pdf", purpose="clue_evidence", media_type="application/pdf"
        )
        evidence = ledger.add_evidence(
            one, kind="visit", title="入户调查", text="院内停放车辆", file=paper, acting_user=hands.town
        )
    args = {
        **dict.fromkeys(("family", "apply", "consents", "consent-form", "phones"), (household.pk,)),
        **dict.fromkeys(("case", "facts", "case-visits", "case-review"), (case.pk,)),
        "determination": (determination.pk,),
        **dict.fromkeys(("clue", "clue-sheet", "clue-visits", "clue-statement"), (one.no,)),
        "clue-file": (one.no, evidence.pk),
        **dict.fromkeys(("run", "run-changes", "run-lines", "run-progress"), (run.pk,)),
    }
    return Town(office, staff, hands, household, paid, case, determination, one, evidence, run, args)


_NOTHING = {"int": 987654321, "uuid": "00000000-0000-4000-8000-000000000000"}
_ARGUMENT = re.compile(r"<(?:(\w+):)?(\w+)>")


def routes() -> list[Any]:
    """Every page of the product, also of the areas with a module of their own."""

    def flat(patterns: Any) -> list[Any]:
        return [
            page for one in patterns for page in (flat(one.url_patterns) if hasattr(one, "url_patterns") else [one])
        ]

    return flat(urlpatterns)


def staff_routes() -> list[Any]:
    """The pages with a door for staff."""
    return [route for route in routes() if hasattr(route.callback, "duties")]


def takes_arguments(route: Any) -> bool:
    """Whether an address has variable parts."""
    return bool(_ARGUMENT.search(str(route.pattern)))


def anything(route: Any) -> str:
    """An address that fits a route and leads to nothing."""
    kinds = [kind for kind, _ in _ARGUMENT.findall(str(route.pattern))]
    return reverse(f"web:{route.name}", args=[_NOTHING.get(kind, "none-1") for kind in kinds])


def now() -> Any:
    """The day of the tests."""
    return clock.frozen(DAY)
