"""What follows for payments that were asked back, whichever way their end is told: an answer, a statement, two people."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from tuodi.funds.states import Account
from tuodi.kernel import clock
from tuodi.org.models import User
from tuodi.payments import claims, ledger
from tuodi.payments.actions.bank import append_events, set_status
from tuodi.payments.models import BankBatch, RecallLine
from tuodi.payments.states import RECALL_LINE_MOVES, LineStatus, RecallPurpose, RecallState, RecallWord, move

__all__ = ["follow"]


def note_word(line: RecallLine, word: RecallWord, code: str = "", message: str = "") -> None:
    """Notes what the bank said of one payment. Raises: StateError for a word that does not follow."""
    move(f"撤销 {line.recall.no}", RECALL_LINE_MOVES, line.word, word, RecallWord)
    line.word, line.code, line.message, line.at = word, code[:10], message[:100], clock.now()
    line.save(update_fields=["word", "code", "message", "at"])


def follow(batch: BankBatch, ended: Sequence[int], status: LineStatus, *, acting_user: User) -> None:
    """Ends requests about payments that failed or came back, and takes those that were to be stopped out of the books.

    Called after the payment itself is booked, in the same transaction. A payment that was told paid leaves its request
    open: the bank may still give the money back.

    Args:
        ended: ids of items that are `status` now, failed or returned.
    """
    asked = RecallLine.objects.filter(
        item__in=list(ended),
        word__in=[RecallWord.ASKED, RecallWord.RETURNING],
        recall__state__in=[RecallState.ASKED, RecallState.GIVEN_UP, RecallState.ANSWERED],
    ).select_related("recall", "item")
    stopped: dict[str, list[int]] = {}
    requests = {}
    for one in asked.select_for_update(of=("self",)).order_by("id"):
        # Cancelled as asked is noted by the answer itself before the payment is booked.
        note_word(one, RecallWord.BACK if status == LineStatus.RETURNED else RecallWord.OTHERWISE)
        requests[one.recall_id] = one.recall
        if one.recall.purpose == RecallPurpose.STOP:
            stopped.setdefault(one.recall.no, []).append(one.item.line_id)
    cancelled = RecallLine.objects.filter(
        item__in=list(ended), word=RecallWord.CANCELLED, recall__purpose=RecallPurpose.STOP
    ).values_list("recall__no", "item__line_id", "item__line__status")
    for no, line, now in cancelled.order_by("id"):
        if now == status:
            stopped.setdefault(no, []).append(line)
    for no, lines in sorted(stopped.items()):
        _stop(batch, no, sorted(set(lines)), acting_user)
    for recall in requests.values():
        close_if_done(recall.pk)


def _stop(batch: BankBatch, no: str, lines: list[int], user: User) -> None:
    """The money is with us and is not to go out again: the grant is booked back, the next run decides about the month."""
    why = f"撤回停发（{no}）"
    append_events(None, [(line, "", why, "") for line in lines], LineStatus.WITHHELD, user, None)
    set_status(lines, LineStatus.WITHHELD)
    ledger.post_withheld(batch.run, lines, user=user, memo=f"{batch.run.no} 撤回停发：{why}", of=Account.SUSPENSE)
    claims.follow_run(batch.run)


def close_if_done(recall: int) -> None:
    """A request is answered once each of its payments has a word other than waiting."""
    with connection.cursor() as cursor:
        cursor.execute(
            "update payments_bankrecall r set state = 'answered', closed_at = %s where r.id = %s and r.state in ('asked', 'given_up') "
            "and not exists (select 1 from payments_recallline l where l.recall_id = r.id and l.word in ('asked', 'dropped'))",
            [clock.now(), recall],
        )
