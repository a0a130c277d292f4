"""The monthly run and one family in OpenFisca-core 46, as a country package would write it. Usage: openfisca_monthly.py PERSONS | family

Runs in the peer's own venv. Formulas are those of bench/pack/monthly.yaml; amounts are fen in OpenFisca's 32-bit integers.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from common import COLUMNS, MONTH, STANDARDS, TABLES, YEAR, percentiles, report, result, table
from openfisca_core.entities import build_entity
from openfisca_core.parameters import ParameterNode
from openfisca_core.periods import ETERNITY
from openfisca_core.periods import MONTH as MONTHLY
from openfisca_core.simulations import SimulationBuilder
from openfisca_core.taxbenefitsystems import TaxBenefitSystem
from openfisca_core.variables import Variable

PERIOD = f"{YEAR}-{MONTH:02}"
Person = build_entity(key="person", plural="persons", label="成员", is_person=True)
Household = build_entity(
    key="household",
    plural="households",
    label="家庭",
    roles=[{"key": "member", "plural": "members", "label": "成员"}],
)
VARIABLES: list[type[Variable]] = []


def variable(entity: Any, kind: type = int) -> Any:
    def wrap(formula: Any) -> Any:
        name = formula.__name__
        body = {"value_type": kind, "entity": entity, "definition_period": MONTHLY, "label": name, "formula": formula}
        VARIABLES.append(type(name, (Variable,), body))
        return formula

    return wrap


def given(entity: Any, names: str, kind: type = int, period: Any = MONTHLY) -> None:
    for name in names.split():
        body: dict[str, Any] = {"value_type": kind, "entity": entity, "definition_period": period, "label": name}
        if kind is dt.date:
            body["default_value"] = dt.date(1970, 1, 1)
        VARIABLES.append(type(name, (Variable,), body))


given(Person, "birth", dt.date, ETERNITY)
given(Person, "severe_ill pregnant student", bool, ETERNITY)
given(Person, "disability care_tier", int, ETERNITY)
given(Person, "wage pension other")
given(Household, "scheme form exit_from prior_amount", int, ETERNITY)
given(Household, "medical schooling rent")
given(Household, "region", str, ETERNITY)


def standard_variable(name: str) -> None:
    def formula(household: Any, period: Any, parameters: Any) -> Any:
        return getattr(parameters(period), name)[household("region", period)]

    formula.__name__ = name
    variable(Household)(formula)


for _name in STANDARDS:
    standard_variable(_name)


@variable(Person)
def age(person: Any, period: Any) -> Any:
    birth = person("birth", period)
    month = birth.astype("datetime64[M]")
    born = month.astype(int) % 12 * 100 + 100 + (birth - month).astype(int) + 1
    years = period.start.year - (birth.astype("datetime64[Y]").astype(int) + 1970)
    return years - (born > period.start.month * 100 + 1)


@variable(Person, bool)
def hard(person: Any, period: Any) -> Any:
    return person("disability", period) <= 2


@variable(Person, bool)
def severe(person: Any, period: Any) -> Any:
    return person("hard", period) + person("severe_ill", period)


@variable(Person)
def work_deduct(person: Any, period: Any) -> Any:
    return np.minimum(person("wage", period) * 30 // 100, person.household("standard", period) // 2)


@variable(Person)
def pension_counted(person: Any, period: Any) -> Any:
    return np.maximum(person("pension", period) - 10300, 0)


@variable(Person)
def member_income(person: Any, period: Any) -> Any:
    earned = person("wage", period) - person("work_deduct", period)
    return earned + person("other", period) + person("pension_counted", period)


@variable(Person)
def rate(person: Any, period: Any) -> Any:
    years = person("age", period)
    middle = (years >= 70) + (person("disability", period) == 3) + person("severe_ill", period)
    return np.select(
        [
            person("hard", period) + (years >= 80),
            middle + person("pregnant", period),
            (years < 18) + person("student", period),
        ],
        [30, 20, 10],
        0,
    )


@variable(Person)
def member_increment(person: Any, period: Any) -> Any:
    return (person.household("standard", period) * person("rate", period) + 500) // 1000 * 10


@variable(Household)
def n(household: Any, period: Any) -> Any:
    return household.nb_persons()


@variable(Household)
def counted(household: Any, period: Any) -> Any:
    return household.sum(household.members("member_income", period))


@variable(Household)
def n_severe(household: Any, period: Any) -> Any:
    return household.sum(household.members("severe", period))


@variable(Household)
def std(household: Any, period: Any) -> Any:
    return household("standard", period)


@variable(Household)
def rigid(household: Any, period: Any) -> Any:
    s = household("std", period)
    both = np.minimum(household("medical", period), s * 2) + np.minimum(household("schooling", period), s)
    return both + np.minimum(household("rent", period), s // 2)


@variable(Household)
def net(household: Any, period: Any) -> Any:
    return np.maximum(household("counted", period) - household("rigid", period), 0)


@variable(Household)
def percap(household: Any, period: Any) -> Any:
    return household("net", period) // household("n", period)


@variable(Household, bool)
def in_grace(household: Any, period: Any) -> Any:
    left = household("exit_from", period)
    passed = period.start.year * 12 + period.start.month - (left // 100 * 12 + left % 100)
    return (left > 0) * (household("percap", period) < household("std", period) * 2) * (passed < 6)


@variable(Household)
def outcome(household: Any, period: Any) -> Any:
    s, each = household("std", period), household("percap", period)
    single = (household("n_severe", period) > 0) * (each * 2 < s * 3)
    tests = [household("scheme", period) == 2, each < s, household("in_grace", period), single]
    return np.select(tests, [4, 1, 2, 3], 5)


@variable(Household)
def base(household: Any, period: Any) -> Any:
    s, o = household("std", period), household("outcome", period)
    gap = (s * household("n", period) - household("net", period) + 99) // 100 * 100
    paid = [
        np.maximum(gap, (s + 99) // 100 * 10),
        household("prior_amount", period),
        household("n_severe", period) * s,
    ]
    return np.select([o == 1, o == 2, o == 3], paid, 0)


@variable(Household)
def increments_all(household: Any, period: Any) -> Any:
    return household.sum(household.members("member_increment", period))


@variable(Household)
def increments_severe(household: Any, period: Any) -> Any:
    return household.sum(household.members("member_increment", period) * household.members("severe", period))


@variable(Household)
def increment(household: Any, period: Any) -> Any:
    o = household("outcome", period)
    paid = [household("increments_all", period), household("increments_severe", period)]
    return np.select([o == 1, o == 3], paid, 0)


@variable(Household)
def basic(household: Any, period: Any) -> Any:
    paid = household("extreme_standard", period) * household("n", period)
    return np.where(household("outcome", period) == 4, paid, 0)


@variable(Household)
def care_all(household: Any, period: Any) -> Any:
    tier = household.members("care_tier", period)
    tiers = ("care_full", "care_half", "care_self")
    return sum(household.sum(tier == k) * household(name, period) for k, name in enumerate(tiers, 1))


@variable(Household)
def care(household: Any, period: Any) -> Any:
    half = np.where(household("form", period) == 2, 2, 1)
    return np.where(household("outcome", period) == 4, household("care_all", period) // half, 0)


@variable(Household)
def price(household: Any, period: Any) -> Any:
    o = household("outcome", period)
    paid_persons = np.select([o == 5, o == 3], [0, household("n_severe", period)], household("n", period))
    return paid_persons * ((household("std", period) * household("price_rate", period) + 500) // 1000)


@variable(Household)
def total(household: Any, period: Any) -> Any:
    return sum(household(name, period) for name in ("base", "increment", "basic", "care", "price"))


def system(standards: dict[str, Any]) -> TaxBenefitSystem:
    made = TaxBenefitSystem([Person, Household])
    for kind in VARIABLES:
        made.add_variable(kind)
    data: dict[str, Any] = {}
    for name in STANDARDS:
        node = data.setdefault(name, {})
        rows = zip(
            standards["place"].tolist(),
            standards["area_kind"].tolist(),
            standards["eff_from"].tolist(),
            standards[name].tolist(),
            strict=True,
        )
        for place, area, start, value in rows:
            node.setdefault(f"c{place}_{area}", {"values": {}})["values"][str(start)[:10]] = {"value": int(value)}
    made.parameters = ParameterNode("", data=data)
    return made


def read(persons: int) -> dict[str, dict[str, Any]]:
    out = {}
    for name in (*TABLES, "standards"):
        columns = pq.read_table(table(persons, name))
        out[name] = {
            k: columns[k].fill_null(0).to_numpy() if k == "exit_from" else columns[k].to_numpy()
            for k in columns.column_names
        }
    return out


def by_kind(of: Any, kind: Any, amount: Any, rows: int, kinds: int) -> Any:
    return np.bincount((of - 1) * (kinds + 1) + kind, amount, rows * (kinds + 1)).astype(np.int64).reshape(rows, -1)


def bulk(persons: int) -> None:
    start = time.perf_counter()
    data = read(persons)
    h, m, i, d = (data[t] for t in TABLES)
    count, people = len(h["household_id"]), len(m["person_id"])
    pay = by_kind(i["person_id"], i["income_kind"], i["income_amount"], people, 5)
    spent = by_kind(d["household_id"], d["cost_kind"], d["cost_amount"], count, 3)
    loaded = time.perf_counter()
    made = system(data["standards"])
    builder = SimulationBuilder()
    builder.create_entities(made)
    builder.declare_person_entity("person", m["person_id"])
    group = builder.declare_entity("household", h["household_id"])
    builder.join_with_persons(group, m["household_id"], np.zeros(people, dtype=int))
    simulation = builder.build(made)
    for name in ("severe_ill", "pregnant", "student", "disability", "care_tier"):
        simulation.set_input(name, PERIOD, m[name])
    simulation.set_input("birth", PERIOD, m["birth"].astype("datetime64[D]"))
    for name, values in (("wage", pay[:, 1]), ("pension", pay[:, 2]), ("other", pay[:, 3] + pay[:, 5])):
        simulation.set_input(name, PERIOD, values)
    for name in ("scheme", "form", "exit_from", "prior_amount"):
        simulation.set_input(name, PERIOD, h[name])
    for k, name in enumerate(("medical", "schooling", "rent"), 1):
        simulation.set_input(name, PERIOD, spent[:, k])
    codes, at = np.unique(h["place"].astype(np.int64) * 10 + h["area_kind"], return_inverse=True)
    regions = np.array([f"c{x // 10}_{x % 10}" for x in codes.tolist()])[at].astype(object)
    simulation.set_input("region", PERIOD, regions)
    built = time.perf_counter()
    answer = {name: simulation.calculate(name, PERIOD) for name in COLUMNS[1:]}
    calculated = time.perf_counter()
    pq.write_table(pa.table({"household_id": h["household_id"], **answer}), result("openfisca", persons))
    end = time.perf_counter()
    report(wall=end - start, load_s=loaded - start, build_s=built - loaded, compute_s=calculated - built)


def families(data: dict[str, dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """The first `count` households as OpenFisca's JSON."""
    h, m, i, d = (data[t] for t in TABLES)
    out = []
    for at in range(count):
        number = h["household_id"][at]
        persons = {}
        for j in np.flatnonzero(m["household_id"] == number):
            mine = i["person_id"] == m["person_id"][j]
            sums = [int(i["income_amount"][mine & (i["income_kind"] == k)].sum()) for k in range(6)]
            facts = {
                k: {"ETERNITY": m[k][j].item()}
                for k in ("severe_ill", "pregnant", "student", "disability", "care_tier")
            }
            amounts = {"wage": sums[1], "pension": sums[2], "other": sums[3] + sums[5]}
            persons[str(m["person_id"][j])] = {
                "birth": {"ETERNITY": str(m["birth"][j])[:10]},
                **facts,
                **{k: {PERIOD: v} for k, v in amounts.items()},
            }
        mine = d["household_id"] == number
        household = {
            "members": list(persons),
            "region": {"ETERNITY": f"c{h['place'][at]}_{h['area_kind'][at]}"},
            **{k: {"ETERNITY": int(h[k][at])} for k in ("scheme", "form", "exit_from", "prior_amount")},
        }
        for k, name in enumerate(("medical", "schooling", "rent"), 1):
            household[name] = {PERIOD: int(d["cost_amount"][mine & (d["cost_kind"] == k)].sum())}
        out.append({"persons": persons, "households": {"h": household}})
    return out


def one_family() -> None:
    """200 families: build and calculate, without and with the trace that holds every value."""
    data = read(100_000)
    made = system(data["standards"])
    cases = families(data, 200)
    totals: list[int] = []
    for trace in (False, True):
        times = []
        for case in [*cases[:10], *cases]:
            start = time.perf_counter()
            simulation = SimulationBuilder().build_from_entities(made, case)
            simulation.trace = trace
            answer = simulation.calculate("total", PERIOD)
            times.append((time.perf_counter() - start) * 1e3)
            totals.append(int(answer[0]))
        p50, p99 = percentiles(times[10:])
        head = "trace_" if trace else ""
        report(**{f"{head}p50_ms": p50, f"{head}p99_ms": p99, "checksum": sum(totals[10:210])})


if __name__ == "__main__":
    one_family() if sys.argv[1] == "family" else bulk(int(sys.argv[1]))
