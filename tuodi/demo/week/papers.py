"""Papers: the file of a decided case put together, as its officer asks for it."""

from __future__ import annotations

from tuodi.cases.models import Case
from tuodi.decisions import case_files
from tuodi.demo.week.cast import PLACE, TODAY, acting, desk_at, moment, remembered
from tuodi.kernel import clock
from tuodi.org.access import system_scope

__all__ = ["case_file"]


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
