"""Who plays in the load test and what they find: accounts, sessions, cases to work on; afterwards, whether every write is there.

    python -m bench.load_cast prepare cast.json     # rows, accounts and sessions into a copy of the demo's state folder
    python -m bench.load_cast renew cast.json       # new sessions for the same people: a resident's ends after a quarter of an hour
    python -m bench.load_cast session               # one resident's cookie, for bench.pages
    python -m bench.load_cast check cast.json acknowledged.json

Runs as the runtime role beside the server, by the product's own verbs. All people are invented (area 420899).
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tuodi.config.settings")
os.environ |= {"TUODI_DEMO": "1", "TUODI_DEMO_TODAY": "2017-09-11", "TUODI_DB_ROLE": "app"}

#: Towns with officers of their own, three each; county officers beside them make sixty.
TOWNS, COUNTY_OFFICERS, RESIDENTS = 15, 15, 200
#: Cases a town, by where they stand: to be visited, and with a notice on the wall.
TO_VISIT, NOTICED = 24, 2
TODAY = date(2017, 9, 11)
SINCE = date(2016, 1, 4)
COUNTIES = ("420802", "420804", "420821", "420822", "420881")


def _officer(username: str, name: str, office: Any, duties: tuple[str, ...]) -> dict[str, str]:
    from tuodi.org import actions
    from tuodi.org.models import User

    password = secrets.token_urlsafe(12) + "9aA"
    user = User.objects.filter(username=username).first()
    if user is None:
        user = actions.add_user(
            acting_user=None, username=username, name=name, office=office, password=password, is_demo=True
        )
        for duty in duties:
            actions.grant_duty(acting_user=None, user=user, code=duty)
    else:
        user.set_password(password)
        user.save(update_fields=["password"])
    return {"account": username, "password": password, "place": office.place_code}


def _office(place: str) -> Any:
    from tuodi.org import actions
    from tuodi.org.models import Office

    found = Office.objects.filter(place_code=place, kind=Office.Kind.CIVIL_AFFAIRS).first()
    return found or actions.add_office(acting_user=None, name=f"压测民政办 {place}", place_code=place, is_demo=True)


class Families:
    """Families nobody knows yet, one person each, with numbers nobody has."""

    def __init__(self) -> None:
        from tuodi.org.access import system_scope
        from tuodi.people.models import Person

        with system_scope("cn"):  # those of an earlier cast keep their numbers
            self.number = Person.objects.filter(name__startswith="压测").count() * 2

    def make(self, village: str) -> Any:
        from tuodi.kernel.identity import make_id
        from tuodi.kernel.places import pad12
        from tuodi.people import actions

        while True:
            self.number += 1
            birth = date(1941, 1, 1) + timedelta(days=self.number // 900)
            text = make_id("420899", birth, self.number % 900 + 51)
            if not text.endswith("000"):
                break
        region = pad12(village)
        head = actions.register_person(
            acting_user=None, region=region, name=f"压测{self.number}", id_text=text, is_demo=True
        )
        return actions.form_household(
            acting_user=None, region=region, head=head, area_kind="rural", on=date(2012, 1, 1), members=[], is_demo=True
        )


def _case(household: Any, staff: dict[str, Any], *, noticed: bool) -> Any:
    """A dibao case, checked by letter; with a notice if wished."""
    from tuodi.cases import actions as cases
    from tuodi.cases import queries
    from tuodi.decisions import actions as decisions
    from tuodi.intake.application_actions import accept_application
    from tuodi.kernel import clock
    from tuodi.org.access import scope
    from tuodi.verification import actions as verification

    with clock.frozen(TODAY - timedelta(6)), scope(staff["sl"]):
        case = accept_application(
            acting_user=staff["sl"],
            household=household,
            programme="dibao",
            materials={"身份证": True, "户口簿": False},
        ).case
    with clock.frozen(TODAY - timedelta(5)), scope(staff["hd"]):
        cases.complete_step(queries.open_step(case, "check"), acting_user=staff["hd"], opinion="各部门答复齐")
    if not noticed:
        return case
    with clock.frozen(TODAY - timedelta(4)), scope(staff["sh"]):
        cases.complete_step(
            queries.open_step(case, "visit"), acting_user=staff["sh"], opinion="属实", people=[staff["rh"]]
        )
        cases.complete_step(
            queries.open_step(case, "meeting"), acting_user=staff["sh"], result="agreed", opinion="9 人参加，同意"
        )
        draft = verification.start_fact_set(acting_user=staff["sh"], household=household, case=case)
        verification.enter_facts(
            draft, acting_user=staff["sh"], household={"income_year": "2400.00", "assets_ok": True}
        )
        verification.freeze(draft, acting_user=staff["sh"])
        decisions.first_review(case, acting_user=staff["sh"], result="pass", opinion="符合条件")
        return decisions.post_notice(case, acting_user=staff["sh"], phone="0724-0000000")


def _villages() -> dict[str, str]:
    """Town -> its village with most families, the towns with most families first."""
    from tuodi.org.access import system_scope
    from tuodi.people.models import Household

    with system_scope("4208"):
        count = Counter(
            region for region in Household.objects.values_list("region", flat=True) if region[:6] in COUNTIES
        )
    towns: Counter[str] = Counter()
    for region, families in count.items():
        towns[region[:9]] += families
    best = {town: max((r for r in count if r[:9] == town), key=lambda r: count[r]) for town in towns}
    return {town: best[town] for town, _ in towns.most_common(TOWNS)}


def _session(account: Any) -> str:
    """A signed-in resident's cookie, as `people.middleware.sign_in` makes it (two hundred codes from one address are refused)."""
    from django.contrib.sessions.backends.db import SessionStore

    from tuodi.kernel import clock
    from tuodi.people.middleware import KEY

    session, now = SessionStore(), int(clock.now().timestamp())
    session[KEY] = account.pk
    session["resident_began"] = session["resident_seen"] = now
    session.create()
    return str(session.session_key)


