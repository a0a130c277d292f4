"""Monitoring: sweeps of the roll against registers, clues to close-out, warnings, and what is watched afterwards.

The circle closes here by calling down: a confirmed clue suspends a payment in `decisions`, and the next run in
`payments` holds the line.
"""
