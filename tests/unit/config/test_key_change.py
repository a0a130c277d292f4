"""After a change of both keys nothing is left under the old ones: columns, files, registers, what the money went out on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from casekit import Office, at, hire
from casekit import family as registered
from django.db import DatabaseError, connection, transaction
from paykit import Staff, family, run_month
from registerkit import person, vehicle, write

from tuodi.cases.models import StaffKin
from tuodi.config.verbs import keys
from tuodi.crypto import fields, keyring
from tuodi.crypto.errors import DecryptError
from tuodi.crypto.fields import decrypt
from tuodi.crypto.index import blind_index
from tuodi.files.models import StoredFile
from tuodi.files.store import open_plain
from tuodi.intake.application_actions import Agent, accept_application
from tuodi.intake.models import Application
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.monitoring import rollkeys
from tuodi.org.access import scope, system_scope
from tuodi.payments.models import BankItem, PayLine
from tuodi.people import secrets
from tuodi.people.models import Account, Person
from tuodi.verification import register_actions, register_store
from tuodi.verification.consent_actions import add_supporter, record_consent
from tuodi.verification.models import RegisterBatch, Supporter

pytestmark = pytest.mark.django_db(transaction=True)
#: Another county than the paid family's.
VILLAGE, DAY, MONTH = "420804001001", date(2017, 5, 10), Month(2017, 5)
AGENT, HELPER, PAPER = person(401), person(402), b"%PDF-1.4 a consent"


@pytest.fixture(autouse=True)
def ring() -> Iterator[keyring.Keyring]:
    """The ring as it was, put back afterwards."""
    held = keyring.active()
    yield held
    keyring.install(held)


@pytest.fixture
def world(make_user: Any, files_dir: Path, tmp_path: Path) -> dict[str, Any]:
    """A paid month, an application by an agent, a consent, a supporter, a register, kin of staff, keys of the roll."""
    office = Office(VILLAGE, make_user)
    paid = family()
    run = run_month(Staff(make_user), MONTH)
    household = registered(VILLAGE)
    with at(office.town_accept, DAY):
        accept_application(
            acting_user=office.town_accept, household=household, programme="dibao", materials={"身份证": True},
            agent=Agent("李四", "邻居", AGENT, has_mandate=True), channel="window",
        )  # fmt: skip
        add_supporter(
            acting_user=office.town_accept, household=household, person=household.head, relation="子女",
            name="欧阳远", id_text=HELPER,
        )  # fmt: skip
        consent = record_consent(
            acting_user=office.town_accept, household=household, person=household.head, document=PAPER
        )
    clerk = hire(make_user, "4208", "sweep")
    with clock.frozen(date(2017, 9, 4)):
        with scope(clerk):
            source = register_actions.add_source(
                acting_user=clerk, code="vehicle", kind="vehicle", place_code="4208", label="市车管所", department="公安局",
                mode="batch", profile="vehicle", state="live",
            )  # fmt: skip
        batch = register_actions.import_register(
            source, [write(tmp_path / "a.csv", [vehicle(n) for n in range(60)])], batch_no="2017-08",
            as_of=date(2017, 8, 31), acting_user=clerk,
        )  # fmt: skip
    with system_scope("cn"):
        index = bytes(Person.objects.get(pk=household.head_id).id_index)
        StaffKin.objects.create(user=clerk, id_index=index, relation="spouse", filed_on=DAY)
        StaffKin.objects.create(user=clerk, id_index=blind_index(person(700), "id"), relation="spouse", filed_on=DAY)
        Application.objects.get()
        rollkeys.roll_keys(
            "420804",
            pl.DataFrame({"person_id": [household.head_id], "region": [household.region], "token": [index.hex()]}),
        )
    return {"household": household, "paid": paid, "run": run, "batch": batch, "consent": consent, "clerk": clerk}


def plain_of(batch: RegisterBatch) -> pl.DataFrame:
    with register_store.open_batch(batch) as opened:
        return pl.concat(list(opened.frames()))


def test_everything_moves_and_the_old_keys_can_go(world: dict[str, Any], ring: keyring.Keyring) -> None:
    before = plain_of(world["batch"])
    size = register_store.path(world["batch"]).stat().st_size
    with system_scope("cn"):
        ids = {row.pk: secrets.open_id(row) for row in Person.objects.all()}
        cards = {row.pk: secrets.open_account(row) for row in Account.objects.all()}
        files = {row.pk: open_plain(row).read() for row in StoredFile.objects.all()}
        lines, items = PayLine.objects.exclude(account_cipher=None).count(), BankItem.objects.count()
        assert lines
        assert items
        assert len(files) >= 3
    newer = ring.rotated("field").rotated("index")
    keyring.install(newer)
    done = keys.apply()
    assert done["person.id"] == len(ids)
    assert done["account.account"] == len(cards)
    assert (done["supporter.id"], done["application.agent"], done["registerbatch"], done["rollkeys"]) == (1, 1, 1, 1)
    assert (done["payline.account"], done["bankitem.account"], done["storedfile"]) == (lines, items, len(files))
    # Kin outside the register can only be filed anew, and are counted.
    assert done["staffkin.id.left"] == 1
    again = keys.apply()
    assert {name: count for name, count in again.items() if count} == {"staffkin.id.left": 1}

    first = {kind: min(newer.numbers(kind)) for kind in ("field", "index")}
    keyring.install(newer.without("field", first["field"]).without("index", first["index"]))
    with system_scope("cn"):
        assert {row.pk: secrets.open_id(row) for row in Person.objects.all()} == ids
        assert {row.pk: secrets.open_account(row) for row in Account.objects.all()} == cards
        assert {row.pk: open_plain(row).read() for row in StoredFile.objects.all()} == files
        helper = Supporter.objects.get()
        assert (secrets.open_id(helper), bytes(helper.id_index)) == (HELPER, blind_index(HELPER, "id"))  # type: ignore[arg-type]
        application = Application.objects.get()
        assert decrypt(application.agent_id_cipher, f"intake.agent|{application.agent_uid}") == AGENT
        assert bytes(application.agent_id_index) == blind_index(AGENT, "id")
        for row in (*PayLine.objects.exclude(account_cipher=None), *BankItem.objects.all()):
            assert decrypt(row.account_cipher, f"people.account|{row.account_uid}") == cards[row.account_id]
        head = bytes(Person.objects.get(pk=world["household"].head_id).id_index)
        assert StaffKin.objects.filter(id_index=head).count() == 1
    assert plain_of(world["batch"]).equals(before)
    assert register_store.path(world["batch"]).stat().st_size == size
    assert rollkeys._load("420804").height == 1


def test_a_frozen_line_takes_a_newer_key_and_nothing_else(world: dict[str, Any], ring: keyring.Keyring) -> None:
    with system_scope("cn"):
        line = PayLine.objects.exclude(account_cipher=None).get(run=world["run"])
        aad = f"people.account|{line.account_uid}"
        text = decrypt(line.account_cipher, aad)
        refused = [
            fields.encrypt(text, aad),  # the same key: a change nobody asked for
            fields.encrypt(text + "1", aad, keys=ring.rotated("field")),  # another account
            None,
        ]
        for blob in refused:
            for model in (PayLine, BankItem):
                with pytest.raises(DatabaseError), transaction.atomic():
                    model.objects.filter(account_uid=line.account_uid).update(account_cipher=blob)
        newer = fields.encrypt(text, aad, keys=ring.rotated("field"))
        with pytest.raises(DatabaseError), transaction.atomic():
            PayLine.objects.filter(pk=line.pk).update(account_cipher=newer, amount_fen=line.amount_fen + 1)
        PayLine.objects.filter(pk=line.pk).update(account_cipher=newer)
        with pytest.raises(DatabaseError), transaction.atomic():
            PayLine.objects.filter(pk=line.pk).update(account_cipher=line.account_cipher)  # and not back


def test_a_damaged_register_is_left_as_it_is(world: dict[str, Any], ring: keyring.Keyring) -> None:
    path = register_store.path(world["batch"])
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(data)
    keyring.install(ring.rotated("field"))
    with pytest.raises(DecryptError):
        keys.apply()
    assert path.read_bytes() == data
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert connection.is_usable()
