"""Reading applications that came from phones: the officer's queue and page, and a holder's own list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db.models import Q, QuerySet

from tuodi.intake.models import OnlineApplication
from tuodi.intake.online_content import Content, open_content
from tuodi.intake.online_forms import ApplyForm, form_of
from tuodi.intake.online_states import OPEN, OnlineState
from tuodi.kernel import clock
from tuodi.org import access
from tuodi.org.models import Duty, DutyCode, User

if TYPE_CHECKING:
    from tuodi.intake.online_actions import Holder

__all__ = ["access_online", "content_of", "own", "sent_of", "waiting"]

#: What a queue shows; the ciphertext stays where it is.
_QUEUE = (
    "id", "uid", "no", "region", "state", "programme", "applicant_name", "applicant_masked", "agent_name", "members",
    "sent_at", "supplied_at", "asked_until", "for_other", "staff_id",
)  # fmt: skip


def waiting(user: User, duties: Sequence[Duty] | None = None) -> QuerySet[OnlineApplication]:
    """Sent and not yet answered, where the user may accept; the longest waiting first. One query for the duties, one for
    the rows; what the user himself sent for a family is not his to accept.

    Args:
        duties: What he holds today, where the caller has asked.
    """
    held = access.duties_of(user) if duties is None else duties
    ranges = [access.range_of(one.place_code) for one in held if one.code == DutyCode.ACCEPT]
    if not ranges:
        return OnlineApplication.objects.none()
    mine = Q(pk__in=[])
    for one in ranges:
        mine |= Q(region__gte=one.low, region__lt=one.high)
    rows = OnlineApplication.objects.filter(mine, state=OnlineState.SENT).exclude(staff=user)
    return rows.only(*_QUEUE).order_by("sent_at", "id")


def sent_of(user: User) -> QuerySet[OnlineApplication]:
    """All that were sent, in the user's range, newest first."""
    return OnlineApplication.objects.exclude(state=OnlineState.DRAFT).only(*_QUEUE).order_by("-sent_at", "-id")


def access_online(user: User, pk: int) -> OnlineApplication:
    """One that was sent, in the user's range. NotFoundError alike for absent, draft and forbidden."""
    rows = OnlineApplication.objects.exclude(state=OnlineState.DRAFT).select_related(
        "application__case", "asked_by", "closed_by", "staff", "account__person"
    )
    return access.one(rows, user=user, what="网上申请", pk=pk)


def content_of(online: OnlineApplication) -> tuple[Content, ApplyForm]:
    """Answers and the form they answer. The caller has opened the door and logs the reading."""
    return open_content(online), form_of(online.form_key, online.region, clock.today())


def own(holder: Holder, *, for_other: bool | None = None) -> list[OnlineApplication]:
    """A holder's own applications, newest first, drafts before the sent. Of those for others nothing but number and state
    is to be shown once they are sent."""
    with access.system_scope(access.NATION):
        rows = OnlineApplication.objects.filter(**holder.owns())
        if for_other is not None:
            rows = rows.filter(for_other=for_other)
        return list(rows.select_related("application__case").order_by("no", "-saved_at")[:50])


def is_open(online: OnlineApplication) -> bool:
    """Sent and not yet ended."""
    return online.state in OPEN
