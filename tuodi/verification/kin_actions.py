"""Verbs on kin filings: declare, match, file; and the lock that keeps a kin case from being decided unvisited.

[57] art 11 and 20, [220] art 14 and 26: applications of near relatives of staff and of village committees are recorded
apart, and the county visits every one of them itself before it decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction

from tuodi.audit.actions import record as audit
from tuodi.cases import actions as cases
from tuodi.cases.guard import bar_kin, check_hand, logs_blocks
from tuodi.cases.marks import mark_kin
from tuodi.cases.models import Case, StaffKin
from tuodi.cases.series import next_no
from tuodi.cases.states import move
from tuodi.kernel import clock
from tuodi.org import access
from tuodi.org.errors import NotFoundError
from tuodi.org.models import DutyCode, User
from tuodi.people.models import Household, Person
from tuodi.people.queries import members_on
from tuodi.verification.models import KinFiling, VisitRecord, VisitTask
from tuodi.verification.visit_errors import KinVisitMissingError, VisitInputError
from tuodi.verification.visit_states import KIN_MOVES

__all__ = [
    "KinHit",
    "county_visit_of",
    "declare_kin",
    "file_kin",
    "match_kin",
    "note_decision",
    "require_county_visit",
]

State, Basis, Relation, Role = KinFiling.State, KinFiling.Basis, KinFiling.Relation, KinFiling.Role
#: Who keeps the register.
KEEPERS = (DutyCode.ACCEPT, DutyCode.REVIEW, DutyCode.CONFIRM)

_INVERSE = {"self": Relation.SELF, "本人": Relation.SELF}
_WORDS = {
    "配偶": Relation.SPOUSE,
    "父母": Relation.PARENT,
    "父亲": Relation.PARENT,
    "母亲": Relation.PARENT,
    "子女": Relation.CHILD,
    "兄弟姐妹": Relation.SIBLING,
    "祖父母": Relation.GRANDPARENT,
    "外祖父母": Relation.GRANDPARENT,
    "孙子女": Relation.GRANDCHILD,
    "外孙子女": Relation.GRANDCHILD,
    **{code: Relation(code) for code in ("spouse", "parent", "child", "sibling", "grandparent", "grandchild")},
} | _INVERSE


@dataclass(frozen=True, slots=True)
class KinHit:
    """What a register of officials' relatives says about a member of a family.

    Attributes:
        person: The member. staff_name, staff_unit: The official, at work.
        relation: In the register's words. role: `KinFiling.Role`. source: Batch and register it was found in.
    """

    person: Person
    staff_name: str
    staff_unit: str = ""
    relation: str = ""
    role: str = Role.FISCAL
    source: str = ""


@logs_blocks
def declare_kin(
    case: Case,
    *,
    acting_user: User,
    person: Person,
    relation: str,
    role: str,
    staff_name: str,
    staff_unit: str = "",
    staff_user: User | None = None,
) -> KinFiling:
    """Takes down what the applicant declares; the case is marked, its county visit becomes due.

    Raises:
        VisitInputError: A relation outside the closed list, no name, or a person who is no member.
    """
    with transaction.atomic():
        case = cases.lock(case)
        access.require_any(acting_user, KEEPERS, case.region)
        check_hand(case, acting_user, None)
        faults = []
        if relation not in Relation.values or relation in (Relation.SELF, Relation.UNSTATED):
            faults.append(("relation", "关系只能是配偶、父母、子女、兄弟姐妹、祖孙"))
        if role not in Role.values:
            faults.append(("role", "没有选对方身份"))
        if not staff_name.strip():
            faults.append(("staff_name", "没有写对方姓名"))
        if person.pk not in {row.person_id for row in members_on(case.household, clock.today())}:
            faults.append(("person", "不是该家庭的成员"))
        if faults:
            raise VisitInputError(faults)
        row = _add(case, case.household, person, Basis.DECLARED, relation, role, staff_name, staff_unit, "申请人声明",
                   staff_user, acting_user)  # fmt: skip
        _mark(case, acting_user)
        return row


@logs_blocks
def match_kin(case: Case, *, acting_user: User, hits: Iterable[KinHit] = ()) -> list[KinFiling]:
    """Matches the family's numbers with the relatives that staff have filed, by blind index, and takes in register hits.

    Done again it adds only what is new. Staff who turn out to be kin are barred from the case from now on.

    Args:
        hits: From registers of officials' relatives and of village committees (`kin_registers.hits_for`).

    Returns:
        The filings that were added.
    """
    with transaction.atomic():
        case = cases.lock(case)
        access.require_any(acting_user, KEEPERS, case.region)
        check_hand(case, acting_user, None)
        people = {bytes(row.person.id_index): row.person for row in members_on(case.household, clock.today())
                  if row.person.id_index}  # fmt: skip
        before = set(KinFiling.objects.filter(case=case).values_list("pk", flat=True))
        bar_kin(case, indexes=people)
        for kin in StaffKin.objects.filter(id_index__in=list(people)).select_related("user__office"):
            person = people[bytes(kin.id_index)]
            relation = _WORDS.get(kin.relation, Relation.UNSTATED)
            _add(case, case.household, person, Basis.MATCHED, relation, Role.STAFF, kin.user.name, kin.user.office.name,
                 "工作人员近亲属名册", kin.user, None)  # fmt: skip
        for hit in hits:
            relation = _WORDS.get(hit.relation, Relation.UNSTATED)
            _add(case, case.household, hit.person, Basis.MATCHED, relation, hit.role, hit.staff_name, hit.staff_unit,
                 hit.source, None, None)  # fmt: skip
        added = list(KinFiling.objects.filter(case=case).exclude(pk__in=before).order_by("id"))
        if any(row.role in (Role.STAFF, Role.COMMITTEE) for row in added):
            _mark(case, acting_user)
        return added


def _add(
    case: Case | None,
    household: Household,
    person: Person,
    basis: str,
    relation: str,
    role: str,
    staff_name: str,
    staff_unit: str,
    source: str,
    staff_user: User | None,
    by: User | None,
) -> KinFiling:
    row, made = KinFiling.objects.get_or_create(
        case=case,
        household=household,
        person=person,
        relation=relation,
        staff_name=staff_name.strip()[:40],
        staff_unit=staff_unit.strip()[:80],
        defaults={
            "region": household.region,
            "basis": basis,
            "role": role,
            "staff_user": staff_user,
            "source": source[:100],
            "state": State.DECLARED if basis == Basis.DECLARED else State.MATCHED,
            "found_at": clock.now(),
            "found_by": by,
        },
    )
    if made:
        _audit("note_kin", by, row)
    return row


def _mark(case: Case, user: User) -> None:
    """The mark that brings the county's visit; where the case is decided or the text has no such mark there is none."""
    if "kin" in case.marks or not case.is_running or "kin" not in dict(case.procedure.marks):
        return
    mark_kin(case, acting_user=user)


