"""Each move of a clue, and who may make it."""

from __future__ import annotations

import pytest
from cluekit import Hands, clue, home, taken_to

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("state", ["assigned", "verifying", "confirmed", "suspended", "handled", "rectified", "closed"])
def test_the_road_of_a_red_clue(make_user, state: str) -> None:
    hands = Hands(make_user)
    one = taken_to(hands, clue(home()), state)
    assert one.state == state
