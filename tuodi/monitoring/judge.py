"""Judges register hits with the clue rules of a place: frames in, findings out. Pure: no Django, no clock, no database.

Only families with a hit are looked at, so the cost grows with the hits and not with the roll. All places of a prefecture
are judged in one go; the rules run as columns (`rules.bulk`) on Polars, DuckDB or Spark, and what comes out is small and
always Polars. A finding is evidence, never a verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

import narwhals as nw
import polars as pl

from tuodi.kernel.periods import Month
from tuodi.monitoring import grading
from tuodi.monitoring.frames import Engine
from tuodi.monitoring.grading import Judged
from tuodi.monitoring.prints import columns_looked_at, digest
from tuodi.policy.book import Book
from tuodi.policy.clues import REGISTER, ClueRule, kind_of
from tuodi.policy.model import LEVEL_ROOT
from tuodi.rules.bulk import Keys, column_name, run_bulk
from tuodi.rules.explain import Explanation
from tuodi.rules.plan import Plan, plan_for
from tuodi.rules.single import explain_rule
from tuodi.rules.slots import Model

__all__ = ["Findings", "Judged", "MembersTwiceError", "explain_clue", "fresh", "judge", "looked_at", "register_row"]

MEMBERS = "members"
#: Worked out here from other columns; no register has them.
DERIVED = frozenset({"spouse_listed"})


class MembersTwiceError(ValueError):
    """A person stands in two families."""

    def __init__(self, count: int) -> None:
        super().__init__(f"有 {count} 人同时在两户里；同一天一人只能在一户，请先核对家庭成员")
        self.count = count


@dataclass(frozen=True)
class Findings:
    """What a judgement found.

    Attributes:
        findings: one row a clue to be (`grading.FINDING`). `rows` are the `row_id`s it rests on; `kind` and `person_id` are
            those of the first row where there are several.
        hits: one row a register row a finding rests on (`grading.HIT`), once a rule; `values` is JSON of the columns given.
        unknown: `rule_code`, `household_id`, `person_id` (null at the household) of what could not be decided.
        declared: findings not raised because the family had declared the same things; columns as `findings`.
        rules: rule code -> figures.
        kinds: kind -> rows given.
        fingerprint: identity of the clue rules, rule texts and structural values; equal ones give equal answers.
    """

    findings: pl.DataFrame
    hits: pl.DataFrame
    unknown: pl.DataFrame
    declared: pl.DataFrame
    rules: Mapping[str, Judged]
    kinds: Mapping[str, int]
    fingerprint: str


@dataclass
class _Bundle:
    """Clue rules over the same registers, and the places in which they and the formulas behind them are the same."""

    rules: tuple[ClueRule, ...]
    model: Model
    plans: list[Plan]


@dataclass
class _Narrowed:
    """A bundle with the frames its rules look at. `members` is null where no rule looks at members by themselves."""

    bundle: _Bundle
    hits: dict[str, nw.LazyFrame[Any]]
    households: nw.LazyFrame[Any]
    members: nw.LazyFrame[Any] | None


@dataclass
class _Found:
    """A bundle, what its rules answer (level -> outputs), and the hits they were asked of."""

    bundle: _Bundle
    levels: dict[str, nw.LazyFrame[Any]]
    hits: dict[str, nw.LazyFrame[Any]]


@dataclass
class _Asked:
    """The rules of a bundle at one level: what they said (true or unknown), the rows below all of them and below each."""

    found: _Found
    level: str
    rules: list[ClueRule]
    table: pl.DataFrame = field(default_factory=pl.DataFrame)
    whole: dict[str, pl.DataFrame] = field(default_factory=dict)
    below: dict[tuple[str, str], pl.DataFrame] = field(default_factory=dict)
    named: dict[tuple[str, str], pl.DataFrame] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The column that names a subject of the level."""
        return "row_id" if kind_of(self.level) else "person_id" if self.level == MEMBERS else "household_id"

    def rows_of(self, rule: ClueRule) -> dict[str, pl.DataFrame]:
        """Kind -> the rows a rule's answers rest on: those it names, or all where it names none or none fits."""
        all_rows = {kind: self.below[rule.code, kind] for kind in self.whole}
        named = {kind: self.named.get((rule.code, kind), rows) for kind, rows in all_rows.items()}
        return named if any(rows.height for rows in named.values()) else all_rows


