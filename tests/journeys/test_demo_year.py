"""The replay of 荆门's year on a tiny roll: killed twice and told again, reckoned anew from facts and standards, closed to the fen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Sum

from tuodi.audit.models import AuditEntry
from tuodi.cases import procedures
from tuodi.demo.year import bank as line_to_bank
from tuodi.demo.year.cast import JINGMEN
from tuodi.demo.year.play import tell_year, year_rows
from tuodi.funds.models import EmergencyReturn, FundPaper, LedgerEntry, PettySpend, Posting, PremiumRefund, YearEnd
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.access import NATION, system_scope
from tuodi.payments import invariants
from tuodi.payments.explain import explain_line
from tuodi.payments.history import history
from tuodi.payments.models import Arrear, BankItem, PayLine, PayRun, StatementLine
from tuodi.people.models import Household, HouseholdFacts, Membership, RollEntry
from tuodi.verification import rulebook

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
SMALL = replace(JINGMEN, families=16, last=Month(2017, 6))
#: Yuan a person and month, from the month named: what the sources and the invented early values say, not what the product read.
STANDARDS = {
    "urban": ((201601, 500), (201704, 575)),
    "rural": ((201601, 300), (201701, 375)),
    "tekun": ((201601, 550), (201704, 626)),
}


class KilledError(Exception):
    """Stands for a kill."""


@pytest.fixture
def state(tmp_path: Path, settings: Any, files_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Keys, mark and the replay's area; the demo's folder."""
    settings.BANK_KEY, settings.BANK_MARK = tmp_path / "bank_key", tmp_path / "bank_sent.json"
    monkeypatch.setenv("TUODI_POLICIES", str(ROOT / "policies-hypothetical" / "year-replay"))
    rulebook.reload()
    procedures.reload()
    yield tmp_path / "demo"
    monkeypatch.undo()
    rulebook.reload()
    procedures.reload()


def test_a_year_closes_to_the_fen_and_is_told_once(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KilledError):
        tell_year(state, _killed_at("2017-01："), replays=[SMALL])
    ended = line_to_bank.Bank.end_unknown
    monkeypatch.setattr(line_to_bank.Bank, "end_unknown", _killed)  # files are out, the bank has half spoken
    with pytest.raises(KilledError):
        tell_year(state, lambda text: None, replays=[SMALL])
    monkeypatch.setattr(line_to_bank.Bank, "end_unknown", ended)
    said: list[str] = []
    tell_year(state, said.append, replays=[SMALL])
    assert said[-1].endswith("L1 至 L8 全部通过"), said[-1]
    with clock.frozen(date(2018, 1, 11)), system_scope(NATION):
        assert set(PayRun.objects.values_list("state", flat=True)) == {"closed"}
        _reckon_anew()
        _books_close()
        _every_number_has_a_source()
        assert invariants.check().ok
        before = _counted()
    again: list[str] = []
    tell_year(state, again.append, replays=[SMALL])
    assert [one for one in again if "：" in one and "行，到账" in one] == [one for one in said if "行，到账" in one]
    with system_scope(NATION):
        assert _counted() == before


def _killed(*_: Any, **__: Any) -> int:
    raise KilledError


def _killed_at(words: str) -> Any:
    def tell(text: str) -> None:
        if words in text:
            raise KilledError

    return tell


def _counted() -> list[int]:
    tables = (
        LedgerEntry,
        Posting,
        PayLine,
        BankItem,
        StatementLine,
        FundPaper,
        AuditEntry,
        RollEntry,
        Household,
        YearEnd,
    )
    return [model.objects.count() for model in tables]


def _standard(kind: str, month: int) -> int:
    return [yuan * 100 for since, yuan in STANDARDS[kind] if since <= month][-1]


def _present(household: int, day: date) -> int:
    rows = Membership.objects.filter(household=household, since__lte=day).select_related("person")
    return sum(1 for one in rows if one.until is None or one.until > day)


