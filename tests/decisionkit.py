"""Cases taken to the confirmation, granted, changed; rolls imported: for tests of decisions and payments."""

from __future__ import annotations

from datetime import date

from casekit import at, days

from tuodi.cases import queries as cases
from tuodi.cases.actions import complete_step
from tuodi.decisions import actions
from tuodi.decisions.models import Determination
from tuodi.decisions.roll import put_on_roll
from tuodi.intake.application_actions import accept_application
from tuodi.policy.procedure import Does
from tuodi.verification.actions import enter_facts, freeze, start_fact_set
from tuodi.verification.queries import latest_frozen

ACCEPTED = date(2021, 9, 13)
FACTS = {"income_year": "10800.00", "assets_ok": True}


def collected(office, household, case, facts, on):
    with at(office.town_review, on):
        draft = start_fact_set(acting_user=office.town_review, household=household, case=case)
        enter_facts(draft, acting_user=office.town_review, household=facts)
        return freeze(draft, acting_user=office.town_review)


def investigated(office, household, facts=FACTS, on=ACCEPTED):
    """A case of 57, accepted, checked, visited, its facts frozen."""
    with at(office.town_accept, on):
        case = accept_application(acting_user=office.town_accept, household=household, programme="dibao").case
    with at(office.county_review, on):
        complete_step(cases.open_step(case, "check"), acting_user=office.county_review)
    with at(office.town_review, on):
        complete_step(
            cases.open_step(case, "visit"), acting_user=office.town_review, opinion="属实", people=[office.town_visit]
        )
    collected(office, household, case, facts, on)
    return case


def to_confirm(office, household, facts=FACTS, on=ACCEPTED, result="pass"):
    """The same, up to the open confirmation. Returns the case and the day after the notice."""
    case = investigated(office, household, facts, on)
    with at(office.town_review, on):
        actions.first_review(case, acting_user=office.town_review, result=result, opinion="同意上报")
        if result == "pass":
            actions.post_notice(case, acting_user=office.town_review)
    after = days(on, 8)
    if result == "pass":
        with at(office.town_review, after):
            actions.close_notice(case, acting_user=office.town_review)
    return case, after


def granted(office, household, facts=FACTS, on=ACCEPTED):
    case, after = to_confirm(office, household, facts, on)
    with at(office.county_confirm, after):
        (row,) = actions.confirm(case, acting_user=office.county_confirm, opinion="同意")
        put_on_roll(row, acting_user=office.county_confirm)
    return row


def changed_facts(office, household, on, **facts):
    with at(office.town_review, on):
        household.refresh_from_db()
        draft = start_fact_set(acting_user=office.town_review, household=household, base=latest_frozen(household))
        if facts:
            enter_facts(draft, acting_user=office.town_review, household=facts)
        return freeze(draft, acting_user=office.town_review)


def imported(household, *, amount_fen, start):
    """A roll entry taken over from a roster, by way of an accepted row."""
    from tuodi.decisions.rosters import adopt_roster
    from tuodi.org.access import system_scope

    with system_scope(household.region[:6]):
        batch = accepted_batch([household], amount_fen=amount_fen, start=start)
        adopt_roster(batch, acting_user=None)
        return Determination.objects.get(household=household, kind="imported")


def accepted_batch(households, *, amount_fen, start):
    from tuodi.files.models import StoredFile
    from tuodi.intake.models import AcceptedRoster, RosterImport
    from tuodi.kernel import clock

    region = households[0].region[:6] + "000000"
    stored = StoredFile.objects.create(
        region=region, sha256=f"{households[0].pk:064d}", size=1, name="花名册.xlsx", media_type="x",
        purpose="roll_import", stored_at=clock.now(),
    )  # fmt: skip
    batch = RosterImport.objects.create(
        region=region, file=stored, file_name="花名册.xlsx", profile="x", month=start, staged_at=clock.now()
    )
    AcceptedRoster.objects.bulk_create(
        AcceptedRoster(
            imported=batch, region=household.region, household=household, programme="dibao", category="urban",
            amount_fen=amount_fen, persons=3, start_month=start, as_of_month=start, accepted_at=clock.now(),
        )
        for household in households
    )  # fmt: skip
    return batch


def paid_next_month(office, case, make_user, on, *, facts=None):
    """What is left of a case of 57, from the day on to the closed run of the next month.

    Args:
        facts: collected where given; else the case has its frozen set.

    Returns: the determination and the family's line.
    """
    from paykit import Staff, line, run_month

    from tuodi.kernel.periods import Month
    from tuodi.org.access import system_scope
    from tuodi.people.actions import add_account
    from tuodi.people.models import Household

    with system_scope("cn"):
        household = Household.objects.select_related("head").get(pk=case.household_id)
    for name, user, more in (
        ("check", office.county_review, {}),
        ("visit", office.town_review, {"opinion": "属实", "people": [office.town_visit]}),
        ("meeting", office.town_review, {"result": "agreed", "opinion": "评议同意"}),
    ):
        with at(user, on):
            if case.steps.filter(name=name, state="open").exists():
                complete_step(cases.open_step(case, name), acting_user=user, **more)
    if facts is not None:
        collected(office, household, case, facts, on)
    with at(office.town_review, on):
        actions.first_review(case, acting_user=office.town_review, result="pass", opinion="同意上报")
        again = not case.steps.filter(
            does=Does.NOTICE, state="open"
        ).exists()  # objected to once, it is not posted anew
        if not again:
            actions.post_notice(case, acting_user=office.town_review)
    after = days(on, 8)
    with at(office.town_review, after):
        if not again:
            actions.close_notice(case, acting_user=office.town_review)
    county = household.region[:6]
    with at(office.county_confirm, after), system_scope(county):
        card = add_account(
            acting_user=None, person=household.head, number="6228480402564896233", holder=household.head.name,
            since=date(2015, 1, 1), bank_code="农商行",
        )  # fmt: skip
    with at(office.county_confirm, after):
        (row,) = actions.confirm(case, acting_user=office.county_confirm, opinion="同意")
        put_on_roll(row, acting_user=office.county_confirm, account=card)
    staff = Staff(make_user, county)
    run = run_month(staff, Month.of(after).next(), place=county)
    return row, line(staff, run, household)
