"""Claims as runs make and reduce them, and what pages and higher rooms ask about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import connection
from django.db.models import F, Q, QuerySet

from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.org.models import User
from tuodi.payments.models import Claim, ClaimAgreement, ClaimFinding, PayRun
from tuodi.payments.states import Cause, ClaimState, FindingState, LineStatus, Manner
from tuodi.people.models import Household
from tuodi.verification.rulebook import book, place_of, profile_value

__all__ = [
    "SHOWS", "Kept", "Origin", "Payable", "access_claim", "claim_of", "claimable_months", "figures", "finding_of", "findings", "follow_run", "hold_run", "kept_by", "listing", "origins", "owed_by",
    "settle", "share_permille", "write_off_limit",
]  # fmt: skip

_BOOKED = "('approved', 'sent', 'settled', 'closed')"
#: Units of a run whose claims it changes: newly found overpaid, or with something kept back.
_UNITS = """
  select a.household_id, a.programme, a.person_id from payments_arrear a where a.run_id = %(run)s and a.amount_fen < 0
  union select l.household_id, l.programme, l.person_id from payments_payline l where l.run_id = %(run)s and l.offset_fen < 0 and l.live
"""
_SAME = "{a}.household_id = {b}.household_id and {a}.programme = {b}.programme and {a}.person_id is not distinct from {b}.person_id"
_OPEN_ALL = """
insert into payments_claim (region, household_id, person_id, programme, state, manner, manner_reason, found_fen, kept_fen, cash_fen,
  written_fen, opened_at)
select min(a.region), a.household_id, a.person_id, a.programme, 'open', 'capped', '', 0, 0, 0, 0, %(now)s
from payments_arrear a where a.run_id = %(run)s and a.amount_fen < 0 group by a.household_id, a.person_id, a.programme
on conflict do nothing
"""
_SUMS = f"""
update payments_claim c set found_fen = x.found, kept_fen = x.kept from (
  select k.id, coalesce((select -sum(a.amount_fen) from payments_arrear a join payments_runs() r on r.id = a.run_id
      where {_SAME.format(a="a", b="k")} and a.amount_fen < 0 and r.state in {_BOOKED} and not exists (
        select 1 from payments_payline w where w.status = 'withheld' and w.run_id = a.run_id and {_SAME.format(a="w", b="a")})), 0)
      + coalesce((select sum(f.amount_fen) from payments_claimfinding f where {_SAME.format(a="f", b="k")}
        and f.state in ('approved', 'revoking')), 0) found,
    coalesce((select -sum(l.offset_fen) from payments_payline l join payments_runs() r on r.id = l.run_id
      where {_SAME.format(a="l", b="k")} and l.offset_fen < 0 and l.live and l.held = '' and l.status <> 'withheld'
      and r.state in {_BOOKED}), 0) kept
  from payments_claim k join ({_UNITS}) u on {_SAME.format(a="k", b="u")}) x
where c.id = x.id
"""
#: Where nothing is left the claim is settled, and what was agreed or decided about it ends with it.
_STATES = f"""
update payments_claim c set
  state = case when c.found_fen > c.kept_fen + c.cash_fen + c.written_fen then 'open' else 'settled' end,
  settled_at = case when c.found_fen > c.kept_fen + c.cash_fen + c.written_fen then null else coalesce(c.settled_at, %(now)s) end,
  manner = case when c.found_fen > c.kept_fen + c.cash_fen + c.written_fen then c.manner else 'capped' end
from ({_UNITS}) u where {_SAME.format(a="c", b="u")}
"""
_ENDED = f"""
update payments_claimagreement g set ended_at = %(now)s from payments_claim c join ({_UNITS}) u on {_SAME.format(a="c", b="u")}
where g.claim_id = c.id and g.ended_at is null and c.state = 'settled'
"""


def hold_run(run: PayRun) -> None:
    """Holds the claims a run keeps something back for until the transaction ends: cash that comes in meanwhile waits."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select 1 from payments_claim c join ({_UNITS}) u on {_SAME.format(a='c', b='u')} order by c.id for update of c",
            {"run": run.pk},
        )


def follow_run(run: PayRun) -> None:
    """Brings the claims of a run's units to what is booked now: after its approval, and after lines of it were withheld."""
    words = {"run": run.pk, "now": clock.now()}
    with connection.cursor() as cursor:
        for query in (_OPEN_ALL, _SUMS, _STATES, _ENDED):
            cursor.execute(query, words)


def settle(claim: Claim) -> None:
    """Puts a locked claim's state where its sums are, and saves it."""
    if claim.left_fen > 0:
        claim.state, claim.settled_at = ClaimState.OPEN, None
    elif claim.state == ClaimState.OPEN:
        claim.state, claim.settled_at, claim.manner = ClaimState.SETTLED, clock.now(), Manner.CAPPED
        ClaimAgreement.objects.filter(claim=claim, ended_at__isnull=True).update(ended_at=clock.now())
    claim.save()


