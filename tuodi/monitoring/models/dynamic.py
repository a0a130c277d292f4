"""Keeping the roll right after the grant (动态管理): re-review, reported changes, job offers, deaths, classes."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from tuodi.org.rls import region_field
from tuodi.people.enums import Programme


class Grade(models.TextChoices):
    """Class of a unit for re-review ([220] art 33, [57] art 31); the interval of each is a value of the pack."""

    A = "A", "A类"
    B = "B", "B类"
    C = "C", "C类"


class ReviewPlan(models.Model):
    """One row: how often one unit on the roll is re-reviewed (定期核查), and when next."""

    class Basis(models.TextChoices):
        """Who said the class."""

        ROLL = "roll", "名册类别"
        RULE = "rule", "按规则"
        OFFICER = "officer", "经办认定"
        STRICTEST = "strictest", "类别待定，按最短间隔"

    region = region_field()
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, null=True, related_name="+")
    programme = models.CharField("项目", max_length=16, choices=Programme.choices)
    grade = models.CharField("类别", max_length=1, choices=Grade.choices, blank=True)  #: empty = not known, or a person
    basis = models.CharField("类别依据", max_length=10, choices=Basis.choices)
    reason = models.CharField("理由", max_length=300, blank=True)
    graded_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    months = models.SmallIntegerField("间隔（月）")
    clause = models.CharField("依据", max_length=60, blank=True)
    last_on = models.DateField("上次核查")  #: of the last review, else of the decision or the first month on the roll
    due_on = models.DateField("应核查日")  #: last day
    ended_on = models.DateField("结束", null=True)  #: left the roll; null = still reviewed

    class Meta:
        verbose_name = "核查计划"
        constraints = [
            models.UniqueConstraint(
                "household", "person", "programme", condition=Q(ended_on__isnull=True), nulls_distinct=False,
                name="monitoring_plan_once",
            ),
            models.CheckConstraint(condition=Q(months__gte=1, months__lte=12), name="monitoring_plan_months"),
        ]  # fmt: skip
        indexes = [
            models.Index("region", "id", name="monitoring_plan_region"),
            models.Index("due_on", "region", name="monitoring_plan_due"),
        ]


class PeriodicReview(models.Model):
    """One row: one re-review of one unit: due, given to somebody, looked at, closed with a result."""

    class State(models.TextChoices):
        """Moves are in `dynamic_states.REVIEW_MOVES`."""

        DUE = "due", "待核查"
        ASSIGNED = "assigned", "已派发"
        FOUND = "found", "已核查，待确认"
        DONE = "done", "已办结"
        DROPPED = "dropped", "已撤销"

    class Result(models.TextChoices):
        """What came of it."""

        KEEP = "keep", "不变"
        INCREASE = "increase", "增发"
        DECREASE = "decrease", "减发"
        GRACE = "grace", "渐退"
        STOP = "stop", "停发"

    plan = models.ForeignKey(ReviewPlan, on_delete=models.PROTECT, related_name="reviews")
    region = region_field()
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, null=True, related_name="+")
    programme = models.CharField("项目", max_length=16, choices=Programme.choices)
    grade = models.CharField("类别", max_length=1, choices=Grade.choices, blank=True)
    due_on = models.DateField("应核查日")
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.DUE)
    opened_at = models.DateTimeField("生成时间")
    assigned_to = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    assigned_at = models.DateTimeField("派发时间", null=True)
    visit = models.ForeignKey("verification.VisitTask", on_delete=models.PROTECT, null=True, related_name="+")
    check_request = models.ForeignKey(
        "verification.CheckRequest", on_delete=models.PROTECT, null=True, related_name="+"
    )
    fact_set = models.ForeignKey("verification.FactSet", on_delete=models.PROTECT, null=True, related_name="+")
    found = models.TextField("核查情况", blank=True)
    found_at = models.DateTimeField("核查时间", null=True)
    found_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    result = models.CharField("结果", max_length=10, choices=Result.choices, blank=True)
    reasons = models.TextField("理由", blank=True)
    determination = models.ForeignKey(
        "decisions.Determination", on_delete=models.PROTECT, null=True, related_name="+"
    )  #: null = unchanged: no new amount without a clear change ([57] art 31)
    done_at = models.DateTimeField("办结时间", null=True)
    done_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "定期核查"
        constraints = [
            models.UniqueConstraint(
                "plan", condition=Q(state__in=["due", "assigned", "found"]), name="monitoring_review_open_once"
            ),
            models.CheckConstraint(
                condition=~Q(state="done") | (~Q(result="") & Q(done_at__isnull=False) & ~Q(reasons="")),
                name="monitoring_review_done",
            ),
            models.CheckConstraint(
                condition=~Q(state="done") | ~Q(done_by=F("found_by")), name="monitoring_review_hands"
            ),
        ]
        indexes = [
            models.Index("region", "id", name="monitoring_review_region"),
            models.Index("state", "due_on", "id", name="monitoring_review_due"),
            models.Index("household", name="monitoring_review_family"),
        ]


class ChangeReport(models.Model):
    """One row: a change of a family's circumstances that it told ([57] art 30), or that somebody found.

    Written by the counter (`by_officer`) or by the resident's phone (`source = online`, no officer). It changes nothing by
    itself: an officer checks it, the confirming level decides.
    """

    class Kind(models.TextChoices):
        """What has changed."""

        INCOME = "income", "收入"
        ASSETS = "assets", "财产"
        BORN = "born", "出生"
        DIED = "died", "死亡"
        JOINED = "joined", "成员加入"
        LEFT = "left", "成员离开"
        ADDRESS = "address", "住址"
        ACCOUNT = "account", "账户"
        OTHER = "other", "其他"

    class Source(models.TextChoices):
        """Who told."""

        COUNTER = "counter", "窗口申报"
        ONLINE = "online", "手机申报"
        FOUND = "found", "工作中发现"
        VILLAGE = "village", "村（社区）报告"

    class State(models.TextChoices):
        """Moves are in `dynamic_states.REPORT_MOVES`."""

        REPORTED = "reported", "已报告"
        CHECKED = "checked", "已核实"
        DECIDED = "decided", "已调整"
        NO_EFFECT = "no_effect", "不影响待遇"
        WITHDRAWN = "withdrawn", "已撤回"

    region = region_field()
    no = models.CharField("编号", max_length=40, db_collation="C", unique=True)
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(
        "people.Person", on_delete=models.PROTECT, null=True, related_name="+"
    )  #: whom it is about
    kind = models.CharField("变化", max_length=8, choices=Kind.choices)
    source = models.CharField("来源", max_length=8, choices=Source.choices)
    happened_on = models.DateField("发生日期")
    reported_on = models.DateField("报告日期")
    text = models.CharField("说明", max_length=500)
    income_year_fen = models.BigIntegerField("现家庭年收入（分）", null=True)  #: as told; null = not about income
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.REPORTED)
    late = models.BooleanField("超期报告", default=False)  #: beyond the months the place allows
    admonished_on = models.DateField("批评教育", null=True)
    admonished_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    by_officer = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")  #: null = phone
    checked = models.CharField("核实情况", max_length=500, blank=True)
    checked_at = models.DateTimeField("核实时间", null=True)
    checked_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    fact_set = models.ForeignKey("verification.FactSet", on_delete=models.PROTECT, null=True, related_name="+")
    determination = models.ForeignKey("decisions.Determination", on_delete=models.PROTECT, null=True, related_name="+")
    answer = models.CharField("答复", max_length=500, blank=True)
    closed_at = models.DateTimeField("办结时间", null=True)
    closed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "变化报告"
        constraints = [
            models.CheckConstraint(condition=Q(reported_on__gte=F("happened_on")), name="monitoring_report_days"),
            models.CheckConstraint(
                condition=~Q(state="decided") | Q(determination__isnull=False), name="monitoring_report_decided"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["decided", "no_effect", "withdrawn"]) | Q(closed_at__isnull=False),
                name="monitoring_report_closed",
            ),
        ]
        indexes = [
            models.Index("region", "id", name="monitoring_report_region"),
            models.Index("state", "reported_on", name="monitoring_report_queue"),
            models.Index("household", name="monitoring_report_family"),
        ]


class JobOffer(models.Model):
    """One row: one job offered to one member of a dibao family by the employment department, and the answer (M46)."""

    class Answer(models.TextChoices):
        """What the person said."""

        OPEN = "open", "待答复"
        ACCEPTED = "accepted", "接受"
        REFUSED = "refused", "拒绝"

    class Reason(models.TextChoices):
        """Whether a refusal had good reason: a person's judgement."""

        UNJUDGED = "", "—"
        GOOD = "good", "有正当理由"
        BAD = "bad", "无正当理由"

    region = region_field()
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    office = models.CharField("介绍部门", max_length=80)
    offered_on = models.DateField("介绍日期")
    job = models.CharField("岗位", max_length=200)
    suitable = models.CharField("与健康状况和劳动能力相适应", max_length=200)  #: why it fits ([57] art 34)
    answer = models.CharField("答复", max_length=8, choices=Answer.choices, default=Answer.OPEN)
    answered_on = models.DateField("答复日期", null=True)
    said = models.CharField("本人说明", max_length=300, blank=True)
    reason = models.CharField("理由认定", max_length=4, choices=Reason.choices, blank=True, default="")
    judged_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    streak = models.SmallIntegerField("连续次数", default=0)  #: unreasonable refusals in a row, this one included
    entered_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    entered_at = models.DateTimeField("登记时间")

    class Meta:
        verbose_name = "介绍工作"
        constraints = [
            models.CheckConstraint(
                condition=Q(answered_on__isnull=True) | Q(answered_on__gte=F("offered_on")), name="monitoring_job_days"
            ),
            models.CheckConstraint(condition=Q(reason="") | Q(answer="refused"), name="monitoring_job_reason"),
        ]
        indexes = [
            models.Index("region", "id", name="monitoring_job_region"),
            models.Index("person", "offered_on", name="monitoring_job_person"),
        ]


