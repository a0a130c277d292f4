"""Public notices, the board they are read on, and the objections to them."""

from __future__ import annotations

import secrets

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from tuodi.cases.models.case import Case, Step
from tuodi.org.rls import region_field


def new_token() -> str:
    """A key nobody can guess: 144 bits, in signs an address takes."""
    return secrets.token_urlsafe(18)


class NoticeBoard(models.Model):
    """One row: the public board of one village, read by its key without signing in. Holds no personal data, so no region policy."""

    place_code = models.CharField(
        "地区", max_length=12, db_collation="C", unique=True
    )  #: 12 characters, as a row's region
    token = models.CharField("公示栏钥匙", max_length=40, db_collation="C", unique=True, default=new_token)
    opened_at = models.DateTimeField("启用时间")

    class Meta:
        verbose_name = "公示栏"

    def __str__(self) -> str:
        return self.place_code


class Notice(models.Model):
    """One row: one posting of one notice. What it shows is frozen when it is posted."""

    class Result(models.TextChoices):
        """How it ended."""

        RUNNING = "", "公示中"
        CLEAR = "clear", "无异议"
        OBJECTED = "objected", "有异议"

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="notices")
    step = models.OneToOneField(Step, on_delete=models.PROTECT, related_name="notice")
    region = region_field()
    no = models.CharField("公示号", max_length=40, db_collation="C", unique=True)
    stage = models.CharField("阶段", max_length=10)
    posted_on = models.DateField("张贴日期")
    days = models.SmallIntegerField("天数")  #: calendar days; 0 = standing publication
    last_day = models.DateField("截止日", null=True)  #: inclusive; null = standing, or 待定 (roll into an unknown year)
    last_day_pending = models.BooleanField("截止日待定", default=False)
    roll = models.BooleanField("遇休息日顺延", default=False)
    where = ArrayField(models.CharField(max_length=60), verbose_name="张贴地点", default=list)
    content = models.JSONField("公示内容")  #: only what the procedure allows; checked by the action
    posted_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    result = models.CharField("结果", max_length=8, choices=Result.choices, blank=True, default="")
    closed_at = models.DateTimeField("结束时间", null=True)
    closed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    #: First day on which it is no longer read in public; null = it may still hang (`noticeboard.visible` decides).
    taken_down_on = models.DateField("撤下日期", null=True)

    class Meta:
        verbose_name = "公示"
        constraints = [
            models.CheckConstraint(
                condition=Q(last_day__isnull=True) | Q(last_day__gte=F("posted_on")), name="cases_notice_days"
            )
        ]
        indexes = [models.Index("region", "result", "last_day", name="cases_notice_region")]

    def __str__(self) -> str:
        return self.no


class NoticeObjection(models.Model):
    """One row: one objection to a notice. The objector's name is never shown to the family.

    What comes in by the public board is `new` until an officer takes it up or dismisses it with a reason: only one that
    was taken up reopens the work, so that nobody can hold a family's case up by pressing a button.
    """

    class Channel(models.TextChoices):
        """How it came in."""

        COUNTER = "counter", "窗口、电话或来信"
        BOARD = "board", "公示栏"
        RESIDENT = "resident", "我的救助"

    class State(models.TextChoices):
        """Where it stands."""

        NEW = "new", "待受理"
        TAKEN = "taken", "已受理"
        DISMISSED = "dismissed", "不予受理"
        ANSWERED = "answered", "已答复"

    notice = models.ForeignKey(Notice, on_delete=models.PROTECT, related_name="objections")
    region = region_field()
    received_on = models.DateField("收到日期")
    channel = models.CharField("来源", max_length=10, choices=Channel.choices, default=Channel.COUNTER)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.TAKEN)
    from_name = models.CharField("提出人", max_length=60, blank=True)  #: empty = anonymous
    text = models.TextField("内容")
    #: Key by which who objected reads the answer without signing in; given for objections from outside.
    code = models.CharField("查询码", max_length=40, db_collation="C", unique=True, null=True)
    #: Null = from outside: by the village's public board, or by a resident signed in on his phone (`account`).
    received_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    account = models.ForeignKey("people.ResidentAccount", on_delete=models.PROTECT, null=True, related_name="+")
    client_key = models.UUIDField("提交键", null=True, unique=True)  #: of the form: sent twice, one objection
    reply_due_on = models.DateField("处理期限", null=True)
    reply_due_pending = models.BooleanField("处理期限待定", default=False)
    upheld = models.BooleanField("异议成立", null=True)  #: null = not answered
    answer = models.TextField("答复", blank=True)  #: told to who objected; for a dismissed one the reason
    answered_at = models.DateTimeField("答复时间", null=True)
    answered_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "公示异议"
        constraints = [
            models.CheckConstraint(
                condition=~Q(state__in=("answered", "dismissed")) | (~Q(answer="") & Q(answered_at__isnull=False)),
                name="cases_objection_answered",
            )
        ]
        indexes = [
            models.Index("region", "id", name="cases_objection_region"),
            models.Index("state", "region", name="cases_objection_state"),
        ]

    def __str__(self) -> str:
        return f"{self.notice_id}:{self.pk}"
