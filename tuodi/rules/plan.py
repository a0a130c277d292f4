"""A plan: the rules of one place on one case date for one month, ready to decide a family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tuodi.kernel.periods import Month
from tuodi.policy.book import ASSUMED, Book
from tuodi.policy.faults import Fault, PolicyErrors, did_you_mean
from tuodi.policy.model import LEVEL_PLACE, LEVEL_ROOT, ParamValue, Programme, RuleText
from tuodi.rules.assume import read_assumptions
from tuodi.rules.family import FamilyErrors, InputFault, Inputs, read_family
from tuodi.rules.lower import Lowerer
from tuodi.rules.scalar import compile_scalar
from tuodi.rules.slots import Model, Slot

if TYPE_CHECKING:
    from tuodi.rules.explain import Explanation

__all__ = ["Plan", "ProgrammeResult", "RowResult", "TestResult", "plan_for"]


def ymd(day: date) -> int:
    return day.year * 10000 + day.month * 100 + day.day


@dataclass(frozen=True)
class TestResult:
    """One condition: `pass`, `fail` or `unknown`, with what to tell the family when it fails."""

    __test__ = False  # not a test class

    name: str
    label: str
    result: str
    reason: str
    clause: str


@dataclass(frozen=True)
class RowResult:
    """What one entitled unit gets: the household (`row` None) or one member (`row` its number).

    `amount_fen` is None where it is unknown or the programme pays no money; components are payable each by itself.
    """

    row: int | None
    name: str
    outcome: str
    amount_fen: int | None
    components: dict[str, int | None]
    start_month: Month | None
    tests: tuple[TestResult, ...]
    missing: tuple[str, ...]


@dataclass
class ProgrammeResult:
    """The answer of one programme for one family."""

    programme: str
    label: str
    unit: str
    period: str
    outcome: str
    amount_fen: int | None
    rows: list[RowResult]
    missing: tuple[str, ...]
    fingerprint: str
    model: Model
    inputs: Inputs
    plan: Plan
    absent: tuple[str, ...] = ()

    @property
    def components(self) -> dict[str, int | None]:
        return self.rows[0].components if len(self.rows) == 1 else {}

    @property
    def start_month(self) -> Month | None:
        return next((r.start_month for r in self.rows if r.start_month), None)

    @property
    def tests(self) -> tuple[TestResult, ...]:
        return self.rows[0].tests if len(self.rows) == 1 else ()

    @property
    def values(self) -> dict[str, Any]:
        """Every value of the place and household rows by slot key, in inner integers."""
        return {k: v for k, v in {**self.inputs.tree, **self.inputs.tree["household"]}.items() if k in self.model.slots}

    def explain(self) -> Explanation:
        """The graph of values behind this answer."""
        from tuodi.rules.explain import explain

        return explain(self)


def _truth(value: Any) -> str:
    return "unknown" if value is None else "pass" if value else "fail"


@dataclass
class Plan:
    """Rules, values and dates for one place. Make one with `plan_for`; it may be used for any number of families."""

    book: Book
    place: str
    chain: list[str]
    case_date: date
    month: Month
    assumed: dict[str, list[ParamValue]] = field(default_factory=dict)
    _tables: dict[str, dict[tuple[str, ...], ParamValue | None]] = field(default_factory=dict, repr=False)
    _ints: dict[int, dict[str, Any]] = field(default_factory=dict, repr=False)
    _models: dict[tuple[str, ...], Model] = field(default_factory=dict, repr=False)
    _outputs: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    #: parameters as explanations show them
    shown: dict[Any, Any] = field(default_factory=dict, repr=False)

    # ---- parameters
    def table(self, name: str) -> dict[tuple[str, ...], ParamValue | None]:
        """Every value of a numeric parameter in force in the month paid for."""
        if name not in self._tables:
            self._tables[name] = self.book.table(name, self.chain, self.month.last_day)
        return self._tables[name]

    def complete(self, name: str) -> bool:
        return all(row is not None and row.value is not None for row in self.table(name).values())

    def ints(self, model: Model) -> dict[str, Any]:
        """The parameter tables a compiled model reads: integers over the parameter's common denominator, by enum codes."""
        found = self._ints.get(id(model))
        if found is None:
            found = {}
            for slot in model.slots.values():
                if slot.kind == "param" and slot.name not in found:
                    found[slot.name] = self.table_ints(slot.name)
            self._ints[id(model)] = found
        return found

    def table_ints(self, name: str) -> Any:
        param = self.book.params[name]
        den = self.book.bounds(name)[2]
        out: dict[tuple[int, ...], int | None] = {}
        for keys, row in self.table(name).items():
            codes = tuple(self.book.enums[e].code(k) for e, k in zip(param.by, keys, strict=True))
            out[codes] = None if row is None or row.value is None else int(row.value * den)
        return out if param.by else out[()]

    @cached_property
    def builtins(self) -> dict[str, int]:
        return {
            "case_date": ymd(self.case_date), "month_no": self.month.no,
            "month_start": ymd(self.month.first_day), "month_end": ymd(self.month.last_day),
        }  # fmt: skip

    # ---- models
    @cached_property
    def texts(self) -> dict[str, RuleText]:
        """The rule texts in force here on the case date."""
        return self.book.rule_texts(self.chain, self.case_date)

    @cached_property
    def _programmes(self) -> dict[str, Programme]:
        texts = self.texts
        return {k: p for k, p in self.book.programmes.items() if p.place in self.chain and p.eligible in texts}

    def programmes(self) -> list[Programme]:
        """Programmes that have rules here on the case date."""
        return list(self._programmes.values())

    def model(self, outputs: Sequence[str]) -> Model:
        """The compiled model of some rules; shared by all places with the same texts and structural values.

        Raises: PolicyErrors if a formula cannot be lowered.
        """
        names = tuple(outputs)
        if names in self._models:
            return self._models[names]
        key = (names, self.book.text_identity(self.chain, self.case_date))
        for model in self.book.plans.get(key, ()):
            same = all(self.book.value(n, self.chain, (), self.case_date) == row for n, row in model.structural.items())
            if same and all(self.complete(n) == c for n, c in model.complete.items()):
                self._models[names] = model
                found: Model = model
                return found
        faults: list[Fault] = []
        model = Lowerer(self.book, self.chain, self.case_date, self.complete, faults).model(outputs)
        if faults:
            raise PolicyErrors(faults)
        self.book.plans.setdefault(key, []).append(model)
        self._models[names] = model
        return model

    def outputs_of(self, p: Programme) -> tuple[str, ...]:
        """The rules a programme answers with, each once."""
        found = self._outputs.get(p.id)
        if found is None:
            names = (p.eligible, *p.tests, p.amount, *p.components.values(), p.start)
            found = self._outputs[p.id] = tuple(n for n in dict.fromkeys(names) if n and n in self.texts)
        return found

    def assuming(self, assume: Mapping[str, Any] | None) -> Plan:
        """The same plan with supposed parameter values, printed 假设 wherever they are used. Raises FamilyErrors."""
        if not assume:
            return self
        extra = read_assumptions(self.book, assume)
        return Plan(self.book.overlaid(extra), self.place, [ASSUMED, *self.chain], self.case_date, self.month, extra)

    # ---- deciding
    def decide(
        self, family: Mapping[str, Any], programme: str | None = None, *, also: Sequence[str] = ()
    ) -> list[ProgrammeResult]:
        """Decides one family: every programme of the place, or the one named.

        Args:
            family: Family JSON (see `tuodi.rules.family`); `assume` in it is honoured.
            programme: the id of one programme.
            also: further rules whose values are wanted (worked examples use this).

        Raises: FamilyErrors with every fault of the input.
        """
        plan = self.assuming(family.get("assume")) if isinstance(family, Mapping) else self
        known = plan._programmes
        if programme is not None and programme not in known:
            raise FamilyErrors(
                [
                    InputFault(
                        "programme",
                        f"{self.place} 在 {self.case_date} 没有项目“{programme}”{did_you_mean(programme, known)}；可用: {'、'.join(known)}",
                    )
                ]
            )
        inputs = read_family(plan.book, plan.chain, family)
        if programme is not None:
            return [plan.decide_one(known[programme], inputs, also)]
        return [plan.decide_one(p, inputs.fresh(), also) for p in known.values()]

    def decide_one(self, p: Programme, inputs: Inputs, also: Sequence[str] = ()) -> ProgrammeResult:
        """Decides one programme; its values are written into the rows of `inputs`."""
        outputs = self.outputs_of(p)
        if also:
            outputs = tuple(dict.fromkeys((*outputs, *also)))
        model = self.model(outputs)
        absent = [(at, f) for at, f in inputs.absent if f.key in model.slots]
        if absent:
            labels = tuple(dict.fromkeys(f.label for _, f in absent))
            return ProgrammeResult(
                p.id,
                p.label,
                p.unit,
                p.period,
                "unknown",
                None,
                [],
                labels,
                model.fingerprint,
                model,
                inputs,
                self,
                labels,
            )
        compile_scalar(model)(inputs.tree, self.ints(model), self.builtins)
        rows = self.rows(p, model, inputs)
        outcomes = [r.outcome for r in rows]
        outcome = "pass" if "pass" in outcomes else "unknown" if "unknown" in outcomes else "fail"
        amounts = [r.amount_fen for r in rows if r.outcome == "pass"]
        total = (
            None
            if not p.amount or outcome == "unknown" or None in amounts
            else sum(a for a in amounts if a is not None)
        )
        missing = tuple(dict.fromkeys(m for r in rows for m in r.missing))
        return ProgrammeResult(
            p.id, p.label, p.unit, p.period, outcome, total, rows, missing, model.fingerprint, model, inputs, self
        )

    def rows(self, p: Programme, model: Model, inputs: Inputs) -> list[RowResult]:
        tree = inputs.tree
        if p.unit == LEVEL_PLACE:
            units: list[tuple[int | None, dict[str, Any], str]] = [(None, tree, self.place)]
        elif p.unit == LEVEL_ROOT:
            units = [(None, tree["household"], inputs.names.get((LEVEL_ROOT, ()), ""))]
        else:
            units = [
                (i, row, inputs.names.get((p.unit, (i,)), ""))
                for i, row in enumerate(tree["household"].get(p.unit, []))
            ]
        out = []
        for number, row, name in units:

            def get(key: str, row: dict[str, Any] = row) -> Any:
                slot = model.slots.get(key)
                if slot is None:
                    return None
                owner = tree if slot.level == LEVEL_PLACE else tree["household"] if slot.level == LEVEL_ROOT else row
                return owner.get(key)

            outcome = _truth(get(p.eligible))
            tests = tuple(
                TestResult(t, model.slots[t].text.label, _truth(get(t)), model.slots[t].text.reason, model.slots[t].text.clause)  # type: ignore[union-attr]
                for t in p.tests if t in model.slots
            )  # fmt: skip
            amount = self.fen(model, p.amount, get(p.amount)) if p.amount in model.slots else None
            parts = {k: self.fen(model, n, get(n)) for k, n in p.components.items() if n in model.slots}
            no = get(p.start) if p.start else None
            start = Month((no - 1) // 12, no - (no - 1) // 12 * 12) if no else None
            open_ = [key for key in (p.eligible, p.amount) if key in model.slots and get(key) is None]
            missing = tuple(dict.fromkeys(m for key in open_ for m in self.missing(model, inputs, key, number)))
            out.append(RowResult(number, name, outcome, amount, parts, start, tests, missing))
        return out

    def fen(self, model: Model, key: str, value: Any) -> int | None:
        if value is None:
            return None
        scale = model.slots[key].scale
        return int(value) if scale == 1 else int(value * scale)

    def missing(self, model: Model, inputs: Inputs, key: str, number: int | None) -> list[str]:
        """The leaves that would settle an unknown: facts not answered and parameters without a value."""
        out: dict[str, None] = {}
        seen: set[tuple[str, tuple[int, ...]]] = set()
        household = inputs.tree["household"]

        def owner(slot: Slot, path: tuple[int, ...]) -> dict[str, Any]:
            if slot.level == LEVEL_PLACE:
                return inputs.tree
            row: dict[str, Any] = household
            names = []
            level = slot.level
            while level != LEVEL_ROOT:
                names.append(level)
                level = model.levels[level]
            for name, i in zip(reversed(names), path, strict=False):
                row = row[name][i]
            return row

        def walk(at: str, path: tuple[int, ...]) -> None:
            slot = model.slots[at]
            depth = model.depth(slot.level) - 1
            path = path[: max(depth, 0)]
            if (at, path) in seen or owner(slot, path).get(at) is not None:
                return
            seen.add((at, path))
            if slot.kind == "fact":
                fact = next(f for f in self.book.draft.facts if f.key == at)
                if fact.missing != "none":
                    who = inputs.names.get((slot.level, path), f"第{path[-1] + 1}行" if path else "")
                    out[f"{fact.label}（{who}）" if path else fact.label] = None
            elif slot.kind == "param":
                param = self.book.params[slot.name]
                out[f"参数：{param.label}"] = None
            elif slot.kind == "agg":
                for i in range(len(owner(slot, path).get(slot.child_level, []))):
                    walk(slot.child, (*path, i))
            else:
                for dep in slot.deps:
                    walk(dep, path)
                if not slot.deps:
                    for name, row in model.structural.items():
                        if row is None or row.value is None:
                            out[f"参数：{self.book.params[name].label}"] = None

        walk(key, () if number is None else (number,))
        return list(out)


def plan_for(book: Book, place: str, case_date: date, month: Month | None = None) -> Plan:
    """The plan of a place.

    Args:
        place: significant place code or standard area.
        case_date: picks rule texts and structural parameters (the decision date).
        month: the month paid for; the month after the case date unless given.
    """
    return Plan(book, place, book.chain(place), case_date, month or Month.of(case_date).next())