class RefusalProposal(models.Model):
    """One row: after the last of so many unreasonable refusals: take away from that person's own share, how much (649 art 45).

    Nothing happens by itself: the confirming level decides it on the frozen facts, or drops it.
    """

    class State(models.TextChoices):
        """Where it stands."""

        PROPOSED = "proposed", "拟减发，待确认"
        CONFIRMED = "confirmed", "已减发"
        DROPPED = "dropped", "不予减发"

    region = region_field()
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    offer = models.OneToOneField(JobOffer, on_delete=models.PROTECT, related_name="proposal")  #: the last refusal
    refusals = models.SmallIntegerField("次数")
    full_fen = models.BigIntegerField("减发前（分）")
    share_fen = models.BigIntegerField("本人份额（分）")
    cut_fen = models.BigIntegerField("拟减发（分）")
    fact_set = models.ForeignKey("verification.FactSet", on_delete=models.PROTECT, related_name="+")
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.PROPOSED)
    proposed_at = models.DateTimeField("提出时间")
    proposed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField("决定时间", null=True)
    decided_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    why = models.CharField("理由", max_length=500, blank=True)
    determination = models.ForeignKey("decisions.Determination", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "拒绝就业减发"
        constraints = [
            models.CheckConstraint(
                condition=Q(cut_fen__gt=0) & Q(cut_fen__lte=F("share_fen")), name="monitoring_refusal_own_share"
            ),
            models.UniqueConstraint("person", condition=Q(state="proposed"), name="monitoring_refusal_once"),
        ]
        indexes = [models.Index("region", "id", name="monitoring_refusal_region")]


class DeathMatter(models.Model):
    """One row: the death of a member of a unit on the roll, to be settled within the months of the place ([2022] 一(三))."""

    class Source(models.TextChoices):
        """Where it was learnt."""

        FAMILY = "family", "家庭报告"
        VILLAGE = "village", "村（社区）报告"
        REGISTER = "register", "登记信息比对"
        CLUE = "clue", "线索"

    class State(models.TextChoices):
        """Where it stands."""

        OPEN = "open", "待办理"
        PROPOSED = "proposed", "已重新核算，待确认"
        SETTLED = "settled", "已办结"

    region = region_field()
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")  #: who died
    programme = models.CharField("项目", max_length=16, choices=Programme.choices)
    died_on = models.DateField("死亡日期")
    source = models.CharField("来源", max_length=8, choices=Source.choices)
    clue_no = models.CharField("线索号", max_length=40, db_collation="C", blank=True)
    due_on = models.DateField("办结期限")
    last_member = models.BooleanField("没有其他成员", default=False)
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.OPEN)
    entered_at = models.DateTimeField("登记时间")
    entered_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    fact_set = models.ForeignKey("verification.FactSet", on_delete=models.PROTECT, null=True, related_name="+")
    over_fen = models.BigIntegerField(
        "多发（分）", null=True
    )  #: paid after the month of death less due; null = not computed
    over_text = models.CharField("多发算式", max_length=400, blank=True)
    determination = models.ForeignKey("decisions.Determination", on_delete=models.PROTECT, null=True, related_name="+")
    settled_at = models.DateTimeField("办结时间", null=True)
    settled_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "死亡减员"
        constraints = [
            models.UniqueConstraint("person", "programme", name="monitoring_death_once"),
            models.CheckConstraint(
                condition=~Q(state="settled") | Q(settled_at__isnull=False), name="monitoring_death_settled"
            ),
        ]
        indexes = [
            models.Index("region", "id", name="monitoring_death_region"),
            models.Index("state", "due_on", name="monitoring_death_due"),
        ]


