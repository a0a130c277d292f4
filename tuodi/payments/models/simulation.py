"""A what-if: one or two drafts computed on the frozen roll of a run."""

from __future__ import annotations

from django.db import models

from tuodi.org.rls import region_field

__all__ = ["Simulation"]


class Simulation(models.Model):
    """One row: a calculation asked for. Figures stand in `summary`, the units that change in an encrypted file."""

    class State(models.TextChoices):
        """How far it is."""

        QUEUED = "queued", "排队"
        RUNNING = "running", "测算中"
        DONE = "done", "完成"
        FAILED = "failed", "未完成"

    region = region_field()
    place = models.CharField("范围", max_length=12, db_collation="C")
    run = models.ForeignKey("payments.PayRun", on_delete=models.PROTECT, related_name="+", verbose_name="花名册快照")
    month = models.IntegerField("测算月份")  #: yyyymm; not before the run's, and every draft is in force in it
    #: What was computed, as it was then: [{mark, proposal, no, title, effective_on, values, rules_text, hypothetical}].
    drafts = models.JSONField("方案")
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.QUEUED)
    progress = models.JSONField("进度", default=dict)  #: label, done, total
    problem = models.CharField("问题", max_length=500, blank=True)
    #: Sides by mark (now, a, b): figures of `simulate.Side`; months left in the year; who could come in but was not decided.
    summary = models.JSONField("结果", default=dict)
    changed = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField("提出时间")
    asked_by = models.ForeignKey("org.User", on_delete=models.PROTECT, related_name="+")
    done_at = models.DateTimeField("完成时间", null=True)
    seconds = models.FloatField("用时", null=True)  #: of the calculation, without reading the files

    class Meta:
        verbose_name = "提标测算"
        indexes = [models.Index(fields=["region", "-id"], name="payments_simulation_region")]
