"""Sign-in events go to the audit log. Connected by the app's `ready`."""

from __future__ import annotations

from typing import Any

from axes.signals import user_locked_out
from django.contrib.auth.models import update_last_login
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from tuodi.audit.actions import record
from tuodi.kernel import clock
from tuodi.kernel.places import pad12
from tuodi.org import session_actions
from tuodi.org.backends import folded_name
from tuodi.org.models import User

# Django's own receiver asks the system's clock.
user_logged_in.disconnect(update_last_login, dispatch_uid="update_last_login")


@receiver(user_logged_in)
def _logged_in(request: HttpRequest, user: User, **kwargs: Any) -> None:
    user.last_login = clock.now()
    user.save(update_fields=["last_login"])
    session_actions.note_sign_in(request, user)
    record("org.sign_in", actor=user, subject_type="user", subject_id=user.pk, region=pad12(user.office.place_code))


@receiver(user_logged_out)
def _logged_out(request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    session_actions.end_session(request.session.session_key, "退出登录")
    if user is not None:
        region = pad12(user.office.place_code)
        record("org.sign_out", actor=user, subject_type="user", subject_id=user.pk, region=region)


@receiver(user_login_failed)
def _failed(credentials: dict[str, Any], **kwargs: Any) -> None:
    # The name typed may be a password typed into the wrong field: it is kept only where such a user exists.
    user = User.objects.select_related("office").filter(username=folded_name(credentials.get("username"))).first()
    region = pad12(user.office.place_code) if user else pad12("cn")
    record("org.sign_in_failed", actor=None, subject_type="user", subject_id=user.pk if user else 0, region=region)


@receiver(user_locked_out)
def _locked(username: str | None = None, ip_address: str | None = None, **kwargs: Any) -> None:
    """The administrators' page lists who is locked; the log keeps that he was."""
    user = User.objects.select_related("office").filter(username=folded_name(username)).first()
    region = pad12(user.office.place_code) if user else pad12("cn")
    record("org.locked", actor=None, subject_type="user", subject_id=user.pk if user else 0, region=region)
