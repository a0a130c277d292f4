"""The demo: a seeded synthetic roll and the story told by ``./run demo``."""
