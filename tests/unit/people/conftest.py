"""Synthetic people of the imaginary county 420899."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import date

import pytest

from tuodi.kernel.identity import make_id

REGION = "420899001001"
_numbers = itertools.count(1)


@pytest.fixture
def new_person(db: None) -> Callable[..., object]:
    """`new_person("欧阳建")`: a person registered by the system in town 420899001."""
    from tuodi.org.access import system_scope
    from tuodi.people import actions

    def make(name: str = "欧阳建", *, region: str = REGION, birth: date = date(1950, 1, 2), **more: object) -> object:
        number = next(_numbers)
        more.setdefault("id_text", make_id("420899", birth, number))
        with system_scope(region):
            return actions.register_person(acting_user=None, region=region, name=name, **more)

    return make
