"""What the family page shows about a household itself: members, facts, roll, account. Masked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import Q

from tuodi.kernel.ages import age
from tuodi.kernel.money import parse_yuan
from tuodi.kernel.periods import Month
from tuodi.people.models import Account, Household, Membership, RollEntry
from tuodi.policy.model import Fact
from tuodi.web.components import pages, places, words
from tuodi.web.components.words import DASH, Look


@dataclass
class Member:
    """One line of the members' table; `until` None = still there."""

    name: str
    relation: str
    is_head: bool
    id_masked: str
    id_check_ok: bool
    sex: str
    age: int | None
    condition: str
    since: date
    until: date | None
    leave_reason: str
    counted: Look | None = None


@dataclass(frozen=True)
class RollLine:
    """One entitlement: programme, class and months; amount in fen a month."""

    label: str
    note: str
    amount_fen: int
    start: int
    end: int | None
    ended: bool


@dataclass(frozen=True)
class FactLine:
    """One accepted fact; `who` empty for the household."""

    label: str
    who: str
    value: str
    unit: str
    source: str


@dataclass
class Family:
    """Everything the page says about the household."""

    pk: int
    head_name: str
    no: str
    place: str
    area_label: str
    formed_on: date | None
    marks: list[Look] = field(default_factory=list)
    figures: list[dict[str, Any]] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    former: list[Member] = field(default_factory=list)
    roll: list[RollLine] = field(default_factory=list)
    facts: list[FactLine] = field(default_factory=list)
    facts_note: str = ""
    account: str = ""
    warnings: list[str] = field(default_factory=list)


def family_of(
    household: Household,
    memberships: Sequence[Membership],
    entries: Sequence[RollEntry],
    month: Month,
    today: date,
) -> Family:
    """The household as of today and its entitlements in a month. One query, whatever its size."""
    family = Family(
        pk=household.pk,
        head_name=household.head.name,
        no=household.no,
        place=places.path(household.region),
        area_label=household.get_area_kind_display(),
        formed_on=household.formed_on,
        members=[_member(one, household, today) for one in memberships if _present(one, today)],
        former=[_member(one, household, today) for one in memberships if not _present(one, today)],
        roll=[_roll_line(entry, month) for entry in entries],
    )
    paid = [line for line in family.roll if not line.ended and line.start <= month.yyyymm]
    family.marks = _marks(household, paid, entries)
    family.account = _account([one.person_id for one in memberships])
    family.figures = _figures(family, paid, month)
    return family


def _present(membership: Membership, today: date) -> bool:
    return membership.until is None or membership.until > today


def _member(membership: Membership, household: Household, today: date) -> Member:
    person = membership.person
    end = person.died_on or today
    return Member(
        name=person.name,
        relation=membership.get_relation_display(),
        is_head=person.pk == household.head_id,
        id_masked=person.id_masked,
        id_check_ok=person.id_check_ok or not person.id_masked,
        sex=person.get_sex_display(),
        age=age(person.birth, end) if person.birth else None,
        condition=f"{person.died_on:%Y-%m-%d} 去世" if person.died_on else "",
        since=membership.since,
        until=membership.until,
        leave_reason=membership.get_leave_reason_display(),
    )


def _roll_line(entry: RollEntry, month: Month) -> RollLine:
    notes = [
        entry.person.name if entry.person else "",
        entry.get_category_display(),
        f"{entry.grade} 类" if entry.grade else "",
        entry.get_form_display(),
        entry.get_self_care_display(),
        "导入" if entry.imported else "",
    ]
    return RollLine(
        label=entry.get_programme_display(),
        note=" · ".join(note for note in notes if note),
        amount_fen=entry.amount_fen,
        start=entry.start_month,
        end=entry.end_month,
        ended=entry.end_month is not None and entry.end_month < month.yyyymm,
    )


def _marks(household: Household, paid: Sequence[RollLine], entries: Sequence[RollEntry]) -> list[Look]:
    if household.closed_on:
        return [Look(f"{household.closed_on:%Y-%m-%d} 已销户")]
    if not paid:
        return [Look("曾在册" if entries else "不在册")]
    return [Look("在册", "ok", "check"), *(Look(label, "info") for label in dict.fromkeys(line.label for line in paid))]


