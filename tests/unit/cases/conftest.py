"""A family and the officers of its village, town and county."""

from __future__ import annotations

import pytest
from casekit import Office, family

VILLAGE = "420899001001"


@pytest.fixture
def office(db, make_user):
    return Office(VILLAGE, make_user)


@pytest.fixture
def household(db):
    return family(VILLAGE)
