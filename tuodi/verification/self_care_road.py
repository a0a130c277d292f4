"""How 生活自理能力评估 is completed in a case, and that the decision stands on what was assessed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuodi.cases.models import Case, Step
from tuodi.policy.procedure import Does
from tuodi.verification.models import FactSet, SelfCareAssessment
from tuodi.verification.self_care_actions import evidence_fits
from tuodi.verification.self_care_errors import SelfCareNeededError
from tuodi.verification.self_care_queries import assessments_of

__all__ = ["require_in_facts", "road"]

State = SelfCareAssessment.State


def road(step: Step, data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The road of `cases.roads` for 自理能力评估: every assessment ordered for the case is entered, the applicant's among them.

    Returns: `data` with number and result of each.
    Raises:
        SelfCareNeededError: None is entered, one is still waited for, or one was altered.
    """
    case = step.case
    rows = [row for row in assessments_of(case=case) if row.state != State.CANCELLED]
    done = [row for row in rows if row.state == State.ASSESSED]
    waiting = [row.no for row in rows if row.state == State.ORDERED]
    if waiting:
        raise SelfCareNeededError(case.no, f"（{'、'.join(waiting)}）还没有结论，登记评估结果后再办。")
    if case.applicant_id not in {row.person_id for row in done}:
        raise SelfCareNeededError(case.no, "还没有做。请先委托评估，登记六项结果。")
    altered = [row.no for row in done if not evidence_fits(row)]
    if altered:
        raise SelfCareNeededError(case.no, f"（{'、'.join(altered)}）与登记时的校验值不符，请报告系统管理员。")
    return {**data, "self_care": [{"no": row.no, "person": row.person_id, "result": row.result} for row in done]}


def require_in_facts(case: Case, facts: FactSet) -> None:
    """Nothing if the frozen facts a decision stands on hold what was assessed; cases whose text has no such step pass.

    Raises:
        SelfCareNeededError: They were frozen before, or say something else.
    """
    if case.procedure.first(Does.ASSESS) is None:
        return
    newest: dict[int, SelfCareAssessment] = {}
    for row in reversed(assessments_of(case=case)):
        if row.state == State.ASSESSED:
            newest[row.person_id] = row
    for person_id, row in newest.items():
        if person_id not in facts.person_ids:
            continue
        member = facts.facts["members"][facts.person_ids.index(person_id)]
        if member.get("assessed_self_care") != row.result:
            raise SelfCareNeededError(case.no, f"（{row.no}）没有写进定稿的事实表。请把最新的事实表定稿后再办。")
