"""Pages of residents: one session is one person, a family sees its own, policies and the calculator ask nobody."""

from __future__ import annotations

import gzip
from datetime import date, timedelta

import pytest
import residentkit
from casekit import Office, at, family
from decisionkit import ACCEPTED, granted, investigated, to_confirm
from django.conf import settings as site
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tuodi.cases.models import Notice
from tuodi.decisions import actions
from tuodi.kernel import clock
from tuodi.org.access import system_scope
from tuodi.people.models import SignInTry
from tuodi.web.residents.urls import urlpatterns

pytestmark = pytest.mark.django_db

VILLAGE = "420802001001"
STAFF = "tuodi.org.backends.StaffBackend"


@pytest.fixture
def office(db, make_user) -> Office:
    return Office(VILLAGE, make_user)


@pytest.fixture
def household(db):
    return family(VILLAGE)


@pytest.fixture
def neighbour(db):
    return family(VILLAGE, names=("王大河", "李小溪"))


def own_pages() -> list[str]:
    return [reverse(f"web:{one.name}") for one in urlpatterns if one.name in OWN]


OWN = ("my-progress", "my-messages", "my-notices", "my-decisions", "my-payments", "my-data")


def test_every_page_says_for_whom_it_is() -> None:
    assert {getattr(one.callback, "residents", None) for one in urlpatterns} == {"anybody", "resident"}


def test_a_stranger_reads_policies_and_is_sent_to_sign_in_for_the_rest(household) -> None:
    client = Client()
    for path in ("/my/", "/my/policies/", "/my/policies/dibao/", "/my/calculator/", "/my/sign-in/"):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert "tel:12349" in answer.content.decode()
    for path in own_pages():
        assert client.get(path)["Location"] == f"/my/sign-in/?next={path.replace('/', '%2F')}"


def test_signing_in_and_out_through_the_pages(household) -> None:
    client = Client()
    residentkit.enter(client, household)
    answer = client.get("/my/")
    assert "欧阳*" in answer.content.decode()
    assert "欧阳建" not in answer.content.decode()
    assert answer["Cache-Control"] == "no-store"
    left = client.post("/my/sign-out/")
    assert left["Clear-Site-Data"] == '"cache", "storage"'
    assert client.get("/my/progress/").status_code == 302


def test_the_same_page_whoever_asked(household) -> None:
    """Known, unknown, known without a phone: byte for byte, save the token against forgery."""
    residentkit.account(household)
    bodies = []
    for name in (household.head.name, "王不是"):
        client = Client()
        sent = client.post("/my/sign-in/", {"name": name, "number": residentkit.number_of(household)}, follow=True)
        token = client.cookies[site.CSRF_COOKIE_NAME].value if site.CSRF_COOKIE_NAME in client.cookies else ""
        body = sent.content.decode().replace(token, "")
        bodies.append([line for line in body.splitlines() if "csrfmiddlewaretoken" not in line])
    assert bodies[0] == bodies[1]


def test_the_sixth_request_is_refused_in_words(household) -> None:
    client = Client()
    for _ in range(5):
        given = {"name": household.head.name, "number": residentkit.number_of(household)}
        assert client.post("/my/sign-in/", given).status_code == 302
    answer = client.post("/my/sign-in/", given)
    assert answer.status_code == 429
    assert "一小时后" in answer.content.decode()
    with system_scope("cn"):
        assert SignInTry.objects.count() == 5


def test_staff_are_nobody_here_and_residents_nobody_there(household, make_user) -> None:
    officer = make_user("420802", "accept")
    client = Client()
    client.force_login(officer, backend=STAFF)
    assert client.get("/my/progress/").status_code == 302
    assert client.get("/").status_code == 200
    residentkit.enter(client, household)  # the same browser: the officer is signed out by it
    assert client.get("/my/progress/").status_code == 200
    assert client.get("/families/")["Location"].startswith("/login/")
    client.force_login(officer, backend=STAFF)  # and the resident by the officer
    assert client.get("/families/").status_code == 200
    assert client.get("/my/progress/").status_code == 302
    client.post("/logout/")
    assert client.get("/my/progress/").status_code == 302


def test_a_session_without_use_ends_after_a_quarter_of_an_hour(household) -> None:
    client, start = Client(), clock.now()
    with clock.frozen(start):
        residentkit.enter(client, household)
    for minutes, status in ((14, 200), (28, 200), (44, 302)):
        with clock.frozen(start + timedelta(minutes=minutes)):
            assert client.get("/my/progress/").status_code == status
    assert client.get("/my/progress/").status_code == 302


def test_a_family_sees_its_progress_and_decision_and_no_other_s(office, household, neighbour) -> None:
    mine, theirs = granted(office, household), granted(office, neighbour)
    client = Client()
    with clock.frozen(date(2021, 10, 11)):
        residentkit.enter(client, household)
        progress = client.get("/my/progress/").content.decode()
        assert mine.case.no in progress
        assert theirs.case.no not in progress
        shown = client.get(f"/my/decision/{mine.no}/").content.decode()
        refused = client.get(f"/my/decision/{theirs.no}/")
        listed = client.get("/my/decisions/").content.decode()
    assert "您家符合最低生活保障" in shown
    assert "月人均收入" in shown
    assert "国务院令第649号" in shown or "民发" in shown
    assert refused.status_code == 404
    assert (mine.no in listed, theirs.no in listed) == (True, False)
    assert residentkit.number_of(household) not in shown + progress


