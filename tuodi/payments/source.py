"""Out of PostgreSQL in columns: one consistent reading of the roll, members and facts of a place, by ADBC.

The reading has a connection of its own, as the runtime role with the place range set in that session: row-level
security holds it like any page. It sees committed rows only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import adbc_driver_postgresql.dbapi
import polars as pl
from django.db import connection
from psycopg.conninfo import make_conninfo

from tuodi.kernel.periods import Month
from tuodi.org.access import range_of
from tuodi.org.rls import APP_ROLE
from tuodi.payments.states import BOOKED, ROLL_PROGRAMMES, is_fixed_code, is_stated_code

__all__ = ["CARED_NOW", "FRAMES", "KNOWN", "Inputs", "Known", "print_of", "pull", "reading"]

#: What a run is computed from, and frozen as.
FRAMES = (
    "roll", "households", "members", "member_facts", "lines", "arrears", "suspensions", "terms", "cared", "carried", "corrected",
    "findings",
)  # fmt: skip
#: Of them, what is known of families and people.
KNOWN = ("households", "members", "member_facts")
#: Of the frame that inputs frozen before there were suspensions do not have.
_SUSPENSIONS = {
    "household_id": pl.Int64, "person_id": pl.Int64, "programme": pl.String, "from_month": pl.Int64, "notice_no": pl.String,
    "matter_no": pl.String,
}  # fmt: skip
#: Of the frame that inputs frozen before there were claims do not have.
_TERMS = {
    "household_id": pl.Int64, "person_id": pl.Int64, "programme": pl.String, "manner": pl.String, "monthly_fen": pl.Int64,
    "from_month": pl.Int64, "in_cash": pl.Boolean,
}  # fmt: skip
#: The same of the frame of agreements with facilities.
_CARED = {"person_id": pl.Int64, "facility": pl.String, "agreement_id": pl.Int64}
#: The same of the frame of months in which stated amounts were paid.
_CARRIED = {"programme": pl.String, "month": pl.Int64, "place": pl.String}
#: The same of the frame of decisions about corrected price indices.
_CORRECTED = {
    "programme": pl.String, "household_id": pl.Int64, "person_id": pl.Int64, "region": pl.String, "index_month": pl.Int64,
    "before_fen": pl.Int64, "decided_fen": pl.Int64, "booked_fen": pl.Int64, "decision_id": pl.Int64,
}  # fmt: skip
#: The same of the frame of overpayments people determined.
_FINDINGS = {
    "programme": pl.String, "household_id": pl.Int64, "person_id": pl.Int64, "for_month": pl.Int64, "found_fen": pl.Int64,
}  # fmt: skip


@dataclass(frozen=True)
class Known:
    """What was known of families and their people: these frames of `Inputs`."""

    households: pl.DataFrame
    members: pl.DataFrame
    member_facts: pl.DataFrame


@dataclass(frozen=True)
class Inputs:
    """The frames of one reading.

    Attributes:
        roll: a roll entry each, with household, account and head (also ended ones of the months looked back at). Of `care` an
            agreement each: household of who is looked after (`ward_id`), the caregiver as person (null = his account is not
            registered) with his account, the name of the agreement (`payee`) and its number (`agreement_id`).
        households: accepted household facts by period, one row a household and period.
        members: a membership each, with the person's dates.
        member_facts: accepted member facts by period.
        lines: lines of approved runs of the months looked back at.
        arrears: corrections that approved runs booked, by the month they are for; with month 0, what lines of any earlier
            month have offset, what came back in cash and what was written off; and with month -1, corrections of price
            subsidies and what people determined (below 0), which are no part of what a month is computed to.
        suspensions: those that stand, from the month they hold payment from.
        cared: persons a facility takes care of on the first day of the month, by an agreement.
        carried: months and places in which an approved run paid programmes of stated amounts.
        terms: how open claims are got back, where not by the usual share of the month.
        corrected: a unit and index month each whose subsidy is corrected by a decision and was granted: what was decided, and booked of it.
        findings: a unit and month each that people determined to be overpaid.
    """

    roll: pl.DataFrame
    households: pl.DataFrame
    members: pl.DataFrame
    member_facts: pl.DataFrame
    lines: pl.DataFrame
    arrears: pl.DataFrame
    suspensions: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_SUSPENSIONS))
    terms: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_TERMS))
    cared: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_CARED))
    carried: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_CARRIED))
    corrected: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_CORRECTED))
    findings: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_FINDINGS))

    @property
    def known(self) -> Known:
        """Families and people alone."""
        return Known(self.households, self.members, self.member_facts)

    def frames(self) -> Mapping[str, pl.DataFrame]:
        """By name, in the order of `FRAMES`."""
        return {name: getattr(self, name) for name in FRAMES}


@contextmanager
def reading(place: str) -> Iterator[adbc_driver_postgresql.dbapi.Cursor]:
    """A cursor in one repeatable-read transaction that sees one place."""
    # Django's own parameters, so that sockets, passwords and TLS are the site's.
    wanted = {k: v for k, v in connection.get_connection_params().items() if isinstance(v, str | int)}
    options = wanted.pop("options", "")
    for name in ("client_encoding", "autocommit", "prepare_threshold"):
        wanted.pop(name, None)
    found = range_of(place)
    with (
        adbc_driver_postgresql.dbapi.connect(make_conninfo(**wanted, options=options)) as link,
        link.cursor() as cursor,
    ):
        cursor.execute("set transaction isolation level repeatable read, read only")
        cursor.execute(f"set local role {APP_ROLE}")
        # Whole tables are read: row-by-row joins, chosen while statistics are young, would take minutes.
        cursor.execute("set local enable_nestloop = off")
        for name, value in (("app.region", found.low), ("app.region_hi", found.high)):
            if not re.fullmatch(r"[0-9A-Za-z~]+", value):  # range_of allows nothing else
                raise ValueError(value)
            cursor.execute(f"set local {name} = '{value}'")
        yield cursor


def print_of(column: str = "fingerprint") -> pl.Expr:
    """The first 60 bits of a fingerprint, as lines of earlier months carry them (`print`); null where there is none."""
    return pl.col(column).str.slice(0, 15).str.to_integer(base=16, strict=False)


_ROLL = """
select r.id as roll_id, r.household_id, r.person_id, r.region::text as region, r.programme::text as programme,
  r.category::text as category, r.form::text as form, r.self_care::text as self_care, r.amount_fen,
  r.start_month, r.end_month, r.determination_id, r.imported, h.no::text as household_no,
  a.id as account_id, a.uid::text as account_uid, encode(a.account_cipher, 'hex') as account_cipher,
  encode(a.account_index, 'hex') as account_index, a.last4::text as account_last4, a.bank_code::text as bank_code,
  a.holder::text as holder
