"""Stored files: encrypted at rest, named by content hash, visible by place range."""
