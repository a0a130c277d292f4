"""Relief that is there already: a grant beside it needs a written reason, or a look."""

from __future__ import annotations

import pytest
from casekit import at
from decisionkit import ACCEPTED, granted, to_confirm

from tuodi.audit.models import AuditEntry
from tuodi.cases.models import Case
from tuodi.decisions import actions
from tuodi.decisions.duplicates import against_case
from tuodi.decisions.errors import DuplicateReliefError
from tuodi.decisions.models import Determination
from tuodi.people.models import RollEntry


def standing(household, programme):
    """An entry that came on the roll while the case ran."""
    return RollEntry.objects.create(
        household=household, region=household.region, programme=programme, category="urban", amount_fen=1, start_month=202101
    )  # fmt: skip


def test_what_excludes_the_relief_needs_a_written_reason_at_confirmation(office, household):
    case, after = to_confirm(office, household)
    with at(office.county_confirm, after):
        standing(household, "dibao")
        for given in ({}, {"duplicates_seen": True}, {"duplicate_reason": "  "}):
            with pytest.raises(DuplicateReliefError, match=r"已从 2021-01 起享受.*写明理由"):
                actions.confirm(case, acting_user=office.county_confirm, opinion="同意", **given)
        assert not Determination.objects.filter(case=case).exists()
        (row,) = actions.confirm(
            case, acting_user=office.county_confirm, opinion="同意", duplicate_reason="原户当月已办理减员"
        )
        step = case.steps.get(name="confirm")
        assert step.data["duplicate_reason"] == "原户当月已办理减员"
        assert [one[0] for one in step.data["duplicates"]] == ["block"]
        entry = AuditEntry.objects.filter(action="decisions.confirm", subject_id=str(row.pk)).get()
        assert entry.after["duplicates"] == "block"


def test_what_may_be_double_must_be_looked_at_at_confirmation(office, household):
    case, after = to_confirm(office, household)
    with at(office.county_confirm, after):
        standing(household, "edge")
        with pytest.raises(DuplicateReliefError, match="勾选"):
            actions.confirm(case, acting_user=office.county_confirm, opinion="同意")
        (row,) = actions.confirm(case, acting_user=office.county_confirm, opinion="同意", duplicates_seen=True)
        assert row.outcome == "pass"


def test_a_review_of_what_the_family_gets_is_no_second_grant(office, household):
    granted(office, household)
    with at(office.county_confirm, ACCEPTED):
        case = Case.objects.get(household=household)
        assert [one.verdict for one in against_case(case)] == ["block"]
        case.kind = "review"
        assert against_case(case) == []