# ---- parameters


def share_permille(name: str, place: str, on: date, default: int) -> int:
    """A share of the place's profile on a day, per mille; the default where no pack gives one."""
    known = book()
    row = known.value(f"profile.{name}", known.chain(place_of(place)), (), on)
    return default if row is None or row.value is None else int(row.value * 1000)


def write_off_limit(region: str, on: date) -> int | None:
    """Up to how much (fen) the approver of payments writes off; beyond it the review of finance does. None = no such band."""
    return profile_value("claim_write_off_limit", region, on)


# ---- reads


def claim_of(household_id: int, programme: str, person_id: int | None) -> Claim | None:
    """The claim of a unit, or None."""
    return Claim.objects.filter(household=household_id, programme=programme, person=person_id).first()


def owed_by(household: Household) -> int:
    """What a family still owes of all programmes, fen."""
    return sum(max(one.left_fen, 0) for one in Claim.objects.filter(household=household))


def access_claim(user: User, pk: int) -> Claim:
    """A claim with family and person. Raises: NotFoundError."""
    return access.one(Claim.objects.select_related("household__head", "person"), user=user, what="追回事项", pk=pk)


_LEFT = F("found_fen") - F("kept_fen") - F("cash_fen") - F("written_fen")
#: Filters of the list.
SHOWS = (
    ("open", "追回中"), ("deciding", "待核销审批"), ("agreed", "按协议"), ("stopped", "停止抵扣"), ("dead", "人员死亡"), ("settled", "已结清"),
)  # fmt: skip


def listing(show: str, programme: str = "", text: str = "") -> QuerySet[Claim]:
    """Claims in scope, the most owed first; settled ones newest first.

    Args:
        show: of `SHOWS`. text: part of a name, or a household's number.
    """
    rows = Claim.objects.select_related("household__head", "person").annotate(left=_LEFT)
    if show == "settled":
        rows = rows.filter(state=ClaimState.SETTLED).order_by("-settled_at", "-id")
    else:
        rows = rows.filter(state=ClaimState.OPEN).order_by("-left", "id")
    if show == "deciding":
        rows = rows.filter(write_offs__state="proposed")
    elif show in ("agreed", "stopped"):
        rows = rows.filter(manner=show)
    elif show == "dead":
        rows = rows.filter(
            Q(person__died_on__isnull=False) | Q(person__isnull=True, household__head__died_on__isnull=False)
        )
    if programme:
        rows = rows.filter(programme=programme)
    if text:
        number = text.upper().removeprefix("ZH")
        by_no = (
            Q(pk=int(number)) if number.isascii() and number.isdigit() and len(number) < 10 else Q(household__no=text)
        )
        rows = rows.filter(by_no | Q(household__head__name__startswith=text) | Q(person__name__startswith=text))
    return rows


def figures() -> dict[str, int]:
    """Open claims in scope: how many, found, kept, cash, written off, left (fen), and how many wait for a decision."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*), coalesce(sum(found_fen), 0)::bigint, coalesce(sum(kept_fen), 0)::bigint, coalesce(sum(cash_fen), 0)::bigint, "
            "coalesce(sum(written_fen), 0)::bigint, coalesce(sum(found_fen - kept_fen - cash_fen - written_fen), 0)::bigint "
            "from payments_claim where state = 'open'"
        )
        found = dict(zip(("count", "found", "kept", "cash", "written", "left"), cursor.fetchone(), strict=True))
        cursor.execute("select count(*) from payments_claimwriteoff where state = 'proposed'")
        (found["deciding"],) = cursor.fetchone()
    return found


@dataclass(frozen=True)
class Origin:
    """One month that turned out overpaid, and the run that found it."""

    for_month: Month
    due_fen: int
    granted_fen: int
    over_fen: int
    cause: str
    found_in: Month
    run_no: str
    note: str = ""


@dataclass(frozen=True)
class Kept:
    """One month's line that kept something back."""

    month: Month
    gross_fen: int
    kept_fen: int
    paid_fen: int
    status: str
    run_no: str


@dataclass(frozen=True)
class Payable:
    """A month of a unit by the books: what was paid for it, and what is claimed of that already. Fen."""

    region: str  #: of the line
    paid_fen: int
    claimed_fen: int

    @property
    def left_fen(self) -> int:
        """What could still be determined to be overpaid."""
        return max(self.paid_fen - self.claimed_fen, 0)


