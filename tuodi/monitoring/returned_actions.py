"""Lists of persons the discipline body sends back after its own comparison: each row becomes a clue or is accounted for."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Q

from tuodi.audit.actions import record
from tuodi.exchange import sheets
from tuodi.exchange.cells import as_text
from tuodi.exchange.cellsafe import harmless
from tuodi.exchange.errors import FileRefusedError
from tuodi.exchange.profiles import squeeze
from tuodi.files.store import put_bytes, safe_name
from tuodi.kernel import clock
from tuodi.kernel.identity import InvalidIdError, normalise, parse_id
from tuodi.kernel.masking import mask_id
from tuodi.kernel.names import normalise_name
from tuodi.kernel.places import pad12
from tuodi.monitoring.clue_actions import new_clue
from tuodi.monitoring.models import Clue, HandOver, ReturnedList, ReturnedRow
from tuodi.monitoring.series import numbers
from tuodi.monitoring.sweep_errors import WatchInputError
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.people import secrets
from tuodi.people.models import FormerName, Membership, Person, RollEntry

__all__ = ["REMEDY", "import_returned"]

#: Field -> headers, squeezed. The matter says what was found, in the sender's words.
_HEADERS = {
    "id_no": ("身份证号", "身份证号码", "公民身份号码", "证件号码"),
    "name": ("姓名",),
    "matter": ("问题", "问题线索", "疑似问题", "问题类型", "线索内容"),
    "detail": ("说明", "备注", "具体情况"),
}
_SEVERITY = "O"


@transaction.atomic
def import_returned(
    path: Path, *, acting_user: User, place: str, sender: str, document: str = "", sheet: str | None = None,
    name: str = "", hand_over: HandOver | None = None,
) -> ReturnedList:  # fmt: skip
    """Takes over a list; the same file again is the list there is. `rows = raised + known + unmatched + rejected`.

    Args:
        place: significant prefix; persons are looked for on its roll.
        hand_over: the export it answers, if any.
    Raises: WatchInputError, FileRefusedError, SheetChoiceError, NotFoundError, AccessDeniedError.
    """
    region = pad12(place)
    access.require(acting_user, DutyCode.SWEEP, region)
    if not sender.strip():
        raise WatchInputError("来文单位", "没有填写")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    known = ReturnedList.objects.filter(place_code=place, sha256=digest).first()
    if known is not None:
        return known
    read = _rows(path, sheet)
    made = ReturnedList(
        region=region, place_code=place, no=numbers("returned", place, clock.today())[0], hand_over=hand_over,
        sender=sender.strip()[:80], document=document.strip()[:80], file_name=safe_name(name or path.name), sha256=digest,
        rows=len(read), received_at=clock.now(), received_by=acting_user,
    )  # fmt: skip
    faults: list[tuple[int, str, str, str]] = []
    lines: list[ReturnedRow] = []
    for row_no, cells in read:
        kind, why, clue = _take(cells, made, acting_user)
        setattr(made, kind, getattr(made, kind) + 1)
        lines.append(
            ReturnedRow(
                region=region, row_no=row_no, name=cells["name"][:60], id_masked=mask_id(normalise(cells["id_no"]).text)[:40],
                matter=cells["matter"][:200], result=kind, why=why[:200], clue=clue,
            )
        )  # fmt: skip
        if why:
            faults.append((row_no, mask_id(normalise(cells["id_no"]).text), why, REMEDY[kind]))
    if faults:
        sheet_lines = [
            "行号,证件号码,原因,处理办法",
            *(",".join([str(no), *map(harmless, rest)]) for no, *rest in faults),
        ]
        made.faults = put_bytes(
            ("\ufeff" + "\r\n".join(sheet_lines)).encode(), region=region, name=f"{made.no}-未生成线索.csv", purpose="returned_faults",
            media_type="text/csv", by_id=acting_user.pk,
        )  # fmt: skip
    made.save()
    for line in lines:
        line.returned = made
    ReturnedRow.objects.bulk_create(lines, batch_size=2000)
    record(
        "monitoring.import_returned", actor=acting_user, subject_type="returnedlist", subject_id=made.pk, region=region,
        after={
            "no": made.no, "sender": made.sender, "rows": made.rows, "raised": made.raised, "known": made.known,
            "unmatched": made.unmatched, "rejected": made.rejected, "sha256": digest,
        },
    )  # fmt: skip
    return made


#: What to do about a row that raised no clue, by its result.
REMEDY = {
    "known": "无需处理", "unmatched": "请核对此人是否曾享受救助，必要时书面答复来文单位",
    "rejected": "请与来文单位核对后重新提供",
}  # fmt: skip


def _rows(path: Path, sheet: str | None) -> list[tuple[int, dict[str, str]]]:
    book = sheets.open_book(path)
    found = book.rows(book.choose(sheet))
    index = {squeeze(header): field for field, headers in _HEADERS.items() for header in headers}
    where: dict[str, int] = {}
    for row in found:
        where = {}
        for at, cell in enumerate(row.cells):
            field = index.get(squeeze(as_text(cell)))
            if field:
                where.setdefault(field, at)
        if {"id_no", "name", "matter"} <= set(where):
            break
        if row.no >= 15:
            where = {}
            break
    if not {"id_no", "name", "matter"} <= set(where):
        raise FileRefusedError("columns", "没有找到表头：须有姓名、身份证号、问题三列", "请补上表头后再导入")
    out = []
    for row in found:
        cells = {name: as_text(row.cells[at]) if at < len(row.cells) else "" for name, at in where.items()}
        if any(cells.values()):
            out.append((row.no, {"detail": "", **cells}))
    return out


def _take(cells: dict[str, str], made: ReturnedList, user: User) -> tuple[str, str, Clue | None]:
    """One row: which count it goes to, why it made no clue, and the clue there is."""
    if not cells["matter"]:
        return "rejected", "没有写明问题", None
    try:
        number = parse_id(normalise(cells["id_no"]).text)
    except InvalidIdError as error:
        return "rejected", error.message.split("。")[0].split("：")[-1], None
    if not number.check_ok:
        return "rejected", "身份证号校验码不对", None
    person = Person.objects.filter(id_index__in=secrets.id_indexes(number.text18)).order_by("id").first()
    entry = None if person is None else _entry(person)
    if person is None or entry is None:
        return "unmatched", "本地在册和曾在册人员中没有此号码", None
    if not _same_name(person, cells["name"]):
        return "rejected", "号码相符而姓名不符", None
    before = Clue.objects.filter(person=person, source="discipline").count()
    clue = new_clue(
        acting_user=user, source="discipline", rule_code="DISCIPLINE", severity=_SEVERITY, household=entry.household,
        person=person, programme=entry.programme, category=entry.category, fact=cells["matter"], monthly_fen=entry.amount_fen,
        rule_text={"label": "纪检监察机关移交的问题线索", "clause": made.document or made.sender},
        registered={"sender": made.sender, "document": made.document, "matter": cells["matter"], "detail": cells["detail"]},
        outcomes=["stop", "decrease", "recompute", "recover", "refer", "keep"], default_action="recompute",
    )  # fmt: skip
    if Clue.objects.filter(person=person, source="discipline").count() == before:
        return "known", "同一人同一问题已在台账中", clue
    return "raised", "", clue


def _entry(person: Person) -> RollEntry | None:
    """What the person's family draws or drew last."""
    homes: Sequence[Any] = Membership.objects.filter(person=person).values_list("household_id", flat=True)
    return (
        RollEntry.objects.filter(Q(household__in=homes, person__isnull=True) | Q(person=person))
        .select_related("household")
        .order_by("-start_month", "-id")
        .first()
    )


def _same_name(person: Person, written: str) -> bool:
    name = normalise_name(written)
    former = FormerName.objects.filter(person=person).values_list("name", flat=True)
    return bool(name) and name in {normalise_name(one) for one in (person.name, *former)}
