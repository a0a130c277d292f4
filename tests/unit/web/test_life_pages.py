"""Pages of dynamic management: who may open them, what a batch says per row, the same number of queries for one row and for many."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from casekit import Office, at, client_of, hire
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from lifekit import on_roll

from tuodi.decisions.models import RollNotice
from tuodi.kernel import clock
from tuodi.monitoring import change_reports, deaths, job_offers, layers, review_lists, tasks
from tuodi.monitoring.models import ChangeReport, PeriodicReview, ReviewPlan, Transfer
from tuodi.org.access import system_scope
from tuodi.people.models import RollEntry

pytestmark = pytest.mark.django_db
VILLAGE = "420802001001"
LISTS = (
    "/reviews-due/",
    "/changes/",
    "/roll-notices/",
    "/exits/",
    "/job-refusals/",
    "/deaths/",
    "/moves/",
    "/classes/",
)
MOST = 25


@pytest.fixture(autouse=True)
def _september() -> Any:
    with clock.frozen(date(2017, 9, 11)):
        yield


@pytest.fixture
def office(make_user: Callable[..., Any]) -> Office:
    return Office(VILLAGE, make_user)


def fill(office: Office, n: int) -> list[Any]:
    """Families with a review due, a report, a death, a refusal and a notice each."""
    homes = [on_roll(names=("林安", "林平", "林小"), income=900, amount_fen=82_500, start=201704) for _ in range(n)]
    with system_scope("420802"):
        review_lists.plan_units()
        ReviewPlan.objects.update(last_on=date(2017, 3, 1), due_on=date(2017, 9, 1))
        review_lists.open_due("420802")
        layers.propose_all()
    day = date(2017, 9, 11)
    for home in homes:
        with at(office.town_review, day):
            report = change_reports.report_change(
                home,
                kind="income",
                happened_on=date(2017, 9, 1),
                text="停工",
                acting_user=office.town_review,
                income_year_fen=0,
            )
            change_reports.check_report(report, checked="属实", acting_user=office.town_review)
            change_reports.report_change(
                home, kind="other", happened_on=date(2017, 5, 1), text="其他", acting_user=office.town_review
            )
            people = [one.person for one in home.memberships.order_by("id")]
            job_offers.record_offer(
                home,
                people[1],
                office="人社局",
                offered_on=day,
                job="保洁",
                suitable="适合",
                acting_user=office.town_review,
            )
            deaths.record_death(people[2], died_on=date(2017, 9, 2), source="village", acting_user=office.town_review)
        with at(office.county_confirm, day):
            change_reports.decide_report(report, reasons="收入减少", acting_user=office.county_confirm)
    return homes


def queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as found:
        assert client.get(path).status_code == 200, path
    return len(found)


def test_every_list_asks_the_same_number_of_questions_for_one_row_and_for_eight(office: Office) -> None:
    fill(office, 1)
    client = client_of(hire(office._make, "420802", "review", "confirm", "visit", "accept"))
    for path in LISTS:
        client.get(path)  # names of places and rules are read once a process
    one = {path: queries(client, path) for path in LISTS}
    fill(office, 7)
    many = {path: queries(client, path) for path in LISTS}
    assert many == one
    assert max(one.values()) <= MOST, one


def test_who_has_no_such_duty_is_shown_the_door_and_the_next_county_sees_no_row(office: Office) -> None:
    (home,) = fill(office, 1)
    keeper = client_of(hire(office._make, "420802", "sysadmin"))
    other = client_of(hire(office._make, "420804", "review", "confirm"))
    for path in LISTS:
        assert keeper.get(path).status_code == 403, path
        assert "林安" not in other.get(path).content.decode(), path
    with system_scope("420802"):
        ids = {
            "reviews-due": PeriodicReview.objects.get().pk, "changes": ChangeReport.objects.first().pk,  # type: ignore[union-attr]
            "roll-notices": RollNotice.objects.get().pk,
        }  # fmt: skip
    for name, pk in ids.items():
        assert other.get(f"/{name}/{pk}/").status_code == 404
    for path in ("change", "death", "job-offer", "move"):
        assert other.get(f"/families/{home.pk}/{path}/").status_code == 404
    text = client_of(office.town_review).get(f"/families/{home.pk}/").content.decode()
    assert "死亡减员" in text
    assert "增发告知书" in text


def test_a_batch_says_for_each_row_what_became_of_it(office: Office) -> None:
    fill(office, 2)
    client = client_of(office.county_review)
    with system_scope("420802"):
        rows = list(PeriodicReview.objects.order_by("pk").values_list("pk", flat=True))
        PeriodicReview.objects.filter(pk=rows[1]).update(state="dropped")
    looked = office.town_visit
    answer = client.post("/reviews-due/", {"do": "assign", "to": looked.pk, "row": rows})  # type: ignore[attr-defined]
    text = answer.content.decode()
    assert "办成 1 ＋ 未办 1 ＝ 2" in text
    assert "现在是“已撤销”，不能派发" in text
    assert (
        "没有选中任何一行"
        in client.post("/reviews-due/", {"do": "assign", "to": looked.pk}, follow=True).content.decode()
    )  # type: ignore[attr-defined]


def test_a_report_is_entered_checked_and_decided_through_the_pages(office: Office) -> None:
    home = on_roll(income=600, amount_fen=55_000, start=201704)
    town, county = client_of(office.town_review), client_of(office.county_confirm)
    given = {
        "kind": "income",
        "source": "counter",
        "happened_on": "2017-09-01",
        "text": "<b>打零工</b>",
        "income": "九千六",
    }
    assert "不是金额" in town.post(f"/families/{home.pk}/change/", {"do": "new", **given}).content.decode()
    answer = town.post(f"/families/{home.pk}/change/", {"do": "new", **given, "income": "9,600"})
    assert answer.status_code == 303
    path = answer["Location"]
    assert "<b>打零工" not in town.get(path).content.decode()
    town.post(path, {"do": "check", "checked": "属实"})
    text = county.get(path).content.decode()
    assert "350.00" in text  # 575 × 2 − 800
    county.post(path, {"do": "decide", "reasons": "收入增加"})
    with system_scope("420802"):
        notice = RollNotice.objects.get()
        assert (notice.before_fen, notice.after_fen) == (55_000, 35_000)
    page = town.post(
        f"/roll-notices/{notice.pk}/",
        {"do": "deliver", "on": "2017-09-11", "how": "hand", "received_by": "欧阳建"},
        follow=True,
    )
    assert "2017-11-10" in page.content.decode()  # 60 days after the 11th


def test_a_move_page_shows_what_holds_it_up(office: Office) -> None:
    (home,) = fill(office, 1)
    client = client_of(office.town_review)
    text = client.get(f"/families/{home.pk}/move/").content.decode()
    assert "死亡减员还没有办结" in text
    assert "提出迁移" not in text
    client.post(
        f"/families/{home.pk}/move/", {"to": "420881100001", "address": "x", "moved_on": "2017-09-01", "reason": "y"}
    )
    with system_scope("cn"):
        assert not Transfer.objects.exists()


def test_a_family_is_split_through_the_page_and_the_rest_awaits_a_decision(office: Office) -> None:
    home = on_roll(names=("林安", "林平", "林小"), income=900, amount_fen=82_500, start=201704)
    with system_scope("420802"):
        people = [one.person_id for one in home.memberships.order_by("id")]
    client = client_of(office.town_review)
    path = f"/families/{home.pk}/split/"
    none = client.post(path, {"do": "split", "reason": "离婚"}).content.decode()
    assert "请选一人为新户主" in none
    answer = client.post(
        path, {"do": "split", "reason": "离婚", f"m{people[1]}": "self", f"m{people[2]}": "child"}, follow=True
    )
    text = answer.content.decode()
    assert "已分户" in text
    assert "待确认" in text
    assert "没有找到家庭" in client.get(f"{path}?merge=420802-99999999").content.decode()


def test_the_ledger_of_tekun_persons_and_one_persons_file(office: Office) -> None:
    home = on_roll(names=("仇老",), income=0, amount_fen=57_500, start=201704)
    with system_scope("420802"):
        RollEntry.objects.create(
            household=home, person=home.head, region=home.region, programme="tekun", category="urban", form="dispersed",
            self_care="partial_loss", amount_fen=62_600, start_month=201704,
        )  # fmt: skip
    client = client_of(office.town_review)
    text = client.get("/person-files/").content.decode()
    assert "仇老" in text
    assert "626.00" in text
    assert "仇老" not in client.get("/person-files/?form=centralised").content.decode()
    assert "部分失能" in client.get(f"/person-files/{home.head_id}/").content.decode()
    assert client_of(hire(office._make, "420804", "review")).get(f"/person-files/{home.head_id}/").status_code == 404


def test_the_nights_work_is_done_once(office: Office) -> None:
    on_roll(income=600, amount_fen=55_000, start=201704)
    first, second = tasks.keep_roll_daily(), tasks.keep_roll_daily()
    assert (first["planned"], first["proposed"]) == (1, 1)
    assert set(second.values()) == {0}
