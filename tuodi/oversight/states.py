"""The life of a complaint, an appeal and a rating: which states there are and which moves are allowed."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import models

__all__ = [
    "APPEAL_MOVES", "COMPLAINT_MOVES", "RATING_MOVES", "AppealState", "ComplaintState", "Grade", "Outcome", "RatingState",
]  # fmt: skip


class ComplaintState(models.TextChoices):
    """Where a complaint stands."""

    OPEN = "open", "待答复"
    ESCALATED = "escalated", "转上级，待答复"
    ANSWERED = "answered", "已答复"
    CLOSED = "closed", "办结"


COMPLAINT_MOVES: Mapping[str, frozenset[str]] = {
    ComplaintState.OPEN: frozenset({ComplaintState.ANSWERED, ComplaintState.ESCALATED}),
    ComplaintState.ESCALATED: frozenset({ComplaintState.ANSWERED, ComplaintState.ESCALATED}),
    # Not content with the answer: once, to the level above.
    ComplaintState.ANSWERED: frozenset({ComplaintState.ESCALATED, ComplaintState.CLOSED}),
    ComplaintState.CLOSED: frozenset(),
}


class AppealState(models.TextChoices):
    """Where an appeal stands."""

    FILED = "filed", "待审查受理"
    ACCEPTED = "accepted", "已受理，审理中"
    NOT_ACCEPTED = "not_accepted", "不予受理"
    DECIDED = "decided", "已决定"
    WITHDRAWN = "withdrawn", "申请人撤回"


APPEAL_MOVES: Mapping[str, frozenset[str]] = {
    AppealState.FILED: frozenset({AppealState.ACCEPTED, AppealState.NOT_ACCEPTED, AppealState.WITHDRAWN}),
    AppealState.ACCEPTED: frozenset({AppealState.DECIDED, AppealState.WITHDRAWN}),
    AppealState.NOT_ACCEPTED: frozenset(),
    AppealState.DECIDED: frozenset(),
    AppealState.WITHDRAWN: frozenset(),
}


class Outcome(models.TextChoices):
    """What an appeal ends in (行政复议法 art 28)."""

    NONE = "", "未决定"
    UPHELD = "upheld", "维持原决定"
    CHANGED = "changed", "变更原决定"
    REVOKED = "revoked", "撤销，责令重新作出"


class Grade(models.IntegerChoices):
    """Five grades of GB/T 39735-2020."""

    EXCELLENT = 5, "非常满意"
    GOOD = 4, "满意"
    FAIR = 3, "基本满意"
    POOR = 2, "不满意"
    BAD = 1, "非常不满意"


class RatingState(models.TextChoices):
    """Where a rating stands. A good one needs nothing."""

    GIVEN = "given", "已评价"
    TO_VERIFY = "to_verify", "差评待核实"
    TO_MEND = "to_mend", "整改中"
    TO_CALL = "to_call", "待回访"
    CLOSED = "closed", "办结"


RATING_MOVES: Mapping[str, frozenset[str]] = {
    RatingState.GIVEN: frozenset(),
    RatingState.TO_VERIFY: frozenset({RatingState.TO_MEND, RatingState.TO_CALL}),
    RatingState.TO_MEND: frozenset({RatingState.TO_CALL}),
    RatingState.TO_CALL: frozenset({RatingState.CLOSED}),
    RatingState.CLOSED: frozenset(),
}
