"""What a family was paid, month by month: parts, corrections of earlier months, and the bank's last word."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import OuterRef, Subquery

from tuodi.payments.models import Arrear, LineEvent, PayLine
from tuodi.payments.models.run import COMPONENTS
from tuodi.people.models import Household

__all__ = ["PaidMonth", "history"]


@dataclass(frozen=True)
class PaidMonth:
    """One line of a family's history: its components other than zero, corrections in it, what the bank said last."""

    line: PayLine
    parts: list[tuple[str, int]]
    corrections: list[Arrear] = field(default_factory=list)
    last_message: str = ""


def history(household: Household, *, limit: int = 36) -> list[PaidMonth]:
    """A family's lines, newest month first, in two queries; with each the bank's words in its newest event."""
    newest = LineEvent.objects.filter(line=OuterRef("pk")).order_by("-id").values("message")[:1]
    rows = (
        PayLine.objects.filter(household=household, live=True)
        .select_related("household__head")
        .annotate(last_message=Subquery(newest))
    )
    lines = list(rows.order_by("-month", "programme", "key")[:limit])
    if not lines:
        return []
    by_unit: dict[tuple[int, str, int | None], list[Arrear]] = {}
    for one in Arrear.objects.filter(household=household, run__in={line.run_id for line in lines}).order_by(
        "for_month"
    ):
        by_unit.setdefault((one.run_id, one.programme, one.person_id), []).append(one)
    labels = {name: str(PayLine._meta.get_field(name).verbose_name) for name in COMPONENTS}  # type: ignore[union-attr]
    found = []
    for line in lines:
        found.append(
            PaidMonth(
                line=line,
                parts=[(labels[name], getattr(line, name)) for name in COMPONENTS if getattr(line, name)],
                corrections=by_unit.get((line.run_id, line.programme, line.person_id), []),
                last_message=line.last_message or "",
            )
        )
    return found
