"""Each move of a clue, who may make it, and what it leaves."""

from __future__ import annotations

from datetime import date

import pytest
from casekit import at, hire
from cluekit import FOUND, Hands, clue, home, taken_to

from tuodi.audit.models import AuditEntry
from tuodi.decisions.models import Suspension
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.monitoring import clue_actions as ledger
from tuodi.monitoring import clue_queues
from tuodi.monitoring.errors import (
    ClueHandsError,
    ClueInputError,
    ClueKinError,
    ClueLevelError,
    ClueStateError,
    DeterminationNeededError,
    EvidenceMissingError,
    ExtendedError,
    NoSuspensionError,
    NotResponsibleError,
    StillSuspendedError,
    SuspendFirstError,
)
from tuodi.monitoring.models import Clue, ClueEvent
from tuodi.monitoring.states import MOVES
from tuodi.org.errors import AccessDeniedError, NotFoundError

pytestmark = pytest.mark.django_db
NEXT = date(2017, 5, 5)


def events(hands: Hands, one: Clue) -> list[str]:
    with at(hands.county, FOUND):
        return list(ClueEvent.objects.filter(clue=one).order_by("id").values_list("kind", flat=True))


@pytest.mark.parametrize("state", ["assigned", "verifying", "confirmed", "suspended", "handled", "rectified", "closed"])
def test_the_road_of_a_red_clue(make_user, state: str) -> None:
    hands = Hands(make_user)
    one = taken_to(hands, clue(home()), state)
    assert one.state == state


def test_every_move_is_an_event_and_an_audit_row(make_user, as_owner) -> None:
    hands = Hands(make_user)
    one = taken_to(hands, clue(home()), "closed")
    assert events(hands, one) == [
        "raise", "assign", "start", "evidence", "propose", "confirm", "suspend", "handle", "check", "close",
    ]  # fmt: skip
    with at(hands.county, FOUND):
        told = list(
            AuditEntry.objects.filter(subject_type="clue", subject_id=str(one.pk))
            .order_by("id")
            .values_list("action", flat=True)
        )
    assert told == [
        f"monitoring.{verb}"
        for verb in (
            "new_clue", "assign", "start_verifying", "add_evidence", "propose", "decide", "suspend", "handle", "check", "close",
        )
    ]  # fmt: skip


def test_a_deadline_is_fifteen_working_days(make_user) -> None:
    one = taken_to(Hands(make_user), clue(home()), "assigned")
    assert (one.deadline, one.deadline_pending) == (date(2017, 5, 25), False)
    assert "15个工作日" in one.deadline_note


def test_a_year_without_a_calendar_leaves_the_deadline_pending(make_user) -> None:
    hands = Hands(make_user)
    one = taken_to(hands, clue(home()), "assigned", day=date(2031, 3, 3))
    assert (one.deadline, one.deadline_pending) == (None, True)
    assert "待定" in one.deadline_note


def test_the_same_fact_again_is_the_same_clue() -> None:
    family = home()
    first, again = clue(family, fact="机动车 测A1"), clue(family, fact="机动车 测A1")
    assert (first.pk, first.no) == (again.pk, again.no)
    assert clue(family, fact="机动车 测A2").pk != first.pk


def test_numbers_run_by_county_and_year() -> None:
    first, second = clue(home()), clue(home())
    there = clue(home(village="420804001001"))
    assert (first.no, second.no, there.no) == ("XS-420802-2017-00001", "XS-420802-2017-00002", "XS-420804-2017-00001")


@pytest.mark.parametrize(("severity", "does"), [("R", "suspend"), ("O", "recompute"), ("Y", "note")])
def test_treatment_follows_the_severity(severity: str, does: str) -> None:
    assert clue(home(), severity=severity).on_confirmed == does


# ---- who may


def test_only_the_responsible_looks_into_it(make_user) -> None:
    hands = Hands(make_user)
    one = taken_to(hands, clue(home()), "assigned")
    other = hire(make_user, "420802001", "clue")
    with at(other, FOUND), pytest.raises(NotResponsibleError, match=hands.town.name):
        ledger.start_verifying(one, acting_user=other)


