"""Attacks by what is put in: script, formulas, queries, files; and on what is kept: the log, frozen records."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any
from urllib.parse import quote

import openpyxl
import pytest
from casekit import at, family, hire
from cluekit import clue
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.test import Client
from django.urls import reverse
from paykit import Staff, run_month
from paykit import family as paid_family
from securitykit import HOME, logged, now, signed_in, town

from simulators.bank import answer_file
from tuodi.audit.actions import record
from tuodi.audit.queries import verify
from tuodi.exchange.cellsafe import harmless
from tuodi.files import store
from tuodi.files.errors import FilesError
from tuodi.files.images import read_picture
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.payments import actions as payments
from tuodi.payments.models import PayLine
from tuodi.people.actions import register_person
from tuodi.people.models import Person
from tuodi.verification.models import FactSet

pytestmark = pytest.mark.django_db
SCRIPT = '<img src=x onerror="alert(1)">'
PAY_DAY = date(2017, 12, 1)


@pytest.fixture(autouse=True)
def _today() -> Iterator[None]:
    with now():
        yield


def test_attack_11_script_is_shown_as_text(make_user: Callable[..., Any]) -> None:
    home = paid_family(names=(SCRIPT, "#panic(1)"))
    one = clue(home)
    client = signed_in(hire(make_user, HOME, "accept", "verify", "clue_decide", "sweep"))
    for path in (
        f"/families/{home.pk}/",
        f"/families/?q={quote(SCRIPT)}",
        f"/clues/{one.no}/",
        "/clues/?tab=all",
        f"/clues/?tab=all&place={quote(SCRIPT)}",
    ):
        answer = client.get(path)
        text = answer.content.decode()
        assert answer.status_code == 200, path
        assert "<img src=x" not in text, path
        assert "&lt;img src=x" in text, path
        scripts = answer["Content-Security-Policy"].split("script-src")[1].split(";")[0]
        assert scripts.split() == ["'self'"], path
    printed = client.get(f"/clues/{one.no}/sheet.pdf")
    assert b"".join(printed.streaming_content).startswith(b"%PDF")  # type: ignore[attr-defined]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", "\n=", "＝", "＋", "－", "＠", " ="])  # noqa: RUF001
def test_attack_12_no_cell_starts_a_formula(start: str) -> None:
    assert harmless(f"{start}cmd|' /C calc'!A0").startswith("'")


def test_attack_12_exports_hold_no_formula(make_user: Callable[..., Any]) -> None:
    one = clue(paid_family(names=("=HYPERLINK(1)", "向秀")))
    with access.system_scope(HOME):
        record("test.note", actor=None, subject_type="clue", subject_id="=1+1", region=one.region, after={"a": "=1"})
    for duty, path in (
        ("clue_decide", "/clues/export.xlsx?tab=all"),
        ("audit_view", "/audit/export.xlsx?action=test.note"),
    ):
        answer = signed_in(hire(make_user, HOME, duty)).get(path)
        book = openpyxl.load_workbook(io.BytesIO(b"".join(answer.streaming_content)))  # type: ignore[attr-defined]
        cells = [cell for row in book.active.iter_rows() for cell in row if cell.value is not None]
        assert not [cell for cell in cells if cell.data_type == "f"]
        assert any("=" in str(cell.value) for cell in cells), path


def test_attack_13_a_query_in_a_field_is_only_text(make_user: Callable[..., Any], household: Any) -> None:
    evil = [
        "' OR 1=1 --",
        "'; select pg_sleep(5); --",
        '") or 1=1',
        "%' and (select pg_sleep(5)) is null --",
        "\x00",
        "\\",
        "{{7*7}}",
    ]
    worker = signed_in(hire(make_user, HOME, "accept", "sweep", "clue_decide"))
    reader, manager = signed_in(hire(make_user, HOME, "audit_view")), signed_in(hire(make_user, HOME, "security"))
    began = time.monotonic()
    for text in evil:
        for client, path, names in (
            (worker, "/families/", ["q", "page", "o", "ordering"]),
            (worker, "/cases/", ["show", "page", "o"]),
            (worker, "/clues/", ["q", "place", "due", "source", "responsible", "after", "before"]),
            (worker, f"/families/{household.pk}/", ["month", "all"]),
            (
                reader,
                "/audit/",
                ["who", "action", "subject", "subject_id", "case_no", "since", "until", "place", "before"],
            ),
            (manager, "/accounts/", ["q", "duty", "place", "state"]),
        ):
            answer = client.get(path, dict.fromkeys(names, text), follow=True)
            assert answer.status_code == 200, (path, text)
            assert "49" not in re.findall(r"\{\{7\*7\}\}|>49<", answer.content.decode())
    assert worker.get("/families/", {"q": "' OR 1=1 --"}).content.decode().count("420899") == 0
    assert time.monotonic() - began < 60


def test_attack_14_no_path_leads_out_and_no_name_splits_a_header(make_user: Callable[..., Any]) -> None:
    one = clue(paid_family())
    hands = hire(make_user, HOME, "verify", "clue_decide")
    client = signed_in(hands)
    for path in (
        "/clues/..%2f..%2fetc/files/1/",
        f"/clues/{one.no}/files/..%2f1/",
        "/static/..%2f..%2fconfig/settings.py",
        "/reset/..%2f..%2f/",
    ):
        assert client.get(path).status_code == 404, path
    with access.system_scope(HOME):
        kept = store.put_bytes(
            b"x", region=one.region, name='../../a\r\nSet-Cookie: x=1;".pdf', purpose="clue_evidence"
        )
    assert not set(kept.name) & set("\r\n/\\")
    assert ".." not in kept.name
    assert store.path_of(kept).resolve().is_relative_to(store.path_of(kept).parents[2].resolve())


@pytest.mark.parametrize(
    "data", [b"MZ\x90\x00 an exe", b"<html><script>1</script>", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a<script>",
             b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"]
)  # fmt: skip
def test_attack_15_what_a_file_is_decides_not_its_name(
    make_user: Callable[..., Any], household: Any, data: bytes
) -> None:
    with pytest.raises(FilesError):
        read_picture(data)
    client = signed_in(hire(make_user, HOME, "verify", "accept"))
    path = reverse("web:consents", args=[household.pk])
    before = len(logged("verification.record_consent"))
    answer = client.post(path, {"do": "record", "who": "x", "file": SimpleUploadedFile("a.jpg", data, "image/jpeg")})
    assert answer.status_code in (200, 303)
    assert len(logged("verification.record_consent")) == before


def test_attack_17_too_many_fields_and_too_much_text_are_refused(make_user: Callable[..., Any]) -> None:
    client = signed_in(hire(make_user, HOME, "accept"))
    assert client.post("/families/", {f"f{n}": "1" for n in range(10_000)}).status_code == 400
    assert client.post("/families/", {"q": "x" * (6 << 20)}).status_code in (400, 413)
    deep = "[" * 50_000 + "]" * 50_000
    assert client.post("/families/", deep, content_type="application/json").status_code < 500
    assert client.get("/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_attack_20_a_forged_return_file_is_refused_whole_and_kept(make_user: Callable[..., Any]) -> None:
    staff = Staff(make_user)
    paid_family()
    run = run_month(staff, Month(2017, 5), upto="send")
    with at(staff.check, PAY_DAY):
        sent = store.open_plain(run.batches.get().file).read()
        good = answer_file(sent, posted=date(2017, 5, 8), failing=0.0)
        forged = re.sub(rb"6217000\d{12}", b"6217000000000000000", good, count=1)
        assert forged != good
        got = payments.import_return(run, acting_user=staff.check, data=forged, name="回盘.csv")
        assert got.state == "refused"
        assert set(PayLine.objects.filter(run=run).values_list("status", flat=True)) == {"sent"}
        assert store.open_plain(got.file).read() == forged
        first = payments.import_return(run, acting_user=staff.check, data=good, name="回盘.csv")
        again = payments.import_return(run, acting_user=staff.check, data=good, name="回盘.csv")
        assert (first.state, first.pk) == ("applied", again.pk)


def run_as(scope: Callable[[], Any], statement: str) -> None:
    with scope(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_attack_21_the_log_can_not_be_changed_and_says_where_it_was(as_owner: Callable[..., Any]) -> None:
    for number in range(4):
        record("test.note", actor=None, subject_type="x", subject_id=number, region="420899001001")
    for statement in ("update audit_auditentry set actor_name = 'x'", "delete from audit_auditentry", "truncate audit_auditentry",
                      "update audit_audithead set seq = 0", "delete from audit_audithead"):  # fmt: skip
        for role in ("app", "owner"):
            with pytest.raises(DatabaseError), transaction.atomic():
                run_as(as_owner if role == "owner" else lambda: access.system_scope("cn"), statement)
    with clock.frozen(date(2001, 1, 1)):  # a clock set back sets no row back
        record("test.note", actor=None, subject_type="x", subject_id=9, region="420899001001")
    with access.system_scope("cn"):
        assert verify().ok
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("alter table audit_auditentry disable trigger user")
        cursor.execute("delete from audit_auditentry where id = (select max(id) from audit_auditentry)")
        cursor.execute("alter table audit_auditentry enable trigger user")
    with access.system_scope("cn"):
        found = verify()
    assert not found.ok
    assert (found.place6, found.seq) == ("420899", 5)


def test_attack_21_the_reader_s_page_shows_the_fault(
    make_user: Callable[..., Any], as_owner: Callable[..., Any]
) -> None:
    reader = signed_in(hire(make_user, "420899", "audit_view"))
    assert "审计链完整" in reader.post("/audit/check/", follow=True).content.decode()
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("alter table audit_auditentry disable trigger user")
        cursor.execute(
            "update audit_auditentry set actor_name = '别人' where id = (select min(id) from audit_auditentry where place6 = '420899')"
        )
        cursor.execute("alter table audit_auditentry enable trigger user")
    assert "内容与校验值不符" in reader.post("/audit/check/", follow=True).content.decode()


def test_attack_32_what_was_decided_on_stays_what_it_was(make_user: Callable[..., Any], settings: Any) -> None:
    home = town(make_user)
    with access.system_scope(HOME):
        frozen = FactSet.objects.filter(case=home.case).latest("number")
        assert frozen.is_frozen
        with pytest.raises(DatabaseError), transaction.atomic():
            FactSet.objects.filter(pk=frozen.pk).update(facts={})
        kept = home.evidence.file
        other = store.put_bytes(b"%PDF-1.4 swapped", region=home.clue.region, name="a.pdf", purpose="clue_evidence")
        with pytest.raises(DatabaseError), transaction.atomic():
            type(kept).objects.filter(pk=kept.pk).update(sha256=other.sha256)
        store.path_of(kept).write_bytes(store.path_of(other).read_bytes())
    path = reverse("web:clue-file", args=home.args["clue-file"])
    client = Client(raise_request_exception=False)
    client.force_login(home.hands.town, backend="tuodi.org.backends.StaffBackend")
    answer = client.get(path)
    assert answer.status_code >= 400
    assert b"swapped" not in answer.content


def test_attack_33_signs_nobody_sees_make_no_second_name(make_user: Callable[..., Any]) -> None:
    with access.system_scope(HOME):
        made = register_person(
            acting_user=None, region="420802001001", name="欧\u200b阳\u202e建\ufeff", birth=date(1970, 1, 1)
        )
        assert Person.objects.get(pk=made.pk).name == "欧阳建"
    family("420802001001", names=("单晓月",))
    page = signed_in(hire(make_user, HOME, "accept")).get("/families/", {"q": "单\u200d晓\u202e月"}).content.decode()
    assert "420899" in page
