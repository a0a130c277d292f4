"""Verbs that every file with a second person's agreement shares: approve, refuse, store, fetch, destroy.

The rooms' own verbs (`handover_actions`, `export_actions`) say what is in the file; here is who may do what with it. Every
step is in the audit log under the file's own name, with counts and hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Generic, TypeVar

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.files.models import StoredFile
from tuodi.files.store import path_of, plain_copy, put_path
from tuodi.kernel import clock
from tuodi.monitoring.limits import limit
from tuodi.monitoring.models.guarded import GuardedFile
from tuodi.monitoring.sweep_errors import HandOverError, SecondPersonError, WatchInputError, WatchStateError
from tuodi.org import access
from tuodi.org.access import scope, system_scope
from tuodi.org.errors import NotFoundError
from tuodi.org.models import DutyCode, User

__all__ = ["Guard"]

State = GuardedFile.State
File = TypeVar("File", bound=Any)


@dataclass(frozen=True)
class Guard(Generic[File]):
    """The verbs of one kind of file.

    Attributes:
        model: Its rows, a `GuardedFile`. label: What people call it. name: Stem of its audit actions (`hand_over`).
        purpose: Of the stored file. days: Parameter that says how long it may be fetched.
        approver: Duty of the second person.
    """

    model: type[File]
    label: str
    name: str
    purpose: str
    days: str
    approver: str = DutyCode.HAND_OVER_APPROVE

    def note(self, verb: str, actor: User | None, row: File, **after: Any) -> None:
        """One step in the log."""
        record(
            f"monitoring.{self.name}_{verb}",
            actor=actor,
            subject_type=self.model._meta.model_name,
            subject_id=row.pk,
            region=row.region,
            after={"no": row.no, "state": row.state, **after},
        )

    def locked(self, row: File) -> File:
        """The row as it is now, locked. Raises NotFoundError."""
        rows = self.model.objects.select_for_update(of=("self",)).select_related(
            "requested_by", "approved_by", "stored"
        )
        found = rows.filter(pk=row.pk).first()
        if found is None:
            raise NotFoundError(self.label)
        return found

    @transaction.atomic
    def approve(self, row: File, *, acting_user: User) -> File:
        """A second person agrees. Raises: WatchStateError, SecondPersonError, NotFoundError, AccessDeniedError."""
        found = self.locked(row)
        access.require(acting_user, self.approver, found.region)
        self._waiting(found, acting_user)
        found.state, found.approved_by, found.approved_at = State.APPROVED, acting_user, clock.now()
        found.save(update_fields=["state", "approved_by", "approved_at"])
        self.note("approve", acting_user, found, rows=found.expected)
        return found

    @transaction.atomic
    def refuse(self, row: File, reason: str, *, acting_user: User) -> File:
        """A second person does not agree, and says why. Raises as `approve`, and WatchInputError."""
        found = self.locked(row)
        access.require(acting_user, self.approver, found.region)
        if not reason.strip():
            raise WatchInputError("不批准理由", "没有填写")
        self._waiting(found, acting_user)
        found.state, found.approved_by, found.approved_at = State.REFUSED, acting_user, clock.now()
        found.refuse_reason = reason.strip()[:200]
        found.save(update_fields=["state", "approved_by", "approved_at", "refuse_reason"])
        self.note("refuse", acting_user, found, reason=found.refuse_reason)
        return found

    def _waiting(self, row: File, user: User) -> None:
        if row.state != State.WAITING:
            raise WatchStateError(f"{self.label} {row.no}", row.get_state_display(), "审批")
        if row.requested_by_id == user.pk:
            raise SecondPersonError("申请", "审批")

    def grown(self, row: File, rows: int, user: User) -> bool:
        """Whether there are now more rows than may go without a second person; then it waits for one."""
        if rows <= row.limit_rows or row.approved_by_id is not None:
            return False
        row.state, row.expected = State.WAITING, rows
        row.save(update_fields=["state", "expected"])
        self.note("grown", user, row, rows=rows)
        return True

    def store(self, row: File, path: Path, media: str, user: User) -> tuple[str, StoredFile]:
        """Keeps a made file, enciphered; its SHA-256 and its row."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        stored = put_path(
            path, region=row.region, name=path.name, purpose=self.purpose, media_type=media, by_id=user.pk
        )
        return digest, stored

    def last_day(self, row: File, on: date) -> date:
        """Last day it may be fetched."""
        return on + timedelta(days=limit(self.days, row.place_code, on))

    @contextmanager
    def fetch(self, row: File, *, acting_user: User, duties: tuple[str, ...]) -> Iterator[Path]:
        """The plain file for the time of the block, for who asked for it alone; each time is counted and logged.

        Raises: HandOverError (not ready, expired, somebody else's; logged by who calls), FileMissingError, FileDamagedError.
        """
        with scope(acting_user):
            found = self.locked(row)
            access.require_any(acting_user, duties, found.region)
            if found.requested_by_id != acting_user.pk:
                raise HandOverError(found.no, "只有申请人可以下载", self.label)
            if found.state == State.EXPIRED or (found.expires_on and found.expires_on < clock.today()):
                raise HandOverError(found.no, f"已于 {found.expires_on} 到期，请重新申请", self.label)
            if found.state != State.READY or found.stored is None:
                raise HandOverError(found.no, f"现在是“{found.get_state_display()}”，文件还没有生成", self.label)
            found.downloads += 1
            found.save(update_fields=["downloads"])
            self.note("fetch", acting_user, found, rows=found.rows, sha256=found.sha256, time=found.downloads)
            stored = found.stored
        with plain_copy(stored) as path:
            yield path

    def expire(self, place: str, *, acting_user: User | None = None) -> int:
        """Ends what may no longer be fetched and destroys its bytes; count and hash stay. Returns how many."""
        ended = 0
        with system_scope(place):
            rows = self.model.objects.select_for_update(of=("self",)).select_related("stored")
            for row in rows.filter(state=State.READY, expires_on__lt=clock.today()).order_by("region", "id"):
                row.state = State.EXPIRED
                row.save(update_fields=["state"])
                if row.stored is not None:
                    path_of(row.stored).unlink(missing_ok=True)
                self.note("expire", acting_user, row, sha256=row.sha256)
                ended += 1
        return ended
