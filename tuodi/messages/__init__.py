"""Messages to people outside: an outbox in the caller's transaction, and the adapters that carry it."""