def _outputs(rules: Iterable[ClueRule]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(n for r in rules for n in (r.rule, *r.rows, *r.shows)))


def _bundles(
    book: Book, places: Sequence[str], day: date, month: Month, kinds: Iterable[str], codes: Iterable[str] | None
) -> list[_Bundle]:
    have, only = set(kinds), None if codes is None else set(codes)
    found: dict[Any, _Bundle] = {}
    for place in places:
        plan = plan_for(book, place, day, month)
        by_kinds: dict[tuple[str, ...], list[ClueRule]] = {}
        for rule in book.clue_rules(place, day):
            if have & set(rule.kinds) and (only is None or rule.code in only):
                by_kinds.setdefault(rule.kinds, []).append(rule)
        for rules in by_kinds.values():
            model = plan.model(_outputs(rules))
            key = (tuple(r.fingerprint for r in rules), id(model))
            found.setdefault(key, _Bundle(tuple(rules), model, [])).plans.append(plan)
    return list(found.values())


def looked_at(book: Book, places: Sequence[str], day: date, month: Month | None = None) -> dict[str, tuple[str, ...]]:
    """Kind -> columns that the clue rules look at, name or watch: what a reader of a batch has to bring, and no more."""
    kinds = [c[len(REGISTER) :] for c in book.collections if kind_of(c)]
    own = {k: {f.name for f in book.draft.facts if f.level == REGISTER + k} for k in kinds}
    out: dict[str, set[str]] = {}
    for bundle in _bundles(book, places, day, month or Month.of(day), kinds, None):
        for rule in bundle.rules:
            for kind in rule.kinds:
                columns = {*columns_looked_at(bundle.model.slots, kind), *rule.identity, *rule.watch} & own[kind]
                out.setdefault(kind, set()).update(columns - DERIVED)
    return {kind: tuple(sorted(columns)) for kind, columns in out.items()}


# ---- judging