def _account(people: Sequence[int]) -> str:
    found = Account.objects.filter(Q(person__in=people), until__isnull=True).order_by("-since", "-id").first()
    return f"尾号 {found.last4}，户名 {found.holder}" if found else ""


def _figures(family: Family, paid: Sequence[RollLine], month: Month) -> list[dict[str, Any]]:
    total = sum(line.amount_fen for line in paid)
    return [
        {
            "label": f"在册月金额（{month}）",
            "value": words.yuan(total) if paid else DASH,
            "unit": "元" if paid else "",
            "foot": "、".join(dict.fromkeys(line.label for line in paid)) or "本月不在册",
        },
        {
            "label": "共同生活成员",
            "value": str(len(family.members)),
            "unit": "人",
            "foot": f"已离开 {len(family.former)} 人" if family.former else "",
        },
        {
            "label": "发放账户",
            "value": family.account.split("，")[0] or DASH,
            "foot": family.account.partition("，")[2],
        },
    ]


def fact_lines(
    family_file: Mapping[str, Any], facts: Mapping[tuple[str, str], Fact], enums: Mapping[str, Any]
) -> list[FactLine]:
    """The accepted facts with their Chinese labels, household first, then member by member.

    Args:
        family_file: as `people.facts.load_facts` gives it.
        facts: declared facts by (level, name).
        enums: closed lists by name, for values that are codes.
    """
    lines = [
        _fact_line("household", name, value, "", facts, enums)
        for name, value in family_file.get("household", {}).items()
    ]
    for member in family_file.get("members", []):
        who = str(member.get("name", ""))
        lines.extend(
            _fact_line("members", name, value, who, facts, enums)
            for name, value in member.items()
            if name not in {"name", "relation", "birth", "died", "person_id"}
        )
    return [line for line in lines if line.value != DASH]


def _fact_line(
    level: str, name: str, value: Any, who: str, facts: Mapping[tuple[str, str], Fact], enums: Mapping[str, Any]
) -> FactLine:
    declared = facts.get((level, name))
    unit = declared.unit if declared else None
    listed = enums.get(declared.type) if declared else None
    shown = listed.values.get(str(value), str(value)) if listed else value
    text, unit_text = words.value(shown, unit.text if unit else "")
    return FactLine(
        label=declared.label if declared else name,
        who=who,
        value=text,
        unit=unit_text,
        source=declared.source if declared else "",
    )


_COUNTED = {"pass": Look("计入", "ok", "check"), "fail": Look("不计入"), "unknown": Look("缺事实", "unknown", "help")}


def note_counted(family: Family, answers: Sequence[Mapping[str, Any]]) -> None:
    """Mark in the members' table whom the first programme counts, as its explanation says."""
    for data in answers[:1]:
        said = {
            node["row_name"]: node["result"] for node in data["nodes"] if node["id"].split("[")[0].endswith(".counted")
        }
        for member in family.members:
            member.counted = _COUNTED.get(said.get(member.name) or "")


def _fen(shown: str) -> int:
    """A printed amount as fen; the end of one that does not end (189.33…) is cut, which a bar does not show."""
    return parse_yuan(shown.replace(",", "").rstrip("…"))


def note_income(family: Family, answers: Sequence[Mapping[str, Any]]) -> None:
    """Add the income a head beside the standard, where dibao was computed and both are known."""
    for data in answers:
        nodes = {node["id"].split("[")[0]: node for node in data["nodes"]}
        income, standard = nodes.get("dibao.percap"), nodes.get("dibao.standard")
        if not income or not standard or not income["value"] or not standard["value"]:
            continue
        share = pages.share(_fen(income["value"]), _fen(standard["value"]))
        family.figures.insert(
            1,
            {
                "label": "人均月收入 / 标准",
                "value": words.figures(income["value"]),
                "unit": f"/ {words.figures(standard['value'])} 元",
                "share": share,
            },
        )
        return
