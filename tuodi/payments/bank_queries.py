"""Reading the line to a bank: messages, what waits too long, exceptions by what to do, statements and what they leave open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from django.db import connection
from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, Sum, When

from tuodi.exchange.bank import load_bank_profile
from tuodi.kernel import clock
from tuodi.kernel.workdays import CalendarError, official_calendar
from tuodi.org import access
from tuodi.org.models import User
from tuodi.payments.models import (
    AccountCheck,
    AccountProposal,
    BankBatch,
    BankDecision,
    BankItem,
    BankLink,
    BankMessage,
    BankRecall,
    BankReturn,
    BankStatement,
    HandoutRelease,
    LineEvent,
    OrderEvent,
    PayLine,
    PayRun,
    StatementLine,
)
from tuodi.payments.states import ERRORS, BatchState, DecisionState, LineStatus, RecallState, RecallWord
from tuodi.people.models import Household, Person

__all__ = [
    "Gap",
    "Open",
    "Silent",
    "access_batch",
    "access_link",
    "access_order_batch",
    "access_release",
    "access_statement",
    "account_check_totals",
    "account_checks",
    "exceptions",
    "gaps",
    "items_of",
    "leftovers",
    "linked_profiles",
    "links",
    "links_over",
    "missing",
    "open_items",
    "proposals",
    "recallable",
    "recalls_of",
    "recalls_waiting",
    "releases_waiting",
    "returns_of",
    "silent",
    "statements",
]  # fmt: skip


def links() -> QuerySet[BankLink]:
    """Lines to banks in scope, those in use first."""
    return BankLink.objects.order_by("-is_active", "place", "id")


def links_over(place: str) -> list[BankLink]:
    """Lines in use by which a place's files may travel: its own and those of places it lies in."""
    return [one for one in BankLink.objects.filter(is_active=True) if place.startswith(one.place)]


def linked_profiles(run: PayRun) -> set[str]:
    """Formats in which some line takes files of a run."""
    return {one.profile for one in links_over(run.place) if any(map(one.pays, run.programmes))}


def access_link(user: User, pk: int) -> BankLink:
    """One line. Raises NotFoundError."""
    return access.one(links(), user=user, what="银行直联", pk=pk)


def access_batch(user: User, run: PayRun, pk: int) -> BankBatch:
    """One batch of a run. Raises NotFoundError."""
    return access.one(
        BankBatch.objects.filter(run=run).select_related("file", "made_by"), user=user, what="银行批次", pk=pk
    )


def access_order_batch(user: User, pk: int) -> BankBatch:
    """One batch of orders to bodies. Raises NotFoundError."""
    rows = BankBatch.objects.filter(run__isnull=True).select_related("file", "made_by")
    return access.one(rows, user=user, what="银行批次", pk=pk)


def releases_waiting() -> QuerySet[HandoutRelease]:
    """Proposals to carry files by hand again that wait for a second person."""
    return HandoutRelease.objects.filter(state=DecisionState.PROPOSED).select_related("proposed_by").order_by("id")


def access_release(user: User, pk: int) -> HandoutRelease:
    """One proposal to carry files again. Raises NotFoundError."""
    return access.one(HandoutRelease.objects.all(), user=user, what="恢复申请", pk=pk)


def access_statement(user: User, pk: int) -> BankStatement:
    """One statement. Raises NotFoundError."""
    return access.one(statements(), user=user, what="银行对账单", pk=pk)


def statements(link: BankLink | None = None) -> QuerySet[BankStatement]:
    """Statements, newest first, with the number of lines that do not fit and are not explained."""
    found = BankStatement.objects.select_related("link", "imported_by").annotate(
        left=Count(
            "lines", filter=Q(lines__verdict__in=ERRORS) & ~Q(lines__decisions__state="confirmed"), distinct=True
        )
    )
    return (found.filter(link=link) if link else found).order_by("-id")


def returns_of(batch: BankBatch) -> QuerySet[BankReturn]:
    """What the bank answered about a batch, newest first, refused files too."""
    return batch.returns.select_related("imported_by").order_by("-id")


def recalls_of(batch: BankBatch) -> QuerySet[BankRecall]:
    """What was asked back of a batch, newest first."""
    return batch.recalls.select_related("proposed_by", "decided_by", "file").order_by("-id")


def recallable(batch: BankBatch) -> bool:
    """Whether some payment of a batch to families has no definite word and is not being asked back."""
    if batch.run_id is None:
        return False
    busy = batch.items.filter(recalls__word__in=[RecallWord.ASKED, RecallWord.RETURNING]).values("pk")
    return batch.items.filter(status__in=["sent", "unknown"]).exclude(pk__in=busy).exists()


