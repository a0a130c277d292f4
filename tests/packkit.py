"""Packs of a test's own, laid over those that ship."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tuodi.verification import rulebook


@contextmanager
def laid_over(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> Iterator[None]:
    """The text of a pack holds inside the block, for every book that is asked for."""
    (folder / "laid-over.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("TUODI_POLICIES", str(folder))
    rulebook.reload()
    yield
    monkeypatch.delenv("TUODI_POLICIES", raising=False)
    rulebook.reload()
