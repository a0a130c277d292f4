"""Runs a model over whole rolls: frames in, one row a household out, lazily, on any engine Narwhals speaks to.

Frames hold one row a household, a member, an item; a collection's rows point to the row above by its key. Money columns
are whole fen, dates are dates or yyyymmdd integers, choices are identifiers or their codes, a null is 未知 (or 未发生).
Required facts must have no nulls (`null_required` counts them); a column that is not there counts as all missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw

from tuodi.policy.model import LEVEL_PLACE, LEVEL_ROOT
from tuodi.rules.columns import Printer, literal
from tuodi.rules.core import Const
from tuodi.rules.entry import compared_only, default_of, fact_column, needs, place_values
from tuodi.rules.plan import Plan
from tuodi.rules.schedule import steps_of
from tuodi.rules.slots import Model, Slot

__all__ = ["Keys", "MissingColumnError", "column_name", "null_required", "run_bulk"]

#: Key tables at most this large are printed as a choice instead of a join when there is one place only.
CHAIN = 12


class MissingColumnError(ValueError):
    """A required fact has no column."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"数据里缺少必填事实的列：{'、'.join(names)}；请补上这些列再计算")
        self.names = tuple(names)


@dataclass(frozen=True)
class Keys:
    """Column names that hold rows together.

    Attributes:
        own: level -> its key column (levels with rows below them need one).
        up: level -> the column that points to the row above.
        place: the household column with the place code (needed for several places at once).
    """

    own: Mapping[str, str] = field(default_factory=lambda: {"household": "household_id", "members": "person_id"})
    up: Mapping[str, str] = field(default_factory=lambda: {"members": "household_id"})
    place: str = "place"


def column_name(rule: str) -> str:
    """`dibao.amount` -> `dibao__amount`: dots mean something to Spark."""
    return rule.replace(".", "__")


