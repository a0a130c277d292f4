"""Rows of the room: applications and their materials."""

from __future__ import annotations

from tuodi.intake.models.application import Application, ApplicationMember, Material

__all__ = ["Application", "ApplicationMember", "Material"]
