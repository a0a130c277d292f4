"""Intake: applications that are accepted, and rosters that offices send. What comes in, before anything is decided."""
