"""Row-level security and the access layer, tried as the runtime role (the owner would prove nothing)."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError

from tuodi.files.models import StoredFile
from tuodi.kernel import clock
from tuodi.org import access, actions
from tuodi.org.errors import AccessDeniedError, DutyConflictError, NoScopeError, NotFoundError

pytestmark = pytest.mark.django_db

TOWN_A, TOWN_B = "420899001", "420899002"
REGION_A, REGION_B = "420899001001", "420899002001"


def put(region: str, name: str = "甲") -> StoredFile:
    with access.system_scope(region):
        return StoredFile.objects.create(
            region=region, sha256=name * 8, size=1, name=name, media_type="x", purpose=name, stored_at=clock.now()
        )


def count() -> int:
    return StoredFile.objects.count()


def test_tests_run_as_the_role_that_owns_nothing() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select current_user, (select rolbypassrls or rolsuper from pg_roles where rolname = current_user)"
        )
        assert cursor.fetchone() == ("tuodi_app", False)


def test_without_a_scope_no_row_is_seen_and_none_is_written() -> None:
    put(REGION_A)
    assert count() == 0
    with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        StoredFile.objects.create(
            region=REGION_A, sha256="x", size=1, name="x", media_type="x", purpose="x", stored_at=clock.now()
        )


def test_an_empty_setting_left_by_an_earlier_transaction_shows_nothing() -> None:
    """Danger 1: after the first SET LOCAL the setting reads '', and a LIKE policy would show rows."""
    put(REGION_A)
    with connection.cursor() as cursor:
        cursor.execute("select set_config('app.region', '', true), set_config('app.region_hi', '', true)")
    assert count() == 0


def test_only_a_low_end_shows_nothing() -> None:
    put(REGION_A)
    with connection.cursor() as cursor:
        cursor.execute("select set_config('app.region', '42', true), set_config('app.region_hi', '', true)")
    assert count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_scope_does_not_outlive_its_transaction_on_the_same_connection() -> None:
    """Danger 2: a session-level setting would show the last user's rows to the next one."""
    put(REGION_A)
    with access.system_scope("42"):
        assert count() == 1
    with transaction.atomic():
        assert count() == 0
    assert count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_scope_does_not_outlive_a_failed_transaction() -> None:
    put(REGION_A)
    with pytest.raises(RuntimeError), access.system_scope("42"):
        raise RuntimeError
    assert access.current_range() is None
    assert count() == 0


def test_the_owner_is_not_held_and_so_never_serves(as_owner) -> None:
    """Danger 3: the owner sees every row, which is why pages and jobs never run as the owner."""
    put(REGION_A)
    with as_owner():
        assert count() == 1
    assert count() == 0


def test_the_runtime_role_cannot_become_anybody_else(settings) -> None:
    from tuodi.config import database

    found = database.settings(testing=False)
    assert found["USER"] == "tuodi_app" or "role=tuodi_app" in found["OPTIONS"]["options"]
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from pg_class where relowner = (select oid from pg_roles where rolname = 'tuodi_app')"
        )
        assert cursor.fetchone() == (0,)
        cursor.execute(
            "select count(*) from pg_auth_members where member = (select oid from pg_roles where rolname = 'tuodi_app')"
        )
        assert cursor.fetchone() == (0,)


def test_an_inner_scope_gives_the_outer_one_back() -> None:
    put(REGION_A), put(REGION_B, "乙")
    with access.system_scope("420899"):
        with access.system_scope(TOWN_A):
            assert count() == 1
        assert count() == 2
        with pytest.raises(RuntimeError), access.system_scope(TOWN_A):
            raise RuntimeError
        assert count() == 2
    assert count() == 0


def test_a_row_cannot_be_moved_out_of_the_range() -> None:
    row = put(REGION_A)
    with access.system_scope(TOWN_A), pytest.raises(ProgrammingError), transaction.atomic():
        StoredFile.objects.filter(pk=row.pk).update(region=REGION_B)


def test_a_prefix_that_is_not_ascii_is_no_place() -> None:
    """“~” sorts before every hanzi, so such a range would be empty or wrong: refused."""
    for code in ("", "4208 ", "荆门", "4208~", "%", "4208990010011"):
        with pytest.raises(NoScopeError):
            access.range_of(code)


def test_a_standard_area_lies_inside_its_prefecture() -> None:
    put("4208Z1000000")
    with access.system_scope("4208"):
        assert count() == 1
    with access.system_scope("420802"):
        assert count() == 0


def test_two_towns_see_the_same_nothing_for_absent_and_not_yours(make_user) -> None:
    row = put(REGION_A)
    stranger = make_user(TOWN_B, "accept")
    with access.scope(stranger):
        with pytest.raises(NotFoundError) as not_mine:
            access.one(StoredFile.objects, user=stranger, what="文件", pk=row.pk)
        with pytest.raises(NotFoundError) as absent:
            access.one(StoredFile.objects, user=stranger, what="文件", pk=10**12)
        assert str(not_mine.value) == str(absent.value)
        with pytest.raises(NotFoundError):
            access.require(stranger, "accept", REGION_A)
    mine = make_user(TOWN_A, "accept")
    with access.scope(mine):
        assert access.one(StoredFile.objects, user=mine, pk=row.pk) == row


def test_a_duty_is_needed_and_gone_at_once_when_taken(make_user) -> None:
    user = make_user(TOWN_A)
    with pytest.raises(AccessDeniedError):
        access.require(user, "accept", REGION_A)
    duty = actions.grant_duty(acting_user=None, user=user, code="accept")
    access.require(user, "accept", REGION_A)
    actions.revoke_duty(acting_user=None, duty=duty)
    with pytest.raises(AccessDeniedError):
        access.require(user, "accept", REGION_A)


def test_a_disabled_user_has_no_scope(make_user) -> None:
    user = make_user(TOWN_A, "accept")
    actions.disable_user(acting_user=None, user=user)
    with pytest.raises(NoScopeError), access.scope(user):
        pass


@pytest.mark.parametrize(
    ("held", "wanted"),
    [("sysadmin", "accept"), ("audit_view", "review"), ("pay_prepare", "pay_approve"), ("pay_check", "pay_approve")],
)
def test_duties_that_must_stay_apart_are_refused_in_both_orders(make_user, held: str, wanted: str) -> None:
    for first, second in ((held, wanted), (wanted, held)):
        user = make_user(TOWN_A, first)
        with pytest.raises(DutyConflictError):
            actions.grant_duty(acting_user=None, user=user, code=second)


def test_a_manager_grants_only_in_his_own_range(make_user) -> None:
    manager, clerk = make_user(TOWN_A, "security"), make_user(TOWN_B)
    with pytest.raises(NotFoundError):
        actions.grant_duty(acting_user=manager, user=clerk, code="accept")
    nobody = make_user(TOWN_A)
    with pytest.raises(AccessDeniedError):
        actions.grant_duty(acting_user=nobody, user=nobody, code="accept")
