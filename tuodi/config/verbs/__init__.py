"""Verbs that need rooms `cli` may not import: the server itself (db, migrate) and page resources (assets)."""
