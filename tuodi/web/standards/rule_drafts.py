"""The rules of a proposal on its page: the editor, what the compiler says, the present wording beside the new one, versions."""

from __future__ import annotations

import re
from typing import Any

from django.urls import reverse

from tuodi.policy.book import Book
from tuodi.standards.book import print_of
from tuodi.standards.models import Proposal
from tuodi.standards.rules import KEPT
from tuodi.web.components import places

__all__ = ["begun", "choices", "context"]

#: Programmes a proposal most often speaks of come first.
_FIRST = ("dibao", "tekun", "edge", "rigid_expense", "temporary", "price")


def choices(book: Book, proposal: Proposal) -> list[tuple[str, list[tuple[str, str]]]]:
    """Rules in force at the proposal's place that may be written anew, by programme: name and label."""
    texts = book.rule_texts(book.chain(proposal.place), proposal.effective_on)
    found: dict[str, list[tuple[str, str]]] = {}
    for name, text in texts.items():
        programme = name.split(".")[0] if "." in name else ""
        if programme in book.programmes and programme not in KEPT:
            found.setdefault(programme, []).append((name, text.label or name))
    rank = {code: number for number, code in enumerate(_FIRST)}
    order = sorted(found, key=lambda code: (rank.get(code, len(rank)), code))
    return [(book.programmes[code].label, sorted(found[code], key=lambda one: one[1])) for code in order]


def begun(book: Book, proposal: Proposal, text: str, name: str) -> str:
    """The text with the wording in force of one more rule in it, to be changed; as it was where there is no such rule."""
    held = book.rule_texts(book.chain(proposal.place), proposal.effective_on).get(name)
    programme, _, short = name.partition(".")
    if held is None or not short:
        return text
    body = f'  {short}:  # {held.label}\n    clause: 本文件 一\n    formula: "{held.formula}"\n'
    documents = text.split("\n---\n") if text.strip() else []
    for at, document in enumerate(documents):
        if re.search(rf"programme:\s*{re.escape(programme)}\b", document) and re.search(r"(?m)^rules:\s*$", document):
            documents[at] = re.sub(r"(?m)^rules:\s*\n", lambda found: found[0] + body, document, count=1)
            return "\n---\n".join(documents)
    case = (
        f"cases:\n  - id: {proposal.no}-{len(documents) + 1}\n    name: 写明这是什么家庭，应得多少\n    on: {proposal.effective_on}\n"
        '    family: {household: {area_kind: urban, income_year: 12000, assets_ok: true}, members: 2}\n    expect: {%s: ""}\n'
        % name
    )
    documents.append(f'pack: {{place: "{proposal.place}", programme: {programme}}}\nrules:\n{body}{case}')
    return "\n---\n".join(one.strip("\n") for one in documents)


def context(proposal: Proposal, *, editing: bool, may_simulate: bool) -> dict[str, Any]:
    """What the page shows of rules: nothing where a proposal has none and is not edited."""
    review = proposal.rules_review or {}
    changes = [
        {
            **one, "start": one["start"], "nearer": [places.name(code) for code in one["nearer"]],
            "before": [(kind, words) for kind, words in one["segments"] if kind != "in"],
            "after": [(kind, words) for kind, words in one["segments"] if kind != "out"],
        }
        for one in review.get("changes", [])
    ]  # fmt: skip
    versions = (
        list(proposal.drafts.select_related("saved_by").order_by("-version")[:20]) if proposal.rules_version else []
    )
    tried = proposal.simulated if may_simulate else {}
    counts = tried.get("counts", {})
    return {
        "has_rules": bool(proposal.rules_text),
        "show_rules": bool(proposal.rules_text or editing),
        "faults": review.get("faults", []),
        "changes": changes,
        "examples": review.get("examples", []),
        "moved": review.get("moved", []),
        "kept_examples": review.get("kept", 0),
        "versions": versions,
        "tried": tried,
        "tried_now": bool(proposal.simulated) and proposal.simulated.get("print") == print_of(proposal),
        "tried_rows": [
            (label, counts.get(name, 0), css)
            for name, label, css in (
                ("gain", "增加", "ok"), ("lose", "减少", "bad"), ("enter", "新纳入", "ok"), ("leave", "退出", "bad"), ("open", "算不出", "unknown"),
            )
        ],
        "tried_href": reverse("web:simulation", args=[tried["simulation"]]) if tried.get("simulation") else "",
    }  # fmt: skip
