"""Public notices that hang in my village now: only the fields the procedure allows, as the board shows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tuodi.cases.models import Notice
from tuodi.kernel import clock
from tuodi.kernel.masking import mask_name
from tuodi.org.access import system_scope
from tuodi.people.enums import Programme
from tuodi.web.components import places

#: The whole list of what may be read here, with its label; anything else in a notice stays unread.
ALLOWED = {
    "applicant_name": "申请人",
    "member_count": "人数",
    "amount": "拟保障金额（元）",
    "programme": "救助项目",
    "village": "所在村（社区）",
    "period": "公示时间",
    "phone": "监督电话",
    "opinion": "审核意见",
}
#: 公示 shows the day counted from the one after it was put up.
STAGES = {"review": "审核公示", "approval": "审批公示", "result": "结果公布"}


@dataclass(frozen=True)
class Board:
    """One notice as it hangs: its number, where, its days, and the allowed fields in order."""

    no: str
    title: str
    posted: date
    last: date | None
    day: int
    days: int
    where: str
    lines: list[tuple[str, str]]


def running(region: str) -> list[Board]:
    """What hangs in one village, the newest first. Read by the system: these rows are other families', on purpose."""
    today = clock.today()
    with system_scope(region):
        rows = [
            (row, row.case.programme, bool(_mask(row)))
            for row in Notice.objects.filter(result="", posted_on__lte=today)
            .select_related("case", "step")
            .order_by("-id")[:100]
            if row.region == region and (row.last_day is None or row.last_day >= today)
        ]
    return [_board(row, programme, masked, today) for row, programme, masked in rows]


def _mask(row: Notice) -> bool:
    try:
        text = row.case.procedure.step(row.step.name).notice
    except KeyError:
        return True
    return text is None or text.mask_name


def _board(row: Notice, programme: str, masked: bool, today: date) -> Board:
    lines = []
    for name, label in ALLOWED.items():
        value = row.content.get(name)
        if value in (None, ""):
            continue
        if name == "programme":
            value = Programme(value).label if value in Programme.values else value
        if name == "applicant_name" and masked and "*" not in str(value):
            value = mask_name(str(value))
        lines.append((label, str(value)))
    return Board(
        no=row.no,
        title=f"{Programme(programme).label}{STAGES.get(row.stage, '公示')}",
        posted=row.posted_on,
        last=row.last_day,
        day=max(0, min((today - row.posted_on).days, row.days)),
        days=row.days,
        where="、".join(row.where),
        lines=lines,
    )


def show(request: HttpRequest) -> HttpResponse:
    """The notices of the village my family lives in."""
    region = request.subject.region  # type: ignore[attr-defined]
    return render(request, "residents/notices.html", {"boards": running(region), "village": places.path(region)})
