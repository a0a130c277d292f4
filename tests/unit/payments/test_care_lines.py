"""The care subsidy of a tekun person, paid to who looks after him: a line, an account, a claim of the caregiver's own."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import Office, at
from fundkit import Treasury, clean
from paykit import LATER, Staff, balanced, family, pay_day, run_month

from tuodi.decisions import care_actions as care
from tuodi.decisions.care_errors import CareInputError
from tuodi.decisions.care_payees import Card, register_payee
from tuodi.kernel.identity import make_id
from tuodi.kernel.periods import Month
from tuodi.payments import actions
from tuodi.payments.clauses import parts_of
from tuodi.payments.errors import RunInputError
from tuodi.payments.explain import explain_line
from tuodi.payments.models import BankItem, Claim, PayLine
from tuodi.people import actions as people
from tuodi.people.secrets import open_id

pytestmark = pytest.mark.django_db(transaction=True)
VILLAGE = "420802001001"
APRIL, MAY, JUNE, JULY = Month(2017, 4), Month(2017, 5), Month(2017, 6), Month(2017, 7)
CARDS = iter(range(6217000088880000100, 6217000088880000200))


class Home:
    """A tekun person at home, the town's officer, and agreements with who looks after him."""

    def __init__(self, make_user, name: str) -> None:
        self.office = Office(VILLAGE, make_user)
        self.user = self.office.town_review
        self.household = family(
            names=(name,), programme="tekun", imported=True, amount_fen=626_00, area_kind="rural", village=VILLAGE
        )
        self.person = self.household.head

    def agree(self, name: str, yuan: int | None = 200, *, since=date(2017, 4, 1), until=date(2017, 12, 31), on=None):
        terms = care.Terms(
            form="dispersed", party=name, relation="邻居", services="一日三餐", since=since, until=until,
            signed_on=since, subsidy_fen=None if yuan is None else yuan * 100,
        )  # fmt: skip
        with at(self.user, on or since):
            return care.make_agreement(self.person, self.household, terms, acting_user=self.user)

    def card(self, agreement, serial: int, on: date, *, id_text: str | None = None):
        card = Card(id_text or make_id("420899", date(1970, 3, 4), serial), str(next(CARDS)), "农商行")
        with at(self.user, on):
            return register_payee(agreement, card, acting_user=self.user)

    def lines(self, staff: Staff, run) -> dict[str, PayLine]:
        with at(staff.check, LATER):
            rows = PayLine.objects.filter(run=run, household=self.household).order_by("key")
            return {f"{one.programme}{one.holder and '-' + one.holder}": one for one in rows}