def recalls_waiting() -> QuerySet[BankRecall]:
    """Requests that wait for a second person, or for the bank."""
    found = BankRecall.objects.filter(state__in=[RecallState.PROPOSED, RecallState.ASKED])
    return found.select_related("batch", "proposed_by").annotate(asked=Count("lines")).order_by("id")


def items_of(batch: BankBatch, status: str = "") -> QuerySet[BankItem]:
    """Payments of a batch in the order of the file; asked for all, those that did not simply reach the family come first."""
    found = batch.items.select_related("line")
    if status:
        return found.filter(status=status).order_by("seq")
    return found.order_by(Case(When(status__in=(LineStatus.PAID, LineStatus.SENT), then=1), default=0), "seq")


@dataclass(frozen=True)
class Silent:
    """A batch the bank took and says nothing of.

    Attributes:
        days: working days since it left; None = the year has no list of days off, so nobody can say.
    """

    batch_id: int
    run_id: int | None  #: None = orders to bodies
    no: str
    since: date
    days: int | None
    lines: int
    amount_fen: int


def silent(link: BankLink) -> list[Silent]:
    """Batches with lines the bank has said nothing of for more working days than its profile allows."""
    limit = load_bank_profile(link.profile).silence_days
    today, found = clock.today(), []
    waiting = (
        BankMessage.objects.filter(link=link, sent_at__isnull=False, batch__items__status__in=["sent", "unknown"])
        .exclude(batch__state=BatchState.RECONCILED)
        .annotate(open=Count("batch__items"), fen=Sum("batch__items__amount_fen"))
        .select_related("batch")
        .order_by("id")
    )
    for one in waiting:
        since = one.sent_at.astimezone(clock.now().tzinfo).date()  # type: ignore[union-attr]
        try:
            days: int | None = official_calendar().workdays_between(since, today)
        except CalendarError:
            days = None
        if days is None or days > limit:
            found.append(Silent(one.batch_id, one.batch.run_id, one.no, since, days, one.open, one.fen))
    return found


@dataclass(frozen=True)
class Gap:
    """A stretch of days no statement covers, or two statements whose balances do not meet."""

    after: str
    before: str
    from_day: date | None
    to_day: date | None
    difference_fen: int


def gaps(link: BankLink) -> list[Gap]:
    """Where the chain of statements is broken, up to yesterday."""
    rows = list(BankStatement.objects.filter(link=link, state="applied").order_by("from_day", "sequence", "id"))
    found = []
    for one, other in pairwise(rows):
        skipped = one.sequence is not None and other.sequence is not None and other.sequence > one.sequence + 1
        apart = other.from_day > one.to_day + timedelta(days=1)
        differs = (other.opening_fen or 0) - (one.closing_fen or 0)
        if skipped or apart or differs:
            found.append(
                Gap(one.no, other.no, one.to_day + timedelta(days=1) if apart else one.to_day, other.from_day, differs)
            )
    yesterday = clock.today() - timedelta(days=1)
    if rows and rows[-1].to_day < yesterday:
        found.append(Gap(rows[-1].no, "", rows[-1].to_day + timedelta(days=1), yesterday, 0))
    return found


def leftovers(link: BankLink | None = None) -> QuerySet[StatementLine]:
    """Lines of statements that do not fit and that no two people have explained yet."""
    found = StatementLine.objects.filter(verdict__in=ERRORS).exclude(decisions__state="confirmed")
    if link is not None:
        found = found.filter(statement__link=link)
    return found.select_related("statement", "item__batch").order_by("statement_id", "row_no")


def missing(link: BankLink) -> QuerySet[BankItem]:
    """Payments that answers call paid and no statement shows, although one covers the day they were told paid."""
    until = (
        BankStatement.objects.filter(link=link, state="applied")
        .order_by("-to_day")
        .values_list("to_day", flat=True)
        .first()
    )
    if until is None:
        return BankItem.objects.none()
    told = LineEvent.objects.filter(
        line=OuterRef("line"), batch=OuterRef("batch"), kind=LineStatus.PAID, at__date__lte=until
    )
    told_orders = OrderEvent.objects.filter(
        order=OuterRef("order"), batch=OuterRef("batch"), kind=LineStatus.PAID, at__date__lte=until
    )
    stated = StatementLine.objects.filter(item=OuterRef("pk"), debit=True, verdict__in=["matched", "settled"])
    # The messages are few; joined to them, each item was weighed once for every one.
    batches = list(BankMessage.objects.filter(link=link).values_list("batch", flat=True))
    return (
        BankItem.objects.filter(
            ~Exists(stated), Exists(told) | Exists(told_orders), batch__in=batches, status=LineStatus.PAID
        )
        .select_related("batch")
        .order_by("id")
    )


