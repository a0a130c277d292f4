"""Sign-in events go to the audit log. Connected by the app's `ready`."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver

from tuodi.audit.actions import record
from tuodi.kernel.places import pad12
from tuodi.org.models import User


@receiver(user_logged_in)
def _logged_in(user: User, **kwargs: Any) -> None:
    record("org.sign_in", actor=user, subject_type="user", subject_id=user.pk, region=pad12(user.office.place_code))


@receiver(user_logged_out)
def _logged_out(user: User | None, **kwargs: Any) -> None:
    if user is not None:
        region = pad12(user.office.place_code)
        record("org.sign_out", actor=user, subject_type="user", subject_id=user.pk, region=region)


@receiver(user_login_failed)
def _failed(credentials: dict[str, Any], **kwargs: Any) -> None:
    # The name typed may be a password typed into the wrong field: it is kept only where such a user exists.
    typed = User.normalize_username(str(credentials.get("username") or "")).strip().lower().replace("\x00", "")
    user = User.objects.select_related("office").filter(username=typed).first()
    region = pad12(user.office.place_code) if user else pad12("cn")
    record("org.sign_in_failed", actor=None, subject_type="user", subject_id=user.pk if user else 0, region=region)
