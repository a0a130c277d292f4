"""Lists that other departments send: who may hand one in, the file that is kept, and whom of it the county knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from tuodi.exchange.list_rows import ListFile
from tuodi.exchange.payment_rows import RowFault
from tuodi.files.models import StoredFile
from tuodi.files.store import put_bytes
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.payments.errors import RunInputError
from tuodi.people import secrets
from tuodi.people.models import Person

__all__ = ["Sent", "faults_as_json", "receive"]


class _Named(Protocol):
    @property
    def id_text(self) -> str: ...


Row = TypeVar("Row", bound=_Named)


@dataclass(frozen=True)
class Sent:
    """A list that was handed in. `known`: number -> person of the county."""

    region: str
    stored: StoredFile
    source: str
    known: dict[str, Person]


def receive(
    read: Callable[[], ListFile[Row]], *, acting_user: User, county: str, data: bytes, name: str, source: str, purpose: str
) -> tuple[Sent, ListFile[Row]]:  # fmt: skip
    """Takes a department's list in, inside the caller's transaction; what becomes of its people is the caller's.

    Args:
        read: reads the file, once it may be. purpose: what the kept file is.

    Raises: RunInputError; ExchangeError for what is no table; AccessDeniedError, NotFoundError.
    """
    region = pad12(county[:6])
    access.require(acting_user, DutyCode.PAY_PREPARE, region)
    if not source.strip():
        raise RunInputError("出处", "必须写明名单来自哪个部门")
    found = read()
    if not found.rows:
        raise RunInputError("名单", "里没有人。请核对是否选错了文件。")
    stored = put_bytes(data, region=region, name=name, purpose=purpose, by_id=acting_user.pk)
    limits = access.range_of(county[:6])
    wanted = {bytes(index): one.id_text for one in found.people for index in secrets.id_indexes(one.id_text)}
    people = Person.objects.filter(region__gte=limits.low, region__lt=limits.high, id_index__in=list(wanted))
    known = {wanted[bytes(one.id_index or b"")]: one for one in people}
    return Sent(region, stored, source.strip()[:200], known), found


def faults_as_json(faults: Iterable[RowFault]) -> list[dict[str, Any]]:
    """What is kept of rows that cannot be used, in the order of the file."""
    return [
        {"row": one.row_no, "field": one.field, "reason": one.reason, "remedy": one.remedy}
        for one in sorted(faults, key=lambda one: one.row_no)
    ]