from people_rollentry r
join people_household h on h.id = r.household_id
-- The roll's account; where it ended, its person's newest; where none was given, that of the person or head.
-- Joins by equality only: an OR over these would read all accounts for each entry.
left join people_account g on g.id = r.account_id
left join (select person_id, max(id) as id from people_account where until is null group by person_id) n
  on n.person_id = case when r.account_id is null then coalesce(r.person_id, h.head_id)
     when g.until is not null then g.person_id end
left join people_account a on a.id = case when g.id is not null and g.until is null then g.id else n.id end
where r.programme in ({programmes}) and r.start_month <= {month} and (r.end_month is null or r.end_month >= {oldest}
  -- A subsidy corrected late is paid to whom it was due, however long they are off the roll.
  or r.household_id in (select c.household_id from payments_pricecorrection c where c.counts))
order by r.id
"""
_HOUSEHOLDS = """
select household_id, valid_from, valid_to, area_kind::text as area_kind, income_year_fen, cost_medical_fen, assets_ok,
  nullif(extra, '{{}}'::jsonb)::text as extra
from people_householdfacts
where valid_from <= '{on}' and (valid_to is null or valid_to > '{since}')
"""
_MEMBERS = """
select m.household_id, m.person_id, m.relation::text as relation, m.since, m.until, m.leave_reason::text as leave_reason,
  p.name::text as name, p.birth, p.died_on
