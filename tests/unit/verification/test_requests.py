"""Requests: what is asked, what an answer changes, what must change nothing, and what a report freezes."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from casekit import at
from django.db import DatabaseError, transaction

from tuodi.audit.models import AuditEntry
from tuodi.cases.actions import complete_step
from tuodi.cases.queries import open_step
from tuodi.exchange.gateway import Answer, Query, Status, Subject, Target
from tuodi.exchange.wire import Signature
from tuodi.intake.application_actions import accept_application
from tuodi.kernel import clock
from tuodi.org.access import system_scope
from tuodi.org.errors import AccessDeniedError
from tuodi.org.models import DutyCode
from tuodi.people.models import Person
from tuodi.people.queries import members_on
from tuodi.verification import live, request_actions
from tuodi.verification.actions import enter_facts, start_fact_set
from tuodi.verification.check_errors import CheckStateError, NoSourceError, OpenConflictsError, ReportNeededError
from tuodi.verification.consent_actions import add_supporter, end_consent, record_consent
from tuodi.verification.models import CheckAnswer, CheckReport, CheckRequest, Consent, DataSource
from tuodi.verification.report import digest
from tuodi.verification.request_queries import sources_of

pytestmark = pytest.mark.django_db
DAY = date(2017, 5, 12)
PENSION = {"待遇类别": "职工", "月养老金": "1200", "待遇状态": "正常"}
CAR = {"号牌号码": "鄂H1", "车辆类型": "轿车", "机动车状态": "正常"}


@pytest.fixture(autouse=True)
def _gateway(settings: Any) -> None:
    settings.GATEWAY_URL = "https://gateway.invalid"


@pytest.fixture
def verifier(make_user: Any) -> Any:
    with clock.frozen(date(2010, 1, 4)):
        return make_user("420802", DutyCode.VERIFY, DutyCode.REVIEW)


@pytest.fixture
def people(household: Any) -> list[Any]:
    with system_scope("420802"):
        return [one.person for one in members_on(household, DAY)]


@pytest.fixture
def consented(verifier: Any, household: Any, people: list[Any]) -> list[Any]:
    with at(verifier, DAY):
        for one in people[:2]:
            record_consent(acting_user=verifier, household=household, person=one, paper_ref="A-1")
    return people[:2]


def source(kind: str, place: str = "4208", **more: Any) -> DataSource:
    given = {
        "code": kind, "kind": kind, "place_code": place, "label": kind, "department": "测试部门", "state": "live",
        "mode": "real_time", "service": kind,
    }  # fmt: skip
    return DataSource.objects.create(**(given | more))


def opened(verifier: Any, household: Any, **more: Any) -> CheckRequest:
    with at(verifier, DAY):
        return request_actions.open_request(acting_user=verifier, household=household, **more)


def row_of(request: CheckRequest, kind: str, person: Any) -> CheckAnswer:
    return CheckAnswer.objects.get(request=request, source__code=kind, person=person, round=request.round)


def said(row: CheckAnswer, status: Status = Status.NOT_FOUND, *rows: dict[str, str], **more: Any) -> Answer:
    query = Query(
        str(row.pk), Target(str(row.source_id), "x", None), Subject("p", "0", "甲"), more.pop("ticket_of", "")
    )
    given = {
        "as_of": date(2017, 4, 30), "rows": rows, "attempts": 1, "signature": Signature.OK, "raw": b'{"answers": []}',
        "media_type": "application/json", "asked_at": clock.now(), "answered_at": clock.now(),
    }  # fmt: skip
    return Answer(query, status, **(given | more))


def take(verifier: Any, row: CheckAnswer, *args: Any, on: date = DAY, **more: Any) -> bool:
    with at(verifier, on):
        return live.take_answer(row.pk, said(row, *args, **more))


def fresh(verifier: Any, row: Any) -> Any:
    with at(verifier, DAY):
        row.refresh_from_db()
        return row


def test_what_is_asked_of_whom(verifier: Any, household: Any, consented: list[Any]) -> None:
    source("vehicle")
    source("bank_deposit")
    source("estate", state="agreed")
    source("tax", mode="batch", profile="x")
    with at(verifier, DAY):
        rows = Consent.objects.filter(person=consented[1])
        rows.update(covers_bank=False)
        helper = add_supporter(
            acting_user=verifier, household=household, person=consented[0], relation="子女", name="欧阳远"
        )
        record_consent(acting_user=verifier, household=household, supporter=helper, paper_ref="B-1")
    row = opened(verifier, household)
    with at(verifier, DAY):
        asked = sorted((one.source.code, one.person.name) for one in row.answers.select_related("source", "person"))
        assert asked == [("bank_deposit", "欧阳建"), ("vehicle", "单晓月"), ("vehicle", "欧阳建")]
        assert row.left_out == [
            {"name": "欧阳春", "role": "member", "why": "没有有效的核对授权"},
            {"name": "欧阳远", "role": "supporter", "why": "没有可用的证件号码"},
        ]
        assert {one["label"]: one["why"] for one in row.not_asked} == {
            "estate": "尚未接入（已签协议）",
            "tax": "不是实时接口（批量文件）",
            "bank_deposit · 单晓月": "授权不包括金融资产",
        }
        assert row.valid_to == DAY + timedelta(days=90)


def test_the_nearest_source_of_a_code_is_asked(db: Any) -> None:
    source("vehicle", "42", label="省")
    source("vehicle", "420802", label="区")
    source("vehicle", "4209", label="别处")
    assert [one.label for one in sources_of("420802001001")] == ["区"]
    assert [one.label for one in sources_of("420804001001")] == ["省"]


def test_no_source_no_gateway_no_second_request_no_duty(
    verifier: Any, office: Any, household: Any, consented: list[Any], settings: Any
) -> None:
    with pytest.raises(NoSourceError):
        opened(verifier, household)
    source("vehicle")
    settings.GATEWAY_URL = ""
    with pytest.raises(NoSourceError):
        opened(verifier, household)
    settings.GATEWAY_URL = "https://gateway.invalid"
    opened(verifier, household)
    with pytest.raises(CheckStateError, match="再发起一次"):
        opened(verifier, household)
    with at(office.town_visit, DAY), pytest.raises(AccessDeniedError):
        request_actions.open_request(acting_user=office.town_visit, household=household)


def test_answers_move_the_request_and_only_the_first_counts(
    verifier: Any, household: Any, consented: list[Any]
) -> None:
    source("vehicle")
    row = opened(verifier, household)
    first, second = _both(verifier, row, consented)
    assert take(verifier, first, Status.FOUND, CAR) is True
    assert fresh(verifier, row).state == "partly"
    assert take(verifier, second, Status.ERROR, reason="http_500", note="对方系统出错") is False
    assert fresh(verifier, row).state == "partly"
    assert take(verifier, second) is True
    assert fresh(verifier, row).state == "complete"

    # The same again, and another content: nothing changes but the note and the record.
    assert take(verifier, first, Status.FOUND, CAR) is False
    assert "相同的答复" in fresh(verifier, first).note
    assert take(verifier, first, Status.NOT_FOUND, raw=b"other") is False
    again = fresh(verifier, first)
    assert again.status == "found"
    assert "不同的答复，没有采用" in again.note
    with at(verifier, DAY):
        assert AuditEntry.objects.filter(action="verification.repeated_answer").count() == 2


def _both(verifier: Any, row: CheckRequest, people: list[Any]) -> list[CheckAnswer]:
    with at(verifier, DAY):
        return [row_of(row, "vehicle", one) for one in people]


def test_an_answer_after_the_close_is_not_used(verifier: Any, household: Any, consented: list[Any]) -> None:
    source("vehicle", freshness_days=10)
    row = opened(verifier, household)
    first, second = _both(verifier, row, consented)
    assert take(verifier, first, on=DAY + timedelta(days=10)) is True
    assert take(verifier, second, on=DAY + timedelta(days=11)) is False
    late = fresh(verifier, second)
    assert late.status == "waiting"
    assert "有效期 2017-05-22 之后才到" in late.note


@pytest.mark.parametrize(("days", "stale"), [(90, False), (91, True)])
def test_an_old_answer_is_stale(verifier: Any, household: Any, consented: list[Any], days: int, stale: bool) -> None:
    source("vehicle", freshness_days=90)
    row = opened(verifier, household)
    first, _ = _both(verifier, row, consented)
    take(verifier, first, Status.FOUND, CAR, as_of=DAY - timedelta(days=days))
    assert fresh(verifier, first).stale is stale


def test_the_breaker_opens_after_five_failures_and_an_answer_closes_it(
    verifier: Any, household: Any, consented: list[Any]
) -> None:
    one = source("vehicle", quota_per_day=9)
    row = opened(verifier, household)
    first, second = _both(verifier, row, consented)
    for number in range(1, 6):
        take(verifier, first, Status.TIMEOUT, reason="timeout")
        one.refresh_from_db()
        assert (one.failures, one.paused_until is not None) == (number, number == 5)
    assert one.paused_until == datetime(2017, 5, 12, 9, 10, tzinfo=clock.BEIJING)
    assert (one.used, one.used_on) == (5, DAY)
    take(verifier, first, Status.ERROR, reason="paused", attempts=0)
    one.refresh_from_db()
    assert one.used == 5  # nothing was sent
    take(verifier, second)
    one.refresh_from_db()
    assert (one.failures, one.paused_until, one.used) == (0, None, 6)
    take(verifier, first, on=DAY + timedelta(days=1))
    one.refresh_from_db()
    assert one.used == 1  # another day


def test_somebody_elses_answer_says_nothing_about_the_source(
    verifier: Any, household: Any, consented: list[Any]
) -> None:
    one = source("vehicle")
    row = opened(verifier, household)
    first, _ = _both(verifier, row, consented)
    take(verifier, first, Status.ERROR, reason="wrong_person", note="答复的不是所问的人")
    one.refresh_from_db()
    assert one.failures == 0
    assert fresh(verifier, first).status == "error"


def test_a_consent_withdrawn_before_sending_closes_the_question(
    verifier: Any, household: Any, consented: list[Any]
) -> None:
    source("vehicle")
    row = opened(verifier, household)
    first, second = _both(verifier, row, consented)
    with at(verifier, DAY):
        for consent in Consent.objects.filter(household=household):
            end_consent(consent, acting_user=verifier, reason="本人撤回")
    with clock.frozen(DAY):
        assert live.send(row.pk, place="420802") == 0  # nothing to send: the address would not resolve
    for one in (first, second):
        assert (fresh(verifier, one).status, one.reason, one.attempts) == ("error", "consent", 0)


def reported(verifier: Any, household: Any, people: list[Any], **more: Any) -> tuple[CheckRequest, CheckReport]:
    source("vehicle")
    source("social_insurance")
    row = opened(verifier, household, **more)
    with at(verifier, DAY):
        answers = {(one.source.code, one.person_id): one for one in row.answers.select_related("source")}
    for (code, person), one in answers.items():
        if code == "social_insurance" and person == people[0].pk:
            take(verifier, one, Status.FOUND, PENSION)
        elif code == "social_insurance":
            take(verifier, one)
    with at(verifier, DAY):
        row.refresh_from_db()
        return row, request_actions.make_report(row, acting_user=verifier)


def test_a_report_names_what_is_missing_fits_its_hash_and_is_never_changed(
    verifier: Any, household: Any, consented: list[Any], as_owner: Any
) -> None:
    row, report = reported(verifier, household, consented)
    assert report.complete is False
    assert sorted(report.missing) == ["vehicle · 单晓月", "vehicle · 欧阳建"]
    assert digest(report.content) == report.sha256
    assert [line["id_masked"][6:-4] for line in report.content["people"]] == ["********"] * 2
    with at(verifier, DAY), pytest.raises(CheckStateError, match="生成报告"):
        request_actions.make_report(row, acting_user=verifier)
    with pytest.raises(DatabaseError, match="只可追加"), as_owner(), transaction.atomic():
        CheckReport.objects.filter(pk=report.pk).update(sha256="0" * 64)


def test_a_late_answer_opens_a_reported_request_again(verifier: Any, household: Any, consented: list[Any]) -> None:
    row, first = reported(verifier, household, consented)
    for one in _both(verifier, row, consented):
        take(verifier, one, on=DAY + timedelta(days=3))
        assert fresh(verifier, one).late is True
    assert fresh(verifier, row).state == "complete"
    with at(verifier, DAY + timedelta(days=3)):
        second = request_actions.make_report(row, acting_user=verifier)
    assert (second.version, second.complete, first.version) == (2, True, 1)


def test_a_dispute_starts_another_round_and_keeps_the_first(
    verifier: Any, household: Any, consented: list[Any]
) -> None:
    row, _ = reported(verifier, household, consented)
    old = _both(verifier, row, consented)[0]
    with at(verifier, DAY):
        with pytest.raises(CheckStateError):
            request_actions.recheck(row, acting_user=verifier)
        with pytest.raises(CheckStateError, match="异议"):
            request_actions.dispute(row, acting_user=verifier, text=" ")
        request_actions.dispute(row, acting_user=verifier, text="养老金已停发")
        again = request_actions.recheck(row, acting_user=verifier)
        assert (again.state, again.round, again.answers.filter(round=2).count()) == ("rechecked", 2, 4)
        assert again.answers.filter(round=1).count() == 4
    assert take(verifier, old) is False  # an answer to the first round is too late to count
    assert fresh(verifier, row).state == "rechecked"
    for one in _both(verifier, again, consented):
        take(verifier, one)
        assert fresh(verifier, one).late is False
    assert fresh(verifier, row).state == "partly"


@pytest.fixture
def case(office: Any, household: Any) -> Any:
    with at(office.town_accept, date(2017, 5, 10)):
        return accept_application(
            acting_user=office.town_accept, household=household, programme="dibao", materials={"身份证": True}
        ).case


def test_facts_taken_from_a_report(verifier: Any, office: Any, household: Any, consented: list[Any], case: Any) -> None:
    with at(office.town_review, DAY):
        draft = start_fact_set(acting_user=office.town_review, household=household, case=case)
        enter_facts(draft, acting_user=office.town_review, household={"income_year": "20000", "assets_ok": True})
        enter_facts(
            draft,
            acting_user=office.town_review,
            members={
                consented[0].pk: {
                    "incomes": [
                        {"income_kind": "pension", "income_amount": "9000"},
                        {"income_kind": "gift", "income_amount": "100"},
                    ]
                }
            },
        )
    _, report = reported(verifier, household, consented, case=case)
    with at(verifier, DAY):
        with pytest.raises(OpenConflictsError):
            request_actions.apply_report(report, draft, acting_user=verifier)
        draft.refresh_from_db()
        assert draft.facts["household"]["assets_ok"] is True  # a refusal changes nothing
        key = next(item["key"] for item in report.content["items"] if item["mark"] == "differ")
        changed = request_actions.apply_report(report, draft, acting_user=verifier, choices={key: "register"})
        draft.refresh_from_db()
    assert draft.facts["members"][0]["incomes"] == [
        {"income_kind": "gift", "income_amount": "100"},
        {"income_kind": "pension", "income_amount": "14400.00"},
    ]
    # No answer about cars: that the assets are within the limit is not known any more; nobody has put a zero there.
    assert "assets_ok" not in draft.facts["household"]
    assert changed == ["欧阳建 · 离退休金、养老金", "家庭财产符合规定：待查清"]


def test_a_finding_of_an_officer_outlives_a_missing_answer_and_what_was_declared_can_stay(
    verifier: Any, office: Any, household: Any, consented: list[Any], case: Any
) -> None:
    with at(office.town_review, DAY):
        draft = start_fact_set(acting_user=office.town_review, household=household, case=case)
        enter_facts(draft, acting_user=office.town_review, household={"income_year": "100"})
        enter_facts(draft, acting_user=office.town_review, household={"assets_ok": True}, source="finding")
    _, report = reported(verifier, household, consented, case=case)
    with at(verifier, DAY):
        key = next(item["key"] for item in report.content["items"] if item["mark"] == "differ")
        assert request_actions.apply_report(report, draft, acting_user=verifier, choices={key: "declared"}) == []
        draft.refresh_from_db()
    assert draft.facts["household"] == {"area_kind": "urban", "income_year": "100", "assets_ok": True}


def test_a_report_out_of_date_is_not_taken(
    verifier: Any, office: Any, household: Any, consented: list[Any], case: Any
) -> None:
    with at(office.town_review, DAY):
        draft = start_fact_set(acting_user=office.town_review, household=household, case=case)
    _, report = reported(verifier, household, consented, case=case)
    with at(verifier, report.valid_to + timedelta(days=1)), pytest.raises(CheckStateError, match="过期"):
        request_actions.apply_report(report, draft, acting_user=verifier)


def test_the_step_is_completed_on_a_report_or_with_words(verifier: Any, household: Any, case: Any) -> None:
    with at(verifier, DAY):
        step = open_step(case, "check")
        with pytest.raises(ReportNeededError, match="还没有核对报告"):
            request_actions.complete_check(step, acting_user=verifier)
        done = request_actions.complete_check(step, acting_user=verifier, opinion="本地尚未联网，已函询车管所")
        assert done.data == {"report": "", "sha256": "", "missing": [], "way": "letters"}


def test_where_departments_answer_live_the_step_needs_a_report_whoever_completes_it(
    verifier: Any, household: Any, consented: list[Any], case: Any
) -> None:
    source("estate")
    with at(verifier, DAY):
        step = open_step(case, "check")
        with pytest.raises(ReportNeededError, match="本地有实时来源"):
            request_actions.complete_check(step, acting_user=verifier, opinion="已函询车管所")
        with pytest.raises(ReportNeededError, match="本地有实时来源"):
            complete_step(step, acting_user=verifier, opinion="各部门答复齐")
    _, report = reported(verifier, household, consented, case=case)
    with at(verifier, DAY):
        with pytest.raises(ReportNeededError, match=report.no):
            complete_step(step, acting_user=verifier, opinion="各部门答复齐", data={"report": "另一份"})
        done = request_actions.complete_check(step, acting_user=verifier, opinion="缺项另行函询")
        assert (done.data["report"], done.data["way"]) == (report.no, "report")


def test_letters_will_do_where_nobody_who_consented_can_be_asked(
    verifier: Any, household: Any, consented: list[Any], case: Any
) -> None:
    source("vehicle")
    with at(verifier, DAY):
        step = open_step(case, "check")
        Consent.objects.exclude(person=consented[0]).update(ended_on=DAY)
        Person.objects.filter(pk=consented[0].pk).update(id_cipher=None, id_index=None)
        done = request_actions.complete_check(step, acting_user=verifier, opinion="无证件号码，已函询车管所")
        assert done.data["way"] == "letters"
