"""A page costs the same number of queries with one family and with sixty: nothing is asked row by row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from casekit import client_of
from counting import questions
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from paykit import Staff, family, run_month

from tuodi.intake import roster_actions
from tuodi.intake.application_actions import accept_application
from tuodi.kernel import clock
from tuodi.kernel.identity import make_id
from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.org.models import Place
from tuodi.people import actions, facts
from tuodi.people.models import Household, RollEntry

pytestmark = pytest.mark.django_db

HEADER = "序号,乡镇（街道）,村（社区）,户主姓名,姓名,与户主关系,身份证号,保障人口,家庭年收入,月保障金额（元）,开户银行,银行账号,备注"
COUNTY = "420804"
#: The shipped list does not know this village, so its name comes from the site's own rows.
VILLAGE = "420804001991"
#: No page may ask more than this, whatever it shows.
MOST = 25
MANY = 60


@pytest.fixture(autouse=True)
def _september() -> Any:
    with clock.frozen(date(2017, 9, 11)):
        yield


@pytest.fixture(autouse=True)
def _village() -> None:
    Place.objects.create(code=VILLAGE, name="示例社区")


@pytest.fixture(autouse=True)
def _own_files(settings: Any, tmp_path: Any) -> None:
    settings.FILES_DIR = tmp_path / "files"


def register(count: int, first: int, *, on_roll: bool = True) -> list[Household]:
    """Families of two with facts, on the dibao roll unless told otherwise, from a sequence number on."""
    found = []
    with access.system_scope(COUNTY):
        for number in range(first, first + count):
            people = [
                actions.register_person(
                    acting_user=None,
                    region=VILLAGE,
                    name=name,
                    id_text=make_id("420899", date(year, 1, 1), 2 * number + 1),
                )
                for name, year in (("王桂兰", 1950), ("周建军", 1952))
            ]
            household = actions.form_household(
                acting_user=None,
                region=VILLAGE,
                head=people[0],
                area_kind="urban",
                on=date(2015, 1, 1),
                members=[(people[1], "spouse")],
            )
            known = {"household": {"assets_ok": True, "income_year": "3600.00"}, "members": []}
            facts.put_facts(household, known, date(2015, 1, 1))
            if on_roll:
                RollEntry.objects.create(
                    household=household,
                    region=household.region,
                    programme="dibao",
                    category="urban",
                    amount_fen=85_000,
                    start_month=201704,
                )
            found.append(household)
    return found


def queries(client: Client, path: str, data: dict[str, str] | None = None, *, post: bool = False) -> tuple[int, str]:
    """How many queries a page costs the second time, and the page."""
    ask: Callable[..., Any] = client.post if post else client.get
    ask(path, data or {})
    with CaptureQueriesContext(connection) as seen:
        answer = ask(path, data or {})
    assert answer.status_code == 200, path
    asked = questions(seen)
    assert len(asked) <= MOST, "\n".join([path, *(sql[:150] for sql in asked)])
    return len(asked), answer.content.decode()


def same_for_many(
    ask: Callable[[], tuple[int, str]], more: Callable[[], object], shown: Callable[[str], int], at_least: int
) -> None:
    """Asks, adds to the roll, asks again: the page shows more and costs the same."""
    few, first = ask()
    more()
    many, second = ask()
    assert shown(second) >= at_least > shown(first)
    assert many == few


@pytest.mark.parametrize("query", ["王", "wang", "wgl", "王桂兰"])
def test_search(make_user: Callable[..., Any], query: str) -> None:
    client = client_of(make_user(COUNTY, "accept"))
    register(1, 1)
    same_for_many(
        lambda: queries(client, "/families/", {"q": query}),
        lambda: register(MANY - 1, 2),
        lambda page: page.count("420899********"),
        30,
    )


def test_search_by_number(make_user: Callable[..., Any]) -> None:
    client = client_of(make_user(COUNTY, "accept"))
    register(1, 1)
    number = make_id("420899", date(1950, 1, 1), 3)
    few, _ = queries(client, "/families/", {"q": make_id("420899", date(1952, 1, 1), 3)}, post=True)
    register(MANY - 1, 2)
    many, page = queries(client, "/families/", {"q": number}, post=True)
    assert "王桂兰" in page
    assert many == few


def test_workbench_and_cases(make_user: Callable[..., Any]) -> None:
    officer = make_user("420804001", "accept")
    client = client_of(make_user(COUNTY, "review", "visit"))

    def accept(households: list[Household]) -> None:
        with access.scope(officer):
            for household in households:
                accept_application(
                    acting_user=officer,
                    household=household,
                    programme="dibao",
                    applicant=household.head,
                    materials={"居民身份证": True, "家庭经济状况核对授权书": True},
                )

    accept(register(1, 1, on_roll=False))
    few = {path: queries(client, path) for path in ("/", "/cases/")}
    accept(register(MANY - 1, 2, on_roll=False))
    for path, (count, page) in few.items():
        many, longer = queries(client, path)
        assert longer.count("王桂兰") >= page.count("王桂兰") + 10, path
        assert many == count, path


@pytest.mark.django_db(transaction=True)
def test_run_and_family(make_user: Callable[..., Any]) -> None:
    """A county that pays one family and a county that pays sixty: lists, run, differences, lines, and a family paid."""
    seen: list[dict[str, int]] = []
    for county, count in (("420802", 1), ("420804", MANY)):
        staff = Staff(make_user, county)
        households = [family(village=f"{county}001991", income=300) for _ in range(count)]
        run = run_month(staff, Month(2017, 8), place=county, upto="settle")
        later = run_month(staff, Month(2017, 9), place=county, upto="calculate")
        client = client_of(staff.prepare)
        home = f"/runs/{run.pk}"
        pages = {
            "runs": "/runs/",
            "run": f"{home}/",
            "draft": f"/runs/{later.pk}/",
            "changes": f"{home}/changes/?cause=new",
            "lines": f"{home}/lines/",
            "family": f"/families/{households[0].pk}/",
        }
        with clock.frozen(date(2017, 9, 11)):
            found = {name: queries(client, path) for name, path in pages.items()}
        assert found["lines"][1].count("向桂英") == min(count, 50)
        assert found["changes"][1].count("向桂英") == min(count, 50)
        assert "认定说明" in found["family"][1]
        seen.append({name: cost for name, (cost, _) in found.items()})
    assert seen[0] == seen[1]


def roster(folder: Path, count: int) -> Path:
    """A county's list of single persons, every second one with a number that cannot be."""
    lines = ["掇刀区城市低保花名册（2017年8月）", HEADER]
    for number in range(1, count + 1):
        text = make_id("420804", date(1960, 1, 2), 2 * number + 1)
        text = text if number % 2 else f"{text[:-1]}@"
        lines.append(f"{number},掇刀石街道,虎牙关社区,林{number},林{number},本人,{text},1,3600,275,农业银行,,")
    path = folder / f"掇刀区城市低保花名册{count}.csv"
    path.write_bytes("\r\n".join(lines).encode("gb18030"))
    return path


