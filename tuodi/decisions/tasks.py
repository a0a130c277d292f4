"""Jobs of the room. Run twice, each does its work once."""

from __future__ import annotations

from procrastinate.contrib.django import app

from tuodi.decisions import case_files
from tuodi.decisions.models import CaseFile
from tuodi.decisions.standing import refresh_due
from tuodi.org.access import NATION, scope
from tuodi.org.models import User

__all__ = ["make_case_file", "papers_daily"]


@app.task(name="decisions.make_case_file", queue="long")
def make_case_file(case_file_id: int, user_id: int) -> None:
    """Puts a case file together for who asked for it."""
    user = User.objects.select_related("office").get(pk=user_id)
    with scope(user):
        row = CaseFile.objects.filter(pk=case_file_id, state__in=("waiting", "making")).first()
    if row is not None:
        case_files.make(row, acting_user=user)


@app.periodic(cron="20 0 * * *")
@app.task(name="decisions.papers_daily", queueing_lock="decisions.papers_daily")
def papers_daily(timestamp: int = 0) -> tuple[int, int]:
    """After midnight: standing lists whose day has come, case files whose days are over."""
    return refresh_due(NATION), case_files.expire(NATION)
