"""Balance checks of a run, as SQL over what is stored: each says yes or no and with which figures."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection

from tuodi.kernel.money import format_yuan
from tuodi.kernel.names import normalise_name
from tuodi.kernel.periods import Month
from tuodi.org.access import range_of
from tuodi.payments.figures import Figures, Part, figures_of, shares_accounts
from tuodi.payments.models import PayRun
from tuodi.payments.queries import month_of
from tuodi.payments.source import CARED_NOW
from tuodi.payments.states import BOOKED, DRAFT
from tuodi.payments.withholding import SUSPENDED
from tuodi.people.enums import ONCE_PROGRAMMES

__all__ = ["Check", "as_json", "balance", "in_cash", "ledger", "suspended_lines"]

#: What lines are before anything happened to them at a bank.
_NO_EVENT = ("ready", "held", "nothing", "withheld")


def _paid(part: Part) -> bool:
    return part.paid


@dataclass(frozen=True)
class Check:
    """One check: `ok`, and the figures behind it."""

    code: str
    label: str
    ok: bool
    detail: str


def _one(query: str, *arguments: Any) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(query, list(arguments))
        return tuple(cursor.fetchone())


def balance(run: PayRun, figures: Figures | None = None, *, sharing: bool = True) -> list[Check]:
    """The checks a run must pass before it is approved.

    Args:
        figures: of its lines, where they were read in this transaction.
        sharing: false = it is known of just these lines that no account stands in lines of several families.
    """
    figures = figures or figures_of(run)
    found = []
    twice = _twice(run)
    found.append(Check("once", "同一对象同月同项目只有一行", not twice, f"重复 {twice}"))
    off, loose = figures.sum(lambda part: part.uneven), figures.sum(lambda part: part.loose)
    lines = figures.sum(lambda part: part.lines, _paid)
    total, persons = figures.sum(lambda part: part.amount_fen, _paid), figures.sum(lambda part: part.persons, _paid)
    found.append(Check("components", "每行等于各分项之和", not off, f"不等 {off}"))
    same = (lines, total, persons) == (run.lines, run.amount_fen, run.persons)
    found.append(Check("totals", "批次合计等于各行之和", same, f"{lines} 行，{format_yuan(total)} 元"))
    before = _last_month(run)
    (parts,) = _one(
        "select coalesce(sum(amount_fen), 0)::bigint from payments_linedifference where run_id = %s", run.pk
    )
    rest = total - before - parts
    found.append(
        Check(
            "differences",
            "差异解释到 0.00",
            rest == 0,
            f"上月 {format_yuan(before)}，差异 {format_yuan(parts)}，未解释 {format_yuan(rest)} 元",
        )
    )
    found.append(Check("payable", "发放的行都有金额和账户", not loose, f"缺 {loose}"))
    shared = _shared(run) if sharing else 0
    found.append(Check("accounts", "一个账户只收一户（机构按协议代收的除外）", not shared, f"重复 {shared}"))
    (over,) = _one(
        "select count(*) from (select l.household_id, l.programme, coalesce(l.person_id, 0) unit, sum(-l.offset_fen) done "
        "from payments_payline l join payments_runs() r on r.id = l.run_id where l.live and l.offset_fen < 0 and l.held = '' and l.status <> 'withheld' and l.month <= %s "
        "and (r.id = %s or r.state in ('approved', 'sent', 'settled', 'closed')) group by 1, 2, 3 having sum(-l.offset_fen) > 0) o "
        "where o.done + coalesce((select c.cash_fen + c.written_fen from payments_claim c where c.household_id = o.household_id "
        " and c.programme = o.programme and coalesce(c.person_id, 0) = o.unit), 0) > coalesce((select sum(-a.amount_fen) from payments_arrear a join payments_runs() r on r.id = a.run_id "
        " where a.amount_fen < 0 and a.household_id = o.household_id and a.programme = o.programme "
        " and coalesce(a.person_id, 0) = o.unit and (r.id = %s or r.state in ('approved', 'sent', 'settled', 'closed'))), 0) "
        "+ coalesce((select sum(f.amount_fen) from payments_claimfinding f where f.household_id = o.household_id and f.programme = o.programme "
        " and coalesce(f.person_id, 0) = o.unit and f.state in ('approved', 'revoking')), 0)",
        run.month,
        run.pk,
        run.pk,
    )
    found.append(
        Check(
            "offsets",
            "抵扣不超过应追回",
            not over,
            f"超过 {over}" + ("，计算后有归还或核销，请重新计算" if over else ""),
        )
    )
    (stale,) = _one(
        "select count(*) from payments_arrear a left join payments_price_owed() o on o.household_id = a.household_id and o.programme = a.programme "
        "and o.person_id is not distinct from a.person_id and o.index_month = a.for_month where a.run_id = %s and a.cause = 'price_back' "
        "and %s and a.amount_fen is distinct from o.decided_fen - o.booked_fen",
        run.pk,
        run.state in DRAFT,  # once it is approved its own corrections are what was booked
    )
    found.append(
        Check("prices", "价格补贴更正与现在的决定一致", not stale, f"不符 {stale}" + ("，请重新计算" if stale else ""))
    )
    (again,) = _one(
        "select count(distinct a.id) from payments_arrear a join payments_claimfinding f on f.household_id = a.household_id "
        "and f.programme = a.programme and f.person_id is not distinct from a.person_id join payments_claimmonth m on m.finding_id = f.id "
        "and m.for_month = a.for_month where a.run_id = %s and a.cause <> 'price_back' and %s "
        "and ((f.state in ('approved', 'revoking') and f.decided_at > %s) or f.revoked_at > %s)",
        run.pk,
        run.state in DRAFT,
        run.calculated_at,
        run.calculated_at,
    )
    found.append(
        Check(
            "findings",
            "往月多发与认定的多发不重复",
            not again,
            f"计算后另有认定 {again}" + ("，请重新计算" if again else ""),
        )
    )
    # Somebody may have been suspended since the run was calculated: nothing of his is approved.
    paid = len(suspended_lines(run))
    found.append(Check("suspensions", "停保对象的行都已暂缓", not paid, f"停保未暂缓 {paid} 行，重新计算后暂缓"))
    (held,) = _one(
        "select count(distinct d.id) from (select household_id, programme, month from payments_payline where run_id = %s and live and held = '' "
        "union select household_id, programme, for_month from payments_arrear where run_id = %s and amount_fen > 0) x "
        "join decisions_grantstage g on g.household_id = x.household_id and g.programme = x.programme and g.month = x.month "
        "and g.ended_at is null and not g.in_cash join decisions_determination d on d.id = g.determination_id "
        "left join decisions_determination f on f.id = d.follows_id join funds_pettyspend s on s.household_id = x.household_id "
        "join decisions_determination o on o.id = s.determination_id and o.programme = x.programme and o.id < d.id "
        "where (d.follows_id = o.id or d.case_id = o.case_id or f.case_id = o.case_id) and s.amount_fen "
        "- coalesce((select sum(b.amount_fen) from funds_cashreturn b join funds_cashclaim c on c.id = b.claim_id where c.spend_id = s.id), 0) "
        "- coalesce((select sum(h.amount_fen) from decisions_grantstage h join decisions_determination e on e.id = h.determination_id "
        " left join decisions_determination p on p.id = e.follows_id where h.ended_at is null and h.in_cash and e.household_id = o.household_id "
        " and e.programme = o.programme and e.id >= o.id and (e.id = o.id or e.follows_id = o.id or e.case_id = o.case_id or p.case_id = o.case_id)), 0) > 0",
        run.pk,
        run.pk,
    )
    found.append(
        Check(
            "given_again",
            "重新给予的救助先核抵家庭手中的现金",
            not held or run.state not in DRAFT,
            f"未核抵 {held} 件，请在乡镇备用金页更正追回后重新计算",
        )
    )
    cash = in_cash(run)
    found.append(Check("cash", "备用金已付的不再发放", not cash, f"已由备用金支付 {cash} 行，重新计算后去掉"))
    found.append(
        Check(
            "snapshot",
            "计算依据已冻结",
            run.inputs_id is not None and run.results_id is not None,
            run.inputs.sha256[:12] if run.inputs else "无",
        )
    )
    found += ledger(run, figures)
    return found


def _twice(run: PayRun) -> int:
    """Units with several live lines of one programme in the run's month. While the unique index on them stands there is none."""
    (guarded,) = _one(
        "select exists (select 1 from pg_index where indexrelid = to_regclass('payments_line_live_once') "
        "and indrelid = 'payments_payline'::regclass and indisunique and indisvalid and indisready and indislive)"
    )
    if guarded:
        return 0
    (twice,) = _one(
        "select count(*) from (select 1 from payments_payline where live and month = %s "
        "group by programme, household_id, person_id having count(*) > 1 and bool_or(run_id = %s)) x",
        run.month,
        run.pk,
    )
    return int(twice)


