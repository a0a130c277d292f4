"""Clues of families on the roll and the people of the ledger, for tests. All synthetic: area 420899."""

from __future__ import annotations

import itertools
from datetime import date

import paykit
from casekit import at, hire

from tuodi.kernel import clock
from tuodi.monitoring import clue_actions as ledger
from tuodi.monitoring.models import Clue
from tuodi.org.access import system_scope
from tuodi.people.models import Household

_facts = itertools.count(1)
FOUND = date(2017, 5, 4)
VEHICLE = {
    "label": "名下有非豁免机动车",
    "clause": "57-14",
    "deadline": {"n": 15, "unit": "工作日", "clause": "荆民发〔2017〕-1"},
    "evidence": {"visit": "入户调查记录", "sale_contract": "转让合同"},
}


class Hands:
    """The people of a county's ledger: `town` looks into clues, `county` decides, `second` checks and closes, `verify` sends out."""

    def __init__(self, make_user, county: str = "420802", town: str = "420802001") -> None:
        self.verify = hire(make_user, county, "verify")
        self.town = hire(make_user, town, "clue", "visit")
        self.county = hire(make_user, county, "clue_decide")
        self.second = hire(make_user, county, "clue_close")


def clue(home: Household, **given: object) -> Clue:
    """A vehicle clue about the head of a family, raised by the system."""
    number = next(_facts)
    values = {
        "source": "vehicle", "rule_code": "VEHICLE", "severity": "R", "household": home, "person": home.head, "programme": "dibao",
        "rule_text": VEHICLE, "fact": f"机动车 测A{number:05d}", "registered": {"plate": f"测A{number:05d}", "registered_on": "2017-02-10"},
        "required": ["visit"], "outcomes": ["stop", "decrease", "recover", "refer", "keep"], "default_action": "stop",
        "monthly_fen": 550_00,
    }  # fmt: skip
    with clock.frozen(FOUND), system_scope(home.region):
        return ledger.new_clue(acting_user=None, **{**values, **given})


def taken_to(hands: Hands, one: Clue, state: str, *, day: date = FOUND, verdict: str = "confirmed") -> Clue:
    """The clue moved on to a state on one day."""

    def step(who, verb, **given):
        with at(who, day):
            return verb(one, acting_user=who, **given)

    road = [
        ("assigned", lambda: step(hands.verify, ledger.assign, responsible=hands.town)),
        ("verifying", lambda: step(hands.town, ledger.start_verifying)),
        ("proposed", lambda: _found_out(hands, one, day, verdict)),
        ("confirmed", lambda: step(hands.county, ledger.decide, verdict=verdict)),
        ("suspended", lambda: step(hands.county, ledger.suspend)),
        ("handled", lambda: step(hands.county, ledger.handle, action="keep", text="车辆系工作所需，说明后保留")),
        ("rectified", lambda: step(hands.second, ledger.check, note="已核对")),
        ("closed", lambda: step(hands.second, ledger.close)),
    ]
    for name, deed in road:
        deed()
        if name == state:
            break
    with at(hands.county, day):
        one.refresh_from_db()
    return one


def _found_out(hands: Hands, one: Clue, day: date, verdict: str) -> None:
    with at(hands.town, day):
        ledger.add_evidence(one, kind="visit", title="入户调查", text="院内停放本人车辆", acting_user=hands.town)
        ledger.propose(
            one, verdict=verdict, conclusion="车辆为本人所有并使用" if verdict == "confirmed" else "车辆去年已卖，未过户",
            refuted_why="" if verdict == "confirmed" else "sold", acting_user=hands.town,
        )  # fmt: skip


def home(**given: object) -> Household:
    """A family on the roll, by default one that draws 550.00 a month."""
    return paykit.family(**given)  # type: ignore[arg-type]


def determined(family: Household) -> Household:
    """The family's roll entry resting on a determination, as an imported roll leaves it: something a change can follow."""
    from tuodi.decisions.models import Determination

    with clock.frozen(date(2016, 1, 4)), system_scope(family.region):
        entry = family.roll.get()
        made = Determination.objects.create(
            region=family.region, no=f"420802-JD-20160104-9{entry.pk:06d}", kind="imported", household=family,
            programme=entry.programme, place=family.region[:6], case_date=clock.today(), month=entry.start_month, outcome="pass",
            amount_fen=550_00, start_month=entry.start_month, decided_on=clock.today(), source_ref=f"测试 {entry.pk}",
        )  # fmt: skip
        entry.determination_id = made.pk
        entry.save(update_fields=["determination_id"])
    return family
