"""A proposal to change standards, its values, what others said of it, and what was adopted. No personal data."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from tuodi.standards.states import Body, ProposalState, Stance

__all__ = ["AdoptedRules", "AdoptedValue", "Opinion", "Proposal", "ProposalValue", "RulesDraft"]


def _user(label: str, *, null: bool = True) -> models.ForeignKey[object, object]:
    return models.ForeignKey("org.User", on_delete=models.PROTECT, null=null, related_name="+", verbose_name=label)


class Proposal(models.Model):
    """One row: values that a place proposes to set from one day on, and how far that has come."""

    no = models.CharField("方案号", max_length=40, db_collation="C", unique=True)
    place = models.CharField("范围", max_length=12, db_collation="C")  #: significant digits; values lie in it
    title = models.CharField("名称", max_length=120)
    effective_on = models.DateField("拟执行日")
    state = models.CharField("状态", max_length=10, choices=ProposalState.choices, default=ProposalState.DRAFT)
    round = models.SmallIntegerField("第几次征求意见", default=0)
    #: Place facts the floors are tested against (yuan as text), `consumption_prior_urban` and the like.
    basis = models.JSONField("测算依据", default=dict)
    basis_source = models.CharField("依据出处", max_length=200, blank=True)
    #: Rules to be adopted with the values or alone: YAML in the packs' language (`policy.amended`), its last version.
    rules_text = models.TextField("规则草案", blank=True)
    rules_version = models.SmallIntegerField("规则第几稿", default=0)  #: 0 = there never were any
    #: What the compiler and the examples say of the rules as they were at the last step: `rules.review_of`.
    rules_review = models.JSONField("规则检查", default=dict)
    #: The last simulation of it: `print` of what was simulated, `simulation`, `month`, `counts`, `amount_fen`, `back_fen`, `at`.
    simulated = models.JSONField("测算", default=dict)
    untried_note = models.CharField("未测算的说明", max_length=300, blank=True)
    #: Values and basis figures are invented, to show or to try: everything that comes of it is marked 假设.
    hypothetical = models.BooleanField("假设", default=False)
    #: Floor checks as they were at each step: step -> [{place, name, label, result, blocking}].
    checks = models.JSONField("底线检查", default=dict)
    unknown_note = models.CharField("未知项说明", max_length=300, blank=True)
    doc_no = models.CharField("文号", max_length=60, blank=True)
    doc_title = models.CharField("文件名", max_length=120, blank=True)
    created_at = models.DateTimeField("起草时间")
    created_by = _user("起草人", null=False)
    edited_by = _user("最后修改人", null=False)
    #: Numbers of all accounts that drafted or edited it, in order of their first hand. None of them approves.
    hands = models.JSONField("起草和修改人", default=list)
    consulted_at = models.DateTimeField("征求意见时间", null=True)
    approved_at = models.DateTimeField("批准时间", null=True)
    approved_by = _user("批准人")
    published_on = models.DateField("公布日", null=True)
    published_by = _user("公布登记人")
    in_force_at = models.DateTimeField("执行登记时间", null=True)
    withdrawn_at = models.DateTimeField("撤回时间", null=True)
    withdrawn_by = _user("撤回人")
    withdrawn_reason = models.CharField("撤回原因", max_length=200, blank=True)

    class Meta:
        verbose_name = "调标方案"
        constraints = [
            # Four eyes, whoever calls.
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True)
                | (~Q(approved_by=F("created_by")) & ~Q(approved_by=F("edited_by"))),
                name="standards_proposal_four_eyes",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[ProposalState.PUBLISHED, ProposalState.IN_FORCE])
                | (~Q(doc_no="") & Q(published_on__isnull=False) & Q(approved_by__isnull=False)),
                name="standards_proposal_published",
            ),
        ]
        indexes = [models.Index(fields=["place", "-id"], name="standards_proposal_place")]

    def __str__(self) -> str:
        return self.no


class ProposalValue(models.Model):
    """One row: one value of a proposal, as the document is to print it."""

    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE, related_name="values")
    place = models.CharField("适用地", max_length=12, db_collation="C")
    param = models.CharField("参数", max_length=80, db_collation="C")  #: full name, `dibao.standard`
    keys = models.JSONField("适用", default=list)  #: enum values in the parameter's order
    value = models.CharField("值", max_length=30)
    unit = models.CharField("单位", max_length=20, blank=True)  #: blank = the declared one
    locator = models.CharField("条款", max_length=40, blank=True)

    class Meta:
        verbose_name = "方案数值"
        constraints = [models.UniqueConstraint("proposal", "place", "param", "keys", name="standards_value_once")]


class RulesDraft(models.Model):
    """One row: a version of a proposal's rules as somebody saved it. Append-only, so that each hand can be read again."""

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="drafts")
    version = models.SmallIntegerField("第几稿")
    text = models.TextField("文本", blank=True)  #: empty = the rules were taken out
    digest = models.CharField("摘要", max_length=64, db_collation="C")  #: SHA-256 of the text
    saved_at = models.DateTimeField("保存时间")
    saved_by = _user("保存人", null=False)

    class Meta:
        verbose_name = "规则文稿"
        constraints = [models.UniqueConstraint("proposal", "version", name="standards_rulesdraft_once")]