class _Run:
    def __init__(
        self,
        plans: Sequence[Plan],
        model: Model,
        frames: Mapping[str, Any],
        keys: Keys,
        place_facts: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self.plans, self.model, self.keys = list(plans), model, keys
        self.plan = self.plans[0]
        self.col = {key: f"v{i}" for i, key in enumerate(model.slots)}
        self.given: dict[str, dict[str, nw.Expr | int | bool | None]] = {}
        self.have: dict[str, set[str]] = {}
        self.frames: dict[str, nw.LazyFrame[Any]] = {}
        self.place = place_values(plans, model, place_facts)
        #: what every place agrees on is printed as a constant, not joined
        self.fixed = {k: v for k, v in self.place[0].items() if all(row[k] == v for row in self.place)}
        self.ahead = needs(model)
        self.narrow = compared_only(model)
        self.place_dtype: Any = None
        used = (
            {s.level for s in model.slots.values()}
            | {LEVEL_ROOT}
            | {s.child_level for s in model.slots.values() if s.child_level}
        )
        for level in list(used):  # values of the place come down through every level between
            while model.levels.get(level):
                level = model.levels[level]
                used.add(level)
        missing: list[str] = []
        self.native = None
        for level in used - {LEVEL_PLACE}:
            if level not in frames:
                continue
            frame = nw.from_native(frames[level]).lazy()
            self.open(level, frame, missing)
        if missing:
            raise MissingColumnError(missing)
        for level in used - {LEVEL_PLACE}:
            if level not in self.frames:
                self.empty(level)

    # ---- entry
    def open(self, level: str, frame: nw.LazyFrame[Any], missing: list[str]) -> None:
        schema = frame.collect_schema()
        select: list[Any] = []
        given: dict[str, Any] = {}
        if level in self.keys.own and self.keys.own[level] in schema:
            select.append(nw.col(self.keys.own[level]))
        if level in self.keys.up and self.keys.up[level] != self.keys.own.get(level):
            select.append(nw.col(self.keys.up[level]))
        if level == LEVEL_ROOT and len(self.plans) > 1:
            select.append(nw.col(self.keys.place))
            self.place_dtype = schema[self.keys.place]
        for key, slot in self.model.slots.items():
            if slot.level != level or slot.kind != "fact":
                continue
            fact = next(f for f in self.plan.book.draft.facts if f.key == key)
            if fact.name not in schema:
                if fact.missing == "required":
                    missing.append(f"{level}.{fact.name}（{fact.label}）")
                given[key] = None if fact.missing in ("required", "unknown", "none") else default_of(self.plan, fact)
                continue
            expr = fact_column(self.plan, fact, schema, key in self.narrow)
            if fact.missing not in ("required", "unknown", "none"):
                default = default_of(self.plan, fact)
                expr = nw.coalesce(expr, literal(default, bool_=fact.type == "bool"))
            select.append(expr.alias(self.col[key]))
            given[key] = nw.col(self.col[key])
        self.frames[level] = frame.select(*select)
        self.given[level] = given
        self.have[level] = {k for k, v in given.items() if isinstance(v, nw.Expr)}

    def empty(self, level: str) -> None:
        """No frame was given for a collection: no household has such rows."""
        self.given[level], self.have[level] = {}, set()

    # ---- values from above
    def reach(self, level: str, keys: Sequence[str]) -> Printer:
        """Makes every slot in `keys` available on rows of `level`; returns a printer that sees them."""
        given: dict[str, nw.Expr | int | bool | None] = {}
        want: dict[str, list[str]] = {}
        for key in keys:
            slot = self.model.slots[key]
            if isinstance(slot.node, Const):
                given[key] = slot.node.value
            elif slot.level == LEVEL_PLACE:
                if key in self.fixed:
                    given[key] = self.fixed[key]
                else:
                    want.setdefault(LEVEL_PLACE, []).append(key)
            elif slot.level == level:
                given[key] = self.given[level][key]
            elif key in self.have[level] or not isinstance(self.given[slot.level].get(key), nw.Expr):
                given[key] = nw.col(self.col[key]) if key in self.have[level] else self.given[slot.level].get(key)
            else:
                want.setdefault(slot.level, []).append(key)
        if want:
            self.descend(level, want)
        for group in want.values():
            for key in group:
                given[key] = nw.col(self.col[key])
        return Printer(given)

    def descend(self, level: str, want: Mapping[str, Sequence[str]]) -> None:
        above = self.model.levels[level]
        if level == LEVEL_ROOT:
            self.join_places([k for k in self.ahead[LEVEL_ROOT] if self.ready(k)])
            return
        # one join brings what is asked now and all that is there already and will be asked for later
        keys = [k for group in want.values() for k in group]
        keys = list(dict.fromkeys((*keys, *(k for k in self.ahead.get(level, ()) if self.ready(k)))))
        self.reach(above, keys)
        bring = [k for k in keys if k not in self.have[level]]
        if not bring:
            return
        key = self.keys.own[above]
        upper = self.frames[above].select(nw.col(key), *(nw.col(self.col[k]) for k in bring))
        self.frames[level] = self.frames[level].join(upper, left_on=self.keys.up[level], right_on=key, how="inner")
        self.have[level] |= set(bring)

    def ready(self, key: str) -> bool:
        """A slot that differs by row and can be brought down now."""
        level = self.model.slots[key].level
        if level == LEVEL_PLACE:
            return key not in self.fixed
        return isinstance(self.given[level].get(key), nw.Expr)

    def table(self, columns: Mapping[str, list[Any]], bools: frozenset[str] = frozenset()) -> nw.LazyFrame[Any]:
        """A small frame on the same engine as the household frame."""
        import polars as pl

        schema = {
            k: (
                pl.String
                if v and isinstance(next((x for x in v if x is not None), 0), str)
                else pl.Boolean
                if k in bools
                else pl.Int64
            )
            for k, v in columns.items()
        }
        native = pl.DataFrame(dict(columns), schema=schema)
        impl = self.frames[LEVEL_ROOT].implementation
        if impl.is_polars():
            return nw.from_native(native.lazy())
        if impl.is_duckdb():
            import duckdb

            relation = nw.to_native(self.frames[LEVEL_ROOT])
            del relation
            return nw.from_native(
                duckdb.from_arrow(native.to_arrow())
                if self.native is None
                else self.native.from_arrow(native.to_arrow())
            ).lazy()
        session = nw.to_native(self.frames[LEVEL_ROOT]).sparkSession
        rows = [tuple(r) for r in native.rows()]
        kinds = {"String": "string", "Boolean": "boolean", "Int64": "bigint"}
        spec = ", ".join(f"{k} {kinds[str(t)]}" for k, t in native.schema.items())
        spark: nw.LazyFrame[Any] = nw.from_native(session.createDataFrame(rows, spec)).lazy()
        return spark

    def codes(self) -> list[Any]:
        integer = self.place_dtype is not None and self.place_dtype.is_integer()
        return [int(p.place) if integer else p.place for p in self.plans]

    def join_places(self, keys: Sequence[str]) -> None:
        keys = [k for k in keys if k not in self.have[LEVEL_ROOT]]
        if not keys:
            return
        columns: dict[str, list[Any]] = {"p__": self.codes()}
        bools = frozenset(self.col[k] for k in keys if self.model.slots[k].type == "bool")
        for key in keys:
            columns[self.col[key]] = [row[key] for row in self.place]
        root = self.frames[LEVEL_ROOT]
        small = self.table(columns, bools)
        if self.place_dtype is not None and self.place_dtype.is_integer():
            small = small.with_columns(nw.col("p__").cast(self.place_dtype))
        self.frames[LEVEL_ROOT] = root.join(small, left_on=self.keys.place, right_on="p__", how="inner")
        self.have[LEVEL_ROOT] |= set(keys)

    # ---- steps
    def compute(self, level: str, keys: Sequence[str]) -> None:
        if level == LEVEL_PLACE or level not in self.frames:
            return
        slots = self.model.slots
        inside = set(keys)
        outside = list(dict.fromkeys(d for k in keys for d in slots[k].deps if d not in inside))
        self.reach(level, outside)
        done: set[str] = set()
        left = list(keys)
        while left:
            layer = [k for k in left if all(d not in inside or d in done for d in slots[k].deps)]
            done |= set(layer)
            left = [k for k in left if k not in done]
            self.lookups([k for k in layer if slots[k].kind == "param"], level)
            layer = [k for k in layer if slots[k].kind != "param"]
            new: dict[str, nw.Expr] = {}
            printer = self.reach(level, list(dict.fromkeys(d for k in layer for d in slots[k].deps)))
            for key in layer:
                node = slots[key].node
                assert node is not None
                value = printer.part(node)
                if isinstance(value, nw.Expr):
                    new[self.col[key]] = value
                    self.given[level][key] = nw.col(self.col[key])
                    self.have[level].add(key)
                else:
                    self.given[level][key] = value
            if new:
                self.frames[level] = self.frames[level].with_columns(**new)

    def lookups(self, keys: Sequence[str], level: str) -> None:
        """Keyed parameters: a choice for one place and few keys, else one join for all that share their keys."""
        groups: dict[tuple[str, ...], list[Slot]] = {}
        for key in keys:
            slot = self.model.slots[key]
            groups.setdefault(tuple(k for k in slot.keys), []).append(slot)
        for on, slots in groups.items():
            live = [k for k in on if not k.startswith("=")]
            tables = [[plan.ints(self.model)[s.name] for s in slots] for plan in self.plans]
            combos = sorted(
                {
                    tuple(c for c, k in zip(combo, on, strict=True) if not k.startswith("="))
                    for combo in tables[0][0]
                    if self.fits(combo, on)
                }
            )
            if len(self.plans) == 1 and len(combos) <= CHAIN:
                printer = self.reach(level, live)
                parts = [printer.given[k] for k in live]
                new = {}
                for i, slot in enumerate(slots):
                    values = [tables[0][i][self.full(c, on)] for c in combos]
                    # a key that is 未知 falls through to the last branch, which is 未知 wherever that can happen
                    rows = list(zip(combos, values, strict=True))
                    expr = literal(None if slot.null else rows.pop()[1], bool_=False)
                    for combo, value in reversed(rows):
                        test: Any = None
                        for part, code in zip(parts, combo, strict=True):
                            one = (part == code) if isinstance(part, nw.Expr) else literal(part == code, bool_=True)
                            test = one if test is None else test & one
                        expr = nw.when(test).then(literal(value, bool_=False)).otherwise(expr)
                    new[self.col[slot.key]] = expr
                self.frames[level] = self.frames[level].with_columns(**new)
            else:
                self.join_table(level, on, live, slots, tables, combos)
            for slot in slots:
                self.given[level][slot.key] = nw.col(self.col[slot.key])
                self.have[level].add(slot.key)

    def fits(self, combo: tuple[int, ...], on: Sequence[str]) -> bool:
        return all(not k.startswith("=") or int(k[1:]) == c for c, k in zip(combo, on, strict=True))

    def full(self, combo: tuple[int, ...], on: Sequence[str]) -> tuple[int, ...]:
        rest = iter(combo)
        return tuple(int(k[1:]) if k.startswith("=") else next(rest) for k in on)

    def join_table(
        self,
        level: str,
        on: Sequence[str],
        live: Sequence[str],
        slots: Sequence[Slot],
        tables: Sequence[Sequence[Any]],
        combos: Sequence[tuple[int, ...]],
    ) -> None:
        columns: dict[str, list[Any]] = {f"k{i}__": [] for i in range(len(live))} | {self.col[s.key]: [] for s in slots}
        many = len(self.plans) > 1
        if many:
            columns["p__"] = []
        for plan_no, code in enumerate(self.codes() if many else [None]):
            for combo in combos:
                if many:
                    columns["p__"].append(code)
                for i, c in enumerate(combo):
                    columns[f"k{i}__"].append(c)
                for i, slot in enumerate(slots):
                    columns[self.col[slot.key]].append(tables[plan_no][i][self.full(combo, on)])
        small = self.table(columns)
        if many:
            self.bring_place(level)
            if self.place_dtype is not None and self.place_dtype.is_integer():
                small = small.with_columns(nw.col("p__").cast(self.place_dtype))
        printer = self.reach(level, live)
        names = []
        extra = {}
        for i, key in enumerate(live):
            part = printer.given[key]
            if isinstance(part, nw.Expr) and key in self.have[level]:
                names.append(self.col[key])
            else:
                extra[f"j{i}__{self.col[slots[0].key]}"] = (
                    part if isinstance(part, nw.Expr) else literal(part, bool_=False)
                )
                names.append(f"j{i}__{self.col[slots[0].key]}")
        frame = self.frames[level].with_columns(**extra) if extra else self.frames[level]
        left = [*names, *([self.keys.place] if many else [])]
        right = [*(f"k{i}__" for i in range(len(live))), *(["p__"] if many else [])]
        nullable = any(self.model.slots[k].null for k in live)
        self.frames[level] = frame.join(small, left_on=left, right_on=right, how="left" if nullable else "inner")

    def bring_place(self, level: str) -> None:
        if level == LEVEL_ROOT or "@place" in self.have[level]:
            return
        above = self.model.levels[level]
        self.bring_place(above)
        key = self.keys.own[above]
        upper = self.frames[above].select(key, self.keys.place)
        self.frames[level] = self.frames[level].join(upper, left_on=self.keys.up[level], right_on=key, how="inner")
        self.have[level].add("@place")

    def climb(self, level: str, keys: Sequence[str]) -> None:
        above = self.model.levels[level]
        slots = self.model.slots
        if level not in self.frames:
            for key in keys:
                self.given[above][key] = False if slots[key].type == "bool" else 0
            return
        printer = self.reach(level, list(dict.fromkeys(slots[k].child for k in keys)))
        prepare: dict[str, nw.Expr] = {}
        aggregate: list[nw.Expr] = []
        fill: dict[str, nw.Expr] = {}
        for key in keys:
            slot, name = slots[key], self.col[key]
            child = printer.given[slot.child]
            is_bool = slots[slot.child].type == "bool"
            if child is True and slot.agg == "count":
                aggregate.append(nw.len().cast(nw.Int64).alias(name))
            else:
                value = child if isinstance(child, nw.Expr) else literal(child, bool_=is_bool)
                if is_bool:
                    value = value.cast(nw.Int64)
                if is_bool or not isinstance(child, nw.Expr):
                    prepare[f"a__{name}"] = value
                    value = nw.col(f"a__{name}")
                method = {"sum": value.sum, "count": value.sum, "any": value.sum, "max": value.max, "min": value.min}[
                    slot.agg
                ]
                aggregate.append(method().cast(nw.Int64).alias(name))
            result: nw.Expr = nw.coalesce(nw.col(name), literal(0, bool_=False))
            if slot.null:
                prepare[f"u__{name}"] = (
                    nw.when(printer.expr_of(slot.child).is_null())
                    .then(literal(1, bool_=False))
                    .otherwise(literal(0, bool_=False))
                )
                aggregate.append(nw.col(f"u__{name}").sum().cast(nw.Int64).alias(f"n__{name}"))
                unsure = nw.coalesce(nw.col(f"n__{name}"), literal(0, bool_=False)) > 0
                if slot.agg == "any":
                    fill[name] = (
                        nw.when(result > 0)
                        .then(literal(True, bool_=True))
                        .otherwise(nw.when(~unsure).then(literal(False, bool_=True)))
                    )
                else:
                    fill[name] = nw.when(~unsure).then(result)
            else:
                fill[name] = (result > 0) if slot.agg == "any" else result
        up = self.keys.up[level]
        frame = self.frames[level].with_columns(**prepare) if prepare else self.frames[level]
        grouped = frame.group_by(up).agg(*aggregate)
        own = self.keys.own[above]
        joined = self.frames[above].join(grouped, left_on=own, right_on=up, how="left")
        self.frames[above] = joined.with_columns(**fill)
        for key in keys:
            self.given[above][key] = nw.col(self.col[key])
            self.have[above].add(key)


def run_bulk(
    plans: Sequence[Plan], model: Model, frames: Mapping[str, Any], outputs: Sequence[str] | None = None, *,
    keys: Keys | None = None, place_facts: Mapping[str, Mapping[str, Any]] | None = None, connection: Any = None,
) -> dict[str, Any]:  # fmt: skip
    """Applies one model to whole frames, lazily.

    Args:
        plans: one a place; all must share the model (`Plan.model` gives the same object for equal texts).
        frames: level -> native or Narwhals frame (Polars, DuckDB relation, Spark).
        outputs: rules wanted; the model's outputs unless given. Raw integers: numbers over the slot's scale and factors
            (payables are whole fen), truth values, codes of choices; null is unknown.
        place_facts: place -> facts of the place as in the family file.
        connection: the DuckDB connection the relations belong to.

    Returns: level -> native lazy frame with the key columns and one column a rule (`column_name`).

    Raises: MissingColumnError if a required fact has no column.
    """
    run = _Run(plans, model, frames, keys or Keys(), place_facts or {})
    run.native = connection
    for step in steps_of(model):
        if step.kind == "compute":
            run.compute(step.level, step.keys)
        else:
            run.climb(step.level, step.keys)
    wanted = [n for n in (outputs or model.outputs) if n in model.slots]
    out: dict[str, Any] = {}
    for level in dict.fromkeys(model.slots[n].level for n in wanted):
        if level == LEVEL_PLACE:
            continue
        names = [n for n in wanted if model.slots[n].level == level]
        printer = run.reach(level, names)
        heads = [c for c in (run.keys.own.get(level), run.keys.up.get(level)) if c]
        frame = run.frames[level]
        known = frame.collect_schema().names()
        select = [nw.col(c) for c in dict.fromkeys(heads) if c in known]
        for n in names:
            found = printer.given[n]
            expr = found if isinstance(found, nw.Expr) else literal(found, bool_=model.slots[n].type == "bool")
            select.append(expr.alias(column_name(n)))
        out[level] = frame.select(*select).to_native()
    return out


def null_required(plan: Plan, model: Model, frames: Mapping[str, Any]) -> dict[str, int]:
    """Nulls in columns of required facts, by column; these rows have no answer."""
    found: dict[str, int] = {}
    for level, native in frames.items():
        frame = nw.from_native(native).lazy()
        names = frame.collect_schema().names()
        need = [
            f.name
            for f in plan.book.draft.facts
            if f.level == level and f.missing == "required" and f.key in model.slots and f.name in names
        ]
        if need:
            counts = frame.select(*(nw.col(n).is_null().cast(nw.Int64).sum().alias(n) for n in need)).collect()
            found |= {f"{level}.{n}": int(counts[n][0] or 0) for n in need if counts[n][0]}
    return found
