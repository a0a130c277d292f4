"""The rules of a proposal: kept version by version, looked at by the compiler and its examples, adopted as they were approved."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from tuodi.kernel import clock
from tuodi.kernel.places import parents
from tuodi.org.models import User
from tuodi.policy.book import Book
from tuodi.policy.faults import Fault, PolicyErrors
from tuodi.rules.amend import review
from tuodi.standards.book import draft_rows, draft_text, print_of, proposed_over
from tuodi.standards.errors import RulesFaultyError
from tuodi.standards.models import AdoptedRules, Proposal, RulesDraft

__all__ = ["InForce", "Rewritten", "adopt", "in_force", "note_simulated", "put_text", "require_sound", "review_of"]

#: Programmes whose rules are no subject of a proposal: floors are there to hold proposals.
KEPT = ("standards",)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def put_text(proposal: Proposal, text: str, user: User, book: Book) -> None:
    """Sets the rules of a draft that is locked and saved by the caller, keeps the version, and looks at it."""
    text = text.replace("\r\n", "\n").strip()
    if text != proposal.rules_text:
        proposal.rules_version += 1
        proposal.rules_text = text
        RulesDraft.objects.create(
            proposal=proposal, version=proposal.rules_version, text=text, digest=_digest(text), saved_at=clock.now(), saved_by=user
        )  # fmt: skip
    proposal.rules_review = review_of(proposal, book)


def review_of(proposal: Proposal, book: Book) -> dict[str, Any]:
    """What is to be said of the rules beside the book in force; empty where a proposal has none.

    Returns:
        `faults` (line, message), `changes`, `examples`, `moved`, `kept` of `rules.amend.Review`.
    """
    text = draft_text(proposal)
    if text is None:
        return {}
    try:
        base = proposed_over(book, draft_rows(proposal))
    except PolicyErrors as error:
        return {"faults": _told(error.faults), "changes": [], "examples": [], "moved": [], "kept": 0}
    found = review(base, text)
    kept = [
        Fault(text.source, int(one.then.source.rpartition(":")[2]), f"规则“{one.name}”是底线检查，不能由方案修改")
        for one in found.changes
        if one.name.split(".")[0] in KEPT
    ]
    return {
        "faults": _told([*found.faults, *kept]), "changes": [asdict(one) for one in found.changes],
        "examples": found.examples, "moved": [asdict(one) for one in found.moved], "kept": found.kept,
    }  # fmt: skip


def _told(faults: Sequence[Fault]) -> list[dict[str, Any]]:
    return [{"line": one.line, "message": one.message} for one in faults]


def require_sound(proposal: Proposal, book: Book) -> None:
    """Looks again, for the book may have changed since, and keeps what was found; the caller saves. Raises RulesFaultyError."""
    if not proposal.rules_text:
        return
    proposal.rules_review = review_of(proposal, book)
    faults = proposal.rules_review["faults"]
    if faults:
        raise RulesFaultyError(proposal.no, [f"第 {one['line']} 行：{one['message']}" for one in faults])


def adopt(proposal: Proposal) -> None:
    """Puts the text of a published proposal into the site's book, from its effective day on."""
    if not proposal.rules_text or proposal.published_on is None:
        return
    AdoptedRules.objects.create(
        proposal=proposal, place=proposal.place, start=proposal.effective_on, text=proposal.rules_text, digest=_digest(proposal.rules_text),
        doc_no=proposal.doc_no, doc_title=proposal.doc_title, issued_on=proposal.published_on, hypothetical=proposal.hypothetical,
        adopted_at=clock.now(),
    )  # fmt: skip


@dataclass(frozen=True)
class Rewritten:
    """One rule an adopted text wrote, as it was adopted.

    Attributes:
        was: words, clause and place of the wording it took the place of; empty = there was none. words, clause: its own.
        later: number of the proposal whose text took its place since; empty = it holds.
    """

    name: str
    label: str
    programme: str
    was: str
    was_clause: str
    words: str
    clause: str
    later: str


@dataclass(frozen=True)
class InForce:
    """One adopted text that holds at a place on a day, with the rules of it that reach there."""

    adopted: AdoptedRules
    proposal: Proposal
    rules: tuple[Rewritten, ...]


def in_force(place: str, on: date) -> list[InForce]:
    """Texts of rules adopted on screen that hold at a place on a day, newest first; those none of whose rules reach it are left out."""
    chain = parents(place)
    rows = AdoptedRules.objects.filter(place__in=chain, start__lte=on).select_related("proposal__approved_by__office")
    taken: dict[tuple[str, str], str] = {}
    found = []
    for row in sorted(rows, key=lambda one: (one.start, one.pk), reverse=True):
        rules = []
        for one in row.proposal.rules_review.get("changes", []):
            if (
                one["place"] not in chain
                or one["start"] > on.isoformat()
                or (one["end"] and one["end"] < on.isoformat())
            ):
                continue
            # A nearer place that keeps its own wording.
            if any(code in chain[: chain.index(one["place"])] for code in one["nearer"]):
                continue
            key = one["name"], one["place"]
            was = one["now"] or {}
            rules.append(
                Rewritten(
                    one["name"], one["label"], one["programme"], was.get("words", ""), was.get("clause", ""), one["then"]["words"],
                    (one["then"]["clause"] or "").replace("本文件", f"{row.doc_no}《{row.doc_title}》"), taken.get(key, ""),
                )
            )  # fmt: skip
            taken.setdefault(key, row.proposal.no)
        if rules:
            found.append(InForce(row, row.proposal, tuple(rules)))
    return found


def note_simulated(proposal_id: int, figures: Mapping[str, Any]) -> None:
    """Notes what a simulation said of a proposal, if it still stands as it was simulated.

    Args:
        figures: `print` of what was simulated, `simulation`, `month`, `counts`, `amount_fen`, `back_fen`.
    """
    proposal = Proposal.objects.select_for_update().get(pk=proposal_id)
    if figures["print"] != print_of(proposal):
        return
    proposal.simulated = {**figures, "at": clock.now().isoformat()}
    proposal.save(update_fields=["simulated"])
