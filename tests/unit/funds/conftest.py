"""What the tests of funds share."""

from __future__ import annotations

import pytest
from hospitalkit import lay_rules

medical_rules = pytest.fixture(lay_rules)
