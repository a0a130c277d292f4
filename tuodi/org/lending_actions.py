"""Delegation (委托) and stand-in (AB岗): duties lent to a colleague of the same place, from a day to a day.

What is lent is a `Duty` row of the borrower with `lent_from`, so every door that asks for a duty knows it, and the separation
of duties (`actions.APART`, the hands of a case) holds against the borrower as against anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.db import transaction
from django.db.models import F, Q, QuerySet

from tuodi.audit.actions import record
from tuodi.kernel import clock
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.actions import conflict
from tuodi.org.errors import LendingError, NotFoundError
from tuodi.org.models import ALONE, Duty, DutyCode, StandIn, User

__all__ = ["LONGEST_DAYS", "colleagues", "delegate", "lent_by", "own_duties", "recall", "stand_in"]

#: A longer absence is a change of staff: the duty is granted anew.
LONGEST_DAYS = 92


def own_duties(user: User) -> list[Duty]:
    """The user's own duties today that may be lent."""
    return [one for one in access.duties_of(user) if one.lent_from_id is None and one.code not in ALONE]


def colleagues(user: User) -> QuerySet[User]:
    """Whom a user may lend to: open accounts of offices for the very same place, of the same kind."""
    same = User.objects.select_related("office").filter(
        is_active=True, office__is_active=True, office__place_code=user.office.place_code, office__kind=user.office.kind
    )
    return same.exclude(pk=user.pk).exclude(duties__in=_administration()).order_by("name", "pk")


def _administration() -> QuerySet[Duty]:
    today = clock.today()
    return Duty.objects.filter(code__in=ALONE).filter(Q(until__isnull=True) | Q(until__gt=today))


def lent_by(user: User) -> QuerySet[Duty]:
    """What a user has lent and what has not ended yet, soonest first."""
    rows = Duty.objects.filter(lent_from__user=user, until__gt=clock.today()).filter(until__gt=F("since"))
    return rows.select_related("user", "stand_in").order_by("since", "pk")


@transaction.atomic
def delegate(
    *, acting_user: User, duty: Duty, to: User, since: date, until: date, place_code: str | None = None
) -> Duty:
    """Lends one of one's own duties to a colleague of the same place.

    Args:
        since, until: First day, and the first day without it. place_code: a part of the duty's place; None = all of it.

    Raises:
        NotFoundError: The duty is not the acting user's.
        LendingError: Lent already, not one's own, of an administrator, wider than it, to a stranger, without a sensible end, or to
            somebody who holds what must stay apart from it.
    """
    if duty.user_id != acting_user.pk:
        raise NotFoundError("职责")
    made = _lend(duty, acting_user, to, since, until, place_code or duty.place_code, None)
    _note(
        "org.delegate",
        acting_user,
        to,
        {"duty": made.code, "place": made.place_code, "since": since, "until": until, "from": acting_user.name},
    )
    return made


@transaction.atomic
def stand_in(
    *, acting_user: User, officer: User, to: User, since: date, until: date, reason: str = ""
) -> tuple[StandIn, list[str]]:
    """Covers an officer's queue while he is away: all his duties that the colleague may hold.

    Set by the officer himself, or by the security manager of his place when he cannot.

    Returns: the row, and the labels of duties left out because the colleague holds what must stay apart from them.
    Raises: NotFoundError, AccessDeniedError; LendingError where nothing can be lent.
    """
    if acting_user.pk != officer.pk:
        access.require(acting_user, DutyCode.SECURITY, pad12(officer.office.place_code))
    row = StandIn.objects.create(
        officer=officer, stand_in=to, since=since, until=until, reason=reason.strip(), made_by=acting_user,
        made_at=clock.now(),
    ) if since < until and officer.pk != to.pk else None  # fmt: skip
    if row is None:
        raise LendingError("终止日应晚于起始日，且须是另一位同事。")
    lent, left = [], []
    for duty in own_duties(officer):
        try:
            with transaction.atomic():
                lent.append(_lend(duty, officer, to, since, until, duty.place_code, row))
        except LendingError as error:
            left.append((duty.get_code_display(), str(error)))
    if not lent:
        raise LendingError(left[0][1].removeprefix("不能委托：") if left else f"{officer.name}没有可以顶岗的职责。")
    _note(
        "org.stand_in",
        acting_user,
        to,
        {
            "officer": officer.pk,
            "for": officer.name,
            "since": since,
            "until": until,
            "duties": [one.code for one in lent],
        },
    )
    return row, [label for label, _ in left]


