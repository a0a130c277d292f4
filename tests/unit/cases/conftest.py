"""Cases run in a county of examples: no real standard takes part."""

from __future__ import annotations

import pytest


@pytest.fixture
def village() -> str:
    return "420899001001"
