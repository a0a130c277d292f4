"""What tests of payments share."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _own_files(settings, tmp_path) -> None:
    """Keys live as long as a test session: files of an earlier one would not open."""
    settings.FILES_DIR = tmp_path / "files"
