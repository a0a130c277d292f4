"""Arrays as literals come back from the server as they went."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tuodi.org.arrays import plain, texts

# A text of the server holds no NUL, and no half of a pair.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.none() | TEXT | st.sampled_from(["", "NULL", "null", '"', "\\", "{a,b}", 'a\\"b', " ", "一，二"])))
def test_texts_come_back(values: list[str | None]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select %s::text[]", [texts(values)])
        assert cursor.fetchone()[0] == values


@pytest.mark.django_db
def test_numbers_days_and_truths_come_back() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select %s::bigint[], %s::bool[], %s::date[], %s::int[]",
            [plain([1, None, -(2**40)]), plain([True, None, False]), plain([date(2017, 5, 1), None]), plain([])],
        )
        assert cursor.fetchone() == ([1, None, -(2**40)], [True, None, False], [date(2017, 5, 1), None], [])
