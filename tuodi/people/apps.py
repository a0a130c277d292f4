"""Django app of the room `people`."""

from __future__ import annotations

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """Persons and households."""

    name = "tuodi.people"
    label = "people"
    verbose_name = "人员与家庭"
