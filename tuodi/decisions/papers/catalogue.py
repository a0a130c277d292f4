"""The papers of one case in the order of its file, each with where it comes from and whether it is there.

Order as offices keep it: 申请书, 委托书, 授权书, 审批表, 备案表, 核查表, 入户调查表＋照片, 民主评议记录＋照片, 审核公示单, 公示表, 告知书, 长期公示表,
调整（停发）告知书, then whatever else was handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tuodi import documents
from tuodi.cases.engine import latest
from tuodi.cases.models import Case, Notice, Step
from tuodi.cases.noticeboard import Entry, Sheet, sheets
from tuodi.cases.states import StepState
from tuodi.decisions.models import Determination, StandingEntry
from tuodi.decisions.papers import application as forms
from tuodi.decisions.papers import letters, notices
from tuodi.decisions.papers.words import iso, when
from tuodi.documents.binding import page_count, picture_page
from tuodi.documents.errors import DocumentDataError
from tuodi.files.models import StoredFile
from tuodi.files.store import open_plain
from tuodi.intake.models import Application, Material
from tuodi.kernel.errors import TuodiError
from tuodi.policy.procedure import Does
from tuodi.verification.consent_queries import consents_of
from tuodi.verification.models import CheckReport, Consent, ReviewMeeting, VisitPhoto, VisitRecord
from tuodi.verification.papers import review_data, visit_data
from tuodi.verification.report import pdf_of

__all__ = ["Paper", "Printer", "catalogue", "is_large"]

#: So many pictures and scans are put together while somebody waits; more are made as a job.
_SMALL = 6


@dataclass(frozen=True)
class Printer:
    """Who prints, when, and where pictures may lie while they are set."""

    name: str
    at: str
    folder: Path

    def form(self, name: str, data: dict[str, object]) -> bytes:
        """One form with the printer's mark."""
        return documents.render(name, data, printed_by=self.name, printed_at=self.at)


@dataclass
class Paper:
    """One part of the file.

    Attributes:
        form: Name of the form it prints, empty for scans.
        state: `there`, `missing` (should be there), `unneeded`.
        note: Why it is missing or not needed, or what it holds.
        scans: How many pictures and papers from outside it takes.
        make: Its PDFs, one after the other; a scan that cannot be opened is told in `note` and left out.
    """

    name: str
    state: str = "there"
    note: str = ""
    form: str = ""
    scans: int = 0
    make: Callable[[Printer], Iterator[bytes]] | None = None
    faults: list[str] = field(default_factory=list)

    def pdfs(self, printer: Printer) -> Iterable[bytes]:
        """The PDFs of a part that is there."""
        return self.make(printer) if self.make is not None and self.state == "there" else ()


def _gone(name: str, why: str, *, form: str = "", needed: bool = True) -> Paper:
    return Paper(name, "missing" if needed else "unneeded", why, form)


def _one(name: str, form: str, data: Callable[[], dict[str, object]], note: str = "") -> Paper:
    def make(printer: Printer) -> Iterator[bytes]:
        yield printer.form(form, data())

    return Paper(name, note=note, form=form, make=make)


def _scan(stored: StoredFile, caption: str, printer: Printer, faults: list[str]) -> bytes | None:
    """A stored paper as PDF; None with the reason noted where it cannot be shown."""
    try:
        with open_plain(stored) as handle:
            data = handle.read()
        if stored.media_type == "application/pdf" or data[:5] == b"%PDF-":
            page_count(data)
            return data
        return picture_page(data, stored.media_type, printer.folder, caption)
    except (DocumentDataError, TuodiError) as error:
        faults.append(f"{caption}：{str(error)[:80]}")
        return None


def _scans(
    name: str, files: list[tuple[StoredFile, str]], first: tuple[str, Callable[[], dict[str, object]]] | None = None
) -> Paper:
    paper = Paper(name, form=first[0] if first else "", scans=len(files))

    def make(printer: Printer) -> Iterator[bytes]:
        if first is not None:
            yield printer.form(first[0], first[1]())
        for stored, caption in files:
            made = _scan(stored, caption, printer, paper.faults)
            if made is not None:
                yield made

    paper.make = make
    return paper


def catalogue(case: Case) -> list[Paper]:
    """All parts of a case's file, in order. Reads rows of the present scope; nothing is set in type yet."""
    steps = latest(case)
    applied = (
        Application.objects.filter(case=case)
        .select_related("accepted_by__office", "applicant", "household", "case")
        .first()
    )
    decided = (
        Determination.objects.filter(case=case)
        .select_related("household__head", "person", "decided_by__office", "fact_set", "case")
        .order_by("id")
    )
    first = decided.first()
    materials = (
        list(Material.objects.filter(application=applied).select_related("file").order_by("id")) if applied else []
    )
    used: set[int] = set()
    return [
        *_letters_of_application(applied, materials, used),
        *_consents(case),
        _one("申请审批表", "application_form", lambda: forms.application_form(case, applied, first)),
        _filing(case, steps, first),
        *_means(case),
        *_visits(case, steps),
        _review(case, steps),
        *_notices(case, steps),
        *_told(case, list(decided)),
        *_standing(case),
        *_later(case),
        *_others(materials, used),
    ]


