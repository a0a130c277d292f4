"""Two at once, of which one wins; and files made to take the machine's memory."""

from __future__ import annotations

import threading
import time
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from casekit import Office, at
from casekit import family as registered
from django.db import connection
from fieldkit import png
from oversightkit import resident
from securitykit import HOME

from tuodi.cases.actions import complete_step
from tuodi.cases.models import Step
from tuodi.cases.queries import open_step
from tuodi.exchange.errors import FileRefusedError
from tuodi.exchange.sheets import open_book
from tuodi.files.errors import ImageRefusedError
from tuodi.files.images import read_picture
from tuodi.intake.application_actions import accept_application
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.org import access, link_actions
from tuodi.org.models import OneTimeLink, User
from tuodi.oversight.complaint_actions import complain
from tuodi.oversight.models import Complaint

DAY = date(2021, 9, 13)
NEW = ("Guanshan-88-q", "Baimiao-77-w")


def both(deed: Callable[[int], Any]) -> list[str]:
    """Two threads at one door; what each was told, empty for success."""
    gate, said = threading.Barrier(2), ["", ""]

    def run(number: int) -> None:
        try:
            gate.wait(20)
            deed(number)
        except TuodiError as error:
            said[number] = error.code
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in (0, 1)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    return sorted(said)


@pytest.mark.django_db(transaction=True)
def test_attack_27_of_two_at_once_one_wins(make_user: Callable[..., Any]) -> None:
    office = Office("420802001001", make_user)
    household = registered("420802001001")
    with at(office.town_accept, DAY):
        case = accept_application(acting_user=office.town_accept, household=household, programme="dibao").case
    officer = office.county_review

    def check(number: int) -> None:
        with access.scope(officer):
            complete_step(open_step(case, "check"), acting_user=officer, opinion=f"第 {number} 次")

    with clock.frozen(DAY):
        assert both(check) == ["", "cases.step_not_open"]
    with access.system_scope(HOME):
        assert Step.objects.filter(case=case, name="check", state="done").count() == 1

    user = make_user(HOME)
    token = link_actions.make_link(acting_user=None, user=user)
    assert both(lambda number: link_actions.use_link(token, NEW[number])) == ["", "org.link"]
    found = User.objects.get(pk=user.pk)
    assert [found.check_password(one) for one in NEW].count(True) == 1
    assert OneTimeLink.objects.get(user=user).used_at is not None


@pytest.mark.django_db(transaction=True)
def test_a_form_sent_twice_at_once_is_one_complaint() -> None:
    home, key = registered("420802001001"), uuid4()
    account, made = resident(home.head), []

    def press(_: int) -> None:
        with access.system_scope(HOME):
            row = complain(region=home.region, about="other", text="窗口中午没有人", client_key=key, account=account)
        made.append(row.pk)

    with clock.frozen(DAY):
        both(press)
    with access.system_scope(HOME):
        (only,) = Complaint.objects.filter(client_key=key).values_list("pk", flat=True)
    assert made == [only, only]


_BOOK = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>',
    "xl/workbook.xml": '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheets><sheet name="a" sheetId="1"/></sheets></workbook>',
}
_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
_EVIL = {
    "bomb": "0" * (64 << 20),
    "laughs": f'<!DOCTYPE x [<!ENTITY l0 "lol">{_LAUGHS}]><x>&l9;</x>',
    "outside": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
}


@pytest.mark.parametrize("kind", sorted(_EVIL))
def test_attack_16_a_book_that_swells_or_reaches_out_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in {**_BOOK, "xl/worksheets/sheet1.xml": _EVIL[kind]}.items():
            made.writestr(name, text)
    began = time.monotonic()
    with pytest.raises(FileRefusedError):
        open_book(path)
    assert time.monotonic() - began < 5


def test_attack_16_a_picture_larger_than_any_camera_s_is_refused() -> None:
    began = time.monotonic()
    huge = bytearray(png())
    huge[16:24] = (50_000).to_bytes(4, "big") * 2
    with pytest.raises(ImageRefusedError):
        read_picture(bytes(huge))
    assert time.monotonic() - began < 5