def test_a_caregiver_is_paid_by_a_line_of_his_own_once_his_account_is_known(make_user) -> None:
    staff, treasury = Staff(make_user), Treasury(make_user)
    for programme in ("tekun", "care"):
        treasury.do("appropriation", 5000, programme=programme)
    home = Home(make_user, "甲明")
    agreement = home.agree("单晓月")
    other = Home(make_user, "乙明")
    other.agree("荆小雨", None)  # no amount was agreed: nothing is paid, and no zero either
    with at(staff.prepare, pay_day(MAY)), pytest.raises(RunInputError, match="须与特困供养同批"):
        actions.open_run(acting_user=staff.prepare, place="420802", month=MAY, programmes=["care", "dibao"])
    run = run_month(staff, MAY)
    lines = home.lines(staff, run)
    assert {key: (one.status, one.amount_fen) for key, one in lines.items()} == {
        "tekun-甲明": ("paid", 626_00), "care": ("held", 200_00),
    }  # fmt: skip
    assert (lines["care"].held, lines["care"].person_id) == ("no_account", None)
    assert "照料服务人单晓月" in lines["care"].held_note
    assert sorted(other.lines(staff, run)) == ["tekun-乙明"]

    with at(home.user, date(2017, 5, 20)):
        number = open_id(home.person)
    with pytest.raises(CareInputError, match="不能是特困人员本人"):
        home.card(agreement, 1, date(2017, 5, 20), id_text=number)
    payee = home.card(agreement, 1, date(2017, 5, 20))
    assert home.card(agreement, 1, date(2017, 5, 21)).person_id == payee.person_id  # a new card of the same person
    june = run_month(staff, JUNE)
    lines = home.lines(staff, june)
    got = lines["care-单晓月"]
    # June and, since nobody was paid for May, May: of April no run has paid any caregiver, so April is nobody's debt here.
    assert (got.care_fen, got.back_pay_fen, got.amount_fen, got.status) == (200_00, 200_00, 400_00, "paid")
    assert (got.person_id, got.persons, got.basis, got.roll_id) == (payee.person_id, 0, "agreement", None)
    assert got.agreement_id == agreement.pk
    assert lines["tekun-甲明"].amount_fen == 626_00
    with at(staff.check, LATER):
        assert BankItem.objects.get(line=got).holder == "单晓月"
        part = parts_of(got, "5 月")[0]
        assert (part.fen, part.why) == (200_00, "付给照料服务人，数额由照料服务协议约定")
        assert part.clause == "国务院令第649号 第15条(2)"
        told = explain_line(home.household, JUNE, programme="care")
        assert f"协议 {agreement.no} 约定由单晓月照料甲明，每月 200.00 元" in told.text
    assert treasury.held(programme="care") == {"available": 4600_00, "paid": 400_00}
    for one in (run, june):
        balanced(staff, one)
    clean()


def test_another_caregiver_owes_and_is_owed_nothing_of_the_one_before(make_user) -> None:
    """单晓月 was paid to June; that she left in May is told in June: she owes June, 荆小雨 is paid whole."""
    staff, treasury = Staff(make_user), Treasury(make_user)
    for programme in ("tekun", "care"):
        treasury.do("appropriation", 5000, programme=programme)
    home = Home(make_user, "甲明")
    first = home.agree("单晓月")
    old = home.card(first, 1, date(2017, 4, 3)).person_id
    for month in (MAY, JUNE):
        run_month(staff, month)
    with at(home.user, date(2017, 6, 20)):
        care.end_agreement(first, acting_user=home.user, on=date(2017, 5, 20), reason="外出务工")
    second = home.agree("荆小雨", 300, since=date(2017, 6, 1), on=date(2017, 6, 20))
    new = home.card(second, 2, date(2017, 6, 20)).person_id
    run = run_month(staff, JULY)
    lines = home.lines(staff, run)
    got = lines["care-荆小雨"]
    assert (got.care_fen, got.back_pay_fen, got.offset_fen, got.amount_fen) == (300_00, 300_00, 0, 600_00)
    assert sorted(lines) == ["care-荆小雨", "tekun-甲明"]
    with at(staff.check, LATER):
        claim = Claim.objects.get()
        assert (claim.programme, claim.person_id, claim.left_fen) == ("care", old, 200_00)
        assert claim.get_programme_display() == "照料服务补贴"
        assert new != old
    balanced(staff, run)
    clean()


