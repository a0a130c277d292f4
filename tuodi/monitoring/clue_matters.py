"""What a confirmed clue opens beside its own road: a death is noted, and the matter with its limit stands in the queue."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.monitoring import deaths
from tuodi.monitoring.models import Clue, ClueEvent, DeathMatter
from tuodi.monitoring.recovery import FACT_DATES, fact_date
from tuodi.monitoring.steps import note_event
from tuodi.verification.rulebook import book, place_of

__all__ = ["open_matters", "opens"]

#: The day of a cremation is not the day of death: which month is still paid may hang on it.
_NO_DAY = "登记内容没有死亡日期，没有自动登记；请按死亡证明在家庭档案里登记死亡，来源写本线索"


def opens(clue: Clue) -> str:
    """What a confirmation of a clue opens: as its rule said when it was raised, else (an older clue) as it says today."""
    said = clue.rule_text.get("opens")
    if said is not None:
        return str(said)
    rules = book().clue_rules(place_of(clue.region), clock.today())
    return next((rule.opens for rule in rules if rule.code == clue.rule_code), "")


def open_matters(rows: Iterable[Clue]) -> list[DeathMatter]:
    """Notes the deaths that confirmed clues are about, by the system: who confirmed answers for the verdict, another settles.

    A death that cannot be noted (no day, another day on record) leaves the verdict as it is and is told in the clue's events.
    Done twice, or by a second clue of the same death, it opens nothing more.
    """
    made: list[DeathMatter] = []
    wanted = [row.pk for row in rows if opens(row) == "death"]
    for clue in Clue.objects.filter(pk__in=wanted).select_related("person", "hit").order_by("pk"):
        day, told = fact_date(clue)
        if day is None or not told.endswith(FACT_DATES["death_date"]):
            _tell(clue, _NO_DAY)
            continue
        try:
            with transaction.atomic():
                found = deaths.record_death(
                    clue.person, died_on=day, source=DeathMatter.Source.CLUE, acting_user=None, clue_no=clue.no
                )
        except TuodiError as error:
            _tell(clue, f"没有自动登记死亡：{error}")
            continue
        made += found
        due = f"，应在 {found[0].due_on} 前办结死亡减员" if found else "；家庭不在册，没有要办理的减员"
        _tell(clue, f"已按{told}登记 {day} 死亡{due}")
    return made


def _tell(clue: Clue, note: str) -> ClueEvent:
    return note_event(clue, "opened", user=None, note=note[:500])