def _shared(run: PayRun) -> int:
    """Accounts that more than one family is paid into; a facility's account counts for those it does not take care of by an agreement."""
    if not shares_accounts(run):
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            "select account_index, household_id, programme, person_id, holder from payments_payline where run_id = %s and live and held = '' "
            "and amount_fen > 0 and account_index in (select account_index from payments_payline where run_id = %s and live and held = '' "
            "and amount_fen > 0 group by 1 having count(distinct household_id) > 1)",
            [run.pk, run.pk],
        )
        rows = cursor.fetchall()
        cursor.execute(CARED_NOW.format(on=Month.parse(str(run.month)).first_day.isoformat()))
        cared = {who: normalise_name(name) for who, name, _ in cursor.fetchall()}
    families: dict[bytes, set[int]] = {}
    for index, home, programme, who, holder in rows:
        if programme == "care":  # a caregiver may look after several, and have a family of his own
            continue
        if programme != "tekun" or who not in cared or cared[who] != normalise_name(holder):
            families.setdefault(bytes(index), set()).add(home)
    return sum(len(homes) > 1 for homes in families.values())


def in_cash(run: PayRun) -> int:
    """Lines and corrections of a run that would pay a grant which petty cash has paid since it was calculated.

    The stages they rest on are held until the transaction ends: a payment in cash waits, and is then refused.
    """
    stands = (
        "coalesce((select sum(g.amount_fen) from decisions_grantstage g where g.household_id = {row}.household_id and "
        "g.programme = {row}.programme and g.month = {month} and g.ended_at is null and not g.in_cash), 0)"
    )
    paid = (
        "exists (select 1 from decisions_grantstage g where g.household_id = {row}.household_id and g.programme = {row}.programme "
        "and g.month = {month} and g.ended_at is null and g.in_cash)"
    )
    line, arrear = {"row": "l", "month": "l.month"}, {"row": "a", "month": "a.for_month"}
    with connection.cursor() as cursor:
        cursor.execute(
            "select 1 from decisions_grantstage g where g.ended_at is null and g.household_id in (select household_id from payments_payline "
            "where run_id = %s and live and held = '' and programme = any(%s)) for share",
            [run.pk, list(ONCE_PROGRAMMES)],
        )
    (lines,) = _one(
        "select count(*) from payments_payline l where l.run_id = %s and l.live and l.held = '' and l.programme = any(%s) "
        f"and {paid.format(**line)} and l.base_fen > {stands.format(**line)}",
        run.pk,
        list(ONCE_PROGRAMMES),
    )
    (arrears,) = _one(
        "select count(*) from payments_arrear a where a.run_id = %s and a.amount_fen > 0 and a.programme = any(%s) "
        f"and {paid.format(**arrear)} and a.due_fen > {stands.format(**arrear)}",
        run.pk,
        list(ONCE_PROGRAMMES),
    )
    return int(lines) + int(arrears)


