"""Verbs on requests: open, report, dispute and check again, take the report into the facts, complete 信息核对."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max

from tuodi.audit.actions import record
from tuodi.cases import actions as case_actions
from tuodi.cases.guard import check_hand
from tuodi.cases.models import Case, Step
from tuodi.cases.series import next_no
from tuodi.cases.states import move
from tuodi.exchange.live import load_live_profile
from tuodi.files.store import put_bytes
from tuodi.kernel import clock
from tuodi.org import access
from tuodi.org.models import DutyCode, User
from tuodi.people.models import Household
from tuodi.verification.actions import enter_facts
from tuodi.verification.check_errors import (
    CheckStateError,
    NobodyToCheckError,
    NoSourceError,
    OpenConflictsError,
    ReportNeededError,
)
from tuodi.verification.check_road import by_letter
from tuodi.verification.check_states import REQUEST_MOVES, RequestState
from tuodi.verification.consent_actions import end_outdated
from tuodi.verification.consent_queries import ConsentLine, consents_of
from tuodi.verification.models import CheckAnswer, CheckReport, CheckRequest, DataSource, FactSet
from tuodi.verification.report import content_of, digest, pdf_of
from tuodi.verification.request_queries import newest_report, sources_of, why_not_live
from tuodi.verification.rulebook import book

__all__ = ["apply_report", "complete_check", "dispute", "make_report", "open_request", "recheck"]

DUTIES = (DutyCode.VERIFY, DutyCode.ACCEPT)
Choices = Mapping[str, str]


@transaction.atomic
def open_request(
    *,
    acting_user: User,
    household: Household,
    purpose: str = CheckRequest.Purpose.APPLICATION,
    case: Case | None = None,
    programme: str = "",
) -> CheckRequest:
    """Opens a request about everybody of a family whose consent is in force, to every live source. Nothing is sent yet.

    Who has no consent, or no number, is left out and named. Consents that no longer cover the family end first.

    Raises:
        NobodyToCheckError: No consent in force: no request.
        NoSourceError: No department answers live for this place.
        CheckStateError: A request about the family is still running.
        NotFoundError, AccessDeniedError, DutySeparationError.
    """
    access.require_any(acting_user, DUTIES, household.region)
    if case is not None:
        check_hand(case, acting_user, None)
    Household.objects.select_for_update(of=("self",)).get(pk=household.pk)
    running = CheckRequest.objects.filter(household=household, state__in=(RequestState.OPENED, RequestState.PARTLY))
    for found in running.filter(valid_to__gte=clock.today()):
        raise CheckStateError(found.no, found.get_state_display(), "再发起一次")
    end_outdated(household=household)
    today = clock.today()
    lines = consents_of(household, today)
    asked = [line for line in lines if line.consent and line.has_number]
    left_out = [_left_out(line) for line in lines if line not in asked]
    if not asked:
        raise NobodyToCheckError([line.name for line in lines])
    sources = sources_of(household.region)
    live = [source for source in sources if not why_not_live(source)]
    if not live:
        raise NoSourceError("没有已接入的实时来源")
    row = CheckRequest.objects.create(
        region=household.region,
        no=next_no("check", household.region, today),
        household=household,
        case=case,
        purpose=purpose,
        programme=programme or (case.programme if case else ""),
        left_out=left_out,
        not_asked=_not_asked(sources, live),
        opened_at=clock.now(),
        opened_by=acting_user,
        # No longer than what ages first among the answers.
        valid_to=today + timedelta(days=min(source.freshness_days for source in live)),
    )
    _questions(row, asked, live)
    _audit(
        "open_request",
        acting_user,
        row,
        purpose=str(purpose),
        people=len(asked),
        left_out=len(left_out),
        sources=len(live),
    )
    return row


def _not_asked(sources: Sequence[DataSource], live: Sequence[DataSource]) -> list[dict[str, str]]:
    """Sources that are not asked, and why; a register that also answers live is not missed as a file."""
    asked = {source.kind for source in live}
    return [{"label": one.label, "why": why_not_live(one)} for one in sources if one.kind not in asked]


def _left_out(line: ConsentLine) -> dict[str, str]:
    why = "没有有效的核对授权" if line.consent is None else "没有可用的证件号码"
    return {"name": line.name, "role": line.role, "why": why}


def _questions(row: CheckRequest, asked: Sequence[ConsentLine], sources: Sequence[DataSource]) -> None:
    made = []
    refused: list[dict[str, str]] = []
    for source in sources:
        profile = load_live_profile(source.kind)
        for line in asked:
            if line.consent is None or (line.supporter and not profile.supporters):
                continue
            if profile.financial and not line.consent.covers_bank:
                refused.append({"label": f"{source.label} · {line.name}", "why": "授权不包括金融资产"})
                continue
            made.append(
                CheckAnswer(
                    region=row.region, request=row, round=row.round, source=source, person=line.person,
                    supporter=line.supporter, consent=line.consent,
                )
            )  # fmt: skip
    CheckAnswer.objects.bulk_create(made)
    if refused:
        row.not_asked = [*row.not_asked, *refused]
        row.save(update_fields=["not_asked"])


@transaction.atomic
def make_report(request: CheckRequest, *, acting_user: User) -> CheckReport:
    """Freezes what the answers come to, as JSON and on paper. Missing answers do not stop it: they are named in it.

    Raises:
        CheckStateError: Nothing has been sent yet, or nothing new since the last report.
        NotFoundError, AccessDeniedError, DutySeparationError.
    """
    request = _lock(request, acting_user)
    if request.state not in (RequestState.PARTLY, RequestState.COMPLETE):
        raise CheckStateError(request.no, request.get_state_display(), "生成报告")
    today = clock.today()
    no = next_no("report", request.region, today)
    content = content_of(request, no=no, day=today, office=acting_user.office.name, made_by=acting_user.name)
    sha256 = digest(content)
    paper = pdf_of(content, sha256, printed_by=acting_user.name, printed_at=f"{clock.now():%Y-%m-%d %H:%M}")
    stored = put_bytes(
        paper, region=request.region, name=f"核对报告-{no}.pdf", purpose="check_report", media_type="application/pdf",
        by_id=acting_user.pk,
    )  # fmt: skip
    report = CheckReport.objects.create(
        region=request.region,
        request=request,
        no=no,
        version=(request.reports.aggregate(n=Max("version"))["n"] or 0) + 1,
        content=content,
        sha256=sha256,
        complete=content["complete"],
        file=stored,
        made_at=clock.now(),
        made_by=acting_user,
        valid_to=request.valid_to,
    )
    _to(request, RequestState.REPORTED)
    _audit("make_report", acting_user, request, report=no, sha256=sha256, missing=len(content["missing"]))
    return report


@transaction.atomic
def dispute(request: CheckRequest, *, acting_user: User, text: str) -> CheckRequest:
    """Notes what the family objects to in the report. Raises CheckStateError without a report, or without words."""
    request = _lock(request, acting_user)
    if request.state != RequestState.REPORTED or not text.strip():
        raise CheckStateError(request.no, request.get_state_display(), "登记异议（须已出报告，并写明异议内容）")
    request.dispute, request.disputed_at = text.strip()[:500], clock.now()
    request.save(update_fields=["dispute", "disputed_at"])
    _to(request, RequestState.DISPUTED)
    _audit("dispute", acting_user, request, text=request.dispute)
    return request


@transaction.atomic
def recheck(request: CheckRequest, *, acting_user: User) -> CheckRequest:
    """Starts another round after a dispute: the same people, by their consents of today, every live source anew.

    Raises:
        CheckStateError, NobodyToCheckError, NoSourceError.
    """
    request = _lock(request, acting_user)
    if request.state != RequestState.DISPUTED:
        raise CheckStateError(request.no, request.get_state_display(), "重新核对")
    lines = consents_of(request.household, clock.today())
    asked = [line for line in lines if line.consent and line.has_number]
    if not asked:
        raise NobodyToCheckError([line.name for line in lines])
    sources = sources_of(request.region)
    live = [source for source in sources if not why_not_live(source)]
    if not live:
        raise NoSourceError("没有已接入的实时来源")
    request.round += 1
    request.left_out = [_left_out(line) for line in lines if line not in asked]
    request.not_asked = _not_asked(sources, live)
    request.valid_to = clock.today() + timedelta(days=min(source.freshness_days for source in live))
    request.save(update_fields=["round", "left_out", "not_asked", "valid_to"])
    _questions(request, asked, live)
    _to(request, RequestState.RECHECKED)
    _audit("recheck", acting_user, request, round=request.round)
    return request


@transaction.atomic
def apply_report(
    report: CheckReport, fact_set: FactSet, *, acting_user: User, choices: Choices | None = None
) -> list[str]:
    """Takes what registers state into a draft of the case's facts, each with report, source and day.

    What agrees or nobody declared is taken; where declared and registered differ, an officer has chosen for each line. A
    household fact that a missing answer or an undeclared find leaves open is taken back (未知), unless a visit or a finding
    of an officer stands behind it: not answered is never zero.

    Args:
        choices: Item key -> `register` or `declared`.

    Returns: labels of what changed.

    Raises:
        OpenConflictsError: Lines that differ and have no choice.
        CheckStateError: The report is of another family, or no longer valid.
        FactFaultsError, FrozenError, NotFoundError, AccessDeniedError.
    """
    request = report.request
    if fact_set.household_id != request.household_id:
        raise CheckStateError(request.no, "另一家庭的核对", "用于这个家庭的事实")
    if report.valid_to < clock.today():
        raise CheckStateError(request.no, f"已于 {report.valid_to:%Y-%m-%d} 过期", "用于事实，请重新核对")
    fact_set = FactSet.objects.get(pk=fact_set.pk)  # the caller's may be older than the last entry
    chosen = choices or {}
    items = report.content["items"]
    open_ones = [
        item for item in items if _takes(item) and item["mark"] in ("differ", "several") and item["key"] not in chosen
    ]
    if open_ones:
        raise OpenConflictsError([f"{item['source_label']} · {item['person']} · {item['what']}" for item in open_ones])
    changed: list[str] = []
    for item in items:
        if _takes(item) and _is_taken(item, chosen):
            changed += _take(report, fact_set, item, acting_user)
            fact_set.refresh_from_db()
    changed += _take_back(report, fact_set, items, chosen, acting_user)
    _audit("apply_report", acting_user, request, report=report.no, fact_set=fact_set.number, changed=changed)
    return changed


def _takes(item: Mapping[str, Any]) -> bool:
    return item["value"] is not None and item["person_id"] is not None and item["mark"] != "stale"


def _is_taken(item: Mapping[str, Any], chosen: Choices) -> bool:
    if item["mark"] in ("differ", "several"):
        return chosen[item["key"]] == "register"
    return item["mark"] == "undeclared"


def _take(report: CheckReport, fact_set: FactSet, item: Mapping[str, Any], user: User) -> list[str]:
    person = item["person_id"]
    if person not in fact_set.person_ids:
        return []
    evidence = f"核对报告 {report.no} · {item['source_label']} · {item['as_of']}"
    values: dict[str, Any] = {item["fact"]: item["value"]}
    if item["income"]:
        facts = fact_set.facts["members"][fact_set.person_ids.index(person)]
        others = [row for row in facts.get("incomes") or () if row.get("income_kind") != item["income"]]
        values = {"incomes": [*others, {"income_kind": item["income"], "income_amount": item["value"]}]}
    enter_facts(fact_set, acting_user=user, members={person: values}, source=FactSet.Source.REGISTER, evidence=evidence)
    if item["income"] and item["mark"] == "differ" and "income_year" in fact_set.facts["household"]:
        # The total no longer holds once a larger income is on record; it has to be found anew.
        enter_facts(fact_set, acting_user=user, household={"income_year": None}, evidence=evidence)
    return [f"{item['person']} · {item['what']}"]


def _take_back(
    report: CheckReport, fact_set: FactSet, items: Sequence[Mapping[str, Any]], chosen: Choices, user: User
) -> list[str]:
    """Household facts that cannot stand: what they rest on is missing, or shows something nobody declared."""
    fact_set.refresh_from_db()
    asked = {name for gap in report.content["missing"] for name in gap["asks"]}
    for item in items:
        kept = chosen.get(item["key"]) == "declared"
        if item["open"] or (item["asks"] and item["mark"] in ("undeclared", "differ", "several") and not kept):
            asked |= set(item["asks"])
    held = fact_set.facts["household"]
    loose = {
        name: None
        for name in sorted(asked)
        if name in held and fact_set.provenance.get(f"household.{name}", {}).get("source") not in ("visit", "finding")
    }
    if loose:
        enter_facts(fact_set, acting_user=user, household=loose, evidence=f"核对报告 {report.no}")
    labels = {fact.name: fact.label for fact in book().draft.facts if fact.level == "household"}
    return [f"{labels.get(name, name)}：待查清" for name in loose]


def complete_check(
    step: Step, *, acting_user: User, opinion: str = "", people: Sequence[User] = (), result: str = "done"
) -> Step:
    """Completes 信息核对 on the case's report; one that lacks answers only with words on what is missing.

    Without a report only where the check is done by letter (see `check_road.by_letter`), with words on which were written.

    Raises:
        ReportNeededError, and what `cases.actions.complete_step` raises.
    """
    report = newest_report(step.case)
    missing = report.missing if report else []
    if report is None and not by_letter(step.case):
        raise ReportNeededError(step.case.no, live=True)
    if (report is None or missing) and not opinion.strip():
        raise ReportNeededError(step.case.no, missing)
    data = {
        "report": report.no if report else "",
        "sha256": report.sha256 if report else "",
        "missing": missing,
    }
    words = opinion.strip()
    if missing:
        words = f"{words}（缺：{'、'.join(missing)}）"
    return case_actions.complete_step(
        step, acting_user=acting_user, result=result, opinion=words[:1000], data=data, people=people
    )


def _lock(request: CheckRequest, acting_user: User) -> CheckRequest:
    access.require_any(acting_user, DUTIES, request.region)
    row = (
        CheckRequest.objects.select_for_update(of=("self",))
        .select_related("household__head", "case")
        .get(pk=request.pk)
    )
    if row.case is not None:
        check_hand(row.case, acting_user, None)
    return row


def _to(request: CheckRequest, state: RequestState) -> None:
    move(f"核对 {request.no} ", REQUEST_MOVES, request.state, state)
    request.state = state
    request.save(update_fields=["state"])


def _audit(action: str, actor: User, row: CheckRequest, **after: Any) -> None:
    record(
        f"verification.{action}",
        actor=actor,
        subject_type="checkrequest",
        subject_id=row.pk,
        region=row.region,
        case_no=row.case.no if row.case else None,
        after={"no": row.no, **after},
    )
