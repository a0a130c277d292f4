from __future__ import annotations

from pathlib import Path

import pytest

from tuodi.demo.generator import generate


@pytest.fixture(scope="session")
def roll(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated roll of 荆门 with its truth tables."""
    out = tmp_path_factory.mktemp("roll")
    generate(out)
    return out