from people_membership m join people_person p on p.id = m.person_id
where m.since <= '{on}' and (m.until is null or m.until > '{since}')
order by m.id
"""
_MEMBER_FACTS = """
select person_id, valid_from, valid_to, own_income_year_fen, disability_kind::text as disability_kind,
  disability_grade::bigint as disability_grade, seriously_ill, lost_labour, school::text as school,
  self_care::text as self_care, nullif(extra, '{{}}'::jsonb)::text as extra
from people_memberfacts
where valid_from <= '{on}' and (valid_to is null or valid_to > '{since}')
"""
_LINES = """
select l.month, l.household_id, l.person_id, l.programme::text as programme,
  l.region::text as region, l.persons::bigint as persons, l.income_year_fen, l.base_fen, l.increment_fen, l.care_fen,
  l.grace_fen, l.price_fen, l.other_fen, l.back_pay_fen, l.offset_fen, l.amount_fen, l.basis::text as basis, l.in_grace,
  l.held::text as held, l.status::text as status, l.account_id,
  left(l.fingerprint, 15)::text as print,
  case when l.status in ('failed', 'returned') then
    (select e.code from payments_lineevent e where e.line_id = l.id order by e.id desc limit 1) end::text as code
from payments_payline l join payments_runs() r on r.id = l.run_id
where l.live and l.programme in ({programmes}) and l.month < {month} and l.month >= {oldest} and r.state in ({booked})
"""
_ARREARS = """
select a.household_id, a.person_id, a.programme::text as programme, case when a.cause = 'price_back' then -1 else a.for_month end as for_month,
  a.amount_fen
from payments_arrear a join payments_runs() r on r.id = a.run_id
where a.programme in ({programmes}) and r.month < {month} and r.state in ({booked})
-- What a withheld line would have paid back or kept was neither paid nor kept: it is told anew.
and not exists (select 1 from payments_payline w where w.status = 'withheld' and w.run_id = a.run_id
  and w.household_id = a.household_id and w.programme = a.programme and coalesce(w.person_id, 0) = coalesce(a.person_id, 0))
union all
select l.household_id, l.person_id, l.programme::text, 0, -l.offset_fen
from payments_payline l join payments_runs() r on r.id = l.run_id
where l.offset_fen < 0 and l.live and l.held = '' and l.status <> 'withheld' and l.programme in ({programmes}) and l.month < {month} and r.state in ({booked})
union all
select c.household_id, c.person_id, c.programme::text, 0, c.cash_fen + c.written_fen from payments_claim c
where c.cash_fen + c.written_fen > 0 and c.programme in ({programmes})
union all
select f.household_id, f.person_id, f.programme::text, -1, -f.amount_fen from payments_claimfinding f
where f.state in ('approved', 'revoking') and f.programme in ({programmes})
"""
_TERMS_NOW = """
select c.household_id, c.person_id, c.programme::text as programme, c.manner::text as manner, g.monthly_fen, g.from_month, g.in_cash
from payments_claim c left join payments_claimagreement g on g.claim_id = c.id and g.ended_at is null
where c.state = 'open' and c.manner <> 'capped' and c.programme in ({programmes})
order by c.id
"""
#: {on} is the first day of the month.
CARED_NOW = """
select g.person_id, g.facility::text as facility, g.id as agreement_id from decisions_careagreement g where g.facility <> '' and g.since <= '{on}'
and g.until >= '{on}' and (g.ended_on is null or g.ended_on > '{on}') order by g.id
"""
#: Agreements with a caregiver as roll entries of his: the months on whose first day one stands, its person is supported at home and
#: the caregiver lives. What was never agreed in money pays nothing. A row whose months are none is kept: it tells that an earlier
#: month is no longer due.
_CARE = """
select null::bigint as roll_id, g.household_id, p.person_id, r.region::text as region, 'care' as programme,
  r.category::text as category, r.form::text as form, r.self_care::text as self_care, g.subsidy_fen as amount_fen,
  greatest(r.start_month, to_char(g.since + interval '1 month' - interval '1 day', 'YYYYMM')::int)::bigint as start_month,
  least(coalesce(r.end_month, 999912), to_char(least(g.until, g.ended_on - 1, w.died_on), 'YYYYMM')::int)::bigint as end_month,
  null::bigint as determination_id, false as imported, h.no::text as household_no,
  a.id as account_id, a.uid::text as account_uid, encode(a.account_cipher, 'hex') as account_cipher,
  encode(a.account_index, 'hex') as account_index, a.last4::text as account_last4, a.bank_code::text as bank_code,
  a.holder::text as holder, g.id as agreement_id, g.caregiver::text as payee, g.person_id as ward_id
