"""Correcting what a township confirmed and the county, looking afterwards, found otherwise (备案后抽查, 纠正)."""

from __future__ import annotations

from django.db.models import CharField, Exists, F, OuterRef, QuerySet, Value
from django.db.models.functions import Concat

from tuodi.cases.guard import logs_blocks
from tuodi.cases.models import Step
from tuodi.cases.states import StepState
from tuodi.decisions.changes import record_change
from tuodi.decisions.errors import CorrectionError
from tuodi.decisions.models import Determination
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org import access
from tuodi.org.models import User
from tuodi.people.enums import PERSON_PROGRAMMES
from tuodi.people.models import Person, RollEntry
from tuodi.verification.models import FactSet, SpotCheckItem

__all__ = ["access_item", "cause_of", "correct_filed", "corrections_of", "differing", "facts_after", "persons_on_roll"]

_CAUSE = "抽查纠正 "


def cause_of(item: SpotCheckItem) -> str:
    """The cause a correcting determination carries: it names the spot check, by the task, which the township can see."""
    return f"{_CAUSE}{item.task.matter_no if item.task else ''}"


def corrections_of(item: SpotCheckItem) -> QuerySet[Determination]:
    """What was decided anew because of one item, oldest first."""
    return Determination.objects.filter(household=item.case.household_id, cause=cause_of(item)).order_by("id")


def differing(*, done: bool | None = None) -> QuerySet[SpotCheckItem]:
    """Checked families of the reader's range whose filed decision the county found otherwise; the oldest result first.

    The draw itself (`check_of`) is the county's alone: a township reads of it only the number its task carries.

    Args:
        done: decided anew (True) or not yet (False); None = both. Each row carries it as `corrected`.
    """
    filed = Step.objects.filter(state=StepState.DONE, by_level="COUN", does="file").values("case")
    cause = Concat(Value(_CAUSE), OuterRef("task__matter_no"), output_field=CharField())
    anew = Determination.objects.filter(household=OuterRef("case__household"), cause=cause)
    rows = (
        SpotCheckItem.objects.filter(result=SpotCheckItem.Result.DIFFER, case__decision="passed", case__in=filed)
        .annotate(corrected=Exists(anew))
        .select_related("case__applicant", "case__household__head", "task", "checked_by__office")
        .order_by(F("checked_at").asc(nulls_last=True), "id")
    )
    return rows if done is None else rows.filter(corrected=done)


def access_item(user: User, pk: int) -> SpotCheckItem:
    """One of them in the user's range. NotFoundError alike for absent and forbidden."""
    return access.one(differing(), user=user, what="抽查纠正", pk=pk)


def facts_after(item: SpotCheckItem) -> FactSet | None:
    """The newest fact set of the family that was frozen after the check's result: what a correction may rest on."""
    rows = FactSet.objects.filter(household=item.case.household_id, frozen_at__gte=item.checked_at)
    return rows.select_related("created_by__office", "frozen_by__office").order_by("-number").first()


def persons_on_roll(item: SpotCheckItem, month: Month) -> list[Person | None]:
    """Whom the case's programme pays in a month: the persons where it entitles persons, else `[None]` for the family."""
    if item.case.programme not in PERSON_PROGRAMMES:
        return [None]
    rows = RollEntry.objects.filter(
        household=item.case.household_id, programme=item.case.programme, start_month__lte=month.yyyymm
    ).exclude(end_month__lt=month.yyyymm)
    return [row.person for row in rows.select_related("person").order_by("id")]


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
