"""Who had which hand in a case, and who may have none. The database holds both by triggers (see migration 0002)."""

from __future__ import annotations

from django.db import models

from tuodi.cases.models.case import Case
from tuodi.cases.states import BarReason, Hand
from tuodi.org.rls import region_field


class CaseHand(models.Model):
    """One row: a user has accepted, approved or paid in a case. Unique per case and user: nobody has two hands.

    Appended by the trigger on steps, and by `cases.actions.take_hand` for payments. Never changed.
    """

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="hands")
    region = region_field()
    user = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    hand = models.CharField("环节", max_length=8, choices=Hand.choices)

    class Meta:
        verbose_name = "经手"
        constraints = [models.UniqueConstraint("case", "user", name="cases_one_hand")]
        indexes = [
            models.Index("user", "case", name="cases_hand_user"),
            # Who pays has many hands of payment; the few others are what keeps him from one.
            models.Index("user", "case", condition=~models.Q(hand="pay"), name="cases_hand_other"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id}:{self.user_id}:{self.hand}"


class CaseBar(models.Model):
    """One row: a user who may do no step of a case, and why."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="bars")
    region = region_field()
    user = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    reason = models.CharField("原因", max_length=10, choices=BarReason.choices)

    class Meta:
        verbose_name = "回避"
        constraints = [models.UniqueConstraint("case", "user", "reason", name="cases_bar_once")]

    def __str__(self) -> str:
        return f"{self.case_id}:{self.user_id}:{self.reason}"


class StaffKin(models.Model):
    """One row: a member of staff, himself (`self`) or a near relative he declared, by blind index only ([57] art 11).

    Staff's data, not residents': no region policy.
    """

    user = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    id_index = models.BinaryField("证件索引", max_length=32)
    relation = models.CharField("关系", max_length=16)  #: self, or 配偶、父母、子女 …
    filed_on = models.DateField("备案日期")

    class Meta:
        verbose_name = "近亲属备案"
        constraints = [models.UniqueConstraint("user", "id_index", name="cases_kin_once")]
        indexes = [models.Index("id_index", name="cases_kin_index")]

    def __str__(self) -> str:
        return f"{self.user_id}:{self.relation}"
