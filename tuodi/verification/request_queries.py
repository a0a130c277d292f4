"""Reading requests and reports, and which departments a place may ask."""

from __future__ import annotations

from django.conf import settings
from django.db.models import QuerySet

from tuodi.cases.models import Case
from tuodi.kernel.places import trim
from tuodi.org import access
from tuodi.org.models import User
from tuodi.people.models import Household
from tuodi.verification.models import CheckReport, CheckRequest, DataSource

__all__ = [
    "access_report",
    "access_request",
    "newest_report",
    "newest_report_of",
    "requests_of",
    "sources_of",
    "why_not_live",
]


def access_request(user: User, pk: int) -> CheckRequest:
    """One request in the user's range. Raises NotFoundError alike for absent and forbidden."""
    rows = CheckRequest.objects.select_related("household__head", "case", "opened_by")
    return access.one(rows, user=user, what="核对", pk=pk)


def access_report(user: User, pk: int) -> CheckReport:
    """One report in the user's range. Raises NotFoundError."""
    return access.one(CheckReport.objects.select_related("request", "file"), user=user, what="核对报告", pk=pk)


def requests_of(household_id: int) -> QuerySet[CheckRequest]:
    """A family's requests, newest first."""
    return CheckRequest.objects.filter(household_id=household_id).order_by("-id")


def newest_report(case: Case) -> CheckReport | None:
    """The newest report of a case's requests, or None."""
    return CheckReport.objects.filter(request__case=case).order_by("-id").first()


def newest_report_of(household: Household) -> CheckReport | None:
    """The newest report about a family, whatever case it was for, or None."""
    rows = CheckReport.objects.filter(request__household=household).only("no", "complete", "made_at", "valid_to")
    return rows.order_by("-id").first()


def sources_of(region: str) -> list[DataSource]:
    """Sources that may be asked for a place: its own and those of the places above; the nearest of a code wins."""
    short = trim(region)
    places = [short[:length] for length in (2, 4, 6, 9, 12) if length <= len(short)]
    rows = DataSource.objects.filter(place_code__in=[*places, "cn"])
    found: dict[str, DataSource] = {}
    for row in sorted(rows, key=lambda one: 0 if one.place_code == "cn" else len(one.place_code)):
        found[row.code] = row
    return sorted(found.values(), key=lambda one: (one.label, one.code))


def why_not_live(source: DataSource) -> str:
    """Why a source is not asked over the network; empty = it is."""
    if source.state != DataSource.State.LIVE:
        return f"尚未接入（{source.get_state_display()}）"
    if source.mode != DataSource.Mode.REAL_TIME:
        return f"不是实时接口（{source.get_mode_display()}）"
    if not settings.GATEWAY_URL:
        return "没有设置核对网关"
    return ""
