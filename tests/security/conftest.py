"""A family in 荆门 东宝区, where real standards are in force, with synthetic people."""

from __future__ import annotations

from typing import Any

import pytest
from casekit import family


@pytest.fixture
def household(db: None) -> Any:
    return family("420802001001")
