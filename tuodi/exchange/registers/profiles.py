"""Profiles of registers: how one department writes one kind. YAML under ``sources/registers/``, one file a source.

A profile may ``extends`` another: columns and their value tables are merged, everything else is replaced. Header names
are written as departments are generally known to write them and are to be checked against each agreement.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tuodi.exchange.errors import ProfileError
from tuodi.exchange.profiles import squeeze

__all__ = ["KINDS", "RESERVED", "Carrier", "RegisterColumn", "RegisterProfile", "load_register", "register_profiles"]

SOURCES = Path(__file__).resolve().parents[3] / "sources" / "registers"

#: Kind -> what screens call it. The rules see each as the collection ``reg_<kind>``.
KINDS = {
    "hukou": "户籍",
    "cremation": "殡葬火化",
    "marriage": "婚姻登记",
    "vehicle": "机动车",
    "machinery": "船舶和农机",
    "estate": "不动产",
    "business": "市场主体",
    "social_insurance": "社会保险",
    "housing_fund": "住房公积金",
    "tax": "个人所得税",
    "fiscal": "财政供养人员",
    "fiscal_kin": "财政供养人员家属",
    "bank_deposit": "银行存款",
    "securities": "证券",
    "insurance_policy": "商业保险",
    "medical": "基本医疗保险",
    "disability": "残疾人证",
    "student": "学籍",
    "prison": "服刑",
    "veterans": "优抚",
    "land_subsidy": "土地和农业补贴",
    "public_housing": "公共租赁住房",
    "serious_illness": "重特大疾病",
}

#: Columns every register may have; they are not the kind's own.
RESERVED = ("id_no", "name", "status", "as_of")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RegisterColumn(_Strict):
    """One column of ours and where it stands.

    Attributes:
        label: What faults and screens call it.
        headers: Accepted headers (without spaces, brackets and unit); for JSON and XML the names of keys, a dot between
            levels.
        at: Position from 1, for text without a header line.
        span: First place (from 1) and length, for fixed width.
        type: ``key`` is an identity number kept as its 17-digit key (a spouse); ``code`` goes through `values`.
        unit: What an amount is written in. Amounts are kept in whole fen.
        places: Decimals of a number or ratio, which is kept as a whole number of the last place.
        percent: A ratio written as 35 for 0.35.
        values: Written word -> identifier.
        other: Identifier of words `values` does not name; none = 未知, with a warning.
        words: Written word -> what is read in its place (一级 -> 1).
        part_of, cut: Where the file has no column of its own, first place and length within another one.
        required: The header must be there.
        filled: A row without it cannot be used.
    """

    label: str
    headers: tuple[str, ...] = ()
    at: int | None = Field(None, ge=1)
    span: tuple[int, int] | None = None
    type: Literal["text", "number", "money", "ratio", "date", "month", "code", "bool", "key"] = "text"
    unit: Literal["yuan", "wan", "fen"] = "yuan"
    places: int = Field(0, ge=0, le=6)
    percent: bool = False
    values: dict[str, str] = Field(default_factory=dict)
    other: str | None = None
    words: dict[str, str] = Field(default_factory=dict)
    part_of: str = ""
    cut: tuple[int, int] | None = None
    required: bool = False
    filled: bool = False


class Carrier(_Strict):
    """What the file is.

    Attributes:
        type: ``text`` delimited; ``fixed`` width; ``workbook`` xls or xlsx; ``json``; ``xml``.
        delimiter: Of text; empty = found out among comma, tab, bar and semicolon.
        header: Lines of column names, 0 = none (columns say `at`); of two, the upper names groups.
        quoted: Cells may stand in quotation marks.
        measure: What `span` counts.
        sheet: Name of the sheet where a workbook has several.
        shape: JSON: one ``array`` (below the path `records`), or an object a line.
        records: JSON: keys to the array, a dot between; XML: name of the element of one record.
    """

    type: Literal["text", "fixed", "workbook", "json", "xml"] = "text"
    delimiter: Literal["", ",", "\t", "|", ";", "^", "~"] = ""
    header: int = Field(1, ge=0, le=2)
    quoted: bool = True
    measure: Literal["chars", "bytes"] = "chars"
    sheet: str | None = None
    shape: Literal["array", "lines"] = "array"
    records: str = ""


class RegisterProfile(_Strict):
    """One department's way to write one kind.

    Attributes:
        encodings: Accepted; GB18030 is read as such, never as GBK. A byte order mark decides by itself.
        search_rows: Lines from the top within which the header must stand.
        alive, ended: Words of the status column; ended rows are kept as stale.
        identity: Columns that make a row the same thing over time (the plate).
        rules: Columns clue rules look at; they are opened in each sweep.
        says_as_of, says_rows: What lines above the header or below the data say of the file: patterns with a group
            ``day`` or ``rows``.
        must_say: A file without these sayings is cut short or another's.
        totals: Words that make a row a sum.
        freshness_days: A row older than this on the day of the batch is stale.
        valid_from: First day the department writes so; null = ever.
        accept: Largest share of rows that may be rejected before the file is refused as a whole, in per cent.
    """

    name: str
    label: str
    kind: str
    department: str
    note: str = ""
    carrier: Carrier = Carrier()
    encodings: tuple[Literal["utf-8", "gb18030", "utf-16"], ...] = ("utf-8", "gb18030")
    search_rows: int = Field(25, ge=1, le=200)
    columns: dict[str, RegisterColumn]
    alive: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    identity: tuple[str, ...]
    rules: tuple[str, ...]
    says_as_of: str = ""
    says_rows: str = ""
    must_say: tuple[Literal["as_of", "rows"], ...] = ()
    totals: tuple[str, ...] = ("小计", "合计", "总计", "累计")
    freshness_days: int = Field(90, ge=1)
    valid_from: date | None = None
    accept: int = Field(50, ge=0, le=100)

    @property
    def own(self) -> dict[str, RegisterColumn]:
        """The columns of the kind, without the reserved ones."""
        return {name: column for name, column in self.columns.items() if name not in RESERVED}

    def header_index(self) -> dict[str, str]:
        """Squeezed header -> column. ProfileError if two columns claim one header."""
        index: dict[str, str] = {}
        for name, column in self.columns.items():
            for header in column.headers:
                other = index.setdefault(squeeze(header), name)
                if other != name:
                    raise _fault(self.name, f"列名“{header}”同时属于 {other} 和 {name}", "让每个列名只归一列")
        return index


def register_profiles(folder: Path = SOURCES) -> dict[str, RegisterProfile]:
    """Every usable profile by name. Files that begin with ``_`` are only there to be extended."""
    return {path.stem: load_register(path.stem, folder) for path in sorted(folder.glob("[a-z0-9]*.yaml"))}


@cache
def load_register(name: str, folder: Path = SOURCES) -> RegisterProfile:
    """Reads one profile with what it extends.

    Raises:
        ProfileError: absent, not YAML, or wrong; says which file, what and how to mend it.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name) or not (folder / f"{name}.yaml").is_file():
        known = "、".join(path.stem for path in sorted(folder.glob("[a-z0-9]*.yaml")))
        raise ProfileError(name, f"sources/registers 中没有这个模板；现有：{known}")
    try:
        profile = RegisterProfile.model_validate(_merged(name, folder, ()))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise _fault(name, f"{where} 有误：{first['msg']}", "对照 docs/howto/add-a-register.md 改正这一项") from error
    _check(profile)
    return profile


