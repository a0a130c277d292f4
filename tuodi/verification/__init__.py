"""Verification: facts about a family, each with its source, checked against the declared facts and frozen.

For now facts are entered by officers, or taken from the register of persons; replies of departments, kin match and the
visit form come here later and end in the same frozen fact set.
"""