def test_import_preview(make_user: Callable[..., Any], tmp_path: Path) -> None:
    officer = make_user(COUNTY, "roll_import")
    client = client_of(officer)
    seen = []
    for count in (2, MANY):
        with access.scope(officer):
            staged = roster_actions.stage(roster(tmp_path, count), profile="jingmen-urban", acting_user=officer)
            roster_actions.preview(staged.pk, place=COUNTY)
        here = f"/imports/{staged.pk}/"
        found = [queries(client, path) for path in ("/imports/", here, f"{here}?verdict=quarantine")]
        assert found[2][1].count("林") >= count // 2
        seen.append([cost for cost, _ in found])
    assert seen[0] == seen[1]


def _swept(hands: Any, count: int, first: int) -> None:
    """A sweep's clues about so many families, each assigned, with its first event."""
    from tuodi.monitoring.models import Clue, ClueEvent, SweepRun

    run = SweepRun.objects.order_by("id").last() or SweepRun.objects.create(
        region=f"{COUNTY}000000", no=f"BD-{COUNTY}-2017-0001", place_code=COUNTY, trigger="manual", state="done", as_of=date(2017, 9, 1),
        rows={"dibao/urban": 10}, opened_at=clock.now(), finished_at=clock.now(),
    )  # fmt: skip
    rows = Clue.objects.bulk_create(
        Clue(
            region=one.region, no=f"XS-{COUNTY}-2017-{first + place:05d}", run=run, source="vehicle", rule_code="VEHICLE",
            rule_text={"label": "名下有在用机动车"}, severity="R", programme="dibao", household=one, person=one.head,
            fact_key=f"{first + place}", fact_hash=f"{first + place}", registered={"plate": "测A"}, found_on=date(2017, 9, 1), monthly_fen=85_000,
            state="assigned", responsible=hands, office=hands.office, assigned_at=clock.now(), deadline=date(2017, 9, 22), pushed_at=clock.now(),
        )
        for place, one in enumerate(register(count, first))
    )  # fmt: skip
    ClueEvent.objects.bulk_create(
        ClueEvent(clue=one, region=one.region, at=clock.now(), kind="raise", after="generated") for one in rows
    )


def test_sweeps_ledger_warnings_and_supervision(make_user: Callable[..., Any]) -> None:
    """One clue and sixty cost the same: the ledger, its pages, a clue, the sweep, the warnings, the supervisor's view."""
    officer = make_user("420804001", "clue")
    reader = make_user(COUNTY, "sweep", "verify", "clue_decide", "supervise")
    client = client_of(reader)
    with access.scope(reader):
        _swept(officer, 1, 1)
    from tuodi.monitoring.models import Clue, SweepRun

    with access.scope(reader):
        run, one = SweepRun.objects.get(), Clue.objects.get()
    paths = [
        "/clues/?tab=all", "/clues/?tab=all&q=王桂兰&place=420804&severity=R", f"/clues/{one.no}/", "/sweeps/", f"/sweeps/{run.pk}/",
        f"/sweeps/{run.pk}/?sort=percent&county=420804", "/warnings/?show=all", "/supervision/clues/", f"/families/{one.household_id}/",
        "/third-party/",
    ]  # fmt: skip
    few = {path: queries(client, path) for path in paths}
    with access.scope(reader):
        _swept(officer, MANY - 1, 2)
    for path, (cost, _) in few.items():
        many, page = queries(client, path)
        assert many == cost, path
        if path.startswith("/clues/?"):
            assert page.count("XS-420804-2017-") >= 50
    following = queries(client, "/clues/?tab=all&after=0.2017-09-22.0")
    assert following[0] == few["/clues/?tab=all"][0]
