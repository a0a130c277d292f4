"""Who looked: what a family reads of the uses of its data, what it reads only after close-out, and what never."""

from __future__ import annotations

from datetime import date, timedelta

import cluekit
import pytest
import residentkit
from casekit import family

from tuodi.audit.actions import record
from tuodi.kernel import clock
from tuodi.monitoring.models import Clue
from tuodi.monitoring.who_looked import who_looked
from tuodi.org.access import subject_scope, system_scope
from tuodi.org.models import Office
from tuodi.people.residents import subject_of

pytestmark = pytest.mark.django_db

VILLAGE = "420802001001"


@pytest.fixture
def home(db):
    return family(VILLAGE)


def seen(home):
    subject = subject_of(residentkit.account(home))
    with subject_scope(subject):
        return [(one.kind, one.who, one.what, one.why) for one in who_looked(subject)]


def look(user, home, *, what="家庭档案", listed=False, **more) -> None:
    record(
        "web.list" if listed else "web.view",
        actor=user,
        subject_type="page",
        subject_id="/families/",
        region=home.region,
        after={"households": [home.pk], "persons": [home.head_id], "what": what, **more},
    )


def test_pages_and_lists_name_the_office_and_mask_the_officer(home, make_user) -> None:
    officer = make_user("420802", "accept")
    look(officer, home)
    look(officer, home, what="家庭名单", listed=True)
    found = seen(home)
    assert [row[2] for row in found] == ["家庭名单", "家庭档案"]
    assert {row[1] for row in found} == {f"{officer.name[0]}{'*' * (len(officer.name) - 1)} · {officer.office.name}"}
    assert officer.name not in str(found)


def test_another_family_s_readings_are_not_mine(home, make_user) -> None:
    neighbour = family(VILLAGE, names=("王大河",))
    look(make_user("420802", "accept"), neighbour)
    assert seen(home) == []
    assert len(seen(neighbour)) == 1


def test_only_a_subject_may_ask(home, make_user) -> None:
    from tuodi.monitoring.who_looked import _entries

    look(make_user("420802", "accept"), home)
    begin = clock.now() - timedelta(days=1)
    assert _entries(begin) == []
    with system_scope(VILLAGE):
        assert _entries(begin) == []


def test_a_revealed_number_is_told_with_its_reason(home, make_user) -> None:
    from tuodi.people.actions import reveal_id

    officer = make_user("420802", "accept")
    with system_scope(VILLAGE):
        reveal_id(acting_user=officer, person=home.head, reason="与原件核对")
    ((_, _, what, why),) = seen(home)
    assert (what, why) == ("完整证件号码", "与原件核对")


@pytest.fixture
def supervisor(make_user):
    user = make_user("420802", "supervise")
    Office.objects.filter(pk=user.office_id).update(kind=Office.Kind.SUPERVISION)
    user.office.refresh_from_db()
    return user


def test_the_discipline_body_is_shown_after_close_out_and_without_a_name(home, supervisor) -> None:
    with clock.frozen(date(2017, 5, 3)):
        look(supervisor, home)
        assert seen(home) == []  # nothing is closed yet
    one = cluekit.clue(home)
    with clock.frozen(date(2017, 5, 8)):
        look(supervisor, home, what="线索")
        assert seen(home) == []
    close(one, date(2017, 6, 1))
    with clock.frozen(date(2017, 6, 2)):
        found = seen(home)
    assert [row[:2] for row in found] == [("supervision", "监督检查")] * 2
    assert supervisor.name not in str(found)


def test_who_works_on_an_open_clue_is_not_shown_while_the_counter_is(home, make_user) -> None:
    worker, counter = make_user("420802001", "clue"), make_user("420802002", "accept")
    with clock.frozen(date(2017, 5, 2)):
        look(worker, home, what="平常查看")
    one = cluekit.clue(home)
    with clock.frozen(date(2017, 5, 8)):
        look(worker, home, what="家庭档案")
        look(counter, home, what="办理申请")
        assert sorted(row[2] for row in seen(home)) == ["办理申请", "平常查看"]
    close(one, date(2017, 6, 1))
    with clock.frozen(date(2017, 6, 2)):
        kinds = {row[2]: row[0] for row in seen(home)}
    assert kinds == {"办理申请": "staff", "平常查看": "staff", "家庭档案": "supervision"}


def test_a_second_open_clue_hides_again(home, supervisor) -> None:
    one = cluekit.clue(home)
    with clock.frozen(date(2017, 5, 8)):
        look(supervisor, home)
    close(one, date(2017, 6, 1))
    cluekit.clue(home)
    with clock.frozen(date(2017, 6, 2)):
        assert seen(home) == []


def test_complaints_are_never_read() -> None:
    import inspect

    from tuodi.monitoring import who_looked as module

    text = inspect.getsource(module)
    for word in ("Complaint", "NoticeObjection", "Ticket", "Appeal"):
        assert word not in text


def close(one: Clue, day: date) -> None:
    with clock.frozen(day), system_scope(one.region):
        Clue.objects.filter(pk=one.pk).update(
            state=Clue.State.CLOSED, verdict=Clue.Verdict.REFUTED, refuted_why="sold", closed_at=clock.now()
        )
