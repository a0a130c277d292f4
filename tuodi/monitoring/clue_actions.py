"""Verbs of the clue ledger, from a clue's first entry to close-out. Each is one clue's; `…_many` does a batch.

`clue_verify`: raised, assigned, looked into, proposed. `clue_verdict`: decided, suspended, refuted, reopened.
`clue_handle`: handled, recovered, checked, closed. Families cut off are in `watch`.
"""

from __future__ import annotations

from tuodi.monitoring.clue_handle import (
    Basis,
    check,
    check_many,
    close,
    close_many,
    handle,
    handle_many,
    record_recovery,
)
from tuodi.monitoring.clue_verdict import decide, decide_many, refute, reopen, suspend, suspend_many
from tuodi.monitoring.clue_verify import (
    EvidenceRule,
    add_evidence,
    assign,
    assign_many,
    new_clue,
    propose,
    propose_many,
    start_many,
    start_verifying,
    undetermined,
)
from tuodi.monitoring.steps import BatchResult, Refusal

__all__ = [
    "Basis",
    "BatchResult",
    "EvidenceRule",
    "Refusal",
    "add_evidence",
    "assign",
    "assign_many",
    "check",
    "check_many",
    "close",
    "close_many",
    "decide",
    "decide_many",
    "handle",
    "handle_many",
    "new_clue",
    "propose",
    "propose_many",
    "record_recovery",
    "refute",
    "reopen",
    "start_many",
    "start_verifying",
    "suspend",
    "suspend_many",
    "undetermined",
]
