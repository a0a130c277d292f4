"""花名册: the roll of a place, programme and month as rows, for paper and for spreadsheets.

Columns as offices keep them: 序号, 乡镇, 村, 户主, 保障人口, 类别, 月人均收入, 月保障金, 增发, 合计, 账号后四位, 起始月.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import connection

from tuodi.decisions.errors import RosterTooLongError
from tuodi.decisions.papers.words import iso, month_words, yuan
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.org.access import range_of
from tuodi.org.places import full_name, place_name
from tuodi.people.enums import AreaKind, Programme
from tuodi.verification.rulebook import limit

__all__ = ["ROSTER", "roster_form", "roster_rows"]

#: Field, head, width in characters, whether it holds money (fen).
ROSTER = (
    ("town", "乡镇（街道）", 14, False), ("village", "村（社区）", 16, False), ("name", "户主（对象）", 12, False),
    ("household_no", "家庭编号", 18, False), ("persons", "保障人口", 9, False), ("category", "类别", 8, False),
    ("percap_fen", "月人均收入（元）", 14, True), ("base_fen", "月保障金（元）", 14, True), ("extra_fen", "增发（元）", 12, True),
    ("amount_fen", "合计（元）", 14, True), ("last4", "账号后四位", 10, False), ("start", "起始月", 10, False),
)  # fmt: skip

# Increments stand in the determination's components under names of their own; what is not base is an increment.
_ROWS = """
select r.id, r.region::text, coalesce(p.name, hd.name)::text, h.no::text,
  case when r.person_id is not null then 1 else (
    select count(*) from people_membership m where m.household_id = h.id and m.since <= %(day)s
      and (m.until is null or m.until > %(day)s)) end,
  r.category, f.income_year_fen, r.amount_fen,
  coalesce((select sum((c.value)::bigint) from jsonb_each_text(d.components) c where c.key <> 'base'), 0),
  coalesce(d.components ? 'base', false), coalesce(a.last4, ''), r.start_month
from people_rollentry r
join people_household h on h.id = r.household_id
join people_person hd on hd.id = h.head_id
left join people_person p on p.id = r.person_id
left join people_account a on a.id = r.account_id
left join decisions_determination d on d.id = r.determination_id
left join people_householdfacts f on f.household_id = h.id and f.valid_from <= %(day)s
  and (f.valid_to is null or f.valid_to > %(day)s)
where r.programme = %(programme)s and r.start_month <= %(month)s and (r.end_month is null or r.end_month >= %(month)s)
  and r.region >= %(low)s and r.region < %(high)s and (r.region, r.id) > (%(after)s, %(after_id)s)
order by r.region, r.id limit %(many)s
"""
_SLICE = 5_000


def roster_rows(place: str, programme: str, month: Month, *, most: int | None = None) -> Iterator[list[dict[str, Any]]]:
    """The roll in slices of bounded size, by region; one dict a unit with the fields of `ROSTER`. Money in fen, null = not known."""
    covered = range_of(place)
    words = dict(AreaKind.choices)
    names: dict[str, str] = {}

    def named(code: str, digits: int) -> str:
        short = code[:digits]
        if digits > 6 and short.endswith("000"):
            return ""
        if short not in names:
            names[short] = place_name(pad12(short))
        return names[short]

    after, after_id, left = "", 0, most
    while left is None or left > 0:
        many = _SLICE if left is None else min(_SLICE, left)
        with connection.cursor() as cursor:
            cursor.execute(
                _ROWS,
                {
                    "day": month.last_day, "programme": programme, "month": month.yyyymm, "low": covered.low,
                    "high": covered.high, "after": after, "after_id": after_id, "many": many,
                },
            )  # fmt: skip
            rows = cursor.fetchall()
        if not rows:
            return
        found = []
        for _, region, name, no, persons, category, income, amount, extra, split, last4, start in rows:
            share = round(income / 12 / persons) if income is not None and persons else None
            found.append({
                "town": named(region, 9), "village": named(region, 12), "name": name, "household_no": no,
                "persons": persons, "category": words.get(category, category), "percap_fen": share,
                "base_fen": amount - int(extra) if split else amount, "extra_fen": int(extra) if split else None,
                "amount_fen": amount, "last4": last4, "start": f"{start // 100}-{start % 100:02d}",
            })  # fmt: skip
        yield found
        after, after_id = rows[-1][1], rows[-1][0]
        if left is not None:
            left -= len(rows)
        if len(rows) < many:
            return


def roster_form(place: str, programme: str, month: Month, *, office: str) -> dict[str, Any]:
    """The 花名册 as the printed form takes it.

    Raises: RosterTooLongError above the rows a place prints.
    """
    allowed = limit("print_rows", place, clock.today())
    rows = [one for part in roster_rows(place, programme, month, most=allowed + 1) for one in part]
    label = Programme(programme).label
    if len(rows) > allowed:
        raise RosterTooLongError(label, allowed)
    widths = {"town": 1.2, "village": 1.5, "household_no": 1.5}
    columns = [{"label": "序号", "width": 0.5, "figures": True}]
    columns += [
        {"label": head, "width": widths.get(field, 1.0), "figures": money or field == "persons"}
        for field, head, _, money in ROSTER
    ]
    money = {field for field, _, _, is_money in ROSTER if is_money}
    return {
        "title": f"{label}花名册",
        "subtitle": f"{full_name(pad12(place))}　{month_words(month.yyyymm)}",
        "office": office,
        "date": iso(clock.today()),
        "columns": columns,
        "rows": [
            [str(at), *(yuan(one[field]) if field in money else str(one[field]) for field, *_ in ROSTER)]
            for at, one in enumerate(rows, 1)
        ],
        "totals": [
            {"label": "户（人）数", "value": f"{len(rows):,}"},
            {"label": "保障人口", "value": f"{sum(one['persons'] for one in rows):,}"},
            {"label": "月金额合计", "value": f"{yuan(sum(one['amount_fen'] for one in rows))} 元"},
        ],
        "note": "月人均收入按在册家庭现有事实计算，没有登记的为“—”。账号只列后四位。",
    }
