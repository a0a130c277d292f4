"""Papers: the file of a decided case put together, and lists asked for as spreadsheets."""

from __future__ import annotations

from datetime import date

from tuodi.cases.models import Case
from tuodi.decisions import case_files
from tuodi.demo.week.cast import DESKS, PLACE, TODAY, acting, desk_at, moment, remembered
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.monitoring import export_actions as exports
from tuodi.monitoring.ledgers import Choices
from tuodi.monitoring.models import Export
from tuodi.org.access import system_scope

__all__ = ["case_file", "exports_asked"]


def case_file() -> str:
    """The file of a granted application: ready to be fetched for a week."""
    with system_scope(PLACE):
        case = Case.objects.filter(pk__in=remembered("in_every_step", "granted") or []).order_by("region", "pk").first()
    if case is None:
        return ""
    desk, when = desk_at(case.region), moment(TODAY, 11)
    with acting(desk.review, when) as officer:
        row = case_files.request(case, acting_user=officer)
    with clock.frozen(when):
        made = case_files.make(row, acting_user=officer)
    return f"案卷 {made.case.no} 已合成，共 {made.pages} 页"


def exports_asked() -> str:
    """Rosters as spreadsheets: a small one made at once, a large one that waits for the second person, one refused."""
    choices = Choices("dibao", Month.of(TODAY), date(2017, 1, 1), TODAY)
    with acting(DESKS[0].review, moment(TODAY, 12)) as officer:
        row = exports.request(
            acting_user=officer, kind="roster", place=DESKS[0].village, choices=choices, reason="入户核对"
        )
    with clock.frozen(moment(TODAY, 12)):
        if row.state == Export.State.APPROVED:
            exports.make(row, acting_user=officer)
    asked = []
    for tag, place, why in (("dongbao", "420802", "年度审计抽查"), ("zhongxiang", "420881", "留存备用")):
        with acting(f"{tag}-hd", moment(TODAY, 13)) as officer:
            asked.append(exports.request(acting_user=officer, kind="roster", place=place, choices=choices, reason=why))
    if asked[1].state == Export.State.WAITING:
        with acting("shi-ys", moment(TODAY, 14)) as officer:
            exports.refuse(asked[1], "“留存备用”不是具体用途，请写明后再申请", acting_user=officer)
    return f"导出申请 {1 + len(asked)} 件：行数多的要写用途、由另一人审批"
