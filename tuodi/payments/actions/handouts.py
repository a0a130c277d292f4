"""Bank files that are carried by hand: each leaves a mark outside the database before its bytes are given out.

After a restore the database does not know which files went to the bank. The mark does: while it is ahead, no further
file is given out. Files may be made meanwhile, since the bank's answers and statements are explained by them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from tuodi.audit.actions import record
from tuodi.files.store import plain_copy
from tuodi.kernel import clock
from tuodi.kernel.places import NATION as WHOLE
from tuodi.kernel.places import pad12, trim
from tuodi.org import access
from tuodi.org.access import NATION, system_scope
from tuodi.org.models import DutyCode, User
from tuodi.payments import bank_queries
from tuodi.payments.actions.messages import put_mark, read_mark
from tuodi.payments.actions.statements import covered_to, undecided
from tuodi.payments.errors import DecisionError, FourEyesError, HandoutBlockedError
from tuodi.payments.models import BankBatch, BankReturn, Handout, HandoutRelease, StatementLine
from tuodi.payments.states import DecisionState

__all__ = [
    "Carried",
    "blocks_over",
    "carried",
    "confirm_release",
    "hand_out",
    "propose_release",
    "release_by_evidence",
    "withdraw_release",
]

_KEY = "hand:"
#: Any number: one lock for all places, since files of a county and of its prefecture stop each other.
_LOCK = 7_260_925


@dataclass(frozen=True)
class Carried:
    """What of a place was carried by hand.

    Attributes:
        known: how many files the database counts.
        no: how many the mark counts; None = there is no mark.
        day: of the mark's last file.
        files: number of a file the mark knows and the database does not -> its day.
        last: day of the last file the database counts.
    """

    place: str
    known: int
    no: int | None
    day: date | None
    files: dict[str, date]
    last: date | None

    @property
    def block(self) -> str:
        """Why nothing may be carried; empty = it may. A mark behind the database is a try that gave nothing out."""
        if self.no is None:
            return f"没有交出标记，而数据库记有 {self.known} 份已交出的文件" if self.known else ""
        if self.no <= self.known:
            return ""
        which = "、".join(f"{no}（{day}）" for no, day in list(self.files.items())[:5])
        more = f" 等 {len(self.files)} 份" if len(self.files) > 5 else ""
        named = f"；数据库不知道的文件：{which}{more}" if which else ""
        return f"数据库记到第 {self.known} 份人工送取的文件，而 {self.day} 已交出第 {self.no} 份，数据库可能是由备份恢复的{named}"


def carried() -> list[Carried]:
    """Every place of which files were carried, by the mark or by the database, by place. Needs a scope over all of them."""
    counted = dict(Handout.objects.values_list("place").annotate(Max("no")))
    last = dict(Handout.objects.values_list("place").annotate(Max("at")))
    released = HandoutRelease.objects.filter(state=DecisionState.CONFIRMED)
    for place, no in released.values_list("place").annotate(Max("no")):
        counted[place] = max(no, counted.get(place, 0))
    marks = {key.removeprefix(_KEY): told for key, told in read_mark().items() if key.startswith(_KEY)}
    found = []
    for place in sorted(counted.keys() | marks.keys()):
        told, known = marks.get(place), counted.get(place, 0)
        files = told.get("files", {}) if told else {}
        found.append(
            Carried(
                place, known, int(told["no"]) if told else None, date.fromisoformat(told["day"]) if told else None,
                {no: date.fromisoformat(day) for no, (at, day) in files.items() if int(at) > known},
                timezone.localtime(last[place]).date() if place in last else None,
            )
        )  # fmt: skip
    return found


def _meet(one: str, other: str) -> bool:
    return WHOLE in (one, other) or one.startswith(other) or other.startswith(one)


def blocks_over(place: str) -> list[Carried]:
    """What forbids carrying files of a place: its own mark, or that of a place it lies in or that lies in it."""
    return [one for one in carried() if _meet(place, one.place) and one.block]


def hand_out(batch_id: int, *, acting_user: User) -> tuple[BankBatch, bytes]:
    """Gives out a bank file. The first time it is counted and marked before a byte is given; later times change nothing.

    Not inside a transaction: the count is committed before the mark is written, the mark before the file leaves.

    Raises: HandoutBlockedError while the mark knows of files the database does not, and for a file it names that the
    bank has answered; NotFoundError, AccessDeniedError.
    """
    if connection.in_atomic_block:
        raise RuntimeError("hand_out commits its steps itself")
    with access.scope(acting_user):
        batch = access.one(BankBatch.objects.select_related("file"), user=acting_user, what="银行批次", pk=batch_id)
        access.require(acting_user, DutyCode.PAY_SEND, batch.region)
    place = trim(batch.region)
    with system_scope(NATION):
        row = _count(batch, place, acting_user)
    put_mark(f"{_KEY}{place}", row.no, timezone.localtime(row.at).date(), batch.no)
    with access.scope(acting_user):
        record(
            "web.download_bank_file", actor=acting_user, subject_type="bankbatch", subject_id=batch.pk, region=batch.region,
            after={"sha256": batch.sha256, "handout": row.no},
        )  # fmt: skip
    with plain_copy(batch.file) as path:
        return batch, path.read_bytes()


def _count(batch: BankBatch, place: str, user: User) -> Handout:
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
    known = Handout.objects.filter(batch=batch).first()
    if known is not None:
        return known
    for one in blocks_over(place):
        raise HandoutBlockedError(batch.no, one.block)
    now = next((one for one in carried() if one.place == place), None)
    told = read_mark().get(f"{_KEY}{place}", {}).get("files", {})
    if batch.no in told:
        _may_leave_again(batch, int(told[batch.no][0]), told[batch.no][1], place)
    if now is None:
        # Before the count is committed: a count without any mark would be taken for a lost mark.
        put_mark(f"{_KEY}{place}", 0, clock.today())
    return Handout.objects.create(
        batch=batch, region=batch.region, place=place, no=(now.known if now else 0) + 1, at=clock.now(), by=user
    )


def _may_leave_again(batch: BankBatch, no: int, day: str, place: str) -> None:
    """A file made anew that was carried before the restore leaves only where two persons said the bank does not have it."""
    if batch.returns.filter(state=BankReturn.State.APPLIED).exists():
        raise HandoutBlockedError(batch.no, f"这份文件 {day} 已经交出，银行已有回盘，不能再送")
    said = HandoutRelease.objects.filter(
        place=place, no__gte=no, files__contains=[batch.no], state=DecisionState.CONFIRMED
    )
    last = said.order_by("-id").first()
    if last is None or last.kind != HandoutRelease.Kind.WORD:
        raise HandoutBlockedError(batch.no, f"这份文件 {day} 已经交出，对账单上已有它的款项，不能再送")


# ---- opening again


def _blocked(place: str) -> Carried:
    found = next((one for one in carried() if one.place == place), None)
    if found is None or not found.block:
        raise DecisionError("人工送取没有暂停，可能已有人办理。")
    return found


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [_LOCK])


@transaction.atomic
def release_by_evidence(place: str, *, acting_user: User) -> HandoutRelease:
    """Opens a place again after a restore, when the bank has told of every file the database did not know.

    Told of is a file made anew under its number whose answer (回盘) was taken in, or one whose payments stand on
    statements that cover its day up to the mark's without a break and leave nothing undecided.

    Raises: HandoutBlockedError says what is missing; DecisionError where nothing is blocked; NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_APPROVE, pad12(place))
    _lock()
    with system_scope(NATION):
        now = _blocked(place)
        if now.no is None or now.day is None or len(now.files) < now.no - now.known:
            raise HandoutBlockedError(place, "标记没有写明交出了哪些文件，不能凭回盘或对账单核对，须由两人认定")
        for file, day in now.files.items():
            _told(place, file, day, now.day)
        made = _release(now, HandoutRelease.Kind.EVIDENCE, "银行已对每一份答复，或已在对账单上", acting_user)
        made.state, made.closed_at, made.closed_by = DecisionState.CONFIRMED, clock.now(), acting_user
        made.save()
    _note("release_handouts", made, acting_user)
    return made


