"""Officials' relatives in a register at rest: matched by number, check digit and name together, never by one of them."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from casekit import at

from tuodi.intake.application_actions import accept_application
from tuodi.kernel import clock
from tuodi.matching.sealed import SealedWriter
from tuodi.people.secrets import open_id
from tuodi.verification import kin_actions as kin
from tuodi.verification import register_store
from tuodi.verification.kin_registers import hits_for
from tuodi.verification.models import DataSource, RegisterBatch

DAY = date(2021, 9, 13)


def sealed(kind, rows):
    """A batch of a register of relatives, sealed as an import seals it."""
    source = DataSource.objects.create(
        code=kind, kind=kind, place_code="420802", label="家属申报", department="财政局", mode="batch", profile=kind
    )
    batch = RegisterBatch.objects.create(
        source=source, place_code="420802", batch_no="2021-08", profile=kind, as_of=date(2021, 8, 31), state="ready",
        rows=len(rows), accepted=len(rows), received_at=clock.now(), retain_until=date(2022, 8, 31),
    )  # fmt: skip
    path = register_store.path(batch)
    path.parent.mkdir(parents=True, exist_ok=True)
    names = ("id_raw", "name", "staff_name", "staff_unit", "kin_relation")
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row").with_columns(
        line_no=pl.int_range(1, len(rows) + 1, dtype=pl.Int64).cast(pl.UInt32),
        stale=pl.lit(False),
        as_of=pl.lit(date(2021, 8, 31)),
    )
    scratch = register_store.scratch()
    with SealedWriter(path, register_store.identity(batch), hot=["kin_relation"], scratch=scratch) as writer:
        writer.write(frame)
        writer.finish()
    return batch


@pytest.fixture
def case(office, household):
    with at(office.town_accept, DAY):
        return accept_application(acting_user=office.town_accept, household=household, programme="dibao").case


@pytest.mark.parametrize(("kind", "marked"), [("committee_kin", True), ("fiscal_kin", False)])
def test_number_and_name_together_are_a_match(office, household, case, kind, marked):
    head = household.head
    with at(office.town_review, DAY):
        number = open_id(head)
        wrong = number[:17] + ("0" if number[17] != "0" else "1")
        sealed(
            kind,
            [
                (number, head.name, "王主任", "长山社区", "sibling"),
                (number, "别的人", "李某", "财政局", "child"),
                (wrong, head.name, "赵某", "教育局", "child"),
                ("", head.name, "钱某", "卫健局", "spouse"),
            ],
        )
        hits = hits_for(case)
        assert [(hit.staff_name, hit.relation, hit.person.pk) for hit in hits] == [("王主任", "sibling", head.pk)]
        (filing,) = kin.match_kin(case, acting_user=office.town_review, hits=hits)
        assert (filing.state, filing.relation, filing.staff_unit) == ("matched", "sibling", "长山社区")
        assert kin.match_kin(case, acting_user=office.town_review, hits=hits_for(case)) == []
        case.refresh_from_db()
        # Only kin of staff and of village committees are recorded apart by law.
        assert ("kin" in case.marks) is marked


def test_without_a_register_there_is_nothing_to_say(office, case):
    with at(office.town_review, DAY):
        assert hits_for(case) == []
