"""What the tests of funds share."""

from __future__ import annotations

import pytest
from hospitalkit import PACK

from tuodi.verification import rulebook


@pytest.fixture
def medical_rules(tmp_path, monkeypatch):
    """The county's own ratio, deductible and ceiling, laid over the shipped packs."""
    (tmp_path / "medical.yaml").write_text(PACK, encoding="utf-8")
    monkeypatch.setenv("TUODI_POLICIES", str(tmp_path))
    rulebook.reload()
    yield
    monkeypatch.delenv("TUODI_POLICIES")
    rulebook.reload()