def _due(entry: RollEntry, month: int) -> int:
    """What a unit has a right to, by hand: standard times people less income; a tekun person his standard."""
    first = Month.parse(str(month)).first_day
    if entry.programme == "tekun":
        return _standard("tekun", month)
    facts = HouseholdFacts.objects.filter(household=entry.household_id, valid_from__lte=first)
    held = [one for one in facts.order_by("valid_from", "id") if one.valid_to is None or one.valid_to > first][-1]
    income = held.income_year_fen
    assert income is not None
    assert income % 12 == 0
    return max(_standard(held.area_kind, month) * _present(entry.household_id, first) - income // 12, 0)


def _reckon_anew() -> None:
    """Each unit's year from its facts and the standards; what was granted differs only by what it still owes."""
    due: dict[tuple[int, str], int] = defaultdict(int)
    for entry in RollEntry.objects.exclude(programme="temporary"):
        for month in (one.yyyymm for one in SMALL.months):
            if entry.start_month <= month and (entry.end_month is None or month <= entry.end_month):
                due[entry.household_id, entry.programme] += _due(entry, month)
                if month == 201702:  # the index of February: food 6.4 per cent, on the standard of dibao
                    area = "rural" if entry.category == "rural" else "urban"
                    people = 1 if entry.programme == "tekun" else _present(entry.household_id, date(2017, 2, 1))
                    due[entry.household_id, entry.programme] += people * _standard(area, 201702) * 64 // 1000
    granted: dict[tuple[int, str], int] = defaultdict(int)
    for one in PayLine.objects.filter(live=True, held="").exclude(status="withheld"):
        granted[one.household_id, one.programme] += one.amount_fen
    owed: dict[tuple[int, str], int] = defaultdict(int)
    for arrear in Arrear.objects.filter(amount_fen__lt=0):
        owed[arrear.household_id, arrear.programme] -= arrear.amount_fen
    for one in PayLine.objects.filter(live=True, offset_fen__lt=0):
        owed[one.household_id, one.programme] += one.offset_fen
    assert not PayLine.objects.filter(live=True).exclude(held="").exists()
    assert {unit: fen for unit, fen in granted.items() if fen} == {
        unit: fen + owed[unit] for unit, fen in due.items() if fen + owed[unit]
    }
    assert PayLine.objects.aggregate(n=Sum("back_pay_fen"))["n"] > 0


def _books_close() -> None:
    """Appropriated = handed to families by bank and in cash + what is left; each side summed from its own rows."""
    rows = year_rows(SMALL)
    assert all(one.off == 0 for one in rows)
    given = FundPaper.objects.filter(kind="appropriation", state="approved").aggregate(n=Sum("amount_fen"))["n"]
    arrived = BankItem.objects.filter(status="paid").aggregate(n=Sum("amount_fen"))["n"]
    cash = PettySpend.objects.aggregate(n=Sum("amount_fen"))["n"]
    ended = FundPaper.objects.filter(kind__in=["hand_back", "carry"], state="approved").aggregate(n=Sum("amount_fen"))[
        "n"
    ]
    # What hospitals, the collector and insurance gave back: by papers and vouchers, not by the bank's files.
    taken = FundPaper.objects.filter(kind="hospital_back", state="approved")
    back = sum(
        rows_.aggregate(n=Sum("amount_fen"))["n"] for rows_ in (PremiumRefund.objects, EmergencyReturn.objects, taken)
    )
    assert back > 0
    assert given == arrived + cash + ended - back
    assert given == sum(one.appropriated for one in rows)
    assert arrived + cash - back == sum(one.paid for one in rows)
    # The bank's own statements, without the lines it wrote by mistake.
    moved = StatementLine.objects.filter(verdict__in=["matched", "settled"])
    sides = dict(moved.values_list("debit").annotate(n=Sum("amount_fen")).order_by("debit"))
    assert sides[True] - sides.get(False, 0) == arrived
    left = StatementLine.objects.exclude(verdict__in=["matched", "settled"])
    assert left.count() == 3
    assert all(one.decisions.filter(state="confirmed").count() == 1 for one in left)
    assert YearEnd.objects.get().figures


def _every_number_has_a_source() -> None:
    """Each month's sum is a booked one, and each line's amount hangs on clauses."""
    for run in PayRun.objects.all():
        lines = PayLine.objects.filter(run=run, live=True, status="paid").aggregate(n=Sum("amount_fen"))["n"]
        sides = Posting.objects.filter(account="payable", entry__run_id=run.pk, entry__kind__in=["paid", "returned"])
        sums = sides.aggregate(dr=Sum("debit_fen"), cr=Sum("credit_fen"))
        assert lines == sums["dr"] - sums["cr"]
    assert not PayLine.objects.filter(basis="roll", base_fen__gt=0).exists()
    seen = set()
    for line in PayLine.objects.filter(live=True, status="paid", roll_id__isnull=False).exclude(programme="temporary"):
        if (line.programme, line.category, line.month) in seen:
            continue
        seen.add((line.programme, line.category, line.month))
        told = explain_line(
            line.household, Month.parse(str(line.month)), programme=line.programme, person_id=line.person_id
        )
        assert told.explanation is not None
        assert sum(fen for _, fen in told.parts) == line.amount_fen
        assert all(node["clause"] for node in told.explanation["nodes"] if node["kind"] != "fact"), line.key
        rise = 201701 if line.category == "rural" and line.programme == "dibao" else 201704
        assert ("荆门2017重放" in str(told.explanation)) == (line.month >= rise), (line.key, line.category)
        paid = [one for one in history(line.household) if one.line.pk == line.pk]
        assert len(paid) == 1
    assert len(seen) >= 15
