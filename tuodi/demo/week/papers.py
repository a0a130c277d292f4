"""Papers: the file of a decided case put together, as its officer asks for it."""

from __future__ import annotations

from datetime import date

from tuodi.cases.models import Case
from tuodi.decisions import case_files
from tuodi.demo.week.cast import DESKS, acting, moment, remembered
from tuodi.kernel import clock

__all__ = ["case_file"]


def case_file() -> str:
    """The file of a granted application: ready to be fetched for a week."""
    pk = (remembered("in_every_step", "cases") or {}).get("28")
    if pk is None:
        return ""
    desk, when = DESKS[0], moment(date(2017, 9, 11), 11)
    with acting(desk.review, when) as officer:
        row = case_files.request(Case.objects.get(pk=pk), acting_user=officer)
    with clock.frozen(when):
        made = case_files.make(row, acting_user=officer)
    return f"案卷 {made.case.no} 已合成，共 {made.pages} 页"
