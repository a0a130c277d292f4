"""Rules decide: formulas typed and lowered once, printed as Python for one family and as columns for whole rolls. No Django, no clock."""

from tuodi.rules.family import FamilyErrors, InputFault, schema, validate_family
from tuodi.rules.library import load_book
from tuodi.rules.plan import Plan, ProgrammeResult, plan_for

__all__ = [
    "FamilyErrors",
    "InputFault",
    "Plan",
    "ProgrammeResult",
    "load_book",
    "plan_for",
    "schema",
    "validate_family",
]
