"""Fact sets: what may be entered, where each value is from, and that frozen is one-way."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at
from django.db import IntegrityError, connection, transaction

from tuodi.org.errors import AccessDeniedError
from tuodi.verification.actions import enter_facts, freeze, start_fact_set
from tuodi.verification.errors import FactFaultsError, FrozenError
from tuodi.verification.models import FactSet
from tuodi.verification.queries import as_family, hash_fits, latest_frozen

DAY = date(2017, 5, 10)


@pytest.fixture
def draft(office, household):
    with at(office.town_review, DAY):
        return start_fact_set(acting_user=office.town_review, household=household)


def enter(office, draft, **more):
    with at(office.town_review, DAY):
        return enter_facts(draft, acting_user=office.town_review, **more)


def test_a_draft_starts_with_the_register(draft):
    assert [m["name"] for m in draft.facts["members"]] == ["欧阳建", "单晓月", "欧阳春"]
    assert draft.facts["household"] == {"area_kind": "urban"}
    assert draft.provenance["members[0].birth"] == {"source": "register"}
    assert len(draft.person_ids) == 3


def test_each_value_keeps_its_source_day_evidence_and_officer(office, draft):
    row = enter(office, draft, household={"income_year": "10800.00"}, source="visit", evidence="工资条")
    origin = {"source": "visit", "date": "2017-05-10", "evidence": "工资条", "officer": office.town_review.name}
    assert row.provenance["household.income_year"] == origin
    assert as_family(row)["household"]["income_year"] == {"value": "10800.00", **origin}


def test_none_takes_a_fact_back(office, draft):
    enter(office, draft, household={"income_year": "10800.00"})
    row = enter(office, draft, household={"income_year": None})
    assert "income_year" not in row.facts["household"]
    assert "household.income_year" not in row.provenance


def test_all_faults_at_once_with_their_paths_and_nothing_is_written(office, draft):
    head = draft.person_ids[0]
    with pytest.raises(FactFaultsError) as caught:
        enter(
            office,
            draft,
            household={"incme_year": "1", "assets_ok": "也许", "area_kind": "rural"},
            members={head: {"disability_grade": "9", "birth": "1951-01-01"}, 999999: {"employed": True}},
        )
    paths = {path for path, _ in caught.value.faults}
    assert {
        "household.incme_year",
        "household.assets_ok",
        "household.area_kind",
        "members[0].disability_grade",
        "members[0].birth",
        "members[person 999999]",
    } <= paths
    assert "请改正后重新提交" in str(caught.value)
    with at(office.town_review, DAY):
        draft.refresh_from_db()
    assert draft.facts["household"] == {"area_kind": "urban"}


def test_frozen_cannot_be_edited_by_anybody(office, draft, as_owner):
    enter(office, draft, household={"income_year": "10800.00"})
    with at(office.town_review, DAY):
        row = freeze(draft, acting_user=office.town_review)
        assert hash_fits(row)
        with pytest.raises(FrozenError, match="已定稿"):
            enter_facts(row, acting_user=office.town_review, household={"assets_ok": True})
        for statement in ("update verification_factset set facts = '{}'", "delete from verification_factset"):
            with pytest.raises(IntegrityError), transaction.atomic(), as_owner(), connection.cursor() as cursor:
                cursor.execute(statement)


def test_a_changed_value_no_longer_fits_the_hash(office, draft):
    with at(office.town_review, DAY):
        row = freeze(draft, acting_user=office.town_review)
    row.facts["household"]["income_year"] = "1.00"
    assert not hash_fits(row)


def test_a_new_set_takes_over_the_facts_of_the_last_with_their_sources(office, draft, household):
    head, spouse, _ = draft.person_ids
    enter(office, draft, household={"income_year": "10800.00"}, members={spouse: {"employed": True}}, source="finding")
    with at(office.town_review, DAY):
        freeze(draft, acting_user=office.town_review)
        from tuodi.people.actions import record_death
        from tuodi.people.models import Person

        record_death(acting_user=None, person=Person.objects.get(pk=head), died_on=date(2017, 4, 2))
        household.refresh_from_db()
        row = start_fact_set(acting_user=office.town_review, household=household, base=latest_frozen(household))
    assert row.supersedes_id == draft.pk
    assert row.number == 2
    assert head not in row.person_ids
    place = row.person_ids.index(spouse)
    assert row.facts["members"][place]["employed"] is True
    assert row.provenance[f"members[{place}].employed"]["source"] == "finding"
    assert row.facts["household"]["income_year"] == "10800.00"


def test_without_a_collecting_duty_nothing_is_entered(office, draft):
    with pytest.raises(AccessDeniedError), at(office.county_confirm, DAY):
        enter_facts(draft, acting_user=office.county_confirm, household={"assets_ok": True})


def test_unfrozen_has_no_hash(draft):
    assert (draft.sha256, draft.is_frozen, FactSet.Source("visit").label) == ("", False, "入户调查")
