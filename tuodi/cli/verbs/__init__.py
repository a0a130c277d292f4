"""Verbs. Each file exposes `register(subparsers)`; see `tuodi.cli.registry`."""