@transaction.atomic
def recall(*, acting_user: User, lent: Sequence[Duty]) -> int:
    """Takes back what was lent, at once: by the lender, the borrower, or the security manager of the place.

    Returns: how many ended. Raises: NotFoundError, AccessDeniedError.
    """
    today, ended = clock.today(), 0
    for duty in lent:
        if duty.lent_from is None:
            raise NotFoundError("委托")
        if acting_user.pk not in (duty.lent_from.user_id, duty.user_id):
            access.require(acting_user, DutyCode.SECURITY, pad12(duty.place_code))
        if duty.until is None or duty.until > max(today, duty.since):
            duty.until = max(today, duty.since)
            duty.save(update_fields=["until"])
            _note("org.recall", acting_user, duty.user, {"duty": duty.code, "place": duty.place_code})
            ended += 1
    return ended


def _lend(duty: Duty, lender: User, to: User, since: date, until: date, place_code: str, row: StandIn | None) -> Duty:
    today = clock.today()
    User.objects.select_for_update().get(pk=to.pk)  # a grant at the same moment must see this
    duty = Duty.objects.select_for_update().get(pk=duty.pk)
    if reason := _why_not(duty, lender, to, since, until, place_code, today):
        raise LendingError(reason)
    held = list(Duty.objects.filter(user=to, since__lt=until).filter(Q(until__isnull=True) | Q(until__gt=since)))
    if other := conflict(duty.code, (one.code for one in held)):
        label = DutyCode(other).label
        raise LendingError(f"{to.name}担任“{label}”，与“{duty.get_code_display()}”不能由同一人担任，请另选同事。")
    covered = access.range_of(place_code)
    if any(
        one.code == duty.code
        and access.range_of(one.place_code).covers(covered)
        and one.since <= since
        and (one.until is None or one.until >= until)
        for one in held
    ):
        raise LendingError(f"{to.name}在这段时间已有“{duty.get_code_display()}”职责。")
    return Duty.objects.create(
        user=to,
        code=duty.code,
        place_code=place_code,
        since=since,
        until=until,
        granted_by=lender,
        lent_from=duty,
        stand_in=row,
    )


def _why_not(duty: Duty, lender: User, to: User, since: date, until: date, place_code: str, today: date) -> str:
    if duty.lent_from_id is not None:
        return "受托的职责不能再转委托。"
    if duty.code in ALONE:
        return "系统、安全、审计管理员和第三方的职责不能委托，请由安全管理员另行授予。"
    if duty.since > today or (duty.until is not None and duty.until <= today):
        return "这项职责今天不在有效期内。"
    if to.pk == lender.pk or not colleagues(lender).filter(pk=to.pk).exists():
        return "只能委托给管辖地相同的机构里的在职同事。"
    if since < today:
        return "起始日不能早于今天。"
    if until <= since:
        return "终止日应晚于起始日。"
    if (until - since).days > LONGEST_DAYS:
        return f"一次委托最长 {LONGEST_DAYS} 天，更久请由安全管理员另行授予。"
    if duty.until is not None and until > duty.until:
        return f"您的这项职责到 {duty.until} 止，委托不能更久。"
    if not access.range_of(duty.place_code).covers(access.range_of(place_code)):
        return "委托的范围不能大于本人的范围。"
    return ""


def _note(action: str, actor: User, subject: User, after: dict[str, object]) -> None:
    record(
        action,
        actor=actor,
        subject_type="user",
        subject_id=subject.pk,
        region=pad12(subject.office.place_code),
        after=after,
    )
