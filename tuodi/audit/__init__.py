"""The append-only audit log, hash-chained per place and day, and idempotent requests."""
