"""Decisions: the determination (facts + rules -> outcome, amount, explanation, frozen), notices' content, the roll.

The roll of `people` is written here and nowhere else.
"""
