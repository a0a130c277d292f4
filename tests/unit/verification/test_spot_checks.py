"""Spot checks: thirty per cent rounded up, every marked case, a draw anybody can repeat, a list nobody can change."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from casekit import at, family, hire
from django.db import DatabaseError, transaction
from fieldkit import answers, signed
from hypothesis import given
from hypothesis import strategies as st

from tuodi.cases.models import Case, Step
from tuodi.cases.states import StepState
from tuodi.intake.application_actions import accept_application
from tuodi.kernel import clock
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.policy.procedure_field import Sample
from tuodi.verification.models import SpotCheck, SpotCheckItem
from tuodi.verification.spot_actions import choose, draw, enter_result, plan_item, redraw_fits
from tuodi.verification.visit_actions import VisitForm, submit_visit
from tuodi.verification.visit_errors import SpotCheckError
from tuodi.verification.visit_queries import score_of

DAY = date(2017, 5, 10)
LATER = date(2017, 5, 31)


def at_county(office, village, count, marks=()):
    """Cases accepted in 2017 that stand at the county's own step (their earlier steps left out)."""
    made = []
    for place in range(count):
        home = family(village, names=("欧阳建",))
        with at(office.town_accept, DAY):
            case = accept_application(
                acting_user=office.town_accept,
                household=home,
                programme="dibao",
                marks=marks if place == 0 else (),
            ).case
            Step.objects.filter(
                case=case, position__lt=Step.objects.get(case=case, name="county_review").position
            ).exclude(state=StepState.DONE).update(state=StepState.SKIPPED)
            Step.objects.filter(case=case, name="county_review").update(state=StepState.OPEN, opened_on=DAY)
        made.append(case)
    return made


def drawn(office, **more):
    with at(office.county_review, LATER):
        body = {"programme": "dibao", "since": date(2017, 5, 1), "until": LATER} | more
        return draw(acting_user=office.county_review, **body)


@pytest.mark.parametrize(("cases", "size"), [(0, 0), (1, 1), (3, 1), (4, 2), (10, 3), (11, 4), (100, 30), (101, 31)])
def test_thirty_per_cent_rounds_up(cases, size):
    assert Sample(30).size(cases) == size


def test_a_county_may_ask_for_more_but_not_for_less():
    assert Sample(30).size(10, 50) == 5
    assert Sample(30).size(10, 10) == 3


@given(st.sets(st.text("0123456789-SL", min_size=5, max_size=12), min_size=1, max_size=40), st.integers(0, 40))
def test_the_draw_depends_on_the_seed_alone(numbers, size):
    one = choose("seed", sorted(numbers), size)
    assert one == choose("seed", sorted(numbers, reverse=True), size)
    assert len(one) == min(size, len(numbers))
    assert set(one) <= numbers
    assert choose("seed", numbers, size + 1)[:size] == one  # a larger sample holds the smaller


def test_every_case_has_the_same_chance():
    numbers = [f"420802-SL-20170510-{n:04d}" for n in range(10)]
    times = dict.fromkeys(numbers, 0)
    for seed in range(3000):
        for number in choose(str(seed), numbers, 3):
            times[number] += 1
    assert all(800 < count < 1000 for count in times.values()), times  # 900 expected, four deviations


def test_the_list_holds_every_marked_case_and_thirty_per_cent_of_the_rest(office, village):
    cases = at_county(office, village, 6, marks=("complaint",))
    row = drawn(office)
    with at(office.county_review, LATER):
        items = list(row.items.order_by("position"))
    assert (row.mandatory, row.drawn, row.percent, row.clause) == (1, 2, 30, "220-26")
    assert (items[0].case_id, items[0].reason) == (cases[0].pk, "complaint")
    assert [item.reason for item in items[1:]] == ["random", "random"]
    assert len(row.population) == 6
    with at(office.county_review, LATER):
        assert redraw_fits(row)
        row.seed = "0" * 64
        assert not redraw_fits(row) or choose("0" * 64, row.population, 2) == [item.case.no for item in items[1:]]


def test_nobody_draws_until_he_likes_the_list(office, village):
    at_county(office, village, 3)
    drawn(office)
    with pytest.raises(SpotCheckError, match="也没有抽过的案件"):
        drawn(office)