from decisions_careagreement g
join people_household h on h.id = g.household_id
join people_rollentry r on r.household_id = g.household_id and r.person_id = g.person_id and r.programme = 'tekun' and r.form <> 'centralised'
left join (select distinct on (agreement_id) agreement_id, person_id, account_id from decisions_carepayee order by agreement_id, id desc) p
  on p.agreement_id = g.id
left join people_person w on w.id = p.person_id
left join people_account c on c.id = p.account_id
left join (select person_id, max(id) as id from people_account where until is null group by person_id) n on n.person_id = p.person_id
left join people_account a on a.id = case when c.until is null then c.id else n.id end
where g.caregiver <> '' and g.subsidy_fen > 0 and g.since <= '{on}' and g.until >= '{since}' and r.start_month <= {month}
  and (r.end_month is null or r.end_month >= {oldest})
order by g.id, r.id
"""
#: People of approved lists while they live and belong to the county; a yearly amount is spread over its months in `_yearly`.
_FIXED = """
select null::bigint as roll_id, e.household_id, e.person_id, e.region::text as region, e.programme::text as programme,
  h.area_kind::text as category, ''::text as form, ''::text as self_care, e.amount_fen, e.start_month::bigint as start_month,
  least(coalesce(e.end_month, 999912), coalesce(to_char(w.died_on, 'YYYYMM')::int, 999912))::bigint as end_month,
  null::bigint as determination_id, false as imported, h.no::text as household_no,
  a.id as account_id, a.uid::text as account_uid, encode(a.account_cipher, 'hex') as account_cipher,
  encode(a.account_index, 'hex') as account_index, a.last4::text as account_last4, a.bank_code::text as bank_code,
  a.holder::text as holder, e.period::text as period