class _Judge:
    def __init__(
        self, book: Book, engine: Engine, members: Any, households: Any, hits: Mapping[str, Any], places: Sequence[str]
    ) -> None:
        self.book, self.engine, self.places = book, engine, list(places)
        self.members, self.households = engine.take(members), engine.take(households)
        self.hits = {kind: self.entered(kind, engine.take(frame)) for kind, frame in hits.items()}
        ids = [f.select("household_id") for f in self.hits.values()]
        wanted = nw.concat(ids).unique() if ids else None
        if wanted is not None:
            wanted = engine.store(wanted)
            self.members, self.households = engine.store_many(
                [f.join(wanted, on="household_id", how="semi") for f in (self.members, self.households)]
            )
        self.where: pl.DataFrame | None = None
        if len(self.places) > 1:
            self.households = self.placed(self.households)
        people, rows = engine.collect(
            self.members.select(people=nw.col("person_id").n_unique(), rows=nw.col("person_id").len())
        ).row(0)
        if people < rows:
            raise MembersTwiceError(rows - people)

    def entered(self, kind: str, frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """A hit frame with what is worked out from the family: whether a spouse on record is one of its members."""
        names = frame.collect_schema().names()
        if kind == "marriage" and "spouse_key" in names and "spouse_listed" not in names:
            listed = self.members.select(
                nw.col("household_id"), nw.col("key").cast(nw.String).alias("spouse_key"), nw.lit(True).alias("spouse_listed")
            ).unique()  # fmt: skip
            frame = frame.with_columns(nw.col("spouse_key").cast(nw.String))
            frame = frame.join(listed, on=["household_id", "spouse_key"], how="left")
        return frame

    def placed(self, households: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """`place` cut down to the place judged: villages and towns are answered by the nearest place given."""
        codes = self.engine.collect(households.select("place").unique())["place"].to_list()
        known = set(self.places)
        rows = []
        for code in codes:
            found = next((p for p in (str(code)[:n] for n in range(len(str(code)), 0, -1)) if p in known), None)
            if found is not None:
                rows.append((code, found))
        table = pl.DataFrame(rows, schema={"place": pl.String, "place__": pl.String}, orient="row")
        joined = households.join(self.engine.take(table), on="place", how="inner").drop("place")
        return self.engine.store(joined.rename({"place__": "place"}))

    def narrowed(self, bundle: _Bundle, everywhere: bool) -> _Narrowed:
        """The families that have a row in the bundle's registers, with their hits; nothing is worked out yet."""
        kinds = [k for k in bundle.rules[0].kinds if k in self.hits]
        hits = {k: self.hits[k] for k in kinds}
        households = self.households
        if not everywhere:
            chosen = self.engine.take(pl.DataFrame({"place": [p.place for p in bundle.plans]}))
            households = self.engine.store(households.join(chosen, on="place", how="semi"))
            own = households.select("household_id")
            hits = {k: self.engine.store(f.join(own, on="household_id", how="semi")) for k, f in hits.items()}
        ids = nw.concat([f.select("household_id") for f in hits.values()]).unique()
        members = None
        if any(s.level == MEMBERS or s.child_level == MEMBERS for s in bundle.model.slots.values()):
            members = self.members.join(ids, on="household_id", how="semi")
        if any(s.level == LEVEL_ROOT for s in bundle.model.slots.values()):
            households = households.join(ids, on="household_id", how="semi")
        return _Narrowed(bundle, hits, households, members)

    def found(self, bundles: Sequence[_Bundle]) -> list[_Found]:
        """The rules of all bundles over the families they look at."""
        parts = [self.narrowed(b, everywhere=len(b.plans) == len(self.places)) for b in bundles]
        asked = [p for p in parts if p.members is not None]
        kept = self.engine.store_many([p.members for p in asked if p.members is not None])
        for part, members in zip(asked, kept, strict=True):
            part.members = members
        return [self.run(part) for part in parts]

    def run(self, part: _Narrowed) -> _Found:
        """One bundle: level -> outputs, not worked out yet."""
        levels = {REGISTER + k for k in part.hits}
        keys = Keys(
            {LEVEL_ROOT: "household_id", MEMBERS: "person_id", **dict.fromkeys(levels, "row_id")},
            {MEMBERS: "household_id", **dict.fromkeys(levels, "person_id")},
        )
        members = self.members if part.members is None else part.members
        frames = {LEVEL_ROOT: part.households, MEMBERS: members, **{REGISTER + k: f for k, f in part.hits.items()}}
        native = {level: nw.to_native(f) for level, f in frames.items()}
        bundle = part.bundle
        found = run_bulk(bundle.plans, bundle.model, native, keys=keys, connection=self.engine.connection)
        return _Found(bundle, {level: nw.from_native(f).lazy() for level, f in found.items()}, part.hits)

    def answers(self, bundles: Sequence[_Bundle]) -> list[grading.Answer]:
        """Each rule with what it said of whom, and the rows that rest below it. Three rounds for all bundles together."""
        asked: list[_Asked] = []
        said = []
        for found in self.found(bundles):
            for level in dict.fromkeys(r.level for r in found.bundle.rules):
                if level not in found.levels:  # no frame of this register: nothing can be true
                    continue
                rules = [r for r in found.bundle.rules if r.level == level]
                columns = [nw.col(column_name(r.rule)) for r in rules]
                said.append(
                    found.levels[level].filter(
                        nw.any_horizontal(*((c | c.is_null()) for c in columns), ignore_nulls=True)
                    )
                )
                asked.append(_Asked(found, level, rules))
        for one, table in zip(asked, self.engine.collect_many(said), strict=True):
            one.table = table
        asked = [one for one in asked if one.table.height]
        self.bring_rows(asked)
        self.bring_above(asked)
        self.bring_tests(asked)
        out = []
        for one in asked:
            for rule in one.rules:
                name = column_name(rule.rule)
                true, unknown = one.table.filter(pl.col(name)), one.table.filter(pl.col(name).is_null())
                out.append(
                    grading.Answer(rule, self.home(true), unknown, one.rows_of(rule), one.found.bundle.model.slots)
                )
        return out

    def home(self, true: pl.DataFrame) -> pl.DataFrame:
        """With the place each family is judged by."""
        if len(self.places) == 1:
            return true.with_columns(pl.lit(self.places[0]).alias("place"))
        if self.where is None:
            self.where = self.engine.collect(self.households.select("household_id", "place"))
        return true.join(self.where, on="household_id", how="inner")

    def bring_rows(self, asked: Sequence[_Asked]) -> None:
        """The register rows below what was true or, of a rule over register rows, said at all; and the family of such rows."""
        wanted = []
        for one in asked:
            own = kind_of(one.level)
            true = one.table.filter(pl.any_horizontal(pl.col([column_name(r.rule) for r in one.rules])))
            for kind, frame in one.found.hits.items():
                ids = self.engine.take((one.table if kind == own else true).select(one.key).unique())
                wanted.append((one, kind, frame.join(ids, on=one.key, how="semi")))
        rows = self.engine.collect_many([frame for _, _, frame in wanted])
        for (one, kind, _), frame in zip(wanted, rows, strict=True):
            one.whole[kind] = frame
        for one in asked:
            own = kind_of(one.level)
            if own:
                home = one.whole[own].select("row_id", "household_id")
                one.table = one.table.join(home, on="row_id", how="inner")

    def bring_above(self, asked: Sequence[_Asked]) -> None:
        """The figures the rules show from levels above."""
        wanted = []
        for one in asked:
            slots = one.found.bundle.model.slots
            upper: dict[str, list[str]] = {}
            for name in dict.fromkeys(n for r in one.rules for n in r.shows):
                if name in slots and slots[name].level not in (one.level, "place"):
                    upper.setdefault(slots[name].level, []).append(column_name(name))
            for above, columns in upper.items():
                key = "household_id" if above == LEVEL_ROOT else "person_id"
                ids = self.engine.take(one.table.select(key).unique())
                values = one.found.levels[above].join(ids, on=key, how="semi").select(key, *columns)
                wanted.append((one, key, values))
        found = self.engine.collect_many([values for _, _, values in wanted])
        for (one, key, _), values in zip(wanted, found, strict=True):
            one.table = one.table.join(values, on=key, how="left")

    def bring_tests(self, asked: Sequence[_Asked]) -> None:
        """Which of the rows below an answer its rule names (`rows`)."""
        wanted = []
        for one in asked:
            for rule in one.rules:
                subjects = one.table.filter(pl.col(column_name(rule.rule))).select(one.key)
                for kind, frame in one.whole.items():
                    own = frame.join(subjects, on=one.key, how="semi")
                    one.below[rule.code, kind] = own
                    tests = [column_name(n) for n in rule.rows if self.level_of(n) == REGISTER + kind]
                    if tests and own.height:
                        test = nw.any_horizontal(*(nw.col(c) for c in tests), ignore_nulls=True)
                        chosen = self.engine.take(own.select("row_id"))
                        passed = one.found.levels[REGISTER + kind].filter(test).select("row_id")
                        wanted.append((one, rule.code, kind, passed.join(chosen, on="row_id", how="semi")))
        found = self.engine.collect_many([passed for *_, passed in wanted])
        for (one, code, kind, _), passed in zip(wanted, found, strict=True):
            one.named[code, kind] = one.below[code, kind].join(passed, on="row_id", how="semi")

    def level_of(self, rule: str) -> str:
        return next((t.level for t in self.book.rules[rule].texts if t.level), LEVEL_ROOT)


def judge(
    book: Book, places: str | Sequence[str], day: date, *, roll: Any, members: Any, households: Any, hits: Mapping[str, Any],
    declared: Mapping[str, pl.DataFrame] | None = None, identity: Mapping[str, Sequence[str]] | None = None,
    codes: Iterable[str] | None = None, month: Month | None = None, engine: str = "polars", connection: Any = None,
    session: Any = None,
) -> Findings:  # fmt: skip
    """Judges all hits of a place, or of all places of a prefecture.

    Args:
        places: significant codes (or standard areas) whose rules hold; with several, each household is answered by the
            longest that its `place` begins with.
        day: the case date: picks rule texts, structural values and clue rules. The month paid for (`month`) is its month.
        roll: who is paid what: `household_id`, `programme`, and if there are any `person_id` (null: the whole family),
            `category` (`urban`, `rural`), `family_class` (class_a …). Several rows a family: the gravest severity counts.
        members: `person_id`, `household_id`, `key`, and the members' facts the rules look at.
        households: `household_id`, `place` (with several places), and the household's facts.
        hits: kind -> register rows about persons on the roll (`matching.link`): `row_id` (once a kind), `person_id`,
            `household_id`, `key`, the kind's columns (money in fen), `as_of`, `stale`, `name_state`, `check_state`.
        declared: kind -> what families said themselves: `household_id` and columns of the kind's identity.
        identity: kind -> the profile's identity columns, used where a clue rule names none.
        codes: only these clue rules.
        engine: `polars`, `duckdb` or `spark`; frames may be its own or Polars. Ids are integers.

    Raises: MembersTwiceError; PolicyErrors if a formula cannot be compiled; MissingColumnError if a required fact has no column.
    """
    chosen = [places] if isinstance(places, str) else list(dict.fromkeys(places))
    on = Engine(engine, connection, session)
    paid = month or Month.of(day)
    bundles = _bundles(book, chosen, day, paid, hits, codes)
    work = _Judge(book, on, members, households, hits, chosen)
    told = work.answers(bundles)
    ids = pl.concat([a.true.select("household_id") for a in told], how="vertical").unique() if told else None
    paid_rows = pl.DataFrame(schema={"household_id": pl.Int64, "programme": pl.String})
    if ids is not None:
        paid_rows = on.collect(on.take(roll).join(on.take(ids), on="household_id", how="semi"))
    found_all = grading.graded(book, told, paid_rows, declared or {}, identity or {})
    kinds = {k: on.height(f, work.hits[k]) for k, f in hits.items()}
    prints = sorted({f for b in bundles for f in (*(r.fingerprint for r in b.rules), b.model.fingerprint)})
    return Findings(
        found_all.findings,
        found_all.hits,
        found_all.unknown,
        found_all.declared,
        found_all.rules,
        kinds,
        digest("\n".join(prints)),
    )


def fresh(found: Findings, answered: pl.DataFrame) -> Findings:
    """Without what has been answered before and has not changed.

    Args:
        answered: `person_id`, `rule_code`, `fact_hash` of every clue there is, open ones too.
    """
    keys = ["person_id", "rule_code", "fact_hash"]
    left = found.findings.join(answered.select(keys).unique(), on=keys, how="anti")
    before = dict(found.findings.group_by("rule_code").len().iter_rows())
    after = dict(left.group_by("rule_code").len().iter_rows())
    stale = dict(left.filter("stale").group_by("rule_code").len().iter_rows())
    rules = {
        code: replace(j, raised=after.get(code, 0), known=before.get(code, 0) - after.get(code, 0), stale=stale.get(code, 0))
        for code, j in found.rules.items()
    }  # fmt: skip
    rows = left.select("rule_code", pl.col("rows").alias("row_id"), pl.col("household_id")).explode("row_id")
    hits = found.hits.join(rows, on=["rule_code", "row_id", "household_id"], how="semi")
    return replace(found, findings=left, hits=hits, rules=rules)


def explain_clue(
    book: Book, place: str, day: date, code: str, family: Mapping[str, Any], path: Sequence[int] = (), *,
    month: Month | None = None,
) -> Explanation:  # fmt: skip
    """Why this is a clue: the same rule over one family, every figure with its arithmetic and clause.

    Args:
        family: Family JSON with the register rows below their members (`{"members": [{"reg_vehicle": [{…}]}]}`).
        path: which row: member number, then number of the register row; empty for a rule over the family.

    Raises: KeyError if the place has no such clue rule; FamilyErrors with every fault of the family.
    """
    rule = next((r for r in book.clue_rules(place, day) if r.code == code), None)
    if rule is None:
        raise KeyError(code)
    depth = 0 if rule.level == LEVEL_ROOT else 1 if rule.level == MEMBERS else 2
    return explain_rule(
        plan_for(book, place, day, month or Month.of(day)), rule.rule, family, tuple(path)[:depth], also=rule.shows
    )


def register_row(book: Book, kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """A hit's columns as a row of a Family JSON: yuan for fen, decimals for scaled numbers; what is no fact is left out."""
    out: dict[str, Any] = {}
    facts = {f.name: f for f in book.draft.facts if f.level == REGISTER + kind}
    for column, value in values.items():
        fact = facts.get(column)
        if fact is None or value is None:
            continue
        enum = book.enums.get(fact.type)
        if enum is not None and str(value) not in enum.values:
            continue
        scaled = fact.type in ("money", "number", "ratio")
        out[fact.name] = (
            str(Decimal(value).scaleb(-fact.places)) if scaled else value if fact.type == "bool" else str(value)
        )
    return out
