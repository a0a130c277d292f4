"""The deeds of the audit log in words, as a case page tells who did what."""

from __future__ import annotations

from typing import Any

from tuodi.audit.models import AuditEntry

__all__ = ["deed", "line"]

WORDS = {
    "accept_application": "受理申请", "receive_material": "收到材料", "open_case": "立案", "start_step": "启动环节",
    "complete_step": "办理环节", "skip_step": "省略环节", "decide_case": "作出决定", "post_notice": "张贴公示",
    "object_to_notice": "登记异议", "close_notice": "结束公示", "add_mark": "登记情形", "end_case": "终止办理",
    "blocked": "被拒：须回避或职责分离", "mark_kin": "标为近亲属案件", "reinvestigate": "重新调查",
    "start_fact_set": "新立事实表", "enter_facts": "登记事实", "freeze": "事实定稿", "apply_report": "采用核对报告",
    "open_request": "发起核对", "send": "发送核对", "recheck": "复核核对", "dispute": "登记核对异议",
    "make_report": "生成核对报告", "open_report": "打开核对报告", "record_consent": "登记授权", "end_consent": "授权终止",
    "plan_visit": "安排入户", "take_visit": "接受入户任务", "submit_visit": "提交入户记录", "cancel_visit": "取消入户",
    "add_photo": "上传照片", "call_review": "召集民主评议", "hold_review": "民主评议", "conclude_review": "评议结论",
    "note_kin": "近亲属备案", "decide_kin": "近亲属备案决定", "confirm": "予以确认", "refuse": "不予确认", "inform": "书面告知",
    "put_on_roll": "列入名册", "change_roll": "名册变更", "suspend": "停保", "lift_suspension": "恢复", "link_ticket": "关联热线工单",
    "call_back": "热线回访", "take_ticket": "热线来电", "assign_ticket": "热线派单",
}  # fmt: skip
_RESULTS = {
    "pass": "建议确认", "refuse": "建议不予确认", "agreed": "一致同意", "disputed": "有争议", "passed": "予以确认",
    "refused": "不予确认", "clear": "无异议", "objected": "有异议",
}  # fmt: skip


def deed(action: str) -> str:
    """What was done, in words; the verb itself where nobody named it."""
    verb = action.rpartition(".")[2]
    return WORDS.get(verb, verb)


def line(entry: AuditEntry, labels: dict[str, str] | None = None) -> dict[str, Any]:
    """One row of the log for a reader: when, who, what, and the step it was about.

    Args:
        labels: Names of the case's steps by their key.
    """
    after = entry.after if isinstance(entry.after, dict) else {}
    step = (labels or {}).get(str(after.get("step", "")), "")
    parts = [step, _RESULTS.get(str(after.get("result", "")), ""), str(after.get("reason") or "")]
    for name in ("material", "notice", "no"):
        if isinstance(after.get(name), str):
            parts.append(after[name])
    return {
        "at": entry.at,
        "who": entry.actor_name,
        "what": deed(entry.action),
        "about": " · ".join(dict.fromkeys(part for part in parts if part))[:160],
    }
