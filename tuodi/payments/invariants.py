"""What must hold of all money at all times (L1 to L8 of docs/money.md), each as SQL that names the rows that break it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from django.db import connection

from tuodi.funds.models import LedgerCheck
from tuodi.funds.models.ledger import LIVING_CODES
from tuodi.funds.states import SPENT_AT_ONCE
from tuodi.kernel import clock

__all__ = ["RULES", "Finding", "Report", "check", "keep"]

#: Rows of one rule that are named; the rest are counted.
SHOWN = 50
RULES = {
    "L1": "每张凭证借贷相等",
    "L2": "银行批次等于明细之和",
    "L3": "每个子账户：来的钱等于在手的钱加已发的钱；余额表等于分录之和",
    "L4": "同一对象同一项目同一月份至多一行有效",
    "L5": "行的状态等于最后一个事件",
    "L6": "每个事件都有人和时间",
    "L7": "凭证和分录没有改动或删除",
    "L8": "追回事项的合计等于往月差额、抵扣、收款和核销；应收多发款等于其余额",
}
_LIVING = ", ".join(f"'{one}'" for one in LIVING_CODES)
_SPENT = ", ".join(f"'{one.value}'" for one in SPENT_AT_ONCE)

#: Joins a row to its run, of those that are booked.
_RUN = "join payments_payrun r on r.id = {}.run_id where r.state in ('approved', 'sent', 'settled', 'closed')"
#: Rule -> queries; each row is (what, detail).
_QUERIES: dict[str, tuple[str, ...]] = {
    "L1": (
        "select '凭证 ' || e.id, '借 ' || coalesce(sum(p.debit_fen), 0) || ' 分，贷 ' || coalesce(sum(p.credit_fen), 0) || ' 分，' "
        "|| count(p.id) || ' 条分录' from funds_ledgerentry e left join funds_posting p on p.entry_id = e.id group by e.id "
        "having coalesce(sum(p.debit_fen), 0) <> coalesce(sum(p.credit_fen), 0) or count(p.id) < 2 order by e.id",
    ),
    "L2": (
        "select '银行批次 ' || b.no, b.lines || ' 笔 ' || b.amount_fen || ' 分，明细 ' || count(i.id) || ' 笔 ' || "
        "coalesce(sum(i.amount_fen), 0) || ' 分' from payments_bankbatch b left join payments_bankitem i on i.batch_id = b.id "
        "group by b.id having b.amount_fen <> coalesce(sum(i.amount_fen), 0) or b.lines <> count(i.id) order by b.no",
    ),
    "L3": (
        "select '子账户 ' || county || '/' || programme || '/' || coalesce(nullif(source, ''), '未建账'), "
        "'来 ' || came || ' 分，在手 ' || held || ' 分，已发 ' || paid || ' 分' from (select substr(p.region, 1, 6) county, p.programme, p.source, "
        " coalesce(sum(p.credit_fen - p.debit_fen) filter (where p.account in ('appropriated', 'transfer') "
        "  or (p.account = 'receivable' and e.kind = 'recovered')), 0) came, "
        f" coalesce(sum(p.debit_fen - p.credit_fen) filter (where p.account in ({_LIVING})), 0) held, "
        " coalesce(sum(p.debit_fen - p.credit_fen) filter (where (p.account = 'payable' and e.kind in ('paid', 'returned')) "
        f"  or (p.account = 'expense' and e.kind in ({_SPENT}))), 0) paid "
        " from funds_posting p join funds_ledgerentry e on e.id = p.entry_id group by 1, 2, 3) x where came <> held + paid order by 1",
        "select '余额 ' || region || '/' || programme || '/' || source || '/' || account || '/' || run_id, "
        "'余额表 借 ' || coalesce(b.debit_fen::text, '缺') || ' 贷 ' || coalesce(b.credit_fen::text, '缺') || '，分录 借 ' "
        "|| coalesce(x.dr, 0) || ' 贷 ' || coalesce(x.cr, 0) from funds_balance b full join (select p.region, p.programme, p.source, p.account, "
        " case when p.account in ('reserved', 'transit', 'suspense', 'payable', 'receivable', 'expense') then coalesce(e.run_id, 0) else 0 end run_id, "
        " sum(p.debit_fen) dr, sum(p.credit_fen) cr from funds_posting p join funds_ledgerentry e on e.id = p.entry_id group by 1, 2, 3, 4, 5) x "
        "using (region, programme, source, account, run_id) where (coalesce(b.debit_fen, 0), coalesce(b.credit_fen, 0)) "
        "<> (coalesce(x.dr, 0), coalesce(x.cr, 0)) order by 1",
        f"select '余额 ' || region || '/' || programme || '/' || source || '/' || account, '低于零：' || sum(debit_fen - credit_fen) || ' 分' "
        f"from funds_posting where source <> '' and account in ({_LIVING}) group by region, programme, source, account "
        "having sum(debit_fen) < sum(credit_fen) order by 1",
        # A hospital's advance is the sum of the entries that name it.
        "select '医院预付款 ' || coalesce(h.no, '凭证来由 ' || e.origin || ' ' || e.origin_id) || '/' || p.programme || '/' || p.source, "
        "case when h.id is null then '凭证没有写明医院' else '低于零：' || sum(p.debit_fen - p.credit_fen) || ' 分' end from funds_posting p "
        "join funds_ledgerentry e on e.id = p.entry_id left join funds_hospitalagreement h on e.origin = 'hospital' and h.id = e.origin_id "
        "where p.account = 'hospital' group by h.id, h.no, e.origin, case when h.id is null then e.origin_id end, p.programme, p.source, e.origin_id "
        "having h.id is null or sum(p.debit_fen) < sum(p.credit_fen) order by 1",
        # A cleared month is the sum of its bills (of a correction, what it changes); its entry and its order spend what was accepted.
        "select '医院清算 ' || c.no, '核定 ' || c.accepted_fen || ' 分，单据 ' || coalesce(b.fen, 0) || ' 分，凭证支出 ' || coalesce(x.fen, 0) "
        "|| ' 分' from funds_hospitalclearing c left join lateral (select sum(i.accepted_fen - coalesce(w.accepted_fen, 0)) fen "
        " from funds_hospitalbill i left join funds_hospitalbill w on w.id = i.corrects_id where i.clearing_id = c.id) b "
        "on true left join lateral (select sum(debit_fen - credit_fen) fen from funds_posting where account = 'expense' and (entry_id = c.entry_id "
        " or entry_id in (select entry_id from funds_payorder where kind = 'clearing' and subject_id = c.id))) x "
        "on true where c.state = 'approved' and (c.accepted_fen <> coalesce(b.fen, 0) or c.accepted_fen <> coalesce(x.fen, 0)) order by 1",
        # The money of an order to a body is whole, and where its status says.
        "select '付款单 ' || o.no, '金额 ' || o.amount_fen || ' 分，' || o.status || '，凭证：占用 ' || x.reserved || '，在途 ' || x.transit || '，退汇 ' "
        "|| x.suspense || ' 分' from funds_payorder o cross join lateral (select "
        " coalesce(sum(p.debit_fen - p.credit_fen) filter (where p.account = 'reserved'), 0) reserved, "
        " coalesce(sum(p.debit_fen - p.credit_fen) filter (where p.account = 'suspense'), 0) suspense, "
        " coalesce(sum(p.debit_fen - p.credit_fen) filter (where p.account = 'transit'), 0) transit "
        " from funds_posting p join funds_ledgerentry e on e.id = p.entry_id where e.origin = 'order' and e.origin_id = o.id) x "
        "where o.kind not in ('advance', 'refill') and (x.reserved, x.transit, x.suspense) <> "
        "(case when o.status = 'ready' then o.amount_fen else 0 end, case when o.status in ('sent', 'unknown') then o.amount_fen else 0 end, "
        " case when o.status in ('failed', 'returned') then o.amount_fen else 0 end) order by 1",
        # A list of premiums, an emergency request and a funeral's waiver are paid once, whole; what came back is what is entered.
        "select x.what || x.no, '核定 ' || x.fen || ' 分，凭证支出 ' || coalesce(p.fen, 0) || ' 分，登记退回 ' || x.back || ' 分，凭证退回 ' || "
        "coalesce(r.fen, 0) || ' 分' from (select '资助参保名单 ' what, l.no, 'premium' origin, l.id, l.entry_id, (select sum(amount_fen) from funds_premiumitem "
        "  where listed_id = l.id) fen, coalesce((select sum(amount_fen) from funds_premiumrefund where listed_id = l.id), 0) back "
        "  from funds_premiumlist l where l.state = 'approved' union all select '疾病应急救助 ', c.no, 'emergency', c.id, c.entry_id, c.granted_fen, "
        "  coalesce((select sum(amount_fen) from funds_emergencyreturn where case_id = c.id), 0) from funds_emergencycase c where c.state = 'approved' "
        "  union all select '丧葬费用减免 ', f.no, 'funeral', f.id, f.entry_id, f.waived_fen, "
        "  coalesce((select sum(amount_fen) from funds_funeralreturn where waiver_id = f.id), 0) from funds_funeralwaiver f where f.state = 'approved') x "
        "left join lateral (select sum(debit_fen - credit_fen) fen from funds_posting where entry_id = x.entry_id and account = 'expense') p on true "
        "left join lateral (select sum(p.credit_fen - p.debit_fen) fen from funds_posting p join funds_ledgerentry e on e.id = p.entry_id "
        " where e.kind = 'refund' and e.origin = x.origin and e.origin_id = x.id and p.account = 'expense') r on true "
        "where x.fen <> coalesce(p.fen, 0) or x.back <> coalesce(r.fen, 0) order by 1",
    ),
    "L4": (
        "select '家庭 ' || household_id || coalesce('/人员 ' || person_id, '') || ' ' || programme || ' ' || month, "
        "count(*) || ' 行：' || string_agg(key, '、' order by id) from payments_payline where live "
        "group by household_id, person_id, programme, month having count(*) > 1 order by 1",
    ),
    "L5": (
        "select '发放行 ' || l.key, '状态 ' || l.status || '，最后事件 ' || coalesce(e.kind, '无') from payments_payline l "
        "join payments_payrun r on r.id = l.run_id left join lateral (select kind from payments_lineevent v where v.line_id = l.id "
        " order by v.id desc limit 1) e on true where l.live and r.state in ('approved', 'sent', 'settled', 'closed') "
        "and l.status is distinct from coalesce(e.kind, case when l.status in ('ready', 'held', 'nothing', 'withheld') then l.status else '' end) "
        "and not (l.status = 'withheld' and e.kind is null) order by l.id",
        "select '付款单 ' || o.no, '状态 ' || o.status || '，最后事件 ' || coalesce(e.kind, '无') from funds_payorder o left join lateral "
        "(select kind from payments_orderevent v where v.order_id = o.id order by v.id desc limit 1) e on true "
        "where o.status <> case when exists (select 1 from funds_orderturn t where t.order_id = o.id and t.state = 'approved') then 'treasury' "
        "else coalesce(e.kind, 'ready') end order by o.id",
    ),
    "L6": (
        "select '凭证 ' || e.id, case when e.by_id is null or u.id is null then '没有经办人' else '没有时间' end from funds_ledgerentry e "
        "left join org_user u on u.id = e.by_id where u.id is null or e.at is null or e.day is null order by e.id",
        "select '发放行事件 ' || e.id, case when e.by_id is null or u.id is null then '没有经办人' else '没有时间' end from payments_lineevent e "
        "left join org_user u on u.id = e.by_id where u.id is null or e.at is null order by e.id",
        "select '付款单事件 ' || e.id, case when e.by_id is null or u.id is null then '没有经办人' else '没有时间' end from payments_orderevent e "
        "left join org_user u on u.id = e.by_id where u.id is null or e.at is null order by e.id",
    ),
    "L7": (
        # Anything that is not as it was sealed: changed, added to, removed before it, or without a seal.
        "select '凭证 ' || coalesce(e.id, s.entry_id), case when s.entry_id is null then '没有封签' when e.id is null then '凭证已不在' "
        " when s.seq <> s.place then '链 ' || s.chain || ' 缺第 ' || s.place || ' 号' when s.prev_hash <> s.want then '与前一凭证不相连' "
        " else '内容与封签不符' end from funds_ledgerentry e full join (select s.*, row_number() over w as place, "
        " coalesce(lag(hash) over w, repeat('0', 64)) as want from funds_entryseal s window w as (partition by chain order by seq)) s "
        "on s.entry_id = e.id where s.entry_id is null or e.id is null or s.seq <> s.place or s.prev_hash <> s.want "
        "or s.hash <> encode(sha256(convert_to(s.prev_hash || chr(10) || funds_entry_text(e.id), 'UTF8')), 'hex') order by 1",
        "select '分录 ' || p.id, '凭证 ' || p.entry_id || ' 已不在' from funds_posting p left join funds_ledgerentry e on e.id = p.entry_id "
        "where e.id is null order by 1",
        # The tail: what the last check saw must still be there.
        "select '链 ' || h.key, '上次校验时有 ' || (h.value ->> 0) || ' 号，现在没有或已不同' from (select heads from funds_ledgercheck "
        " order by id desc limit 1) c, jsonb_each(c.heads) h where not exists (select 1 from funds_entryseal s where s.chain = h.key "
        " and s.seq = (h.value ->> 0)::bigint and s.hash = h.value ->> 1) order by 1",
        "select '触发器 ' || x.name, '表 ' || x.tab || ' 上缺少或已停用' from (values ('funds_ledgerentry', 'tuodi_append_only'), "
        "('funds_ledgerentry', 'tuodi_append_only_all'), ('funds_ledgerentry', 'funds_seal'), ('funds_posting', 'tuodi_append_only'), "
        "('funds_posting', 'tuodi_append_only_all'), ('funds_posting', 'funds_sum'), ('funds_entryseal', 'tuodi_append_only'), "
        "('funds_entryseal', 'tuodi_append_only_all'), ('payments_lineevent', 'tuodi_append_only'), ('payments_orderevent', 'tuodi_append_only')) x(tab, name) where not exists "
        "(select 1 from pg_trigger t where t.tgrelid = x.tab::regclass and t.tgname = x.name and t.tgenabled in ('O', 'A')) order by 1",
    ),
    "L8": (
        f"with found as (select a.household_id h, a.programme, a.person_id p, -sum(a.amount_fen) fen from payments_arrear a {_RUN.format('a')} "
        " and a.amount_fen < 0 and not exists (select 1 from payments_payline w where w.status = 'withheld' and w.run_id = a.run_id "
        "  and w.household_id = a.household_id and w.programme = a.programme and w.person_id is not distinct from a.person_id) group by 1, 2, 3 "
        # What people determined counts beside what runs found.
        " union all select household_id, programme, person_id, sum(amount_fen) from payments_claimfinding where state in ('approved', 'revoking') "
        " group by 1, 2, 3), "
        f"kept as (select l.household_id h, l.programme, l.person_id p, -sum(l.offset_fen) fen from payments_payline l {_RUN.format('l')} "
        " and l.offset_fen < 0 and l.live and l.held = '' and l.status <> 'withheld' group by 1, 2, 3), "
        "came as (select h, programme, p, sum(found) found, sum(kept) kept from (select h, programme, p, fen found, 0 kept from found "
        " union all select h, programme, p, 0, fen from kept) x group by 1, 2, 3), "
        "told as (select c.*, coalesce((select sum(amount_fen) from payments_claimreceipt where claim_id = c.id), 0) cash, "
        " coalesce((select sum(amount_fen) from payments_claimwriteoff where claim_id = c.id and state = 'approved'), 0) written from payments_claim c) "
        "select '追回事项 ' || coalesce('ZH' || lpad(t.id::text, 7, '0'), '缺：家庭 ' || x.h), '多发 ' || coalesce(t.found_fen, 0) || '/' || coalesce(x.found, 0) "
        "|| '，抵扣 ' || coalesce(t.kept_fen, 0) || '/' || coalesce(x.kept, 0) || '，收款 ' || coalesce(t.cash_fen, 0) || '/' || coalesce(t.cash, 0) "
        "|| '，核销 ' || coalesce(t.written_fen, 0) || '/' || coalesce(t.written, 0) || ' 分' from told t full join came x "
        "on x.h = t.household_id and x.programme = t.programme and coalesce(x.p, 0) = coalesce(t.person_id, 0) "
        "where (coalesce(t.found_fen, 0), coalesce(t.kept_fen, 0), coalesce(t.cash_fen, 0), coalesce(t.written_fen, 0)) "
        "<> (coalesce(x.found, 0), coalesce(x.kept, 0), coalesce(t.cash, 0), coalesce(t.written, 0)) order by 1",
        "select '应收多发款 ' || coalesce(c.county, l.county) || '/' || coalesce(c.programme, l.programme), '账上 ' || coalesce(l.fen, 0) "
        "|| ' 分，追回事项 ' || coalesce(c.fen, 0) || ' 分' from (select substr(region, 1, 6) county, programme, "
        " sum(found_fen - kept_fen - cash_fen - written_fen) fen from payments_claim group by 1, 2) c full join (select substr(region, 1, 6) county, "
        " programme, sum(debit_fen - credit_fen) fen from funds_posting where account = 'receivable' group by 1, 2) l using (county, programme) "
        "where coalesce(c.fen, 0) <> coalesce(l.fen, 0) order by 1",
        # Of a corrected index each family is paid, or owes, what was decided at most, and once.
        "select '价格补贴更正 家庭 ' || household_id || ' ' || programme || ' ' || index_month, '决定 ' || decided_fen || ' 分，已入账 ' || booked_fen "
        "|| ' 分' from payments_price_owed() where booked_fen <> 0 and booked_fen not between least(0, decided_fen) and greatest(0, decided_fen) "
        "order by 1",
        "select '认定多发 ' || f.id, '合计 ' || f.amount_fen || ' 分，各月 ' || coalesce(m.fen, 0) || ' 分，凭证 ' || coalesce(x.fen, 0) || ' 分' "
        "from payments_claimfinding f left join lateral (select sum(amount_fen) fen from payments_claimmonth where finding_id = f.id) m on true "
        "left join lateral (select sum(p.debit_fen - p.credit_fen) fen from funds_posting p join funds_ledgerentry e on e.id = p.entry_id "
        " where e.origin = 'finding' and e.origin_id = f.id and p.account = 'receivable') x on true "
        "where f.amount_fen <> coalesce(m.fen, 0) or coalesce(x.fen, 0) <> case when f.state in ('approved', 'revoking') then f.amount_fen else 0 end "
        "order by f.id",
    ),
}


@dataclass(frozen=True)
class Finding:
    """One row that breaks a rule."""

    rule: str
    what: str
    detail: str


@dataclass(frozen=True)
class Report:
    """The answer. `findings` name at most SHOWN rows a rule; `counts` has them all."""

    findings: list[Finding]
    counts: dict[str, int]
    entries: int
    heads: dict[str, list[object]]

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not any(self.counts.values())

    def __str__(self) -> str:
        lines = [
            f"{rule} {label}：" + (f"{self.counts[rule]} 处不符" if self.counts[rule] else "通过")
            for rule, label in RULES.items()
        ]
        for rule in RULES:
            shown = [one for one in self.findings if one.rule == rule]
            lines += [f"  {one.rule} {one.what}：{one.detail}" for one in shown]
            if self.counts[rule] > len(shown):
                lines.append(f"  {rule} 另有 {self.counts[rule] - len(shown)} 处")
        lines.append(f"凭证 {self.entries} 张，" + ("账务校验通过。" if self.ok else "账务校验没有通过。"))
        return "\n".join(lines)


def check() -> Report:
    """Runs every rule over all rows the scope shows; reads only. Whole only in the scope of the nation."""
    findings: list[Finding] = []
    counts = dict.fromkeys(RULES, 0)
    with connection.cursor() as cursor:
        for rule, queries in _QUERIES.items():
            for query in queries:
                cursor.execute(query)
                rows = cursor.fetchall()
                room = SHOWN - sum(one.rule == rule for one in findings)
                findings += [Finding(rule, what, detail) for what, detail in rows[:room]]
                counts[rule] += len(rows)
        cursor.execute("select count(*) from funds_ledgerentry")
        (entries,) = cursor.fetchone()
        cursor.execute("select distinct on (chain) chain, seq, hash from funds_entryseal order by chain, seq desc")
        heads: dict[str, list[object]] = {chain: [seq, mark] for chain, seq, mark in cursor.fetchall()}
    return Report(findings, counts, entries, heads)


def keep(report: Report) -> LedgerCheck:
    """Keeps a check with the heads of the chains, so that the next one sees a missing tail."""
    return LedgerCheck.objects.create(
        at=clock.now(), ok=report.ok, entries=report.entries, findings=[asdict(one) for one in report.findings],
        counts=report.counts, heads=report.heads,
    )  # fmt: skip
