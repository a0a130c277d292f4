"""The life of a proposal as a table of moves; the database keeps the same one (migration `guards`)."""

from __future__ import annotations

from django.db import models

__all__ = ["MOVES", "STEPS", "Body", "ProposalState", "Stance"]


class ProposalState(models.TextChoices):
    """Where a proposal stands."""

    DRAFT = "draft", "草案"
    CONSULTED = "consulted", "征求意见"
    APPROVED = "approved", "已批准"
    PUBLISHED = "published", "已公布"
    IN_FORCE = "in_force", "已执行"
    WITHDRAWN = "withdrawn", "已撤回"


MOVES: dict[str, frozenset[str]] = {
    ProposalState.DRAFT: frozenset({ProposalState.CONSULTED, ProposalState.WITHDRAWN}),
    # Back to draft: opinions asked for a change, and then all are asked anew.
    ProposalState.CONSULTED: frozenset({ProposalState.DRAFT, ProposalState.APPROVED, ProposalState.WITHDRAWN}),
    ProposalState.APPROVED: frozenset({ProposalState.PUBLISHED, ProposalState.WITHDRAWN}),
    ProposalState.PUBLISHED: frozenset({ProposalState.IN_FORCE}),
    ProposalState.IN_FORCE: frozenset(),
    ProposalState.WITHDRAWN: frozenset(),
}
#: The way of a proposal that is not withdrawn.
STEPS = ("draft", "consulted", "approved", "published", "in_force")


class Body(models.TextChoices):
    """Who is asked: departments of the same level, and the governments below."""

    FINANCE = "finance", "财政"
    STATISTICS = "statistics", "统计"
    PRICES = "prices", "物价（发改）"
    HUMAN_RESOURCES = "human_resources", "人社"
    COUNTY = "county", "县（市、区）人民政府"


class Stance(models.TextChoices):
    """What a body said."""

    OPEN = "", "未答复"
    AGREE = "agree", "同意"
    CHANGE = "change", "同意，有修改意见"
    OBJECT = "object", "不同意"
