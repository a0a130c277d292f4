"""No field beyond the allowed ones reaches a notice: every text of the family holds a marker, and every way out is searched.

Ways out: the public board, its paper version, its data, the forms to object and to read the answer, the officer's sheet, the
standing list in the same three shapes, and the audit log.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from casekit import at, client_of, days, family
from decisionkit import ACCEPTED, investigated
from django.apps import apps
from django.db import connection, models
from django.test import Client
from pypdf import PdfReader

from tuodi.audit.models import AuditEntry
from tuodi.cases.errors import NoticeContentError, StepInputError
from tuodi.cases.models import Case, Notice, NoticeBoard, Step
from tuodi.cases.notice_actions import take_down_ended
from tuodi.cases.notice_content import FIELDS, public_name
from tuodi.decisions import actions, standing
from tuodi.decisions.roll import put_on_roll
from tuodi.kernel import clock
from tuodi.org.access import system_scope
from tuodi.people.models import Household, Person
from tuodi.web.board import rate

pytestmark = pytest.mark.django_db
MARK = "禁露"
PHONE = "0724-2330001"
#: Texts that say where a row belongs, what state it is in, or what its step is: without them nothing would work any more.
_STRUCTURE = {
    "region", "programme", "state", "decision", "no", "result", "does", "by_level", "duty", "procedure_key",
    "procedure_hash", "sha256",
}  # fmt: skip
#: Of these, texts in the collation of codes hold personal data all the same.
_PERSONAL = {"name", "name_pinyin", "name_joined", "name_initials"}


def _structural(model: type[models.Model], field: Any) -> bool:
    if field.name in _STRUCTURE or field.choices or (field.max_length or 99) < 9:
        return True
    if model is Step and field.name in ("name", "label"):
        return True
    return field.db_collation == "C" and field.name not in _PERSONAL


@pytest.fixture(autouse=True)
def _unbounded() -> Iterator[None]:
    rate.READING.forget()
    rate.WRITING.forget()
    yield
    rate.READING.forget()


def own_rows(household: Household, case: Case) -> Iterator[tuple[type[models.Model], models.Model]]:
    """Every row of every table that hangs on the family, its people or its case, directly or through one of those rows."""
    people = set(household.memberships.values_list("person_id", flat=True))
    roots: dict[str, set[int]] = {"people.Household": {household.pk}, "people.Person": people, "cases.Case": {case.pk}}
    seen: set[tuple[str, int]] = set()
    for _ in range(4):  # what hangs on what hangs on them
        for model in apps.get_models():
            if not model.__module__.startswith("tuodi.") or model._meta.app_label in ("audit", "org", "files"):
                continue
            label = model._meta.label
            found = list(model._default_manager.filter(pk__in=roots.get(label, set())))
            for key in model._meta.get_fields():
                if isinstance(key, models.ForeignKey | models.OneToOneField) and key.related_model._meta.label in roots:
                    ids = roots[key.related_model._meta.label]
                    found += list(model._default_manager.filter(**{f"{key.name}__in": ids}))
            for row in found:
                if (label, row.pk) not in seen:
                    seen.add((label, row.pk))
                    roots.setdefault(label, set()).add(row.pk)
                    yield model, row


def fill(household: Household, case: Case, as_owner: Callable[..., Any]) -> list[str]:
    """Writes a marker of its own into every free text, and into every open tree, of every row of the family."""
    counter = itertools.count(1000)
    markers: list[str] = []

    def mark() -> str:
        markers.append(f"{MARK}{next(counter)}")
        return markers[-1]

    with as_owner():
        for model, row in list(own_rows(household, case)):
            if model in (Notice, NoticeBoard):
                continue
            values: dict[str, Any] = {}
            for field in model._meta.concrete_fields:
                if isinstance(field, models.JSONField) and field.name in ("data", "extra"):
                    values[field.name] = {**(getattr(row, field.name) or {}), "illness": mark(), "id_no": mark()}
                elif field.name == "has_mandate":
                    values[field.name] = True  # an agent's name asks for it
                elif (
                    isinstance(field, models.CharField | models.TextField)
                    and not _structural(model, field)
                    and not (model is Person and row.pk == case.applicant_id and field.name == "name")
                ):
                    values[field.name] = mark()
            if values:
                table = model._meta.db_table
                with connection.cursor() as cursor:
                    cursor.execute(f"set constraints all immediate; alter table {table} disable trigger user")
                model._default_manager.filter(pk=row.pk).update(**values)
                with connection.cursor() as cursor:
                    cursor.execute(f"alter table {table} enable trigger user; set constraints all deferred")
    return markers


def words(answer: Any) -> bytes:
    """Everything an answer carries: headers, body, and of a PDF its texts and its own data."""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    heads = "\n".join(f"{name}: {value}" for name, value in answer.items()).encode()
    if body[:5] == b"%PDF-":
        reader = PdfReader(io.BytesIO(body))
        texts = [page.extract_text() for page in reader.pages]
        known = [str(value) for value in (reader.metadata or {}).values()]
        return heads + body + "".join("".join(texts).split()).encode() + "\n".join(known).encode()
    return heads + body


def ways_out(client: Client, officer: Client, notice: Notice, token: str) -> dict[str, bytes]:
    """Everything the public can open about a village, and the officer's sheet."""
    board = client.get(f"/notices/{token}/")
    found = {"board": words(board), "json": words(client.get(f"/notices/{token}/notices.json"))}
    for sheet in board.context["sheets"]:
        found[f"pdf {sheet['key']}"] = words(client.get(f"/notices/{token}/{sheet['key']}.pdf"))
        if sheet["running"]:
            address = f"/notices/{token}/{sheet['key']}/object/"
            found["form"] = words(client.get(address))
            rate.WRITING.forget()
            found["refused"] = words(client.post(address, {"family": notice.no, "text": ""}))
            taken = client.post(address, {"family": notice.no, "text": "有车", "name": "邻居甲"})
            found["taken"] = words(taken)
            found["answer"] = words(client.get(taken["Location"]))
            found["sheet"] = words(officer.get(f"/notices/{notice.pk}/sheet.pdf"))
    return found


