"""A family and its officers in 荆门 东宝区, where real standards are in force, with synthetic people.

A room that wants another place overrides `village`.
"""

from __future__ import annotations

import pytest
from casekit import Office, family


@pytest.fixture
def village() -> str:
    return "420802001001"


@pytest.fixture
def office(db, make_user, village) -> Office:
    return Office(village, make_user)


@pytest.fixture
def household(db, village):
    return family(village)
