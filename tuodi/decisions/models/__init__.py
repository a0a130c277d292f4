"""The rows of the room: determinations, what follows from them, and the papers that tell of them."""

from tuodi.decisions.models.care import CareAgreement, CarePayee
from tuodi.decisions.models.determination import Determination
from tuodi.decisions.models.end_notice import EndNotice
from tuodi.decisions.models.paper_alarm import PaperAlarm
from tuodi.decisions.models.papers import CaseFile, StandingEntry, StandingList
from tuodi.decisions.models.relief import GrantStage, Relief
from tuodi.decisions.models.revocation import Revocation
from tuodi.decisions.models.roll_notice import RollNotice
from tuodi.decisions.models.suspension import Suspension

__all__ = [
    "CareAgreement",
    "CarePayee",
    "CaseFile",
    "Determination",
    "EndNotice",
    "GrantStage",
    "PaperAlarm",
    "Relief",
    "Revocation",
    "RollNotice",
    "StandingEntry",
    "StandingList",
    "Suspension",
]