@logs_blocks
def file_kin(filing: KinFiling, *, acting_user: User) -> KinFiling:
    """Enters a declaration or a match in the register, with a number.

    A visit that the county has signed before counts at once.
    """
    with transaction.atomic():
        row = KinFiling.objects.select_for_update(of=("self",)).filter(pk=filing.pk).select_related("case").first()
        if row is None or not access.in_scope(acting_user, row.region):
            raise NotFoundError("近亲属备案")
        access.require_any(acting_user, KEEPERS, row.region)
        if row.case is not None:
            check_hand(row.case, acting_user, None)
        move("近亲属备案", KIN_MOVES, row.state, State.FILED)
        row.state, row.no = State.FILED, next_no("kin", row.region, clock.today())
        row.filed_at, row.filed_by = clock.now(), acting_user
        visit = county_visit_of(row.case) if row.case is not None else None
        if visit is not None:
            row.state, row.visit = State.VISITED, visit
        row.save(update_fields=["state", "no", "filed_at", "filed_by", "visit"])
        if row.case is not None and row.role in (Role.STAFF, Role.COMMITTEE):
            _mark(cases.lock(row.case), acting_user)
        _audit("file_kin", acting_user, row)
        return row


def county_visit_of(case: Case) -> VisitRecord | None:
    """The newest record of a visit that the county itself made and signed for this case, or None."""
    signed = VisitRecord.objects.filter(
        task__case=case, task__state=VisitTask.State.SIGNED, level="COUN"
    ).select_related("task")
    return next((row for row in signed.order_by("-id") if row.version == row.task.version), None)


def require_county_visit(case: Case) -> None:
    """The lock on deciding: a case marked kin, or with a filing of staff's or committee's kin, needs the county's visit.

    Raises:
        KinVisitMissingError
    """
    concerned = (
        "kin" in case.marks or KinFiling.objects.filter(case=case, role__in=[Role.STAFF, Role.COMMITTEE]).exists()
    )
    if concerned and county_visit_of(case) is None:
        raise KinVisitMissingError(case.no)


def note_decision(case: Case, *, acting_user: User) -> int:
    """Closes the filings of a decided case. Returns how many. What was never filed or visited stays as it stands."""
    rows = KinFiling.objects.select_for_update().filter(case=case, state=State.VISITED)
    count = 0
    for row in rows:
        row.state, row.decided_on, row.decision = State.DECIDED, clock.today(), case.decision
        row.save(update_fields=["state", "decided_on", "decision"])
        _audit("decide_kin", acting_user, row)
        count += 1
    return count


def _audit(action: str, actor: User | None, row: KinFiling) -> None:
    audit(
        f"verification.{action}",
        actor=actor,
        subject_type="kinfiling",
        subject_id=row.pk,
        region=row.region,
        case_no=row.case.no if row.case else None,
        after={"no": row.no, "state": row.state, "basis": row.basis, "relation": row.relation, "role": row.role},
    )