def test_the_responsible_needs_the_duty_where_the_family_lives(make_user) -> None:
    hands = Hands(make_user)
    elsewhere = hire(make_user, "420802002", "clue")
    with at(hands.verify, FOUND), pytest.raises(ClueInputError, match="没有“线索核实”职责"):
        ledger.assign(clue(home()), responsible=elsewhere, acting_user=hands.verify)


def test_a_wrong_role_is_refused(make_user) -> None:
    hands = Hands(make_user)
    one = taken_to(hands, clue(home()), "proposed")
    with at(hands.second, FOUND), pytest.raises(AccessDeniedError, match="线索处理"):
        ledger.decide(one, verdict="confirmed", acting_user=hands.second)


def test_a_township_gives_no_verdict(make_user) -> None:
    hands = Hands(make_user)
    one = taken_to(hands, clue(home()), "proposed")
    town = hire(make_user, "420802001", "clue_decide")
    with at(town, FOUND), pytest.raises(ClueLevelError, match="应由县级办理"):
        ledger.decide(one, verdict="confirmed", acting_user=town)


def test_another_county_does_not_see_it(make_user) -> None:
    hands = Hands(make_user)
    one = taken_to(hands, clue(home()), "proposed")
    other = hire(make_user, "420804", "clue_decide")
    with at(other, FOUND), pytest.raises(NotFoundError):
        ledger.decide(one, verdict="confirmed", acting_user=other)


def test_who_proposed_does_not_decide(make_user) -> None:
    hands = Hands(make_user)
    both = hire(make_user, "420802", "clue", "clue_decide")
    hands.town = both
    one = taken_to(hands, clue(home()), "proposed")
    with at(both, FOUND), pytest.raises(ClueHandsError, match="不能再由您下结论"):
        ledger.decide(one, verdict="confirmed", acting_user=both)


def test_who_handled_neither_checks_nor_closes(make_user) -> None:
    hands = Hands(make_user)
    both = hire(make_user, "420802", "clue_decide", "clue_close")
    hands.county = both
    one = taken_to(hands, clue(home()), "handled")
    with at(both, FOUND), pytest.raises(ClueHandsError, match="不能再由您复查"):
        ledger.check(one, note="已核对", acting_user=both)
    with at(hands.second, FOUND):
        ledger.check(one, note="已核对", acting_user=hands.second)
    with at(both, FOUND), pytest.raises(ClueHandsError, match="不能再由您销号"):
        ledger.close(one, acting_user=both)


def test_nobody_looks_into_his_own_family(make_user) -> None:
    from tuodi.cases.models import StaffKin
    from tuodi.org.access import system_scope

    hands = Hands(make_user)
    family = home()
    with system_scope("42"):
        StaffKin.objects.create(user=hands.county, relation="姐妹", id_index=family.head.id_index, filed_on=FOUND)
    one = taken_to(hands, clue(family), "proposed")
    with at(hands.county, FOUND), pytest.raises(ClueKinError, match="近亲属"):
        ledger.decide(one, verdict="confirmed", acting_user=hands.county)


# ---- what each asks for


def test_missing_evidence_is_named(make_user) -> None:
    hands = Hands(make_user)
    one = taken_to(hands, clue(home(), required=["visit", "sale_contract"]), "verifying")
    with at(hands.town, FOUND):
        with pytest.raises(EvidenceMissingError, match="入户调查记录、转让合同"):
            ledger.propose(one, verdict="refuted", refuted_why="sold", conclusion="已卖", acting_user=hands.town)
        ledger.add_evidence(one, kind="visit", title="入户", text="见到", acting_user=hands.town)
        with pytest.raises(EvidenceMissingError, match="还缺少证据：转让合同。"):
            ledger.propose(one, verdict="refuted", refuted_why="sold", conclusion="已卖", acting_user=hands.town)
        with pytest.raises(ClueInputError, match="不认识"):
            ledger.add_evidence(one, kind="rumour", title="听说", text="听说", acting_user=hands.town)
        ledger.add_evidence(one, kind="sale_contract", title="合同", text="2016 年转让", acting_user=hands.town)
        assert (
            ledger.propose(
                one, verdict="refuted", refuted_why="sold", conclusion="已卖", acting_user=hands.town
            ).proposed
            == "refuted"
        )


