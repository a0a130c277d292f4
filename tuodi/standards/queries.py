"""Reads of proposals: a draft is seen where its place and the reader's meet; what is published is everybody's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Q, QuerySet

from tuodi.kernel.places import trim
from tuodi.org.errors import NotFoundError
from tuodi.org.models import User
from tuodi.policy.book import Book
from tuodi.policy.model import Param, ParamValue, lies_in
from tuodi.standards.errors import ProposalInputError
from tuodi.standards.models import Opinion, Proposal
from tuodi.standards.states import Body, ProposalState

__all__ = ["Slot", "bodies_heard", "proposal_for", "slots", "visible", "waiting_for"]

#: Parameters offered first in the editor; any other numeric one of these programmes can be added.
OFFERED = ("dibao.standard", "tekun.basic", "tekun.care")


@dataclass(frozen=True)
class Slot:
    """One value a draft may set: what holds today, and where it is written."""

    place: str
    param: Param
    keys: tuple[str, ...]
    current: ParamValue | None


def _above(place: str) -> list[str]:
    return [place[:size] for size in (2, 4, 6, 9, 12) if size < len(place)]


def visible(user: User) -> QuerySet[Proposal]:
    """Proposals a reader may see, newest first."""
    own = trim(user.office.place_code)
    rows = Proposal.objects.all().order_by("-id")
    if own == "cn":
        return rows
    public = Q(state__in=[ProposalState.PUBLISHED, ProposalState.IN_FORCE])
    return rows.filter(public | Q(place__startswith=own) | Q(place__in=_above(own)))


def proposal_for(user: User, pk: int) -> Proposal:
    """One of them. NotFoundError."""
    found = visible(user).filter(pk=pk).first()
    if found is None:
        raise NotFoundError("调标方案")
    return found


def waiting_for(user: User) -> QuerySet[Opinion]:
    """Opinions asked of the reader's office and not given yet."""
    own = trim(user.office.place_code)
    return (
        Opinion.objects.filter(stance="", proposal__state=ProposalState.CONSULTED)
        .filter(Q(office=user.office) | Q(office__isnull=True, place=own))
        .select_related("proposal")
        .order_by("asked_at")
    )


def bodies_heard(book: Book, place: str, on: date) -> list[Body]:
    """Whom a proposal of a place must hear on a day, as the packs say (`profile.bodies_heard`); governments below only where there are any.

    Raises: ProposalInputError where no pack says it: that is never guessed.
    """
    row = (
        book.value("profile.bodies_heard", book.chain(place), (), on) if "profile.bodies_heard" in book.params else None
    )
    if row is None or row.value is None:
        raise ProposalInputError(
            "征求意见的单位", f"{book.place_name(place)} 没有规定（参数 profile.bodies_heard），请先在政策包里写明"
        )
    return [one for one in Body if one in row.value and (one != Body.COUNTY or len(place) <= 4)]


def slots(book: Book, place: str, on: date, params: Sequence[str] = OFFERED) -> list[Slot]:
    """The values a draft of a place may set: its own, and those of places inside that have one of their own."""
    found: list[Slot] = []
    for name in params:
        param = book.params.get(name)
        if param is None or param.structural:
            continue
        inside = sorted(
            {
                row.place
                for row in book.draft.values.get(name, [])
                if row.place != place and len(row.place) <= 6 and lies_in(row.place, place, book.draft.areas)
            }
        )
        for where in [place, *inside]:
            chain = book.chain(where)
            for keys, value in book.table(name, chain, on).items():
                own = value is not None and value.place == where
                if where == place or own:
                    found.append(Slot(where, param, keys, value))
    return found
