"""Coded answers of this room, with their Chinese labels."""

from __future__ import annotations

from django.db import models


class Sex(models.TextChoices):
    """As in the identity number."""

    MALE = "M", "男"
    FEMALE = "F", "女"


class HukouKind(models.TextChoices):
    """Kind of household registration (户口性质)."""

    RURAL = "rural", "农业"
    URBAN = "urban", "非农业"
    RESIDENT = "resident", "居民"  # unified registration after 2014
    COLLECTIVE = "collective", "集体"


class AreaKind(models.TextChoices):
    """Which standard applies to a family."""

    URBAN = "urban", "城市"
    RURAL = "rural", "农村"


class Relation(models.TextChoices):
    """A member's relation to the head; the codes are those of the family file (`policies/cn/facts.yaml`)."""

    SELF = "self", "本人"
    SPOUSE = "spouse", "配偶"
    CHILD = "child", "子女"
    PARENT = "parent", "父母"
    SIBLING = "sibling", "兄弟姐妹"
    GRANDPARENT = "grandparent", "祖父母或外祖父母"
    GRANDCHILD = "grandchild", "孙子女或外孙子女"
    OTHER_KIN = "other_kin", "其他有法定义务的人"
    UNRELATED = "unrelated", "没有法定关系的人"
    UNSTATED = "unstated", "未注明"


class Programme(models.TextChoices):
    """What a roll entry entitles to; the codes are the folders of `policies/`."""

    DIBAO = "dibao", "最低生活保障"
    TEKUN = "tekun", "特困人员救助供养"
    EDGE = "edge", "低保边缘家庭"
    RIGID = "rigid_expense", "刚性支出困难家庭"
    CHILD = "child", "困境儿童基本生活保障"
    TEMPORARY = "temporary", "临时救助"


#: Programmes whose entitled unit is one person; all others entitle the household.
PERSON_PROGRAMMES = (Programme.TEKUN.value, Programme.CHILD.value)


#: Programmes granted once for a cause: paid what was granted in the months it was granted for, never computed anew.
ONCE_PROGRAMMES = (Programme.TEMPORARY.value,)


class RiskClass(models.TextChoices):
    """Why a person is looked in on before he asks (急难对象库)."""

    DISPERSED_TEKUN = "dispersed_tekun", "分散供养特困（五保）"
    THREE_NONE = "three_none", "三无人员"
    SEVERE_DISABILITY = "severe_disability", "重度残疾"
    SERIOUS_ILLNESS = "serious_illness", "大病患者"
    LIVING_ALONE = "living_alone", "独居、空巢老年人"
    CHILD_IN_NEED = "child_in_need", "困境、留守儿童"
    JOBLESS = "jobless", "失业无收入"
    DISASTER_HIT = "disaster_hit", "受灾家庭"
    OTHER = "other", "其他易陷入困难"


class CareForm(models.TextChoices):
    """Where a tekun person is cared for."""

    CENTRAL = "centralised", "集中供养"
    SCATTERED = "dispersed", "分散供养"


class SelfCare(models.TextChoices):
    """Self-care ability (six daily activities, 民发〔2016〕178号)."""

    ABLE = "able", "具备生活自理能力"
    PARTIAL = "partial_loss", "部分丧失生活自理能力"
    COMPLETE = "complete_loss", "完全丧失生活自理能力"


class LeaveReason(models.TextChoices):
    """Why a membership ended."""

    DEATH = "death", "死亡"
    MOVED = "moved", "迁出"
    MARRIED = "married", "婚嫁"
    SPLIT = "split", "分户"
    MERGED = "merged", "并户"
    CORRECTED = "corrected", "更正"
    OTHER = "other", "其他"


class ChangeKind(models.TextChoices):
    """What happened to a household."""

    FORMED = "formed", "立户"
    SPLIT = "split", "分户"
    MERGED = "merged", "并户"
    MOVED = "moved", "迁移"
    CLOSED = "closed", "销户"
    HEAD = "head", "变更户主"
