"""Oversight: complaints, appeals and ratings of residents, each answered by somebody else than it is about."""
