"""Public notices as paper and as plain data: made of the frozen, allowed fields of a sheet and of nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tuodi.cases.noticeboard import Sheet
from tuodi.decisions.papers.words import clause_words, day_words, iso
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan, parse_yuan
from tuodi.org.places import place_name
from tuodi.people.enums import Programme

__all__ = ["AS_DATA", "objection_words", "period_words", "plain", "sheet_form"]

#: What `plain` gives of each family: the allowed fields by the names the procedures use.
AS_DATA = ("applicant_name", "programme", "member_count", "amount")


def period_words(sheet: Sheet) -> str:
    """2021 年 9 月 29 日至 10 月 5 日，共 7 天；末日逢休息日，顺延至 10 月 8 日 24 时。"""
    if not sheet.days:
        return f"{day_words(sheet.posted_on)}起，长期公布"
    first = sheet.posted_on + timedelta(1)
    end = sheet.plain_end or first
    text = f"{day_words(first)}至 {day_words(end, year=end.year != first.year)}，共 {sheet.days} 天"
    if sheet.rolled and sheet.last_day:
        return f"{text}；末日逢休息日，顺延至 {day_words(sheet.last_day, year=False)} 24 时。"
    if sheet.last_day is None:
        return f"{text}；截止日遇休息日的，顺延至其后第一个工作日。"
    return f"{text}，{day_words(end, year=False)} 24 时截止。"


def objection_words(sheet: Sheet) -> str:
    """How to object; a published result takes complaints instead."""
    if sheet.days:
        return f"公示期内可向{sheet.office}书面、电话或者扫码提出，可以不留姓名。"
    return f"对公布的对象有不同意见的，可向{sheet.office}反映。"


def _intro(sheet: Sheet) -> str:
    label = dict(Programme.choices).get(sheet.programme, sheet.programme)
    count = len(sheet.entries)
    ground = clause_words(sheet.clause)
    lead = f"根据{ground}，" if ground else ""
    if sheet.stage == "standing":
        return f"{lead}下列 {count} 户（人）本月享受{label}，现予长期公布。"
    if sheet.stage == "result":
        return f"{lead}下列 {count} 户经审核确认，享受{label}，现予公布。"
    if sheet.stage == "ending":
        return f"{lead}经调查核实，下列 {count} 人拟终止{label}，现予公示。"
    verb = "拟予审批" if sheet.stage == "approval" else "拟纳入"
    tail = label if sheet.stage != "approval" else f"享受{label}"
    return f"{lead}经受理、家庭经济状况核对和入户调查，下列 {count} 户{verb}{tail}，现予公示。"


def sheet_form(sheet: Sheet, region: str, *, qr: str = "") -> tuple[str, dict[str, Any]]:
    """The form's name and data of a sheet: `notice_sheet`, or `standing_notice` for what has no end."""
    place = place_name(region, clock.today())
    rows = [[str(entry.values.get(name, "")) for name in sheet.columns] for entry in sheet.entries]
    people = [entry.values.get("member_count") for entry in sheet.entries]
    amounts = [entry.values.get("amount") for entry in sheet.entries]
    numbers = sorted({entry.no for entry in sheet.entries if entry.no})
    data = {
        "title": f"{sheet.title}" if sheet.stage != "standing" else f"{_label(sheet)}对象长期公示",
        "number": numbers[0] if len(numbers) == 1 else f"{numbers[0]} 等 {len(numbers)} 件" if numbers else "",
        "office": sheet.office,
        "date": iso(sheet.posted_on),
        "intro": _intro(sheet),
        "area": place,
        "columns": list(sheet.columns),
        "rows": rows,
        "total_people": str(sum(people)) if people and all(isinstance(n, int) for n in people) else "",
        "total_amount": format_yuan(sum(parse_yuan(str(a)) for a in amounts)) if amounts and all(amounts) else "",
        "unit": "元/月",
        "period": period_words(sheet),
        "where": "、".join(sheet.where) if sheet.where else f"{place}公示栏",
        "objection": objection_words(sheet),
        "phone": sheet.phone,
        "qr": qr,
    }
    return ("notice_sheet" if sheet.days else "standing_notice"), data


def _label(sheet: Sheet) -> str:
    return dict(Programme.choices).get(sheet.programme, sheet.programme)


def plain(sheet: Sheet, region: str) -> dict[str, Any]:
    """A sheet as plain data for screens of others (a village's display, a county's site)."""
    return {
        "title": sheet.title if sheet.stage != "standing" else f"{_label(sheet)}对象长期公示",
        "place": place_name(region, clock.today()),
        "office": sheet.office,
        "posted_on": iso(sheet.posted_on),
        "days": sheet.days,
        "last_day": iso(sheet.last_day),
        "phone": sheet.phone,
        "families": [{name: entry.values[name] for name in AS_DATA if name in entry.values} for entry in sheet.entries],
    }
