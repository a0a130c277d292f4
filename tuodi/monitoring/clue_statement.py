"""What the family stated about a clue, field by field, so that register and statement stand side by side (证据对照)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction

from tuodi.files.models import StoredFile
from tuodi.kernel import clock
from tuodi.monitoring.errors import ClueInputError, ClueStateError
from tuodi.monitoring.models import Clue, ClueEvidence
from tuodi.monitoring.states import UNDER_VERIFICATION
from tuodi.monitoring.steps import Step, note_event
from tuodi.org.models import DutyCode, User

__all__ = ["LOOKS", "MOST_ITEMS", "StatementItem", "record_statement"]

#: How an officer judges what was said. Left out, page and sheet compare the two texts.
LOOKS: Mapping[str, str] = {"same": "一致", "differs": "不一致", "supports": "支持陈述", "open": "待查"}
MOST_ITEMS = 40
State = Clue.State
#: A verdict rests on the comparison as it was: afterwards only further evidence is added.
_BEFORE_VERDICT = frozenset({State.ASSIGNED, *UNDER_VERIFICATION})


@dataclass(frozen=True, slots=True)
class StatementItem:
    """One thing the family said.

    Attributes:
        field: Column of the register, or a name of its own for what the register does not hold.
        label: What people call it.
        text: What was said, in words.
        look: One of `LOOKS`; empty = the texts are compared as they stand.
    """

    field: str
    label: str
    text: str
    look: str = ""


@transaction.atomic
def record_statement(
    clue: Clue, items: Sequence[StatementItem], *, signed_by: str, signed_on: date, acting_user: User, note: str = "",
    file: StoredFile | None = None,
) -> ClueEvidence:  # fmt: skip
    """Enters a signed statement: each item stands in `Clue.stated`, the whole becomes evidence of kind ``statement``.

    A later statement replaces what an earlier one said of the same field; the earlier one stays on file as evidence.

    Args:
        signed_by: Who made and signed it. signed_on: The day it was signed.
        file: The signed paper.

    Raises: ClueInputError, ClueStateError, NotFoundError, AccessDeniedError, ClueKinError.
    """
    said = [one for one in items if one.text.strip()]
    _check(said, signed_by, signed_on)
    step = Step([clue], acting_user, "登记家庭陈述")
    step.duty(DutyCode.CLUE, DutyCode.VISIT, DutyCode.VERIFY)
    step.refuse(
        lambda row: (
            None if row.state in _BEFORE_VERDICT else ClueStateError(row.no, row.get_state_display(), "登记家庭陈述")
        )
    )
    row = step.one()
    if signed_on < row.found_on:
        raise ClueInputError("签名日期", f"不能早于线索发现日 {row.found_on}")
    stated: dict[str, Any] = dict(row.stated)
    for one in said:
        stated[one.field] = {"text": one.text.strip()[:300], "look": one.look, "signed_on": signed_on.isoformat()}
    Clue.objects.filter(pk=row.pk).update(stated=stated)
    title = f"当事人陈述（{signed_by.strip()} {signed_on:%Y-%m-%d} 签名）"
    text = "；".join(
        f"{one.label}：{one.text.strip()}" + (f"（{LOOKS[one.look]}）" if one.look else "") for one in said
    )
    if note.strip():
        text = f"{text}。{note.strip()}"
    found = ClueEvidence.objects.create(
        clue=row, region=row.region, kind="statement", title=title[:100], text=text[:4000], file=file, added_at=clock.now(),
        added_by=acting_user,
    )  # fmt: skip
    note_event(
        row, "statement", user=acting_user, note=f"{signed_by.strip()}：{'、'.join(one.label for one in said)}"[:300]
    )
    step.audit("record_statement", evidence=found.pk, fields=[one.field for one in said], signed_on=str(signed_on))
    clue.refresh_from_db(fields=["stated"])
    return found


def _check(said: Sequence[StatementItem], signed_by: str, signed_on: date) -> None:
    if not said:
        raise ClueInputError("家庭陈述", "至少填写一项当事人说的内容")
    if len(said) > MOST_ITEMS:
        raise ClueInputError("家庭陈述", f"有 {len(said)} 项，一次不能超过 {MOST_ITEMS} 项")
    seen: set[str] = set()
    for one in said:
        if not one.field.strip() or not one.label.strip():
            raise ClueInputError("事项", f"“{one.text.strip()[:20]}”没有写明说的是哪件事")
        if one.look and one.look not in LOOKS:
            raise ClueInputError(one.label, f"比较只能是：{'、'.join(LOOKS.values())}，或不选")
        if one.field in seen:
            raise ClueInputError(one.label, "填写了两次，请合成一项")
        seen.add(one.field)
    if not signed_by.strip():
        raise ClueInputError("陈述人", "必须填写")
    if len(signed_by.strip()) > 40:
        raise ClueInputError("陈述人", "不能超过 40 个字")
    if signed_on > clock.today():
        raise ClueInputError("签名日期", "不能晚于今天")
