"""Between approval and the file: who died, moved, changed his account or was refused by the bank beforehand is not sent."""

from __future__ import annotations

import threading
from datetime import date

import pytest
from casekit import at, hire
from django.db import connection
from paykit import Staff, balanced, family, line, run_month

from tuodi.exchange.bank import load_bank_profile, read_payments, write_return
from tuodi.files.store import open_plain
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.access import scope, system_scope
from tuodi.payments import actions, bank_queries
from tuodi.payments.errors import AccountCheckError, StateError
from tuodi.payments.models import LedgerEntry, LineEvent, PayRun
from tuodi.people import actions as people
from tuodi.people.models import RollEntry

pytestmark = pytest.mark.django_db(transaction=True)
MAY = Month(2017, 5)
GAP = date(2017, 5, 20)
PROFILE = load_bank_profile("generic-csv")


def answered(data: bytes, refused: dict[int, str]) -> bytes:
    head, rows = read_payments(PROFILE, data)
    told = [(one, "失败" if one.seq in refused else "成功", refused.get(one.seq, "0"), "", "") for one in rows]
    return write_return(PROFILE, head, told, posted=GAP)


def test_what_happens_between_approval_and_file_holds_the_line_back(make_user) -> None:
    """Fault 23, and the account check: five families are held back, each with its reason; the sixth is paid."""
    staff = Staff(make_user)
    homes = {name: family(village=f"42080200100{n}") for n, name in enumerate(NAMES, 1)}
    dead, stopped, changed, refused, moved, paid = homes.values()
    run = run_month(staff, MAY, upto="approve")
    with at(staff.check, GAP):
        people.record_death(
            acting_user=None, person=dead.memberships.order_by("id").last().person, died_on=date(2017, 5, 18)
        )
        RollEntry.objects.filter(household=stopped).update(end_month=201704)
        account = RollEntry.objects.get(household=changed).account
        account.until = GAP
        account.save(update_fields=["until"])
        name, data = actions.make_account_check(run, acting_user=staff.check)
        head, rows = read_payments(PROFILE, data)
        assert (name, head.lines, {one.amount_fen for one in rows}) == (f"{head.no}.csv", 6, {0})
        seq = next(one.seq for one in rows if one.key == line_key(run, refused))
        wrong = answered(data, {seq: "4"}).replace(rows[0].account.encode(), b"6217000000000000009")
        with pytest.raises(AccountCheckError, match="账号或户名"):
            actions.import_account_check(run, acting_user=staff.check, data=wrong, name="预校验.csv")
        actions.import_account_check(run, acting_user=staff.check, data=answered(data, {seq: "4"}), name="预校验.csv")
        assert bank_queries.account_check_totals(run) == {"ok": 5, "bad": 1, "open": 0}
    with system_scope("42"):
        people.move_household(acting_user=None, household=moved, region="420804001001", on=GAP)
    with at(staff.check, GAP):
        actions.make_bank_files(run, acting_user=staff.check)
        with pytest.raises(StateError):
            actions.make_account_check(run, acting_user=staff.check)
    statuses = {name: line(staff, run, home).status for name, home in homes.items()}
    assert statuses == dict.fromkeys(NAMES[:5], "withheld") | {"paid": "sent"}
    with at(staff.check, GAP):
        told = dict(
            LineEvent.objects.filter(line__run=run, kind="withheld").values_list("line__household_id", "message")
        )
        assert told == {
            dead.pk: "成员死亡", stopped.pk: "已停发退出", changed.pk: "收款账户已变更", refused.pk: "账户预校验不符", moved.pk: "已迁往其他县",
        }  # fmt: skip
        assert LedgerEntry.objects.filter(run_id=run.pk, kind="withheld").count() == 5
        _, sent = read_payments(PROFILE, open_plain(run.batches.get().file).read())
        assert [one.key for one in sent] == [line(staff, run, paid).key]
    frozen = line(staff, run, dead)
    assert (frozen.persons, frozen.amount_fen) == (2, line(staff, run, paid).amount_fen)  # the snapshot is kept
    balanced(staff, run)


NAMES = ("dead", "stopped", "changed", "refused", "moved", "paid")


def line_key(run: PayRun, home) -> str:
    return str(run.pay_lines.get(household=home).key)


def test_two_people_approve_at_once_and_two_send_at_once(make_user) -> None:
    """Fault 7: 2 × 20 threads of two officers each; exactly one event, the others are told, nobody waits for ever."""
    staff = Staff(make_user)
    others = {
        "approve": hire(make_user, "420802", "pay_approve"),
        "make_bank_files": hire(make_user, "420802", "pay_send"),
    }
    for n in (1, 2):
        family(village=f"42080200100{n}")
    run = run_month(staff, MAY, upto="check")
    for user, verb in ((staff.approve, "approve"), (staff.check, "make_bank_files")):
        ends: list[object] = []
        told: set[str] = set()

        def work(user, verb=verb, ends=ends, told=told) -> None:
            try:
                with scope(user):
                    getattr(actions, verb)(PayRun.objects.get(pk=run.pk), acting_user=user)
                ends.append("done")
            except StateError as error:
                ends.append(error.status)
                told.add(str(error))
            except Exception as error:
                ends.append(error)
            finally:
                connection.close()

        with clock.frozen(date(2017, 5, 2)):
            both = (user, others[verb])
            threads = [threading.Thread(target=work, args=(both[n % 2],)) for n in range(40)]
            for one in threads:
                one.start()
            for one in threads:
                one.join(timeout=120)
        if verb == "approve":
            assert sorted(map(str, ends)) == ["409"] * 39 + ["done"]
            assert all("已审批" in one for one in told), told
        else:  # done again it gives the files there are
            assert ends == ["done"] * 40
    with system_scope("420802"):
        kinds = list(LedgerEntry.objects.filter(run_id=run.pk).order_by("id").values_list("kind", flat=True))
        assert (kinds, run.batches.count()) == (["grant", "send"], 1)
        assert run.signatures.count() == 1
    balanced(staff, run)
