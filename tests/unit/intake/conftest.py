"""A family and officers in 荆门 东宝区, where real standards are in force, with synthetic people."""

from __future__ import annotations

import pytest
from casekit import Office, family

VILLAGE = "420802001001"


@pytest.fixture
def office(db, make_user):
    return Office(VILLAGE, make_user)


@pytest.fixture
def household(db):
    return family(VILLAGE)
