"""Every worked example of every pack, decided for one family and as a column of a roll: the law's own numbers must come out."""

from __future__ import annotations

import functools
import json
import re
from datetime import date
from pathlib import Path

import pytest
from enginekit import ENGINES, compare

from tuodi.kernel.periods import Month
from tuodi.policy import default_dir
from tuodi.policy.book import Book
from tuodi.policy.faults import Fault
from tuodi.policy.loader import read_draft
from tuodi.policy.model import Case
from tuodi.rules import load_book, plan_for
from tuodi.rules.cases import case_plan, expected_rules, plain_family, run_case, same_value, value_at

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
VARIANTS = sorted((HERE / "regional_variants").glob("*"))
HYPOTHETICAL = sorted(p for p in (ROOT / "policies-hypothetical").glob("*") if p.is_dir())


def _layers() -> list[tuple[str, tuple[Path, ...]]]:
    """What is laid over the shipped packs: the examples of the specification together, each further variant by itself."""
    own = tuple(sorted(HERE.glob("*.yaml")))
    return [("", own), *((p.stem, (p,)) for p in (*VARIANTS, *HYPOTHETICAL) if p.is_dir() or p.suffix == ".yaml")]


@functools.cache
def _book(overlays: tuple[Path, ...]) -> Book:
    return load_book(overlays=overlays)


def _cases() -> list[object]:
    out = []
    for name, overlays in _layers():
        faults: list[Fault] = []
        folders = [default_dir(), *overlays] if not name else list(overlays)
        for case in read_draft(folders, faults).cases:
            ident = f"{name}-{case.id}" if name else case.id
            out.append(pytest.param(overlays, case.id, id=ident))
    return out


def _case(overlays: tuple[Path, ...], ident: str) -> tuple[Book, Case]:
    book = _book(overlays)
    return book, next(c for c in book.cases if c.id == ident)


CASES = _cases()


def test_the_specification_and_the_packs_have_cases() -> None:
    """The collection above found something: an empty folder must not pass."""
    assert len(CASES) >= 40


@pytest.mark.parametrize(("overlays", "ident"), CASES)
def test_case_comes_out(overlays: tuple[Path, ...], ident: str) -> None:
    book, case = _case(overlays, ident)
    assert run_case(book, case).wrong == (), f"{case.where.file}:{case.where.line} {case.name}"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("overlays", "ident"), CASES)
def test_case_comes_out_of_columns(overlays: tuple[Path, ...], ident: str, engine: str) -> None:
    """The same value, to the integer and including 未知, from a frame that holds the family."""
    book, case = _case(overlays, ident)
    plan = case_plan(book, case)
    if case.assume:
        plan = plan.assuming(plain_family(case.assume))
    family = plain_family(case.family or {})
    facts = {plan.place: family["place_facts"]} if family.get("place_facts") else None
    assert compare(engine, [(plan, family)], expected_rules(case), place_facts=facts) == []


EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.json"))


@pytest.mark.parametrize("path", EXAMPLES, ids=[p.stem for p in EXAMPLES])
def test_published_example_comes_out(path: Path) -> None:
    """The files a reader is told to try give what they say, through the same door: `plan.decide`."""
    body = json.loads(path.read_text(encoding="utf-8"))
    book = _book(())
    month = Month.parse(body["month"]) if body.get("month") else None
    plan = plan_for(book, body["place"], date.fromisoformat(body["on"]), month)
    programmes = {name.split(".")[0] for name in body["expect"]}
    wrong = []
    found: set[str] = set()
    for result in plan.decide(body, also=tuple(re.sub(r"\[.*", "", name) for name in body["expect"])):
        if result.programme not in programmes and programmes & {p.id for p in plan.programmes()}:
            continue
        for name, want in body["expect"].items():
            at = tuple(int(i) for i in re.findall(r"\[(\d+)\]", name))
            slot, value, exact = value_at(result.model, result.inputs.tree, re.sub(r"\[.*", "", name), at)
            found.add(name)
            if not same_value(result.plan.book, slot, value, exact, str(want)):
                wrong.append((result.programme, name, want, value))
    assert wrong == []
    assert found == set(body["expect"])