def test_the_last_day_for_review_is_sixty_days_after_and_no_day_off(office, household) -> None:
    """Decided on 21 September 2021: the 60th day is Saturday, 20 November; the Monday after counts."""
    mine = granted(office, household)
    assert mine.decided_on == date(2021, 9, 21)
    client = Client()
    with clock.frozen(date(2021, 10, 11)):
        residentkit.enter(client, household)
        assert "2021-11-22" in client.get(f"/my/decision/{mine.no}/").content.decode()
    with clock.frozen(date(2021, 11, 23)):
        residentkit.enter(client, household)
        assert "已过期限" in client.get(f"/my/decision/{mine.no}/").content.decode()


def test_a_case_on_its_way_names_the_next_step_and_its_day(office, household) -> None:
    case, after = to_confirm(office, household)
    client = Client()
    with clock.frozen(after):
        residentkit.enter(client, household)
        page = client.get("/my/progress/").content.decode()
    with system_scope("cn"):
        step = case.steps.get(name="confirm")
    assert "作出决定" in page
    assert step.due_on.isoformat() in page


def test_notices_of_my_village_show_the_allowed_fields_only(office, household, neighbour, as_owner) -> None:

    case = investigated(office, neighbour)
    with at(office.town_review, ACCEPTED):
        actions.first_review(case, acting_user=office.town_review, result="pass", opinion="同意上报")
        actions.post_notice(case, acting_user=office.town_review)
    with as_owner(), connection.cursor() as cursor:  # what no action lets in, and what is posted cannot be changed
        cursor.execute("set constraints all immediate")
        cursor.execute("alter table cases_notice disable trigger user")
        notice = Notice.objects.get(case=case)
        notice.content = {**notice.content, "id_number": "420899195001010012", "illness": "尿毒症"}
        notice.save(update_fields=["content"])
        cursor.execute("set constraints all immediate")
        cursor.execute("alter table cases_notice enable trigger user")
        cursor.execute("set constraints all deferred")
    client = Client()
    with clock.frozen(ACCEPTED + timedelta(days=1)):
        residentkit.enter(client, household)
        page = client.get("/my/notices/").content.decode()
    assert notice.no in page
    assert "王大河" in page or "王*" in page
    assert "尿毒症" not in page
    assert "420899195001010012" not in page
    elsewhere = family("420802001002", names=("赵远",))
    other = Client()
    with clock.frozen(ACCEPTED + timedelta(days=1)):
        residentkit.enter(other, elsewhere)
        assert notice.no not in other.get("/my/notices/").content.decode()


ASKED = {"place": "420802", "area_kind": "urban", "people": "2", "income_month": "400", "assets": "yes"}


def test_the_calculator_says_likely_not_known_and_no_with_clauses_and_keeps_nothing(make_user) -> None:
    make_user("420802", "accept")
    client = Client()
    with clock.frozen(date(2017, 9, 20)):
        likely = client.post("/my/calculator/", ASKED).content.decode()
        unsure = client.post("/my/calculator/", {**ASKED, "assets": ""}).content.decode()
        no = client.post("/my/calculator/", {**ASKED, "income_month": "9000"}).content.decode()
    dibao = [page.split("最低生活保障</h2>")[1].split("</section>")[0] for page in (likely, unsure, no)]
    assert "很可能可以" in dibao[0]
    assert "750.00" in dibao[0]  # 575 × 2 − 400
    assert "国务院令第649号 第9条" in dibao[0]
    assert "还说不准" in dibao[1]
    assert "家庭财产符合规定" in dibao[1]
    assert "不符合" in dibao[2]
    assert "全家人均月收入低于当地低保标准" in dibao[2]
    assert list(client.session.keys()) == []


@pytest.mark.parametrize(
    "wrong", [{"people": "两个"}, {"people": "2", "elders": "3"}, {"income_month": "-1"}, {"people": ""}]
)
def test_the_calculator_names_what_cannot_be(wrong) -> None:
    page = Client().post("/my/calculator/", {**ASKED, **wrong}).content.decode()
    assert "需要改正" in page


@pytest.mark.parametrize("place", ["420802", "420804"])
def test_a_guide_takes_its_figures_from_the_packs_of_the_place(make_user, place: str) -> None:
    make_user(place, "accept")
    with clock.frozen(date(2017, 9, 20)):
        page = Client().get(f"/my/policies/dibao/?place={place}").content.decode()
    assert "575 元/人·月" in page
    assert "2017-04-01 起" in page
    assert "10个工作日" in page
    assert Client().get("/my/policies/nothing/").status_code == 404


def test_pages_are_light() -> None:
    """At most 200 KB over the wire, all sheets and scripts with it."""
    from django.contrib.staticfiles import finders

    client = Client()
    for path in ("/my/", "/my/policies/dibao/", "/my/calculator/"):
        body = client.get(path).content
        names = [part.split('"')[0] for part in body.decode().split('"/static/')[1:]]
        assert names
        weight = len(gzip.compress(body))
        for name in names:
            with open(finders.find(name), "rb") as handle:
                weight += len(gzip.compress(handle.read()))
        assert weight < 60_000, path


def test_no_page_asks_the_database_more_than_25_times(office, household) -> None:
    row = granted(office, household)
    client = Client()
    with clock.frozen(date(2021, 10, 11)):
        residentkit.enter(client, household)
        for path in ["/my/", *own_pages(), f"/my/decision/{row.no}/"]:
            with CaptureQueriesContext(connection) as run:
                assert client.get(path).status_code == 200
            asked = [
                one["sql"] for one in run if not one["sql"].startswith(("SAVEPOINT", "RELEASE", "select set_config"))
            ]
            assert len(asked) <= 25, path
