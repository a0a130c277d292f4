"""Why a clue turns out to be nothing, and what shows it. Only somebody who asks, looks or visits can know."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

__all__ = ["FALSE", "TRUE_TEXT", "Reason", "pick"]


class Reason(NamedTuple):
    """One reason: its code, its weight, what the officer writes, what the evidence is called.

    ``tunable``: a later register or a sharper rule could have told it without a visit.
    """

    code: str
    weight: int
    text: str
    evidence: str
    tunable: bool


FALSE: dict[str, tuple[Reason, ...]] = {
    "vehicle": (
        Reason("sold", 46, "车辆已卖出，没有过户", "转让协议和买方证明", False),
        Reason("stale", 24, "数据日之后已报废或注销", "机动车注销证明", True),
        Reason("name_lent", 14, "亲属借名登记，本人不使用也没有出资", "出资和保险缴费凭证", False),
        Reason("exempt", 10, "残疾成员代步用车，登记类型未改", "残疾人证和车辆照片", True),
        Reason("namesake", 6, "登记时证件号码录错，不是本人", "交警支队书面答复", False),
    ),
    "estate": (
        Reason("demolished", 30, "旧房已拆迁，登记尚未注销", "拆迁补偿协议", True),
        Reason("inherited", 22, "与兄弟姐妹共同继承的份额，由他人居住", "继承公证书", False),
        Reason("sold", 22, "房屋已转让，没有办理登记", "买卖合同和收款凭证", False),
        Reason("replaced", 18, "危房改造或安置房，原房已不存在", "安置协议和入户照片", True),
        Reason("namesake", 8, "登记时证件号码录错，不是本人", "不动产登记中心书面答复", False),
    ),
    "business": (
        Reason("not_operating", 40, "执照没有实际经营，也没有收入", "税务机关零申报证明和入户照片", True),
        Reason("nominal", 24, "挂名股东，没有出资也不分红", "公司章程和其他股东证明", False),
        Reason("stale", 22, "数据日之后已注销", "准予注销登记通知书", True),
        Reason("misused", 14, "证件被他人冒用登记", "报案回执和撤销登记申请", False),
    ),
    "fiscal_kin": (
        Reason("left_payroll", 34, "家属已离职，不再由财政供养", "单位解除聘用证明", True),
        Reason("separate", 36, "已分户单独生活，没有共同收入，赡养费已计入", "户口簿和赡养协议", False),
        Reason("post", 20, "公益性岗位，不是财政供养人员", "岗位协议", True),
        Reason("namesake", 10, "同名不同人，家属关系登记错误", "财政局书面答复", False),
    ),
}  # fmt: skip

TRUE_TEXT = {
    "vehicle": "车辆属本人所有并在使用，家庭财产不符合规定",
    "estate": "房产属实，家庭财产不符合规定",
    "business": "正在经营，收入超过标准",
    "fiscal_kin": "家属由财政供养，共同生活，家庭收入超过标准",
}


def pick(rng: Random, kind: str) -> Reason:
    """One reason by weight."""
    choices = FALSE[kind]
    return rng.choices(choices, [reason.weight for reason in choices])[0]