def prepare(path: Path) -> None:
    """Makes the rows and writes the cast down."""
    from django.db import transaction

    from tuodi.kernel import clock
    from tuodi.org.access import system_scope
    from tuodi.org.models import User
    from tuodi.people import residents
    from tuodi.people.models import Household, RollEntry
    from tuodi.people.queries import members_on
    from tuodi.verification.visit_actions import plan_visit

    officers: list[dict[str, Any]] = []
    maker = Families()
    with transaction.atomic(), clock.frozen(SINCE):
        villages = _villages()
        county = {}
        for place in COUNTIES:
            office = _office(place)
            for number in range(COUNTY_OFFICERS // len(COUNTIES)):
                one = _officer(f"ya-{place}-{number}", f"压县{number}", office, ("review", "visit"))
                officers.append(one | {"role": "county"})
            county[place] = User.objects.get(username=f"ya-{place}-0")
        for town in villages:
            office = _office(town)
            for role, duties in (("sl", ("accept",)), ("sh", ("review", "visit")), ("rh", ("visit",))):
                one = _officer(f"ya-{town}-{role}", f"压{role}", office, duties)
                officers.append(one | {"role": role})
    notices: dict[str, list[str]] = {}
    for town, village in villages.items():
        staff = {role: User.objects.get(username=f"ya-{town}-{role}") for role in ("sl", "sh", "rh")}
        staff["hd"] = county[town[:6]]
        cases, visits = [], []
        with transaction.atomic(), system_scope(town):
            with clock.frozen(TODAY - timedelta(7)):
                homes = [maker.make(village) for _ in range(TO_VISIT + NOTICED)]
            notices[town] = [_case(home, staff, noticed=True).no for home in homes[:NOTICED]]
            for home in homes[NOTICED:]:
                cases.append(_case(home, staff, noticed=False).pk)
            with clock.frozen(TODAY - timedelta(1)):
                for home in homes[NOTICED : NOTICED + 4]:
                    visits.append(
                        plan_visit(home, "review", acting_user=staff["sh"], assigned=[staff["rh"], staff["sh"]]).pk
                    )
        for one in officers:
            if one["place"] == town:
                one |= {"cases": cases, "visits": visits, "partner": f"ya-{town}-rh"}
        print(f"{town}：{len(cases)} 件办件，{len(visits)} 项入户", flush=True)
    people = []
    each = -(-RESIDENTS // len(villages))
    for town, village in villages.items():
        with transaction.atomic(), system_scope(town):
            on_roll = RollEntry.objects.filter(
                region=village, programme="dibao", end_month=None, household__isnull=False
            ).values("household_id")
            homes = Household.objects.filter(pk__in=on_roll).select_related("head").order_by("pk")[: each * 2]
            for home in homes:
                if len([one for one in people if one["town"] == town]) >= each or len(people) >= RESIDENTS:
                    break
                if home.head.died_on or not members_on(home, TODAY):
                    continue
                account = residents.register_phone(
                    acting_user=None, person=home.head, phone=f"138{home.pk % 10**8:08d}"
                )
                people.append({"town": town, "session": _session(account), "account": account.pk})
    for one in people:
        one["notices"] = notices[one["town"]]
    path.write_text(json.dumps({"officers": officers, "residents": people}), encoding="utf-8")
    path.chmod(0o600)
    print(f"{len(officers)} 名工作人员、{len(people)} 名居民，见 {path}")


def renew(path: Path) -> None:
    """Signs the residents of a cast in anew."""
    from tuodi.people.models import ResidentAccount

    cast = json.loads(path.read_text(encoding="utf-8"))
    for one in cast["residents"]:
        one["session"] = _session(ResidentAccount(pk=one["account"]))
    path.write_text(json.dumps(cast), encoding="utf-8")


def session() -> None:
    """Prints the cookie of somebody on the roll; his phone is put on file if nobody has one yet."""
    from tuodi.kernel import clock
    from tuodi.org.access import system_scope
    from tuodi.people import residents
    from tuodi.people.models import ResidentAccount, RollEntry

    with clock.frozen(TODAY), system_scope("420802"):
        account = ResidentAccount.objects.filter(is_active=True, person__died_on__isnull=True).order_by("pk").first()
        if account is None:
            on_roll = RollEntry.objects.filter(programme="dibao", end_month=None, household__head__died_on=None)
            head = on_roll.select_related("household__head").order_by("pk")[0].household.head
            account = residents.register_phone(acting_user=None, person=head, phone=f"138{head.pk % 10**8:08d}")
    print(_session(account))


def check(cast: Path, acknowledged: Path) -> int:
    """Holds each write somebody was told of against the database: there, and once. Prints what is missing or double."""
    from tuodi.audit.models import AuditEntry
    from tuodi.cases.models import NoticeObjection, Step
    from tuodi.intake.models import Material, OnlineApplication, OnlinePaper, Ticket
    from tuodi.org.access import system_scope
    from tuodi.oversight.models import Complaint
    from tuodi.verification.models import VisitPhoto

    told: list[dict[str, Any]] = json.loads(acknowledged.read_text(encoding="utf-8"))
    faults: list[str] = []
    seen: Counter[str] = Counter()
    with system_scope("4208"):
        for one in told:
            kind, key = one["kind"], one["key"]
            if kind == "step":
                rows = Step.objects.filter(case_id=key[0], name=key[1], state="done", opinion__contains=one["words"])
                found = rows.count()
                deeds = AuditEntry.objects.filter(
                    action="cases.complete_step", subject_type="step", subject_id=str(rows[0].pk) if found else ""
                ).count()
                if found and deeds > 1:
                    found = deeds
            elif kind == "received":
                found = Material.objects.filter(
                    application__case_id=key, name=one["words"], received_on__isnull=False
                ).count()
            elif kind == "ticket":
                found = Ticket.objects.filter(text=one["words"]).count()
            elif kind == "photo":
                found = VisitPhoto.objects.filter(task_id=key, source_sha256=one["words"]).count()
            elif kind == "objection":
                found = NoticeObjection.objects.filter(notice__no=key, text=one["words"]).count()
            elif kind == "complaint":
                found = Complaint.objects.filter(text=one["words"]).count()
            elif kind == "draft":
                found = OnlineApplication.objects.filter(uid=key).count()
            elif kind == "paper":
                found = OnlinePaper.objects.filter(online__uid=key, source_sha256=one["words"]).count()
            else:
                raise ValueError(kind)
            seen[kind] += 1
            if found != 1 and one["sure"]:
                faults.append(f"{'丢失' if not found else f'重复 {found} 次'}：{kind} {key} {one['words'][:40]}")
            if found > 1 and not one["sure"]:
                faults.append(f"重复 {found} 次：{kind} {key}")
    for line in faults:
        print(line)
    print("已核对：" + "，".join(f"{kind} {count}" for kind, count in sorted(seen.items())))
    print(f"丢失或重复：{len(faults)}")
    return 1 if faults else 0


def main() -> int:
    """Prepares or checks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("verb", choices=("prepare", "renew", "session", "check"))
    parser.add_argument("cast", type=Path, nargs="?")
    parser.add_argument("acknowledged", type=Path, nargs="?")
    args = parser.parse_args()
    import django

    django.setup()
    from tuodi.config import postgres

    postgres.ensure_running()
    if args.verb == "session":
        session()
        return 0
    if args.cast is None:
        parser.error("缺少 cast.json")
    if args.verb in ("prepare", "renew"):
        (prepare if args.verb == "prepare" else renew)(args.cast)
        return 0
    if args.acknowledged is None:
        parser.error("check 需要第二个文件")
    return check(args.cast, args.acknowledged)


if __name__ == "__main__":
    sys.exit(main())
