"""Verbs of funds."""
