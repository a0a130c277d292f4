"""Pages of what ends and what goes out: notices before an end, minors near their age, pushed lists, late papers."""

from __future__ import annotations

from datetime import date

import pytest
from carekit import LATER, supported
from casekit import Office, at, client_of, family
from lifekit import on_roll

from tuodi.decisions import care_actions as care
from tuodi.decisions.models import EndNotice
from tuodi.kernel import clock
from tuodi.monitoring.models import ListPush

pytestmark = pytest.mark.django_db
VILLAGE = "530102001001"


@pytest.fixture
def office(make_user):
    return Office(VILLAGE, make_user)


def page(client, path, data=None, on=LATER):
    with clock.frozen(on):
        answer = client.post(path, data, follow=True) if data is not None else client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode() if answer["Content-Type"].startswith("text/html") else answer


def test_an_end_is_posted_printed_and_decided_on_screen(office):
    home = family(VILLAGE, names=("欧阳建",), area_kind="rural")
    supported(office, home)
    with at(office.town_review, LATER):
        care.state_ground(home.head, home, "quits", acting_user=office.town_review, evidence="书面申请")
    path = f"/families/{home.pk}/care/{home.head_id}/"
    town, county = client_of(office.town_review), client_of(office.county_confirm)
    assert "拟终止公示" in page(town, path)
    assert "2021-10-18" in page(town, path, {"answer": "post", "board": "社区公示栏"})
    with at(office.town_review, LATER):
        row = EndNotice.objects.get()
    here = f"/end-notices/{row.pk}/"
    assert "公示到 2021-10-18 截止" in page(county, here)
    paper = page(town, f"{here}sheet.pdf")
    assert paper.content.startswith(b"%PDF")
    after = date(2021, 10, 19)
    with clock.frozen(after):
        county = client_of(office.county_confirm)  # the first session has ended in the meantime
    assert "欧阳建" in page(county, "/end-notices/", on=after)
    done = page(county, here, {"do": "end", "reasons": "本人自愿退出"}, on=after)
    assert "已终止" in done


def test_lists_open_for_who_may_and_say_when_they_are_empty(office):
    client = client_of(office.town_review)
    for path in ("/end-notices/?show=all", "/of-age/", "/pushes/", "/late-papers/"):
        assert "没有" in page(client, path)


def test_a_list_is_pushed_taken_received_and_answered_on_screen(make_user):
    day, office = date(2017, 9, 11), Office("420802001001", make_user)
    home = on_roll("420802001001", income=600, amount_fen=55_000, start=201704)
    client = client_of(office.county_confirm)
    assert "教育救助对象名单" in page(client, "/pushes/new/", on=day)
    assert home.no in page(client, "/pushes/new/", {"topic": "education"}, on=day)
    with at(office.county_confirm, day):
        row = ListPush.objects.get()
    here = f"/pushes/{row.pk}/"
    file = page(client, f"{here}list.xlsx", on=day)
    assert file.content[:2] == b"PK"
    assert "登记回执" in page(client, here, {"do": "send"}, on=day)
    assert "教育局" in page(client, here, {"do": "receive", "text": "教育局 王老师"}, on=day)
    with at(office.county_confirm, day):
        one = row.rows.get()
    done = page(client, f"{here}{one.pk}/", {"outcome": "helped", "text": "已免学费"}, on=day)
    assert "已反馈" in done
    assert "危房改造对象" in page(client, f"/pushes/new/?family={home.pk}", on=day)
