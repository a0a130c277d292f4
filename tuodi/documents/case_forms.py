"""Forms of one case: receipt, papers to be brought, application, means, decision, change, stop, filing."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tuodi.documents.parts import Day, Form, Month, Part, Signature

__all__ = [
    "AcceptanceReceipt",
    "ApplicationForm",
    "Applying",
    "ChangeNotice",
    "DecisionNotice",
    "FilingForm",
    "MeansBlock",
    "MeansForm",
    "MeansRow",
    "MissingPaper",
    "MissingPapers",
    "Opinion",
    "Paper",
    "ReceiptStep",
    "StopNotice",
    "Supporting",
]


class Paper(Part):
    """One paper handed in. `copies` in words (`1 份`), `kind` 原件 or 复印件."""

    name: str
    kind: str = ""
    copies: str = ""
    note: str = ""


class ReceiptStep(Part):
    """One step that follows: what, who, within how long."""

    label: str
    who: str = ""
    limit: str = ""


class AcceptanceReceipt(Form):
    """受理回执: that an application was taken in, what was handed in, who answers for it, what comes next and until when.

    `number` is the receipt's. `due` is the last day in words, or 待定 with its reason. `owed` are names of papers still
    to be brought (they are told in full by `missing_papers`). `officer_b` is the stand-in (AB 岗).
    """

    case_no: str
    applicant: str
    agent: str = ""
    household_no: str = ""
    place: str
    programmes: list[str] = Field(min_length=1)
    accepted_on: Day
    due: str = ""
    papers: list[Paper] = []
    owed: list[str] = []
    steps: list[ReceiptStep] = []
    clause: str = ""
    officer: str
    officer_b: str = ""
    phone: str = ""
    window: str = ""
    progress: str = ""
    complaint_phone: str = ""
    warnings: list[str] = []


class MissingPaper(Part):
    """One paper to be brought: what it must show, where it is had, and the clause that asks for it."""

    name: str
    requirement: str = ""
    source: str = ""
    clause: str = ""


class MissingPapers(Form):
    """一次性告知书: all papers that are still needed, told once. `until` empty = no day is set."""

    recipient: str
    programmes: list[str] = Field(min_length=1)
    place: str = ""
    receipt_no: str = ""
    case_no: str = ""
    received: list[str] = []
    missing: list[MissingPaper] = Field(min_length=1)
    until: Day = ""
    effect: str = ""
    clause: str = ""
    officer: str = ""
    phone: str = ""
    window: str = ""
    served_by: str = ""


# Application and means ----------------------------------------------------------------------------------------------


class Applying(Part):
    """One member on the application: 姓名, 年龄, 称谓, 身份类别, 身体状况, 工作单位 (就读学校), 月收入."""

    name: str
    relation: str = ""
    age: str = ""
    id_masked: str = ""
    category: str = ""
    health: str = ""
    work: str = ""
    income_month: str = ""


class Opinion(Part):
    """One office's opinion on the form, with the place of its seal. `text` empty = room to write in."""

    title: str
    text: str = ""
    signed_by: str = ""
    on: Day = ""
    office: str = ""


class ApplicationForm(Form):
    """申请审批表 (columns as in use: see the module's tests)."""

    head: str
    sex: str = ""
    age: str = ""
    people: str = ""
    address: str = ""
    place: str = ""
    id_masked: str = ""
    hukou: str = ""
    phone_masked: str = ""
    programme: str = ""
    area: str = ""
    household_no: str = ""
    applied_on: Day = ""
    agent: str = ""
    reason: str = ""
    members: list[Applying] = []
    income_month: str = ""
    income_percap: str = ""
    vehicles: str = ""
    finance: str = ""
    housing: str = ""
    covered: str = ""
    grade: str = ""
    standard: str = ""
    gap: str = ""
    amount: str = ""
    start: str = ""
    opinions: list[Opinion] = []


class MeansRow(Part):
    """One thing of the means form: what was declared, what the check found, what the visit saw, what counts."""

    label: str
    declared: str = ""
    checked: str = ""
    visited: str = ""
    counted: str = ""
    note: str = ""


class MeansBlock(Part):
    """A part of the means form with its rows: 收入, 住房, 车辆, 金融资产, 支出."""

    title: str
    unit: str = ""
    rows: list[MeansRow]
    total: str = ""


class Supporting(Part):
    """One person who by law supports a member: 赡养、抚养、扶养义务人."""

    name: str
    relation: str = ""
    of: str = ""
    income: str = ""
    note: str = ""


class MeansForm(Form):
    """家庭经济状况核查表."""

    head: str
    household_no: str = ""
    place: str = ""
    programme: str = ""
    case_no: str = ""
    facts_no: str = ""
    as_of: Day = ""
    report_no: str = ""
    visit_no: str = ""
    people: str = ""
    blocks: list[MeansBlock]
    supporters: list[Supporting] = []
    review: str = ""
    unknown: list[str] = []
    sha256: str = ""
    signatures: list[Signature] = []


# Decision, change, stop, filing --------------------------------------------------------------------------------------


class _Decided(Form):
    recipient: str
    household_no: str = ""
    place: str = ""
    programme: str
    decision_no: str = ""
    reasons: list[str] = []
    clauses: list[str] = []
    appeal: str = Field(min_length=1)
    #: Last day for review, in words with its day of service; empty where it was not served yet.
    appeal_until: str = ""
    contact: str = ""
    served_by: str = ""
    served_on: Day = ""
    served_how: str = ""


class DecisionNotice(_Decided):
    """告知书 on an application: not approved (with reasons and clauses), or approved. Its heading follows `granted`."""

    granted: bool = False
    applied_on: Day = ""
    members: str = ""
    amount: str = ""
    start: Month | Literal[""] = ""


class ChangeNotice(_Decided):
    """调整告知书: the amount before and after, from which month, why."""

    before: str
    after: str
    effective: Month
    until: Month | Literal[""] = ""


class StopNotice(_Decided):
    """停发告知书: the last month paid, from which month nothing is paid, why."""

    before: str = ""
    effective: Month
    last_paid: Month | Literal[""] = ""


class FilingForm(Form):
    """备案表: a decision made at the township, told to the county."""

    case_no: str
    head: str
    household_no: str = ""
    place: str = ""
    programme: str
    people: str = ""
    decided_by: str = ""
    decided_on: Day = ""
    decision: str = ""
    decision_no: str = ""
    amount: str = ""
    start: str = ""
    notice: str = ""
    filed_to: str = ""
    filed_on: Day = ""
    opinion: str = ""
    spot_check: str = ""
    opinions: list[Opinion] = []
