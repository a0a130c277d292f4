"""Django app of the room `messages`. Its label differs: Django's own messages have that one."""

from __future__ import annotations

from django.apps import AppConfig


class MessagesConfig(AppConfig):
    """The outbox."""

    name = "tuodi.messages"
    label = "outbox"
    verbose_name = "消息"