def test_a_verdict_needs_a_proposal_and_a_reason_to_differ(make_user) -> None:
    hands = Hands(make_user)
    one = taken_to(hands, clue(home()), "verifying")
    with at(hands.county, FOUND), pytest.raises(ClueStateError, match="尚未提出结论"):
        ledger.decide(one, verdict="confirmed", acting_user=hands.county)
    other = taken_to(hands, clue(home()), "proposed")
    with at(hands.county, FOUND):
        with pytest.raises(ClueInputError, match="必须写明理由"):
            ledger.decide(other, verdict="refuted", refuted_why="sold", acting_user=hands.county)
        done = ledger.decide(
            other, verdict="refuted", refuted_why="sold", conclusion="车管所答复已转让", acting_user=hands.county
        )
    assert (done.state, done.verdict, done.conclusion) == ("closed", "refuted", "车管所答复已转让")


def test_undetermined_once_with_the_limit_anew(make_user) -> None:
    hands = Hands(make_user)
    one = taken_to(hands, clue(home()), "verifying")
    with at(hands.town, date(2017, 5, 24)):
        with pytest.raises(ClueInputError, match="延期理由"):
            ledger.undetermined(one, reason=" ", acting_user=hands.town)
        one = ledger.undetermined(one, reason="车主外出务工", acting_user=hands.town)
        assert (one.state, one.extended, one.deadline) == ("undetermined", True, date(2017, 6, 15))
        with pytest.raises(ExtendedError):
            ledger.undetermined(one, reason="还没回来", acting_user=hands.town)


def test_another_responsible_keeps_the_limit_and_drops_the_proposal(make_user) -> None:
    hands = Hands(make_user)
    one = taken_to(hands, clue(home()), "proposed")
    other = hire(make_user, "420802001", "clue")
    with at(hands.verify, NEXT):
        one = ledger.assign(one, responsible=other, acting_user=hands.verify)
    assert (one.state, one.responsible, one.deadline, one.proposed) == ("verifying", other, date(2017, 5, 25), "")
    assert events(hands, one)[-1] == "reassign"


@pytest.mark.parametrize(("severity", "word"), [("O", "重新核算"), ("Y", "核实记录")])
def test_orange_and_yellow_suspend_nothing_and_are_handled(make_user, severity: str, word: str) -> None:
    hands = Hands(make_user)
    one = taken_to(hands, clue(home(), severity=severity, outcomes=["keep", "file"]), "confirmed")
    with at(hands.county, FOUND):
        with pytest.raises(NoSuspensionError, match=word):
            ledger.suspend(one, acting_user=hands.county)
        assert ledger.handle(one, action="file", text="备案", acting_user=hands.county).state == "handled"


def test_where_the_region_says_suspend_an_orange_clue_is(make_user) -> None:
    hands = Hands(make_user)
    one = taken_to(hands, clue(home(), severity="O", on_confirmed="suspend"), "suspended")
    assert one.state == "suspended"


def test_a_suspension_is_a_written_notice_from_next_month(make_user) -> None:
    hands = Hands(make_user)
    one = taken_to(hands, clue(home()), "suspended")
    with at(hands.county, FOUND):
        row = Suspension.objects.get(pk=one.suspension_id)
    assert (row.notice_no, row.from_month, row.matter_no) == ("TB-420802-2017-00001", 201706, one.no)
    assert "名下有非豁免机动车（57-14）" in row.reasons
    assert "行政复议" in row.appeal


def test_a_region_may_hold_the_present_month_but_no_past_one(make_user) -> None:
    hands = Hands(make_user)
    one = taken_to(hands, clue(home()), "confirmed")
    with at(hands.county, FOUND):
        with pytest.raises(Exception, match="最早从 2017-05 起"):
            ledger.suspend(one, from_month=Month(2017, 4), acting_user=hands.county)
        one = ledger.suspend(one, from_month=Month(2017, 5), acting_user=hands.county)
        assert Suspension.objects.get(pk=one.suspension_id).from_month == 201705


