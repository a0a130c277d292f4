"""What the log's actions are called in Chinese. An action without a word here is shown by its own name."""

from __future__ import annotations

ROOMS = {
    "org.": "机构与人员",
    "web.": "查阅与导出",
    "people.": "人员与家庭",
    "intake.": "受理与导入",
    "cases.": "办件",
    "verification.": "核对与入户",
    "decisions.": "决定",
    "payments.": "发放",
    "monitoring.": "监测与线索",
    "audit.": "审计",
}
ACTIONS = {
    "org.sign_in": "登录",
    "org.sign_out": "退出登录",
    "org.sign_in_failed": "登录失败",
    "org.locked": "密码错误锁定",
    "org.unlock": "解锁账号",
    "org.refused": "访问被拒绝",
    "org.reading_alarm": "大量查阅报警",
    "org.step_up": "再次确认身份",
    "org.add_office": "建立机构",
    "org.add_user": "建立账号",
    "org.move_user": "调动账号",
    "org.disable_user": "停用账号",
    "org.enable_user": "启用账号",
    "org.grant_duty": "授予职责",
    "org.revoke_duty": "收回职责",
    "org.delegate": "委托职责",
    "org.stand_in": "设定顶岗",
    "org.recall": "收回委托",
    "org.set_password": "修改密码",
    "org.make_link": "生成一次性链接",
    "org.use_link": "用一次性链接设定密码",
    "org.enrol_factor": "启用第二因素",
    "org.reset_factor": "重置第二因素",
    "org.factor_locked": "验证码错误锁定",
    "org.use_recovery_code": "使用恢复码",
    "org.end_session": "结束登录",
    "org.end_sessions": "结束其他登录",
    "web.view": "查看资料",
    "web.list": "查看列表",
    "web.export_clues": "导出线索台账",
    "web.export_audit": "导出审计日志",
    "web.download_bank_file": "下载银行文件",
    "web.open_clue_evidence": "打开线索证据",
    "web.print_clue_sheet": "打印核查单",
    "people.reveal_id": "查看完整证件号码",
    "people.register_person": "登记人员",
    "people.form_household": "建立家庭",
    "people.record_death": "登记死亡",
    "people.reseal": "重新加密",
    "cases.open_case": "立案",
    "cases.complete_step": "办理环节",
    "cases.post_notice": "张贴公示",
    "cases.close_notice": "结束公示",
    "cases.decide_case": "作出决定",
    "cases.blocked": "职责分离拦截",
    "intake.accept_application": "受理申请",
    "decisions.confirm": "确认决定",
    "payments.approve": "审批发放",
    "payments.check": "校验发放",
    "payments.calculate": "计算发放",
    "payments.make_bank_files": "生成银行文件",
    "payments.import_return": "导入银行回盘",
    "payments.refuse_return": "拒收银行回盘",
    "payments.bank_word": "银行对报文的答复",
    "payments.import_statement": "导入银行对账单",
    "payments.refuse_statement": "拒收银行对账单",
    "payments.judge_statements": "重新核对对账遗留",
    "payments.resume_sending": "恢复送出",
    "payments.register_link": "登记银行直联",
    "payments.hold_back": "发前扣留",
    "payments.propose_item": "提出未知结果认定",
    "payments.propose_leftover": "说明对账遗留",
    "payments.confirm_decision": "复核认定",
    "payments.withdraw_decision": "不采用认定",
    "verification.open_report": "打开核对报告",
    "audit.check_chain": "校验审计链",
}
#: Words for the kinds of subject.
SUBJECTS = {
    "user": "账号",
    "office": "机构",
    "household": "家庭",
    "person": "人员",
    "case": "办件",
    "clue": "线索",
    "page": "页面",
    "audit": "审计日志",
    "payrun": "发放批次",
    "factset": "事实表",
    "checkreport": "核对报告",
}


def action(code: str) -> str:
    """The word for an action."""
    return ACTIONS.get(code, code)


def subject(code: str) -> str:
    """The word for a kind of subject."""
    return SUBJECTS.get(code, code)
