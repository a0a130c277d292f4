"""申请审批表 and 家庭经济状况核查表: from the application, the frozen facts, the check report, the visit and the steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tuodi.cases.engine import latest
from tuodi.cases.models import Case, Step
from tuodi.cases.states import StepState
from tuodi.decisions.models import Determination
from tuodi.decisions.papers.words import age_on, iso, month_iso, yuan
from tuodi.intake.models import Application
from tuodi.kernel.money import parse_yuan
from tuodi.org.places import full_name
from tuodi.people.enums import AreaKind, Programme
from tuodi.people.facts import load_facts
from tuodi.people.queries import members_on
from tuodi.policy.procedure import LEVEL_LABELS, Does
from tuodi.verification.models import CheckReport, FactSet, ReviewMeeting, Supporter, VisitRecord
from tuodi.verification.rulebook import book
from tuodi.verification.visit_queries import findings_of

__all__ = ["application_form", "means_form"]

#: Steps whose opinions stand on the form, in order.
_OPINIONS = (Does.MEETING, Does.REVIEW, Does.CONFIRM, Does.FILE)
#: 收入 of the means form, in the order offices expect; income kinds of the rules -> lines.
_INCOMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("工资性收入", ("wage",)),
    ("种养殖、经营净收入", ("business",)),
    ("租赁、变卖、土地流转等财产收入", ("property",)),
    ("养老金", ("pension", "basic_pension")),
    ("赡养费、抚养费、扶养费", ("support_income", "sibling_support")),
    ("补助金", ("unemployment_benefit", "survivor", "relief", "preferential", "old_age_allowance", "birth_planning")),
    ("其他收入", ("compensation", "gift", "inheritance", "other_transfer", "scholarship", "bravery", "other_income", "medical_insurance")),
)  # fmt: skip
_COSTS = (
    "cost_medical",
    "cost_education",
    "cost_employment",
    "cost_housing",
    "cost_disability",
    "cost_living",
    "cost_other",
)


def _facts(case: Case) -> tuple[FactSet | None, Mapping[str, Any]]:
    row = FactSet.objects.filter(case=case).order_by("-frozen_at", "-number").first()
    return row, row.facts if row else load_facts(case.household, case.accepted_on)


def _label(enum: str, value: object) -> str:
    """A code of the rules in words; other text as it is."""
    known = book().enums.get(enum)
    return str(known.values.get(value, value)) if known is not None and value is not None else str(value or "")


def _amount(facts: Mapping[str, Any], name: str) -> str:
    value = facts.get(name)
    return "" if value is None else yuan(int(parse_yuan(str(value))))


def _value(result: Determination | None, name: str) -> str:
    """A value of the frozen explanation by its name, as it is printed there; empty where the programme has none."""
    if result is None or not result.explanation:
        return ""
    wanted = f"{result.programme}.{name}"
    for node in result.explanation.get("nodes", ()):
        if (node["id"] == wanted or node["id"].startswith(f"{wanted}[")) and node.get("value") is not None:
            return str(node["value"])
    return ""


def _gap(result: Determination | None) -> str:
    """Standard less income a head: what each person is short of in a month."""
    standard, income = _value(result, "standard"), _value(result, "percap")
    if not standard or not income:
        return ""
    # A value that does not end is printed rounded, with an ellipsis behind it.
    return yuan(max(0, int(parse_yuan(standard.rstrip("…"))) - int(parse_yuan(income.rstrip("…")))))


def _register(report: CheckReport | None, *kinds: str) -> str:
    """What the check report says of some kinds of registers; empty where nobody was asked."""
    if report is None:
        return ""
    hits = [item for item in report.content.get("items", ()) if item.get("kind") in kinds]
    said = [f"{item['person']}：{item['found'] or item['mark_label']}" for item in hits if item.get("found")]
    if said:
        return "；".join(dict.fromkeys(said))
    gaps = [gap for gap in report.content.get("missing", ()) if gap.get("kind") in kinds]
    if gaps:
        return "未答复"
    return "查无记录" if hits or report.complete else ""


def _seen(visit: VisitRecord | None) -> dict[str, dict[str, Any]]:
    return {line["id"]: line for line in findings_of(visit)} if visit else {}


def _words(line: Mapping[str, Any] | None) -> str:
    return "" if line is None else "一致" if line["fit"] == "agree" else str(line["seen"] or "")


def application_form(case: Case, application: Application | None, decided: Determination | None) -> dict[str, Any]:
    """The 申请审批表 of a case as it stands."""
    household = case.household
    head, day = household.head, case.accepted_on
    _, facts = _facts(case)
    own = facts.get("household", {})
    visit = VisitRecord.objects.filter(task__case=case).order_by("-id").first()
    report = CheckReport.objects.filter(request__case=case).order_by("-id").first()
    seen = _seen(visit)
    members = members_on(household, day)
    told = {one.get("name"): one for one in facts.get("members", ())}
    label = dict(Programme.choices).get(case.programme, case.programme)
    income = own.get("income_year")
    income_fen = int(parse_yuan(str(income))) if income is not None else None
    rows = []
    for one in members:
        person, fact = one.person, told.get(one.person.name, {})
        rows.append({
            "name": person.name,
            "relation": "本人" if person.pk == head.pk else one.get_relation_display(),
            "age": age_on(person.birth, day),
            "id_masked": person.id_masked,
            "category": "残疾人" if fact.get("disability_grade") else "",
            "health": "重病" if fact.get("seriously_ill") else _disability(fact),
            "work": _label("school", fact.get("school")) if fact.get("school") not in (None, "no_school") else "",
            "income_month": _month_share(fact),
        })  # fmt: skip
    area = dict(AreaKind.choices).get(household.area_kind, "")
    return {
        "title": f"{label}申请审批表",
        "number": case.no,
        "date": iso(case.decided_on),
        "head": head.name,
        "sex": head.get_sex_display() if head.sex else "",
        "age": age_on(head.birth, day),
        "people": str(len(members)),
        "address": household.address,
        "place": full_name(case.region),
        "id_masked": head.id_masked,
        "hukou": full_name(head.hukou_place) if head.hukou_place else "",
        "phone_masked": head.phone_masked,
        "programme": label,
        "area": area,
        "household_no": household.no,
        "applied_on": iso(application.applied_on if application else case.accepted_on),
        "agent": _agent(application),
        "reason": application.reason if application else "",
        "members": rows,
        "income_month": yuan(round(income_fen / 12)) if income_fen is not None else "",
        "income_percap": yuan(round(income_fen / 12 / len(members))) if income_fen is not None and members else "",
        "vehicles": _words(seen.get("vehicles")) or _register(report, "vehicle"),
        "finance": _register(report, "deposit", "bank", "securities"),
        "housing": "；".join(x for x in (_words(seen.get("house_source")), _words(seen.get("dwelling_area")), _register(report, "house", "housing")) if x),
        "covered": f"{_covered(decided, len(members))} 人" if decided and decided.outcome == "pass" else "",
        "grade": area,
        "standard": _value(decided, "standard"),
        "gap": _gap(decided),
        "amount": f"{yuan(decided.amount_fen)} 元" if decided and decided.amount_fen is not None else "",
        "start": month_iso(decided.start_month) if decided else "",
        "opinions": opinions(case),
    }  # fmt: skip


def _covered(decided: Determination | None, members: int) -> str:
    counted = _value(decided, "n")
    return counted or str(members)


def _disability(fact: Mapping[str, Any]) -> str:
    if not fact.get("disability_grade"):
        return ""
    return f"{_label('disability_kind', fact.get('disability_kind'))}残疾 {fact['disability_grade']} 级"


def _month_share(fact: Mapping[str, Any]) -> str:
    total = [int(parse_yuan(str(one["income_amount"]))) for one in fact.get("incomes", ()) if one.get("income_amount")]
    if total:
        return yuan(round(sum(total) / 12))
    own = fact.get("own_income_year")
    return "" if own is None else yuan(round(int(parse_yuan(str(own))) / 12))


def _agent(application: Application | None) -> str:
    if application is None or not application.agent_name:
        return ""
    return application.agent_name + (f"（{application.agent_relation}）" if application.agent_relation else "")


def opinions(case: Case, kinds: Sequence[Does] = _OPINIONS) -> list[dict[str, str]]:
    """The opinions of the steps of some kinds, newest round of each, with room to write where none is there yet."""
    found = []
    for row in latest(case).values():
        if row.kind in kinds and row.state not in (StepState.SKIPPED, StepState.VOID):
            found.append(_opinion(row))
    return found


def _opinion(row: Step) -> dict[str, str]:
    done = row.state == StepState.DONE
    office = row.done_by.office.name if done and row.done_by else ""
    return {
        "title": f"{LEVEL_LABELS.get(row.by_level, '')}{row.label}意见",
        "text": row.opinion if done else "",
        "signed_by": row.done_by.name if done and row.done_by else "",
        "on": iso(row.completed_on) if done else "",
        "office": office,
    }


def means_form(case: Case, decided: Determination | None = None) -> dict[str, Any]:
    """The 家庭经济状况核查表 of a case: declared, checked, seen, counted; what nobody knows stays 「—」."""
    row, facts = _facts(case)
    own = facts.get("household", {})
    report = CheckReport.objects.filter(request__case=case).order_by("-id").first()
    visit = VisitRecord.objects.select_related("task").filter(task__case=case).order_by("-id").first()
    seen = _seen(visit)
    provenance = row.provenance if row else {}
    declared, counted = _income_lines(facts, provenance)
    incomes = [
        {"label": label, "declared": declared.get(label, ""), "counted": counted.get(label, "")}
        for label, _ in _INCOMES
    ]
    incomes.append({
        "label": "家庭年收入", "declared": _amount(own, "income_year") if _origin(provenance, "income_year") in ("entered", "declared") else "",
        "checked": _register(report, "wage", "social_insurance", "tax", "pension"), "visited": _words(seen.get("income_year")),
        "counted": _amount(own, "income_year"), "note": _words(seen.get("work")),
    })  # fmt: skip
    blocks = [
        {"title": "收入", "unit": "元/年", "rows": incomes, "total": _amount(own, "income_year")},
        {
            "title": "住房",
            "rows": [
                {"label": "住房来源", "visited": _words(seen.get("house_source"))},
                {"label": "房屋结构", "visited": _words(seen.get("house_type"))},
                {"label": "住房面积（㎡）", "checked": _register(report, "house", "housing"), "visited": _words(seen.get("dwelling_area")), "counted": str(own.get("dwelling_area") or "")},
                {"label": "另有住房、商铺", "visited": _words(seen.get("other_house"))},
            ],
        },
        {"title": "车辆", "rows": [{"label": "机动车辆", "checked": _register(report, "vehicle"), "visited": _words(seen.get("vehicles"))}]},
        {
            "title": "金融资产",
            "rows": [
                {"label": "存款", "checked": _register(report, "deposit", "bank")},
                {"label": "证券、基金", "checked": _register(report, "securities")},
                {"label": "商业保险", "checked": _register(report, "insurance")},
                {"label": "家庭财产符合规定", "visited": _words(seen.get("assets_ok")), "counted": {True: "是", False: "否"}.get(own.get("assets_ok"), "")},
            ],
        },
        {
            "title": "支出",
            "unit": "元/年",
            "rows": [
                *({"label": _fact_label(name), "visited": _words(seen.get(name)), "counted": _amount(own, name)} for name in _COSTS if name in own or name in seen),
                {"label": "水电燃料和通讯（元/月）", "visited": _words(seen.get("utilities"))},
            ],
        },
    ]  # fmt: skip
    today = case.accepted_on
    return {
        "number": case.no,
        "date": iso(row.frozen_at) if row else "",
        "head": case.household.head.name,
        "household_no": case.household.no,
        "place": full_name(case.region),
        "programme": dict(Programme.choices).get(case.programme, case.programme),
        "case_no": case.no,
        "facts_no": f"第 {row.number} 份" + ("" if row.is_frozen else "（未定稿）") if row else "",
        "as_of": iso(row.as_of) if row else "",
        "report_no": report.no if report else "",
        "visit_no": visit.no if visit else "",
        "people": f"{len(members_on(case.household, today))} 人",
        "blocks": blocks,
        "supporters": [
            {"name": one.name, "relation": one.relation, "of": one.person.name}
            for one in Supporter.objects.filter(household=case.household, until__isnull=True).select_related("person")
        ],
        "review": _review_words(case, seen),
        "unknown": list(report.missing if report else []),
        "sha256": row.sha256 if row else "",
        "signatures": [],
    }


def _origin(provenance: Mapping[str, Any], name: str) -> str:
    return str((provenance.get(f"household.{name}") or {}).get("source", ""))


def _income_lines(facts: Mapping[str, Any], provenance: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    sums: dict[str, int] = {}
    said: dict[str, int] = {}
    for at, member in enumerate(facts.get("members", ())):
        entered = (provenance.get(f"members[{at}].incomes") or {}).get("source") == "entered"
        for one in member.get("incomes", ()) or ():
            label = next((name for name, kinds in _INCOMES if one.get("income_kind") in kinds), "其他收入")
            fen = int(parse_yuan(str(one.get("income_amount") or "0")))
            sums[label] = sums.get(label, 0) + fen
            if entered:
                said[label] = said.get(label, 0) + fen
    return {k: yuan(v) for k, v in said.items()}, {k: yuan(v) for k, v in sums.items()}


def _fact_label(name: str) -> str:
    return next((fact.label for fact in book().draft.facts if fact.level == "household" and fact.name == name), name)


def _review_words(case: Case, seen: Mapping[str, Any]) -> str:
    meeting = ReviewMeeting.objects.filter(case=case).order_by("-step_round").first()
    parts = []
    if meeting is not None and meeting.state != ReviewMeeting.State.CALLED:
        parts.append(
            f"{iso(meeting.held_on)} 评议：同意 {meeting.votes_for} 人，不同意 {meeting.votes_against} 人，弃权 {meeting.abstained} 人。{meeting.opinion}"
        )
    parts += [f"{when_line}" for when_line in ([_words(seen.get("neighbours"))] if seen.get("neighbours") else [])]
    return "".join(parts)
