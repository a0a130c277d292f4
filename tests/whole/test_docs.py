"""What the documents say must be what the product does: the published schema, the verbs, the glossary, the decisions."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tuodi.cli.registry import build_parser
from tuodi.policy.load import default_dir
from tuodi.rules import load_book, schema

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def book():
    return load_book([default_dir()])


def test_the_published_schema_is_the_one_decide_reads(book):
    published = json.loads((ROOT / "docs/schema/family.json").read_text(encoding="utf-8"))
    assert published == schema(book, "cn"), "请运行 ./run tuodi decide --schema 并更新 docs/schema/family.json"


def test_every_verb_the_documents_name_exists():
    parser = build_parser(("tuodi.cli.verbs", "tuodi.config.verbs"))
    verbs = set(next(a for a in parser._actions if a.dest == "verb").choices)
    named: dict[str, str] = {}
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for verb in re.findall(r"`(?:\./run )?tuodi ([a-z-]+)", page.read_text(encoding="utf-8")):
            named[verb] = str(page.relative_to(ROOT))
    assert {v: p for v, p in named.items() if v not in verbs} == {}


def test_every_verb_of_the_script_is_in_both_readmes():
    script = (ROOT / "run").read_text(encoding="utf-8")
    verbs = re.findall(r"^  (demo|test|check|stop|tuodi)\)", script, re.M)
    assert len(verbs) == 5
    for name in ("README.md", "README.zh-CN.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert [v for v in verbs if f"./run {v}" not in text] == [], name


def test_links_between_documents_lead_somewhere():
    broken = []
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)} -> {target}")
    assert broken == []


def test_the_glossary_knows_every_programme_enum_and_value(book):
    text = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    words = set(re.findall(r"`([a-z][a-z0-9_]*)`|^\| ([a-z][a-z0-9_]*) \|", text, re.M))
    known = {a or b for a, b in words}
    missing = sorted({*book.programmes, *book.enums} - known)
    assert missing == [], "docs/glossary.md 里没有"


def test_every_instrument_is_cited_somewhere(book):
    clauses = {row.clause for rows in book.draft.values.values() for row in rows}
    clauses |= {t.clause for r in book.rules.values() for t in r.texts}
    cited = {book.clause(c).instrument.id for c in clauses if c}  # type: ignore[union-attr]
    texts = [p.read_text(encoding="utf-8") for p in (ROOT / "policies").rglob("*.yaml") if p.name != "instruments.yaml"]
    texts += [
        p.read_text(encoding="utf-8") for folder in ("docs", "tuodi") for p in (ROOT / folder).rglob("*.[mp][dy]")
    ]
    for ident, item in book.instruments.items():  # procedures, notes and printed advice cite too
        words = [re.escape(w) for w in (item.number, item.title.removeprefix("中华人民共和国")) if w not in ("", "-")]
        pattern = re.compile("|".join([rf"clause: [\"']?{re.escape(ident)}\b", *words]))
        if any(pattern.search(text) for text in texts):
            cited.add(ident)
    assert sorted(set(book.instruments) - cited) == []


def test_decisions_are_listed_and_have_a_status():
    index = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")
    for page in sorted((ROOT / "docs/decisions").glob("0*.md")):
        assert page.name in index
        assert re.search(r"^Status: (accepted|superseded)", page.read_text(encoding="utf-8"), re.M), page.name