def _fault(name: str, why: str, remedy: str) -> ProfileError:
    return ProfileError(name, f"文件 sources/registers/{name}.yaml 中{why}；请{remedy}")


def _check(profile: RegisterProfile) -> None:
    name = profile.name
    if profile.kind not in KINDS:
        raise _fault(name, f" kind “{profile.kind}”不是登记种类", f"从这些种类中选：{'、'.join(KINDS)}")
    if "id_no" not in profile.columns:
        raise _fault(name, "没有 id_no 列", "写明证件号码在哪一列")
    profile.header_index()
    own = profile.own
    for field, listed in (("identity", profile.identity), ("rules", profile.rules)):
        for column in listed:
            if column not in own:
                raise _fault(name, f" {field} 中的 {column} 不是本模板的列", "改成 columns 中有的列名")
    carrier = profile.carrier
    for field, column in profile.columns.items():
        where = f" columns.{field} "
        if carrier.type == "fixed" and (column.span is None or min(column.span) < 1):
            raise _fault(name, f"{where}没有写 span", "写上起始位置和长度，如 span: [1, 18]")
        if carrier.type == "text" and not carrier.header and column.at is None:
            raise _fault(name, f"{where}没有写 at", "没有表头的文件要写第几列，如 at: 3")
        if (
            carrier.type != "fixed"
            and (carrier.type in ("json", "xml") or carrier.header)
            and not (column.headers or column.part_of)
        ):
            raise _fault(name, f"{where}没有写 headers", "写上文件中的列名")
        if column.part_of and (column.part_of not in profile.columns or column.cut is None):
            raise _fault(name, f"{where}的 part_of 或 cut 不对", "part_of 写本模板的列，cut 写起始位置和长度")
        if column.type == "code" and not column.values:
            raise _fault(name, f"{where}没有写 values", "写上每个写法对应的代码")
    if (profile.alive or profile.ended) and "status" not in profile.columns:
        raise _fault(name, "写了 alive 或 ended 却没有 status 列", "在 columns 中写明状态列")
    if both := set(profile.alive) & set(profile.ended):
        raise _fault(name, f"状态“{min(both)}”既在 alive 又在 ended 中", "只留一处")
    if carrier.type == "xml" and not carrier.records:
        raise _fault(name, "没有写 carrier.records", "写上一条记录的元素名")
    for field, group in (("says_as_of", "day"), ("says_rows", "rows")):
        pattern = getattr(profile, field)
        try:
            good = not pattern or group in re.compile(pattern).groupindex
        except re.error as error:
            raise _fault(name, f" {field} 不是合法的式样（{error}）", "改正括号和反斜线") from error
        if not good:
            raise _fault(name, f" {field} 没有名为 {group} 的组", f"写成 (?P<{group}>…)")
    for said in profile.must_say:
        if not getattr(profile, f"says_{said}"):
            raise _fault(name, f" must_say 要求 {said}，却没有写 says_{said}", f"写上 says_{said}")


def _merged(name: str, folder: Path, above: tuple[str, ...]) -> dict[str, Any]:
    path = folder / f"{name}.yaml"
    if not path.is_file():
        raise _fault(above[-1] if above else name, f" extends 的 {name} 不存在", "核对文件名")
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _fault(name, f"内容不是合法的 YAML：{error}", "核对缩进、冒号和引号") from error
    if not isinstance(data, dict):
        raise _fault(name, "内容不是键值表", "从 label: 写起")
    base = data.pop("extends", None)
    data["name"] = name
    if base is None:
        return data
    if base in above or base == name:
        raise _fault(name, " extends 互相引用", "去掉其中一个")
    parent = _merged(str(base), folder, (*above, name))
    columns = dict(parent.get("columns", {}))
    for field, column in (data.pop("columns", None) or {}).items():
        if column is None:
            columns.pop(field, None)  # `field: null` takes a column of the parent away
            continue
        before = columns.get(field, {})
        columns[field] = {**before, **column}
        if "values" in before and "values" in column:
            columns[field]["values"] = {**before["values"], **column["values"]}
    return {**parent, **data, "columns": columns}
