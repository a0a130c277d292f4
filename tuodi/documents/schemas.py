"""What each form takes; how values are written stands in `parts`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tuodi.documents.case_forms import (
    AcceptanceReceipt,
    ApplicationForm,
    ChangeNotice,
    DecisionNotice,
    FilingForm,
    MeansForm,
    MissingPapers,
    StopNotice,
)
from tuodi.documents.door_forms import LimitsBoard
from tuodi.documents.list_forms import CaseFileCover, NoticeSheet, RosterForm, StandingNotice
from tuodi.documents.parts import Answer, Day, Form, Line, Month, Part, Signature

__all__ = [
    "FORMS",
    "AnswerLetter",
    "CheckReport",
    "ClueSheet",
    "ConsentForm",
    "HomeVisit",
    "ReviewMinutes",
    "SuspensionNotice",
]

# Report of a check -----------------------------------------------------------------------------------------------


class CheckedPerson(Part):
    """One person that was checked, with what allowed it."""

    name: str
    role: str
    relation: str = ""
    id_masked: str = ""
    consent: str = ""


class CheckedItem(Part):
    """One finding, beside what the family declared. `mark`: agree, differ, undeclared, only_declared, stale, none."""

    source: str
    person: str
    what: str
    found: str = ""
    declared: str = ""
    mark: Literal["agree", "differ", "undeclared", "only_declared", "stale", "none", "several"]
    mark_label: str
    as_of: Day = ""


class Gap(Part):
    """A source that gave no usable answer, or a person not asked about, and why."""

    who: str
    why: str


class CheckReport(Form):
    """核对报告: one request's answers as frozen."""

    request_no: str
    round: int = 1
    purpose: str
    household_no: str
    head: str
    place: str
    programme: str = ""
    complete: bool
    valid_to: Day
    people: list[CheckedPerson]
    items: list[CheckedItem]
    missing: list[Gap] = []
    not_asked: list[Gap] = []
    left_out: list[Gap] = []
    sha256: str = ""
    made_by: str = ""


# Consent ---------------------------------------------------------------------------------------------------------


class Consenting(Part):
    """One person who signs; all empty on a blank form."""

    name: str = ""
    relation: str = ""
    id_masked: str = ""
    guardian: str = ""


class ConsentForm(Form):
    """核对授权书. Without people it is the blank form with room for eight signatures."""

    head: str = ""
    household_no: str = ""
    place: str = ""
    programme: str = ""
    people: list[Consenting] = []
    sources: list[str] = []
    covers_bank: bool = True
    valid_to: Day = ""


# Notice of suspension --------------------------------------------------------------------------------------------


class SuspensionNotice(Form):
    """停保告知书: what is held from when, why, on which clause, and how to be heard and appeal."""

    recipient: str
    household_no: str = ""
    place: str = ""
    programme: str
    suspended_from: Month
    month_amount: str = ""
    reasons: list[str] = Field(min_length=1)
    evidence: list[str] = []
    clauses: list[str] = Field(min_length=1)
    statement: str = "如对上述情况有异议，可以自收到本告知书之日起向本机关陈述、申辩，并提交有关证明材料。"
    appeal: str = Field(min_length=1)
    follow_up: str = ""
    contact: str = ""
    served_by: str = ""


# Visit and review ------------------------------------------------------------------------------------------------


class Visited(Part):
    """One member as met in the home."""

    name: str
    relation: str = ""
    id_masked: str = ""
    age: str = ""
    health: str = ""
    work: str = ""
    income_year: str = ""
    present: Answer = None


class Compared(Part):
    """One thing looked at: declared, seen, and whether they agree (null = not looked at)."""

    label: str
    declared: str = ""
    seen: str = ""
    agrees: Answer = None
    note: str = ""


class Photo(Part):
    """A photograph kept with the visit; the picture itself stays in the file store."""

    caption: str
    taken_at: str = ""
    sha256: str = ""


class HomeVisit(Form):
    """入户调查表."""

    household_no: str
    head: str
    place: str
    address: str = ""
    phone_masked: str = ""
    programme: str = ""
    visited_at: str
    investigators: list[str] = Field(min_length=1)
    members: list[Visited]
    incomes: list[Compared] = []
    assets: list[Compared] = []
    housing: list[Line] = []
    expenses: list[Line] = []
    supporters: list[Line] = []
    kin_of_staff: Answer = None
    kin_note: str = ""
    findings: str = ""
    opinion: str = ""
    photos: list[Photo] = []
    signatures: list[Signature] = []


class Attendee(Part):
    """One who sat in the review."""

    name: str
    role: str = ""
    represents_residents: bool = False


class ReviewedCase(Part):
    """One family that was talked about, and the count of hands; null = not counted yet, printed as room to write."""

    head: str
    programme: str = ""
    people: int | None = None
    situation: str = ""
    objections: str = ""
    agree: int | None = None
    against: int | None = None
    abstain: int | None = None
    conclusion: str = ""


class ReviewMinutes(Form):
    """民主评议记录."""

    place: str
    held_at: str
    venue: str = ""
    chair: str
    recorder: str = ""
    expected: int | None = None
    attendees: list[Attendee]
    quorum_note: str = ""
    cases: list[ReviewedCase] = Field(min_length=1)
    note: str = ""
    signatures: list[Signature] = []


# Clue ------------------------------------------------------------------------------------------------------------


class ClueSheet(Form):
    """线索核查单: what a register says about one person, with room for what the officer finds."""

    clue_no: str
    rule: str
    severity: str
    found_on: Day
    due: str = ""
    source: str
    as_of: Day = ""
    person: str
    id_masked: str = ""
    household_no: str = ""
    head: str = ""
    place: str = ""
    programme: str = ""
    responsible: str = ""
    register_rows: list[Line]
    declared: list[Line] = []
    statement: str = ""
    checks: list[str] = []
    finding: str = ""
    conclusion: str = ""
    signatures: list[Signature] = []


# Answers ---------------------------------------------------------------------------------------------------------


class AnswerLetter(Form):
    """投诉答复书、行政复议决定书、不予受理决定书: facts of the matter, then its parts in order.

    Attributes:
        title: What the paper is. parts: Heading and text. remedy: What may still be done, by when.
    """

    title: str
    recipient: str
    facts: list[Line] = []
    parts: list[Line] = Field(min_length=1)
    remedy: str = ""
    contact: str = ""


#: Form -> what it takes.
FORMS: dict[str, type[Form]] = {
    "acceptance_receipt": AcceptanceReceipt,
    "application_form": ApplicationForm,
    "case_file": CaseFileCover,
    "change_notice": ChangeNotice,
    "answer_letter": AnswerLetter,
    "check_report": CheckReport,
    "clue_sheet": ClueSheet,
    "consent_form": ConsentForm,
    "decision_notice": DecisionNotice,
    "filing_form": FilingForm,
    "home_visit": HomeVisit,
    "ledger": RosterForm,
    "limits_board": LimitsBoard,
    "means_form": MeansForm,
    "missing_papers": MissingPapers,
    "notice_sheet": NoticeSheet,
    "review_minutes": ReviewMinutes,
    "roster": RosterForm,
    "standing_notice": StandingNotice,
    "stop_notice": StopNotice,
    "suspension_notice": SuspensionNotice,
}