def suspended_lines(run: PayRun) -> list[int]:
    """Lines of a run that would be paid although their unit's payment is suspended in its month."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select l.id from payments_payline l where l.run_id = %s and l.live and l.held = '' and l.status = 'ready' and exists ("
            f"select 1 from decisions_suspension s where {SUSPENDED.format(row='l')}) order by l.id",
            [run.pk],
        )
        return [ident for (ident,) in cursor.fetchall()]


def _last_month(run: PayRun) -> int:
    """Fen that last month's approved runs granted in this run's range and programmes.

    The sum of an approved run is as frozen as its lines, so one that lies within this run's range and programmes is not read again.
    """
    month = month_of(run).prev().yyyymm
    with connection.cursor() as cursor:
        cursor.execute(
            "select id, state from payments_runs() where month = %s and programmes && %s::text[] "
            "and (starts_with(place, %s) or starts_with(%s, place))",
            [month, list(run.programmes), run.place, run.place],
        )
        booked = {ident for ident, state in cursor.fetchall() if state in BOOKED}
    whole = PayRun.objects.filter(
        pk__in=booked, place__startswith=run.place, programmes__contained_by=list(run.programmes)
    )
    sums = dict(whole.values_list("pk", "amount_fen"))
    rest = sorted(booked - set(sums))
    if not rest:
        return sum(sums.values())
    found = range_of(run.place)
    (amount,) = _one(
        "select coalesce(sum(amount_fen), 0)::bigint from payments_payline where live and held = '' and run_id = any(%s) and month = %s "
        "and programme = any(%s) and region >= %s and region < %s",
        rest,
        month,
        list(run.programmes),
        found.low,
        found.high,
    )
    return sum(sums.values()) + int(amount)


def ledger(run: PayRun, figures: Figures | None = None) -> list[Check]:
    """Debits against credits, each batch against its lines, lines against their events (L1, L2, L4 to L6).

    Args:
        figures: of its lines, where they have just been read.
    """
    figures = figures or figures_of(run)
    (uneven,) = _one(
        "select count(*) from (select e.id from funds_ledgerentry e left join funds_posting p on p.entry_id = e.id "
        "where e.run_id = %s group by e.id having coalesce(sum(p.debit_fen), 0) <> coalesce(sum(p.credit_fen), 0) or count(p.id) < 2) x",
        run.pk,
    )
    (batches,) = _one(
        "select count(*) from (select b.id from payments_bankbatch b left join payments_bankitem i on i.batch_id = b.id "
        "where b.run_id = %s group by b.id having b.amount_fen <> sum(i.amount_fen) or b.lines <> count(i.id)) x",
        run.pk,
    )
    chains = 0
    if any(part.status not in _NO_EVENT for part in figures.parts):
        (chains,) = _one(
            "select count(*) from payments_payline l left join (select distinct on (e.line_id) e.line_id, e.kind from payments_lineevent e "
            " join payments_bankbatch b on b.id = e.batch_id where b.run_id = %s order by e.line_id, e.id desc) last on last.line_id = l.id "
            "where l.run_id = %s and l.live and l.status <> all(%s) and l.status is distinct from last.kind",
            run.pk,
            run.pk,
            list(_NO_EVENT),
        )
    transit, payable, state = _one(
        "select coalesce(sum(p.debit_fen - p.credit_fen) filter (where p.account = 'transit'), 0)::bigint, "
        "coalesce(sum(p.credit_fen - p.debit_fen) filter (where p.account = 'payable'), 0)::bigint, "
        "(select state from payments_payrun where id = %s) "
        "from funds_posting p join funds_ledgerentry e on e.id = p.entry_id where e.run_id = %s",
        run.pk,
        run.pk,
    )
    waiting = figures.sum(lambda part: part.amount_fen, lambda part: part.status in ("sent", "unknown"))
    owed = 0
    if state in BOOKED:  # as it stands, whatever the caller last read
        owed = figures.sum(
            lambda part: part.amount_fen, lambda part: part.paid and part.status not in ("paid", "withheld")
        )
    return [
        Check("ledger", "分录借贷平衡", not uneven, f"不平 {uneven}"),
        Check("batches", "银行批次等于明细之和", not batches, f"不等 {batches}"),
        Check("events", "行的状态等于最后一个事件", not chains, f"不符 {chains}"),
        Check(
            "transit",
            "在途资金等于未答复的行",
            transit == waiting,
            f"{format_yuan(transit)} 与 {format_yuan(waiting)} 元",
        ),
        Check(
            "payable_account",
            "应付余额等于未到账的行",
            payable == owed,
            f"{format_yuan(payable)} 与 {format_yuan(owed)} 元",
        ),
    ]


def as_json(checks: list[Check]) -> list[dict[str, Any]]:
    """For the run's row."""
    return [asdict(check) for check in checks]
