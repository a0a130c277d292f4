"""The list of persons at risk (急难对象数据库): list one, take one off, take over a spreadsheet row by row."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from django.db import transaction

from tuodi.audit.actions import record
from tuodi.exchange import sheets
from tuodi.exchange.cells import BadCellError, as_day, as_text
from tuodi.exchange.errors import FileRefusedError
from tuodi.exchange.profiles import squeeze
from tuodi.intake.discovery_actions import PATROLLERS
from tuodi.intake.errors import DiscoveryInputError
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.identity import InvalidIdError, normalise, parse_id
from tuodi.kernel.masking import mask_id
from tuodi.kernel.names import normalise_name
from tuodi.kernel.places import PlaceError, pad12, trim
from tuodi.org import access
from tuodi.org.models import User
from tuodi.org.places import tree
from tuodi.people import secrets
from tuodi.people.actions import register_person
from tuodi.people.enums import RiskClass
from tuodi.people.models import AtRisk, FormerName, Person

__all__ = ["AtRiskReport", "RowFault", "import_at_risk", "list_person", "take_off"]

#: Field -> headers, squeezed.
_HEADERS = {
    "name": ("姓名",),
    "id_no": ("身份证号", "身份证号码", "公民身份号码", "证件号码"),
    "risk": ("类别", "风险类别", "对象类别"),
    "village": ("村代码", "村（社区）代码", "区划代码"),
    "village_name": ("村（社区）", "村", "社区", "村居"),
    "grid": ("网格", "所属网格"),
    "note": ("说明", "备注"),
    "checked": ("最近巡查", "最近走访日期"),
}
_NEEDED = ("name", "id_no", "risk")
#: Words offices write for a class, beside its own label.
_WORDS = {
    "五保户": RiskClass.DISPERSED_TEKUN, "分散五保户": RiskClass.DISPERSED_TEKUN, "分散特困": RiskClass.DISPERSED_TEKUN,
    "分散供养特困": RiskClass.DISPERSED_TEKUN, "三无": RiskClass.THREE_NONE, "重残": RiskClass.SEVERE_DISABILITY,
    "重度残疾人": RiskClass.SEVERE_DISABILITY, "大病": RiskClass.SERIOUS_ILLNESS, "患大病": RiskClass.SERIOUS_ILLNESS,
    "重病": RiskClass.SERIOUS_ILLNESS, "独居老人": RiskClass.LIVING_ALONE, "空巢老人": RiskClass.LIVING_ALONE,
    "留守儿童": RiskClass.CHILD_IN_NEED, "困境儿童": RiskClass.CHILD_IN_NEED, "失业": RiskClass.JOBLESS,
    "受灾": RiskClass.DISASTER_HIT, "其他": RiskClass.OTHER,
}  # fmt: skip
_CLASSES = {**{str(label): RiskClass(code) for code, label in RiskClass.choices}, **_WORDS}


@dataclass(frozen=True, slots=True)
class RowFault:
    """A row that was not taken: its number in the sheet, who (masked), which field, what is wrong and what to do."""

    row_no: int
    who: str
    field: str
    reason: str


@dataclass
class AtRiskReport:
    """What a file came to: `rows = added + known + len(faults)`.

    Attributes:
        added: entries made. registered: of these, persons who were on no register before. known: entries there already.
    """

    rows: int = 0
    added: int = 0
    registered: int = 0
    known: int = 0
    faults: list[RowFault] = field(default_factory=list)


@transaction.atomic
def list_person(
    *, acting_user: User, person: Person, risk_class: str, source: str, note: str = "", grid: str = "",
    last_checked: date | None = None,
) -> AtRisk:  # fmt: skip
    """Puts a person on the list for one reason; said twice, the entry there is comes back.

    Raises: DiscoveryInputError, NotFoundError, AccessDeniedError.
    """
    access.require_any(acting_user, PATROLLERS, person.region)
    if not source.strip():
        raise DiscoveryInputError("来源", "没有填写。请写明是哪次排查或哪份名单。")
    entry, made = _put(acting_user, person, risk_class, source, note, grid, last_checked)
    if made:
        _audit("list_at_risk", acting_user, entry.region, entry.pk, risk_class=risk_class, source=entry.source)
    return entry


@transaction.atomic
def take_off(entry: AtRisk, *, acting_user: User, reason: str) -> AtRisk:
    """Takes an entry off the list, with the reason. Patrols that are planned stay until they are done or dropped."""
    access.require_any(acting_user, PATROLLERS, entry.region)
    entry = access.one(AtRisk.objects.select_for_update(), user=acting_user, what="急难风险对象", pk=entry.pk)
    if not reason.strip():
        raise DiscoveryInputError("移出原因", "没有填写。")
    if entry.ended_on is None:
        entry.ended_on, entry.end_reason = clock.today(), reason.strip()[:100]
        entry.save(update_fields=["ended_on", "end_reason"])
        _audit("take_off_at_risk", acting_user, entry.region, entry.pk, reason=entry.end_reason)
    return entry


def _put(
    user: User, person: Person, risk_class: str, source: str, note: str, grid: str, checked: date | None
) -> tuple[AtRisk, bool]:
    if risk_class not in RiskClass.values:
        raise DiscoveryInputError("类别", f"“{risk_class}”不认识。可选：{'、'.join(RiskClass.labels)}。")
    return AtRisk.objects.get_or_create(
        person=person,
        risk_class=risk_class,
        ended_on=None,
        defaults={
            "region": person.region,
            "source": source.strip()[:100],
            "note": note.strip()[:200],
            "grid": grid.strip()[:40],
            "listed_on": clock.today(),
            "listed_by": user,
            "last_checked": checked,
        },
    )


@transaction.atomic
def import_at_risk(path: Path, *, acting_user: User, place: str, source: str, sheet: str | None = None) -> AtRiskReport:
    """Takes a spreadsheet over: good rows are listed, every other row comes back with its reason. Safe to run again.

    A person on no register is registered in the village the row names.

    Args:
        place: Significant digits; rows of other places are refused.

    Raises: FileRefusedError, SheetChoiceError, DiscoveryInputError, NotFoundError, AccessDeniedError.
    """
    access.require_any(acting_user, PATROLLERS, pad12(place))
    if not source.strip():
        raise DiscoveryInputError("来源", "没有填写。请写明是哪次排查或哪份名单。")
    report = AtRiskReport()
    villages = _Villages(place)
    for row_no, cells in _rows(path, sheet):
        report.rows += 1
        try:
            with transaction.atomic():
                made, registered = _take(cells, acting_user, place, source, villages)
        except DiscoveryInputError as error:
            who = f"{cells['name'] or '未写姓名'} {mask_id(normalise(cells['id_no']).text)}".strip()
            report.faults.append(RowFault(row_no, who, str(error.fields["field"]), str(error)))
            continue
        report.added += made
        report.known += not made
        report.registered += registered
    record(
        "intake.import_at_risk",
        actor=acting_user,
        subject_type="atrisk",
        subject_id=place,
        region=pad12(place),
        after={
            "source": source.strip()[:100],
            "rows": report.rows,
            "added": report.added,
            "known": report.known,
            "refused": len(report.faults),
        },
    )
    return report


def _rows(path: Path, sheet: str | None) -> list[tuple[int, dict[str, str]]]:
    book = sheets.open_book(path)
    found = book.rows(book.choose(sheet))
    index = {squeeze(header): name for name, headers in _HEADERS.items() for header in headers}
    where: dict[str, int] = {}
    for row in found:
        where = {}
        for at, cell in enumerate(row.cells):
            name = index.get(squeeze(as_text(cell)))
            if name:
                where.setdefault(name, at)
        if set(_NEEDED) <= set(where):
            break
        where = {}
        if row.no >= 15:
            break
    if not where:
        raise FileRefusedError("columns", "没有找到表头：须有姓名、身份证号、类别三列", "请补上表头后再导入")
    out = []
    for row in found:
        cells = dict.fromkeys(_HEADERS, "")
        cells |= {name: as_text(row.cells[at]).strip() for name, at in where.items() if at < len(row.cells)}
        if any(cells.values()):
            out.append((row.no, cells))
    return out


class _Villages:
    """Villages of a place by code and by name; a name that several have is no answer."""

    def __init__(self, place: str) -> None:
        self.place = place
        self._names: dict[str, list[str]] | None = None

    def find(self, code: str, name: str) -> str:
        """The 12-character code. Raises DiscoveryInputError."""
        if code:
            digits = trim(code)
            if not (digits.isascii() and digits.isalnum() and 9 <= len(digits) <= 12):
                raise DiscoveryInputError("村代码", f"“{code}”不是村（社区）代码，应为十二位数字。")
            if not digits.startswith(self.place):
                raise DiscoveryInputError("村代码", f"“{code}”不在本辖区，请由所在地导入。")
            return pad12(digits)
        if not name:
            if len(self.place) >= 9:
                return pad12(self.place)
            raise DiscoveryInputError("村（社区）", "没有填写，不知道由谁巡查。请填村名或十二位村代码。")
        found = self._by_name().get(name, [])
        if len(found) != 1:
            problem = "在本辖区查不到" if not found else "在本辖区有同名"
            raise DiscoveryInputError("村（社区）", f"“{name}”{problem}，请改填十二位村代码。")
        return pad12(found[0])

    def _by_name(self) -> dict[str, list[str]]:
        if self._names is None:
            known, today = tree(), clock.today()
            towns = [self.place] if len(self.place) >= 9 else self._towns()
            self._names = {}
            for town in towns:
                try:
                    codes = [town] if len(town) == 12 else known.children(town, today)
                except PlaceError:
                    codes = []
                for code in codes:
                    self._names.setdefault(known.name(code, today), []).append(code)
        return self._names

    def _towns(self) -> list[str]:
        try:
            return [code for code in tree().walk(self.place, clock.today()) if len(code) == 9]
        except PlaceError:
            return []


def _take(cells: dict[str, str], user: User, place: str, source: str, villages: _Villages) -> tuple[bool, bool]:
    """One row: whether an entry was made, and whether its person had to be registered."""
    if not cells["name"]:
        raise DiscoveryInputError("姓名", "没有填写。")
    risk = _CLASSES.get(cells["risk"])
    if risk is None:
        raise DiscoveryInputError("类别", f"“{cells['risk']}”不认识。可填：{'、'.join(RiskClass.labels)}。")
    try:
        number = parse_id(normalise(cells["id_no"]).text)
    except InvalidIdError as error:
        # The words after the number: a list of faults must not hold it.
        raise DiscoveryInputError("身份证号", f"：{error.message.split('：', 1)[-1]}") from error
    if not number.check_ok:
        raise DiscoveryInputError("身份证号", "校验码不对，请核对证件后更正。")
    try:
        checked = as_day(cells["checked"]) if cells["checked"] else None
    except BadCellError as error:
        raise DiscoveryInputError("最近巡查", f"“{cells['checked']}”不是日期，请按 2017-09-04 的样子填写。") from error
    if checked and checked > clock.today():
        raise DiscoveryInputError("最近巡查", f" {checked} 晚于今天，请核对。")
    person = Person.objects.filter(id_index__in=secrets.id_indexes(number.text18)).order_by("id").first()
    registered = person is None
    if person is None:
        region = villages.find(cells["village"], cells["village_name"])
        try:
            person = register_person(acting_user=user, region=region, name=cells["name"], id_text=number.text18)
        except TuodiError as error:
            raise DiscoveryInputError("身份证号", f"：{error}") from error
    elif not _same_name(person, cells["name"]):
        raise DiscoveryInputError("姓名", "与登记的姓名不符，号码相同。请核对证件后更正。")
    if person.died_on is not None:
        raise DiscoveryInputError("人员", f"已登记死亡（{person.died_on}），不列入。")
    if not person.region.startswith(place):
        raise DiscoveryInputError("人员", "登记在本辖区以外，请由所在地导入。")
    _, made = _put(user, person, risk, source, cells["note"], cells["grid"], checked)
    return made, made and registered


def _same_name(person: Person, written: str) -> bool:
    names = {person.name, *FormerName.objects.filter(person=person).values_list("name", flat=True)}
    return normalise_name(written) in {normalise_name(one) for one in names}


def _audit(action: str, user: User, region: str, pk: int, **after: object) -> None:
    record(f"intake.{action}", actor=user, subject_type="atrisk", subject_id=pk, region=region, after=after)
