"""The rosters and ledgers (花名册、台账) that can be taken out: their columns, who may, how many rows, the rows in slices.

A room above adds its own with `plain_ledger` or `register`. Rows are read by keyset in slices of bounded size, inside the caller's scope.
Numbers of people are masked; whole ones leave by the hand-over alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
from django.db.models import F, Model, Q, QuerySet
from django.utils.timezone import localtime

from tuodi.cases.models import Case, Notice
from tuodi.decisions.models import Determination, Relief
from tuodi.decisions.papers.rosters import ROSTER, roster_rows
from tuodi.exchange.bulk_xlsx import Column
from tuodi.intake.models import Application, Discovery, PatrolTask
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.monitoring.models import Clue
from tuodi.org.access import range_of
from tuodi.org.models import DutyCode
from tuodi.org.places import place_name
from tuodi.people.enums import AreaKind, CareForm, Programme, SelfCare
from tuodi.people.models import RollEntry
from tuodi.verification.models import CheckRequest

__all__ = ["LEDGERS", "Choices", "Ledger", "plain_ledger", "register", "slices_of"]

_SLICE = 5_000
CASEWORK = (DutyCode.ACCEPT, DutyCode.REVIEW, DutyCode.CONFIRM, DutyCode.FILE, DutyCode.SUPERVISE)


@dataclass(frozen=True)
class Choices:
    """What narrows an export. `month` counts for rosters; `since` and `until` (both days included) for ledgers."""

    programme: str
    month: Month
    since: date
    until: date

    def to_json(self) -> dict[str, str]:
        """As the row keeps it."""
        return {
            "programme": self.programme,
            "month": str(self.month),
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
        }

    @classmethod
    def from_json(cls, data: dict[str, str]) -> Choices:
        """Read what `to_json` wrote."""
        return cls(
            data["programme"],
            Month.parse(data["month"]),
            date.fromisoformat(data["since"]),
            date.fromisoformat(data["until"]),
        )


@dataclass(frozen=True)
class Ledger:
    """One kind of export.

    Attributes:
        key: Short name. label: 中文名称. duties: any of them opens it.
        columns: Of the file, in order.
        count: Rows there are now (place, choices).
        slices: The rows as frames with the columns' fields.
        by_month: Narrowed by a month (rosters), else by days. by_programme: Narrowed by a programme.
    """

    key: str
    label: str
    duties: tuple[str, ...]
    columns: tuple[Column, ...]
    count: Callable[[str, Choices], int]
    slices: Callable[[str, Choices], Iterator[pl.DataFrame]]
    by_month: bool = False
    by_programme: bool = False


LEDGERS: dict[str, Ledger] = {}


def register(ledger: Ledger) -> Ledger:
    """Adds a kind; a key is taken once. Raises ValueError otherwise."""
    if ledger.key in LEDGERS:
        raise ValueError(f"ledger {ledger.key!r} is there already")
    LEDGERS[ledger.key] = ledger
    return ledger


def inside(rows: QuerySet[Any], place: str, field: str = "region") -> QuerySet[Any]:
    """Rows of a place."""
    covered = range_of(place)
    return rows.filter(**{f"{field}__gte": covered.low, f"{field}__lt": covered.high})


def slices_of(
    rows: QuerySet[Any],
    fields: Sequence[str],
    made: Callable[[dict[str, Any]], dict[str, Any]],
    columns: Sequence[Column],
) -> Iterator[pl.DataFrame]:
    """A queryset as frames of bounded size, by id; `made` turns a row of `fields` into the columns' fields."""
    kinds: dict[str, Any] = {one.field: pl.Int64 if one.kind in ("yuan", "number") else pl.String for one in columns}
    after = 0
    ordered = rows.order_by("pk")
    while True:
        part = list(ordered.filter(pk__gt=after).values("pk", *fields)[:_SLICE])
        if not part:
            return
        found = [{**made(row)} for row in part]
        yield pl.DataFrame([{name: one.get(name) for name in kinds} for one in found], schema=kinds)
        after = part[-1]["pk"]
        if len(part) < _SLICE:
            return


