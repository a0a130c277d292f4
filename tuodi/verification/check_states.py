"""The life of a request to check a family: which states there are and which moves are allowed."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import models

__all__ = ["REQUEST_MOVES", "RequestState"]


class RequestState(models.TextChoices):
    """Where a request stands."""

    OPENED = "opened", "已发起"
    PARTLY = "partly", "部分答复"
    COMPLETE = "complete", "答复齐全"
    REPORTED = "reported", "已出报告"
    DISPUTED = "disputed", "有异议"
    RECHECKED = "rechecked", "重新核对"


#: A late answer takes a reported request back to where its answers stand; the report made before stays as it is.
REQUEST_MOVES: Mapping[str, frozenset[str]] = {
    RequestState.OPENED: frozenset({RequestState.PARTLY, RequestState.COMPLETE}),
    RequestState.PARTLY: frozenset({RequestState.COMPLETE, RequestState.REPORTED}),
    RequestState.COMPLETE: frozenset({RequestState.REPORTED}),
    RequestState.REPORTED: frozenset({RequestState.PARTLY, RequestState.COMPLETE, RequestState.DISPUTED}),
    RequestState.DISPUTED: frozenset({RequestState.RECHECKED}),
    RequestState.RECHECKED: frozenset({RequestState.PARTLY, RequestState.COMPLETE}),
}
