"""What this room keeps enciphered, for a change of keys: the phones of complainants."""

from __future__ import annotations

from tuodi.oversight.models import Complaint
from tuodi.people.rotation import Column

__all__ = ["COLUMNS"]

COLUMNS = (Column(Complaint, "complaint.phone", "phone_cipher", "oversight.phone"),)