def _told(place: str, file: str, day: date, until: date) -> None:
    if BankReturn.objects.filter(batch__no=file, state=BankReturn.State.APPLIED).exists():
        return
    seen = StatementLine.objects.filter(statement__state="applied", reference__startswith=f"{file}-", debit=True)
    links = [
        one for one in bank_queries.links() if _meet(place, one.place) and seen.filter(statement__link=one).exists()
    ]
    if not links:
        raise HandoutBlockedError(file, f"{day} 交出，没有银行回盘，已导入的对账单上也没有它的款项")
    for link in links:
        reached = covered_to(link, day - timedelta(days=1))
        if reached is None or reached < until:
            raise HandoutBlockedError(
                file, f"{link.label} 的对账单连续覆盖到 {reached or '（没有）'}，须由 {day} 覆盖到 {until}"
            )
        left = undecided(link)
        if left:
            raise HandoutBlockedError(file, f"{link.label} 的对账单还有 {left} 笔没有核平")


def _release(now: Carried, kind: str, reason: str, user: User) -> HandoutRelease:
    return HandoutRelease(
        region=pad12(now.place), place=now.place, kind=kind, no=now.known if now.no is None else now.no, day=now.day or clock.today(),
        files=list(now.files), reason=reason, proposed_at=clock.now(), proposed_by=user,
    )  # fmt: skip