def audit_bytes() -> bytes:
    with system_scope("4208"):
        rows = AuditEntry.objects.filter(
            action__in=["cases.post_notice", "cases.receive_objection", "decisions.issue_standing_list", "papers.print"]
        )
        assert rows.count() >= 2
        return "\n".join(f"{row.before} {row.after} {row.subject_id}" for row in rows).encode()


def test_no_text_of_the_family_but_the_allowed_ones_gets_out(office, household, as_owner):
    case = investigated(office, household)
    numbers = [bytes(person.id_index).hex() for person in Person.objects.filter(memberships__household=household)]
    with at(office.town_review, ACCEPTED):
        actions.first_review(case, acting_user=office.town_review, result="pass", opinion="同意上报")
    markers = fill(household, case, as_owner)
    assert len(markers) > 60  # the filling itself works
    with at(office.town_review, ACCEPTED):
        case.refresh_from_db()
        case = Case.objects.get(pk=case.pk)
        notice = actions.post_notice(case, acting_user=office.town_review, phone=PHONE)
    token = NoticeBoard.objects.get(place_code=household.region).token
    with clock.frozen(days(ACCEPTED, 2)):
        running = ways_out(Client(), client_of(office.town_review), notice, token)
    assert {"board", "json", "form", "refused", "taken", "answer", "sheet"} < set(running)
    for name, body in running.items():
        found = [mark for mark in markers if mark.encode() in body]
        assert found == [], (name, found)
        assert MARK.encode() not in body, name
        assert not any(number.encode() in body for number in numbers), name
        assert "单晓月".encode() not in body, name
    for name in ("board", "json", "sheet"):
        assert "欧阳建".encode() in running[name], name
    # Numbers of any person: none has the form of an identity, phone or account number.
    for name in ("board", "json", "form", "answer"):
        runs = "".join(sign if sign.isdigit() else " " for sign in running[name].decode()).split()
        assert [run for run in runs if len(run) >= 11] == [], name

    # Granted, published, and on a standing list: the same holds.
    after = days(ACCEPTED, 9)
    with at(office.town_review, after):
        notice.objections.all().update(state="dismissed", answer="与公示无关", answered_at=clock.now())
        actions.close_notice(case, acting_user=office.town_review)
    with at(office.county_confirm, after):
        (row,) = actions.confirm(case, acting_user=office.county_confirm, opinion=f"{MARK}意见")
        put_on_roll(row, acting_user=office.county_confirm)
    with at(office.county_confirm, after):
        actions.publish(case, acting_user=office.county_confirm)
    later = date(2021, 10, 12)
    with at(office.town_review, later):
        standing.issue(household.region, "dibao", acting_user=office.town_review)
    with clock.frozen(later):
        published = ways_out(Client(), client_of(office.town_review), notice, token)
    assert any(name.startswith("pdf standing") for name in published)
    for name, body in published.items():
        assert MARK.encode() not in body, name
    assert "欧阳建".encode() in published["board"]
    assert MARK.encode() not in audit_bytes()


