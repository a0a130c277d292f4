"""Offices, staff and duties; places; and the one access layer (`access`) with its row-level security (`rls`)."""
