"""What a lowered formula is made of: slots (one column of integers each) and typed values on the way there."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tuodi.policy.model import RuleText
from tuodi.policy.units import ONE, Dims
from tuodi.rules.core import Node

__all__ = ["Model", "Slot", "Val"]


@dataclass(frozen=True)
class Val:
    """A typed value while lowering. `type`: number, bool, date, month, set or an enum's name.

    A number is `node * scale / product(factors)`; `dims` is its canonical dimension; `bare` marks an integer literal.
    """

    type: str
    node: Node
    dims: Dims = ONE
    scale: Fraction = Fraction(1)
    factors: tuple[str, ...] = ()
    bare: bool = False


@dataclass
class Slot:
    """One column: a fact, a looked-up parameter, a rule, an aggregate or a hidden intermediate.

    The number shown is `integer * scale / product(factors)` in the declared `unit_factor` of its unit (money in fen).
    """

    key: str
    level: str
    kind: str  # fact param rule agg hidden builtin
    type: str
    node: Node | None  # how it is computed (rule, hidden); None for what is given
    lo: int
    hi: int
    null: bool
    dims: Dims = ONE
    scale: Fraction = Fraction(1)
    unit_factor: Fraction = Fraction(1)
    factors: tuple[str, ...] = ()
    deps: tuple[str, ...] = ()
    name: str = ""  # fact, parameter or rule name
    event: bool = False  # a fact whose absence means that it has not happened
    agg: str = ""  # sum count any max min rows
    child: str = ""  # the slot an aggregate runs over
    child_level: str = ""
    keys: tuple[str, ...] = ()  # slots a keyed parameter is looked up by; "=value" for a fixed key
    text: RuleText | None = None
    tree: Any = None
    refs: dict[str, Val] = field(default_factory=dict)  # source fragment -> what it stood for, for the explanation


@dataclass
class Model:
    """A set of slots closed under dependency, in an order in which each can be computed."""

    slots: dict[str, Slot]
    outputs: tuple[str, ...]
    levels: dict[str, str]  # level -> level above
    fingerprint: str
    structural: dict[str, Any]  # structural parameter -> value row used
    complete: dict[str, bool]  # parameter -> every key has a value (what `null` marks rest on)
    compiled: dict[str, Any] = field(default_factory=dict, repr=False)

    def depth(self, level: str) -> int:
        n = 0
        while self.levels[level]:
            level, n = self.levels[level], n + 1
        return n