def test_what_happens_before_the_file_leaves_holds_the_payee_s_line_back(make_user) -> None:
    """An agreement that ends, with a caregiver or a facility, and the death of who is looked after."""
    staff, treasury = Staff(make_user), Treasury(make_user)
    for programme in ("tekun", "care"):
        treasury.do("appropriation", 9000, programme=programme)
    ending, dying, staying = (Home(make_user, name) for name in ("甲明", "乙明", "丙明"))
    for number, home in enumerate((ending, dying, staying), 1):
        home.agreement = home.agree("单晓月")  # one neighbour looks after all three
        home.card(home.agreement, 1, date(2017, 4, number + 2))
    place = "福星镇福利院"
    inmate = Home(make_user, "丁明")
    with at(inmate.user, date(2017, 4, 3)):
        inmate.household.roll.update(form="centralised")
        card = people.add_account(
            acting_user=None, person=inmate.person, number="6217000099990000017", holder=place, since=date(2017, 4, 1)
        )
        inmate.household.roll.update(account=card)
        terms = care.Terms(form="centralised", party=place, services="集中供养", since=date(2017, 4, 1),
                           until=date(2017, 12, 31), signed_on=date(2017, 4, 1))  # fmt: skip
        housed = care.make_agreement(inmate.person, inmate.household, terms, acting_user=inmate.user)
    run = run_month(staff, MAY, upto="approve")
    assert inmate.lines(staff, run)[f"tekun-{place}"].agreement_id == housed.pk
    with at(ending.user, date(2017, 5, 4)):
        for one in (ending.agreement, housed):
            care.end_agreement(one, acting_user=ending.user, on=date(2017, 5, 3), reason="另行安排")
        people.record_death(acting_user=None, person=dying.person, died_on=date(2017, 5, 2))
    with at(staff.check, date(2017, 5, 5)):
        actions.make_bank_files(run, acting_user=staff.check)
    found = {
        one.person.name: {key.split("-")[0]: (line.status) for key, line in one.lines(staff, run).items()}
        for one in (ending, dying, staying, inmate)
    }
    assert found == {
        "甲明": {"tekun": "sent", "care": "withheld"},
        "乙明": {"tekun": "withheld", "care": "withheld"},
        "丙明": {"tekun": "sent", "care": "sent"},
        "丁明": {"tekun": "withheld"},
    }
    with at(staff.check, LATER):
        why = set(PayLine.objects.filter(status="withheld").values_list("events__message", flat=True))
    assert why == {"照料服务协议已解除", "成员死亡"}
    # What was held back of an approved run is free again, and June decides: the neighbour did look after 甲明 on 1 May.
    assert treasury.held(programme="care")["transit"] == 200_00
    clean()


def test_of_two_people_of_one_household_the_end_of_one_s_roll_holds_the_line_before_the_file(make_user) -> None:
    """The line is the sum of both agreements; whose agreement it names, the newer, still stands."""
    staff, treasury = Staff(make_user), Treasury(make_user)
    for programme in ("tekun", "care"):
        treasury.do("appropriation", 9000, programme=programme)
    leaving, staying = Home(make_user, "甲明"), Home(make_user, "乙明")
    for home, serial in ((leaving, 1), (staying, 2)):
        first = home.household.head
        with at(home.user, date(2017, 4, 1)):
            second = people.register_person(
                acting_user=None, region=VILLAGE, name=f"{first.name}弟", id_text=make_id("420899", date(1950, 1, 3), serial * 2 + 31),
                is_demo=True,
            )  # fmt: skip
            people.add_member(
                acting_user=None, household=home.household, person=second, relation="sibling", on=date(2017, 4, 1)
            )
            entry = home.household.roll.get()
            entry.pk, entry.person = None, second
            entry.account = people.add_account(
                acting_user=None, person=second, number=str(next(CARDS)), holder=second.name, since=date(2017, 4, 1)
            )
            entry.save(force_insert=True)
        for person in (second, first):
            home.person = person
            home.card(home.agree("单晓月"), 1, date(2017, 4, 3))
    run = run_month(staff, MAY, upto="approve")
    assert [home.lines(staff, run)["care-单晓月"].care_fen for home in (leaving, staying)] == [400_00, 400_00]
    with at(leaving.user, date(2017, 5, 4)):
        leaving.household.roll.filter(person__name="甲明弟").update(end_month=201704)
    with at(staff.check, date(2017, 5, 5)):
        actions.make_bank_files(run, acting_user=staff.check)
    assert leaving.lines(staff, run)["care-单晓月"].status == "withheld"
    assert staying.lines(staff, run)["care-单晓月"].status == "sent"
    with at(staff.check, LATER):
        assert set(
            PayLine.objects.filter(status="withheld", programme="care").values_list("events__message", flat=True)
        ) == {"已停发退出"}
    clean()