def test_a_list_cannot_be_changed_by_anybody(office, village, as_owner):
    at_county(office, village, 4)
    row = drawn(office)
    with at(office.county_review, LATER):
        item = row.items.first()
        left = Case.objects.exclude(pk__in=row.items.values("case")).first()
    changes = (
        lambda: SpotCheck.objects.filter(pk=row.pk).update(seed="x"),
        lambda: SpotCheck.objects.filter(pk=row.pk).update(population=[]),
        lambda: SpotCheckItem.objects.filter(pk=item.pk).update(case=left),
        lambda: SpotCheckItem.objects.filter(pk=item.pk).delete(),
        lambda: SpotCheckItem.objects.create(check_of=row, region=row.region, position=9, case=left, reason="random"),
    )
    for change in changes:
        with as_owner(), pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_only_the_county_draws_from_what_is_there(office, village):
    with pytest.raises(SpotCheckError, match="没有到了县级"):
        drawn(office)
    with pytest.raises(SpotCheckError, match="止日不能早于起日"):
        drawn(office, since=date(2017, 6, 1))
    with at(office.town_review, LATER), pytest.raises(SpotCheckError, match="由县（区）抽取"):
        draw(acting_user=office.town_review, programme="dibao", since=DAY, until=DAY)
    with at(office.county_confirm, LATER), pytest.raises(AccessDeniedError):
        draw(acting_user=office.county_confirm, programme="dibao", since=DAY, until=DAY)


def test_a_result_rests_on_the_county_s_signed_visit_and_is_entered_once(office, village, make_user, as_owner):
    at_county(office, village, 1)
    row = drawn(office)
    pair = (office.county_review, office.county_visit)
    with at(pair[0], LATER):
        item = row.items.get()
        with pytest.raises(SpotCheckError, match="还没有县级人员签名"):
            enter_result(item, acting_user=pair[0], agrees=True)
        with pytest.raises(SpotCheckError, match="请选县（区）的人员"):
            plan_item(item, acting_user=pair[0], assigned=(pair[0], office.town_visit))
        task = plan_item(item, acting_user=pair[0], assigned=pair)
        with pytest.raises(SpotCheckError, match="已经安排"):
            plan_item(item, acting_user=pair[0], assigned=pair)
        when = datetime(2017, 5, 31, 8, tzinfo=clock.BEIJING)
        form = VisitForm(answers=answers(), conclusion="true", investigators=pair, started_at=when)
        submit_visit(task, form, [], signed(*pair), acting_user=pair[0])
        with pytest.raises(SpotCheckError, match="请写明哪些内容不一致"):
            enter_result(item, acting_user=pair[0], agrees=False)
        item = enter_result(item, acting_user=pair[0], agrees=False, note="年收入多 2000 元")
        with pytest.raises(SpotCheckError, match="结果已登记"):
            enter_result(item, acting_user=pair[0], agrees=True)
        score = score_of(row.items.all())
    assert (score.listed, score.agree, score.differ, score.open, score.error_percent) == (1, 0, 1, 0, 100.0)
    with as_owner(), pytest.raises(DatabaseError), transaction.atomic():
        SpotCheckItem.objects.filter(pk=item.pk).update(result="agree")


def test_a_town_s_officer_does_not_check_himself(office, village, make_user):
    at_county(office, village, 1)
    row = drawn(office)
    town = hire(make_user, village[:9], "review", "visit")
    with at(office.county_review, LATER):
        item = row.items.get()
    with at(town, LATER), pytest.raises(NotFoundError):  # the county's draw is not the town's to see
        plan_item(item, acting_user=town, assigned=())


def test_a_procedure_without_a_rate_asks_for_one(office, village):
    home = family(village, names=("欧阳建",))
    day = date(2021, 9, 13)
    with at(office.town_accept, day):
        case = accept_application(acting_user=office.town_accept, household=home, programme="dibao").case
        case.steps.filter(name="confirm").update(state=StepState.OPEN)
    with at(office.county_review, day):
        body = {"acting_user": office.county_review, "programme": "dibao", "since": day, "until": day}
        with pytest.raises(SpotCheckError, match="没有规定抽查比例"):
            draw(**body)
        row = draw(**body, percent=10)
        assert (row.percent, row.drawn, row.clause) == (10, 1, "")
