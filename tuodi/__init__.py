"""Tuodi (托底): an open social-assistance (社会救助) platform for Chinese local government."""

__version__ = "0.1.0"
