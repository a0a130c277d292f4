"""Taking in many consents at once: from a list of papers, or for a whole roll whose papers are in the cupboard."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from tuodi.audit.actions import record
from tuodi.crypto.index import blind_indexes
from tuodi.exchange.cells import BadCellError, as_day
from tuodi.files.store import put_bytes
from tuodi.kernel import clock
from tuodi.kernel.ages import OF_AGE, age
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.identity import normalise, parse_id
from tuodi.kernel.masking import mask_id, mask_name
from tuodi.kernel.names import normalise_name
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.people.models import Membership
from tuodi.verification.check_errors import ConsentInputError
from tuodi.verification.consent_actions import check_dates
from tuodi.verification.consent_queries import in_force
from tuodi.verification.models import Consent

__all__ = ["Imported", "import_consents", "import_for_roll"]


@dataclass
class Imported:
    """What became of a file: accepted + known + faulty = rows. `faults`: row in the file, field, what to do."""

    rows: int = 0
    accepted: int = 0
    known: int = 0
    faults: list[tuple[int, str, str]] = field(default_factory=list)


#: Field -> headers of the file.
COLUMNS = {
    "id": ("证件号码", "身份证号", "身份证号码", "公民身份号码"),
    "name": ("姓名",),
    "signed_on": ("授权日期", "签署日期"),
    "valid_to": ("有效期至",),
    "paper_ref": ("纸质档号", "档号"),
    "covers_bank": ("含金融资产",),
    "guardian": ("监护人",),
}


@transaction.atomic
def import_consents(data: bytes, *, acting_user: User, place_code: str, name: str = "授权名册.csv") -> Imported:
    """Takes in consents on paper from a CSV (UTF-8 or GB 18030), one person a row; good rows count, bad ones are listed.

    A row is found by number and must agree in name. The file itself is kept.

    Raises:
        ConsentInputError: No readable header. NotFoundError, AccessDeniedError.
    """
    access.require(acting_user, DutyCode.VERIFY, pad12(place_code))
    lines, heads = _csv(data)
    stored = put_bytes(
        data, region=pad12(place_code), name=name, purpose="consent_list", media_type="text/csv", by_id=acting_user.pk
    )
    result = Imported(rows=len(lines))
    today = clock.today()
    good: list[tuple[int, dict[str, str], str, date, date | None]] = []
    for number, line in lines:
        row = {name: line[at].strip() if at < len(line) else "" for name, at in heads.items()}
        try:
            text18 = parse_id(normalise(row["id"]).text).text18
            signed_on = _day(row["signed_on"], "授权日期")
            valid_to = _day(row["valid_to"], "有效期至") if row.get("valid_to") else None
            check_dates(signed_on, valid_to, today)
        except TuodiError as error:
            result.faults.append((number, mask_id(row["id"]), str(error)))
            continue
        good.append((number, row, text18, signed_on, valid_to))
    indexes = blind_indexes([text18 for _, _, text18, _, _ in good], "id")
    found = _memberships(place_code, indexes, today)
    held = _held([one.person_id for one in found.values()], today)
    fresh: dict[int, Consent] = {}
    for (number, row, _, signed_on, valid_to), index in zip(good, indexes, strict=True):
        membership = found.get(bytes(index or b""))
        fault = _row_fault(row, membership, signed_on)
        if fault or membership is None:
            result.faults.append((number, mask_id(row["id"]), fault))
        elif membership.person_id in fresh or held.get(membership.person_id, date.min) >= signed_on:
            result.known += 1
        else:
            fresh[membership.person_id] = Consent(
                region=membership.region,
                household_id=membership.household_id,
                role=Consent.Role.MEMBER,
                person_id=membership.person_id,
                basis=Consent.Basis.IMPORTED,
                signed_on=signed_on,
                valid_to=valid_to,
                covers_bank=row.get("covers_bank", "是") not in ("否", "0", "N", "n"),
                guardian_name=normalise_name(row.get("guardian"))[:60],
                paper_ref=row.get("paper_ref", "")[:80],
                document=stored,
                recorded_at=clock.now(),
                recorded_by=acting_user,
            )
    _replace_open(list(fresh))
    Consent.objects.bulk_create(fresh.values(), batch_size=2000)
    result.accepted = len(fresh)
    result.faults.sort()
    _audit_bulk("import_consents", acting_user, place_code, result, file=stored.sha256)
    return result


@transaction.atomic
def import_for_roll(
    *, acting_user: User, place_code: str, signed_on: date, paper_ref: str, valid_to: date | None = None,
    missing: Collection[int] = (),
) -> int:  # fmt: skip
    """Records the paper consents of everybody on the roll of a place who has none in force: one statement.

    For a roll whose papers are in the cupboard, box by box. Minors are left out: their guardian's name is needed.

    Args:
        missing: households whose papers were not found; they stay without.

    Returns: how many were recorded.
    Raises: ConsentInputError, NotFoundError, AccessDeniedError.
    """
    region = pad12(place_code)
    access.require(acting_user, DutyCode.VERIFY, region)
    today = clock.today()
    check_dates(signed_on, valid_to, today)
    if not paper_ref.strip():
        raise ConsentInputError("纸质档号", "没有填写。批量登记须写明授权书存放的档号。")
    span, month = access.range_of(place_code), Month.of(today).yyyymm
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into verification_consent (region, household_id, role, person_id, basis, signed_on, valid_to, "
            "covers_bank, guardian_name, paper_ref, recorded_at, recorded_by_id, end_reason) "
            "select m.region, m.household_id, 'member', m.person_id, 'imported', %s, %s, true, '', %s, %s, %s, '' "
            "from people_membership m join people_person p on p.id = m.person_id "
            "where m.region >= %s and m.region < %s and m.since <= %s and (m.until is null or m.until > %s) "
            "and (p.birth is null or p.birth <= %s) and m.household_id <> all(%s::bigint[]) "
            "and exists (select 1 from people_rollentry r where r.household_id = m.household_id "
            "  and r.start_month <= %s and (r.end_month is null or r.end_month >= %s)) "
            "and not exists (select 1 from verification_consent c where c.person_id = m.person_id "
            "  and c.household_id = m.household_id and c.signed_on <= %s "
            "  and (c.valid_to is null or c.valid_to >= %s) and (c.ended_on is null or c.ended_on > %s))",
            [
                signed_on, valid_to, paper_ref.strip()[:80], clock.now(), acting_user.pk, span.low, span.high, today, today,
                _years_before(today, OF_AGE), list(missing), month, month, today, today, today,
            ],
        )  # fmt: skip
        made = cursor.rowcount
    _audit_bulk(
        "import_for_roll", acting_user, place_code, Imported(rows=made, accepted=made), paper_ref=paper_ref[:80]
    )
    return made


def _csv(data: bytes) -> tuple[list[tuple[int, list[str]]], dict[str, int]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = data.decode("gb18030")
        except UnicodeDecodeError:
            raise ConsentInputError("文件", "编码不能识别。请另存为 UTF-8 的 CSV 后重试。") from None
    rows = [
        (number, row)
        for number, row in enumerate(csv.reader(io.StringIO(text)), 1)
        if any(cell.strip() for cell in row)
    ]
    if not rows:
        raise ConsentInputError("文件", "是空的。请核对后重新上传。")
    head = [cell.strip() for cell in rows[0][1]]
    found = {name: head.index(title) for name, titles in COLUMNS.items() for title in titles if title in head}
    missing = [COLUMNS[name][0] for name in ("id", "name", "signed_on") if name not in found]
    if missing:
        raise ConsentInputError("文件", f"第 {rows[0][0]} 行缺少列：{'、'.join(missing)}。请按模板填写列名。")
    return rows[1:], found


def _memberships(place_code: str, indexes: Sequence[bytes | None], today: date) -> dict[bytes, Membership]:
    span = access.range_of(place_code)
    rows = (
        Membership.objects.filter(region__gte=span.low, region__lt=span.high, since__lte=today)
        .filter(Q(until__isnull=True) | Q(until__gt=today))
        .filter(person__id_index__in=[index for index in indexes if index])
        .select_related("person")
    )
    return {bytes(row.person.id_index): row for row in rows}


def _held(people: Sequence[int], today: date) -> dict[int, date]:
    rows = Consent.objects.filter(in_force(today), person__in=people).order_by("signed_on")
    return {person: signed_on for person, signed_on in rows.values_list("person_id", "signed_on") if person is not None}


def _row_fault(row: dict[str, str], membership: Membership | None, signed_on: date) -> str:
    if membership is None:
        return "本地区没有这个证件号码的在户成员，请核对号码或先登记家庭。"
    person = membership.person
    if normalise_name(row["name"]) != normalise_name(person.name):
        return f"姓名与登记的“{mask_name(person.name)}”不同，请核对是否同一人。"
    if person.birth and age(person.birth, signed_on) < OF_AGE and not row.get("guardian"):
        return f"未满 {OF_AGE} 周岁，没有填写监护人。请补填“监护人”列。"
    return ""


def _replace_open(people: list[int]) -> None:
    today = clock.today()
    Consent.objects.filter(person__in=people, ended_on=None, signed_on__lte=today).update(
        ended_on=today, end_reason="重新签署"
    )


def _day(text: str, label: str) -> date:
    try:
        found = as_day(text)
    except BadCellError as error:
        raise ConsentInputError(label, f"“{text[:20]}”{error}。请写成 2017-05-10。") from None
    if found is None:
        raise ConsentInputError(label, "没有填写。请写成 2017-05-10。")
    return found


def _years_before(day: date, years: int) -> date:
    return day.replace(year=day.year - years) if (day.month, day.day) != (2, 29) else date(day.year - years, 2, 28)


def _audit_bulk(action: str, actor: User, place_code: str, result: Imported, **more: Any) -> None:
    record(
        f"verification.{action}",
        actor=actor,
        subject_type="consent",
        subject_id="",
        region=pad12(place_code),
        after={"rows": result.rows, "accepted": result.accepted, "known": result.known, "faults": len(result.faults)}
        | more,
    )
