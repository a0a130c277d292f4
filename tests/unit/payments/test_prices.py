"""Price linkage: triggers by the rule of the index month, one share a person, stages by date, due days, late indices."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal

import polars as pl
import pytest
from casekit import at, hire
from django.db import DatabaseError, transaction
from paykit import Staff, family, indexed, line, person, run_month

from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.org.access import system_scope
from tuodi.org.errors import AccessDeniedError
from tuodi.payments import actions, prices
from tuodi.payments.errors import RunInputError
from tuodi.payments.models import PriceIndex, PriceMember, PriceShare
from tuodi.payments.source import pull
from tuodi.people import actions as people
from tuodi.people import secrets
from tuodi.policy.adopted import Adopted, with_adopted
from tuodi.verification import rulebook

VILLAGE, COUNTY = "532502001001", "532502"


def lone(name: str):
    """A person in a group that is no programme of ours."""
    with system_scope(VILLAGE):
        who = person(VILLAGE, name)
        home = people.form_household(
            acting_user=None, region=pad12(VILLAGE), head=who, area_kind="urban", on=date(2015, 1, 1), is_demo=True
        )  # fmt: skip
    return home, who


def member(staff: Staff, group: str, home, who):
    with at(staff.prepare, date(2020, 1, 2)):
        return actions.register_price_member(
            acting_user=staff.prepare, household=home, person=who, group=group, area_kind="urban", start=Month(2019, 1), source="县民政局儿童福利名单"
        )  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("month", "cpi", "food", "starts"),
    [
        (Month(2016, 9), "3.4", "6.0", True),  # E18: either, inclusive
        (Month(2016, 9), "3.5", "1.0", True),
        (Month(2016, 9), "3.4", "5.9", False),
        (Month(2022, 8), "3.0", "5.0", True),  # E19: the stage of 3.0 %
        (Month(2023, 3), "3.0", "5.0", False),  # it is over
        (Month(2022, 8), "2.9", "", None),  # the second figure is not out yet
    ],
)
def test_a_month_is_judged_by_its_own_rule(make_user, month, cpi, food, starts):
    index = indexed(make_user, "4208", month, cpi, food)
    found = prices.round_of(index, "4208", rulebook.book())
    assert found.triggered is starts
    if month == Month(2022, 8) and starts:
        assert "edge_group" in found.covered


@pytest.mark.django_db
def test_it_is_due_within_twenty_working_days_of_publication(make_user):
    index = indexed(make_user, "4208", Month(2019, 5), "2.7", "7.7", on=date(2019, 6, 12))
    # 2019-06-12 is not counted; 20 working days later.
    assert prices.round_of(index, "4208", rulebook.book()).due == date(2019, 7, 10)


@pytest.mark.django_db
def test_the_nearest_and_newest_figures_count(make_user):
    indexed(make_user, "42", Month(2019, 5), "2.0", "3.0")
    assert prices.index_of("420802", Month(2019, 5)).cpi == Decimal("2.0")
    indexed(make_user, "4208", Month(2019, 5), "2.7", "7.7")
    indexed(make_user, "4208", Month(2019, 5), "2.8", "7.9", on=date(2019, 6, 20))  # a correction
    assert prices.index_of("420802", Month(2019, 5)).cpi == Decimal("2.8")
    assert prices.index_of("420103", Month(2019, 5)).cpi == Decimal("2.0")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"cpi": "一百"}, "不是数"),
        ({"cpi": "103.65"}, "一位小数"),
        ({"cpi": ""}, "必须填写"),
        ({"cpi": "NaN"}, "不像同比"),
        ({"source": " "}, "出处"),
        ({"published_on": date(2019, 5, 20)}, "当月过完"),
        ({"published_on": date(2030, 1, 1)}, "不能晚于今天"),
    ],
)
def test_a_figure_that_cannot_be_is_refused_with_the_remedy(make_user, given, told):
    makes = hire(make_user, "4208", "standards")
    plain = {
        "place": "4208",
        "month": Month(2019, 5),
        "cpi": "2.7",
        "food": "7.7",
        "source": "公报",
        "published_on": date(2019, 6, 12),
    }
    with at(makes, date(2019, 6, 20)), pytest.raises(RunInputError, match=told):
        actions.enter_index(acting_user=makes, **{**plain, **given})


@pytest.mark.django_db
def test_only_who_makes_standards_enters_and_nobody_changes(make_user):
    pays = hire(make_user, "4208", "pay_prepare")
    with at(pays, date(2019, 6, 20)), pytest.raises(AccessDeniedError):
        actions.enter_index(
            acting_user=pays,
            place="4208",
            month=Month(2019, 5),
            cpi="2.7",
            source="公报",
            published_on=date(2019, 6, 12),
        )
    indexed(make_user, "4208", Month(2019, 5), "2.7", "7.7")
    with pytest.raises(DatabaseError, match=r"permission|只可追加"), transaction.atomic():
        PriceIndex.objects.update(cpi=9)


@pytest.mark.django_db(transaction=True)
def test_doubled_and_extended_in_june_2020_and_no_more_in_july(make_user):
    """E20, E21 in two runs: 640 × 5.3 % is 33.92; doubled 67.84, an orphan with it; in July neither."""
    staff = Staff(make_user, COUNTY)
    home = family(village=VILLAGE, income=600, start=202001)
    orphan_home, orphan = lone("小苗")
    member(staff, "orphan_group", orphan_home, orphan)
    # The head of the dibao family is in a second group as well: one share all the same.
    member(staff, "orphan_group", home, home.head)
    indexed(make_user, "53", Month(2020, 6), "5.3", "1.0")
    july = run_month(staff, Month(2020, 7), place=COUNTY, upto="approve")
    with at(staff.check, date(2020, 9, 1)):
        found = Counter(PriceShare.objects.filter(run=july, live=True).values_list("group", "amount_fen", "in_line"))
    assert found == {("dibao", 6784, True): 2, ("orphan_group", 6784, False): 1}
    assert line_of(staff, july, home) == 6784 * 2
    indexed(make_user, "53", Month(2020, 7), "5.3", "1.0")
    august = run_month(staff, Month(2020, 8), place=COUNTY, upto="calculate")
    with at(staff.check, date(2020, 9, 1)):
        found = Counter(PriceShare.objects.filter(run=august, live=True).values_list("group", "amount_fen"))
    assert found == {("dibao", 3392): 2}
    with at(staff.prepare, date(2020, 9, 2)):  # calculated again: still one share a person
        actions.calculate(august, acting_user=staff.prepare)
    with at(staff.check, date(2020, 9, 3)):
        assert PriceShare.objects.filter(index_month=202007, live=True).count() == 2
        share = PriceShare.objects.filter(index_month=202007, live=True).first()
        share.pk = None
        with pytest.raises(DatabaseError, match="payments_price_once"), transaction.atomic():
            share.save()


def line_of(staff, run, home) -> int:
    from tuodi.payments.models import PayLine

    with at(staff.check, date(2020, 9, 1)):
        return PayLine.objects.get(run=run, household=home).price_fen


@pytest.mark.django_db(transaction=True)
def test_an_index_that_comes_late_is_paid_by_the_next_run(make_user):
    staff = Staff(make_user)
    home = family()
    run_month(staff, Month(2017, 6), upto="approve")
    indexed(make_user, "420802", Month(2017, 5), "3.6", "1.0", on=date(2017, 7, 1))
    july = run_month(staff, Month(2017, 7), upto="approve")
    assert line(staff, july, home).price_fen == 41_40
    august = run_month(staff, Month(2017, 8), upto="calculate")
    assert line(staff, august, home).price_fen == 0  # paid once


#: Hypothetical year-on-year indices (%), 2019-05 to 2020-06: every month meets a condition, as was reported of 云南.
FOURTEEN = [
    ("2.7", "7.7"), ("2.7", "8.3"), ("2.8", "9.1"), ("2.8", "10.0"), ("3.0", "11.2"), ("3.8", "15.5"), ("4.5", "19.1"), ("4.5", "17.4"),
    ("5.4", "20.6"), ("5.2", "21.9"), ("4.3", "18.3"), ("3.3", "14.8"), ("2.4", "10.6"), ("2.5", "11.1"),
]  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_fourteen_months_of_yunnan_in_kind(make_user):
    """Fourteen months running from 2019-05; from 2020-03 to 06 doubled and with orphans; indices and old standard assumed."""
    staff = Staff(make_user, COUNTY)
    family(village=VILLAGE, income=600, start=201901)
    family(village=VILLAGE, income=None, names=("特某",), start=201901, programme="tekun")
    home, who = lone("小苗")
    member(staff, "orphan_group", home, who)
    old = [
        Adopted("53", "dibao.standard", ("urban",), day, amount, "", "假设标准", "推算的标准", "", "测试", assumed=True)
        for day, amount in ((date(2019, 1, 1), "610"), (date(2020, 6, 1), "640"))
    ]
    book = with_adopted(rulebook.book(), old)
    inputs = pull(COUNTY, ["dibao", "tekun"], Month(2020, 7), 18)
    heads = amount = 0
    months = [Month(2019, 5) + n for n in range(14)]
    for month, (cpi, food) in zip(months, FOURTEEN, strict=True):
        index = indexed(make_user, "53", month, cpi, food)
        found = prices.round_of(index, COUNTY, book)
        assert found.triggered, month
        stage = Month(2020, 3) <= month <= Month(2020, 6)
        assert found.factor == ("2" if stage else "1"), month
        assert ("orphan_group" in found.covered) is stage, month
        with at(staff.check, date(2020, 8, 1)):
            outside = prices.outside_members(COUNTY, COUNTY + "~", month)
        paid = prices.shares(inputs, month, ["dibao", "tekun"], book, prices.facts_of(index, COUNTY), outside)
        growth = max(Decimal(cpi), Decimal(food)) if Decimal(cpi) >= Decimal("3.5") else Decimal(food)
        standard = 640 if month >= Month(2020, 6) else 610
        each = int((standard * growth * (2 if stage else 1)).quantize(Decimal(1), "ROUND_HALF_UP"))
        assert set(paid["amount_fen"]) == {each}, month
        assert paid["person_id"].is_unique().all()
        assert Counter(paid["group"]) == {"dibao": 2, "tekun": 1, **({"orphan_group": 1} if stage else {})}, month
        heads, amount = heads + paid.height, amount + int(paid["amount_fen"].sum())
        # On tekun he has his own share, in his own line.
        units = prices.unit_prices(paid)
        assert units.filter(pl.col("programme") == "tekun")["person_id"].is_not_null().all()
    assert heads == 10 * 3 + 4 * 4
    assert amount > 0


HEAD = "姓名,身份证号,对象类别,城乡,起始月份,终止月份"


def listed(staff: Staff, *lines: str):
    with at(staff.prepare, date(2020, 1, 2)):
        return actions.import_price_members(
            acting_user=staff.prepare, county=COUNTY, data="\n".join([HEAD, *lines]).encode("utf-8-sig"), name="名单.csv",
            source="县人社局 2020 年 1 月名单",
        )  # fmt: skip


@pytest.mark.django_db
def test_a_departments_list_registers_good_rows_and_keeps_the_bad_ones(make_user):
    staff = Staff(make_user, COUNTY)
    (home, who), (_, other) = lone("向桂英"), lone("周小满")
    number, second = secrets.open_id(who), secrets.open_id(other)
    made = listed(
        staff,
        f"向桂英,{number},失业保险,城镇,2019-05,",
        f"向桂英,{number},失业保险,城镇,2019-07,",
        f"向桂英,{number},优抚对象,城镇,2019-05,2019-12",
        f"周小漫,{second},孤儿,农村,2019-05,",
        f"周小满,{second},军属,农村,2019-05,2019-01",
        "无此人,42089919900101001X,孤儿,农村,2019-05,",
        f"周小满,{second},孤儿,农村,2019-13,",
    )
    assert (made.rows, made.taken, made.bad) == (7, 2, 5)
    faults = [(one["row"], one["field"]) for one in made.faults]
    assert faults == [(3, "身份证号"), (5, "姓名"), (6, "对象类别"), (6, "终止月份"), (7, "身份证号"), (8, "起始月份")]
    assert number not in str(made.faults)
    # What stands is not registered again; once ended it may come anew from a later month.
    again = listed(staff, f"向桂英,{number},失业保险,城镇,2020-01,")
    assert (again.taken, again.faults[0]["field"]) == (0, "起始月份")
    with at(staff.prepare, date(2020, 1, 2)):
        row = PriceMember.objects.get(person=who, group="unemployment_group")
        assert (row.household_id, row.start_month, row.end_month) == (home.pk, 201905, None)
        with pytest.raises(RunInputError, match="早于起始月份"):
            actions.end_price_member(row, acting_user=staff.prepare, end=Month(2019, 4))
        actions.end_price_member(row, acting_user=staff.prepare, end=Month(2019, 12))
    assert listed(staff, f"向桂英,{number},失业保险,城镇,2020-01,").taken == 1


@pytest.mark.django_db
def test_listed_shares_are_handed_to_the_department_that_pays_them(make_user):
    staff = Staff(make_user, COUNTY)
    family(village=VILLAGE, income=600, start=202001)
    home, who = lone("小苗")
    member(staff, "orphan_group", home, who)
    indexed(make_user, "53", Month(2020, 6), "5.3", "1.0")
    run = run_month(staff, Month(2020, 7), upto="calculate", place=COUNTY)
    with at(staff.prepare, date(2020, 7, 3)):
        share = PriceShare.objects.get(run=run, person=who)
        assert not share.in_line
        ((row, number),) = actions.take_price_list(
            acting_user=staff.prepare, place=COUNTY, month=Month(2020, 6), group="orphan_group"
        )
        assert (row.pk, number) == (share.pk, secrets.open_id(who))
        with pytest.raises(RunInputError, match="没有由其他部门发放"):
            actions.take_price_list(
                acting_user=staff.prepare, place=COUNTY, month=Month(2020, 6), group="unemployment_group"
            )
    with at(staff.check, date(2020, 7, 3)), pytest.raises(AccessDeniedError):
        actions.take_price_list(acting_user=staff.check, place=COUNTY, month=Month(2020, 6), group="orphan_group")
