"""Addresses of the hotline tickets."""

from __future__ import annotations

from django.urls import URLPattern, path

from tuodi.web.components.doors import DOOR, open_to
from tuodi.web.counter import tickets

_door = open_to(*DOOR)

urlpatterns: list[URLPattern] = [
    path("tickets/", _door(tickets.listing), name="tickets"),
    path("tickets/new/", _door(tickets.take), name="ticket-new"),
    path("tickets/roster/", _door(tickets.roster), name="duty-roster"),
    path("tickets/<int:pk>/", _door(tickets.show), name="ticket"),
]
