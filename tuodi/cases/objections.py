"""An objection that a resident sends himself, signed in, while a notice hangs.

It is one from outside (`notice_actions.receive_objection`): in time from the moment it is sent, and no notice ends while one
waits for an officer to take it up or dismiss it in writing. The family is never shown who objected.
"""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from tuodi.audit.idempotency import in_turn
from tuodi.cases.errors import StepInputError
from tuodi.cases.models import Notice, NoticeObjection
from tuodi.cases.notice_actions import receive_objection
from tuodi.kernel import clock
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.people.models import ResidentAccount

__all__ = ["object_online", "objections_of", "open_notice"]


def open_notice(no: str, *, region: str) -> Notice:
    """A notice that hangs in the resident's own town, by its number.

    Raises: NotFoundError, alike for one that is over and one of another place.
    """
    with access.system_scope(region[:9]):
        found = Notice.objects.select_related("case__household", "step").filter(no=no, result="", days__gt=0).first()
        if found is None or (found.last_day is not None and found.last_day < clock.today()):
            raise NotFoundError("公示")
        return found


@transaction.atomic
def object_online(
    no: str, *, account: ResidentAccount, region: str, text: str, client_key: UUID, from_name: str = ""
) -> NoticeObjection:
    """Takes a resident's objection to a running notice.

    Args:
        region: Of the resident; he may object to notices of his own town.
        from_name: Empty = he does not give his name. It is kept from the family either way.

    Raises:
        NotFoundError: Over, or of another place. StepInputError: No text, or his own family's notice.
    """
    words = text.replace("\x00", "").strip()
    with access.system_scope(region[:9]):
        in_turn(client_key)
        known = NoticeObjection.objects.filter(client_key=client_key).first()
        if known is not None:
            return known
        notice = open_notice(no, region=region)
        notice = (
            Notice.objects.select_for_update(of=("self",)).select_related("case__household", "step").get(pk=notice.pk)
        )
        if len(words) < 5:
            raise StepInputError("公示异议", "内容", "没有写清楚。请写明哪里不符合实际。")
        if notice.case.household.memberships.filter(person=account.person_id, until__isnull=True).exists():
            raise StepInputError("公示异议", "提出人", "是本户成员。对自家的决定不同意，请申请复议。")
        row = receive_objection(notice, text=words, from_name=from_name, channel=NoticeObjection.Channel.RESIDENT)
        row.account, row.client_key = account, client_key
        row.save(update_fields=["account", "client_key"])
        return row


def objections_of(account: ResidentAccount) -> list[NoticeObjection]:
    """A resident's own objections, newest first."""
    with access.system_scope(access.NATION):
        return list(NoticeObjection.objects.filter(account=account).select_related("notice__case").order_by("-id")[:50])
