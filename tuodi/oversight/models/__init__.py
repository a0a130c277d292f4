"""Rows of the room: complaints, appeals, ratings, and the steps of each."""

from __future__ import annotations

from tuodi.oversight.models.appeal import Appeal, AppealStep
from tuodi.oversight.models.complaint import Complaint, ComplaintStep
from tuodi.oversight.models.rating import Rating

__all__ = ["Appeal", "AppealStep", "Complaint", "ComplaintStep", "Rating"]