from payments_fixedentry e
join people_household h on h.id = e.household_id and substr(h.region, 1, 6) = substr(e.region, 1, 6)
join people_person w on w.id = e.person_id
left join people_account c on c.id = e.account_id
left join (select person_id, max(id) as id from people_account where until is null group by person_id) n on n.person_id = e.person_id
left join people_account a on a.id = case when c.id is not null and c.until is null then c.id else n.id end
where e.active and e.programme = '{programme}' and e.start_month <= {month} and (e.end_month is null or e.end_month >= {oldest})
order by e.id
"""
_CARRIED_NOW = """
select p::text as programme, r.month, r.place::text as place from payments_runs() r, unnest(r.programmes) p
where p not in ({roll}) and r.state in ({booked}) and r.month >= {oldest} and r.month < {month}
"""
_SUSPENSIONS_NOW = """
select household_id, person_id, programme::text as programme, from_month, notice_no::text as notice_no, matter_no::text as matter_no
from decisions_suspension where lifted_at is null and programme in ({programmes}) and from_month <= {month}
order by id
"""
_CORRECTED_NOW = """
select programme, household_id, person_id, region, index_month, before_fen, decided_fen, booked_fen, decision_id from payments_price_owed()
where granted and decided_fen <> booked_fen and programme in ({programmes})
order by programme, household_id, person_id, index_month
"""
_FINDINGS_NOW = """
select f.programme::text as programme, f.household_id, f.person_id, m.for_month, sum(m.amount_fen)::bigint as found_fen
from payments_claimfinding f join payments_claimmonth m on m.finding_id = f.id
where f.state in ('approved', 'revoking') and f.programme in ({programmes}) group by 1, 2, 3, 4 order by 1, 2, 3, 4
"""
_QUERIES = {
    "roll": _ROLL,
    "households": _HOUSEHOLDS,
    "members": _MEMBERS,
    "member_facts": _MEMBER_FACTS,
    "lines": _LINES,
    "arrears": _ARREARS,
    "suspensions": _SUSPENSIONS_NOW,
    "terms": _TERMS_NOW,
    "cared": CARED_NOW,
    "carried": _CARRIED_NOW,
    "corrected": _CORRECTED_NOW,
    "findings": _FINDINGS_NOW,
}


def pull(place: str, programmes: list[str], month: Month, lookback: int) -> Inputs:
    """Everything a month's run of a place rests on, in one consistent reading.

    Args:
        lookback: how many earlier months may be computed again.
    """
    oldest = month - lookback
    words: dict[str, Any] = {
        "programmes": ", ".join(f"'{one}'" for one in programmes if one.isidentifier()),
        "booked": ", ".join(f"'{state.value}'" for state in BOOKED),
        "month": month.yyyymm,
        "oldest": oldest.yyyymm,
        "roll": ", ".join(f"'{one}'" for one in ROLL_PROGRAMMES),
        "on": month.first_day.isoformat(),
        "since": oldest.first_day.isoformat(),
    }
    found: dict[str, pl.DataFrame] = {}
    with reading(place) as cursor:
        for name, query in _QUERIES.items():
            cursor.execute(query.format(**words))
            frame = pl.from_arrow(cursor.fetch_arrow_table())
            assert isinstance(frame, pl.DataFrame)
            found[name] = frame.with_columns(pl.col(pl.Int32, pl.Int16).cast(pl.Int64))
        # Told as text and read here: PostgreSQL takes longer over the digits of a line than over the line.
        found["lines"] = found["lines"].with_columns(print_of("print").alias("print"))
        for programme in programmes:
            if not programme.isidentifier() or not is_stated_code(programme):
                continue
            query = _FIXED if is_fixed_code(programme) else _CARE
            cursor.execute(query.format(**words, programme=programme))
            rows = pl.DataFrame(pl.from_arrow(cursor.fetch_arrow_table()))
            rows = _yearly(rows.with_columns(pl.col(pl.Int32).cast(pl.Int64)), oldest, month)
            found["roll"] = pl.concat([found["roll"], rows], how="diagonal")
    return Inputs(**found)


def _yearly(rows: pl.DataFrame, oldest: Month, month: Month) -> pl.DataFrame:
    """Rows paid once a year as rows of that month alone, one a year; the others as they are."""
    if "period" not in rows.columns:
        return rows
    parts = [rows.filter(pl.col("period") == "month")]
    yearly = rows.filter(pl.col("period") == "year")
    for year in range(oldest.year, month.year + 1):
        when = pl.lit(year * 100) + pl.col("start_month") % 100
        due = yearly.filter((when >= pl.col("start_month")) & (when <= pl.col("end_month")))
        parts.append(due.with_columns(when.alias("start_month"), when.alias("end_month")))
    return pl.concat(parts, how="vertical_relaxed").drop("period")
