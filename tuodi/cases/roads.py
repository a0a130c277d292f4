"""What a room above asks of a kind of step before it may be done, whoever completes it.

`cases` knows no report, yet must not let 信息核对 be completed past the one there has to be. The room that knows says so
once, when it is loaded; `complete_step` follows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tuodi.cases.models import Step
from tuodi.policy.procedure import Does

__all__ = ["Road", "follow", "prescribe"]

#: Looks at a locked open step and what is to be kept with it; returns what is kept. Raises a TuodiError to refuse.
Road = Callable[[Step, Mapping[str, Any]], Mapping[str, Any]]
_roads: dict[Does, Road] = {}


def prescribe(kind: Does, road: Road) -> None:
    """Sets the road of a kind of step."""
    _roads[kind] = road


def follow(step: Step, data: Mapping[str, Any]) -> Mapping[str, Any]:
    """What to keep with the step. Raises what the road raises."""
    road = _roads.get(step.kind)
    return road(step, data) if road else data
