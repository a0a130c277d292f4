"""Django app of the room `files`."""

from __future__ import annotations

from django.apps import AppConfig


class FilesConfig(AppConfig):
    """Stored files."""

    name = "tuodi.files"
    label = "files"
    verbose_name = "文件"
