"""Families and officers for tests of cases, verification and decisions. All synthetic: area 420899 or made numbers."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta

from django.test import Client

from tuodi.kernel import clock
from tuodi.kernel.identity import make_id
from tuodi.kernel.places import pad12
from tuodi.org.access import scope, system_scope

#: Serials that end in 00 are left out: with a check digit 0 they look like numbers a spreadsheet cut.
_numbers = (n for n in itertools.count(1) if (n % 500 + 1) % 100)

#: Who does what, by level, in a county: name -> (significant digits of the place, duties).
JOBS = {
    "town_accept": (9, ("accept",)),
    "town_review": (9, ("review", "visit")),
    "town_visit": (9, ("visit",)),
    "town_confirm": (9, ("confirm",)),
    "village_review": (12, ("review",)),
    "county_review": (6, ("review", "visit")),
    "county_visit": (6, ("visit",)),
    "county_confirm": (6, ("confirm",)),
    "county_file": (6, ("file",)),
}


def hire(make_user, place: str, *duties: str):
    """An officer who has held his duties since 2010, so that he may act on the day of any test."""
    with clock.frozen(date(2010, 1, 4)):
        return make_user(place, *duties)


class Office:
    """Officers of one village, its town and its county, made when first asked for: `office.town_accept`."""

    def __init__(self, village: str, make_user: Callable[..., object]) -> None:
        self.village, self._make = village, make_user
        self._users: dict[str, object] = {}

    def __getattr__(self, name: str) -> object:
        if name.startswith("_") or name not in JOBS:
            raise AttributeError(name)
        if name not in self._users:
            digits, duties = JOBS[name]
            self._users[name] = hire(self._make, self.village[:digits], *duties)
        return self._users[name]


def _number(birth: date) -> str:
    """A number nobody has yet. One that ends in 000 looks damaged and is refused, so it is passed over."""
    made = (make_id("420899", birth, next(_numbers) % 998 + 1) for _ in range(3))
    return next(one for one in made if not one.endswith("000"))


def family(village: str, *, names: tuple[str, ...] = ("欧阳建", "单晓月", "欧阳春"), area_kind: str = "urban"):
    """A household of a head, a spouse and children in a village, registered by the system."""
    from tuodi.people import actions

    region = pad12(village)
    with system_scope(village):
        people = []
        for place, name in enumerate(names):
            birth = date(2010 if place > 1 else 1960, 1, 2)  # a grown-up child is no member of the family
            people.append(
                actions.register_person(
                    acting_user=None, region=region, name=name, id_text=_number(birth), is_demo=True
                )
            )
        relations = ["spouse", "child", "child", "child"]
        return actions.form_household(
            acting_user=None,
            region=region,
            head=people[0],
            area_kind=area_kind,
            on=date(2015, 1, 1),
            members=list(zip(people[1:], relations, strict=False)),
            is_demo=True,
        )


def client_of(user) -> Client:
    """A browser in which an officer is signed in."""
    client = Client()
    client.force_login(user, backend="tuodi.org.backends.StaffBackend")
    return client


@contextmanager
def at(user, day: date):
    """Acts as a user on a day: clock stopped, scope set."""
    with ExitStack() as stack:
        stack.enter_context(clock.frozen(day))
        stack.enter_context(scope(user))
        yield


def days(day: date, n: int) -> date:
    """The day n days later."""
    return day + timedelta(days=n)
