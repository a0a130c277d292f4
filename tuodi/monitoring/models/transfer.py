"""Moves to another town or county with the file (迁移): one row a move, seen by both places; and the file's sealed copy."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from tuodi.org.rls import region_field
from tuodi.people.fields import month_check


class Transfer(models.Model):
    """One row: one household on its way to another place. Both places see it; the register moves when it is accepted.

    The place it leaves pays to `last_month`, the place it comes to from the month after: one deed, so that no month is paid
    twice or skipped.
    """

    class State(models.TextChoices):
        """Moves are in `dynamic_states.TRANSFER_MOVES`."""

        PROPOSED = "proposed", "迁出地已提出"
        SENT = "sent", "已移交，待接收"
        TAKEN = "taken", "迁入地已核实，待确认"
        DONE = "done", "已迁入"
        REFUSED = "refused", "迁入地退回"
        WITHDRAWN = "withdrawn", "迁出地撤回"

    region = region_field()  #: where the family lives until then
    to_region = models.CharField("迁入地", max_length=12, db_collation="C")  #: village or town
    no = models.CharField("编号", max_length=40, db_collation="C", unique=True)
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    #: Not keys: each place sees its own household only.
    household_no = models.CharField("家庭编号", max_length=24, db_collation="C")
    head_name = models.CharField("户主", max_length=60)
    persons = models.SmallIntegerField("人数")
    new_household_id = models.BigIntegerField("迁入后家庭", null=True)
    new_household_no = models.CharField("迁入后家庭编号", max_length=24, db_collation="C", blank=True)
    moved_on = models.DateField("迁居日期")
    address = models.CharField("新住址", max_length=200)
    reason = models.CharField("原因", max_length=300)
    owed_fen = models.BigIntegerField("未抵扣的多发款（分）", default=0)  #: stays with the place that paid it
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.PROPOSED)
    proposed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField("提出时间")
    sent_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    sent_at = models.DateTimeField("移交时间", null=True)
    file_hash = models.CharField("档案校验值", max_length=64, blank=True)  #: SHA-256 over the parts, in order
    taken_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    taken_at = models.DateTimeField("核实时间", null=True)
    facts = models.JSONField("迁入地核实的事实", default=dict)  #: household facts as the new place found them
    taken_note = models.CharField("核实情况", max_length=500, blank=True)
    last_month = models.IntegerField("迁出地最后发放月", null=True)  #: yyyymm; set when it is done
    closed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    closed_at = models.DateTimeField("办结时间", null=True)
    why = models.CharField("退回或撤回理由", max_length=500, blank=True)
    outcome = models.CharField("迁入地结论", max_length=300, blank=True)

    class Meta:
        verbose_name = "迁移"
        constraints = [
            models.UniqueConstraint(
                "household", condition=Q(state__in=["proposed", "sent", "taken"]), name="monitoring_move_open_once"
            ),
            models.CheckConstraint(
                condition=Q(last_month__isnull=True) | month_check("last_month"), name="monitoring_move_month"
            ),
            models.CheckConstraint(condition=~Q(to_region=F("region")), name="monitoring_move_elsewhere"),
            models.CheckConstraint(
                condition=~Q(state="done") | (Q(last_month__isnull=False) & Q(new_household_id__isnull=False)),
                name="monitoring_move_done",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["refused", "withdrawn"]) | ~Q(why=""), name="monitoring_move_why"
            ),
        ]
        indexes = [
            models.Index("region", "id", name="monitoring_move_region"),
            models.Index("to_region", "id", name="monitoring_move_to"),
            models.Index("household", name="monitoring_move_family"),
        ]

    def __str__(self) -> str:
        return self.no


class TransferPart(models.Model):
    """One row: one paper of the file as it was when it was handed over, for the place it goes to. Append-only.

    The originals stay where they were made: they are that place's records and its answerability.
    """

    transfer = models.ForeignKey(Transfer, on_delete=models.PROTECT, related_name="parts")
    region = region_field()  #: of the place it goes to
    position = models.SmallIntegerField("次序")
    kind = models.CharField("种类", max_length=20)
    title = models.CharField("名称", max_length=200)
    on = models.DateField("日期", null=True)
    lines = models.JSONField("内容", default=list)  #: [label, value] pairs, masked where the law asks for it

    class Meta:
        verbose_name = "移交档案"
        constraints = [models.UniqueConstraint("transfer", "position", name="monitoring_part_once")]
        indexes = [models.Index("region", "id", name="monitoring_part_region")]