@transaction.atomic
def propose_release(place: str, *, acting_user: User, reason: str) -> HandoutRelease:
    """Proposes to open a place although the bank has not told of every file. It counts once another person confirms it.

    Raises: DecisionError: nothing is blocked, already proposed, or no reason is given. NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_CHECK, pad12(place))
    _lock()
    if len(reason.strip()) < 4:
        raise DecisionError("请写明依据（至少 4 个字），例如银行书面答复的日期和经办人。")
    now = _blocked(place)
    if HandoutRelease.objects.filter(place=place, state=DecisionState.PROPOSED).exists():
        raise DecisionError("已有待复核的恢复申请。")
    made = _release(now, HandoutRelease.Kind.WORD, reason.strip()[:300], acting_user)
    made.save()
    _note("propose_release", made, acting_user)
    return made


def _open(release: HandoutRelease) -> HandoutRelease:
    _lock()
    found = access.locked(HandoutRelease.objects.all(), release.pk, what="恢复申请")
    if found.state != DecisionState.PROPOSED:
        raise DecisionError(f"这份恢复申请已是“{found.get_state_display()}”，可能已有人办理。")
    return found


@transaction.atomic
def confirm_release(release: HandoutRelease, *, acting_user: User) -> HandoutRelease:
    """The second person agrees; files of the place may be carried again.

    Raises: FourEyesError: he proposed it. DecisionError: the mark has moved on since. NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.PAY_APPROVE, release.region)
    found = _open(release)
    if found.proposed_by_id == acting_user.pk:
        raise FourEyesError(f"恢复申请 {found.pk}", "复核", did="提出")
    now = _blocked(found.place)
    if found.no != (now.known if now.no is None else now.no):
        raise DecisionError("标记在提出以后又变了。请不采用这份申请，重新提出。")
    found.state, found.closed_at, found.closed_by = DecisionState.CONFIRMED, clock.now(), acting_user
    found.save()
    put_mark(f"{_KEY}{found.place}", found.no, found.day)
    _note("confirm_release", found, acting_user)
    return found


@transaction.atomic
def withdraw_release(release: HandoutRelease, *, acting_user: User) -> HandoutRelease:
    """Takes a proposal back, or turns it down. Raises: DecisionError, NotFoundError, AccessDeniedError."""
    access.require_any(acting_user, (DutyCode.PAY_CHECK, DutyCode.PAY_APPROVE), release.region)
    found = _open(release)
    found.state, found.closed_at, found.closed_by = DecisionState.WITHDRAWN, clock.now(), acting_user
    found.save()
    _note("withdraw_release", found, acting_user)
    return found


def _note(verb: str, row: HandoutRelease, user: User) -> None:
    record(
        f"payments.{verb}", actor=user, subject_type="handoutrelease", subject_id=row.pk, region=row.region,
        after={"place": row.place, "no": row.no, "day": row.day.isoformat(), "files": row.files, "kind": row.kind, "reason": row.reason},
    )  # fmt: skip
