"""Families on the roll and officers of payments for tests. All synthetic: numbers of area 420899."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from casekit import at, hire
from packkit import laid_over

from simulators.bank import answer_file
from tuodi.exchange.bank import load_bank_profile
from tuodi.files.store import open_plain
from tuodi.kernel import clock
from tuodi.kernel.identity import make_id
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.org.access import system_scope
from tuodi.payments import actions, checks
from tuodi.payments.models import PayLine, PayRun
from tuodi.people import actions as people
from tuodi.people.enums import PERSON_PROGRAMMES
from tuodi.people.facts import put_facts
from tuodi.people.models import Household, RollEntry

_numbers = itertools.count(1)
LATER = date(2017, 12, 1)


class Staff:
    """The three people of a pay office: `prepare`, `check` (also sends), `approve`."""

    def __init__(self, make_user, place: str = "420802") -> None:
        self.prepare = hire(make_user, place, "pay_prepare")
        self.check = hire(make_user, place, "pay_check", "pay_send")
        self.approve = hire(make_user, place, "pay_approve")


def person(village: str, name: str, birth: date = date(1960, 1, 2)):
    number = next(_numbers)
    return people.register_person(
        acting_user=None,
        region=pad12(village),
        name=name,
        # odd, because a number that ends in 000 is taken for one spoilt by a spreadsheet
        id_text=make_id("420899", birth.replace(year=birth.year - number // 450), number % 450 * 2 + 1),
        is_demo=True,
    )


def family(
    *, village: str = "420802001001", names: tuple[str, ...] = ("向桂英", "刘德福"), income: int | None = 600, area_kind: str = "urban",
    assets_ok: bool | None = True, imported: bool = False, amount_fen: int = 0, start: int = 201601, account: str | None = "", since: date = date(2015, 1, 1),
    programme: str = "dibao", holder: str | None = None, **facts: object,
) -> Household:  # fmt: skip
    """A family on the roll. `income` is yuan a month; None = not known. `account` "" makes a new one, None gives none."""
    with clock.frozen(date(2016, 1, 4)), system_scope(village):
        members = [person(village, name) for name in names]
        household = people.form_household(
            acting_user=None,
            region=pad12(village),
            head=members[0],
            area_kind=area_kind,
            on=since,
            members=[(one, "spouse") for one in members[1:]],
            is_demo=True,
        )
        own = {"area_kind": area_kind, "assets_ok": assets_ok, **facts}
        if income is not None:
            own["income_year"] = f"{income * 12}.00"
        put_facts(household, {"household": own, "members": []}, since)
        card = None
        if account is not None:
            card = people.add_account(
                acting_user=None,
                person=members[0],
                number=account or f"62170000{next(_numbers):011d}",
                holder=holder or names[0],
                since=since,
                bank_code="农商行",
            )
        RollEntry.objects.create(
            household=household,
            person=members[0] if programme in PERSON_PROGRAMMES else None,
            region=household.region,
            programme=programme,
            category=area_kind,
            form="dispersed" if programme == "tekun" else "",
            account=card,
            amount_fen=amount_fen,
            start_month=start,
            imported=imported,
        )
        return household


def pay_day(month: Month) -> date:
    """A day in the month on which officers act."""
    return date(month.year, month.month, 2)


def _answer(data: bytes, day: date, failing: float) -> bytes:
    """A bank's answer; where a share of the lines fails, some do and some do not, however few they are."""
    words = load_bank_profile("generic-csv").returned
    for seed in range(2017, 2117):
        found = answer_file(data, seed=seed, posted=day, failing=failing)
        text = found.decode("gb18030")
        if not 0.5 <= failing < 1 or (f",{words.paid[0]}," in text and f",{words.failed[0]}," in text):
            return found
    raise AssertionError("no seed gives a file with both")


def run_month(
    staff: Staff, month: Month, *, upto: str = "close", place: str = "420802", failing: float = 0.0, **more: object
) -> PayRun:
    """Takes a month through its steps, up to and with the named one."""
    steps = ("open", "calculate", "check", "approve", "send", "return", "settle", "close")
    wanted = steps[: steps.index(upto) + 1]
    day = pay_day(month)
    with at(staff.prepare, day):
        run = actions.open_run(acting_user=staff.prepare, place=place, month=month, **more)
    if "calculate" in wanted:
        with at(staff.prepare, day):
            run = actions.calculate(run, acting_user=staff.prepare)
    if "check" in wanted:
        with at(staff.check, day):
            run = actions.check(run, acting_user=staff.check)
    if "approve" in wanted:
        with at(staff.approve, day):
            run = actions.approve(run, acting_user=staff.approve)
    if "send" in wanted:
        with at(staff.check, day):
            batches = actions.make_bank_files(run, acting_user=staff.check)
            files = [open_plain(batch.file).read() for batch in batches]
    if "return" in wanted:
        with at(staff.check, day):
            for data in files:
                answer = _answer(data, day, failing)
                assert actions.import_return(run, acting_user=staff.check, data=answer, name="回盘.csv").faults == []
    if "settle" in wanted:
        with at(staff.check, day):
            run = actions.settle(run, acting_user=staff.check)
    if "close" in wanted:
        with at(staff.approve, day):
            run = actions.close(run, acting_user=staff.approve)
    return run


OLD = """pack: {place: "4208", programme: dibao}
instruments:
  旧标准: {title: 测试用的旧标准, number: "-", issuer: 测试, issued: 2016-01-01, in_force: 2016-01-01, kind: hypothetical}
parameters:
  standard:
    values:
      - {place: "420802001", area_kind: urban, from: 2016-01-01, to: 2017-12-31, value: 500, clause: 旧标准}
"""


@contextmanager
def old_standard(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if the rise had not been entered yet: an overlay nearer than the county keeps 500 for the town."""
    with laid_over(folder, monkeypatch, OLD):
        yield


def line(staff: Staff, run: PayRun, household: Household) -> PayLine:
    with at(staff.check, LATER):
        return PayLine.objects.get(run=run, household=household)


def balanced(staff: Staff, run: PayRun) -> None:
    with at(staff.check, LATER):
        failed = [one for one in checks.balance(run) if not one.ok]
        assert not failed, failed


def indexed(
    make_user, place: str, month: Month, cpi: str, food: str, *, hypothetical: bool = True, on: date | None = None
):
    """The indices of a month as entered on the tenth of the next one, or on another day."""
    makes = hire(make_user, place, "standards")
    day = on or month.next().first_day.replace(day=10)
    with at(makes, day):
        return actions.enter_index(
            acting_user=makes, place=place, month=month, cpi=cpi, food=food, source="测试用的公报", published_on=day, hypothetical=hypothetical,
        )  # fmt: skip
