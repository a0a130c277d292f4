"""The order of computation: which slots can be computed together on which level, and when rows are summed up a level.

Both printers follow the same steps. A step is all slots of one level whose inputs are there, then, when nothing more can
be computed anywhere, every aggregate that is ready out of the deepest such level, all in one go: one join and one
grouping per climb is what keeps a whole roll near the speed of hand-written columns.
"""

from __future__ import annotations

from dataclasses import dataclass

from tuodi.rules.slots import Model

__all__ = ["Step", "steps_of"]


@dataclass(frozen=True)
class Step:
    """Either `compute` (slots of `level`, in dependency order) or `climb` (aggregates of rows of `level` into the level above)."""

    kind: str
    level: str
    keys: tuple[str, ...]


def steps_of(model: Model) -> list[Step]:
    """Every slot of the model that is not given, in steps."""
    slots = model.slots
    done = {k for k, s in slots.items() if s.kind in ("fact", "builtin")}
    todo = [k for k in slots if k not in done]
    steps: list[Step] = []
    by_depth = sorted({s.level for s in slots.values()}, key=model.depth)
    while todo:
        moved = True
        while moved:
            moved = False
            for level in by_depth:
                batch: list[str] = []
                ready = set(done)
                grew = True
                while grew:
                    grew = False
                    for key in todo:
                        slot = slots[key]
                        if (
                            slot.level == level
                            and slot.kind != "agg"
                            and key not in ready
                            and all(d in ready for d in slot.deps)
                        ):
                            batch.append(key)
                            ready.add(key)
                            grew = True
                if batch:
                    steps.append(Step("compute", level, tuple(batch)))
                    done |= set(batch)
                    todo = [k for k in todo if k not in done]
                    moved = True
        climbs: dict[str, list[str]] = {}
        for key in todo:
            slot = slots[key]
            if slot.kind == "agg" and slot.child in done:
                climbs.setdefault(slot.child_level, []).append(key)
        if not climbs:
            if todo:
                raise AssertionError(f"cannot order {todo}")
            break
        deepest = max(climbs, key=model.depth)
        for level in [x for x in climbs if model.depth(x) == model.depth(deepest)]:
            steps.append(Step("climb", level, tuple(climbs[level])))
            done |= set(climbs[level])
        todo = [k for k in todo if k not in done]
    return steps
