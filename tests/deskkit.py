"""A case worked through real pages: who sits at the screen on which day, and what he clicks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from casekit import Office, at, family

from tuodi.decisions.models import Determination
from tuodi.kernel import clock
from tuodi.org.access import system_scope
from tuodi.people import actions as people
from tuodi.people.models import Account


class Desk:
    """One browser that officers use in turn. Time stands on the day named, for the server too."""

    def __init__(self, page: Any, base: str, sign_in: Any, make_user: Any, village: str, **home: Any) -> None:
        self.page, self.base, self._sign_in = page, base, sign_in
        self.office = Office(village, make_user)
        self.household = family(village, **home)
        self.case: Any = None

    @contextmanager
    def sits(self, user: Any, day: date, path: str = "") -> Iterator[Any]:
        """Signs an officer in on a day and opens a page: by default the case's own."""
        self.page.context.clear_cookies()
        with clock.frozen(day):
            self._sign_in(user.username)
            self.page.goto(self.base + (path or f"/cases/{self.case.pk}/"))
            yield self.page

    def card(self) -> Account:
        """An account of the head of the family."""
        with clock.frozen(date(2016, 1, 4)), system_scope(self.household.region[:6]):
            return people.add_account(
                acting_user=None,
                person=self.household.head,
                number="6228480402564890018",
                holder=self.household.head.name,
                since=date(2015, 1, 1),
                bank_code="ABC",
            )

    def accept(self, programme: str, day: date) -> None:
        """Takes the application at the counter."""
        with self.sits(self.office.town_accept, day, f"/families/{self.household.pk}/apply/") as page:
            page.get_by_label("申请项目").select_option(programme)
            page.get_by_label("居民身份证").check()
            page.get_by_role("button", name="受理").click()
            assert page.get_by_text("已受理，业务号").is_visible()
        from tuodi.cases.models import Case

        with at(self.office.town_accept, day):
            self.case = Case.objects.get(household=self.household)

    def answer(self, step: str, button: str, *, opinion: str = "", people: str = "") -> None:
        """Fills the open form of a step on the case page and presses a button; the page says that it was done."""
        box = self.page.locator("section", has=self.page.get_by_role("heading", name=step, exact=True)).filter(
            has=self.page.get_by_role("button", name=button)
        )
        if opinion:
            box.get_by_label("意见").fill(opinion)
        if people:
            box.get_by_label("共同办理人账号").fill(people)
        box.get_by_role("button", name=button).click()
        assert self.page.get_by_text(f"“{step}”已办理").is_visible()

    def does(self, step: str, user: Any, day: date, button: str = "办理完成", **more: str) -> None:
        """One officer, one step, on the case page."""
        with self.sits(user, day):
            self.answer(step, button, **more)

    def enrol(self) -> None:
        """Puts on the roll what was just confirmed, on the same page, with the family's account."""
        self.page.get_by_label("发放账户").select_option(index=0)
        self.page.get_by_role("button", name="列入名册").click()
        assert self.page.get_by_text("已列入名册").is_visible()

    def decided(self) -> Determination:
        """The one determination of the case."""
        with at(self.office.county_confirm, clock.today()):
            return Determination.objects.get(case=self.case)
