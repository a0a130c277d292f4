"""Imported rolls: adopted in bulk, once, and never over what is on the roll."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at, family, hire
from decisionkit import accepted_batch, granted, imported
from django.db import IntegrityError, transaction

from tuodi.decisions.models import Determination
from tuodi.people.models import RollEntry


def test_an_accepted_roster_goes_on_the_roll_once(office, household):
    from tuodi.decisions.rosters import Adopted, adopt_roster

    keeper = hire(office._make, "420802", "roll_import")
    with at(keeper, date(2017, 6, 1)):
        batch = accepted_batch([household, family("420802001001")], amount_fen=30_000, start=201704)
        assert adopt_roster(batch, acting_user=keeper) == Adopted(2, 2, 0, 0)
        assert adopt_roster(batch, acting_user=keeper) == Adopted(0, 0, 2, 0)
        row = Determination.objects.filter(kind="imported").first()
        assert (row.outcome, row.amount_fen, row.place, row.explanation) == ("pass", 30_000, "420802001", None)
        entry = RollEntry.objects.get(determination_id=row.pk)
        assert (entry.start_month, entry.imported) == (201704, True)


def test_a_unit_already_on_the_roll_is_left_as_it_is(office, household):
    from tuodi.decisions.rosters import Adopted, adopt_roster

    granted(office, household)
    keeper = hire(office._make, "420802", "roll_import")
    with at(keeper, date(2021, 12, 1)):
        batch = accepted_batch([household], amount_fen=1, start=202101)
        assert adopt_roster(batch, acting_user=keeper) == Adopted(0, 0, 0, 1)
        assert RollEntry.objects.get().amount_fen == 82_500


def test_one_accepted_row_is_adopted_once_by_constraint(office, household):
    row = imported(household, amount_fen=1, start=201704)
    with at(office.county_confirm, date(2017, 6, 1)):
        copy = Determination.objects.get(pk=row.pk)
        copy.pk, copy.no = None, "420802-DR-X"
        with pytest.raises(IntegrityError), transaction.atomic():
            copy.save(force_insert=True)
