"""Persons, households with dated membership, accounts, facts for the bulk run, and the roll (written by decisions)."""
