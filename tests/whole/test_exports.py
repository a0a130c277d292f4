"""What a module says it offers exists, and no two lists of names drift apart."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _exporting() -> list[str]:
    found = []
    for path in sorted((ROOT / "tuodi").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = [
            t.id for node in tree.body if isinstance(node, ast.Assign) for t in node.targets if isinstance(t, ast.Name)
        ]
        if "__all__" in names:
            parts = path.relative_to(ROOT).with_suffix("").parts
            found.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return found


EXPORTING = _exporting()


def test_modules_with_a_list_of_names_were_found() -> None:
    assert len(EXPORTING) > 60


@pytest.mark.parametrize("name", EXPORTING)
def test_every_name_offered_exists_once(name: str) -> None:
    module = importlib.import_module(name)
    offered = list(module.__all__)
    assert [one for one in offered if not hasattr(module, one)] == []
    assert len(offered) == len(set(offered))
