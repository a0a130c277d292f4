"""Addresses of the one door: its queue, a family's visit, and what it prints."""

from __future__ import annotations

from django.urls import URLPattern, path

from tuodi.web.components.doors import DOOR, READERS, open_to
from tuodi.web.counter import door_papers, need, need_accept, needs, register

_door = open_to(*DOOR)
_readers = open_to(*READERS)

urlpatterns: list[URLPattern] = [
    path("needs/", _door(needs.listing), name="needs"),
    path("needs/mine/", _door(needs.mine), name="my-needs"),
    path("needs/limits.pdf", open_to()(door_papers.limits), name="limits"),
    path("needs/<int:pk>/", _door(need.show), name="need"),
    path("needs/<int:pk>/accept/", _door(need_accept.show), name="need-accept"),
    path("families/new/", _door(register.show), name="family-new"),
    path("families/<int:pk>/need/", _door(needs.start), name="need-start"),
    path("cases/<int:pk>/receipt.pdf", _readers(door_papers.receipt_pdf), name="case-receipt"),
    path("cases/<int:pk>/missing.pdf", _readers(door_papers.missing_pdf), name="case-missing"),
]
