"""Printed papers of cases and families, case files, rosters and exports: who may print what, and that it was printed."""
