"""The only source of time."""

import contextlib
import threading
from datetime import UTC, date, datetime, timedelta

from tuodi.kernel import clock


def test_it_is_beijing_time_and_aware():
    assert clock.now().utcoffset() == timedelta(hours=8)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_the_day_changes_at_midnight_in_beijing_not_in_london():
    with clock.frozen(datetime(2021, 9, 12, 16, 0, tzinfo=UTC)):
        assert clock.today() == date(2021, 9, 13)
    with clock.frozen(datetime(2021, 9, 12, 15, 59, tzinfo=UTC)):
        assert clock.today() == date(2021, 9, 12)


def test_freezing_nests_and_ends_even_after_an_error():
    with clock.frozen(date(2020, 2, 29)) as moment:
        assert (clock.today(), moment.hour) == (date(2020, 2, 29), 9)
        with contextlib.suppress(RuntimeError), clock.frozen(date(2021, 1, 1)):
            assert clock.today() == date(2021, 1, 1)
            raise RuntimeError
        assert clock.today() == date(2020, 2, 29)
    assert clock.today() != date(2020, 2, 29)


def test_two_who_stopped_it_may_end_in_any_order():
    first, second = clock.frozen(date(2020, 1, 1)), clock.frozen(date(2021, 1, 1))
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert clock.today() == date(2021, 1, 1)
    second.__exit__(None, None, None)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_set_clock_reaches_other_threads_and_is_taken_away_again():
    seen = []
    clock.set_clock(lambda: datetime(2017, 4, 1, 8))
    try:
        thread = threading.Thread(target=lambda: seen.append(clock.now()))
        thread.start()
        thread.join()
    finally:
        clock.set_clock(None)
    assert seen == [datetime(2017, 4, 1, 8, tzinfo=clock.BEIJING)]
    assert clock.now().year > 2017
