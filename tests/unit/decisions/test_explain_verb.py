"""`tuodi explain`: one family, one month, and the month before."""

from __future__ import annotations

import json
from argparse import Namespace
from datetime import date

import pytest
from casekit import at
from decisionkit import changed_facts, granted

from tuodi.audit.models import AuditEntry
from tuodi.cli.verbs.explain import run
from tuodi.decisions.changes import record_change
from tuodi.kernel.periods import Month


@pytest.fixture
def lowered(office, household):
    """825.00 from 2021-10, 525.00 from 2022-01."""
    granted(office, household)
    facts = changed_facts(office, household, date(2021, 12, 6), income_year="14400.00")
    with at(office.county_confirm, date(2021, 12, 7)):
        record_change(
            facts, acting_user=office.county_confirm, programme="dibao", effective=Month(2022, 1), cause="income",
            reasons="新增收入",
        )  # fmt: skip
    return household


def ask(household_no, month, form="text"):
    return run(Namespace(household=household_no, month=month, programme="dibao", person=None, format=form))


def test_the_text_names_amounts_cause_and_clause(lowered, capsys):
    assert ask(lowered.no, "2022-01") == 0
    out = capsys.readouterr().out
    assert "2022-01：525.00 元（上月 825.00 元）" in out
    assert "原因：核定的家庭年收入" in out
    assert "条〕" in out


def test_a_quiet_month_says_so(lowered, capsys):
    assert ask(lowered.no, "2021-12") == 0
    assert "与上月比没有变化" in capsys.readouterr().out


def test_json_holds_the_difference_and_the_graph(lowered, capsys):
    assert ask(lowered.no, "2022-01", "json") == 0
    body = json.loads(capsys.readouterr().out)
    assert (body["amount_fen"], body["difference_fen"], body["cause"]) == (52_500, -30_000, "income")
    assert body["explanation"]["nodes"]


@pytest.mark.parametrize(("no", "month"), [("420802-99999999", "2022-01"), (None, "2020-01"), (None, "2020-13")])
def test_an_unknown_family_or_month_is_said_plainly(lowered, capsys, no, month):
    assert ask(no or lowered.no, month) == 1
    assert "请" in capsys.readouterr().err


def test_the_look_is_logged(lowered, office):
    ask(lowered.no, "2022-01")
    with at(office.county_confirm, date(2022, 1, 5)):
        assert AuditEntry.objects.filter(action="decisions.explain", subject_id=str(lowered.pk)).exists()