def claimable_months(
    household_id: int, programme: str, person_id: int | None, first: Month, last: Month
) -> dict[Month, Payable]:
    """Months of a unit that approved runs have paid, oldest first: what lines gave and later runs paid back, and what is claimed of it.

    Reads beyond the reader's range of runs (one may be the prefecture's), never of lines.
    """
    unit = [household_id, programme, person_id, first.yyyymm, last.yyyymm]
    with connection.cursor() as cursor:
        cursor.execute(
            "select l.month, min(l.region), sum(l.base_fen + l.increment_fen + l.care_fen + l.grace_fen + l.other_fen + l.price_fen)::bigint "
            f"from payments_payline l join payments_runs() r on r.id = l.run_id where l.live and l.held = '' and r.state in {_BOOKED} "
            "and l.status not in ('withheld', 'failed', 'returned') and l.household_id = %s and l.programme = %s "
            "and l.person_id is not distinct from %s and l.month between %s and %s group by 1 order by 1",
            unit,
        )
        paid = {month: (region, fen) for month, region, fen in cursor.fetchall()}
        cursor.execute(
            "select month, sum(fen) filter (where fen > 0)::bigint, -sum(fen) filter (where fen < 0)::bigint from ("
            f"select a.for_month as month, a.amount_fen as fen from payments_arrear a join payments_runs() r on r.id = a.run_id "
            f"where r.state in {_BOOKED} and a.household_id = %s and a.programme = %s and a.person_id is not distinct from %s "
            "and a.for_month between %s and %s and not exists (select 1 from payments_payline w where w.status = 'withheld' "
            f"and w.run_id = a.run_id and {_SAME.format(a='w', b='a')}) "
            "union all select m.for_month, -m.amount_fen from payments_claimmonth m join payments_claimfinding f on f.id = m.finding_id "
            "where f.state in ('approved', 'revoking') and f.household_id = %s and f.programme = %s "
            "and f.person_id is not distinct from %s and m.for_month between %s and %s) x group by 1",
            unit + unit,
        )
        later = {month: (more or 0, less or 0) for month, more, less in cursor.fetchall()}
    return {
        Month.parse(str(month)): Payable(region, fen + later.get(month, (0, 0))[0], later.get(month, (0, 0))[1])
        for month, (region, fen) in paid.items()
    }


def findings(show: str) -> QuerySet[ClaimFinding]:
    """What people determined to be overpaid, in scope, newest first. Args: show: `waiting` for a decision, or `all`."""
    rows = ClaimFinding.objects.select_related(
        "household__head", "person", "claim", "proposed_by", "decided_by"
    ).order_by("-id")
    return rows.filter(state__in=(FindingState.PROPOSED, FindingState.REVOKING)) if show == "waiting" else rows


def finding_of(origin: str, origin_id: int) -> ClaimFinding | None:
    """The finding that rests on something and stands or waits; else the last one refused or taken back; None = none."""
    rows = list(ClaimFinding.objects.select_related("claim").filter(origin=origin, origin_id=origin_id).order_by("-id"))
    standing = [one for one in rows if one.state not in (FindingState.REFUSED, FindingState.REVOKED)]
    return next(iter([*standing, *rows]), None)


def origins(claim: Claim) -> list[Origin]:
    """Where a claim comes from, month by month. Reads beyond the reader's range: a run may be the prefecture's."""
    return [
        Origin(
            Month.parse(str(m)),
            due,
            granted,
            over,
            Cause(cause).label,
            Month.parse(str(run)),
            no,
            note if cause == Cause.PRICE_BACK else "",
        )
        for m, due, granted, over, cause, run, no, note in _read(
            "select a.for_month, a.due_fen, a.granted_fen, -a.amount_fen, a.cause, r.month, r.no, a.note from payments_arrear a "
            f"join payments_runs() r on r.id = a.run_id where a.amount_fen < 0 and r.state in {_BOOKED} and a.household_id = %s "
            "and a.programme = %s and a.person_id is not distinct from %s and not exists (select 1 from payments_payline w "
            f"where w.status = 'withheld' and w.run_id = a.run_id and {_SAME.format(a='w', b='a')}) order by r.month, a.for_month",
            claim,
        )
    ]


def kept_by(claim: Claim) -> list[Kept]:
    """What each month's line kept back of a claim, oldest first; withheld lines kept nothing."""
    return [
        Kept(Month.parse(str(m)), paid + kept, kept, paid, LineStatus(status).label, no)
        for m, paid, kept, status, no in _read(
            "select l.month, l.amount_fen, -l.offset_fen, l.status, r.no from payments_payline l join payments_runs() r on r.id = l.run_id "
            f"where l.offset_fen < 0 and l.live and l.held = '' and l.status <> 'withheld' and r.state in {_BOOKED} "
            "and l.household_id = %s and l.programme = %s and l.person_id is not distinct from %s order by l.month",
            claim,
        )
    ]


def _read(query: str, claim: Claim) -> Sequence[tuple]:  # type: ignore[type-arg]
    with access.system_scope(access.NATION), connection.cursor() as cursor:
        cursor.execute(query, [claim.household_id, claim.programme, claim.person_id])
        return cursor.fetchall()
