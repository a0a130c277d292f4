"""After a change of keys every value is under the new one and still found."""

from __future__ import annotations

from datetime import date

import pytest

from tuodi.crypto import fields, keyring
from tuodi.org.access import system_scope
from tuodi.people import actions, queries, secrets
from tuodi.people.models import Account, Person
from tuodi.people.rotation import reseal

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def old_ring():
    ring = keyring.active()
    yield ring
    keyring.install(ring)


def test_resealing_moves_every_value_to_the_new_keys_and_the_old_can_go(new_person, old_ring) -> None:
    person = new_person(phone="13800005678")
    with system_scope("cn"):
        actions.add_account(
            acting_user=None, person=person, number="6228480012345678901", holder="甲", since=date(2016, 1, 1)
        )
        number = secrets.open_id(person)
        ring = old_ring.rotated("field").rotated("index")
        keyring.install(ring)
        assert [one.pk for one in queries.search_people(number)] == [person.pk]  # found while it is being done
        assert reseal() == {"person.id": 1, "person.phone": 1, "resident.phone": 0, "account.account": 1}
        assert reseal() == {"person.id": 0, "person.phone": 0, "resident.phone": 0, "account.account": 0}
        first_field, first_index = min(ring.numbers("field")), min(ring.numbers("index"))
        keyring.install(ring.without("field", first_field).without("index", first_index))
        person = Person.objects.get(pk=person.pk)
        assert (secrets.open_id(person), secrets.open_phone(person)) == (number, "13800005678")
        assert secrets.open_account(Account.objects.get()) == "6228480012345678901"
        assert fields.key_id(person.id_cipher) != first_field
        assert [one.pk for one in queries.search_people(number)] == [person.pk]