def _day(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat()[:10]


def _moment(value: Any) -> str:
    return f"{localtime(value):%Y-%m-%d %H:%M}" if value else ""


def _named() -> Callable[[str, int], str]:
    known: dict[str, str] = {}

    def name(region: str, digits: int) -> str:
        code = region[:digits]
        if digits > 6 and code.endswith("000"):
            return ""
        if code not in known:
            known[code] = place_name(pad12(code))
        return known[code]

    return name


_PLACES = (Column("town", "乡镇（街道）", width=14), Column("village", "村（社区）", width=16))
_PROGRAMMES = dict(Programme.choices)


# 花名册 ---------------------------------------------------------------------------------------------------------------

_ROSTER = tuple(
    Column(
        name, label.replace("（元）", "（元）"), "yuan" if money else "number" if name == "persons" else "text", width
    )
    for name, label, width, money in ROSTER
)


def _roster_count(place: str, choices: Choices) -> int:
    month = choices.month.yyyymm
    rows = RollEntry.objects.filter(programme=choices.programme, start_month__lte=month)
    return inside(rows.filter(Q(end_month__isnull=True) | Q(end_month__gte=month)), place).count()


def _roster(place: str, choices: Choices) -> Iterator[pl.DataFrame]:
    kinds: dict[str, Any] = {one.field: pl.String if one.kind == "text" else pl.Int64 for one in _ROSTER}
    for part in roster_rows(place, choices.programme, choices.month):
        yield pl.DataFrame(part, schema=kinds)


register(
    Ledger(
        "roster", "花名册", (*CASEWORK, DutyCode.PAY_PREPARE, DutyCode.ROLL_IMPORT), _ROSTER, _roster_count, _roster,
        by_month=True, by_programme=True,
    )
)  # fmt: skip


# Ledgers ------------------------------------------------------------------------------------------------------------


def plain_ledger(
    key: str,
    label: str,
    duties: tuple[str, ...],
    columns: Sequence[Column],
    rows: Callable[[Choices], QuerySet[Any]],
    fields: Sequence[str],
    made: Callable[[dict[str, Any]], dict[str, Any]],
    **more: Any,
) -> Ledger:
    """A ledger out of one queryset, with the places of each row in front; registered at once."""
    whole = (*_PLACES, *columns)

    def counted(place: str, choices: Choices) -> int:
        return inside(rows(choices), place).count()

    def sliced(place: str, choices: Choices) -> Iterator[pl.DataFrame]:
        name = _named()

        def one(row: dict[str, Any]) -> dict[str, Any]:
            return {"town": name(row["region"], 9), "village": name(row["region"], 12), **made(row)}

        return slices_of(inside(rows(choices), place), ["region", *fields], one, whole)

    return register(Ledger(key, label, duties, whole, counted, sliced, **more))


def _between(model: type[Model], field: str) -> Callable[[Choices], QuerySet[Any]]:
    def rows(choices: Choices) -> QuerySet[Any]:
        return model._default_manager.filter(**{f"{field}__gte": choices.since, f"{field}__lte": choices.until})

    return rows


plain_ledger(
    "acceptance", "受理台账", CASEWORK,
    [
        Column("receipt_no", "回执号", width=24), Column("case_no", "受理编号", width=24), Column("name", "申请人", width=12),
        Column("household_no", "家庭编号", width=20), Column("programme", "项目", width=18), Column("channel", "渠道", width=12),
        Column("accepted", "受理日期", width=12), Column("agent", "代办人", width=12), Column("state", "状态", width=12),
        Column("decision", "决定", width=10), Column("decided", "决定日期", width=12), Column("due", "总期限", width=12),
        Column("officer", "受理人", width=12),
    ],
    lambda choices: Application.objects.filter(case__accepted_on__gte=choices.since, case__accepted_on__lte=choices.until),
    [
        "receipt_no", "case__no", "applicant__name", "household__no", "programme", "channel", "case__accepted_on", "agent_name",
        "case__state", "case__decision", "case__decided_on", "case__due_on", "accepted_by__name",
    ],
    lambda row: {
        "receipt_no": row["receipt_no"], "case_no": row["case__no"], "name": row["applicant__name"],
        "household_no": row["household__no"], "programme": _PROGRAMMES.get(row["programme"], row["programme"]),
        "channel": dict(Application.Channel.choices).get(row["channel"], row["channel"]),
        "accepted": _day(row["case__accepted_on"]), "agent": row["agent_name"],
        "state": dict(Case._meta.get_field("state").flatchoices).get(row["case__state"], row["case__state"]),
        "decision": dict(Case._meta.get_field("decision").flatchoices).get(row["case__decision"], ""),
        "decided": _day(row["case__decided_on"]), "due": _day(row["case__due_on"]), "officer": row["accepted_by__name"],
    },
)  # fmt: skip

plain_ledger(
    "check", "核对台账", (*CASEWORK, DutyCode.VERIFY),
    [
        Column("no", "核对编号", width=24), Column("head", "户主", width=12), Column("household_no", "家庭编号", width=20),
        Column("purpose", "目的", width=12), Column("state", "状态", width=12), Column("round", "轮次", "number", 6),
        Column("opened", "发起日期", width=12), Column("valid_to", "有效期至", width=12), Column("officer", "发起人", width=12),
    ],
    _between(CheckRequest, "opened_at__date"),
    ["no", "household__head__name", "household__no", "purpose", "state", "round", "opened_at", "valid_to", "opened_by__name"],
    lambda row: {
        "no": row["no"], "head": row["household__head__name"], "household_no": row["household__no"],
        "purpose": dict(CheckRequest.Purpose.choices).get(row["purpose"], row["purpose"]),
        "state": dict(CheckRequest._meta.get_field("state").flatchoices).get(row["state"], row["state"]),
        "round": row["round"], "opened": _day(row["opened_at"]), "valid_to": _day(row["valid_to"]),
        "officer": row["opened_by__name"],
    },
)  # fmt: skip

plain_ledger(
    "notice", "公示台账", CASEWORK,
    [
        Column("no", "公示号", width=24), Column("case_no", "受理编号", width=24), Column("name", "申请人", width=12),
        Column("programme", "项目", width=18), Column("stage", "阶段", width=10), Column("posted", "张贴日期", width=12),
        Column("days", "天数", "number", 6), Column("last", "截止日", width=12), Column("result", "结果", width=10),
        Column("down", "撤下日期", width=12),
    ],
    _between(Notice, "posted_on"),
    ["no", "case__no", "case__applicant__name", "case__programme", "stage", "posted_on", "days", "last_day", "result", "taken_down_on"],
    lambda row: {
        "no": row["no"], "case_no": row["case__no"], "name": row["case__applicant__name"],
        "programme": _PROGRAMMES.get(row["case__programme"], row["case__programme"]),
        "stage": {"review": "审核", "approval": "审批", "result": "结果"}.get(row["stage"], row["stage"]),
        "posted": _day(row["posted_on"]), "days": row["days"], "last": _day(row["last_day"]),
        "result": dict(Notice.Result.choices).get(row["result"], row["result"]), "down": _day(row["taken_down_on"]),
    },
)  # fmt: skip

plain_ledger(
    "clue", "线索台账", (DutyCode.CLUE, DutyCode.CLUE_DECIDE, DutyCode.CLUE_CLOSE, DutyCode.SUPERVISE),
    [
        Column("no", "线索号", width=22), Column("name", "姓名", width=12), Column("id_masked", "证件号码", width=20),
        Column("household_no", "家庭编号", width=20), Column("rule", "规则", width=24), Column("severity", "级别", width=8),
        Column("found", "发现日期", width=12), Column("deadline", "整改期限", width=12), Column("state", "状态", width=10),
        Column("verdict", "结论", width=8), Column("action", "处理", width=12), Column("to_recover", "应追回（元）", "yuan", 14),
        Column("recovered", "已追回（元）", "yuan", 14), Column("officer", "责任人", width=12),
    ],
    _between(Clue, "found_on"),
    [
        "no", "person__name", "person__id_masked", "household__no", "rule_text", "rule_code", "severity", "found_on", "deadline",
        "state", "verdict", "action", "to_recover_fen", "recovered_fen", "responsible__name",
    ],
    lambda row: {
        "no": row["no"], "name": row["person__name"], "id_masked": row["person__id_masked"], "household_no": row["household__no"],
        "rule": (row["rule_text"] or {}).get("label", row["rule_code"]),
        "severity": dict(Clue.Severity.choices).get(row["severity"], ""), "found": _day(row["found_on"]),
        "deadline": _day(row["deadline"]), "state": dict(Clue.State.choices).get(row["state"], row["state"]),
        "verdict": dict(Clue.Verdict.choices).get(row["verdict"], ""), "action": dict(Clue.Action.choices).get(row["action"], ""),
        "to_recover": row["to_recover_fen"], "recovered": row["recovered_fen"], "officer": row["responsible__name"],
    },
)  # fmt: skip

plain_ledger(
    "temporary", "临时救助台账", CASEWORK,
    [
        Column("no", "决定书号", width=24), Column("case_no", "受理编号", width=24), Column("head", "户主", width=12),
        Column("household_no", "家庭编号", width=20), Column("kind", "类型", width=12), Column("decided", "决定日期", width=12),
        Column("outcome", "结论", width=10), Column("amount", "金额（元）", "yuan", 14), Column("reasons", "理由", width=40),
        Column("officer", "决定人", width=12),
    ],
    lambda choices: Determination.objects.filter(
        programme=Programme.TEMPORARY, decided_on__gte=choices.since, decided_on__lte=choices.until
    ),
    ["no", "case__no", "household__head__name", "household__no", "kind", "decided_on", "outcome", "amount_fen", "reasons", "decided_by__name"],
    lambda row: {
        "no": row["no"], "case_no": row["case__no"], "head": row["household__head__name"], "household_no": row["household__no"],
        "kind": dict(Determination.Kind.choices).get(row["kind"], ""), "decided": _day(row["decided_on"]),
        "outcome": dict(Determination.Outcome.choices).get(row["outcome"], ""), "amount": row["amount_fen"],
        "reasons": row["reasons"], "officer": row["decided_by__name"],
    },
)  # fmt: skip

plain_ledger(
    "tekun", "特困人员台账", (*CASEWORK, DutyCode.PAY_PREPARE),
    [
        Column("name", "姓名", width=12), Column("id_masked", "证件号码", width=20), Column("household_no", "家庭编号", width=20),
        Column("category", "城乡", width=8), Column("form", "供养方式", width=12), Column("self_care", "自理能力", width=20),
        Column("amount", "月供养金（元）", "yuan", 14), Column("start", "起始月", width=10), Column("last4", "账号后四位", width=10),
    ],
    lambda choices: RollEntry.objects.filter(programme=Programme.TEKUN, start_month__lte=choices.month.yyyymm).filter(
        Q(end_month__isnull=True) | Q(end_month__gte=choices.month.yyyymm)
    ).annotate(last4=F("account__last4")),
    ["person__name", "person__id_masked", "household__no", "category", "form", "self_care", "amount_fen", "start_month", "last4"],
    lambda row: {
        "name": row["person__name"], "id_masked": row["person__id_masked"], "household_no": row["household__no"],
        "category": dict(AreaKind.choices).get(row["category"], ""), "form": dict(CareForm.choices).get(row["form"], ""),
        "self_care": dict(SelfCare.choices).get(row["self_care"], ""), "amount": row["amount_fen"],
        "start": f"{row['start_month'] // 100}-{row['start_month'] % 100:02d}", "last4": row["last4"],
    },
    by_month=True,
)  # fmt: skip

#: Who works on emergencies and patrols, and who watches it.
FINDERS = (DutyCode.ACCEPT, DutyCode.REVIEW, DutyCode.VISIT, DutyCode.CONFIRM, DutyCode.SUPERVISE)

plain_ledger(
    "relief", "急难救助台账", (*FINDERS, DutyCode.FILE),
    [
        Column("no", "编号", width=24), Column("name", "求助人", width=12), Column("household_no", "家庭编号", width=20),
        Column("cause", "事由", width=16), Column("event", "发生日期", width=12), Column("source", "来源", width=12),
        Column("reported", "接报时间", width=18), Column("responded", "响应时间", width=18), Column("relieved", "先行救助时间", width=18),
        Column("amount", "金额（元）", "yuan", 14), Column("papers_due", "补手续期限", width=12), Column("papers", "补齐时间", width=18),
        Column("state", "状态", width=12), Column("officer", "响应人", width=12),
    ],
    _between(Relief, "reported_at__date"),
    [
        "no", "person__name", "household__no", "cause", "event_on", "source", "reported_at", "responded_at", "relieved_at",
        "determination__amount_fen", "papers_due_on", "papers_at", "state", "responded_by__name",
    ],
    lambda row: {
        "no": row["no"], "name": row["person__name"], "household_no": row["household__no"],
        "cause": dict(Relief._meta.get_field("cause").flatchoices).get(row["cause"], row["cause"]), "event": _day(row["event_on"]),
        "source": dict(Relief.Source.choices).get(row["source"], row["source"]), "reported": _moment(row["reported_at"]),
        "responded": _moment(row["responded_at"]), "relieved": _moment(row["relieved_at"]),
        "amount": row["determination__amount_fen"], "papers_due": _day(row["papers_due_on"]), "papers": _moment(row["papers_at"]),
        "state": dict(Relief._meta.get_field("state").flatchoices).get(row["state"], row["state"]),
        "officer": row["responded_by__name"],
    },
)  # fmt: skip

plain_ledger(
    "discovery", "主动发现台账", FINDERS,
    [
        Column("no", "编号", width=24), Column("name", "姓名", width=12), Column("event", "困难", width=18), Column("urgent", "急难", width=8),
        Column("reported", "上报时间", width=18), Column("by", "上报人", width=12), Column("state", "状态", width=12),
        Column("matter", "转办编号", width=24), Column("answered", "处理时间", width=18), Column("officer", "处理人", width=12),
    ],
    _between(Discovery, "reported_at__date"),
    ["no", "name", "event_type", "urgent", "reported_at", "reported_by__name", "state", "matter_no", "answered_at", "answered_by__name"],
    lambda row: {
        "no": row["no"], "name": row["name"], "event": dict(Discovery._meta.get_field("event_type").flatchoices).get(row["event_type"], ""),
        "urgent": "是" if row["urgent"] else "", "reported": _moment(row["reported_at"]), "by": row["reported_by__name"],
        "state": dict(Discovery._meta.get_field("state").flatchoices).get(row["state"], row["state"]), "matter": row["matter_no"],
        "answered": _moment(row["answered_at"]), "officer": row["answered_by__name"],
    },
)  # fmt: skip

plain_ledger(
    "patrol", "巡查台账", FINDERS,
    [
        Column("name", "姓名", width=12), Column("id_masked", "证件号码", width=20), Column("month", "应巡月份", width=10),
        Column("grid", "网格", width=14), Column("patroller", "巡查人", width=12), Column("state", "状态", width=16),
        Column("due", "期限", width=12), Column("done", "巡查时间", width=18),
    ],
    _between(PatrolTask, "due_on"),
    ["person__name", "person__id_masked", "month", "grid", "patroller__name", "state", "due_on", "done_at"],
    lambda row: {
        "name": row["person__name"], "id_masked": row["person__id_masked"], "month": f"{row['month'] // 100}-{row['month'] % 100:02d}",
        "grid": row["grid"], "patroller": row["patroller__name"],
        "state": dict(PatrolTask._meta.get_field("state").flatchoices).get(row["state"], row["state"]), "due": _day(row["due_on"]),
        "done": _moment(row["done_at"]),
    },
)  # fmt: skip
