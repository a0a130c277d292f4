"""Matching: identity numbers to integer keys on columns, registers at rest, and linkage by key. No Django, no clock."""