class Opinion(models.Model):
    """One row: a body that was asked in one round, and its answer. An answer is never changed."""

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="opinions")
    round = models.SmallIntegerField("第几次")
    body = models.CharField("单位性质", max_length=16, choices=Body.choices)
    name = models.CharField("单位", max_length=80)
    place = models.CharField("辖区", max_length=12, db_collation="C")
    office = models.ForeignKey("org.Office", on_delete=models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField("征求时间")
    stance = models.CharField("意见", max_length=8, choices=Stance.choices, default=Stance.OPEN, blank=True)
    text = models.CharField("意见内容", max_length=1000, blank=True)
    letter_no = models.CharField("复函文号", max_length=60, blank=True)  #: a letter on paper, entered by the drafter
    answered_at = models.DateTimeField("答复时间", null=True)
    answered_by = _user("答复人")
    handling = models.CharField("采纳情况", max_length=1000, blank=True)
    handled_by = _user("处理人")

    class Meta:
        verbose_name = "征求意见"
        constraints = [
            models.UniqueConstraint("proposal", "round", "body", "place", "name", name="standards_opinion_once"),
            models.CheckConstraint(
                condition=Q(stance="") | Q(answered_at__isnull=False, answered_by__isnull=False),
                name="standards_opinion_answered",
            ),
        ]


class AdoptedValue(models.Model):
    """One row: a value in force from a day on by a published document. Append-only; a later document supersedes it."""

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="adopted")
    place = models.CharField("适用地", max_length=12, db_collation="C")
    param = models.CharField("参数", max_length=80, db_collation="C")
    keys = models.JSONField("适用", default=list)
    start = models.DateField("执行日")
    value = models.CharField("值", max_length=30)
    unit = models.CharField("单位", max_length=20, blank=True)
    locator = models.CharField("条款", max_length=40, blank=True)
    doc_no = models.CharField("文号", max_length=60)
    doc_title = models.CharField("文件名", max_length=120)
    issued_on = models.DateField("公布日")
    hypothetical = models.BooleanField("假设", default=False)
    adopted_at = models.DateTimeField("登记时间")

    class Meta:
        verbose_name = "已采用标准"
        indexes = [models.Index(fields=["param", "place"], name="standards_adopted_param")]


class AdoptedRules(models.Model):
    """One row: a text of rules in force from a day on by a published document. Append-only; a later text supersedes it rule by rule.

    The database takes it only as it was approved: the proposal published, by somebody without a hand in it, its own text and day.
    """

    proposal = models.OneToOneField(Proposal, on_delete=models.PROTECT, related_name="adopted_rules")
    place = models.CharField("范围", max_length=12, db_collation="C")
    start = models.DateField("执行日")
    text = models.TextField("文本")
    digest = models.CharField("摘要", max_length=64, db_collation="C")  #: SHA-256 of the text
    doc_no = models.CharField("文号", max_length=60)
    doc_title = models.CharField("文件名", max_length=120)
    issued_on = models.DateField("公布日")
    hypothetical = models.BooleanField("假设", default=False)
    adopted_at = models.DateTimeField("登记时间")

    class Meta:
        verbose_name = "已采用规则"
