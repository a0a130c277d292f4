"""The whole file of a case as one PDF: ordered, put together (as a job when it is large), fetched, destroyed after its days."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import transaction

from tuodi import documents
from tuodi.audit.actions import record
from tuodi.cases.models import Case
from tuodi.decisions.errors import CaseFileError
from tuodi.decisions.models import CaseFile
from tuodi.decisions.papers.catalogue import Paper, Printer, catalogue
from tuodi.decisions.papers.words import iso, when
from tuodi.documents.binding import bind, page_count
from tuodi.files.scratch import scratch
from tuodi.files.store import path_of, plain_copy, put_path
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.org.places import full_name
from tuodi.people.enums import Programme
from tuodi.verification.rulebook import limit

__all__ = ["DUTIES", "access_case_file", "expire", "fetch", "make", "request"]

State = CaseFile.State
#: Who may put a file together and read it: who works on cases, and who supervises them.
DUTIES = (DutyCode.ACCEPT, DutyCode.REVIEW, DutyCode.VISIT, DutyCode.CONFIRM, DutyCode.FILE, DutyCode.SUPERVISE)


def _note(verb: str, actor: User | None, row: CaseFile, **after: Any) -> None:
    record(
        f"decisions.case_file_{verb}",
        actor=actor,
        subject_type="casefile",
        subject_id=row.pk,
        region=row.region,
        case_no=row.case.no,
        after={"state": row.state, **after},
    )


def access_case_file(user: User, pk: int) -> CaseFile:
    """One printing. Raises NotFoundError, alike for absent and not yours."""
    rows = CaseFile.objects.select_related("case__household__head", "requested_by__office", "stored")
    return access.one(rows, user=user, what="案卷", pk=pk)


@transaction.atomic
def request(case: Case, *, acting_user: User) -> CaseFile:
    """Asks for the file of a case; `make` puts it together.

    Raises: NotFoundError, AccessDeniedError.
    """
    access.require_any(acting_user, DUTIES, case.region)
    row = CaseFile.objects.create(region=case.region, case=case, requested_at=clock.now(), requested_by=acting_user)
    _note("request", acting_user, row)
    return row


def make(case_file: CaseFile, *, acting_user: User) -> CaseFile:
    """Puts the file together, part by part; each part is a transaction of its own, so that others see how far it is.

    Whoever asked makes it; a file that is ready stays. What cannot be opened is named in the contents and left out.

    Raises: CaseFileError, NotFoundError, AccessDeniedError.
    """
    with access.scope(acting_user):
        row = access.locked(CaseFile.objects.select_related("case"), case_file.pk, what="案卷")
        access.require_any(acting_user, DUTIES, row.region)
        if row.requested_by_id != acting_user.pk:
            raise CaseFileError(row.case.no, "只有申请人可以生成")
        if row.state == State.READY:
            return row
        if row.state == State.EXPIRED:
            raise CaseFileError(row.case.no, "已到期，请重新申请")
        row.state, row.error, row.progress_done = State.MAKING, "", 0
        papers = catalogue(_case(row.case_id))
        row.progress_total = len(papers) + 1
        row.save(update_fields=["state", "error", "progress_done", "progress_total"])
    try:
        return _put_together(row, papers, acting_user)
    except Exception as error:
        with access.scope(acting_user):
            told = str(error) if isinstance(error, TuodiError) else "系统故障，请联系管理员"
            CaseFile.objects.filter(pk=row.pk).update(state=State.FAILED, error=told[:300])
        raise


def _case(pk: int) -> Case:
    return Case.objects.select_related("household__head", "applicant").get(pk=pk)


def _put_together(row: CaseFile, papers: list[Paper], user: User) -> CaseFile:
    now = clock.now()
    printed = f"{user.name}（{user.username}）"
    with scratch() as folder:
        printer = Printer(printed, when(now), folder)
        made: list[list[Path]] = []
        for at, paper in enumerate(papers):
            with access.scope(user):  # a part is read in one glance
                made.append(_written(paper, printer, folder, at))
                CaseFile.objects.filter(pk=row.pk).update(progress_done=at + 1)
        counts = [sum(page_count(path.read_bytes()) for path in paths) for paths in made]
        with access.scope(user):
            cover, parts, total = _cover(row, papers, counts, printer)
            out = folder / "case-file.pdf"
            inside = (path.read_bytes() for paths in made for path in paths)
            with out.open("wb") as handle:
                bind(_after(cover, inside), handle, title=f"案卷 {row.case.no}", total=total)
            with out.open("rb") as handle:
                digest = hashlib.file_digest(handle, "sha256").hexdigest()
            there = CaseFile.objects.select_for_update(of=("self",)).select_related("case").get(pk=row.pk)
            if there.state != State.MAKING:
                return there  # another worker was quicker: one file comes out
            stored = put_path(
                out, region=row.region, name=f"{row.case.no}.pdf", purpose="case_file",
                media_type="application/pdf", by_id=user.pk,
            )  # fmt: skip
            days = limit("case_file_days", row.region, now.date())
            row.state, row.parts, row.pages, row.sha256, row.stored = State.READY, parts, total, digest, stored
            row.made_at, row.expires_on, row.progress_done = now, now.date() + timedelta(days), row.progress_total
            row.save()
            missing = [one["name"] for one in parts if one["state"] == "missing"]
            _note("make", user, row, pages=total, sha256=digest, missing=missing)
    return row


def _after(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _written(paper: Paper, printer: Printer, folder: Path, at: int) -> list[Path]:
    paths = []
    for number, data in enumerate(paper.pdfs(printer)):
        path = folder / f"{at:03d}-{number:03d}.pdf"
        path.write_bytes(data)
        paths.append(path)
    if paper.faults:
        paper.note = "；".join(x for x in (paper.note, *paper.faults) if x)[:200]
    if paper.state == "there" and not paths:
        paper.state = "missing"
    return paths


def _cover(
    row: CaseFile, papers: list[Paper], counts: list[int], printer: Printer
) -> tuple[bytes, list[dict[str, Any]], int]:
    """The cover with contents; it is set again until it has as many pages as it says."""
    case = _case(row.case_id)
    length = 1
    while True:
        parts, at = [], length + 1
        for paper, count in zip(papers, counts, strict=True):
            parts.append(
                {
                    "name": paper.name,
                    "state": paper.state,
                    "note": paper.note,
                    "first": at if count else None,
                    "pages": count,
                }
            )
            at += count
        total = at - 1
        data = {
            "case_no": case.no,
            "head": case.household.head.name,
            "household_no": case.household.no,
            "place": full_name(case.region),
            "programme": dict(Programme.choices).get(case.programme, case.programme),
            "accepted_on": iso(case.accepted_on),
            "decided": f"{iso(case.decided_on)} {case.get_decision_display()}"
            if case.decided_on
            else case.get_state_display(),
            "parts": parts,
            "pages": total,
            "made_by": printer.name,
            "made_at": printer.at,
        }
        cover = documents.render("case_file", data, printed_by=printer.name, printed_at=printer.at)
        found = page_count(cover)
        if found == length:
            return cover, parts, total
        length = found


@contextmanager
def fetch(case_file: CaseFile, *, acting_user: User) -> Iterator[Path]:
    """The plain file for the time of the block; each time is counted and logged.

    Raises: CaseFileError (not ready, expired), NotFoundError, AccessDeniedError, FileMissingError, FileDamagedError.
    """
    with access.scope(acting_user):
        row = access.locked(CaseFile.objects.select_related("case", "stored"), case_file.pk, what="案卷")
        access.require_any(acting_user, DUTIES, row.region)
        if row.state == State.EXPIRED or (row.expires_on and row.expires_on < clock.today()):
            raise CaseFileError(row.case.no, f"已于 {row.expires_on} 到期，请重新生成")
        if row.state != State.READY or row.stored is None:
            raise CaseFileError(row.case.no, f"现在是“{row.get_state_display()}”，还没有生成好")
        row.downloads += 1
        row.save(update_fields=["downloads"])
        _note("fetch", acting_user, row, sha256=row.sha256, time=row.downloads)
        stored = row.stored
    with plain_copy(stored) as path:
        yield path


def expire(place: str) -> int:
    """Ends what may no longer be fetched and destroys its bytes; contents and hash stay. Returns how many."""
    ended = 0
    with access.system_scope(place):
        rows = CaseFile.objects.select_for_update(of=("self",)).select_related("stored", "case")
        for row in rows.filter(state=State.READY, expires_on__lt=clock.today()).order_by("region", "id"):
            row.state = State.EXPIRED
            row.save(update_fields=["state"])
            if row.stored is not None:
                path_of(row.stored).unlink(missing_ok=True)
            _note("expire", None, row, sha256=row.sha256)
            ended += 1
    return ended