def is_large(papers: Iterable[Paper]) -> bool:
    """Whether putting the file together takes longer than somebody should wait."""
    return sum(one.scans for one in papers if one.state == "there") > _SMALL


def _picked(materials: list[Material], used: set[int], *words: str) -> list[tuple[StoredFile, str]]:
    found = []
    for one in materials:
        if one.file is not None and one.pk not in used and any(word in one.name for word in words):
            used.add(one.pk)
            found.append((one.file, one.name))
    return found


def _letters_of_application(applied: Application | None, materials: list[Material], used: set[int]) -> list[Paper]:
    if applied is None:
        return [_gone("申请书", "没有申请登记"), _gone("委托书", "没有申请登记", needed=False)]
    letter = _picked(materials, used, "申请书", "申请表")
    papers = [_scans("申请书", letter) if letter else _gone("申请书", "没有扫描件")]
    papers.append(_one("受理回执", "acceptance_receipt", lambda: letters.acceptance_receipt(applied)))
    if any(one.received_on is None for one in materials):
        papers.append(_one("补正材料一次性告知书", "missing_papers", lambda: letters.missing_papers(applied)))
    mandate = _picked(materials, used, "委托")
    if mandate:
        papers.append(_scans("委托书", mandate))
    elif not applied.agent_name:
        papers.append(_gone("委托书", "本人申请，不需要", needed=False))
    elif applied.agent_user_id is not None:
        papers.append(_gone("委托书", "工作人员代办，不需要", needed=False))
    else:
        papers.append(_gone("委托书", "没有扫描件"))
    return papers


def _consents(case: Case) -> list[Paper]:
    lines = consents_of(case.household, case.accepted_on if case.closed_on is None else case.closed_on)
    held = [line.consent for line in lines if line.consent is not None]
    files = [
        (one.document, f"授权书 {one.signed_on:%Y-%m-%d}")
        for one in Consent.objects.filter(pk__in=[c.pk for c in held]).select_related("document")
        if one.document
    ]
    lacking = [line.name for line in lines if line.consent is None and line.person is not None]
    if files:
        paper = _scans("授权书", files)
        paper.note = f"缺 {len(lacking)} 人" if lacking else ""
        return [paper]
    if held and not lacking:
        refs = "、".join(dict.fromkeys(one.paper_ref for one in held if one.paper_ref))
        return [_gone("授权书", f"已登记，没有扫描件{f'，纸质档号 {refs}' if refs else ''}")]
    return [_gone("授权书", f"{len(lacking)} 人没有签署" if lacking else "没有登记")]


def _filing(case: Case, steps: dict[str, Step], first: Determination | None) -> Paper:
    row = next((one for one in steps.values() if one.kind is Does.FILE), None)
    if row is None or row.state == StepState.SKIPPED:
        return _gone("备案表", "程序没有备案环节", form="filing_form", needed=False)
    if first is None:
        return _gone("备案表", "还没有作出决定", form="filing_form")
    return _one(
        "备案表",
        "filing_form",
        lambda: letters.filing_form(case, first),
        "" if row.state == StepState.DONE else "还没有备案",
    )


def _means(case: Case) -> list[Paper]:
    papers = [_one("家庭经济状况核查表", "means_form", lambda: forms.means_form(case))]
    report = CheckReport.objects.filter(request__case=case).order_by("-id").first()
    if report is None:
        return [*papers, _gone("经济状况核对报告", "没有核对报告")]

    def make(printer: Printer) -> Iterator[bytes]:
        yield pdf_of(report.content, report.sha256, printed_by=printer.name, printed_at=printer.at)

    return [
        *papers,
        Paper("经济状况核对报告", note="" if report.complete else "答复不齐全", form="check_report", make=make),
    ]


def _visits(case: Case, steps: dict[str, Step]) -> list[Paper]:
    rows = (
        VisitRecord.objects.filter(task__case=case)
        .select_related("task__household__head", "task__office", "task__case")
        .order_by("id")
    )
    newest = [row for row in rows if row.version == row.task.version]
    if not newest:
        row = next((one for one in steps.values() if one.kind is Does.VISIT), None)
        done = row is not None and row.state == StepState.DONE
        return [_gone("入户调查表", "没有电子记录，只登记了办理意见" if done else "还没有入户", needed=row is not None)]
    papers = []
    for record in newest:
        photos = (
            VisitPhoto.objects.filter(task=record.task, sha256__in=record.photo_hashes)
            .select_related("file")
            .order_by("id")
        )
        files = [(one.file, f"{one.caption or '入户照片'}　{when(one.taken_at)}".strip()) for one in photos]
        paper = _scans("入户调查表及照片", files, ("home_visit", lambda record=record: visit_data(record.task, record)))
        paper.note = f"{record.no}，照片 {len(files)} 张" if files else f"{record.no}，没有照片"
        papers.append(paper)
    return papers


