"""Democratic review (民主评议, [220] art 21-24): the meeting, who was there, how they voted."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from tuodi.org.rls import region_field


class ReviewMeeting(models.Model):
    """One row: one meeting about one case. Frozen once concluded (a trigger holds it)."""

    class State(models.TextChoices):
        """Where it stands; moves are in `states.REVIEW_MOVES`."""

        CALLED = "called", "已通知"
        HELD = "held", "已召开"
        CONCLUDED = "concluded", "评议通过"
        DISPUTED = "disputed", "争议较大"

    region = region_field()
    no = models.CharField("评议号", max_length=40, db_collation="C", unique=True)
    case = models.ForeignKey("cases.Case", on_delete=models.PROTECT, related_name="+")
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    step_round = models.SmallIntegerField("轮次", default=1)  #: of the case's meeting step
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.CALLED)
    called_at = models.DateTimeField("通知时间")
    called_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    planned_on = models.DateField("定于")
    place = models.CharField("地点", max_length=100)
    held_on = models.DateField("召开日期", null=True)
    chair = models.CharField("主持人", max_length=40, blank=True)
    minutes_taker = models.CharField("记录人", max_length=40, blank=True)
    minutes = models.TextField("评议记录", blank=True)
    attendees = models.SmallIntegerField("参加人数", default=0)
    residents = models.SmallIntegerField("居民代表人数", default=0)
    votes_for = models.SmallIntegerField("同意", default=0)
    votes_against = models.SmallIntegerField("不同意", default=0)
    abstained = models.SmallIntegerField("弃权", default=0)
    opinion = models.TextField("评议意见", blank=True)
    evidence_hash = models.CharField("证据校验值", max_length=64, blank=True)  #: empty until concluded
    concluded_at = models.DateTimeField("结论时间", null=True)
    concluded_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "民主评议"
        constraints = [
            models.UniqueConstraint("case", "step_round", name="verification_review_once"),
            models.CheckConstraint(
                condition=Q(state="called") | Q(attendees=F("votes_for") + F("votes_against") + F("abstained")),
                name="verification_review_votes",
            ),
            models.CheckConstraint(condition=Q(residents__lte=F("attendees")), name="verification_review_residents"),
        ]
        indexes = [
            models.Index("region", "id", name="verification_review_region"),
            models.Index("region", "state", "planned_on", name="verification_review_queue"),
        ]

    def __str__(self) -> str:
        return self.no


class ReviewAttendee(models.Model):
    """One row: one person who took part in a meeting, and his vote. Append-only."""

    class Role(models.TextChoices):
        """In what capacity."""

        RESIDENT = "resident", "村（居）民代表"
        TOWN = "town", "乡镇（街道）工作人员"
        COMMITTEE = "committee", "村（居）党组织和委员会成员"
        PARTY = "party", "党员代表"

    class Vote(models.TextChoices):
        """How he voted."""

        FOR = "for", "同意"
        AGAINST = "against", "不同意"
        ABSTAINED = "abstained", "弃权"

    meeting = models.ForeignKey(ReviewMeeting, on_delete=models.PROTECT, related_name="people")
    region = region_field()
    position = models.SmallIntegerField("次序")
    name = models.CharField("姓名", max_length=40)
    role = models.CharField("身份", max_length=10, choices=Role.choices)
    vote = models.CharField("表决", max_length=10, choices=Vote.choices)
    user = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")  #: null = no account

    class Meta:
        verbose_name = "评议参加人"
        constraints = [
            models.UniqueConstraint("meeting", "position", name="verification_attendee_place"),
            models.UniqueConstraint("meeting", "name", "role", name="verification_attendee_once"),
        ]
        indexes = [models.Index("region", "id", name="verification_attend_region")]

    def __str__(self) -> str:
        return f"{self.meeting_id}/{self.position}"
