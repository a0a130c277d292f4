"""Who was cut off is looked after (软着陆): a watch over each family, and the aid it was given instead."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from tuodi.org.rls import region_field


class WatchEntry(models.Model):
    """One row: one family that lost its assistance over a clue, watched for a time (密切关注、主动救助)."""

    class State(models.TextChoices):
        """Where the watch stands."""

        WATCHED = "watched", "关注中"
        AIDED = "aided", "已救助"
        ENDED = "ended", "结束"

    region = region_field()
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    programme = models.CharField("原项目", max_length=16)
    clue = models.ForeignKey("monitoring.Clue", on_delete=models.PROTECT, null=True, related_name="+")
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.WATCHED)
    since = models.DateField("起")
    watch_until = models.DateField("关注至")  #: last day
    next_look_on = models.DateField("下次走访")  #: a look is overdue after this day; moves on with every look
    looks = models.SmallIntegerField("走访次数", default=0)
    readmitted = models.BooleanField("重新纳入", default=False)
    ended_at = models.DateTimeField("结束时间", null=True)
    ended_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    end_reason = models.CharField("结束原因", max_length=200, blank=True)

    class Meta:
        verbose_name = "软着陆关注"
        constraints = [
            models.UniqueConstraint(
                "household", "programme", condition=~Q(state="ended"), name="monitoring_watch_once"
            ),
            models.CheckConstraint(condition=Q(watch_until__gte=F("since")), name="monitoring_watch_life"),
            models.CheckConstraint(
                condition=~Q(state="ended") | Q(ended_at__isnull=False), name="monitoring_watch_ended"
            ),
        ]
        indexes = [
            models.Index("region", "id", name="monitoring_watch_region"),
            models.Index("state", "next_look_on", name="monitoring_watch_due"),
            models.Index("household", name="monitoring_watch_family"),
        ]


class WatchAid(models.Model):
    """One row: one look at a watched family, with the aid it led to. Append-only, held by the database."""

    class Kind(models.TextChoices):
        """What was done."""

        LOOK = "look", "走访"
        MEDICAL = "medical", "医疗救助"
        TEMPORARY = "temporary", "临时救助"
        EDUCATION = "education", "教育救助"
        HOUSING = "housing", "住房救助"
        EMPLOYMENT = "employment", "就业救助"
        CHARITY = "charity", "慈善帮扶"
        READMITTED = "readmitted", "重新纳入"

    watch = models.ForeignKey(WatchEntry, on_delete=models.PROTECT, related_name="aids")
    region = region_field()
    kind = models.CharField("帮扶", max_length=12, choices=Kind.choices)
    on = models.DateField("日期")
    amount_fen = models.BigIntegerField("金额（分）", null=True)  #: null = no money, or not known
    text = models.CharField("情况", max_length=300)
    added_at = models.DateTimeField("登记时间")
    added_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "后续帮扶"
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_fen__isnull=True) | Q(amount_fen__gte=0), name="monitoring_aid_amount"
            )
        ]
        indexes = [
            models.Index("region", "id", name="monitoring_aid_region"),
            models.Index("watch", name="monitoring_aid_watch"),
        ]
