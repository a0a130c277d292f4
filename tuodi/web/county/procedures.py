"""Procedures in force at a place on a day: as a picture and a table, two places side by side, and the sheet for the wall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tuodi.cases.procedures import known_places, procedure_for, programmes_known
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.places import PlaceError, trim
from tuodi.people.enums import Programme
from tuodi.policy.procedure import FORM_LABELS, Procedure, Step
from tuodi.web.components import places
from tuodi.web.county import flow


@dataclass
class Row:
    """One step in words: a line of the table under the picture, and what a side-by-side look compares."""

    number: int
    id: str
    label: str
    who: str
    limits: list[str]
    extras: list[str]
    conditions: list[str]
    where: str
    order: str
    prints: list[str]
    clause: str
    note: str
    local: bool
    key: dict[str, object] = field(default_factory=dict)  #: what makes two rows alike, whatever their words


@dataclass
class Side:
    """One place's procedure made ready."""

    place: str
    names: list[str]
    procedure: Procedure
    rows: list[Row]
    drawing: flow.Drawing
    total: list[str]
    stops: list[str]

    @property
    def local(self) -> bool:
        """Whether the place, or one above it, has a text of its own."""
        return self.procedure.place != "cn"


@dataclass
class Difference:
    """One step in two places: a row of each (None = the place does not have it) and what is not alike."""

    label: str
    first: Row | None
    second: Row | None
    what: list[str] = field(default_factory=list)


@dataclass
class Asked:
    """What the address asks for."""

    place: str
    other: str
    programme: str
    on: date
    problems: list[str] = field(default_factory=list)


def _programme_label(code: str) -> str:
    return dict(Programme.choices).get(code, code)


def _asked(request: HttpRequest) -> Asked:
    today = clock.today()
    own = trim(request.user.office.place_code)  # type: ignore[union-attr]
    found = Asked(own, "", request.GET.get("programme", "").strip()[:16] or "dibao", today)
    for name in ("place", "other"):
        text = request.GET.get(name, "").strip().partition(" ")[0]
        if not text:
            continue
        try:
            setattr(found, name, trim(text))
        except PlaceError as error:
            found.problems.append(str(error))
    try:
        found.on = date.fromisoformat(request.GET.get("on", "") or today.isoformat())
    except ValueError:
        found.problems.append(f"“{request.GET.get('on', '')[:20]}”不是日期。请写成 2021-09-10。")
    return found


def show(request: HttpRequest) -> HttpResponse:
    """The page; `place`, `other`, `programme` and `on` (day of acceptance) come from the address."""
    asked = _asked(request)
    first = _procedure(asked, asked.place)
    second = _procedure(asked, asked.other) if asked.other else None
    differences: list[Difference] = []
    sides: list[Side] = []
    if first and second:
        differences = _differences(first, second)
        changed = {row.id for one in differences if one.what for row in (one.first, one.second) if row}
        levels = sorted({step.by for text in (first, second) for step in text.steps})
        sides = [_side(asked.place, first, changed, levels), _side(asked.other, second, changed, levels)]
    elif first:
        sides = [_side(asked.place, first)]
    context = {
        "asked": asked,
        "sides": sides,
        "differences": differences,
        "changed_count": sum(bool(one.what) for one in differences),
        "programmes": [(code, _programme_label(code)) for code in programmes_known()],
        "places": [(code, places.name(code)) for code in known_places()],
        "problems": asked.problems,
    }
    return render(request, "county/procedures.html", context)


def wall(request: HttpRequest) -> HttpResponse:
    """办理流程和时限上墙: one A4 sheet for the window of a township or village."""
    asked = _asked(request)
    procedure = _procedure(asked, asked.place)
    context = {
        "asked": asked,
        "side": _side(asked.place, procedure) if procedure else None,
        "programme": _programme_label(asked.programme),
        "problems": asked.problems,
    }
    return render(request, "county/procedure_wall.html", context)


def _procedure(asked: Asked, place: str) -> Procedure | None:
    try:
        return procedure_for(place, asked.programme, asked.on)
    except TuodiError as error:
        asked.problems.append(str(error))
        return None


def _side(place: str, procedure: Procedure, changed: Sequence[str] | set[str] = (), levels: Sequence[str] = ()) -> Side:
    stops = []
    if procedure.stop_for_materials:
        stops.append("等待申请人补正材料期间停止计时")
    if procedure.stop_in_notice:
        stops.append("公示期间停止计算总期限")
    return Side(
        place=place,
        names=places.names(place),
        procedure=procedure,
        rows=_rows(procedure),
        drawing=flow.draw(procedure, differ=changed, levels=levels, narrow=bool(levels)),
        total=flow.total_words(procedure),
        stops=stops,
    )


def _rows(procedure: Procedure) -> list[Row]:
    return [_row(number, step, procedure) for number, step in enumerate(procedure.steps, 1)]


def _row(number: int, step: Step, procedure: Procedure) -> Row:
    labels = {one.id: one.label for one in procedure.steps}
    limits = [f"{flow.limit_words(limit, procedure)}启动" for limit in step.start_within]
    limits += [flow.limit_words(limit, procedure) for limit in step.limits]
    waits = "、".join(labels[name] for name in step.after if name in labels)
    beside = "、".join(labels[name] for name in step.parallel_with if name in labels)
    order = (f"{waits}之后" if waits else "最先") + (f"，与{beside}同步" if beside else "")
    if step.objection:
        order += f"；有异议退回“{labels[step.objection.back_to]}”" + ("" if step.objection.new_notice else "，不再公示")
    return Row(
        number=number,
        id=step.id,
        label=step.label,
        who=step.who,
        limits=limits,
        extras=flow.extras(step),
        conditions=flow.conditions(step, procedure),
        where="、".join(step.notice.where) if step.notice else "",
        order=order,
        prints=[FORM_LABELS[form] for form in step.prints],
        clause=step.clause,
        note=step.note,
        key={
            "label": step.label,
            "who": (step.by, step.duty),
            "limits": [(limit.n, limit.unit, limit.since, limit.when) for limit in (*step.start_within, *step.limits)],
            "extras": flow.extras(step),
            "conditions": (step.when, step.only_if, step.optional),
            "order": (step.after, step.objection and (step.objection.back_to, step.objection.new_notice)),
        },
        local=bool(step.clause)
        and procedure.place != "cn"
        and step.clause.split(" ")[0] == procedure.clause.split(" ")[0],
    )


#: What is compared, and how a difference is called.
_COMPARED = (
    ("label", "名称"), ("who", "办理层级"), ("limits", "期限"), ("extras", "要求"), ("conditions", "条件"), ("order", "次序"),
)  # fmt: skip


def _differences(first: Procedure, second: Procedure) -> list[Difference]:
    """Every step of both, in an order that keeps each place's own; what is alike has an empty `what`."""
    left = {row.id: row for row in _rows(first)}
    right = {row.id: row for row in _rows(second)}
    order = list(left)
    for position, name in enumerate(right):
        if name not in left:
            known = [order.index(other) for other in list(right)[:position] if other in order]
            order.insert(max(known, default=-1) + 1, name)
    found = []
    for name in order:
        one, two = left.get(name), right.get(name)
        either = one or two
        assert either is not None
        pair = Difference(either.label, one, two)
        if one is None or two is None:
            pair.what = ["只有一地有"]
        else:
            pair.what = [word for key, word in _COMPARED if one.key[key] != two.key[key]]
        found.append(pair)
    return found
