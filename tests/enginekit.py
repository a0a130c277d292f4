"""Small packs and families for tests of the rule engine: one text, decided by every engine, compared value by value."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from tuodi.policy.book import Book
from tuodi.policy.faults import Fault
from tuodi.policy.load import read_book
from tuodi.policy.model import LEVEL_PLACE, LEVEL_ROOT
from tuodi.rules.bulk import Keys, column_name, run_bulk
from tuodi.rules.check import check_book
from tuodi.rules.family import read_family
from tuodi.rules.plan import Plan, plan_for
from tuodi.rules.scalar import compile_scalar
from tuodi.rules.slots import Model

ENGINES = ("polars", "duckdb")
_PACKS = itertools.count(1)

#: Words every small pack may use.
WORDS = """
pack: {place: cn}
instruments:
  "57": {title: 最低生活保障审核确认办法, number: 民发〔2021〕57号, issued: 2021-06-11, in_force: 2021-07-01}
  DC: {title: 约定, number: "-", kind: convention}
  假想: {title: 假想文件, number: "-", kind: hypothetical}
enums:
  area_kind: {label: 城乡, values: {urban: 城市, rural: 农村}}
  outcome: {label: 结论, values: {receive: 享受, grace: 渐退, stop: 停发}}
  round_mode: {label: 取整方式, values: {half_up: 四舍五入, up: 进位, down: 舍去}}
  income_kind: {label: 收入类别, values: {wage: 工资, pension: 养老金, aid: 救助款}}
collections:
  members: {of: household, label: 家庭成员, unit: 人, max: 30}
  incomes: {of: members, label: 收入项目, unit: 项, max: 20}
facts:
  place:
    cpi: {type: ratio, unit: "%", label: 物价涨幅, places: 1, min: -20, missing: unknown, source: index}
  household:
    area_kind: {type: area_kind, label: 城乡}
    income_year: {type: money, unit: 元/年, label: 家庭年收入, missing: unknown}
    rigid: {type: money, unit: 元/月, label: 刚性支出, missing: "0"}
    assets_ok: {type: bool, label: 财产符合规定, missing: unknown}
    flag_a: {type: bool, label: 甲, missing: unknown}
    flag_b: {type: bool, label: 乙, missing: unknown}
    x: {type: number, unit: 数, label: 某数, min: -1000, max: 1000, missing: unknown}
    y: {type: number, unit: 数, label: 另一数, min: -1000, max: 1000, missing: unknown}
    k: {type: number, unit: 人, label: 人数, max: 100, missing: unknown}
    amount: {type: money, unit: 元/月, label: 某金额, max: 100000, missing: unknown}
    paid_until: {type: date, label: 渐退末日, missing: none}
    state: {type: outcome, label: 原结论, missing: unknown}
  members:
    birth: {type: date, label: 出生日期, missing: unknown}
    died: {type: date, label: 死亡日期, missing: none}
    disabled: {type: bool, label: 残疾, missing: "false"}
    share: {type: money, unit: 元/月, label: 成员份额, max: 100000, missing: unknown}
    memo: {type: text, label: 备注, missing: unknown}
  incomes:
    kind: {type: income_kind, label: 收入种类}
    item: {type: money, unit: 元/月, label: 收入金额, max: 100000, missing: unknown}