def proposals() -> QuerySet[BankDecision]:
    """What waits for a second person."""
    return (
        BankDecision.objects.filter(state="proposed")
        .select_related("item__batch", "leftover__statement", "proposed_by")
        .order_by("id")
    )


def open_items() -> QuerySet[BankItem]:
    """The payments `exceptions` lists, as rows to count: failed, returned or unknown, and not sent anew since."""
    return BankItem.objects.filter(asks=True, line__live=True, line__status=F("status"))


@dataclass(frozen=True)
class Open:
    """A payment somebody must see to.

    Attributes:
        todo: fix_account, contact_holder, retry, unknown or silent. account_mended: the unit has another account now.
    """

    todo: str
    run_id: int
    batch_id: int
    line_id: int
    household_id: int
    region: str
    name: str
    programme: str
    month: int
    amount_fen: int
    last4: str
    status: str
    code: str
    message: str
    at: Any
    account_mended: bool


#: Whether an account was mended is two probes by key: one question with an "or" reads every account for every row.
_EXCEPTIONS = """
select i.batch_id, b.run_id, b.profile, l.id, l.household_id, l.region, coalesce(p.name, h.name), l.programme, l.month, i.amount_fen,
  i.account_last4, i.status, e.code, e.message, e.at,
  exists (select 1 from people_rollentry r join people_account x on x.id = r.account_id
    where r.id = l.roll_id and x.until is null and x.id <> i.account_id)
  or exists (select 1 from people_account o join people_account x on x.person_id = o.person_id
    where o.id = i.account_id and x.until is null and x.id <> o.id)
from payments_bankitem i
join payments_bankbatch b on b.id = i.batch_id
join payments_payline l on l.id = i.line_id and l.status = i.status
join people_household hh on hh.id = l.household_id
left join people_person h on h.id = hh.head_id
left join people_person p on p.id = l.person_id
join lateral (select code, message, at from payments_lineevent v where v.line_id = l.id order by v.id desc limit 1) e on true
where l.live and i.asks
  and not exists (select 1 from payments_bankitem n where n.orig_id = i.id)
order by e.at, i.id
limit %s
"""


def exceptions(limit: int = 2000) -> list[Open]:
    """Failed, returned and unknown payments in scope, oldest first, each under what has to be done."""
    with connection.cursor() as cursor:
        cursor.execute(_EXCEPTIONS, [limit])
        rows = cursor.fetchall()
    found = []
    for (
        batch,
        run,
        profile,
        line,
        home,
        region,
        name,
        programme,
        month,
        fen,
        last4,
        status,
        code,
        message,
        at,
        mended,
    ) in rows:
        todo = "unknown" if status == LineStatus.UNKNOWN else load_bank_profile(profile).class_of(code)
        found.append(
            Open(
                todo, run, batch, line, home, region, name or "", programme, month, fen, last4, status, code, message, at, mended
            )
        )  # fmt: skip
    return found


def account_checks(run: PayRun) -> QuerySet[AccountCheck]:
    """The newest word about each line's account, refused ones first."""
    newest = AccountCheck.objects.filter(run=run).order_by("line_id", "-id").distinct("line_id").values("id")
    return (
        AccountCheck.objects.filter(id__in=newest)
        .select_related("line__household__head", "line__person", "proposal")
        .order_by("ok", "region", "id")
    )


def account_proposal(household: Household, payee: Person) -> AccountProposal | None:
    """What a bank proposed last instead of the account a family's payee has now; None = nothing, or the account was changed since."""
    held = payee.accounts.filter(until__isnull=True).values("id")
    newest = AccountCheck.objects.filter(account_id__in=held).order_by("-id").select_related("proposal", "line").first()
    if newest is None or newest.line.household_id != household.pk or newest.line.programme == "care":
        return None
    return getattr(newest, "proposal", None)


def account_check_totals(run: PayRun) -> dict[str, int]:
    """Accounts of a run: those that can take money (`ok`), those that cannot (`bad`), those nobody asked about (`open`)."""
    found = account_checks(run)
    asked, bad = found.count(), found.filter(ok=False).count()
    lines = PayLine.objects.filter(run=run, live=True, account_cipher__isnull=False).count()
    return {"ok": asked - bad, "bad": bad, "open": max(0, lines - asked)}
