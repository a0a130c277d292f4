"""Who walks through an application, and by which addresses: a resident under `/my/`, an officer who helps under `/online/`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse

from tuodi.intake.online_actions import Holder

__all__ = ["HELP", "MY", "Road"]


@dataclass(frozen=True)
class Road:
    """One way of addresses.

    Attributes:
        name: Before each name of an address. own, others: Names of the pages it starts from. staff: Walked by an officer.
    """

    name: str
    own: str
    others: str
    staff: bool = False

    def holder(self, request: HttpRequest) -> Holder:
        """Who fills it in."""
        if self.staff:
            return Holder(staff=request.user)  # type: ignore[arg-type]
        return Holder(account=request.resident)  # type: ignore[attr-defined]

    def region(self, request: HttpRequest) -> str:
        """Where the holder is at home: his village, or his office's place."""
        if self.staff:
            return str(request.user.office.place_code)  # type: ignore[union-attr]
        return str(request.subject.region)  # type: ignore[attr-defined]

    def to(self, name: str, *args: Any) -> str:
        """The address of a page of this road."""
        starts = {"list": self.own, "others": self.others}
        return reverse(f"web:{starts.get(name) or f'{self.name}-{name}'}", args=args)

    def page(self, uid: UUID, key: str) -> str:
        """The address of a question by its key (`work`, `state.1`)."""
        name, _, place = key.partition(".")
        return self.to("each", uid, name, int(place)) if place else self.to("page", uid, name)


MY = Road("my-apply", "my-apply", "my-for-others")
HELP = Road("help", "help-others", "help-others", staff=True)
