"""One family with the product: 200 families of the generated data, one call each. Usage: one_family.py

Reports p50 and p99 in milliseconds of: `rows` (facts already typed, as the database holds them: every value of every row),
`decide` (family JSON read and checked, then every value), `explain` (the same with the whole explanation as text).
The checksum of the amounts must equal the peer's and the bulk run's.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from typing import Any

import polars as pl
from common import MONTH, YEAR, percentiles, report, table
from monthly import load

from tuodi.kernel.periods import Month
from tuodi.policy.book import Book
from tuodi.rules.family import read_family
from tuodi.rules.plan import Plan, plan_for
from tuodi.rules.scalar import compile_scalar

COUNT = 200
PROGRAMME = "monthly"


def yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02}"


def families(book: Book) -> list[tuple[str, dict[str, Any]]]:
    """(place, family JSON) of the first households."""
    frames = {name: pl.read_parquet(table(100_000, name)) for name in ("households", "members", "incomes", "costs")}

    def word(enum: str, code: int) -> str:
        return book.enums[enum].value(code)

    def of(name: str, key: str, value: int) -> list[dict[str, Any]]:
        return frames[name].filter(pl.col(key) == value).to_dicts()

    out = []
    for h in frames["households"].head(COUNT).to_dicts():
        left = h["exit_from"]
        members = []
        for m in of("members", "household_id", h["household_id"]):
            incomes = [
                {"income_kind": word("income_kind", i["income_kind"]), "income_amount": yuan(i["income_amount"])}
                for i in of("incomes", "person_id", m["person_id"])
            ]
            members.append({
                "birth": m["birth"].isoformat(), "disability": word("disability", m["disability"]),
                "severe_ill": m["severe_ill"], "pregnant": m["pregnant"], "student": m["student"],
                "care_tier": word("care_tier", m["care_tier"]), "incomes": incomes,
            })  # fmt: skip
        costs = [
            {"cost_kind": word("cost_kind", c["cost_kind"]), "cost_amount": yuan(c["cost_amount"])}
            for c in of("costs", "household_id", h["household_id"])
        ]
        household = {
            "area_kind": word("area_kind", h["area_kind"]), "scheme": word("scheme", h["scheme"]), "form": word("form", h["form"]),
            "exit_from": f"{left // 100}-{left % 100:02}" if left else None, "prior_amount": yuan(h["prior_amount"]),
        }  # fmt: skip
        out.append((str(h["place"]), {"household": household, "members": members, "costs": costs}))
    return out


def measure(cases: list[Any], work: Callable[[Any], Any], name: str) -> list[Any]:
    """Reports p50 and p99 of one call a case after ten calls to warm up; returns the answers."""
    for case in cases[:10]:
        work(case)
    times, answers = [], []
    for case in cases:
        start = time.perf_counter()
        answer = work(case)
        times.append((time.perf_counter() - start) * 1e3)
        answers.append(answer)
    p50, p99 = percentiles(times)
    report(**{f"{name}_p50_ms": p50, f"{name}_p99_ms": p99})
    return answers


def main() -> None:
    book = load()
    cases = families(book)
    plans: dict[str, Plan] = {
        place: plan_for(book, place, dt.date(YEAR, MONTH, 1), Month(YEAR, MONTH)) for place, _ in cases
    }
    programme = book.programmes[PROGRAMME]
    model = next(iter(plans.values())).model(next(iter(plans.values())).outputs_of(programme))
    for plan in plans.values():  # what a server has done after its first family of a place
        plan.ints(plan.model(plan.outputs_of(programme)))
    typed = [(plans[place], read_family(book, plans[place].chain, family)) for place, family in cases]
    compiled = compile_scalar(model)

    def by_rows(case: Any) -> Any:
        plan, inputs = case
        tree = inputs.fresh().tree
        compiled(tree, plan.ints(model), plan.builtins)
        return tree["household"]["monthly.total"]

    totals = measure(typed, by_rows, "rows")
    report(checksum=sum(totals), families=len(totals))
    ready = [(plans[place], family) for place, family in cases]
    answers = measure(ready, lambda case: case[0].decide(case[1], PROGRAMME)[0], "decide")
    assert [a.amount_fen or 0 for a in answers] == totals
    texts = measure(ready, lambda case: case[0].decide(case[1], PROGRAMME)[0].explain().text(), "text")
    report(text_lines=max(t.count("\n") for t in texts) + 1)
    measure(ready, lambda case: case[0].decide(case[1], PROGRAMME)[0].explain().to_json(), "json")


if __name__ == "__main__":
    main()
