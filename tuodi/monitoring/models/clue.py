"""The clue ledger (线索台账): a clue is evidence, never a verdict. From generation to close-out (销号)."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from tuodi.org.rls import region_field


class Clue(models.Model):
    """One row: one person, one rule, one fact, whatever the months."""

    class State(models.TextChoices):
        """Where it stands; the moves are in `monitoring.states`."""

        GENERATED = "generated", "生成"
        ASSIGNED = "assigned", "派发"
        VERIFYING = "verifying", "核实中"
        UNDETERMINED = "undetermined", "延期核实"
        CONFIRMED = "confirmed", "查实"
        SUSPENDED = "suspended", "停保"
        HANDLED = "handled", "处理"
        RECTIFIED = "rectified", "整改到位"
        CLOSED = "closed", "销号"

    class Severity(models.TextChoices):
        """How it is treated when confirmed."""

        RED = "R", "红色"  # suspend
        ORANGE = "O", "橙色"  # recompute
        YELLOW = "Y", "黄色"  # check and note

    class Verdict(models.TextChoices):
        """What came out; empty = open. `confirmed + refuted + open = total`."""

        OPEN = "", "未结"
        CONFIRMED = "confirmed", "查实"
        REFUTED = "refuted", "查否"

    class Action(models.TextChoices):
        """What was done about a confirmed clue."""

        STOP = "stop", "停发"
        DECREASE = "decrease", "减发"
        RECOVER = "recover", "追回"
        REFER = "refer", "移送纪检监察"
        KEEP = "keep", "说明后保留"
        RECOMPUTE = "recompute", "重新核算"
        FILE = "file", "备案"

    region = region_field()  #: of the family
    no = models.CharField("线索号", max_length=40, db_collation="C", unique=True)  #: XS-420802-2017-00001
    run = models.ForeignKey("monitoring.SweepRun", on_delete=models.PROTECT, null=True, related_name="clues")
    hit = models.ForeignKey("monitoring.Hit", on_delete=models.PROTECT, null=True, related_name="+")
    source = models.CharField("来源", max_length=30, db_collation="C")  #: register kind, or review, report, payment …
    batch = models.ForeignKey("verification.RegisterBatch", on_delete=models.PROTECT, null=True, related_name="+")
    rule_code = models.CharField("规则", max_length=40, db_collation="C")
    rule_text = models.JSONField("规则内容", default=dict)  #: label, clause, version, formula as they were
    severity = models.CharField("级别", max_length=1, choices=Severity.choices)
    programme = models.CharField("项目", max_length=16)
    category = models.CharField("城乡", max_length=8, blank=True)
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    fact_key = models.CharField("事项", max_length=64, db_collation="C")
    fact_hash = models.CharField("事项内容", max_length=64, db_collation="C")
    registered = models.JSONField("登记内容", default=dict)  #: what the register says, as printed
    stated = models.JSONField("家庭陈述", default=dict)  #: what the family declared or said; field -> text
    found_on = models.DateField("发现日期")
    monthly_fen = models.BigIntegerField("月金额（分）", null=True)  #: what the family draws a month
    state = models.CharField("状态", max_length=12, choices=State.choices, default=State.GENERATED)
    verdict = models.CharField("结论", max_length=10, choices=Verdict.choices, blank=True, default="")
    required = ArrayField(models.CharField(max_length=40), verbose_name="应有证据", default=list)
    outcomes = ArrayField(models.CharField(max_length=12), verbose_name="可选处理", default=list)
    default_action = models.CharField("默认处理", max_length=12, blank=True)
    #: on confirmation: suspend, recompute or note; by severity unless the region says otherwise (荆门: suspend)
    on_confirmed = models.CharField("查实后", max_length=12, blank=True)

    office = models.ForeignKey("org.Office", on_delete=models.PROTECT, null=True, related_name="+")
    responsible = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    assigned_at = models.DateTimeField("派发时间", null=True)
    assigned_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    deadline = models.DateField("整改期限", null=True)
    deadline_pending = models.BooleanField("期限待定", default=False)  #: year without an official calendar
    deadline_note = models.CharField("期限说明", max_length=200, blank=True)
    extended = models.BooleanField("已延期", default=False)  #: undetermined once, with a reason
    extend_reason = models.CharField("延期理由", max_length=300, blank=True)

    #: What the responsible person proposes; empty = nothing yet. The verdict is somebody else's.
    proposed = models.CharField("建议结论", max_length=10, choices=Verdict.choices, blank=True, default="")
    proposed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    proposed_at = models.DateTimeField("建议时间", null=True)
    conclusion = models.TextField("核实结论", blank=True)
    refuted_why = models.CharField("查否原因", max_length=40, blank=True)  #: sold, namesake, stale, exempt, declared …
    verdict_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    verdict_at = models.DateTimeField("结论时间", null=True)
    suspension_id = models.BigIntegerField("停保记录", null=True)  #: of the room decisions
    notice_no = models.CharField("告知书号", max_length=40, blank=True)
    action = models.CharField("处理", max_length=12, choices=Action.choices, blank=True)
    action_text = models.TextField("处理说明", blank=True)
    determination_id = models.BigIntegerField(
        "决定", null=True
    )  #: of the room decisions, for stop, decrease, recompute
    to_recover_fen = models.BigIntegerField("应追回（分）", null=True)  #: null = not worked out
    recovery = models.JSONField("追回计算", default=dict)  #: the arithmetic that was accepted: months, paid, due
    recovered_fen = models.BigIntegerField("已追回（分）", default=0)
    handled_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    handled_at = models.DateTimeField("处理时间", null=True)
    checked_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    checked_at = models.DateTimeField("复查时间", null=True)
    closed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    closed_at = models.DateTimeField("销号时间", null=True)
    reopened = models.SmallIntegerField("重开次数", default=0)
    follow_up = models.CharField("后续帮扶", max_length=200, blank=True)

    #: Early warning (M30): who was told, when read, how far it climbed.
    level = models.CharField("督办层级", max_length=6, default="COUN")  #: COUN, PREF, PROV
    pushed_at = models.DateTimeField("推送时间", null=True)
    read_at = models.DateTimeField("签收时间", null=True)
    read_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "线索"
        constraints = [
            models.UniqueConstraint("person", "rule_code", "fact_hash", name="monitoring_clue_once"),
            models.CheckConstraint(
                condition=Q(closed_by__isnull=True) | Q(handled_by__isnull=True) | ~Q(closed_by=F("handled_by")),
                name="monitoring_clue_other_closer",
            ),
            models.CheckConstraint(
                condition=Q(checked_by__isnull=True) | Q(handled_by__isnull=True) | ~Q(checked_by=F("handled_by")),
                name="monitoring_clue_other_checker",
            ),
            models.CheckConstraint(
                condition=~Q(state="closed") | ~Q(verdict=""), name="monitoring_clue_closed_answered"
            ),
            models.CheckConstraint(
                condition=Q(verdict_by__isnull=True)
                | Q(proposed_by__isnull=True)
                | Q(verdict="")
                | ~Q(verdict_by=F("proposed_by")),
                name="monitoring_clue_other_decider",
            ),
            models.CheckConstraint(condition=Q(recovered_fen__gte=0), name="monitoring_clue_recovered"),
        ]
        indexes = [
            models.Index("region", "id", name="monitoring_clue_region"),
            models.Index("region", "state", "deadline", name="monitoring_clue_queue"),
            models.Index("responsible", "state", name="monitoring_clue_mine"),
            models.Index("run", name="monitoring_clue_run"),
            models.Index("household", name="monitoring_clue_family"),
            models.Index("rule_code", "region", name="monitoring_clue_rule"),
        ]

    def __str__(self) -> str:
        return self.no


class ClueEvidence(models.Model):
    """One row: one piece of evidence for or against a clue."""

    clue = models.ForeignKey(Clue, on_delete=models.PROTECT, related_name="evidence")
    region = region_field()
    kind = models.CharField("证据", max_length=40)  #: as `Clue.required` names them
    title = models.CharField("名称", max_length=100)
    text = models.TextField("内容", blank=True)
    file = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, null=True, related_name="+")
    visit_id = models.BigIntegerField("入户记录", null=True)  #: of the room verification
    added_at = models.DateTimeField("时间")
    added_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "线索证据"
        indexes = [
            models.Index("region", "id", name="monitoring_evid_region"),
            models.Index("clue", name="monitoring_evid_clue"),
        ]


class ClueEvent(models.Model):
    """One row: one thing done to a clue. Append-only, held by the database."""

    clue = models.ForeignKey(Clue, on_delete=models.PROTECT, related_name="events")
    region = region_field()
    at = models.DateTimeField("时间")
    by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")  #: null = the system
    kind = models.CharField("事项", max_length=20)
    before = models.CharField("原状态", max_length=12, blank=True)
    after = models.CharField("新状态", max_length=12)
    note = models.TextField("说明", blank=True)

    class Meta:
        verbose_name = "线索经过"
        indexes = [
            models.Index("region", "id", name="monitoring_event_region"),
            models.Index("clue", "id", name="monitoring_event_clue"),
        ]