def test_red_is_suspended_first_unless_off_the_roll(make_user) -> None:
    hands = Hands(make_user)
    family = home()
    one = taken_to(hands, clue(family), "confirmed")
    with at(hands.county, FOUND):
        with pytest.raises(SuspendFirstError, match="先停保"):
            ledger.handle(one, action="keep", text="说明", acting_user=hands.county)
        family.roll.update(end_month=201704)
        with pytest.raises(Exception, match="没有“最低生活保障”的有效决定"):
            ledger.suspend(one, acting_user=hands.county)
        assert ledger.handle(one, action="keep", text="已退出", acting_user=hands.county).state == "handled"


def test_a_stop_without_a_determination_says_what_is_needed(make_user) -> None:
    hands = Hands(make_user)
    one = taken_to(hands, clue(home()), "suspended")
    with at(hands.county, FOUND):
        with pytest.raises(DeterminationNeededError, match="定稿为事实表"):
            ledger.handle(one, action="stop", text="名下有车", acting_user=hands.county)
        with pytest.raises(DeterminationNeededError, match="不是这个家庭"):
            ledger.handle(one, action="stop", text="名下有车", determination_no="420802-JD-1", acting_user=hands.county)
        with pytest.raises(ClueInputError, match="只能是：停发、减发"):
            ledger.handle(one, action="file", text="备案", acting_user=hands.county)
        one.refresh_from_db()
        assert one.state == "suspended"


def test_a_referral_leaves_the_money_held_until_it_is_settled(make_user) -> None:
    hands = Hands(make_user)
    one = taken_to(hands, clue(home()), "suspended")
    with at(hands.county, FOUND):
        one = ledger.handle(one, action="refer", text="移送区纪委", acting_user=hands.county)
        assert Suspension.objects.get(pk=one.suspension_id).lifted_at is None
    with at(hands.second, FOUND), pytest.raises(StillSuspendedError, match="TB-420802-2017-00001"):
        ledger.check(one, note="已移送", acting_user=hands.second)
    with at(hands.county, NEXT):
        one = ledger.handle(one, action="keep", text="纪委答复不属实", acting_user=hands.county)
        assert Suspension.objects.get(pk=one.suspension_id).lifted_at is not None
        with pytest.raises(ClueStateError, match="说明后保留"):
            ledger.handle(one, action="refer", text="再移送", acting_user=hands.county)


def test_refuted_after_a_suspension_lifts_it(make_user) -> None:
    hands = Hands(make_user)
    one = taken_to(hands, clue(home()), "suspended")
    with at(hands.county, date(2017, 6, 20)):
        one = ledger.refute(one, refuted_why="namesake", conclusion="车管所更正：同名", acting_user=hands.county)
        row = Suspension.objects.get(pk=one.suspension_id)
    assert (one.state, one.verdict, one.refuted_why) == ("closed", "refuted", "namesake")
    assert (row.until_month, row.lifted_by) == (201705, hands.county)
    assert "查否" in row.lift_reason


def test_reopened_only_on_new_evidence(make_user) -> None:
    hands = Hands(make_user)
    one = taken_to(hands, clue(home()), "closed")
    with at(hands.county, NEXT):
        with pytest.raises(ClueInputError, match="没有新的证据"):
            ledger.reopen(one, reason="群众再次反映", acting_user=hands.county)
        ledger.add_evidence(one, kind="register", title="车管所答复", text="另有一车", acting_user=hands.county)
        one = ledger.reopen(one, reason="车管所新答复", acting_user=hands.county)
    assert (one.state, one.verdict, one.reopened, one.closed_by) == ("verifying", "", 1, None)
    again = taken_to_again(hands, one)
    with at(hands.county, NEXT):
        assert Suspension.objects.get(pk=again.suspension_id).matter_no == f"{one.no}/1"


