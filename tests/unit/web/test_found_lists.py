"""Emergencies and persons at risk as lists: narrowed, put in order, taken out as a ledger, taken off with a reason."""

from __future__ import annotations

from typing import Any

import pytest
from casekit import Office, at, client_of, family
from reliefkit import DAY, relieved, reported

from tuodi.audit.models import AuditEntry
from tuodi.decisions.relief_states import Cause
from tuodi.intake.at_risk_actions import list_person
from tuodi.kernel import clock
from tuodi.monitoring.ledgers import LEDGERS, Choices
from tuodi.org import access
from tuodi.people.models import AtRisk

pytestmark = pytest.mark.django_db
VILLAGE, OTHER = "150302001001", "150302002001"


def names_in(text: str, *names: str) -> list[str]:
    """Those of the names that stand in the table, in its order."""
    table = text[text.index("<tbody>") :]
    return sorted((name for name in names if name in table), key=table.index)


def test_emergencies_are_narrowed_put_in_order_and_taken_out(make_user: Any) -> None:
    here, there = Office(VILLAGE, make_user), Office(OTHER, make_user)
    first, second, third = (
        family(place, names=(name,)) for place, name in ((VILLAGE, "安平"), (OTHER, "邹兰"), (VILLAGE, "陈立"))
    )
    reported(here, first)
    reported(there, second)
    reported(here, third, cause=Cause.SUDDEN_ILLNESS)
    county = client_of(here.county_review)
    with clock.frozen(DAY):
        assert len(names_in(county.get("/emergencies/").content.decode(), "安平", "邹兰", "陈立")) == 3
        town = county.get(f"/emergencies/?town={OTHER[:9]}").content.decode()
        assert names_in(town, "安平", "邹兰", "陈立") == ["邹兰"]
        ill = county.get("/emergencies/?cause=sudden_illness").content.decode()
        assert names_in(ill, "安平", "邹兰", "陈立") == ["陈立"]
        by_name = county.get("/emergencies/?sort=name").content.decode()
        assert names_in(by_name, "安平", "邹兰", "陈立") == ["安平", "陈立", "邹兰"]
        newest = county.get("/emergencies/?sort=reported").content.decode()
        assert names_in(newest, "安平", "邹兰", "陈立") == ["陈立", "邹兰", "安平"]
        assert "没有符合筛选条件的" in county.get("/emergencies/?cause=traffic").content.decode()
        assert '<option value="relief" selected>' in county.get("/exports/?kind=relief").content.decode()
    given = relieved(here, family(VILLAGE, names=("何秀",)), 60_000)
    with access.scope(here.county_review):
        choices = Choices.from_json(
            {"programme": "dibao", "month": "2021-09", "since": "2021-09-01", "until": "2021-09-30"}
        )
        ledger = LEDGERS["relief"]
        rows = [row for part in ledger.slices("150302", choices) for row in part.to_dicts()]
        assert ledger.count("150302", choices) == len(rows) == 4
    (row,) = [one for one in rows if one["no"] == given.no]
    assert (row["name"], row["amount"], row["state"]) == ("何秀", 60_000, "已先行救助，待补手续")


def test_who_is_no_longer_at_risk_is_taken_off_with_a_reason(make_user: Any) -> None:
    here, there = Office(VILLAGE, make_user), Office(OTHER, make_user)
    home = family(VILLAGE, names=("安平",))
    with at(here.town_visit, DAY):
        entry = list_person(acting_user=here.town_visit, person=home.head, risk_class="living_alone", source="全面排查")
    page = "/patrols/at-risk/?class=living_alone"
    with clock.frozen(DAY):
        mine = client_of(here.town_visit)
        assert "移出安平的原因" in mine.get(page).content.decode()
        assert "没有填写" in mine.post(page, {"off": entry.pk, "reason": " "}, follow=True).content.decode()
        assert client_of(there.town_visit).post(page, {"off": entry.pk, "reason": "不是我的"}).status_code == 404
        done = mine.post(page, {"off": entry.pk, "reason": "已入住敬老院"}, follow=True)
        assert done.redirect_chain[0][0].endswith("?class=living_alone")
        assert "安平已移出急难风险名单" in done.content.decode()
        assert "移出安平的原因" not in done.content.decode()
    with access.system_scope("cn"):
        kept = AtRisk.objects.get(pk=entry.pk)
        assert (kept.ended_on, kept.end_reason) == (DAY, "已入住敬老院")
        assert AuditEntry.objects.filter(action="intake.take_off_at_risk", subject_id=entry.pk).count() == 1
