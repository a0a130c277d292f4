"""Around a town's cash: ordinary grants paid on the spot, more asked for and answered, counts checked by finance, the box closed."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import Office, at, hire
from django.db import DatabaseError, IntegrityError, transaction
from django.test import Client
from fieldkit import jpeg
from fundkit import Treasury, clean
from paykit import Staff, family, run_month

from tuodi.decisions import grants
from tuodi.decisions.models import Determination
from tuodi.funds import petty as reads
from tuodi.funds.actions import petty, petty_care
from tuodi.funds.errors import FundInputError, FundStateError
from tuodi.funds.models import FloatCheck, FloatRequest
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.payments.cash import runs_that_pay
from tuodi.payments.models import PayLine
from tuodi.web.components import waiting

pytestmark = pytest.mark.django_db(transaction=True)
TOWN, VILLAGE = "420802001", "420802001001"
DAY, SEPTEMBER = date(2017, 8, 14), Month(2017, 9)
BACKEND = "tuodi.org.backends.StaffBackend"


@pytest.fixture
def cashier(make_user):
    return hire(make_user, TOWN, "petty_cash")


def small_grant(office, home, fen: int, no: str) -> Determination:
    """A grant of the ordinary procedure, as its confirmation leaves it."""
    with at(office.county_confirm, DAY):
        row = Determination.objects.create(
            region=home.region, no=no, kind="family", household=home, programme="temporary", place="420802", case_date=DAY,
            month=201708, fingerprint="x", outcome="pass", amount_fen=fen, explanation={}, start_month=201709, decided_on=DAY,
            decided_by=office.county_confirm, cause="教育支出",
        )  # fmt: skip
        grants.enter(row, by=office.county_confirm)
    return row


def test_an_ordinary_small_grant_is_paid_in_cash_unless_a_run_pays_it(make_user, cashier, client: Client) -> None:
    treasury, office, staff = Treasury(make_user), Office(VILLAGE, make_user), Staff(make_user)
    box = treasury.float(TOWN, 5000)
    first, second = family(names=("向桂英",)), family(names=("刘德福",))
    paid, left = small_grant(office, first, 600_00, "T-1"), small_grant(office, second, 700_00, "T-2")
    with clock.frozen(DAY):
        client.force_login(cashier, backend=BACKEND)
        shown = client.get(f"/petty/{box.pk}/").content.decode()
        assert all(word in shown for word in ("向桂英", "刘德福", "教育支出", "600.00", "T-1"))
        sent = client.post(
            f"/petty/{box.pk}/", {"do": "pay", "grant": paid.pk, "receiver": "本人", "receipt": jpeg_file()}
        )
        assert sent.status_code == 303
    with at(cashier, DAY):
        assert [one.pk for one in reads.ordinary(box)] == [left.pk]
        assert reads.balance(box) == 4400_00
    treasury.do("appropriation", 5000, doc_no="低1号")
    treasury.do("appropriation", 5000, programme="temporary", doc_no="临9号")
    run = run_month(staff, SEPTEMBER)
    with at(staff.check, DAY):
        assert [one.household_id for one in PayLine.objects.filter(run=run, programme="temporary", base_fen__gt=0)] == [
            second.pk
        ]
    with at(cashier, date(2017, 9, 20)):
        assert runs_that_pay([paid.pk, left.pk]) == {left.pk: run.no}
    later = Client()  # August's session is over
    with clock.frozen(date(2017, 9, 20)):
        later.force_login(cashier, backend=BACKEND)
        assert "没有待支付的临时救助" in later.get(f"/petty/{box.pk}/").content.decode()
        assert later.get(f"/petty/{box.pk}/ledger.xlsx?month=201708").status_code == 200
    clean()


def jpeg_file():
    from django.core.files.uploadedfile import SimpleUploadedFile

    return SimpleUploadedFile("收据.jpg", jpeg(), content_type="image/jpeg")


def test_a_town_asks_the_county_advances_and_finance_decides_and_checks(make_user, cashier) -> None:
    treasury = Treasury(make_user)
    box = treasury.float(TOWN, 1000, on=date(2017, 7, 3))
    with at(cashier, DAY):
        asked = petty_care.ask_refill(box, acting_user=cashier, amount_fen=2000_00, reason="七月支出较多")
        with pytest.raises(FundStateError, match="补足申请"):
            petty_care.ask_refill(box, acting_user=cashier, amount_fen=100_00, reason="再要一点")
        with pytest.raises(NotFoundError):  # the county's, and no town's
            petty_care.propose_refill(asked, acting_user=cashier)
    with at(treasury.keep, DAY):
        assert waiting.counts(treasury.keep, access.duties_of(treasury.keep))["web:petty"] == 1
        with pytest.raises(FundInputError, match="理由"):
            petty_care.refuse_refill(asked, acting_user=treasury.keep, reason=" ")
    treasury.do("appropriation", 5000, programme="temporary", doc_no="临2号", on=DAY)
    with at(treasury.keep, DAY):
        paper = petty_care.propose_refill(asked, acting_user=treasury.keep)
        with pytest.raises(FundStateError):
            petty_care.refuse_refill(asked, acting_user=treasury.keep, reason="不用了")
    treasury.decide(paper, on=DAY)
    with at(cashier, DAY):
        assert reads.balance(box) == 3000_00
        again = petty_care.ask_refill(box, acting_user=cashier, amount_fen=9000_00, reason="预备冬季")
    with at(treasury.keep, DAY):
        petty_care.refuse_refill(again, acting_user=treasury.keep, reason="先用完现有的")
        assert FloatRequest.objects.get(pk=again.pk).refusal == "先用完现有的"
    # Finance checks the month's count; of a difference it says what follows.
    later = date(2017, 9, 4)
    with at(cashier, later):
        count = petty.count_cash(box, acting_user=cashier, month=Month(2017, 8), counted_fen=2990_00, note="找零短少")
    with at(treasury.review, later):
        assert waiting.counts(treasury.review, access.duties_of(treasury.review))["web:petty"] == 1
        with pytest.raises(FundInputError, match=r"相差 -10\.00 元"):
            petty_care.check_count(count, acting_user=treasury.review)
        petty_care.check_count(count, acting_user=treasury.review, note="由保管人补足")
        with pytest.raises(FundStateError):
            petty_care.check_count(count, acting_user=treasury.review, note="再看")
        with pytest.raises(DatabaseError), transaction.atomic():
            FloatCheck.objects.update(note="改")
    with at(treasury.keep, later), pytest.raises(AccessDeniedError):
        petty_care.check_count(count, acting_user=treasury.keep, note="不是财政")
    # The box is closed once it is empty.
    with at(treasury.keep, later):
        with pytest.raises(FundInputError, match=r"还有 3,000\.00 元"):
            petty_care.close_float(box, acting_user=treasury.keep, reason="撤并乡镇")
        petty.give_back(box, acting_user=treasury.keep, amount_fen=3000_00, reason="撤并乡镇")
        petty_care.close_float(box, acting_user=treasury.keep, reason="撤并乡镇")
        with pytest.raises(FundInputError, match="还没有设立备用金"):
            treasury.propose("advance", 100, programme="temporary", town=TOWN, on=later)
        with pytest.raises(IntegrityError), transaction.atomic():
            FloatRequest.objects.filter(pk=asked.pk).update(refusal="又不同意")
    clean()