def taken_to_again(hands: Hands, one: Clue) -> Clue:
    with at(hands.town, NEXT):
        ledger.propose(one, verdict="confirmed", conclusion="两辆车", acting_user=hands.town)
    with at(hands.county, NEXT):
        ledger.decide(one, verdict="confirmed", acting_user=hands.county)
        return ledger.suspend(one, acting_user=hands.county)


def test_recovery_is_noted_up_to_what_is_owed(make_user) -> None:
    hands = Hands(make_user)
    one = taken_to(hands, clue(home()), "suspended")
    with at(hands.county, FOUND):
        one = ledger.handle(one, action="recover", text="追回四月", to_recover_fen=550_00, acting_user=hands.county)
        assert one.recovery["by_hand"]
        with pytest.raises(ClueInputError, match=r"不超过尚未追回的 550\.00 元"):
            ledger.record_recovery(one, amount_fen=550_01, receipt="S1", acting_user=hands.county)
        one = ledger.record_recovery(one, amount_fen=200_00, receipt="S1", acting_user=hands.county)
        one = ledger.record_recovery(one, amount_fen=350_00, receipt="S2", acting_user=hands.county)
        with pytest.raises(ClueInputError, match=r"尚未追回的 0\.00 元"):
            ledger.record_recovery(one, amount_fen=1, receipt="S3", acting_user=hands.county)
    assert one.recovered_fen == 550_00


def test_a_recovery_without_a_figure_asks_for_one(make_user) -> None:
    hands = Hands(make_user)
    one = taken_to(hands, clue(home(), registered={}), "suspended")
    with at(hands.county, FOUND), pytest.raises(ClueInputError, match="请填写起算日期"):
        ledger.handle(one, action="recover", text="追回", acting_user=hands.county)


VERBS = {
    "start_verifying": ("town", {}),
    "propose": ("town", {"verdict": "confirmed", "conclusion": "查"}),
    "decide": ("county", {"verdict": "confirmed"}),
    "suspend": ("county", {}),
    "handle": ("county", {"action": "keep", "text": "说明"}),
    "check": ("second", {"note": "已核对"}),
    "close": ("second", {}),
    "reopen": ("county", {"reason": "新情况"}),
}
LEADS = {
    "generated": set(), "assigned": {"start_verifying"}, "verifying": {"propose", "decide"}, "confirmed": {"suspend", "handle"},
    "suspended": {"handle"}, "handled": {"check"}, "rectified": {"close"}, "closed": {"reopen"},
}  # fmt: skip


@pytest.mark.parametrize("state", sorted(LEADS))
def test_no_other_verb_moves_a_clue_from_where_it_stands(make_user, state: str) -> None:
    hands = Hands(make_user)
    one = clue(home())
    if state != "generated":
        one = taken_to(hands, one, state)
    for verb, (who, given) in VERBS.items():
        if verb in LEADS[state]:
            continue
        user = getattr(hands, who)
        with at(user, NEXT), pytest.raises(ClueStateError):
            getattr(ledger, verb)(one, acting_user=user, **given)


def test_the_table_knows_every_state_and_nothing_leads_back_but_reopening() -> None:
    assert set(MOVES) == set(Clue.State.values)
    order = [
        "generated",
        "assigned",
        "verifying",
        "undetermined",
        "confirmed",
        "suspended",
        "handled",
        "rectified",
        "closed",
    ]
    back = {(a, b) for a, found in MOVES.items() for b in found if order.index(b) < order.index(a)}
    assert back == {("closed", "verifying")}
    assert clock.today()


def test_where_the_decision_comes_first_red_is_handled_at_once(make_user) -> None:
    """乌海: nothing says 先停保; 649 art 13 wants the decision first. A suspension meanwhile is allowed, not asked for."""
    hands = Hands(make_user, county="150302", town="150302001")
    one = taken_to(hands, clue(home(village="150302001001")), "confirmed")
    other = taken_to(hands, clue(home(village="150302001001")), "suspended")
    with at(hands.county, FOUND):
        assert [(queue.code, queue.count) for queue in clue_queues.my_queues(hands.county)] == [("to_handle", 2)]
        assert ledger.handle(one, action="keep", text="说明", acting_user=hands.county).state == "handled"
    assert other.state == "suspended"
