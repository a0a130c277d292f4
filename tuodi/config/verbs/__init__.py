"""Verbs that handle the server itself (db, migrate); they need `config`, which `cli` may not import."""