def test_every_allowed_field_is_checked_by_its_value(office, household):
    """Something smuggled in under an allowed name is refused: a name that is not the applicant's, a number as a phone …"""
    from tuodi.cases.actions import post_notice
    from tuodi.cases.queries import open_step

    case = investigated(office, household)
    with at(office.town_review, ACCEPTED):
        actions.first_review(case, acting_user=office.town_review, result="pass", opinion="同意上报")
        step = open_step(case, "notice_review")
        other = {
            "applicant_name": "欧阳建（患尿毒症）", "member_count": "3 人，残疾", "amount": "825.00 6228480000000000000",
            "programme": "尿毒症", "village": "某村 8 号", "period": "终身", "phone": "13812345678", "opinion": "因病致贫",
        }  # fmt: skip
        assert set(other) == set(FIELDS)
        for name, value in other.items():
            with pytest.raises((NoticeContentError, StepInputError)):
                post_notice(step, acting_user=office.town_review, content={name: value})
        Person.objects.filter(pk=case.applicant_id).update(phone_masked="072****0001")
        with pytest.raises(StepInputError, match="申请家庭自己的电话"):
            post_notice(step, acting_user=office.town_review, content={"phone": PHONE})


def test_a_minor_applicant_and_one_of_unknown_age_are_masked_whatever_the_region_says(village):
    household = family(village)
    with system_scope(village):
        child = household.memberships.get(relation="child").person
        assert public_name(child, masked=False, on=date(2021, 9, 13)) == "欧阳*"
        assert public_name(child, masked=False, on=date(2028, 1, 1)) == "欧阳*"
        assert public_name(child, masked=False, on=date(2028, 1, 2)) == "欧阳春"
        child.birth = None
        assert public_name(child, masked=False) == "欧阳*"
        assert public_name(household.head, masked=False, on=date(2021, 9, 13)) == "欧阳建"
        assert public_name(household.head, masked=True, on=date(2021, 9, 13)) == "欧阳*"


def test_past_its_last_day_a_notice_is_nowhere_in_public(office, household, as_owner):
    case = investigated(office, household)
    with at(office.town_review, ACCEPTED):
        actions.first_review(case, acting_user=office.town_review, result="pass", opinion="同意上报")
        notice = actions.post_notice(case, acting_user=office.town_review, phone=PHONE)
    token = NoticeBoard.objects.get(place_code=household.region).token
    key = f"review-dibao-{ACCEPTED:%Y%m%d}-7"
    last = notice.last_day
    with clock.frozen(last):
        assert "欧阳建" in Client().get(f"/notices/{token}/").content.decode()
    with clock.frozen(days(last, 1)):
        # Nobody has closed it, and no job has run: the day alone takes it away.
        rate.READING.forget()
        for address in ("", "notices.json", f"{key}.pdf", f"{key}/object/"):
            answer = Client().get(f"/notices/{token}/{address}")
            assert "欧阳建".encode() not in words(answer), address
            assert answer.status_code == (200 if address in ("", "notices.json") else 404)
        assert client_of(office.town_review).get(f"/notices/{notice.pk}/sheet.pdf").status_code == 400
        assert take_down_ended("cn") == 1
        assert take_down_ended("cn") == 0
    with at(office.town_review, days(last, 1)):
        notice.refresh_from_db()
        assert notice.taken_down_on == days(last, 1)


def test_a_board_tells_strangers_nothing_and_is_bounded(office, household):
    case = investigated(office, household)
    with at(office.town_review, ACCEPTED):
        actions.first_review(case, acting_user=office.town_review, result="pass", opinion="同意上报")
        actions.post_notice(case, acting_user=office.town_review)
        token = NoticeBoard.objects.get(place_code=household.region).token
        assert len(token) == 24
        client = Client()
        page = client.get(f"/notices/{token}/")
        assert page["Cache-Control"] == "no-store"
        assert page["Referrer-Policy"] == "no-referrer"
        for wrong in (token[:-1] + ("A" if token[-1] != "A" else "B"), "x" * 24, "board" + household.region):
            assert client.get(f"/notices/{wrong}/").status_code == 404
        for _ in range(rate.READING.most):
            last = client.get(f"/notices/{token}/")
        assert last.status_code == 429
        assert int(last["Retry-After"]) > 0
        assert "欧阳建" not in last.content.decode()
    with clock.frozen(days(ACCEPTED, 1)):
        assert client.get(f"/notices/{token}/").status_code == 200
