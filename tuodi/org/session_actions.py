"""Sessions of staff: noted at sign-in, limited in number, ended one by one or all at once.

GB/T 22239-2019 8.1.4.1 b) (limits on sessions), OWASP ASVS 5.0 V7.4 (all dead after a change of password or a disabling).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from tuodi.audit.actions import record
from tuodi.kernel import clock
from tuodi.kernel.places import pad12
from tuodi.org.addresses import address_of
from tuodi.org.models import SignedIn, User

__all__ = ["alive", "end_all", "end_one", "end_session", "note_own_password", "note_seen", "note_sign_in"]


def alive(user: User) -> QuerySet[SignedIn]:
    """The sessions of a user that may still answer, newest first."""
    idle = clock.now() - timedelta(seconds=settings.SESSION_IDLE_SECONDS)
    longest = clock.now() - timedelta(seconds=settings.SESSION_ABSOLUTE_SECONDS)
    rows = SignedIn.objects.filter(user=user, ended_at__isnull=True, seen_at__gte=idle, began_at__gte=longest)
    return rows.order_by("-began_at", "-id")


@transaction.atomic
def note_sign_in(request: HttpRequest, user: User) -> None:
    """Notes the session that has just begun; beyond the site's number the oldest end.

    The session was given a new key by the sign-in (session fixation), which is the one noted.
    """
    if request.session.session_key is None:
        request.session.create()
    now = clock.now()
    User.objects.select_for_update().get(pk=user.pk)  # two sign-ins at once must see each other
    SignedIn.objects.update_or_create(
        session_key=request.session.session_key,
        defaults={
            "user": user,
            "began_at": now,
            "seen_at": now,
            "address": address_of(request),
            "device": _device(request.META.get("HTTP_USER_AGENT", "")),
            "ended_at": None,
            "ended_why": "",
        },
    )
    most = settings.SESSIONS_MOST
    # Never the one that has just begun: a clock that was set back makes older ones look newer.
    others = alive(user).exclude(session_key=request.session.session_key)
    for row in list(others[most - 1 :]) if most else []:
        _end(row, now, f"超过 {most} 处同时登录")


def note_seen(request: HttpRequest) -> None:
    """Notes that a session is still in use; called once a minute, not at each request."""
    SignedIn.objects.filter(session_key=request.session.session_key).update(seen_at=clock.now())


@transaction.atomic
def note_own_password(request: HttpRequest, before: str | None) -> None:
    """After a change of one's own password: this session, which was given a new key, goes on; the others are dead.

    Args:
        before: The session's key before the change.
    """
    user: Any = request.user
    if request.session.session_key is None:
        request.session.create()
    SignedIn.objects.filter(session_key=before or "").update(session_key=request.session.session_key)
    end_all(user, why="密码已修改", but=request.session.session_key)
    record(
        "org.set_password", actor=user, subject_type="user", subject_id=user.pk, region=pad12(user.office.place_code)
    )


def end_session(session_key: str | None, why: str) -> None:
    """Ends the session of a key, as at signing out."""
    for row in SignedIn.objects.filter(session_key=session_key or "", ended_at__isnull=True):
        _end(row, clock.now(), why)


@transaction.atomic
def end_one(*, acting_user: User, session: SignedIn) -> None:
    """Ends one of one's own sessions."""
    if session.user_id == acting_user.pk and session.ended_at is None:
        _end(session, clock.now(), "本人结束")
        _note("org.end_session", acting_user, 1)


@transaction.atomic
def end_all(user: User, *, why: str, but: str | None = None, acting_user: User | None = None) -> int:
    """Ends a user's sessions, save one. Returns how many.

    Args:
        but: Key of the session that goes on: one's own.
        acting_user: Given, the log names who asked; without, the calling action has its own row.
    """
    rows = SignedIn.objects.select_for_update().filter(user=user, ended_at__isnull=True).exclude(session_key=but or "")
    found = list(rows)
    for row in found:
        _end(row, clock.now(), why)
    if acting_user is not None and found:
        _note("org.end_sessions", acting_user, len(found), user)
    return len(found)


def _end(row: SignedIn, now: datetime, why: str) -> None:
    SessionStore(row.session_key).delete()
    row.ended_at, row.ended_why = now, why[:40]
    row.save(update_fields=["ended_at", "ended_why"])


def _note(action: str, actor: User, count: int, user: User | None = None) -> None:
    of: Any = user or actor
    record(
        action,
        actor=actor,
        subject_type="user",
        subject_id=of.pk,
        region=pad12(of.office.place_code),
        after={"sessions": count},
    )


def _device(agent: str) -> str:
    """System and browser in a few words; what a client says is shown as text and may be anything."""
    system = next((label for mark, label in _SYSTEMS if mark in agent), "其他系统")
    browser = next((label for mark, label in _BROWSERS if mark in agent), "其他浏览器")
    return f"{system} · {browser}"


_SYSTEMS = (
    ("Android", "安卓"),
    ("iPhone", "iPhone"),
    ("HarmonyOS", "鸿蒙"),
    ("UOS", "统信"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
)
_BROWSERS = (("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome 内核"), ("Safari", "Safari"))