class HouseholdClass(models.Model):
    """One row: class (五类) and layer (三层) of one household for a period (M10). One at a time, held by the database."""

    class Kind(models.TextChoices):
        """Five classes ([S3] 五类)."""

        DIBAO = "dibao", "低保类"
        TEKUN = "tekun", "特困类"
        LOW = "low_income", "低收入类"
        EXPENSE = "expense", "支出类"
        EMERGENCY = "emergency", "急难类"

    class Layer(models.TextChoices):
        """Three layers ([S3] 三层)."""

        CORE = "core", "重点保障层"
        EDGE = "edge", "边缘延伸层"
        GENERAL = "general", "普惠帮扶层"

    class State(models.TextChoices):
        """Moves are in `dynamic_states.CLASS_MOVES`."""

        PROPOSED = "proposed", "拟定"
        CONFIRMED = "confirmed", "已确认"
        CHANGED = "changed", "已变更"
        ENDED = "ended", "已结束"

    region = region_field()
    household = models.ForeignKey("people.Household", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField("类", max_length=12, choices=Kind.choices)
    layer = models.CharField("层", max_length=8, choices=Layer.choices)
    basis = models.CharField("依据", max_length=200)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.PROPOSED)
    valid_from = models.DateField("起")
    valid_to = models.DateField("止", null=True)  #: the first day after; null = still so
    proposed_at = models.DateTimeField("拟定时间")
    confirmed_at = models.DateTimeField("确认时间", null=True)
    confirmed_by = models.ForeignKey("org.User", on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.CharField("理由", max_length=300, blank=True)

    class Meta:
        verbose_name = "五类三层"
        constraints = [
            models.UniqueConstraint("household", condition=Q(state="confirmed"), name="monitoring_class_one_layer"),
            models.UniqueConstraint("household", condition=Q(state="proposed"), name="monitoring_class_one_proposal"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")), name="monitoring_class_period"
            ),
        ]
        indexes = [
            models.Index("region", "id", name="monitoring_class_region"),
            models.Index("state", "layer", "kind", name="monitoring_class_count"),
        ]
