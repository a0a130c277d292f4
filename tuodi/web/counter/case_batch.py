"""One thing done with many cases, each in its own transaction: what is done for one stays done, and each refusal says why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.cases.models import Case
from tuodi.cases.worklist import Wanted
from tuodi.decisions import actions as decisions
from tuodi.decisions import roll
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.org.models import DutyCode, User
from tuodi.verification.models import VisitTask
from tuodi.verification.visit_actions import plan_visit
from tuodi.web.components import navigation, places, posting
from tuodi.web.counter import case_forms, visits

#: Cases one step may take.
MOST = 100


@dataclass(frozen=True)
class Verb:
    """One thing to do with many cases.

    Attributes:
        duty: Who is offered it. fields: Parts of its form, as the template names them.
    """

    code: str
    label: str
    duty: str
    icon: str
    text: str
    fields: frozenset[str] = frozenset()


VERBS = (
    Verb("assign", "安排入户", DutyCode.VISIT, "map-pin", "每户各成一项入户任务，由同两名调查员去", frozenset({"people"})),
    Verb("close", "结束公示", DutyCode.REVIEW, "check", "只结束已经期满、没有异议的公示"),
    Verb("file", "备案", DutyCode.FILE, "file-certificate", "逐案编号，写明备案意见", frozenset({"opinion"})),
    Verb(
        "confirm", "予以确认", DutyCode.CONFIRM, "scale", "逐案按当日规则重算，不符合的、缺事实的、有重复救助的不办，写明原因",
        frozenset({"opinion"}),
    ),
)  # fmt: skip


@dataclass
class Line:
    """What became of one case."""

    no: str
    name: str
    place: str
    href: str
    done: bool
    said: str


@dataclass
class Result:
    """What became of a step over many cases, the refused first."""

    label: str
    lines: list[Line] = field(default_factory=list)

    @property
    def done(self) -> int:
        """How many were done."""
        return sum(line.done for line in self.lines)

    @property
    def refused(self) -> int:
        """How many were not."""
        return len(self.lines) - self.done


def offers(request: HttpRequest, wanted: Wanted) -> dict[str, Any] | None:
    """The forms for the reader's duties; None where he may do nothing with many."""
    held = set(navigation.held_duties(request))
    verbs = [verb for verb in VERBS if verb.duty in held]
    if not verbs:
        return None
    user: Any = request.user
    people = visits.visitors(user.office.place_code, user) if any("people" in verb.fields for verb in verbs) else []
    return {"verbs": verbs, "people": [(one.pk, f"{one.name}（{one.office.name}）") for one in people], "most": MOST}


def run(request: HttpRequest) -> HttpResponse:
    """Does one step with the chosen cases, one transaction each, and shows what became of each."""
    user: Any = request.user
    kept = posting.text(request, "keep", 400)
    back = reverse("web:cases") + (f"?{kept}" if kept else "")
    verb = next((one for one in VERBS if one.code == posting.text(request, "do", 20)), None)
    if verb is None or verb.duty not in navigation.held_duties(request):
        posting.refuse(request, "这个操作现在不能办理，请回列表刷新后再选。")
        return posting.back(back)
    chosen = [int(key) for key in request.POST.getlist("case") if key.isascii() and key.isdigit() and len(key) < 19]
    chosen = list(dict.fromkeys(chosen))
    if not chosen:
        posting.refuse(request, "没有选中办件。请先勾选，再选择操作。")
        return posting.back(back)
    if len(chosen) > MOST:
        posting.refuse(request, f"一次最多办理 {MOST} 件，现在选了 {len(chosen)} 件。请缩小范围。")
        return posting.back(back)
    result = Result(verb.label)
    for key in chosen:
        result.lines.append(_one(user, key, lambda case: _DO[verb.code](request, user, case)))
    result.lines.sort(key=lambda line: line.done)
    with access.scope(user):
        return render(request, "counter/case_batch.html", {"result": result, "back": back})


run.own_transactions = True  # type: ignore[attr-defined]


def _one(user: User, key: int, deed: Callable[[Case], str]) -> Line:
    """One case in its own transaction. A refusal keeps what its action wrote (the log of a second hand)."""
    with access.scope(user):
        case = Case.objects.select_related("household__head", "applicant").filter(pk=key).first()
        if case is None:
            return Line("—", "—", "—", "", False, str(NotFoundError("案件")))
        line = Line(
            case.no, case.applicant.name, places.path(case.region), reverse("web:case", args=[case.pk]), False, ""
        )
        try:
            line.said = deed(case)
            line.done = True
        except TuodiError as error:
            line.said = str(error)
    return line


def _assign(request: HttpRequest, user: User, case: Case) -> str:
    keys = [posting.text(request, name, 20) for name in ("first", "second")]
    people = [
        User.objects.filter(pk=int(key), is_active=True).first() for key in keys if key.isascii() and key.isdigit()
    ]
    task = plan_visit(
        case.household,
        VisitTask.Purpose.CASE,
        acting_user=user,
        case=case,
        assigned=[one for one in people if one is not None],
    )
    return f"入户任务 {task.no}" + (f"，{task.due_on:%Y-%m-%d} 前" if task.due_on else "")


def _close(request: HttpRequest, user: User, case: Case) -> str:
    notice = decisions.close_notice(case, acting_user=user)
    return f"公示 {notice.no} 已结束，{notice.get_result_display()}"


def _file(request: HttpRequest, user: User, case: Case) -> str:
    step = decisions.file_record(case, acting_user=user, opinion=posting.text(request, "file-opinion", 1000))
    return f"已备案 {step.data.get('filing_no', '')}"


def _confirm(request: HttpRequest, user: User, case: Case) -> str:
    opinion = posting.text(request, "confirm-opinion", 1000)
    if not opinion:
        raise BatchOpinionError
    rows = decisions.confirm(case, acting_user=user, opinion=opinion)
    said = "、".join(row.no for row in rows)
    waiting = case_forms.waiting_for_roll(case)
    accounts = list(case_forms.enrol_form(case).accounts.values())
    if not waiting:
        return f"已确认 {said}"
    if len(accounts) != 1:
        return f"已确认 {said}；请打开办件选择发放账户，列入名册"
    try:
        for row in waiting:
            roll.put_on_roll(row, acting_user=user, account=accounts[0])
    except TuodiError as error:  # the confirmation stands
        return f"已确认 {said}；没有列入名册：{error}"
    return f"已确认 {said}，列入名册，{Month.parse(str(waiting[0].start_month))} 起发放"


class BatchOpinionError(TuodiError):
    """Confirming many with no opinion."""

    code = "web.batch_opinion"
    status = 400

    def __init__(self) -> None:
        super().__init__("确认意见没有填写。批量确认也要写明意见。")


_DO: Mapping[str, Callable[[HttpRequest, User, Case], str]] = {
    "assign": _assign,
    "close": _close,
    "file": _file,
    "confirm": _confirm,
}