def _review(case: Case, steps: dict[str, Step]) -> Paper:
    meeting = (
        ReviewMeeting.objects.filter(case=case)
        .select_related("household__head", "case", "called_by__office")
        .order_by("-step_round")
        .first()
    )
    row = next((one for one in steps.values() if one.kind is Does.MEETING), None)
    if meeting is not None and meeting.state != ReviewMeeting.State.CALLED:
        photos = VisitPhoto.objects.filter(meeting=meeting).select_related("file").order_by("id")
        files = [(one.file, f"{one.caption or '评议照片'}　{when(one.taken_at)}".strip()) for one in photos]
        return _scans("民主评议记录及照片", files, ("review_minutes", lambda: review_data(meeting)))
    if row is None or row.state == StepState.SKIPPED:
        return _gone("民主评议记录", "程序没有这一环节，或者已按规定省略", form="review_minutes", needed=False)
    done = row.state == StepState.DONE
    return _gone("民主评议记录", "没有电子记录，只登记了评议意见" if done else "还没有评议", form="review_minutes")


def _notice_paper(name: str, found: list[Notice]) -> Paper:
    def make(printer: Printer) -> Iterator[bytes]:
        for one in found:
            (sheet,) = sheets([one], one.posted_on)
            form, data = notices.sheet_form(sheet, one.region)
            yield printer.form(form, data)

    return Paper(name, note="、".join(one.no for one in found), form="notice_sheet", make=make)


def _notices(case: Case, steps: dict[str, Step]) -> list[Paper]:
    rows = list(Notice.objects.filter(case=case).select_related("case", "step", "posted_by__office").order_by("id"))
    wanted = {
        row.name: case.procedure.step(row.name).notice
        for row in steps.values()
        if row.state not in (StepState.SKIPPED, StepState.VOID)
    }
    papers = []
    for name, stages in (("审核公示单", ("review",)), ("公示表", ("approval", "result"))):
        found = [one for one in rows if one.stage in stages]
        asked = any(notice is not None and notice.stage in stages for notice in wanted.values())
        if found:
            papers.append(_notice_paper(name, found))
        else:
            papers.append(_gone(name, "还没有张贴" if asked else "程序没有这一环节", form="notice_sheet", needed=asked))
    return papers


def _told(case: Case, decided: list[Determination]) -> list[Paper]:
    refused = [one for one in decided if one.outcome == "fail"]
    granted = [one for one in decided if one.outcome == "pass"]
    papers = []
    for row in granted:
        papers.append(_one("确认告知书", "decision_notice", lambda row=row: letters.decision_notice(row), row.no))
    if refused:
        papers += [
            _one("不予确认告知书", "decision_notice", lambda row=row: letters.decision_notice(row), row.no)
            for row in refused
        ]
    else:
        waits = case.decision == ""
        papers.append(
            _gone(
                "不予确认告知书",
                "还没有作出决定" if waits else "已予确认，不需要",
                form="decision_notice",
                needed=False,
            )
        )
    return papers


def _standing(case: Case) -> list[Paper]:
    entry = (
        StandingEntry.objects.filter(household=case.household, listed__programme=case.programme)
        .select_related("listed")
        .order_by("-listed__issued_on")
        .first()
    )
    if entry is None:
        return [
            _gone(
                "长期公示表",
                "没有列入长期公示" if case.decision == "passed" else "不需要",
                form="standing_notice",
                needed=False,
            )
        ]
    listed = entry.listed
    # Of the others on the list nothing belongs into this file.
    sheet = Sheet(
        key="", stage="standing", programme=listed.programme, posted_on=listed.issued_on, days=0, day=0, last_day=None,
        plain_end=None, office=listed.office_name, where=(), phone="", opinion="", clause="",
        entries=[Entry("", entry.values)], columns=tuple(name for name in listed.columns if name != "village"),
    )  # fmt: skip
    return [
        _one(
            "长期公示表",
            "standing_notice",
            lambda: notices.sheet_form(sheet, listed.region)[1],
            f"{listed.no}，只列本户",
        )
    ]


def _later(case: Case) -> list[Paper]:
    rows = (
        Determination.objects.filter(household=case.household, programme=case.programme, follows__isnull=False)
        .exclude(case=case)
        .select_related("household__head", "person", "decided_by__office", "fact_set", "follows", "case")
        .order_by("id")
    )
    if not rows:
        return [_gone("调整（停发）告知书", "没有调整或停发", form="change_notice", needed=False)]
    builders = {
        "change_notice": ("调整告知书", letters.change_notice),
        "stop_notice": ("停发告知书", letters.stop_notice),
    }
    papers = []
    for row in rows:
        form = letters.letter_of(row)
        name, build = builders[form]
        papers.append(_one(name, form, lambda row=row, build=build: build(row), f"{row.no} {iso(row.decided_on)}"))
    return papers


def _others(materials: list[Material], used: set[int]) -> list[Paper]:
    rest = [(one.file, one.name) for one in materials if one.file is not None and one.pk not in used]
    owed = [one.name for one in materials if one.received_on is None]
    papers = [_scans("其他申请材料", rest)] if rest else []
    if owed:
        papers.append(_gone("尚未补交的材料", "、".join(owed)))
    return papers
