"""Correcting what a township confirmed and the county, looking afterwards, found otherwise (备案后抽查, 纠正)."""

from __future__ import annotations

from django.db.models import QuerySet

from tuodi.cases.guard import logs_blocks
from tuodi.decisions.changes import record_change
from tuodi.decisions.errors import CorrectionError
from tuodi.decisions.models import Determination
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.models import User
from tuodi.people.models import Person
from tuodi.verification.models import FactSet, SpotCheckItem

__all__ = ["cause_of", "correct_filed", "corrections_of"]


def cause_of(item: SpotCheckItem) -> str:
    """The cause a correcting determination carries: it names the spot check, by the task, which the township can see."""
    return f"抽查纠正 {item.task.matter_no if item.task else ''}"


def corrections_of(item: SpotCheckItem) -> QuerySet[Determination]:
    """What was decided anew because of one item, oldest first."""
    return Determination.objects.filter(household=item.case.household_id, cause=cause_of(item)).order_by("id")


@logs_blocks
def correct_filed(
    item: SpotCheckItem, fact_set: FactSet, *, acting_user: User, reasons: str, person: Person | None = None
) -> Determination:
    """Decides anew, from the next month, on facts the county collected, what it had found to differ. Once an item.

    The one who confirms there decides: the township, told by the county. The facts are the county's, entered and frozen by
    somebody else.

    Raises:
        CorrectionError: The check agreed or has no result, the case was not delegated, it was corrected already, or the facts are
            of another family or older than the check's result. What `record_change` raises.
    """
    item = SpotCheckItem.objects.select_for_update(of=("self",)).select_related("task", "case").get(pk=item.pk)
    no = item.case.no
    if item.result != SpotCheckItem.Result.DIFFER:
        raise CorrectionError(no, "抽查没有发现不一致，没有可纠正的")
    if item.case.decision != "passed" or item.case.procedure.approver != "TOWN":
        raise CorrectionError(no, "不是乡镇（街道）确认的案件，按变更办理")
    if corrections_of(item).exists():
        raise CorrectionError(no, "已按这次抽查纠正过")
    if fact_set.household_id != item.case.household_id:
        raise CorrectionError(no, "事实表不是这一户的")
    if item.checked_at is None or fact_set.frozen_at is None or fact_set.frozen_at < item.checked_at:
        raise CorrectionError(no, "事实表是抽查之前定稿的；请按抽查所见另做一份")
    return record_change(
        fact_set,
        acting_user=acting_user,
        programme=item.case.programme,
        effective=Month.of(clock.today()).next(),
        cause=cause_of(item),
        reasons=reasons,
        person=person,
    )