"""

#: Rounding of the programme `t`.
ROUNDING = """
pay_unit: {label: 取整单位, unit: 元, value: 0.01, clause: DC}
pay_mode: {label: 取整方式, unit: 枚举, of: round_mode, value: half_up, clause: DC}
"""


def indent(text: str, by: int = 2) -> str:
    return "\n".join(" " * by + line if line.strip() else line for line in text.strip("\n").splitlines())


def pack(
    rules: Mapping[str, str] | None = None,
    *,
    parameters: str = "",
    head: str = "place: cn, programme: t",
    tail: str = "",
) -> str:
    """A document of programme `t`. A rule is written `单位 | 公式` or `级别 | 单位 | 公式`; roles follow after `|`."""
    lines = [f"pack: {{{head}}}"]
    if parameters:
        lines += ["parameters:", indent(parameters)]
    if rules:
        lines.append("rules:")
        for name, text in rules.items():
            parts = [p.strip() for p in text.split("|")]
            level = f"level: {parts.pop(0)}, " if len(parts) > 2 and parts[0] in ("place", "members", "incomes") else ""
            role = f", role: {parts[2]}" if len(parts) > 2 else ""
            lines.append(
                f'  {name}: {{{level}label: {name}, unit: "{parts[0]}", clause: DC{role}, formula: "{parts[1]}"}}'
            )
    return "\n".join(lines) + "\n" + tail


def read(folder: Path, *documents: str) -> tuple[Book, list[Fault]]:
    """A book of the words above and the documents, each in a file of its own (`p1.yaml`, …), and all its faults."""
    here = folder / f"pack{next(_PACKS)}"
    here.mkdir()
    (here / "words.yaml").write_text(WORDS, encoding="utf-8")
    for i, text in enumerate(documents, 1):
        (here / f"p{i}.yaml").write_text(text, encoding="utf-8")
    book, faults = read_book([here])
    return book, sorted({*faults, *(f for f in check_book(book) if f.severity == "error")})


def book_of(folder: Path, *documents: str) -> Book:
    """The same, and there must be no fault."""
    book, faults = read(folder, *documents)
    assert not faults, "\n".join(map(str, faults))
    return book


def formulas(folder: Path, rules: Mapping[str, str], *, parameters: str = ROUNDING) -> Book:
    """A book of programme `t` with these rules."""
    return book_of(folder, pack(rules, parameters=parameters))


# ---- one model on every engine


def scalar_tree(plan: Plan, model: Model, family: Mapping[str, Any]) -> dict[str, Any]:
    inputs = read_family(plan.book, plan.chain, family)
    compile_scalar(model)(inputs.tree, plan.ints(model), plan.builtins)
    return inputs.tree


def _levels(model: Model) -> list[str]:
    return sorted((level for level in model.levels if level != LEVEL_PLACE), key=model.depth)


def _rows(tree: Mapping[str, Any], level: str, model: Model) -> list[tuple[tuple[int, ...], dict[str, Any]]]:
    """Every row of a level with the numbers that lead to it."""
    if level == LEVEL_ROOT:
        return [((), tree["household"])]
    out = []
    for path, row in _rows(tree, model.levels[level], model):
        out += [((*path, i), child) for i, child in enumerate(row[level])]
    return out


def frames_of(
    book: Book, model: Model, families: Sequence[tuple[Plan, Mapping[str, Any]]]
) -> tuple[dict[str, Any], Keys]:
    """Families as Polars frames, one a level, the way a roll keeps them: dates as dates, choices by name, money in fen.

    Keys are texts like `7/0/2`: the family's number and the numbers of the rows below it.
    """
    import polars as pl

    columns: dict[str, dict[str, list[Any]]] = {}
    types: dict[str, dict[str, Any]] = {}
    own = {level: f"id_{level}" for level in _levels(model)}
    up = {level: f"id_{model.levels[level]}" for level in _levels(model) if level != LEVEL_ROOT}
    for level in _levels(model):
        facts = list({f.key: f for f in book.draft.facts if f.level == level and f.type != "text"}.values())
        kinds = {
            f.name: pl.Boolean
            if f.type == "bool"
            else pl.Date
            if f.type == "date"
            else pl.String
            if f.type in book.enums
            else pl.Int64
            for f in facts
        }
        heads = {own[level]: pl.String} | ({up[level]: pl.String} if level in up else {"place": pl.String})
        types[level] = heads | kinds
        body: dict[str, list[Any]] = {name: [] for name in types[level]}
        columns[level] = body
        for number, (plan, family) in enumerate(families):
            tree = read_family(plan.book, plan.chain, family).tree
            for path, row in _rows(tree, level, model):
                ident = "/".join(map(str, (number, *path)))
                body[own[level]].append(ident)
                if level in up:
                    body[up[level]].append(ident.rsplit("/", 1)[0])
                else:
                    body["place"].append(plan.place)
                for fact in facts:
                    value = row.get(fact.key)
                    if value is not None and fact.type == "date":
                        value = date(value // 10000, value // 100 % 100, value % 100)
                    elif value is not None and fact.type in book.enums:
                        value = book.enums[fact.type].value(value)
                    body[fact.name].append(value)
    return {level: pl.DataFrame(body, schema=types[level]) for level, body in columns.items()}, Keys(own, up, "place")


def bulk_rows(
    engine: str,
    plans: Sequence[Plan],
    model: Model,
    frames: Mapping[str, Any],
    keys: Keys,
    *,
    place_facts: Mapping[str, Mapping[str, Any]] | None = None,
    session: Any = None,
    folder: Path | None = None,
) -> dict[str, dict[str, dict[str, Any]]]:
    """level -> key -> rule -> inner value, decided by `engine`: polars, duckdb or spark (with its session and a folder)."""
    connection = None
    native: dict[str, Any] = dict(frames)
    if engine == "polars":
        native = {k: f.lazy() for k, f in frames.items()}
    elif engine == "duckdb":
        import duckdb

        connection = duckdb.connect()
        connection.execute("set threads = 1")
        native = {k: connection.from_arrow(f.to_arrow()) for k, f in frames.items()}
    elif engine == "spark":
        assert folder is not None
        for k, f in frames.items():
            path = folder / f"{next(_PACKS)}-{k}.parquet"
            f.write_parquet(path)
            native[k] = session.read.parquet(str(path))
    out: dict[str, dict[str, dict[str, Any]]] = {}
    for level, result in run_bulk(
        plans, model, native, keys=keys, place_facts=place_facts, connection=connection
    ).items():
        if engine == "polars":
            rows = result.collect().to_dicts()
        elif engine == "duckdb":
            rows = result.pl().to_dicts()
        else:
            rows = [r.asDict() for r in result.collect()]
        assert len({r[keys.own[level]] for r in rows}) == len(rows), "每行只出一行"
        out[level] = {r[keys.own[level]]: r for r in rows}
    return out


def compare(
    engine: str,
    families: Sequence[tuple[Plan, Mapping[str, Any]]],
    names: Sequence[str],
    *,
    place_facts: Mapping[str, Mapping[str, Any]] | None = None,
    session: Any = None,
    folder: Path | None = None,
) -> list[tuple[str, str, Any, Any]]:
    """(row, rule, scalar value, column value) wherever the two compilers differ. All plans must share one model."""
    plans = list({p.place: p for p, _ in families}.values())
    model = plans[0].model(tuple(names))
    assert all(p.model(tuple(names)) is model for p in plans), "这些地区的规则不同，不能在一张表里算"
    frames, keys = frames_of(plans[0].book, model, families)
    got = bulk_rows(engine, plans, model, frames, keys, place_facts=place_facts, session=session, folder=folder)
    wrong: list[tuple[str, str, Any, Any]] = []
    for number, (plan, family) in enumerate(families):
        tree = scalar_tree(plan, model, family)
        for name in names:
            level = model.slots[name].level
            if level == LEVEL_PLACE:
                continue
            for path, row in _rows(tree, level, model):
                ident = "/".join(map(str, (number, *path)))
                value = got[level][ident][column_name(name)]
                if value != row[name] or isinstance(value, bool) != isinstance(row[name], bool):
                    wrong.append((ident, name, row[name], value))
    return wrong


def decide(
    book: Book,
    name: str,
    family: Mapping[str, Any],
    *,
    on: date = date(2017, 5, 10),
    place: str = "cn",
    at: tuple[int, ...] = (),
) -> Any:
    """One rule's inner value, computed by the scalar compiler and confirmed by Polars and DuckDB."""
    plan = plan_for(book, place, on)
    facts = {place: family["place_facts"]} if "place_facts" in family else None
    for engine in ENGINES:
        assert compare(engine, [(plan, family)], [name], place_facts=facts) == []
    model = plan.model((name,))
    tree = scalar_tree(plan, model, family)
    level = model.slots[name].level
    return tree[name] if level == LEVEL_PLACE else dict(_rows(tree, level, model))[at][name]


def family(members: Any = (), **household: Any) -> dict[str, Any]:
    """A family file; the household is urban unless said."""
    return {
        "household": {"area_kind": "urban", **household},
        "members": list(members) if not isinstance(members, int) else members,
    }
