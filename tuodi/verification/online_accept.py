"""Accepting an application that came from a phone, with the consents that were signed on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import transaction

from tuodi.files import store
from tuodi.intake import online_desk
from tuodi.intake.models import OnlineApplication
from tuodi.intake.online_content import open_content
from tuodi.intake.online_desk import Accepted
from tuodi.kernel import clock
from tuodi.org.models import User
from tuodi.verification.consent_actions import record_consent
from tuodi.verification.declared_actions import carry_declared

__all__ = ["accept_online"]


@transaction.atomic
def accept_online(
    online: OnlineApplication,
    *,
    acting_user: User,
    programme: str = "",
    area_kind: str = "",
    materials: Mapping[str, bool] | None = None,
    marks: Sequence[str] = (),
) -> Accepted:
    """Accepts as `intake.online_desk.accept`, files each adult's consent with the day he signed it, and carries what was
    declared into a draft of the facts.

    A minor's consent is the guardian's: the applicant signs for the family's children.

    Raises:
        What the two rooms raise; nothing is kept then.
    """
    found = online_desk.accept(
        online, acting_user=acting_user, programme=programme, area_kind=area_kind, materials=materials, marks=marks
    )
    row = OnlineApplication.objects.get(pk=online.pk)
    content = open_content(row)
    sheets = {paper.sha256: paper for paper in row.papers.filter(kind="signature").select_related("file")}
    day = row.sent_at.astimezone(clock.BEIJING).date() if row.sent_at else clock.today()
    for place, person in found.persons.items():
        signed = content.signed.get(f"consent.{place}")
        guardian = ""
        if signed is None:
            signed, guardian = content.signed.get("consent.0"), content.members[0]["name"]
        if signed is None:
            continue
        sheet = sheets.get(signed["sha256"]) if signed["kind"] == "paper" else None
        record_consent(
            acting_user=acting_user,
            household=found.household,
            person=person,
            signed_on=day,
            guardian_name=guardian,
            paper_ref=f"网上签署 {row.no} {signed['sha256'][:12]}",
            document=store.open_plain(sheet.file).read() if sheet and sheet.media_type != "image/webp" else b"",
            document_name="核对授权（手签）",
        )
    carry_declared(
        OnlineApplication.objects.select_related("application__case__household").get(pk=online.pk),
        acting_user=acting_user,
    )
    return found
