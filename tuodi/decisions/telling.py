"""What a family is told of its case and of what changes: that there is news and where to read it, never what it says."""

from __future__ import annotations

from tuodi.cases.models import Case
from tuodi.decisions.models import RollNotice
from tuodi.org.models import User
from tuodi.people import tellings
from tuodi.people.models import Household

__all__ = ["of_case", "of_notice"]


def of_case(case: Case, template: str, event: str, **facts: object) -> None:
    """Tells the applicant of an event of his case, once."""
    tellings.tell(template, case.household, case.applicant, event, {"no": case.no, **facts}, case_no=case.no)


def of_notice(notice: RollNotice, by: User) -> None:
    """Tells the family that there is a written notice, and at which office; a person's own notice goes to him."""
    household = Household.objects.select_related("head").get(pk=notice.household_id)
    person = notice.person if notice.person_id and notice.person else household.head
    facts: dict[str, object] = {"no": notice.no, "office": by.office.name}
    tellings.tell("roll_changed", household, person, f"rollnotice:{notice.no}", facts)
