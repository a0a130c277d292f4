"""Pages of procedures and clocks as officers get them, and the picture's own geometry."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import Office, at, client_of, family
from django.urls import reverse

from tuodi.cases import actions as cases
from tuodi.cases import procedures
from tuodi.cases.procedures import procedure_for, programmes_known
from tuodi.kernel import clock
from tuodi.web.county import flow

DAY = date(2021, 9, 13)
TEXT = """\
instruments:
  地: {title: 试, number: "-", issuer: 试, issued: 2021-01-01, in_force: 2021-01-01, kind: normative}
---
pack: {place: "420899", programme: dibao}
procedures:
  stops: {from: 2021-07-01, amends: [dibao_57, dibao_57_2022], clause: 地 1, stop_for_materials: true}
"""


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize(
    ("place", "programme", "day"),
    [
        ("420802", "dibao", date(2017, 5, 10)),
        ("220103", "dibao", date(2021, 5, 10)),
        ("220103", "tekun", date(2021, 9, 10)),
        ("530102", "dibao", date(2020, 9, 4)),
        ("150302", "dibao", date(2022, 11, 7)),
    ],
)
def test_cards_never_overlap_and_stand_below_what_they_wait_for(place, programme, day, narrow, db):
    procedure = procedure_for(place, programme, day)
    drawing = flow.draw(procedure, narrow=narrow)
    cards = {card.step.id: card for card in drawing.cards}
    assert set(cards) == {step.id for step in procedure.steps}
    for one in drawing.cards:
        assert one.x >= 0
        assert one.x + drawing.card_width <= drawing.width
        assert one.y + one.height <= drawing.height
        assert one.lines[-1].y <= one.y + one.height
        for other in drawing.cards:
            if one is not other:
                apart_x = abs(one.x - other.x) >= drawing.card_width
                apart_y = one.y + one.height <= other.y or other.y + other.height <= one.y
                assert apart_x or apart_y, (one.step.id, other.step.id)
        for name in one.step.after:
            assert cards[name].y + cards[name].height < one.y
    assert len(drawing.paths) >= len(procedure.steps) - 1


def test_every_programme_that_runs_as_a_case_can_be_drawn(make_user, db):
    client = client_of(make_user("220103", "review"))
    for programme in programmes_known():
        page = client.get(reverse("web:procedures"), {"place": "220103", "programme": programme, "on": "2025-02-03"})
        assert page.status_code == 200
        assert page.content.count(b"<svg") >= 1, programme
        assert b"style=" not in page.content.split(b"flow-sides")[1]


def test_bad_questions_get_a_sentence_and_no_crash(make_user, db):
    client = client_of(make_user("220103", "review"))
    for asked, said in (
        ({"place": "宽城"}, "宽城"),
        ({"on": "2021-13-01"}, "不是日期"),
        ({"programme": "<b>"}, "没有适用的办理程序"),
        ({"other": "99x"}, "99x"),
    ):
        page = client.get(reverse("web:procedures"), asked)
        assert page.status_code == 200
        assert said in page.content.decode()
        assert b"<b>x" not in page.content


def test_papers_are_asked_for_on_a_page_only_where_the_clock_stops_for_them(make_user, db, tmp_path, monkeypatch):
    (tmp_path / "stops.yaml").write_text(TEXT, encoding="utf-8")
    monkeypatch.setenv("TUODI_POLICIES", str(tmp_path))
    found = []
    for village in ("420899001001", "420802001001"):
        office, household = Office(village, make_user), family(village)
        with at(office.town_accept, DAY):
            case = cases.open_case(
                acting_user=office.town_accept, household=household, applicant=household.head, programme="dibao"
            )
        with clock.frozen(DAY):
            client = client_of(office.town_accept)
            shown = client.get(reverse("web:case", args=[case.pk])).content.decode()
            found.append("补正材料" in shown)
            page = reverse("web:case-clock", args=[case.pk])
            answer = client.post(page, {"answer": "stop", "what": "户口簿"}, follow=True).content.decode()
            found.append("正在等待" in answer)
            if found[-1]:
                answer = client.post(page, {"answer": "resume", "note": "齐"}, follow=True).content.decode()
                assert "已登记补齐" in answer
            else:
                assert "没有规定等待材料期间停止计时" in answer
    monkeypatch.delenv("TUODI_POLICIES")
    procedures.reload()
    assert found == [True, True, False, False]
